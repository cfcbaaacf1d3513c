#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use harness::metrics::Scrape;
use jiff::Timestamp;
use kube::runtime::watcher::Event;
use prometheus_client::{encoding::text::encode, registry::Registry};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{IssuerLabels, Metrics, Observed, labels::WriteLabels};
use crate::{
    api::{Certificate, Issuance, Issuer},
    controller::{
        any_issuer::AnyIssuer, context::Stores, driver::Action, error::Error, lease::LeaseHandle, store::Store,
    },
    provider::{CallError, Called, Health},
    server,
};

/// Stores that a test fills as watches do.
struct World {
    metrics: Arc<Metrics>,
    registry: Registry,
    certificates: Store<Certificate>,
    issuers: Store<Issuer>,
    issuances: Store<Issuance>,
}

impl World {
    fn new() -> Self {
        let mut registry = server::registry();
        let metrics = Metrics::register(&mut registry);
        let stores = Stores {
            certificates: Store::new(|_| Vec::new()),
            issuances: Store::new(|_| Vec::new()),
            issuers: Store::new(|_| Vec::new()),
            cluster_issuers: Store::new(|_| Vec::new()),
            secrets: Store::new(|_| Vec::new()),
            namespaces: Store::new(|_| Vec::new()),
        };
        let (certificates, issuers, issuances) =
            (stores.certificates.clone(), stores.issuers.clone(), stores.issuances.clone());
        let lease = LeaseHandle::until(Instant::now() + Duration::from_secs(60));
        let remembered = Box::new(|| vec![("intents", 2)]);
        metrics.observe(Observed { stores, lease, clock: Default::default(), remembered });
        Self { metrics, registry, certificates, issuers, issuances }
    }

    fn scrape(&self) -> Scrape {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        Scrape::parse(&text).unwrap_or_else(|error| panic!("{error:?} in\n{text}"))
    }

    /// Something of everything.
    fn filled() -> Self {
        let world = Self::new();
        world.certificates.apply(&Event::Apply(certificate()));
        world.issuers.apply(&Event::Apply(issuer()));
        let placed = issuance("Installed");
        world.issuances.apply(&Event::Apply(placed.clone()));
        world.metrics.recorded(None, &placed);
        let refusal = CallError::RateLimited { call: "order info", after: None };
        world.called(Err(&refusal));
        let meter = world.metrics.meter("certificate");
        meter.woken((Some("shop".into()), "shop".into()));
        meter.ended(Duration::from_millis(3), &Ok(Action::await_change()));
        let watch = world.metrics.watch_meter("Certificate");
        watch.event();
        watch.error();
        let write = WriteLabels { verb: "create", resource: "secrets".into() };
        world.metrics.writes.get_or_create(&write).inc();
        world
    }

    fn called(&self, result: Result<(), &CallError>) {
        let labels = IssuerLabels::from(&AnyIssuer::from(&issuer()));
        self.metrics.call_observer(labels)(&Called {
            provider: "digicert",
            method: "GET",
            endpoint: "order/certificate/{order}",
            took: Duration::from_millis(700),
            result,
            account: Health::Untold,
            pause: result.is_err().then_some(Duration::from_secs(5)),
        });
    }
}

fn object<K: serde::de::DeserializeOwned>(name: &str, spec: Value, status: Value) -> K {
    let metadata = json!({"name": name, "namespace": "shop", "uid": "u"});
    serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": status})).unwrap()
}

fn condition(type_: &str, reason: &str) -> Value {
    json!({"type": type_, "status": "True", "reason": reason, "message": "order 4711", "lastTransitionTime": "2027-01-01T00:00:00Z"})
}

fn certificate() -> Certificate {
    object(
        "shop",
        json!({"issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": ["shop.example.com"]}),
        json!({
            "conditions": [condition("Ready", "Issued"), condition("ActionRequired", "NeedsAttention")],
            "notAfter": "2027-07-01T00:00:00Z",
            "renewalTime": "2027-06-01T00:00:00Z",
            "order": {"provider": "digicert", "orderId": "4711", "validTill": "2028-01-01T00:00:00Z"},
        }),
    )
}

fn issuer() -> Issuer {
    let digicert = json!({"apiKeySecretRef": {"name": "k", "key": "k"}, "organizationId": 1, "product": "ssl_basic"});
    let policy = json!({"rules": [{"name": "all", "maxPaid": {"count": 2, "per": "24h"}}]});
    object(
        "digicert",
        json!({"digicert": digicert, "policy": policy}),
        json!({"conditions": [condition("Ready", "AccountVerified")]}),
    )
}

fn issuance(state: &str) -> Issuance {
    let spec = json!({
        "certificateRef": {"name": "shop", "uid": "u"}, "issuerRef": {"name": "digicert"},
        "account": {"provider": "digicert", "host": "h", "id": "1"}, "revision": 1, "operation": "Order", "cost": "Free",
        "reason": "FirstIssue", "idempotencyKey": "k", "submissions": [],
        "request": {"commonName": "a", "dnsNames": ["a"], "csr": "c", "publicKeySha256": "p",
            "keyOrigin": "Ours", "keyAlgorithm": "ECDSA", "keySize": 256, "product": "p", "signatureHash": "sha256"},
    });
    object("shop-1", spec, json!({"state": state, "orderId": "4711"}))
}

/// What docs/metrics.md promises: type, unit and labels by name.
fn documented() -> BTreeMap<String, (String, Option<String>, BTreeSet<String>)> {
    let words = |cell: &str| -> BTreeSet<String> {
        cell.split(',').map(|word| word.trim().trim_matches('`').to_owned()).filter(|word| !word.is_empty()).collect()
    };
    let rows = include_str!("../../../docs/metrics.md").lines().filter(|line| line.starts_with("| `evercert_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let unit = Some(cells[3].to_owned()).filter(|unit| !unit.is_empty());
        (cells[0].trim_matches('`').to_owned(), (cells[1].to_owned(), unit, words(cells[2])))
    })
    .collect()
}

#[test]
fn what_is_documented_is_shown_and_nothing_else() {
    let scrape = World::filled().scrape();
    let shown: BTreeMap<_, _> = scrape
        .families
        .iter()
        .map(|(name, family)| {
            let suffix = match family.type_.as_str() {
                "counter" => "_total",
                "info" => "_info",
                _ => "",
            };
            let labels = family.samples.iter().flat_map(|sample| sample.labels.keys().cloned());
            let labels: BTreeSet<String> = labels.filter(|label| label != "le").collect();
            (format!("{name}{suffix}"), (family.type_.clone(), family.unit.clone(), labels))
        })
        .collect();
    assert_eq!(shown, documented());
}

#[test]
fn alerts_name_what_exists() {
    let known = documented();
    let text = include_str!("../../../docs/metrics.md");
    let (_, alerts) = text.split_once("```yaml").unwrap();
    let words = alerts.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let used: BTreeSet<&str> = words.filter(|word| word.starts_with("evercert_")).collect();
    assert!(used.len() >= 5, "{used:?}");
    assert!(used.iter().all(|name| known.contains_key(*name)), "{used:?}");
}

#[test]
fn a_certificate_is_shown_as_its_status_says() {
    let scrape = World::filled().scrape();
    let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second() as f64;
    let shop = [("namespace", "shop"), ("name", "shop")];
    let value = |name: &str| scrape.sum(&format!("evercert_certificate_{name}"), &shop);
    assert_eq!(value("expiration_timestamp_seconds"), second("2027-07-01T00:00:00Z"));
    assert_eq!(value("renewal_timestamp_seconds"), second("2027-06-01T00:00:00Z"));
    assert_eq!(value("order_expiration_timestamp_seconds"), second("2028-01-01T00:00:00Z"));
    assert_eq!(value("ready"), 1.0);
    let waits = [("name", "shop"), ("reason", "NeedsAttention")];
    let since = scrape.sum("evercert_certificate_action_required_since_timestamp_seconds", &waits);
    assert_eq!(since, second("2027-01-01T00:00:00Z"));
    let ready = scrape.sum("evercert_issuer_ready", &[("kind", "Issuer"), ("namespace", "shop"), ("name", "digicert")]);
    assert_eq!(ready, 1.0);
}

#[test]
fn what_is_deleted_is_shown_no_more() {
    let world = World::filled();
    let of_objects = |scrape: &Scrape| -> Vec<String> {
        let samples = scrape.families.values().flat_map(|family| &family.samples);
        samples.filter(|sample| sample.labels.contains_key("name")).map(|sample| sample.name.clone()).collect()
    };
    assert_eq!(of_objects(&world.scrape()).len(), 12);
    world.certificates.apply(&Event::Delete(certificate()));
    world.issuers.apply(&Event::Delete(issuer()));
    assert_eq!(of_objects(&world.scrape()), Vec::<String>::new());
    world.issuers.apply(&Event::Apply(issuer()));
    let afresh = ["evercert_budget_left", "evercert_circuit_open", "evercert_issuer_ready"];
    assert_eq!(of_objects(&world.scrape()), afresh, "one of the same name starts afresh");
}

#[test]
fn an_end_and_a_purchase_count_once() {
    let world = World::new();
    let issuers = world.issuers;
    issuers.apply(&Event::Apply(issuer()));
    let count = |registry: &Registry| {
        let mut text = String::new();
        encode(&mut text, registry).unwrap();
        let scrape = Scrape::parse(&text).unwrap();
        let ended = scrape.sum("evercert_issuances_total", &[("operation", "Order"), ("result", "Installed")]);
        (scrape.sum("evercert_paid_operations_total", &[("operation", "Order")]), ended)
    };
    let (submitted, installed) = (issuance("Submitted"), issuance("Installed"));
    world.metrics.recorded(None, &submitted);
    assert_eq!(count(&world.registry), (1.0, 0.0));
    world.metrics.recorded(submitted.status.as_ref(), &installed);
    world.metrics.recorded(installed.status.as_ref(), &installed);
    assert_eq!(count(&world.registry), (1.0, 1.0));

    // A second order beside the first is money too; a reissue is not.
    let mut twice = installed.clone();
    let second = json!({"n": 2, "class": "Accepted", "code": "order 4712", "at": "2027-01-01T00:00:00Z"});
    twice.status.as_mut().unwrap().outcomes.push(serde_json::from_value(second).unwrap());
    world.metrics.recorded(installed.status.as_ref(), &twice);
    assert_eq!(count(&world.registry).0, 2.0);
    let mut reissue = issuance("Submitted");
    reissue.spec.operation = crate::api::issuance::Operation::Reissue;
    world.metrics.recorded(None, &reissue);
    assert_eq!(count(&world.registry).0, 2.0);
}

#[test]
fn calls_are_told_apart_by_what_they_prove() {
    let world = World::new();
    let (code, message) = (String::new(), String::new());
    let errors = [
        CallError::Rejected { call: "c", code: code.clone(), message: message.clone() },
        CallError::RateLimited { call: "c", after: None },
        CallError::NotSent { call: "c", message: message.clone() },
        CallError::Blocked { call: "c", code, message: message.clone(), action: String::new() },
        CallError::Ambiguous { call: "c", message },
    ];
    world.called(Ok(()));
    errors.iter().for_each(|error| world.called(Err(error)));
    let scrape = world.scrape();
    for class in ["ok", "rejected", "rate_limited", "not_sent", "blocked", "ambiguous"] {
        assert_eq!(scrape.sum("evercert_ca_calls_total", &[("class", class)]), 1.0, "{class}");
    }
    let slow = scrape.sum("evercert_ca_call_duration_seconds_bucket", &[("le", "0.5")]);
    let all = scrape.sum("evercert_ca_call_duration_seconds_bucket", &[("le", "1.0")]);
    assert_eq!((slow, all), (0.0, 6.0), "seconds");
}

#[test]
fn an_object_waits_once_and_runs_until_it_ends() {
    let world = World::new();
    let meter = world.metrics.meter("issuance");
    let of_issuance = [("controller", "issuance")];
    let value = |name: &str| world.scrape().sum(name, &of_issuance);
    let name = (Some("shop".to_owned()), "shop-1".to_owned());
    meter.woken(name.clone());
    meter.woken(name.clone());
    assert_eq!(value("evercert_reconciles_queued"), 1.0);
    meter.taken(&name);
    let running = meter.begin();
    assert_eq!((value("evercert_reconciles_queued"), value("evercert_reconciles_running")), (0.0, 1.0));
    drop(running);
    assert_eq!(value("evercert_reconciles_running"), 0.0);
    meter.ended(Duration::from_millis(1), &Err(Error::NoLease));
    let failed = [("controller", "issuance"), ("result", "lease")];
    assert_eq!(world.scrape().sum("evercert_reconciles_total", &failed), 1.0);
}

#[test]
fn a_process_that_waits_shows_no_object() {
    let mut registry = server::registry();
    let _metrics = Metrics::register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    assert!(text.contains("\nevercert_lease_held 0\n"), "{text}");
    assert!(!text.contains("evercert_certificate"), "{text}");
}

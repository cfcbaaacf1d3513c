//! What `/metrics` tells of a life on a real API server, compared with what the CA and the cluster say themselves.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Result, ensure};
use harness::{Operator, World, WorldOptions, metrics::Scrape};
use serde_json::json;
use tokio::time::{Instant, sleep};

const NAME: &str = "shop.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn counters_agree_with_the_ledger_of_the_ca() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let operator = world.operator().await?;
    let objects = &world.objects;
    let spec = json!({"issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": [NAME]});
    objects.create("Certificate", "shop", spec).await?;
    objects.until_ready("shop", 1).await?;
    world.sandbox.fault(&json!({"kind": "rateLimit", "retryAfter": 1, "match": {"operation": "reissue"}})).await?;
    objects.patch("Certificate", "shop", json!({"spec": {"dnsNames": [NAME, "www.example.com"]}})).await?;
    let ready = objects.until_ready("shop", 2).await?;

    let issuances = objects.list("Issuance").await?.len();
    until(&operator, "its watches have brought what it wrote", |scrape| {
        scrape.sum("evercert_certificate_ready", &[("name", "shop")]) == 1.0
            && scrape.sum("evercert_issuance_objects", &[("state", "Installed")]) == issuances as f64
    })
    .await?;

    let ledger = world.sandbox.ledger().await?;
    let text = operator.metrics_text().await?;
    let scrape = operator.metrics().await?;
    let paid = ledger.operations.iter().filter(|operation| operation.paid).count();
    let of_issuer = [("kind", "Issuer"), ("namespace", objects.namespace.as_str()), ("name", "digicert")];
    equal(&scrape, "evercert_paid_operations_total", &of_issuer, paid)?;
    let ok = |endpoint| [("method", "POST"), ("endpoint", endpoint), ("class", "ok")];
    equal(&scrape, "evercert_ca_calls_total", &ok("order/certificate/{product}"), ledger.count("order", NAME))?;
    equal(&scrape, "evercert_ca_calls_total", &ok("order/certificate/{order}/reissue"), ledger.count("reissue", NAME))?;
    equal(&scrape, "evercert_ca_calls_total", &[("class", "rate_limited")], 1)?;
    equal(&scrape, "evercert_rate_limit_refusals_total", &of_issuer, 1)?;
    let all = scrape.sum("evercert_ca_calls_total", &[]);
    ensure!(scrape.sum("evercert_ca_call_duration_seconds_count", &[]) == all, "every call has a duration");

    let created = [("verb", "create"), ("resource", "issuances")];
    equal(&scrape, "evercert_kube_writes_total", &created, issuances)?;
    equal(&scrape, "evercert_issuances_total", &[("result", "Installed")], issuances)?;
    equal(&scrape, "evercert_lease_held", &[], 1)?;
    equal(&scrape, "evercert_watch_objects", &[("kind", "Certificate")], 1)?;
    for controller in ["certificate", "issuance", "issuer"] {
        let ran = scrape.sum("evercert_reconciles_total", &[("controller", controller), ("result", "ok")]);
        ensure!(ran >= 1.0, "{controller} has run");
    }
    says_nothing_it_must_not(&world, &ready, &text, &scrape)?;

    objects.delete("Certificate", "shop").await?;
    until(&operator, "the Certificate's series are gone", |scrape| {
        let certificates = scrape.families.iter().filter(|(name, _)| name.starts_with("evercert_certificate_"));
        certificates.flat_map(|(_, family)| &family.samples).count() == 0
    })
    .await
}

/// No secret, and no label that takes its value from what is bought or answered.
fn says_nothing_it_must_not(world: &World, certificate: &serde_json::Value, text: &str, scrape: &Scrape) -> Result<()> {
    let api_key = world.sandbox.ready()["digicert"]["apiKey"].as_str().unwrap_or_default();
    ensure!(!api_key.is_empty() && !text.contains(api_key), "the API key is shown");
    ensure!(!text.contains("-----"), "PEM is shown");
    let status = &certificate["status"];
    let ids = [&status["order"]["orderId"], &status["order"]["certificateId"], &status["serialNumber"]];
    let ids: BTreeSet<&str> = ids.iter().filter_map(|id| id.as_str()).collect();
    ensure!(ids.len() == 3, "{status}");
    let samples = scrape.families.values().flat_map(|family| &family.samples);
    for (label, value) in samples.flat_map(|sample| &sample.labels).filter(|(label, _)| *label != "le") {
        ensure!(!ids.contains(value.as_str()) && !value.contains(NAME), "{label} is {value}");
        ensure!(value.len() < 64 && !value.contains(' '), "{label} is a sentence: {value}");
    }
    Ok(())
}

fn equal(scrape: &Scrape, name: &str, labels: &[(&str, &str)], expected: usize) -> Result<()> {
    let value = scrape.sum(name, labels);
    ensure!(value == expected as f64, "{name}{labels:?} is {value}, not {expected}");
    Ok(())
}

async fn until(operator: &Operator, what: &str, holds: impl Fn(&Scrape) -> bool) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds(&operator.metrics().await?) {
        ensure!(Instant::now() < deadline, "it did not become so that {what}");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

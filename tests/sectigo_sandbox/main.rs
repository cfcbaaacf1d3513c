//! The SCM client against the sandbox, which has read the vendor's documents by itself.

#![allow(clippy::unwrap_used)]

#[path = "../fixture/mod.rs"]
mod fixture;
mod library;
mod validation;

use evercert::dcv::Publisher;
use evercert::pki::{Chain, Leaf};
use evercert::provider::limits::{Limiter, RateLimit};
use evercert::provider::sectigo::{ApiVersion, Credentials, Sectigo, SectigoConfig, ValidationModel};
use evercert::provider::{
    Accepted, AutoRenewal, CallError, DcvMethod, Found, Location, Locations, Operation, OrderStatus, Progress,
    Provider, Request, RevocationReason, Revoked, Urgency, Validity,
};
use fixture::{Fixture, Intent, NAMES};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

impl Fixture {
    fn config(&self) -> SectigoConfig {
        SectigoConfig {
            base_url: self.text("/sectigo/url"),
            api_version: ApiVersion::V2,
            credentials: Credentials::Password {
                login: self.text("/sectigo/login"),
                password: self.text("/sectigo/password").into(),
            },
            customer_uri: self.text("/sectigo/customerUri"),
            organization_id: self.number("/sectigo/orgId"),
            profile_id: self.number("/sectigo/profileId"),
            validation: ValidationModel::PerCertificate,
            ca_bundle_pem: None,
            limiter: Arc::new(Limiter::new(RateLimit { burst: 200.try_into().unwrap(), ..RateLimit::SECTIGO })),
            observer: Arc::new(|_| ()),
            call_timeout: Duration::from_secs(20),
        }
    }

    fn sectigo(&self) -> Sectigo {
        Sectigo::new(self.config()).unwrap()
    }

    fn with_token(&self) -> Credentials {
        Credentials::OAuth2 {
            token_url: self.text("/sectigo/tokenUrl"),
            client_id: self.text("/sectigo/clientId"),
            client_secret: self.text("/sectigo/clientSecret").into(),
        }
    }

    async fn settings(&self, settings: Value) {
        let customer = self.number("/sectigo/customerId");
        self.post(&format!("scm/customers/{customer}"), json!({ "settings": settings })).await;
    }
}

impl Intent {
    async fn new(fixture: &Fixture, number: u8, operation: Operation) -> Self {
        let mut intent = Self::begin(fixture, number, operation, DcvMethod::DnsCname).await;
        intent.request.product = fixture.number("/sectigo/profileId").to_string();
        intent.request.validity = Some(Validity::Days(90));
        intent.request.organization_id = Some(fixture.number("/sectigo/orgId"));
        intent
    }

    /// After these certificates.
    fn after(mut self, leaves: &[&Leaf]) -> Self {
        self.earlier = leaves.iter().map(|leaf| leaf.serial.clone()).collect();
        self
    }

    async fn submit(&self, sectigo: &Sectigo) -> Result<Option<Accepted>, CallError> {
        let permit = sectigo.permit(Urgency::Normal).await.expect("the account may be called");
        sectigo.submit(&self.request, permit, Duration::from_secs(20)).await
    }

    async fn find(&self, sectigo: &Sectigo) -> Result<Found, CallError> {
        sectigo.find(&self.wanted()).await
    }

    async fn progress(&self, sectigo: &Sectigo, accepted: &Accepted) -> Progress {
        sectigo.progress(&self.placed(accepted)).await.unwrap().progress
    }

    /// Follows an accepted operation to a chain that verifies; the CA takes its time.
    async fn collect(&self, fixture: &Fixture, sectigo: &Sectigo, accepted: &Accepted) -> Chain {
        let mut standing = sectigo.progress(&self.placed(accepted)).await.unwrap();
        for _ in 0..50 {
            if matches!(standing.progress, Progress::Issued { .. } | Progress::Refused { .. }) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            standing = sectigo.progress(&self.placed(accepted)).await.unwrap();
        }
        let Progress::Issued { certificate_id } = &standing.progress else { panic!("{standing:?}") };
        let pem = sectigo.download(certificate_id).await.unwrap();
        assert_eq!(standing.delivered.as_ref(), Some(&pem));
        self.verified(fixture, &pem).await
    }
}

fn accepted(answer: Result<Option<Accepted>, CallError>) -> Accepted {
    answer.unwrap().expect("it says as what")
}

fn ours(found: Result<Found, CallError>) -> Accepted {
    fixture::ours(found.unwrap())
}

/// Every way in, both versions: one account, and its whole life.
#[tokio::test]
async fn a_year_of_a_certificate() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let certificate = Credentials::ClientCertificate {
        login: fixture.text("/sectigo/login"),
        certificate_pem: fixture.text("/sectigo/clientCertificate/certificate"),
        key_pem: SecretString::from(fixture.text("/sectigo/clientCertificate/key")),
    };
    let private = SectigoConfig {
        base_url: fixture.text("/sectigo/clientCertificate/url"),
        credentials: certificate,
        ca_bundle_pem: Some(fixture.text("/ca")),
        ..fixture.config()
    };
    let token = SectigoConfig { credentials: fixture.with_token(), ..fixture.config() };
    let older = SectigoConfig { api_version: ApiVersion::V1, ..fixture.config() };
    let mut number = 0;
    let mut kinds = Vec::new();
    for config in [fixture.config(), older, token, private] {
        let sectigo = Sectigo::new(config).unwrap();
        let facts = sectigo.account().await.unwrap();
        assert_eq!(facts.id, "sandbox");
        assert_eq!(facts.organization.as_deref(), Some("sandbox Ltd"));
        let mut intent = async |operation| {
            number += 1;
            Intent::new(&fixture, number, operation).await
        };

        let order = intent(Operation::Order).await;
        assert_eq!(sectigo.preflight(&order.request).await, Ok(()));
        assert_eq!(order.find(&sectigo).await, Ok(Found::Absent));
        let placed = accepted(order.submit(&sectigo).await);
        assert_eq!(ours(order.find(&sectigo).await).order_id, placed.order_id);
        let first = order.collect(&fixture, &sectigo, &placed).await;
        assert!(first.ca_crt.is_some());

        fixture.post("clock", json!({ "advance": "30d" })).await;
        let reissue = intent(Operation::Reissue { order_id: placed.order_id.clone() }).await.after(&[&first.leaf]);
        assert_eq!(sectigo.preflight(&reissue.request).await, Ok(()));
        assert_eq!(reissue.find(&sectigo).await, Ok(Found::Absent));
        let replaced = accepted(reissue.submit(&sectigo).await);
        assert_eq!(replaced.order_id, placed.order_id);
        let second = reissue.collect(&fixture, &sectigo, &replaced).await;
        assert!(second.leaf.serial != first.leaf.serial && second.leaf.not_after <= first.leaf.not_after);
        assert_eq!(ours(reissue.find(&sectigo).await).order_id, placed.order_id);

        fixture.post("clock", json!({ "advance": "30d" })).await;
        let renewal = intent(Operation::Renew { order_id: placed.order_id.clone() }).await;
        assert_eq!(sectigo.preflight(&renewal.request).await, Ok(()));
        assert_eq!(renewal.find(&sectigo).await, Ok(Found::Absent));
        let renewed = accepted(renewal.submit(&sectigo).await);
        assert_ne!(renewed.order_id, placed.order_id);
        let third = renewal.collect(&fixture, &sectigo, &renewed).await;
        assert!(third.leaf.not_after > second.leaf.not_after);
        assert_eq!(ours(renewal.find(&sectigo).await).order_id, renewed.order_id);
        let old = sectigo.order(&placed.order_id).await.unwrap();
        assert!(
            old.status == OrderStatus::Active
                && !old.pending
                && old.auto_renew == AutoRenewal::Off
                && old.valid_till.is_some()
        );
        assert!(old.content.renewed_unseen);
        assert_eq!(old.content.public_key_sha256.as_ref(), Some(&reissue.key));
        assert_eq!(old.content.idempotency_key.as_ref(), Some(&order.request.idempotency_key));

        for serial in [&first.leaf.serial, &third.leaf.serial] {
            for _ in 0..2 {
                let revoked = sectigo.revoke(serial, RevocationReason::KeyCompromise).await;
                assert_eq!(revoked, Ok(Revoked::Done), "{serial}");
            }
        }
        let revoked = sectigo.order(&renewed.order_id).await.unwrap();
        assert!(revoked.status == OrderStatus::Revoked && revoked.certificate_revoked);
        kinds.extend(["enroll", "replace", "renew", "revoke", "revoke"].map(str::to_owned));
    }
    assert_eq!(fixture.ledger().await, (kinds, 8));
}

#[tokio::test]
async fn what_was_accepted_and_lost_is_ambiguous_and_found_again() {
    let faults = [
        json!({ "kind": "resetAfterCommit" }),
        json!({ "kind": "errorAfterCommit", "status": 503 }),
        json!({ "kind": "truncateBody" }),
        json!({ "kind": "nonJson" }),
    ];
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    let mut number = 0;
    let mut kinds: Vec<String> = Vec::new();
    for fault in faults {
        let mut order_id = String::new();
        let mut leaves: Vec<Leaf> = Vec::new();
        for kind in ["enroll", "replace", "renew"] {
            let operation = match kind {
                "enroll" => Operation::Order,
                "replace" => Operation::Reissue { order_id: order_id.clone() },
                _ => Operation::Renew { order_id: order_id.clone() },
            };
            number += 1;
            let before: Vec<&Leaf> = leaves.iter().collect();
            let intent = Intent::new(&fixture, number, operation).await.after(&before);
            assert_eq!(intent.find(&sectigo).await, Ok(Found::Absent), "{kind} {fault}");
            let mut fault = fault.clone();
            fault["match"] = json!({ "operation": kind });
            fixture.post("faults", fault.clone()).await;
            let outcome = intent.submit(&sectigo).await;
            // A replacement answers nothing that could be cut off.
            let nothing = kind == "replace" && ["truncateBody", "nonJson"].contains(&fault["kind"].as_str().unwrap());
            assert!(nothing || matches!(outcome, Err(CallError::Ambiguous { .. })), "{kind} {fault}: {outcome:?}");
            kinds.push(kind.into());
            let found = ours(intent.find(&sectigo).await);
            leaves.push(intent.collect(&fixture, &sectigo, &found).await.leaf);
            order_id = found.order_id;
        }
    }
    let paid = kinds.iter().filter(|kind| *kind != "replace").count() as u64;
    assert_eq!(fixture.ledger().await, (kinds, paid));
}

#[tokio::test]
async fn what_was_never_accepted_is_absent() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    let faults = [json!({ "kind": "resetBeforeCommit" }), json!({ "kind": "errorBeforeCommit", "status": 503 })];
    for (number, fault) in (1..).zip(faults) {
        let intent = Intent::new(&fixture, number, Operation::Order).await;
        fixture.post("faults", fault).await;
        let outcome = intent.submit(&sectigo).await;
        assert!(matches!(outcome, Err(CallError::Ambiguous { .. })), "{outcome:?}");
        assert_eq!(intent.find(&sectigo).await, Ok(Found::Absent));
    }
    fixture.post("faults", json!({ "kind": "rateLimit", "retryAfter": 1 })).await;
    let intent = Intent::new(&fixture, 9, Operation::Order).await;
    let limited = CallError::RateLimited { call: "request SSL certificate", after: Some(Duration::from_secs(1)) };
    assert_eq!(intent.submit(&sectigo).await, Err(limited));
    assert_eq!(fixture.ledger().await, (Vec::new(), 0));
}

#[tokio::test]
async fn a_renewal_that_tells_no_id_is_found_by_its_key() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    fixture.settings(json!({ "renewalWithholdsId": true, "renewalKeepsExtras": true })).await;
    let sectigo = fixture.sectigo();
    let order = Intent::new(&fixture, 1, Operation::Order).await;
    let placed = accepted(order.submit(&sectigo).await);
    order.collect(&fixture, &sectigo, &placed).await;
    let renewal = Intent::new(&fixture, 2, Operation::Renew { order_id: placed.order_id.clone() }).await;
    assert_eq!(renewal.submit(&sectigo).await, Ok(None));
    let found = ours(renewal.find(&sectigo).await);
    assert_ne!(found.order_id, placed.order_id);
    renewal.collect(&fixture, &sectigo, &found).await;
    // Its mark is in both by now: the enrollment is still the older one.
    assert_eq!(ours(order.find(&sectigo).await).order_id, placed.order_id);
}

/// What SCM says before a certificate can be collected, and what is there while a replacement is under way.
#[tokio::test]
async fn what_is_not_there_yet_is_waited_for() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    let mut number = 0;
    for not_ready in ["beingProcessed", "requestProcessed", "notCollectable", "empty"] {
        for during in ["old", "notReady"] {
            let leaf_first = during == "old";
            fixture
                .settings(json!({ "notReady": not_ready, "duringReplacement": during, "pemLeafFirst": leaf_first }))
                .await;
            let pending = async |operation: &str| {
                let fault = json!({ "match": { "operation": operation }, "kind": "stayPending", "times": 1 });
                fixture.post("faults", fault).await;
            };
            number += 2;
            pending("enroll").await;
            let order = Intent::new(&fixture, number, Operation::Order).await;
            let placed = accepted(order.submit(&sectigo).await);
            let progress = order.progress(&sectigo, &placed).await;
            assert!(!matches!(progress, Progress::Issued { .. } | Progress::Refused { .. }), "{progress:?}");
            let early = sectigo.download(&placed.order_id).await;
            assert!(matches!(early, Err(CallError::Ambiguous { .. })), "{not_ready}: {early:?}");
            assert_eq!(ours(order.find(&sectigo).await).order_id, placed.order_id);
            fixture.post(&format!("scm/ssl/{}/release", placed.order_id), json!({})).await;
            let first = order.collect(&fixture, &sectigo, &placed).await;

            pending("replace").await;
            let operation = Operation::Reissue { order_id: placed.order_id.clone() };
            let reissue = Intent::new(&fixture, number + 1, operation).await.after(&[&first.leaf]);
            accepted(reissue.submit(&sectigo).await);
            let progress = reissue.progress(&sectigo, &placed).await;
            assert!(!matches!(progress, Progress::Issued { .. } | Progress::Refused { .. }), "{progress:?}");
            assert_eq!(ours(reissue.find(&sectigo).await).order_id, placed.order_id);
            let facts = sectigo.order(&placed.order_id).await.unwrap();
            assert!(facts.status == OrderStatus::Active && facts.pending, "{facts:?}");
            fixture.post(&format!("scm/ssl/{}/release", placed.order_id), json!({})).await;
            let second = reissue.collect(&fixture, &sectigo, &placed).await;
            assert_ne!(second.leaf.serial, first.leaf.serial);
        }
    }
}

#[tokio::test]
async fn what_waits_for_a_person_is_approved_declined_amended_or_taken_back() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    for (number, profile) in [(1, "approved"), (2, "approvedTwice"), (3, "approved"), (4, "approved")] {
        let mut order = Intent::new(&fixture, number, Operation::Order).await;
        order.request.product = fixture.number(&format!("/sectigo/profiles/{profile}")).to_string();
        let placed = accepted(order.submit(&sectigo).await);
        let awaits = Progress::AwaitingApproval { request_id: Some(placed.order_id.clone()) };
        assert_eq!(order.progress(&sectigo, &placed).await, awaits);
        assert_eq!(ours(order.find(&sectigo).await).order_id, placed.order_id);
        let act = async |action: &str| {
            fixture.post(&format!("scm/ssl/{}/{action}", placed.order_id), json!({})).await;
        };
        match number {
            1 => {
                // A key that was lost before anybody approved: the same request, for another one.
                let amend = Operation::Amend { order_id: placed.order_id.clone() };
                let amended = Intent::new(&fixture, 5, amend.clone()).await;
                assert_eq!(amended.find(&sectigo).await, Ok(Found::Absent));
                assert_eq!(accepted(amended.submit(&sectigo).await).order_id, placed.order_id);
                assert_eq!(ours(amended.find(&sectigo).await).order_id, placed.order_id);
                act("approve").await;
                amended.collect(&fixture, &sectigo, &placed).await;
                let late = Intent::new(&fixture, 6, amend).await.submit(&sectigo).await;
                assert!(matches!(late, Err(CallError::Rejected { .. })), "{late:?}");
            }
            2 => {
                act("approve").await;
                assert_eq!(order.progress(&sectigo, &placed).await, awaits);
                act("approve").await;
                order.collect(&fixture, &sectigo, &placed).await;
            }
            3 => {
                act("decline").await;
                let progress = order.progress(&sectigo, &placed).await;
                assert!(matches!(progress, Progress::Refused { .. }), "{progress:?}");
                assert_eq!(sectigo.order(&placed.order_id).await.unwrap().status, OrderStatus::Canceled);
            }
            _ => {
                assert_eq!(sectigo.cancel(&order.placed(&placed), "nobody wants it").await, Ok(()));
                let progress = order.progress(&sectigo, &placed).await;
                assert!(matches!(progress, Progress::Refused { .. }), "{progress:?}");
                let again = sectigo.cancel(&order.placed(&placed), "nobody wants it").await;
                assert!(matches!(again, Err(CallError::Rejected { .. })), "{again:?}");
            }
        }
    }
}

/// Their own codes, so that who decides can tell them from other refusals.
#[tokio::test]
async fn a_profile_may_forbid_renewal_or_replacement() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    for (number, profile, code) in [(1, "notRenewable", "-180"), (2, "notReplaceable", "-37")] {
        let mut order = Intent::new(&fixture, number, Operation::Order).await;
        order.request.product = fixture.number(&format!("/sectigo/profiles/{profile}")).to_string();
        let placed = accepted(order.submit(&sectigo).await);
        let first = order.collect(&fixture, &sectigo, &placed).await;
        let order_id = placed.order_id.clone();
        let operation = if number == 1 { Operation::Renew { order_id } } else { Operation::Reissue { order_id } };
        let refused = Intent::new(&fixture, number + 2, operation).await.after(&[&first.leaf]).submit(&sectigo).await;
        assert!(matches!(&refused, Err(CallError::Rejected { code: told, .. }) if told == code), "{refused:?}");
    }
    assert_eq!(fixture.ledger().await.1, 2);
}

#[tokio::test]
async fn what_an_account_lacks_is_told_before_anything_is_asked_for() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let code = async |config: SectigoConfig| match Sectigo::new(config).unwrap().account().await {
        Err(CallError::Blocked { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    let wrong = Credentials::Password { login: fixture.text("/sectigo/login"), password: "wrong".into() };
    assert_eq!(code(SectigoConfig { credentials: wrong, ..fixture.config() }).await, "bad_credentials");
    let token = Credentials::OAuth2 {
        token_url: fixture.text("/sectigo/tokenUrl"),
        client_id: fixture.text("/sectigo/clientId"),
        client_secret: "wrong".into(),
    };
    assert_eq!(code(SectigoConfig { credentials: token, ..fixture.config() }).await, "bad_credentials");
    assert_eq!(code(SectigoConfig { organization_id: 1, ..fixture.config() }).await, "unknown_organization");
    assert_eq!(code(SectigoConfig { profile_id: 1, ..fixture.config() }).await, "unknown_product");

    let sectigo = fixture.sectigo();
    let order = Intent::new(&fixture, 1, Operation::Order).await.request;
    for (request, code) in [
        (Request { validity: Some(Validity::Days(31)), ..order.clone() }, "unknown_product"),
        (Request { product: "1".into(), ..order.clone() }, "unknown_product"),
        (Request { dns_names: vec!["shop.example.invalid".into()], ..order.clone() }, "unknown_domain"),
    ] {
        let told = sectigo.preflight(&request).await;
        assert!(matches!(&told, Err(CallError::Blocked { code: known, .. }) if known == code), "{told:?}");
        let permit = sectigo.permit(Urgency::Normal).await.expect("the account may be called");
        let refused = sectigo.submit(&request, permit, Duration::from_secs(20)).await;
        assert!(matches!(refused, Err(CallError::Rejected { .. } | CallError::Blocked { .. })), "{refused:?}");
    }
    assert_eq!(fixture.ledger().await, (Vec::new(), 0));
}

#[tokio::test]
async fn a_void_token_is_replaced_and_nothing_is_said_twice() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = Sectigo::new(SectigoConfig { credentials: fixture.with_token(), ..fixture.config() }).unwrap();
    let order = Intent::new(&fixture, 1, Operation::Order).await;
    let placed = accepted(order.submit(&sectigo).await);
    let tokens = format!("{}/_sandbox/scm/tokens", fixture.text("/url"));
    fixture.http.delete(tokens).send().await.unwrap().error_for_status().unwrap();
    order.collect(&fixture, &sectigo, &placed).await;
    assert_eq!(fixture.ledger().await, (vec!["enroll".to_owned()], 1));
}

#[tokio::test]
async fn a_place_is_in_the_inventory_until_it_is_struck_out() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    let order = Intent::new(&fixture, 1, Operation::Order).await;
    let placed = accepted(order.submit(&sectigo).await);
    order.collect(&fixture, &sectigo, &placed).await;
    let location = |secret: &str| Location { cluster: "prod".into(), namespace: "web".into(), secret: secret.into() };
    for _ in 0..2 {
        sectigo.record_location(&placed.order_id, &location("shop-tls")).await.unwrap();
        sectigo.record_location(&placed.order_id, &location("other-tls")).await.unwrap();
    }
    assert_eq!(sectigo.certificate_locations(&placed.order_id).await.unwrap().len(), 2);
    for _ in 0..2 {
        sectigo.remove_location(&placed.order_id, &location("shop-tls")).await.unwrap();
    }
    let left = sectigo.certificate_locations(&placed.order_id).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].details["secret"], ["other-tls"]);
}

#[tokio::test]
async fn scm_stops_renewing_by_itself() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    let order = Intent::new(&fixture, 1, Operation::Order).await;
    let placed = accepted(order.submit(&sectigo).await);
    order.collect(&fixture, &sectigo, &placed).await;
    let schedule = evercert::provider::sectigo::Update {
        auto_renewal: Some(evercert::provider::sectigo::AutoRenewalWanted::DaysBeforeExpiration(30)),
        ..Default::default()
    };
    sectigo.update(&placed.order_id, &schedule).await.unwrap();
    assert_eq!(sectigo.order(&placed.order_id).await.unwrap().auto_renew, AutoRenewal::Scheduled);
    assert_eq!(sectigo.stop_auto_renewal(&placed.order_id).await, Ok(()));
    assert_eq!(sectigo.order(&placed.order_id).await.unwrap().auto_renew, AutoRenewal::Off);
    fixture.post("clock", json!({ "advance": "180d" })).await;
    assert_eq!(sectigo.order(&placed.order_id).await.unwrap().auto_renew, AutoRenewal::Off);
    assert_eq!(fixture.ledger().await, (vec!["enroll".to_owned()], 1));
}

#[tokio::test]
async fn a_certificate_is_validated_by_the_record_that_is_asked_for() {
    let fixture = Fixture::start(&["--dcv", "check", "--poll-seconds", "3600"]).await;
    let sectigo = fixture.sectigo();
    let publisher = fixture.publisher();
    for (number, method) in [(1, DcvMethod::DnsCname), (2, DcvMethod::DnsTxt)] {
        let mut order = Intent::new(&fixture, number, Operation::Order).await;
        order.request.product = fixture.number("/sectigo/profiles/dv").to_string();
        order.request.dcv_method = method;
        let placed = accepted(order.submit(&sectigo).await);
        assert_eq!(order.progress(&sectigo, &placed).await, Progress::Validating);
        let placed_at = order.placed(&placed);
        let validations = sectigo.validations(&placed_at, method).await.unwrap();
        let open: Vec<_> = validations.iter().filter_map(|validation| validation.record.as_ref()).collect();
        assert!(!open.is_empty() && open.iter().all(|record| record.method == method), "{validations:?}");
        assert_eq!(sectigo.check_dcv(&placed_at, &[]).await, Ok(()));
        assert_eq!(order.progress(&sectigo, &placed).await, Progress::Validating);
        for record in open {
            publisher.ensure(&record.into()).await.unwrap();
        }
        assert_eq!(sectigo.check_dcv(&placed_at, &[]).await, Ok(()));
        order.collect(&fixture, &sectigo, &placed).await;
    }
}

#[tokio::test]
async fn a_domain_is_validated_before_anything_is_asked_for() {
    let fixture = Fixture::start(&["--dcv", "check", "--poll-seconds", "1"]).await;
    let at = |name: &str| format!("/sectigo/prevalidated/{name}");
    let publisher = fixture.publisher();
    for (version, method, names) in [
        (ApiVersion::V2, DcvMethod::DnsCname, NAMES),
        (ApiVersion::V1, DcvMethod::DnsTxt, ["www.example.org", "*.example.org"]),
    ] {
        let names: BTreeSet<String> = names.map(str::to_owned).into();
        let sectigo = Sectigo::new(SectigoConfig {
            api_version: version,
            base_url: fixture.text(&at("url")),
            credentials: Credentials::Password {
                login: fixture.text(&at("login")),
                password: fixture.text(&at("password")).into(),
            },
            customer_uri: fixture.text(&at("customerUri")),
            organization_id: fixture.number(&at("orgId")),
            profile_id: fixture.number(&at("profileId")),
            validation: ValidationModel::PerDomain,
            ..fixture.config()
        })
        .unwrap();
        let domains = sectigo.domain_validation().unwrap();
        let mut order = Intent::new(&fixture, 1, Operation::Order).await;
        order.request.organization_id = Some(fixture.number(&at("orgId")));
        order.request.product = fixture.number(&at("profileId")).to_string();
        if version == ApiVersion::V2 {
            let refused = order.submit(&sectigo).await;
            let code = match &refused {
                Err(CallError::Blocked { code, .. }) => code.as_str(),
                other => panic!("{other:?}"),
            };
            assert_eq!(code, "unvalidated_domain");
        }

        let open = domains.domains_of(&names, method).await.unwrap();
        let record = open[0].record.as_ref().unwrap_or_else(|| panic!("{open:?}"));
        assert_eq!((open.len(), record.method), (1, method));
        let again = domains.domains_of(&names, method).await.unwrap();
        assert_eq!(again[0].record, open[0].record, "begun once");
        let asked = vec![open[0].domain.clone()];
        assert_eq!(domains.check_domains(&asked, method).await, Ok(()));
        publisher.ensure(&record.into()).await.unwrap();
        assert_eq!(domains.check_domains(&asked, method).await, Ok(()));
        let mut told = domains.domains_of(&names, method).await.unwrap();
        for _ in 0..50 {
            if told.iter().all(|validation| validation.valid) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            domains.check_domains(&asked, method).await.unwrap();
            told = domains.domains_of(&names, method).await.unwrap();
        }
        assert!(told.iter().all(|validation| validation.valid), "{told:?}");
        if version == ApiVersion::V2 {
            let placed = accepted(order.submit(&sectigo).await);
            order.collect(&fixture, &sectigo, &placed).await;
        }
    }
}

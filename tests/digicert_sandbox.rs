//! The CertCentral client against the sandbox, which has read the vendor's documents by itself.

#![allow(clippy::unwrap_used)]

mod fixture;

use evercert::dcv::Publisher;
use evercert::pki::Chain;
use evercert::provider::digicert::{DigiCert, DigiCertConfig};
use evercert::provider::limits::{Limiter, RateLimit};
use evercert::provider::{
    Accepted, AutoRenewal, CallError, DcvMethod, Found, Operation, OrderStatus, Progress, Provider, RevocationReason,
    Revoked, Urgency, Validity,
};
use fixture::{Fixture, Intent, ours};
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

impl Fixture {
    fn organization(&self) -> u64 {
        self.number("/digicert/organizationId")
    }

    fn config(&self) -> DigiCertConfig {
        DigiCertConfig {
            base_url: self.text("/digicert/url"),
            api_key: SecretString::from(self.text("/digicert/apiKey")),
            organization_id: Some(self.organization()),
            product: "ssl_basic".into(),
            ca_bundle_pem: None,
            limiter: Arc::new(Limiter::new(RateLimit::CERTCENTRAL)),
            observer: Arc::new(|_| ()),
            call_timeout: Duration::from_secs(20),
        }
    }

    fn digicert(&self) -> DigiCert {
        DigiCert::new(self.config()).unwrap()
    }
}

impl Intent {
    async fn new(fixture: &Fixture, number: u8, operation: Operation) -> Self {
        let mut intent = Self::begin(fixture, number, operation, DcvMethod::DnsTxt).await;
        intent.request.product = "ssl_basic".into();
        intent.request.order_validity = Some(Validity::Years(1));
        intent.request.organization_id = Some(fixture.organization());
        intent
    }

    async fn submit(&self, digicert: &DigiCert) -> Result<Accepted, CallError> {
        let permit = digicert.permit(Urgency::Normal).await?;
        let accepted = digicert.submit(&self.request, permit, Duration::from_secs(20)).await?;
        Ok(accepted.expect("CertCentral always tells the order"))
    }

    async fn find(&self, digicert: &DigiCert) -> Found {
        digicert.find(&self.wanted()).await.unwrap()
    }

    /// Follows an accepted operation to a chain that verifies.
    async fn collect(&self, fixture: &Fixture, digicert: &DigiCert, accepted: &Accepted) -> (String, Chain) {
        let standing = digicert.progress(&self.placed(accepted)).await.unwrap();
        let Progress::Issued { certificate_id } = standing.progress else { panic!("{standing:?}") };
        let pem = digicert.download(&certificate_id).await.unwrap();
        (certificate_id, self.verified(fixture, &pem).await)
    }
}

#[tokio::test]
async fn a_year_of_a_certificate() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let digicert = fixture.digicert();
    let facts = digicert.account().await.unwrap();
    assert_eq!(facts.id, fixture.ready["digicert"]["accountId"].to_string());
    assert_eq!(facts.organization.as_deref(), Some("Sandbox Ltd"));

    let order = Intent::new(&fixture, 1, Operation::Order).await;
    assert_eq!(order.find(&digicert).await, Found::Absent);
    let placed = order.submit(&digicert).await.unwrap();
    assert_eq!(ours(order.find(&digicert).await).order_id, placed.order_id);
    let (first, chain) = order.collect(&fixture, &digicert, &placed).await;
    assert!(chain.ca_crt.is_some());

    fixture.post("clock", json!({ "advance": "150d" })).await;
    let reissue = Intent::new(&fixture, 2, Operation::Reissue { order_id: placed.order_id.clone() }).await;
    assert_eq!(reissue.find(&digicert).await, Found::Absent);
    let reissued = reissue.submit(&digicert).await.unwrap();
    assert_eq!(reissued.order_id, placed.order_id);
    assert_eq!(ours(reissue.find(&digicert).await).certificate_id, reissued.certificate_id);
    let (second, later) = reissue.collect(&fixture, &digicert, &reissued).await;
    assert!(second != first && later.leaf.not_after > chain.leaf.not_after);

    fixture.post("clock", json!({ "advance": "150d" })).await;
    let renewal = Intent::new(&fixture, 3, Operation::Renew { order_id: placed.order_id.clone() }).await;
    assert_eq!(renewal.find(&digicert).await, Found::Absent);
    let renewed = renewal.submit(&digicert).await.unwrap();
    assert_ne!(renewed.order_id, placed.order_id);
    assert_eq!(ours(renewal.find(&digicert).await).order_id, renewed.order_id);
    renewal.collect(&fixture, &digicert, &renewed).await;
    let old = digicert.order(&placed.order_id).await.unwrap();
    assert_eq!(old.renewed_by.as_deref(), Some(renewed.order_id.as_str()));
    assert!(
        old.status == OrderStatus::Active
            && !old.pending
            && old.auto_renew == AutoRenewal::Off
            && old.valid_till.is_some()
    );

    assert_eq!(digicert.revoke(&second, RevocationReason::KeyCompromise).await, Ok(Revoked::Done));
    assert_eq!(digicert.revoke(&second, RevocationReason::KeyCompromise).await, Ok(Revoked::Done));
    let by_serial = digicert.revoke(&chain.leaf.serial, RevocationReason::Superseded).await;
    assert_eq!(by_serial, Ok(Revoked::Done));
    let kinds = ["order", "reissue", "renew", "revoke", "revoke"].map(str::to_owned);
    assert_eq!(fixture.ledger().await, (kinds.to_vec(), 2));
}

#[tokio::test]
async fn what_was_accepted_and_lost_is_ambiguous_and_found_again() {
    let faults = [
        json!({ "kind": "resetAfterCommit" }),
        json!({ "kind": "errorAfterCommit", "status": 502 }),
        json!({ "kind": "truncateBody" }),
        json!({ "kind": "nonJson" }),
    ];
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let digicert = fixture.digicert();
    let mut number = 0;
    let mut kinds: Vec<String> = Vec::new();
    for fault in faults {
        // The organization's validation does not last for all these years.
        fixture.post(&format!("organizations/{}/validate", fixture.organization()), json!({})).await;
        let mut order_id = String::new();
        for kind in ["order", "reissue", "renew"] {
            let operation = match kind {
                "order" => Operation::Order,
                "reissue" => Operation::Reissue { order_id: order_id.clone() },
                _ => {
                    fixture.post("clock", json!({ "advance": "300d" })).await;
                    Operation::Renew { order_id: order_id.clone() }
                }
            };
            number += 1;
            let intent = Intent::new(&fixture, number, operation).await;
            assert_eq!(intent.find(&digicert).await, Found::Absent, "{kind} {fault}");
            let mut fault = fault.clone();
            fault["match"] = json!({ "operation": kind });
            fixture.post("faults", fault.clone()).await;
            let outcome = intent.submit(&digicert).await;
            assert!(matches!(outcome, Err(CallError::Ambiguous { .. })), "{kind} {fault}: {outcome:?}");
            kinds.push(kind.into());
            let found = ours(intent.find(&digicert).await);
            intent.collect(&fixture, &digicert, &found).await;
            order_id = found.order_id;
        }
    }
    let paid = kinds.iter().filter(|kind| *kind != "reissue").count() as u64;
    assert_eq!(fixture.ledger().await, (kinds, paid));
}

#[tokio::test]
async fn what_was_never_accepted_is_absent() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let digicert = fixture.digicert();
    for (number, fault) in
        [json!({ "kind": "resetBeforeCommit" }), json!({ "kind": "errorBeforeCommit", "status": 503 })]
            .into_iter()
            .enumerate()
    {
        let intent = Intent::new(&fixture, number as u8, Operation::Order).await;
        fixture.post("faults", fault).await;
        let outcome = intent.submit(&digicert).await;
        assert!(matches!(outcome, Err(CallError::Ambiguous { .. })), "{outcome:?}");
        assert_eq!(intent.find(&digicert).await, Found::Absent);
    }
    fixture.post("faults", json!({ "kind": "rateLimit", "retryAfter": 1 })).await;
    let intent = Intent::new(&fixture, 9, Operation::Order).await;
    let limited = CallError::RateLimited { call: "order certificate", after: Some(Duration::from_secs(1)) };
    assert_eq!(intent.submit(&digicert).await, Err(limited));
    assert_eq!(fixture.ledger().await, (Vec::new(), 0));
}

#[tokio::test]
async fn a_key_an_organization_and_a_product_that_do_not_serve_are_told_apart() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let code = async |config: DigiCertConfig| match DigiCert::new(config).unwrap().account().await {
        Err(CallError::Blocked { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    let bad = DigiCertConfig { api_key: SecretString::from("nobody's"), ..fixture.config() };
    assert_eq!(code(bad).await, "bad_api_key");
    let viewer = SecretString::from(fixture.text("/digicert/viewOnlyApiKey"));
    assert_eq!(code(DigiCertConfig { api_key: viewer.clone(), ..fixture.config() }).await, "missing_permission");
    assert_eq!(code(DigiCertConfig { organization_id: Some(1), ..fixture.config() }).await, "unknown_organization");
    assert_eq!(code(DigiCertConfig { product: "ssl_gold".into(), ..fixture.config() }).await, "unknown_product");
    let lost = DigiCertConfig { base_url: format!("{}/else", fixture.text("/digicert/url")), ..fixture.config() };
    assert_eq!(code(lost).await, "wrong_url");

    let viewer = DigiCert::new(DigiCertConfig { api_key: viewer, ..fixture.config() }).unwrap();
    let refused = Intent::new(&fixture, 1, Operation::Order).await.submit(&viewer).await;
    assert!(matches!(&refused, Err(CallError::Blocked { code, .. }) if code == "missing_permission"), "{refused:?}");
}

#[tokio::test]
async fn an_order_waits_for_approval_and_is_refused_with_the_words_of_who_refused() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let digicert = fixture.digicert();
    let mut intent = Intent::new(&fixture, 1, Operation::Order).await;
    intent.request.skip_approval = false;
    let accepted = intent.submit(&digicert).await.unwrap();
    let request = accepted.request_id.clone().unwrap();
    let standing = digicert.progress(&intent.placed(&accepted)).await.unwrap();
    assert_eq!(standing.progress, Progress::AwaitingApproval { request_id: Some(request.clone()) });
    assert_eq!(ours(intent.find(&digicert).await).order_id, accepted.order_id);

    fixture.post(&format!("requests/{request}/reject"), json!({})).await;
    let standing = digicert.progress(&intent.placed(&accepted)).await.unwrap();
    let Progress::Refused { reason } = standing.progress else { panic!("{standing:?}") };
    assert!(reason.contains("Decided in the sandbox"), "{reason}");
    assert_eq!(digicert.order(&accepted.order_id).await.unwrap().status, OrderStatus::Canceled);
}

#[tokio::test]
async fn a_domain_is_validated_by_the_record_that_is_asked_for() {
    let fixture = Fixture::start(&["--dcv", "check", "--poll-seconds", "3600"]).await;
    let digicert = fixture.digicert();
    let publisher = fixture.publisher();
    for (number, method) in [(1, DcvMethod::DnsTxt), (2, DcvMethod::DnsCname)] {
        let mut intent = Intent::new(&fixture, number, Operation::Order).await;
        intent.request.product = "ssl_dv_geotrust_flex".into();
        // The method is changed on the order when another is wanted.
        intent.request.dcv_method = DcvMethod::DnsTxt;
        let placed = intent.placed(&intent.submit(&digicert).await.unwrap());
        let pending = digicert.progress(&placed).await.unwrap();
        assert_eq!(pending.progress, Progress::Validating);

        let validations = digicert.validations(&placed, method).await.unwrap();
        let open: Vec<_> = validations.iter().filter_map(|validation| validation.record.as_ref()).collect();
        assert!(!open.is_empty() && open.iter().all(|record| record.method == method), "{validations:?}");
        let domains: Vec<String> = validations.iter().map(|validation| validation.domain.clone()).collect();
        assert_eq!(digicert.check_dcv(&placed, &domains).await, Ok(()));
        assert_eq!(digicert.progress(&placed).await.unwrap().progress, Progress::Validating);

        for record in open {
            publisher.ensure(&record.into()).await.unwrap();
        }
        assert_eq!(digicert.check_dcv(&placed, &domains).await, Ok(()));
        let done = digicert.validations(&placed, method).await.unwrap();
        assert!(done.iter().all(|validation| validation.valid && validation.record.is_none()), "{done:?}");
        let progress = digicert.progress(&placed).await.unwrap().progress;
        assert!(matches!(progress, Progress::Issued { .. }), "{progress:?}");
    }
}

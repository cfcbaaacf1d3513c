//! The account as one that certificates come from.

use evercert::provider::dnsimple::DnSimple;
use evercert::provider::{
    Accepted, DcvMethod, Details, Found, Operation, Placed, Progress, Provider, Request, RevocationReason, Revoked,
    Wanted,
};
use std::collections::BTreeSet;

use super::certificates::certificate;
use super::letsencrypt::AT as LETSENCRYPT;
use super::*;

const AT: &str = "1010/domains/example.com/certificates";

fn provider(server: &MockServer) -> DnSimple {
    DnSimple::new(account(server), SHORT)
}

/// The account has `example.com` and nothing below it.
async fn domains(server: &MockServer, asked: &[&str]) {
    for name in asked {
        let body = json!({ "message": format!("Domain `{name}` not found") });
        call("GET", &format!("1010/domains/{name}")).respond_with(status(404).set_body_json(body)).mount(server).await;
    }
    let domain = json!({ "data": { "id": 289333, "name": "example.com", "state": "hosted" } });
    call("GET", "1010/domains/example.com").respond_with(status(200).set_body_json(domain)).mount(server).await;
}

fn request(operation: Operation, names: &[&str]) -> Request {
    Request {
        operation,
        product: "LetsEncrypt".into(),
        common_name: names[0].into(),
        dns_names: names.iter().map(|&name| name.into()).collect(),
        csr: String::new(),
        signature_hash: "sha256".into(),
        validity: None,
        order_validity: None,
        organization_id: None,
        skip_approval: false,
        dcv_method: DcvMethod::DnsTxt,
        details: Details { signature_algorithm: Some("RSA".into()), ..Details::default() },
        idempotency_key: "00000000-0000-8000-8000-000000000000".into(),
    }
}

async fn submit(provider: &DnSimple, request: &Request) -> Result<Accepted, CallError> {
    let permit = provider.permit(Urgency::Normal).await.unwrap();
    provider.submit(request, permit, SHORT).await.map(|accepted| accepted.expect("DNSimple always tells the number"))
}

#[tokio::test]
async fn a_purchase_is_of_the_closest_domain_and_asks_for_no_name_twice() {
    let server = MockServer::start().await;
    domains(&server, &["www.example.com"]).await;
    let body = json!({ "auto_renew": false, "name": "www", "alternate_names": ["a.example.com"], "signature_algorithm": "RSA" });
    let answer = json!({ "data": { "id": 300, "certificate_id": 301, "state": "new" } });
    takes(&server, LETSENCRYPT, body, status(201).set_body_json(answer)).await;
    let provider = provider(&server);
    let asked = request(Operation::Order, &["www.example.com", "a.example.com", "example.com"]);
    provider.preflight(&asked).await.unwrap();
    let accepted = submit(&provider, &asked).await.unwrap();
    let id = "example.com/301".to_owned();
    let expected =
        Accepted { order_id: id.clone(), certificate_id: Some(id), request_id: Some("300".into()), delivered: None };
    assert_eq!(accepted, expected);
}

#[tokio::test]
async fn a_renewal_is_of_the_certificate_before() {
    let server = MockServer::start().await;
    let body = json!({ "auto_renew": false, "signature_algorithm": "RSA" });
    let answer =
        json!({ "data": { "id": 65082, "old_certificate_id": 301, "new_certificate_id": 302, "state": "new" } });
    takes(&server, &format!("{LETSENCRYPT}/301/renewals"), body, status(201).set_body_json(answer)).await;
    let renew = Operation::Renew { order_id: "example.com/301".into() };
    let accepted = submit(&provider(&server), &request(renew, &["www.example.com"])).await.unwrap();
    assert_eq!((accepted.order_id.as_str(), accepted.request_id.as_deref()), ("example.com/302", Some("65082")));
}

#[tokio::test]
async fn names_of_two_domains_are_refused_before_anything_is_bought() {
    let server = MockServer::start().await;
    domains(&server, &["www.example.com"]).await;
    let error = provider(&server)
        .preflight(&request(Operation::Order, &["www.example.com", "www.example.org"]))
        .await
        .unwrap_err();
    assert_eq!((class(&error), code(&error)), ("Blocked", "other_domain"));
    assert!(error.to_string().contains("www.example.org is not in the domain example.com"), "{error}");
}

/// Nothing was bought where the domain could not be read.
#[tokio::test]
async fn a_domain_that_cannot_be_read_is_no_ambiguous_purchase() {
    let server = MockServer::start().await;
    call("GET", "1010/domains/www.example.com").respond_with(status(503)).mount(&server).await;
    let error = submit(&provider(&server), &request(Operation::Order, &["www.example.com"])).await.unwrap_err();
    assert_eq!(class(&error), "NotSent", "{error}");
}

/// The time is that until the lease may be somebody else's.
#[tokio::test]
async fn nothing_is_bought_once_the_time_is_over() {
    let server = MockServer::start().await;
    let domain = json!({ "data": { "id": 289333, "name": "example.com", "state": "hosted" } });
    let slow = status(200).set_body_json(domain).set_delay(Duration::from_millis(300));
    call("GET", "1010/domains/example.com").respond_with(slow).mount(&server).await;
    let provider = provider(&server);
    let permit = provider.permit(Urgency::Normal).await.unwrap();
    let asked = request(Operation::Order, &["example.com"]);
    let error = provider.submit(&asked, permit, Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(class(&error), "NotSent", "{error}");
}

fn placed(operation: Operation, purchase: Option<&str>) -> Placed {
    Placed {
        operation,
        order_id: "example.com/301".into(),
        certificate_id: Some("example.com/301".into()),
        request_id: purchase.map(Into::into),
        public_key_sha256: String::new(),
        earlier: BTreeSet::new(),
    }
}

#[tokio::test]
async fn every_state_is_told_in_dnsimples_word() {
    let renew = || Operation::Renew { order_id: "example.com/300".into() };
    let processing = |word: &str| Progress::Processing { status: word.into() };
    let refused =
        |word: &str| Progress::Refused { reason: format!("certificate example.com/301 is {word} at DNSimple") };
    for (state, expected) in [
        ("new", Progress::Bought),
        ("purchased", Progress::Bought),
        ("requesting", processing("requesting")),
        ("submitted", processing("submitted")),
        ("pondering", processing("pondering")),
        ("issued", Progress::Issued { certificate_id: "example.com/301".into() }),
        ("failed", refused("failed")),
        ("rejected", refused("rejected")),
        ("refunded", refused("refunded")),
        ("cancelled", refused("cancelled")),
    ] {
        let server = MockServer::start().await;
        let body = json!({ "data": certificate(301, state, json!({})) });
        answers(&server, "GET", &format!("{AT}/301"), 200, body).await;
        let provider = provider(&server);
        for placed in [placed(Operation::Order, None), placed(renew(), Some("65082"))] {
            assert_eq!(provider.progress(&placed).await.unwrap().progress, expected, "{state}");
        }
        let lost = provider.progress(&placed(renew(), None)).await.unwrap().progress;
        let unissuable = matches!(state, "new" | "purchased");
        assert_eq!(matches!(&lost, Progress::Refused { reason } if reason.contains("was lost")), unissuable, "{state}");
    }
}

#[tokio::test]
async fn what_was_bought_is_issued_by_its_own_number() {
    let server = MockServer::start().await;
    let requesting = certificate(301, "requesting", json!({}));
    for at in ["300/issue", "301/issue", "300/renewals/65082/issue"] {
        call("POST", &format!("{LETSENCRYPT}/{at}"))
            .respond_with(status(202).set_body_json(json!({ "data": requesting })))
            .expect(1)
            .mount(&server)
            .await;
    }
    let provider = provider(&server);
    let renew = Operation::Renew { order_id: "example.com/300".into() };
    for placed in [placed(Operation::Order, Some("300")), placed(Operation::Order, None), placed(renew, Some("65082"))]
    {
        provider.issue(&placed).await.unwrap();
    }
}

/// It goes before what is bought, like all calls about what has begun: none of these waits for an account that rests.
#[tokio::test]
async fn what_was_bought_does_not_queue_with_purchases_to_be_issued() {
    let server = MockServer::start().await;
    let config = config(&server.uri());
    config.limiter.pause(Some(Duration::from_secs(3600)));
    let provider = DnSimple::new(Account::new(&config).unwrap(), SHORT);
    let placed = placed(Operation::Order, Some("300"));
    let answer = tokio::time::timeout(SHORT, provider.issue(&placed)).await.expect("it waits");
    assert!(matches!(answer, Err(CallError::RateLimited { after: Some(_), .. })), "{answer:?}");
}

fn wanted(earlier: &[&str]) -> Wanted {
    Wanted {
        operation: Operation::Order,
        idempotency_key: "00000000-0000-8000-8000-000000000000".into(),
        public_key_sha256: String::new(),
        earlier: earlier.iter().map(|&id| id.into()).collect(),
        common_name: "www.example.com".into(),
        dns_names: vec!["www.example.com".into(), "shop.example.com".into()],
        external_requester: None,
        since: "2026-11-24T18:55:00Z".parse().unwrap(),
    }
}

#[tokio::test]
async fn what_may_have_been_bought_is_told_by_names_and_time() {
    let others = [
        certificate(99, "issued", json!({ "created_at": "2026-11-24T18:49:59Z" })),
        certificate(98, "issued", json!({ "created_at": null })),
        certificate(97, "submitted", json!({ "authority_identifier": "comodo" })),
        certificate(96, "new", json!({ "alternate_names": [] })),
        certificate(95, "new", json!({ "common_name": "a.example.com" })),
    ];
    for (ours, earlier, expected) in [
        (vec![], vec![], None),
        (vec![certificate(301, "new", json!({}))], vec![], Some("example.com/301")),
        (
            vec![certificate(302, "failed", json!({})), certificate(301, "new", json!({}))],
            vec![],
            Some("example.com/301"),
        ),
        (
            vec![certificate(302, "new", json!({})), certificate(301, "new", json!({}))],
            vec!["example.com/301"],
            Some("example.com/302"),
        ),
    ] {
        let server = MockServer::start().await;
        domains(&server, &["www.example.com"]).await;
        let rows: Vec<Value> = ours.iter().chain(&others).cloned().collect();
        lists(&server, AT, &[("sort", "id:desc")], json!(rows)).await;
        let found = provider(&server).find(&wanted(&earlier)).await.unwrap();
        let id = match &found {
            Found::Ours(accepted) => Some(accepted.order_id.as_str()),
            _ => None,
        };
        assert_eq!(id, expected);
    }
}

#[tokio::test]
async fn nothing_is_revoked_and_people_are_told_whom_to_ask() {
    let server = MockServer::start().await;
    let revoked = provider(&server).revoke("0a", RevocationReason::KeyCompromise).await.unwrap();
    assert!(matches!(revoked, Revoked::ByHand(what) if what.contains("support")));
    let error = provider(&server).download("no such id").await.unwrap_err();
    assert_eq!((class(&error), code(&error)), ("Rejected", "not_found"));
}

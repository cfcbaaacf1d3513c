use super::*;
use evercert::provider::{Accepted, RevocationReason, Revoked};
use wiremock::matchers::{body_json, header_exists};

/// Exactly this body, and no other key.
async fn expects(server: &MockServer, verb: &str, at: &str, body: Value, status: u16, answer: Value) {
    call(verb, at)
        .and(header("Content-Type", "application/json"))
        .and(header_exists("Content-Length"))
        .and(body_json(body))
        .respond_with(ResponseTemplate::new(status).set_body_json(answer))
        .expect(1)
        .mount(server)
        .await;
}

fn accepted(order: &str, certificate: Option<&str>, request: Option<&str>) -> Accepted {
    Accepted {
        order_id: order.into(),
        certificate_id: certificate.map(str::to_owned),
        request_id: request.map(str::to_owned),
        delivered: None,
    }
}

fn order_body() -> Value {
    json!({
        "certificate": {
            "common_name": "shop.example.com",
            "dns_names": ["shop.example.com", "www.shop.example.com"],
            "csr": OURS.csr,
            "signature_hash": "sha256",
            "cert_validity": { "days": 199 },
        },
        "order_validity": { "years": 1 },
        "organization": { "id": 77 },
        "dcv_method": "dns-txt-token",
        "skip_approval": true,
        "alternative_order_id": IDEMPOTENCY_KEY,
        "disable_renewal_notifications": true,
        "auto_renew": 0,
    })
}

#[tokio::test]
async fn an_order_is_sent_as_documented() {
    let server = MockServer::start().await;
    let answer = json!({ "id": 112233, "certificate_id": 5501, "requests": [{ "id": 9, "status": "approved" }] });
    expects(&server, "POST", "order/certificate/ssl_basic", order_body(), 201, answer).await;
    let placed = submit(&digicert(&server), Operation::Order).await;
    assert_eq!(placed, Ok(accepted("112233", Some("5501"), Some("9"))));
}

#[tokio::test]
async fn a_certificate_that_is_issued_at_once_may_be_in_the_answer() {
    let link = |pem: Value| json!({ "subject_common_name": "shop.example.com", "pem": pem });
    let table = [
        (json!([link(json!("leaf\r\n")), link(json!("root"))]), Some("leaf\nroot\n")),
        (json!([link(json!(7)), link(Value::Null), json!("no object")]), Some("7\n")),
        (json!([]), None),
        (json!({}), None),
        (json!("leaf"), None),
    ];
    for (chain, delivered) in table {
        let server = MockServer::start().await;
        let answer = json!({ "id": 112233, "certificate_id": 5501, "certificate_chain": chain });
        answers(&server, "POST", "order/certificate/112233/reissue", 201, answer).await;
        let expected = Accepted { delivered: delivered.map(str::to_owned), ..accepted("112233", Some("5501"), None) };
        assert_eq!(submit(&digicert(&server), reissue()).await, Ok(expected), "{chain}");
    }
}

#[tokio::test]
async fn every_field_of_an_order_is_sent() {
    let server = MockServer::start().await;
    let mut body = order_body();
    body["certificate"]["cert_validity"] = json!({ "custom_expiration_date": "2027-06-09" });
    body["order_validity"] = json!({ "days": 365 });
    body["container"] = json!({ "id": 5 });
    body["payment_method"] = json!("balance");
    body["skip_approval"] = json!(false);
    body["dcv_method"] = json!("dns-cname-token");
    expects(&server, "POST", "order/certificate/ssl_basic", body, 201, json!({ "id": 1, "requests": [{ "id": "9" }] }))
        .await;
    let request = Request {
        validity: Some(Validity::Until("2027-06-09".parse().unwrap())),
        order_validity: Some(Validity::Days(365)),
        container_id: Some(5),
        payment_method: Some("balance".into()),
        skip_approval: false,
        dcv_method: DcvMethod::DnsCname,
        ..request(Operation::Order)
    };
    let digicert = digicert(&server);
    let permit = digicert.permit(Urgency::Urgent).await;
    let placed = digicert.submit(&request, permit, Duration::from_secs(5)).await;
    assert_eq!(placed, Ok(accepted("1", None, Some("9"))));
}

#[tokio::test]
async fn a_renewal_names_the_order_it_follows() {
    let server = MockServer::start().await;
    let mut body = order_body();
    body["renewal_of_order_id"] = json!(112233);
    expects(&server, "POST", "order/certificate/ssl_basic", body, 201, json!({ "id": 445566 })).await;
    assert_eq!(submit(&digicert(&server), renew()).await, Ok(accepted("445566", None, None)));
}

#[tokio::test]
async fn a_reissue_has_only_what_its_page_lists_and_its_own_form_of_dates() {
    let server = MockServer::start().await;
    let body = json!({
        "certificate": {
            "common_name": "shop.example.com",
            "dns_names": ["shop.example.com", "www.shop.example.com"],
            "csr": OURS.csr,
            "signature_hash": "sha256",
            "cert_validity": { "custom_expiration_date": "09 JUN 2027" },
        },
        "dcv_method": "dns-txt-token",
        "skip_approval": true,
    });
    let answer = json!({ "id": 112233, "certificate_id": 5502 });
    expects(&server, "POST", "order/certificate/112233/reissue", body, 201, answer).await;
    let request = Request { validity: Some(Validity::Until("2027-06-09".parse().unwrap())), ..request(reissue()) };
    let digicert = digicert(&server);
    let permit = digicert.permit(Urgency::Normal).await;
    let placed = digicert.submit(&request, permit, Duration::from_secs(5)).await;
    assert_eq!(placed, Ok(accepted("112233", Some("5502"), None)));
}

#[tokio::test]
async fn an_answer_that_says_too_little_is_ambiguous() {
    for body in [json!({}), json!([]), json!("yes"), json!({ "id": 0 }), json!({ "certificate_id": 5 }), Value::Null] {
        let server = MockServer::start().await;
        answers(&server, "POST", "order/certificate/ssl_basic", 201, body).await;
        let outcome = submit(&digicert(&server), Operation::Order).await;
        assert!(matches!(outcome, Err(CallError::Ambiguous { .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn ids_that_would_change_the_path_are_never_sent() {
    let server = MockServer::start().await;
    let digicert = digicert(&server);
    for id in ["", "..", "1/../2", "1?x=y", "1%2f2", "1 2", "ü"] {
        let refused = submit(&digicert, Operation::Reissue { order_id: id.into() }).await;
        assert!(matches!(refused, Err(CallError::Rejected { .. })), "{id}: {refused:?}");
        let refused = submit(&digicert, Operation::Renew { order_id: id.into() }).await;
        assert!(matches!(refused, Err(CallError::Rejected { .. })), "{id}: {refused:?}");
        assert!(digicert.order(id).await.is_err() && digicert.download(id).await.is_err());
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_download_is_asked_for_by_certificate_and_told_as_it_came() {
    let server = MockServer::start().await;
    let pem = "-----BEGIN CERTIFICATE-----\r\nMIIB\r\n-----END CERTIFICATE-----";
    let download = |pem: &'static str, status| {
        Mock::given(method("GET"))
            .and(path("/services/v2/certificate/5501/download/format/pem_all"))
            .and(header("X-DC-DEVKEY", API_KEY))
            .and(header("Accept", "*/*"))
            .respond_with(ResponseTemplate::new(status).set_body_raw(pem, "application/x-pem-file"))
    };
    download(pem, 200).mount(&server).await;
    assert_eq!(digicert(&server).download("5501").await.as_deref(), Ok(pem));
    for (body, status) in [("", 200), ("<html>", 200), ("{}", 200), ("", 404), (pem, 500)] {
        server.reset().await;
        download(body, status).mount(&server).await;
        let refused = digicert(&server).download("5501").await;
        assert!(matches!(refused, Err(CallError::Ambiguous { .. })), "{refused:?}");
    }
}

fn revocation(word: &str) -> Value {
    json!({ "revocation_reason": word, "comments": "Revoked by Evercert", "skip_approval": true })
}

#[tokio::test]
async fn a_revocation_is_done_with_204_and_waits_with_a_request() {
    let reasons = [
        (RevocationReason::KeyCompromise, "keyCompromise"),
        (RevocationReason::Superseded, "superseded"),
        (RevocationReason::CessationOfOperation, "cessationOfOperation"),
    ];
    for (reason, word) in reasons {
        let server = MockServer::start().await;
        call("PUT", "certificate/5501/revoke")
            .and(body_json(revocation(word)))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
        assert_eq!(digicert(&server).revoke("5501", reason).await, Ok(Revoked::Done));
    }
    for status in ["pending", "submitted"] {
        let server = MockServer::start().await;
        let request = json!({ "id": 31, "type": "revoke", "status": status });
        expects(&server, "PUT", "certificate/5501/revoke", revocation("superseded"), 201, request).await;
        let waits = Revoked::AwaitingApproval { request_id: Some("31".into()) };
        assert_eq!(digicert(&server).revoke("5501", RevocationReason::Superseded).await, Ok(waits));
    }
}

#[tokio::test]
async fn revoked_already_is_done() {
    for code in ["order_already_revoked", "order_is_revoked", "certificate_already_revoked"] {
        let server = MockServer::start().await;
        answers(&server, "PUT", "certificate/0A1B/revoke", 400, vendor_error(code)).await;
        assert_eq!(digicert(&server).revoke("0A1B", RevocationReason::Superseded).await, Ok(Revoked::Done));
    }
    let server = MockServer::start().await;
    answers(&server, "PUT", "certificate/0A1B/revoke", 400, vendor_error("reissue_pending")).await;
    let refused = digicert(&server).revoke("0A1B", RevocationReason::Superseded).await;
    assert!(matches!(refused, Err(CallError::Ambiguous { .. })), "{refused:?}");
}

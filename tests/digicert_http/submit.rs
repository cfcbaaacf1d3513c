use super::*;
use evercert::provider::{Accepted, Contact, ContactRole, PaymentMethod, RevocationReason, Revoked};
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

/// Everything that can be said beside names, key and product.
fn details() -> Details {
    let person = |role| Contact {
        role,
        user_id: None,
        first_name: Some("Ada".into()),
        last_name: Some("Byron".into()),
        email: Some("ada@example.com".into()),
        job_title: Some("Engineer".into()),
        telephone: Some("555-0100".into()),
    };
    let user = Contact {
        role: ContactRole::Organization,
        user_id: Some(565_611),
        first_name: None,
        last_name: None,
        email: None,
        job_title: None,
        telephone: None,
    };
    Details {
        container_id: Some(5),
        payment_method: Some(PaymentMethod::Balance),
        contacts: vec![user, person(ContactRole::Technical), person(ContactRole::Verified)],
        disable_renewal_notifications: Some(true),
        ca_cert_id: Some("A1B2".into()),
        organization_units: vec!["Shop".into()],
        server_platform: Some(45),
        comments: Some("for the shop".into()),
        custom_fields: vec![(11, "Invoice 1".into()), (12, "7".into())],
        additional_emails: vec!["certs@example.com".into()],
        custom_renewal_message: Some("Keep this renewed.".into()),
        locale: Some("de".into()),
        ..Details::default()
    }
}

/// What *Reissue certificate* and the order pages have in common, said in one form of dates.
fn in_common(date: &str) -> Value {
    json!({
        "certificate": {
            "common_name": "shop.example.com",
            "dns_names": ["shop.example.com", "www.shop.example.com"],
            "csr": OURS.csr,
            "signature_hash": "sha384",
            "cert_validity": { "custom_expiration_date": date },
            "server_platform": { "id": 45 },
            "organization_units": ["Shop"],
            "ca_cert_id": "A1B2",
        },
        "dcv_method": "dns-cname-token",
        "skip_approval": false,
        "comments": "for the shop",
    })
}

fn everything(operation: Operation) -> Request {
    Request {
        signature_hash: "sha384".into(),
        validity: Some(Validity::Until("2027-06-09".parse().unwrap())),
        order_validity: Some(Validity::Until("2028-11-24".parse().unwrap())),
        skip_approval: false,
        dcv_method: DcvMethod::DnsCname,
        details: details(),
        ..request(operation)
    }
}

async fn send(server: &MockServer, request: &Request) -> Result<Accepted, CallError> {
    let digicert = digicert(server);
    let permit = digicert.permit(Urgency::Urgent).await?;
    let accepted = digicert.submit(request, permit, Duration::from_secs(5)).await?;
    Ok(accepted.expect("CertCentral always tells the order"))
}

#[tokio::test]
async fn every_field_of_an_order_and_of_a_renewal_is_sent() {
    let person = |role: &str| {
        json!({
            "contact_type": role, "first_name": "Ada", "last_name": "Byron", "email": "ada@example.com",
            "job_title": "Engineer", "telephone": "555-0100",
        })
    };
    let mut body = in_common("2027-06-09");
    let more = json!({
        "order_validity": { "custom_expiration_date": "2028-11-24" },
        "organization": {
            "id": 77,
            "contacts": [
                { "contact_type": "organization_contact", "user_id": 565_611 },
                person("technical_contact"),
                person("verified_contact"),
            ],
        },
        "container": { "id": 5 },
        "payment_method": "balance",
        "alternative_order_id": IDEMPOTENCY_KEY,
        "disable_renewal_notifications": true,
        "custom_renewal_message": "Keep this renewed.",
        "additional_emails": ["certs@example.com"],
        "locale": "de",
        "custom_fields": [
            { "metadata_id": 11, "value": "Invoice 1" },
            { "metadata_id": 12, "value": "7" },
        ],
        "auto_renew": 0,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = json!({ "id": 1, "requests": [{ "id": "9" }] });
    let server = MockServer::start().await;
    expects(&server, "POST", "order/certificate/ssl_basic", body.clone(), 201, answer.clone()).await;
    assert_eq!(send(&server, &everything(Operation::Order)).await, Ok(accepted("1", None, Some("9"))));

    let server = MockServer::start().await;
    body["renewal_of_order_id"] = json!(112_233);
    expects(&server, "POST", "order/certificate/ssl_basic", body, 201, answer).await;
    assert_eq!(send(&server, &everything(renew())).await, Ok(accepted("1", None, Some("9"))));
}

#[tokio::test]
async fn every_field_of_a_reissue_is_sent_and_no_other() {
    let server = MockServer::start().await;
    let answer = json!({ "id": 112_233, "requests": [{ "id": 9 }] });
    expects(&server, "POST", "order/certificate/112233/reissue", in_common("09 JUN 2027"), 201, answer).await;
    assert_eq!(send(&server, &everything(reissue())).await, Ok(accepted("112233", None, Some("9"))));
}

#[tokio::test]
async fn the_length_of_an_order_and_the_way_it_is_paid_have_their_words() {
    let lengths = [
        (Validity::Years(3), json!({ "years": 3 })),
        (Validity::Days(365), json!({ "days": 365 })),
        (Validity::Until("2027-06-09".parse().unwrap()), json!({ "custom_expiration_date": "2027-06-09" })),
    ];
    let methods =
        [(PaymentMethod::Balance, "balance"), (PaymentMethod::Card, "card"), (PaymentMethod::Profile, "profile")];
    for ((length, said), (method, word)) in lengths.into_iter().zip(methods) {
        let server = MockServer::start().await;
        let mut body = order_body();
        body["order_validity"] = said;
        body["payment_method"] = json!(word);
        expects(&server, "POST", "order/certificate/ssl_basic", body, 201, json!({ "id": 1 })).await;
        let details = Details { payment_method: Some(method), ..Details::default() };
        let request = Request { order_validity: Some(length), details, ..request(Operation::Order) };
        assert_eq!(send(&server, &request).await, Ok(accepted("1", None, None)));
    }
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
    let permit = digicert.permit(Urgency::Normal).await.unwrap();
    let placed = digicert.submit(&request, permit, Duration::from_secs(5)).await;
    assert_eq!(placed, Ok(Some(accepted("112233", Some("5502"), None))));
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

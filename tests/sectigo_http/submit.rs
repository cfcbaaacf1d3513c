use super::*;
use evercert::provider::plus_addressed;

fn enrollment() -> Value {
    json!({
        "orgId": 42,
        "certType": 5120,
        "term": 199,
        "csr": OURS.csr,
        "subjAltNames": "shop.example.com,www.shop.example.com",
        "comments": MARK,
        "dcvMode": "CNAME",
    })
}

async fn enrolls(server: &MockServer, sectigo: &Sectigo, request: &Request, body: Value) {
    server.reset().await;
    let answer = status(200).set_body_json(json!({ "sslId": 55, "renewId": "gu03-W6WENt7_TvDTuOP" }));
    takes(server, "POST", "ssl/v2/enroll", body, answer).await;
    let permit = sectigo.permit(Urgency::Normal).await.expect("the account may be called");
    let submitted = sectigo.submit(request, permit, Duration::from_secs(5)).await;
    assert_eq!(submitted, Ok(Some(accepted("55"))));
}

#[tokio::test]
async fn an_enrollment_is_sent_as_documented() {
    let server = MockServer::start().await;
    enrolls(&server, &sectigo(&server), &request(Operation::Order), enrollment()).await;
}

#[tokio::test]
async fn everything_else_that_can_be_said_is() {
    let server = MockServer::start().await;
    let address = plus_addressed("certs@example.com", IDEMPOTENCY_KEY).unwrap();
    assert_eq!(address, "certs+00000000-0000-8000-8000-000000000007@example.com");
    let mut request = request(Operation::Order);
    request.dcv_method = DcvMethod::Email;
    request.details = Details {
        comments: Some(" for the shop ".into()),
        external_requester: Some(address.clone()),
        named_fields: vec![("Cost centre".into(), "4711".into()), ("Owner".into(), "web".into())],
        dcv_email: Some("admin@example.com".into()),
        ..Details::default()
    };
    let mut body = enrollment();
    body["comments"] = json!(format!("for the shop {MARK}"));
    body["externalRequester"] = json!(address);
    body["customFields"] = json!([{ "name": "Cost centre", "value": "4711" }, { "name": "Owner", "value": "web" }]);
    body["dcvMode"] = json!("EMAIL");
    body["dcvEmail"] = json!("admin@example.com");
    enrolls(&server, &sectigo(&server), &request, body).await;
}

#[tokio::test]
async fn where_domains_are_validated_beforehand_nothing_is_said_of_it() {
    let server = MockServer::start().await;
    let mut body = enrollment();
    body.as_object_mut().unwrap().remove("dcvMode");
    for validation in [ValidationModel::PerDomain, ValidationModel::Prevalidated] {
        let sectigo = with(&server, |config| config.validation = validation);
        enrolls(&server, &sectigo, &request(Operation::Order), body.clone()).await;
    }
}

#[tokio::test]
async fn without_a_term_scm_decides() {
    let server = MockServer::start().await;
    let request = Request { validity: None, ..request(Operation::Order) };
    let mut body = enrollment();
    body.as_object_mut().unwrap().remove("term");
    enrolls(&server, &sectigo(&server), &request, body).await;
}

#[tokio::test]
async fn the_older_version_is_a_setting() {
    let server = MockServer::start().await;
    let sectigo = with(&server, |config| config.api_version = ApiVersion::V1);
    takes(&server, "POST", "ssl/v1/enroll", enrollment(), status(200).set_body_json(json!({ "sslId": "55" }))).await;
    assert_eq!(submit(&sectigo, Operation::Order).await, Ok(Some(accepted("55"))));
}

#[tokio::test]
async fn a_renewal_carries_the_key_alone_and_gets_another_id() {
    let server = MockServer::start().await;
    let body = json!({ "csr": OURS.csr, "dcvMode": "CNAME" });
    takes(&server, "POST", "ssl/v2/renewById/73", body, status(200).set_body_json(json!({ "sslId": 74 }))).await;
    assert_eq!(submit(&sectigo(&server), renew()).await, Ok(Some(accepted("74"))));
}

/// One client has met it: accepted, and nobody says as what.
#[tokio::test]
async fn a_renewal_without_an_answer_was_accepted_without_an_id() {
    let server = MockServer::start().await;
    call("POST", "ssl/v2/renewById/73").respond_with(status(204)).expect(1).mount(&server).await;
    assert_eq!(submit(&sectigo(&server), renew()).await, Ok(None));
}

#[tokio::test]
async fn a_replacement_keeps_its_id() {
    let body = json!({
        "csr": OURS.csr,
        "reason": "Replaced by Evercert",
        "commonName": "shop.example.com",
        "subjectAlternativeNames": ["shop.example.com", "www.shop.example.com"],
        "dcvMode": "CNAME",
    });
    // The last as the REST Enrollment API does it.
    for (answer, id) in [
        (status(204), "73"),
        (status(200), "73"),
        (status(200).set_body_json(json!({})), "73"),
        (status(200).set_body_json(json!({ "sslId": 88 })), "88"),
    ] {
        let server = MockServer::start().await;
        takes(&server, "POST", "ssl/v2/replace/73", body.clone(), answer).await;
        assert_eq!(submit(&sectigo(&server), reissue()).await, Ok(Some(accepted(id))));
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_ambiguous() {
    for operation in [Operation::Order, renew(), reissue()] {
        for answer in [
            status(200).set_body_string("<html>welcome</html>"),
            status(200).set_body_string("{\"sslId\":"),
            status(200).set_body_json(json!([{ "sslId": 55 }])),
            status(200).set_body_json("55"),
        ] {
            let server = MockServer::start().await;
            call("POST", &endpoint(&operation)).respond_with(answer).expect(1).mount(&server).await;
            let answer = submit(&sectigo(&server), operation.clone()).await;
            assert!(matches!(answer, Err(CallError::Ambiguous { .. })), "{operation:?}: {answer:?}");
        }
    }
    for body in [status(204), status(200), status(200).set_body_json(json!({ "renewId": "x" }))] {
        let server = MockServer::start().await;
        call("POST", "ssl/v2/enroll").respond_with(body).mount(&server).await;
        let answer = submit(&sectigo(&server), Operation::Order).await;
        assert!(matches!(answer, Err(CallError::Ambiguous { .. })), "{answer:?}");
    }
}

pub fn endpoint(operation: &Operation) -> String {
    match operation {
        Operation::Order => "ssl/v2/enroll".into(),
        Operation::Renew { order_id } => format!("ssl/v2/renewById/{order_id}"),
        Operation::Reissue { order_id } | Operation::Duplicate { order_id } => format!("ssl/v2/replace/{order_id}"),
        Operation::Amend { .. } => "ssl/v2".into(),
    }
}

#[tokio::test]
async fn what_scm_could_not_read_is_not_sent() {
    let server = MockServer::start().await;
    let sectigo = sectigo(&server);
    let order = request(Operation::Order);
    for wrong in [
        Request { product: "ssl_basic".into(), ..order.clone() },
        Request { validity: Some(Validity::Years(1)), ..order.clone() },
        Request { validity: Some(Validity::Until("2027-01-01".parse().unwrap())), ..order.clone() },
        request(Operation::Duplicate { order_id: "73".into() }),
        request(Operation::Renew { order_id: "../73".into() }),
        request(Operation::Reissue { order_id: String::new() }),
    ] {
        let permit = sectigo.permit(Urgency::Normal).await.expect("the account may be called");
        let answer = sectigo.submit(&wrong, permit, Duration::from_secs(5)).await;
        assert!(matches!(answer, Err(CallError::Rejected { .. })), "{answer:?}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_nobody_approved_yet_is_amended() {
    let server = MockServer::start().await;
    let sectigo = sectigo(&server);
    let body = json!({
        "sslId": 55,
        "commonName": "shop.example.com",
        "csr": OURS.csr,
        "subjectAlternativeNames": NAMES,
        "comments": MARK,
    });
    for state in ["Requested", "Declined", "Rejected", "Invalid"] {
        server.reset().await;
        has(&server, 55, state, json!({})).await;
        let answer = status(200).set_body_json(details(55, "Requested", json!({})));
        takes(&server, "PUT", "ssl/v2", body.clone(), answer).await;
        assert_eq!(submit(&sectigo, amend()).await, Ok(Some(accepted("55"))), "{state}");
    }
    let issued = json!({ "serialNumber": "0A" });
    let was = json!({});
    for (state, others) in
        [("Applied", &was), ("Issued", &was), ("SA Approved", &was), ("Something new", &was), ("Requested", &issued)]
    {
        server.reset().await;
        has(&server, 55, state, others.clone()).await;
        let amended = submit(&sectigo, amend()).await;
        assert!(matches!(amended, Err(CallError::Rejected { .. })), "{state}: {amended:?}");
    }
}

/// Its details are only read: nothing was sent. What becomes of the change itself is not known without an answer.
#[tokio::test]
async fn an_amendment_is_ambiguous_only_from_its_own_call_on() {
    let server = MockServer::start().await;
    let sectigo = sectigo(&server);
    call("GET", "ssl/v2/55").respond_with(status(503).set_body_string("upstream connect error")).mount(&server).await;
    let unread = submit(&sectigo, amend()).await;
    assert!(matches!(unread, Err(CallError::NotSent { .. })), "{unread:?}");
    for (answer, ambiguous) in [
        (status(503).set_body_string("upstream connect error"), true),
        (status(400).set_body_json(vendor_error(-14)), true),
        (status(400).set_body_json(vendor_error(-9)), false),
    ] {
        server.reset().await;
        has(&server, 55, "Requested", json!({})).await;
        call("PUT", "ssl/v2").respond_with(answer).expect(1).mount(&server).await;
        let refused = submit(&sectigo, amend()).await;
        assert_eq!(matches!(refused, Err(CallError::Ambiguous { .. })), ambiguous, "{refused:?}");
    }
}

/// The mark went into the record with the CSR.
#[tokio::test]
async fn an_amendment_is_found_by_its_mark() {
    for (comments, found) in [
        (MARK, evercert::provider::Found::Ours(accepted("55"))),
        ("evercert:before", evercert::provider::Found::Absent),
    ] {
        let server = MockServer::start().await;
        has(&server, 55, "Requested", json!({ "comments": comments })).await;
        assert_eq!(sectigo(&server).find(&wanted(amend())).await, Ok(found));
    }
}

fn amend() -> Operation {
    Operation::Amend { order_id: "55".into() }
}

use super::*;
use evercert::provider::{Found, OrderStatus};
use std::collections::BTreeSet;
use wiremock::matchers::query_param;

/// The list by name, and an empty report.
async fn lists(server: &MockServer, rows: Value) {
    let total = rows.as_array().unwrap().len().to_string();
    call("GET", "ssl/v2")
        .and(query_param("commonName", NAMES[0]))
        .and(query_param("size", "200"))
        .and(query_param("position", "0"))
        .respond_with(status(200).insert_header("X-Total-Count", total.as_str()).set_body_json(rows))
        .expect(1..)
        .mount(server)
        .await;
}

async fn reports(server: &MockServer, rows: Value) {
    let body = json!({ "from": "2026-11-23T07:34:00.000Z", "certificateDateAttribute": "4", "commonName": NAMES[0] });
    let answer = status(200).set_body_json(json!({ "statusCode": 0, "reports": rows }));
    call("POST", "report/v1/ssl-certificates").and(body_json(body)).respond_with(answer).mount(server).await;
}

fn row(id: u64) -> Value {
    json!({ "sslId": id, "commonName": NAMES[0] })
}

async fn look(server: &MockServer, operation: Operation) -> Result<Found, CallError> {
    sectigo(server).find(&wanted(operation)).await
}

fn marked() -> Value {
    json!({ "comments": format!("for the shop {MARK}") })
}

#[tokio::test]
async fn nothing_is_absent_when_all_was_looked_through() {
    let server = MockServer::start().await;
    lists(&server, json!([row(54), { "sslId": 53, "commonName": "other.example.com" }])).await;
    reports(&server, json!([])).await;
    has(&server, 54, "Issued", json!({ "comments": "evercert:00000000-0000-8000-8000-000000000008" })).await;
    assert_eq!(look(&server, Operation::Order).await, Ok(Found::Absent));
}

#[tokio::test]
async fn an_enrollment_is_found_by_its_mark() {
    for state in ["Requested", "Applied", "Declined", "Something new"] {
        let server = MockServer::start().await;
        lists(&server, json!([row(55), row(54)])).await;
        reports(&server, json!([])).await;
        has(&server, 55, state, marked()).await;
        has(&server, 54, "Issued", json!({})).await;
        assert_eq!(look(&server, Operation::Order).await, Ok(Found::Ours(accepted("55"))), "{state}");
    }
}

#[tokio::test]
async fn once_issued_the_key_decides() {
    for (pair, found) in [(&*OURS, Found::Ours(accepted("55"))), (&*OTHER, Found::OtherKey(accepted("55")))] {
        let server = MockServer::start().await;
        lists(&server, json!([row(55)])).await;
        reports(&server, json!([])).await;
        has(&server, 55, "Issued", marked()).await;
        collects(&server, 55, file(pair.chain(0x1001))).await;
        assert_eq!(look(&server, Operation::Order).await, Ok(found));
    }
}

/// A renewal may have inherited the comments.
#[tokio::test]
async fn of_several_with_our_mark_the_oldest_counts() {
    let server = MockServer::start().await;
    lists(&server, json!([row(100), row(55), row(99)])).await;
    reports(&server, json!([])).await;
    for id in [100, 99, 55] {
        has(&server, id, "Applied", marked()).await;
    }
    assert_eq!(look(&server, Operation::Order).await, Ok(Found::Ours(accepted("55"))));
}

#[tokio::test]
async fn the_list_may_lag_behind_the_report_and_the_other_way_round() {
    let server = MockServer::start().await;
    lists(&server, json!([])).await;
    reports(&server, json!([{ "id": 55, "commonName": "Shop.example.com", "status": "Requested" }])).await;
    has(&server, 55, "Requested", marked()).await;
    assert_eq!(look(&server, Operation::Order).await, Ok(Found::Ours(accepted("55"))));
}

#[tokio::test]
async fn a_plus_addressed_requester_is_asked_for_and_counts() {
    let server = MockServer::start().await;
    let address = format!("certs+{IDEMPOTENCY_KEY}@example.com");
    lists(&server, json!([])).await;
    reports(&server, json!([])).await;
    call("GET", "ssl/v2")
        .and(query_param("externalRequester", address.as_str()))
        .respond_with(status(200).set_body_json(json!([{ "sslId": 55 }])))
        .expect(1)
        .mount(&server)
        .await;
    has(&server, 55, "Requested", json!({ "externalRequester": address })).await;
    let wanted = Wanted { external_requester: Some(address), ..wanted(Operation::Order) };
    assert_eq!(sectigo(&server).find(&wanted).await, Ok(Found::Ours(accepted("55"))));
}

/// An admin without the privilege for reports still has the list.
#[tokio::test]
async fn a_report_that_is_refused_is_done_without() {
    let server = MockServer::start().await;
    lists(&server, json!([])).await;
    answers(&server, "POST", "report/v1/ssl-certificates", 400, vendor_error(-3)).await;
    assert_eq!(look(&server, Operation::Order).await, Ok(Found::Absent));
}

#[tokio::test]
async fn what_was_not_looked_through_whole_is_never_absent() {
    let rows = |from: u64| (from..from + 200).map(row).collect::<Vec<_>>();
    let total = |total: &str, rows: Value| status(200).insert_header("X-Total-Count", total).set_body_json(rows);
    for answer in [
        status(200),
        status(200).set_body_string("upstream connect error"),
        status(200).set_body_json(json!({ "sslId": 55 })),
        status(200).set_body_json(json!([row(54), 7])),
        status(200).set_body_json(json!([{ "commonName": NAMES[0] }])),
        total("3", json!([])),
        status(503).set_body_string("upstream connect error"),
        total("400", json!(rows(1))),
        // As many as nobody asked for.
        total("5001", json!((1..5002).map(|id| json!({ "sslId": id, "commonName": "x" })).collect::<Vec<_>>())),
    ] {
        let server = MockServer::start().await;
        call("GET", "ssl/v2").and(query_param("position", "0")).respond_with(answer).mount(&server).await;
        reports(&server, json!([])).await;
        let found = look(&server, Operation::Order).await;
        assert!(matches!(found, Err(CallError::Ambiguous { .. })), "{found:?}");
    }
    let server = MockServer::start().await;
    lists(&server, json!([])).await;
    for body in [json!({}), json!({ "statusCode": -1, "message": "no" }), json!({ "statusCode": 0 })] {
        call("POST", "report/v1/ssl-certificates").respond_with(status(200).set_body_json(body)).mount(&server).await;
        let found = look(&server, Operation::Order).await;
        assert!(matches!(found, Err(CallError::Ambiguous { .. })), "{found:?}");
    }
}

#[tokio::test]
async fn every_page_is_read() {
    let server = MockServer::start().await;
    let others: Vec<_> = (101..301).map(|id| json!({ "sslId": id, "commonName": "other.example.com" })).collect();
    for (position, rows) in [("0", json!(others)), ("200", json!([row(55)]))] {
        call("GET", "ssl/v2")
            .and(query_param("position", position))
            .respond_with(status(200).set_body_json(rows))
            .expect(1)
            .mount(&server)
            .await;
    }
    reports(&server, json!([])).await;
    has(&server, 55, "Requested", marked()).await;
    assert_eq!(look(&server, Operation::Order).await, Ok(Found::Ours(accepted("55"))));
}

#[tokio::test]
async fn older_certificates_are_not_read_one_by_one() {
    let server = MockServer::start().await;
    lists(&server, json!((1..200).map(row).collect::<Vec<_>>())).await;
    reports(&server, json!([])).await;
    has(&server, 199, "Issued", json!({ "requested": "11/24/2026" })).await;
    // The day before the intent may be the same in another time zone.
    has(&server, 198, "Issued", json!({ "requested": "11/23/2026" })).await;
    has(&server, 197, "Issued", json!({ "requested": "2026-11-22T23:59:59.000Z" })).await;
    assert_eq!(look(&server, Operation::Order).await, Ok(Found::Absent));
}

#[tokio::test]
async fn more_than_can_be_read_is_not_absent() {
    let server = MockServer::start().await;
    lists(&server, json!((1..60).map(row).collect::<Vec<_>>())).await;
    reports(&server, json!([])).await;
    for id in 1..60 {
        let answer = status(200).set_body_json(details(id, "Applied", json!({})));
        call("GET", &format!("ssl/v2/{id}")).respond_with(answer).mount(&server).await;
    }
    let found = look(&server, Operation::Order).await;
    assert!(matches!(found, Err(CallError::Ambiguous { .. })), "{found:?}");
}

/// The old certificate, and one more.
async fn renewal(old: Value, new: Option<(&str, Value)>) -> MockServer {
    let server = MockServer::start().await;
    let rows = new.iter().map(|_| row(74)).chain([row(73)]).collect::<Vec<_>>();
    lists(&server, json!(rows)).await;
    reports(&server, json!([])).await;
    let old = match old {
        Value::Object(mut old) => {
            old.insert("requested".into(), json!("05/01/2026"));
            Value::Object(old)
        }
        other => other,
    };
    has(&server, 73, "Issued", old).await;
    if let Some((state, others)) = new {
        has(&server, 74, state, others).await;
    }
    server
}

#[tokio::test]
async fn a_renewal_is_found_by_its_key() {
    for (pair, renewed, found) in [
        (&*OURS, false, Some(Found::Ours(accepted("74")))),
        (&*OURS, true, Some(Found::Ours(accepted("74")))),
        (&*OTHER, false, Some(Found::Absent)),
        // Renewed, by nothing that is ours: for a person.
        (&*OTHER, true, None),
    ] {
        let server = renewal(json!({ "renewed": renewed }), Some(("Issued", json!({})))).await;
        collects(&server, 74, file(pair.chain(0x1001))).await;
        match found {
            Some(found) => assert_eq!(look(&server, renew()).await, Ok(found)),
            None => assert!(matches!(look(&server, renew()).await, Err(CallError::Blocked { .. }))),
        }
    }
}

#[tokio::test]
async fn a_pending_renewal_is_ours_when_only_ours_can_be_it() {
    for state in ["Requested", "Applied", "Declined", "Something new"] {
        let server = renewal(json!({ "renewed": true }), Some((state, json!({})))).await;
        assert_eq!(look(&server, renew()).await, Ok(Found::Ours(accepted("74"))), "{state}");
    }
    // Not marked as renewed: it may be ours, and may be an enrollment of somebody else's. Neither ours nor absent.
    let server = renewal(json!({}), Some(("Applied", json!({})))).await;
    assert!(matches!(look(&server, renew()).await, Err(CallError::Blocked { .. })));
    // Certainly something else.
    for others in [
        json!({ "subjectAlternativeNames": ["shop.example.com"] }),
        json!({ "certType": { "id": 7 } }),
        json!({ "orgId": 43 }),
        json!({ "comments": MARK }),
    ] {
        let server = renewal(json!({}), Some(("Applied", others))).await;
        assert_eq!(look(&server, renew()).await, Ok(Found::Absent));
    }
}

#[tokio::test]
async fn a_renewal_that_is_hidden_is_not_absent_once_the_old_one_is_marked() {
    let server = renewal(json!({}), None).await;
    assert_eq!(look(&server, renew()).await, Ok(Found::Absent));
    let server = renewal(json!({ "renewed": true, "renewedDate": "11/24/2026" }), None).await;
    assert!(matches!(look(&server, renew()).await, Err(CallError::Blocked { .. })));
}

#[tokio::test]
async fn a_replacement_is_found_by_its_key() {
    let ours = Found::Ours(accepted("73"));
    for (state, others, collected, expected) in [
        ("Issued", json!({}), Some(file(OURS.chain(0x1002))), ours.clone()),
        ("Issued", json!({}), Some(file(OTHER.chain(0x1001))), Found::Absent),
        // The certificate before it, for the same key.
        ("Issued", json!({}), Some(file(OURS.chain(0x1001))), Found::Absent),
        // One is under way, and there is no other beside it.
        ("Issued", json!({}), Some(status(400).set_body_json(vendor_error(-1400))), ours.clone()),
        ("Applied", json!({ "serialNumber": "10:01" }), None, ours),
        ("Revoked", json!({}), None, Found::Absent),
        ("Applied", json!({}), None, Found::Absent),
    ] {
        let server = MockServer::start().await;
        has(&server, 73, state, others).await;
        if let Some(answer) = collected {
            collects(&server, 73, answer).await;
        }
        let wanted = Wanted { earlier: BTreeSet::from([serial(0x1001)]), ..wanted(reissue()) };
        assert_eq!(sectigo(&server).find(&wanted).await, Ok(expected), "{state}");
    }
    let server = MockServer::start().await;
    has(&server, 73, "Something new", json!({})).await;
    let found = look(&server, reissue()).await;
    assert!(matches!(found, Err(CallError::Ambiguous { .. })), "{found:?}");
}

#[tokio::test]
async fn certificates_with_exactly_these_names_match() {
    let server = MockServer::start().await;
    let answer = |rows: Value| status(200).set_body_json(rows);
    let by = |name: &'static str| {
        call("GET", "ssl/v2").and(query_param(name, NAMES[0])).and(query_param("status", "Issued"))
    };
    let several = json!([row(54), { "sslId": 53, "subjectAlternativeNames": ["shop.example.com", "b.example.com"] }]);
    by("commonName").respond_with(answer(several)).expect(1).mount(&server).await;
    by("subjectAlternativeName").respond_with(answer(json!([row(54), row(52)]))).expect(1).mount(&server).await;
    has(&server, 54, "Issued", json!({})).await;
    has(&server, 52, "Issued", json!({ "subjectAlternativeNames": ["shop.example.com"] })).await;
    collects(&server, 54, file(OURS.chain(0x1001))).await;
    let found = sectigo(&server).matching(&NAMES.map(str::to_owned).into()).await.unwrap();
    let [order] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((order.order_id.as_str(), order.status), ("54", OrderStatus::Active));
    assert_eq!(order.content.public_key_sha256, Some(OURS.key.clone()));
}

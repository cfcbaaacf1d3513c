use super::*;
use evercert::provider::{Accepted, Found};
use wiremock::matchers::{path_regex, query_param};

fn by_key() -> String {
    format!("order/alternate/{IDEMPOTENCY_KEY}")
}

fn accepted(order: &str, certificate: Option<&str>) -> Accepted {
    Accepted { order_id: order.into(), certificate_id: certificate.map(str::to_owned), ..Accepted::default() }
}

async fn find(server: &MockServer, operation: Operation) -> Result<Found, CallError> {
    digicert(server).find(&wanted(operation)).await
}

async fn nothing_by_key(server: &MockServer) {
    answers(server, "GET", &by_key(), 200, json!({})).await;
}

/// One page of *List orders*, asked for as it must be.
async fn listed(server: &MockServer, rows: Value) {
    let total = rows.as_array().map_or(0, Vec::len);
    let page = json!({ "orders": rows, "page": { "total": total, "limit": 0, "offset": 0 } });
    call("GET", "order/certificate")
        .and(query_param("filters[domain_name]", "shop.example.com"))
        .and(query_param("sort", "-date_created"))
        .and(query_param("limit", "200"))
        .and(query_param("offset", "0"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .expect(1)
        .mount(server)
        .await;
}

fn row(id: u64, created: &str) -> Value {
    json!({ "id": id, "status": "needs_approval", "date_created": created, "certificate": { "common_name": "shop.example.com" } })
}

async fn order(server: &MockServer, id: u64, status: &str, csr: &str) {
    let mut info = order_info(status, csr);
    info["id"] = json!(id);
    info["certificate"]["id"] = json!(id + 1);
    answers(server, "GET", &format!("order/certificate/{id}"), 200, info).await;
}

#[tokio::test]
async fn an_order_is_found_by_its_idempotency_key() {
    for operation in [Operation::Order, renew()] {
        let server = MockServer::start().await;
        let body = json!({ "orders": [{ "order_id": 500, "certificate_id": 501, "status": "pending" }] });
        answers(&server, "GET", &by_key(), 200, body).await;
        order(&server, 500, "pending", &OURS.csr).await;
        assert_eq!(find(&server, operation).await, Ok(Found::Ours(accepted("500", Some("501")))));
    }
}

#[tokio::test]
async fn of_several_with_our_key_the_oldest_is_ours() {
    let server = MockServer::start().await;
    let body = json!({ "orders": [{ "order_id": "1000" }, { "order_id": 999 }, { "order_id": 998 }] });
    answers(&server, "GET", &by_key(), 200, body).await;
    order(&server, 998, "pending", &OTHER.csr).await;
    order(&server, 999, "pending", &OURS.csr).await;
    assert_eq!(find(&server, Operation::Order).await, Ok(Found::Ours(accepted("999", Some("1000")))));
}

#[tokio::test]
async fn our_idempotency_key_with_another_public_key_is_told_apart() {
    let server = MockServer::start().await;
    let body = json!({ "orders": [{ "order_id": 7 }, { "order_id": 8 }, { "order_id": 9 }] });
    answers(&server, "GET", &by_key(), 200, body).await;
    order(&server, 7, "canceled", &OTHER.csr).await;
    order(&server, 8, "issued", &OTHER.csr).await;
    order(&server, 9, "issued", &OTHER.csr).await;
    assert_eq!(find(&server, Operation::Order).await, Ok(Found::OtherKey(accepted("8", Some("9")))));
}

#[tokio::test]
async fn an_order_that_lost_its_idempotency_key_is_found_by_name_time_and_public_key() {
    let server = MockServer::start().await;
    answers(&server, "GET", &by_key(), 404, vendor_error("not_found|order")).await;
    let rows = json!([
        row(503, "2026-11-24T08:00:00+00:00"),
        row(502, "2026-11-24T07:24:30+00:00"),
        // Before the intent, for another name: not looked at.
        row(501, "2026-11-24T07:20:00+00:00"),
        { "id": 500, "date_created": "2026-11-24T08:00:00+00:00", "certificate": { "common_name": "a.example" } },
    ]);
    listed(&server, rows).await;
    order(&server, 503, "needs_approval", &OTHER.csr).await;
    order(&server, 502, "needs_approval", &OURS.csr.replace('\n', "")).await;
    assert_eq!(find(&server, Operation::Order).await, Ok(Found::Ours(accepted("502", Some("503")))));
}

/// The CSR of one key may be in two Certificates, and each buys an order of its own.
#[tokio::test]
async fn an_order_with_the_idempotency_key_of_another_operation_is_not_ours_whatever_its_public_key() {
    for (id, found) in [
        ("0b1c2d3e-4f50-8a61-9b72-8c93ada4b5c6", Found::Absent),
        (&*IDEMPOTENCY_KEY.to_uppercase(), Found::Ours(accepted("502", Some("1002")))),
        // What people write there says nothing.
        ("PO 4711", Found::Ours(accepted("502", Some("1002")))),
        ("0b1c2d3e-4f50-4a61-9b72-8c93ada4b5c6", Found::Ours(accepted("502", Some("1002")))),
    ] {
        let server = MockServer::start().await;
        nothing_by_key(&server).await;
        listed(&server, json!([row(502, "2026-11-24T07:24:30+00:00")])).await;
        let mut info = order_info("needs_approval", &OURS.csr);
        (info["id"], info["certificate"]["id"], info["alternative_order_id"]) = (json!(502), json!(1002), json!(id));
        answers(&server, "GET", "order/certificate/502", 200, info).await;
        assert_eq!(find(&server, Operation::Order).await, Ok(found), "{id}");
    }
}

#[tokio::test]
async fn nothing_by_key_nothing_by_name_is_absent() {
    let server = MockServer::start().await;
    nothing_by_key(&server).await;
    listed(&server, json!({})).await;
    assert_eq!(find(&server, Operation::Order).await, Ok(Found::Absent));
}

#[tokio::test]
async fn pages_are_read_until_the_intent_is_passed() {
    let server = MockServer::start().await;
    nothing_by_key(&server).await;
    let page = |offset: &str, rows: Vec<Value>| {
        let body = json!({ "orders": rows, "page": { "total": 1000 } });
        call("GET", "order/certificate")
            .and(query_param("offset", offset))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .expect(1)
    };
    let other_names =
        |created: &str| json!({ "id": 1, "date_created": created, "certificate": { "common_name": "b.example" } });
    page("0", vec![other_names("2026-11-24T09:00:00+00:00"); 200]).mount(&server).await;
    let mut second = vec![row(600, "2026-11-24T07:40:00+00:00")];
    second.extend(vec![other_names("2026-11-01T00:00:00+00:00"); 199]);
    page("200", second).mount(&server).await;
    order(&server, 600, "pending", &OURS.csr).await;
    assert_eq!(find(&server, Operation::Order).await, Ok(Found::Ours(accepted("600", Some("601")))));
}

#[tokio::test]
async fn a_look_that_may_have_missed_something_is_an_error() {
    // More candidates than are looked through.
    let server = MockServer::start().await;
    nothing_by_key(&server).await;
    let many: Vec<Value> = (0..31).map(|id| row(700 + id, "2026-11-24T08:00:00+00:00")).collect();
    listed(&server, json!(many)).await;
    Mock::given(path_regex("^/services/v2/order/certificate/7[0-9]+$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(order_info("pending", &OTHER.csr)))
        .mount(&server)
        .await;
    assert!(matches!(find(&server, Operation::Order).await, Err(CallError::Ambiguous { .. })));

    // More pages than are read, from a server that ignores the order asked for.
    let server = MockServer::start().await;
    nothing_by_key(&server).await;
    let body = json!({ "orders": [row(1, "2020-01-01T00:00:00+00:00"), row(2, "2021-01-01T00:00:00+00:00")], "page": { "total": 9999 } });
    answers(&server, "GET", "order/certificate", 200, body).await;
    assert!(matches!(find(&server, Operation::Order).await, Err(CallError::Ambiguous { .. })));

    // A 404 that CertCentral did not make, and other failures.
    for (status, body) in [(404, json!({})), (500, json!({})), (403, vendor_error("access_denied|missing_permission"))]
    {
        let server = MockServer::start().await;
        answers(&server, "GET", &by_key(), status, body).await;
        assert!(find(&server, Operation::Order).await.is_err());
    }

    // An order whose info cannot be read.
    let server = MockServer::start().await;
    nothing_by_key(&server).await;
    listed(&server, json!([row(900, "2026-11-24T08:00:00+00:00")])).await;
    answers(&server, "GET", "order/certificate/900", 500, json!({})).await;
    assert!(find(&server, Operation::Order).await.is_err());
}

#[tokio::test]
async fn a_renewal_is_found_by_the_order_it_follows() {
    for (csr, ours) in [(&OURS.csr, true), (&OTHER.csr, false)] {
        let server = MockServer::start().await;
        nothing_by_key(&server).await;
        let mut old = order_info("issued", &OTHER.csr);
        old["is_renewed"] = json!(true);
        old["renewed_order_id"] = json!(800);
        answers(&server, "GET", "order/certificate/112233", 200, old).await;
        order(&server, 800, "pending", csr).await;
        let renewal = accepted("800", Some("801"));
        let expected = if ours { Found::Ours(renewal) } else { Found::OtherKey(renewal) };
        assert_eq!(find(&server, renew()).await, Ok(expected));
    }
}

#[tokio::test]
async fn a_renewal_that_cannot_be_seen_is_for_a_person() {
    let server = MockServer::start().await;
    nothing_by_key(&server).await;
    let mut old = order_info("issued", &OTHER.csr);
    old["is_renewed"] = json!("1");
    answers(&server, "GET", "order/certificate/112233", 200, old).await;
    listed(&server, json!([])).await;
    assert!(matches!(find(&server, renew()).await, Err(CallError::Blocked { .. })));
}

#[tokio::test]
async fn a_renewal_that_was_never_placed_is_absent() {
    let server = MockServer::start().await;
    nothing_by_key(&server).await;
    answers(&server, "GET", "order/certificate/112233", 200, order_info("issued", &OTHER.csr)).await;
    listed(&server, json!([])).await;
    assert_eq!(find(&server, renew()).await, Ok(Found::Absent));
}

async fn reissued(info: Value, rows: Value) -> Result<Found, CallError> {
    reissued_after(&[], info, rows).await
}

async fn reissued_after(earlier: &[&str], info: Value, rows: Value) -> Result<Found, CallError> {
    let server = MockServer::start().await;
    answers(&server, "GET", "order/certificate/112233", 200, info).await;
    call("GET", "order/certificate/112233/reissue")
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "certificates": rows })))
        .mount(&server)
        .await;
    let earlier = earlier.iter().map(|&id| id.to_owned()).collect();
    digicert(&server).find(&Wanted { earlier, ..wanted(reissue()) }).await
}

#[tokio::test]
async fn an_earlier_certificate_for_the_same_key_is_not_what_is_looked_for() {
    let row = |id: u64| json!({ "id": id, "status": "issued", "csr": OURS.csr });
    let after = |rows| reissued_after(&["5500", "5501"], order_info("issued", &OURS.csr), rows);
    assert_eq!(after(json!([row(5500), row(5501)])).await, Ok(Found::Absent));
    assert_eq!(after(json!([row(5500), row(2)])).await, Ok(Found::Ours(accepted("112233", Some("2")))));
}

#[tokio::test]
async fn a_reissue_is_found_by_its_csr() {
    let ours = |id| Ok(Found::Ours(accepted("112233", Some(id))));
    assert_eq!(reissued(order_info("issued", &OURS.csr), json!([])).await, ours("5501"));
    for status in ["pending", "issued", "rejected"] {
        let rows =
            json!([{ "id": 1, "csr": OTHER.csr }, { "id": 2, "status": status, "csr": OURS.csr.replace('\n', "") }]);
        assert_eq!(reissued(order_info("reissue_pending", &OTHER.csr), rows).await, ours("2"));
    }
    let rows = json!([{ "id": 1, "status": "issued", "csr": OTHER.csr }]);
    assert_eq!(reissued(order_info("issued", &OTHER.csr), rows).await, Ok(Found::Absent));
}

#[tokio::test]
async fn somebody_elses_pending_reissue_is_never_absence() {
    let rows = json!([{ "id": 1, "status": "pending", "csr": OTHER.csr }]);
    let found = reissued(order_info("reissue_pending", &OTHER.csr), rows).await;
    assert_eq!(found, Ok(Found::OtherKey(accepted("112233", Some("1")))));

    let mut info = order_info("issued", &OTHER.csr);
    info["has_pending_request"] = json!(1);
    for info in [info, order_info("reissue_pending", &OTHER.csr)] {
        assert!(matches!(reissued(info, json!([])).await, Err(CallError::Blocked { .. })));
    }
}

/// A row of *List orders* with its names.
fn issued(id: u64, status: &str, names: &[&str]) -> Value {
    let certificate = json!({ "common_name": "shop.example.com", "dns_names": names });
    json!({ "id": id, "status": status, "date_created": "2020-01-01T00:00:00+00:00", "certificate": certificate })
}

#[tokio::test]
async fn orders_of_exactly_these_names_are_read_whole() {
    let server = MockServer::start().await;
    let wanted = ["shop.example.com", "www.example.com"];
    let rows = json!([
        issued(1, "issued", &["WWW.example.com"]),
        issued(2, "issued", &["shop.example.com"]),
        issued(3, "pending", &wanted),
        issued(4, "issued", &[]),
        issued(5, "issued", &["shop.example.com", "www.example.com", "more.example.com"]),
    ]);
    listed(&server, rows).await;
    for (id, names) in [(1, &wanted[..]), (4, &["shop.example.com"])] {
        let mut info = order_info("issued", &OURS.csr);
        info["id"] = json!(id);
        info["certificate"]["dns_names"] = json!(names);
        info["alternative_order_id"] = json!("PO 4711");
        info["product"] = json!({ "name_id": "ssl_basic" });
        answers(&server, "GET", &format!("order/certificate/{id}"), 200, info).await;
    }
    let names = wanted.map(str::to_owned).into();
    let found = digicert(&server).matching(&names).await.unwrap();
    assert_eq!(found.iter().map(|facts| facts.order_id.as_str()).collect::<Vec<_>>(), ["1"]);
    let content = &found[0].content;
    assert_eq!((&content.names, content.product.as_deref()), (&names, Some("ssl_basic")));
    assert_eq!(content.idempotency_key.as_deref(), Some("PO 4711"));
    assert_eq!(content.public_key_sha256.as_ref(), Some(&OURS.key));
    assert!(!content.renewed_unseen);
}

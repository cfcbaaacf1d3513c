use super::*;
use evercert::provider::{Accepted, Found, Progress, Standing};
use wiremock::matchers::body_json;

const LIST: &str = "order/certificate/112233/duplicate";

fn row(id: u64, status: &str, csr: &str) -> Value {
    // The vendor's own spelling of `archived`.
    json!({ "id": id, "status": status, "csr": csr, "archived": "0" })
}

async fn lists(rows: Value) -> MockServer {
    let server = MockServer::start().await;
    answers(&server, "GET", LIST, 200, json!({ "certificates": rows })).await;
    server
}

#[tokio::test]
async fn a_duplicate_has_what_its_page_lists_and_neither_validity_nor_validations() {
    let server = MockServer::start().await;
    let body = json!({
        "certificate": {
            "common_name": "shop.example.com",
            "dns_names": ["shop.example.com", "www.shop.example.com"],
            "csr": OURS.csr,
            "signature_hash": "sha256",
        },
        "skip_approval": true,
    });
    call("POST", LIST)
        .and(body_json(body))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({ "id": 112233, "certificate_id": 5502 })))
        .expect(1)
        .mount(&server)
        .await;
    let expected = Accepted { order_id: "112233".into(), certificate_id: Some("5502".into()), ..Accepted::default() };
    assert_eq!(submit(&digicert(&server), duplicate()).await, Ok(expected));
}

#[tokio::test]
async fn only_our_public_key_makes_a_duplicate_ours() {
    let ours = Accepted { order_id: "112233".into(), certificate_id: Some("5502".into()), ..Accepted::default() };
    for (rows, expected) in [
        (json!([row(5501, "approved", &OTHER.csr), row(5502, "approved", &OURS.csr)]), Found::Ours(ours.clone())),
        (json!([row(5502, "pending", &OURS.csr)]), Found::Ours(ours)),
        (json!([row(5501, "pending", &OTHER.csr)]), Found::Absent),
        (json!({}), Found::Absent),
    ] {
        let server = lists(rows).await;
        assert_eq!(digicert(&server).find(&wanted(duplicate())).await, Ok(expected));
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "one call tells all");
    }
    let server = MockServer::start().await;
    answers(&server, "GET", LIST, 502, json!({})).await;
    assert!(digicert(&server).find(&wanted(duplicate())).await.is_err(), "a look that fails is no absence");
}

#[tokio::test]
async fn how_far_a_duplicate_has_come_is_told_by_its_row() {
    let order = |pending: bool| {
        let mut order = order_info("issued", &OTHER.csr);
        order["has_pending_request"] = json!(pending);
        order["requests"] = json!([{ "id": 9, "status": "pending" }]);
        order
    };
    let processing = |status: &str| Progress::Processing { status: status.into() };
    for (rows, pending, expected) in [
        (json!([row(5502, "approved", &OURS.csr)]), false, Progress::Issued { certificate_id: "5502".into() }),
        (json!([row(5502, "issued", &OURS.csr)]), false, Progress::Issued { certificate_id: "5502".into() }),
        (json!([row(5502, "pending", &OURS.csr)]), false, processing("pending")),
        (json!([row(5502, "pending", &OURS.csr)]), true, Progress::AwaitingApproval { request_id: Some("9".into()) }),
        (json!([row(5501, "approved", &OTHER.csr)]), false, processing("issued")),
        (
            json!([row(5502, "rejected", &OURS.csr)]),
            false,
            Progress::Refused { reason: "the duplicate on order 112233 was rejected".into() },
        ),
    ] {
        let server = lists(rows).await;
        answers(&server, "GET", "order/certificate/112233", 200, order(pending)).await;
        let order_valid_till = Some("2027-11-24".parse().unwrap());
        let standing = digicert(&server).progress(&placed(duplicate())).await;
        assert_eq!(standing, Ok(Standing { progress: expected, order_valid_till, delivered: None }));
    }
}

#[tokio::test]
async fn an_order_tells_until_when_its_certificate_is_valid() {
    let server = MockServer::start().await;
    let mut body = order_info("issued", &OURS.csr);
    body["certificate"]["valid_till"] = json!("2027-06-10");
    answers(&server, "GET", "order/certificate/112233", 200, body).await;
    let order = digicert(&server).order("112233").await.unwrap();
    assert_eq!(order.certificate_valid_till, Some("2027-06-10".parse().unwrap()));
}

use super::*;
use evercert::provider::{RevocationReason, Revoked};
use wiremock::matchers::body_json;

const NOTE: &str = "its Certificate was deleted";

/// *Order info*, perhaps with requests.
async fn order(server: &MockServer, status: &str, requests: Value) {
    let mut body = order_info(status, &OURS.csr);
    body["requests"] = requests;
    answers(server, "GET", "order/certificate/112233", 200, body).await;
}

/// Exactly this call, once, answered as documented: 204 without a body.
async fn expects(server: &MockServer, at: &str, body: Value) {
    call("PUT", at)
        .and(header("Content-Type", "application/json"))
        .and(body_json(body))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(server)
        .await;
}

fn canceled() -> Value {
    json!({ "status": "canceled", "note": NOTE })
}

fn rejected() -> Value {
    json!({ "status": "rejected", "processor_comment": NOTE })
}

#[tokio::test]
async fn a_whole_order_is_revoked_with_204_and_waits_with_a_request() {
    let body = json!({
        "revocation_reason": "cessationOfOperation", "comments": "Revoked by Evercert", "skip_approval": true,
    });
    let server = MockServer::start().await;
    expects(&server, "order/certificate/112233/revoke", body).await;
    let revoke = async |server| digicert(server).revoke_order("112233", RevocationReason::CessationOfOperation).await;
    assert_eq!(revoke(&server).await, Ok(Revoked::Done));

    let server = MockServer::start().await;
    let request = json!({ "id": 31, "type": "revoke", "status": "pending" });
    answers(&server, "PUT", "order/certificate/112233/revoke", 201, request).await;
    assert_eq!(revoke(&server).await, Ok(Revoked::AwaitingApproval { request_id: Some("31".into()) }));

    let server = MockServer::start().await;
    answers(&server, "PUT", "order/certificate/112233/revoke", 400, vendor_error("order_already_revoked")).await;
    assert_eq!(revoke(&server).await, Ok(Revoked::Done));
}

#[tokio::test]
async fn an_order_that_waits_for_validation_is_canceled() {
    for (operation, status) in [(Operation::Order, "pending"), (renew(), "waiting_pickup")] {
        let server = MockServer::start().await;
        order(&server, status, json!([{ "id": 9, "status": "approved" }])).await;
        expects(&server, "order/certificate/112233/status", canceled()).await;
        assert_eq!(digicert(&server).cancel(&placed(operation), NOTE).await, Ok(()));
    }
}

#[tokio::test]
async fn a_request_that_waits_for_approval_is_rejected() {
    let requests = json!([{ "id": 8, "status": "approved" }, { "id": 9, "status": "pending" }]);
    let server = MockServer::start().await;
    order(&server, "needs_approval", requests.clone()).await;
    expects(&server, "request/9/status", rejected()).await;
    assert_eq!(digicert(&server).cancel(&placed(Operation::Order), NOTE).await, Ok(()), "the only one of its order");

    let server = MockServer::start().await;
    order(&server, "issued", requests).await;
    expects(&server, "request/9/status", rejected()).await;
    let ours = Placed { request_id: Some("9".into()), ..placed(reissue()) };
    assert_eq!(digicert(&server).cancel(&ours, NOTE).await, Ok(()));
}

#[tokio::test]
async fn a_pending_reissue_is_canceled_when_it_is_ours() {
    let rows = |csr: &str| json!({ "certificates": [{ "id": 5502, "status": "pending", "csr": csr }] });
    let server = MockServer::start().await;
    order(&server, "reissue_pending", json!([])).await;
    answers(&server, "GET", "order/certificate/112233/reissue", 200, rows(&OURS.csr)).await;
    expects(&server, "order/certificate/112233/status", canceled()).await;
    assert_eq!(digicert(&server).cancel(&placed(reissue()), NOTE).await, Ok(()));

    let server = MockServer::start().await;
    order(&server, "reissue_pending", json!([])).await;
    answers(&server, "GET", "order/certificate/112233/reissue", 200, rows(&OTHER.csr)).await;
    refused(&digicert(&server).cancel(&placed(reissue()), NOTE).await, "nothing of ours");
}

#[tokio::test]
async fn what_is_not_pending_or_not_ours_is_not_touched() {
    let another = json!([{ "id": 8, "status": "pending" }]);
    for (operation, status, requests) in [
        (Operation::Order, "issued", json!([])),
        (Operation::Order, "revoked", json!([])),
        (reissue(), "issued", another.clone()),
        (reissue(), "pending", json!([])),
    ] {
        let server = MockServer::start().await;
        order(&server, status, requests).await;
        refused(&digicert(&server).cancel(&placed(operation), NOTE).await, status);
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "only looked at");
    }
}

fn refused(result: &Result<(), CallError>, why: &str) {
    let told = matches!(result, Err(CallError::Rejected { message, .. }) if message.contains(why));
    assert!(told, "{result:?}");
}

#[tokio::test]
async fn an_order_tells_how_many_certificates_it_has() {
    let server = MockServer::start().await;
    let mut body = order_info("issued", &OURS.csr);
    (body["reissues_count"], body["duplicates_count"]) = (json!(2), json!("1"));
    answers(&server, "GET", "order/certificate/112233", 200, body).await;
    assert_eq!(digicert(&server).order("112233").await.map(|order| order.certificates), Ok(Some(4)));
    let server = MockServer::start().await;
    answers(&server, "GET", "order/certificate/112233", 200, order_info("issued", &OURS.csr)).await;
    assert_eq!(digicert(&server).order("112233").await.map(|order| order.certificates), Ok(None), "not told");
}

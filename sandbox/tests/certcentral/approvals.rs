use serde_json::json;

use crate::client::{Client, Key};

#[tokio::test]
async fn without_skip_approval_an_order_waits_for_a_decision() {
    let client = Client::instant().await;
    let mut body = client.order(&["www.example.com"], &Key::ecdsa().csr());
    body["skip_approval"] = json!(false);
    let order = client.post("/order/certificate/ssl_basic", body.clone()).await;
    let request = &order["requests"][0]["id"];
    assert_eq!(order, json!({"id": order["id"], "requests": [{"id": request, "status": "pending"}]}));
    let info = client.order_info(&order["id"]).await;
    assert_eq!((&info["status"], &info["has_pending_request"]), (&json!("needs_approval"), &json!(true)));

    client.silent("PUT", &format!("/request/{request}/status"), json!({"status": "approved"})).await;
    let info = client.order_info(&order["id"]).await;
    assert_eq!((&info["status"], &info["has_pending_request"]), (&json!("issued"), &json!(false)));
    let again = client.call("PUT", &format!("/request/{request}/status"), Some(json!({"status": "rejected"}))).await;
    assert_eq!(again.error(), (400, "request_already_processed".into()));

    let second = client.post("/order/certificate/ssl_basic", body).await;
    let request = &second["requests"][0]["id"];
    let no = json!({"status": "rejected", "processor_comment": "no"});
    client.silent("PUT", &format!("/request/{request}/status"), no).await;
    assert_eq!(client.order_info(&second["id"]).await["status"], "rejected");
    let seen = client.get(&format!("/request/{request}")).await;
    assert_eq!((&seen["status"], &seen["processor_comment"]), (&json!("rejected"), &json!("no")));
    assert_eq!(client.get("/request?filters[status]=rejected").await["page"]["total"], 1);
}

#[tokio::test]
async fn where_approval_is_required_only_a_person_approves() {
    let client = Client::instant().await;
    let account = client.ready["digicert"]["accountId"].clone();
    client.post(&format!("/_sandbox/accounts/{account}"), json!({"settings": {"approvalRequired": true}})).await;
    let order = client.place(&["www.example.com"]).await;
    assert_eq!(order.get("certificate_id"), None);
    let request = &order["requests"][0]["id"];
    let answer = client.call("PUT", &format!("/request/{request}/status"), Some(json!({"status": "approved"}))).await;
    assert_eq!(answer.error(), (403, "access_denied|invalid_approver".into()));
    let answer = client.call("POST", &format!("/_sandbox/requests/{request}/approve"), None).await;
    assert_eq!(answer.status, 204);
    assert_eq!(client.order_info(&order["id"]).await["status"], "issued");
    assert_eq!(client.operations().await, ["order"]);
}

#[tokio::test]
async fn a_pending_order_can_be_cancelled_and_an_issued_one_not() {
    let client = Client::start(&["--dcv", "check"]).await;
    let pending = client.place(&["www.example.com"]).await;
    let path = format!("/order/certificate/{}/status", pending["id"]);
    let answer = client.call("PUT", &path, Some(json!({"status": "canceled"}))).await;
    assert_eq!(answer.error(), (400, "invalid_value:note".into()));
    client.silent("PUT", &path, json!({"status": "CANCELED", "note": "enough"})).await;
    let info = client.order_info(&pending["id"]).await;
    assert_eq!(info["status"], "canceled");
    assert_eq!(info["requests"][0]["status"], "rejected");
    let answer = client.call("PUT", &path, Some(json!({"status": "canceled", "note": "more"}))).await;
    assert_eq!(answer.error(), (400, "order_status_invalid".into()));
    assert_eq!(client.operations().await, ["order", "cancel"]);
}

#[tokio::test]
async fn accounts_differ_where_the_documents_do() {
    let mut client = Client::start(&["--dcv", "instant", "--accounts", "3"]).await;
    assert_eq!(client.ready["digicert"]["accounts"].as_array().unwrap().len(), 2);
    let settings = json!({"requestsAreSubmitted": true, "unknownAlternativeIs404": true});
    let account = client.post("/_sandbox/accounts", json!({"name": "Other", "requestsAreSubmitted": true})).await;
    assert_eq!(account["settings"]["requestsAreSubmitted"], true);
    let path = format!("/_sandbox/accounts/{}", account["accountId"]);
    let change = json!({"settings": settings, "addKey": "orders"});
    client.key = client.post(&path, change).await["addedKey"].as_str().unwrap().into();

    let mut body = client.order(&["www.example.com"], &Key::ecdsa().csr());
    body["organization"]["id"] = account["organizationId"].clone();
    body["skip_approval"] = json!(false);
    let order = client.post("/order/certificate/ssl_basic", body).await;
    assert_eq!(order["requests"][0]["status"], "submitted");
    assert_eq!(client.order_info(&order["id"]).await["has_pending_request"], true);
    let answer = client.call("GET", "/order/alternate/none", None).await;
    assert_eq!(answer.error(), (404, "not_found|order".into()));
    let answer = client.call("POST", "/domain", Some(json!({}))).await;
    assert_eq!(answer.error(), (403, "access_denied|missing_permission".into()));
}

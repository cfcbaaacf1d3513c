use serde_json::json;

use crate::client::{Client, Key};

#[tokio::test]
async fn an_order_is_renewed_once_from_90_days_before_its_end() {
    let client = Client::instant().await;
    let old = client.place(&["www.example.com"]).await;
    let mut body = client.order(&["www.example.com"], &Key::ecdsa().csr());
    body["renewal_of_order_id"] = old["id"].clone();
    let path = "/order/certificate/ssl_basic";

    client.advance("274d").await;
    let early = client.call("POST", path, Some(body.clone())).await;
    assert_eq!(early.error(), (400, "order_not_eligible_for_renewal".into()));
    client.advance("1d").await;
    let new = client.post(path, body.clone()).await;
    let again = client.call("POST", path, Some(body.clone())).await;
    assert_eq!(again.error(), (400, "order_renewed_already".into()));
    body["renewal_of_order_id"] = json!(7);
    assert_eq!(client.call("POST", path, Some(body)).await.error(), (404, "not_found|order".into()));

    let info = client.order_info(&new["id"]).await;
    assert_eq!((&info["is_renewal"], &info["renewal_of_order_id"]), (&json!(true), &old["id"]));
    let info = client.order_info(&old["id"]).await;
    assert_eq!((&info["is_renewed"], &info["renewed_order_id"]), (&json!(true), &new["id"]));
    assert_eq!(client.get("/order/certificate?filters[is_renewed]=1").await["orders"][0]["id"], old["id"]);

    let ledger = client.get("/_sandbox/ledger").await;
    assert_eq!(ledger["totals"]["paid"], 2);
    let row = &ledger["operations"][1];
    assert_eq!((&row["kind"], &row["renewalOf"], &row["orderId"]), (&json!("renew"), &old["id"], &new["id"]));
}

#[tokio::test]
async fn a_renewal_that_was_cancelled_can_be_ordered_again() {
    let client = Client::start(&["--dcv", "check", "--validated-domain", "example.com"]).await;
    let old = client.place(&["www.example.com"]).await;
    client.advance("300d").await;
    let mut body = client.order(&["www.example.com"], &Key::ecdsa().csr());
    body["renewal_of_order_id"] = old["id"].clone();
    let first = client.post("/order/certificate/ssl_basic", body.clone()).await;
    assert_eq!(client.order_info(&first["id"]).await["status"], "pending", "validation is too old");
    let cancel = json!({"status": "canceled", "note": "no"});
    client.silent("PUT", &format!("/order/certificate/{}/status", first["id"]), cancel).await;
    assert_eq!(client.order_info(&old["id"]).await["is_renewed"], false);
    client.post("/order/certificate/ssl_basic", body).await;
    assert_eq!(client.operations().await, ["order", "renew", "cancel", "renew"]);
}

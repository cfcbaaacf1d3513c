use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn a_revoked_certificate_is_on_the_crl() {
    let client = Client::instant().await;
    let order = client.place(&["www.example.com"]).await;
    let serial = client.order_info(&order["id"]).await["certificate"]["serial_number"].clone();
    let serial = serial.as_str().unwrap();
    let body = json!({"revocation_reason": "keyCompromise", "skip_approval": true});
    client.silent("PUT", &format!("/certificate/{}/revoke", order["certificate_id"]), body.clone()).await;
    assert_eq!(client.crl_serials().await, [serial]);
    let info = client.order_info(&order["id"]).await;
    assert_eq!((&info["status"], &info["certificate"]["status"]), (&json!("issued"), &json!("revoked")));
    let again = client.call("PUT", &format!("/certificate/{serial}/revoke"), Some(body)).await;
    assert_eq!(again.error(), (400, "certificate_already_revoked".into()));
    let reason = json!({"revocation_reason": "boredom"});
    let second = client.place(&["www.example.com"]).await;
    let path = format!("/certificate/{}/revoke", second["certificate_id"]);
    assert_eq!(client.call("PUT", &path, Some(reason)).await.error(), (400, "invalid_value:revocation_reason".into()));
}

#[tokio::test]
async fn revocation_can_wait_for_approval() {
    let client = Client::instant().await;
    let order = client.place(&["www.example.com"]).await;
    let serial = client.order_info(&order["id"]).await["certificate"]["serial_number"].clone();
    let path = format!("/certificate/{}/revoke", serial.as_str().unwrap());
    let answer = client.call("PUT", &path, Some(json!({"comments": "old"}))).await;
    let request = answer.json();
    assert_eq!((answer.status, &request["status"], &request["type"]), (201, &json!("pending"), &json!("revoke")));
    assert!(client.crl_serials().await.is_empty());
    let path = format!("/request/{}/status", request["id"]);
    client.silent("PUT", &path, json!({"status": "approved"})).await;
    assert_eq!(client.crl_serials().await, [serial]);
}

#[tokio::test]
async fn a_whole_order_is_revoked_with_all_its_certificates() {
    let client = Client::instant().await;
    let order = client.place(&["www.example.com"]).await;
    let path = format!("/order/certificate/{}/revoke", order["id"]);
    client.silent("PUT", &path, json!({"skip_approval": true})).await;
    assert_eq!(client.order_info(&order["id"]).await["status"], "revoked");
    assert_eq!(client.crl_serials().await.len(), 1);
    let again = client.call("PUT", &path, Some(json!({"skip_approval": true}))).await;
    assert_eq!(again.error(), (400, "order_already_revoked".into()));
    let changes = client.get("/order/certificate/status-changes?minutes=5").await;
    assert!(changes["orders"].as_array().unwrap().iter().any(|row| row["status"] == "revoked"));
}

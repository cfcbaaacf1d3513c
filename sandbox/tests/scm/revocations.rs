use serde_json::json;

use crate::client::{Client, Key};

#[tokio::test]
async fn by_id_the_certificate_that_the_id_means_now() {
    let client = Client::instant().await;
    let id = client.enroll(&["www.example.com"]).await;
    let serial = client.leaf(id).await.serial.replace(':', "");
    let path = format!("ssl/revoke/{id}");
    assert_eq!(client.refused(&path, json!({"reasonCode": 4})).await, (400, -7));
    assert_eq!(client.refused(&path, json!({"reasonCode": 2, "reason": "a test"})).await, (400, -1601));
    client.silent("POST", &path, json!({"reasonCode": 4, "reason": "a test"})).await;
    let details = client.details(id).await;
    assert_eq!((&details["status"], &details["reasonCode"]), (&json!("Revoked"), &json!(4)));
    assert_eq!(details["revoked"], "06/01/2026");
    assert_eq!(client.crl_serials().await, [serial]);
    assert_eq!(client.collect(id, "x509").await.error(), (400, -110));
    assert_eq!(client.refused(&path, json!({"reasonCode": 4, "reason": "a test"})).await, (400, -102));
    assert_eq!(client.operations().await.last().unwrap(), &("revoke".to_owned(), false));
}

#[tokio::test]
async fn by_serial_number_one_that_was_replaced() {
    let client = Client::instant().await.v2();
    let id = client.enroll(&["www.example.com"]).await;
    let old = client.leaf(id).await.serial;
    let replacement = json!({"csr": Key::new("www.example.com").csr, "reason": "key compromise"});
    client.silent("POST", &format!("ssl/replace/{id}"), replacement).await;
    assert_eq!(client.details(id).await["status"], "Issued");
    let path = format!("ssl/revoke/serial/{old}");
    client.silent("POST", &path, json!({"reasonCode": "1", "reason": "key compromise"})).await;
    assert_eq!(client.crl_serials().await, [old.replace(':', "")]);
    assert_eq!(client.details(id).await["status"], "Issued", "the new one is not touched");
    assert_eq!(client.refused(&path, json!({"reason": "again"})).await, (400, -159));
    assert_eq!(client.refused("ssl/revoke/serial/AB:CD", json!({"reason": "none"})).await, (400, -5101));
}

#[tokio::test]
async fn marked_as_revoked_the_ca_knows_nothing() {
    let client = Client::instant().await.v2();
    let id = client.enroll(&["www.example.com"]).await;
    let mark = json!({"certId": id, "reasonCode": 1, "revokeDate": "2026-05-21T12:24:27.916+00:00"});
    client.silent("POST", "ssl/revoke/manual", mark).await;
    let details = client.details(id).await;
    assert_eq!((&details["status"], &details["reasonCode"]), (&json!("Revoked"), &json!("1")));
    assert!(client.crl_serials().await.is_empty());
    assert_eq!(client.refused("ssl/revoke/manual", json!({"reasonCode": 1})).await, (400, -951));
}

#[tokio::test]
async fn a_reason_code_is_needed_where_it_is() {
    let client = Client::instant().await;
    let id = client.enroll(&["www.example.com"]).await;
    client.settings(json!({"reasonCodeRequired": true})).await;
    assert_eq!(client.refused(&format!("ssl/revoke/{id}"), json!({"reason": "a test"})).await, (400, -7));
    client.settings(json!({"reasonCodeRequired": false})).await;
    client.silent("POST", &format!("ssl/revoke/{id}"), json!({"reason": "a test"})).await;
}

use serde_json::{Value, json};

use crate::client::{Client, Key};

fn body(key: &Key, names: &[&str]) -> Value {
    json!({"csr": key.csr, "reason": "a test", "commonName": names[0], "subjectAlternativeNames": names, "dcvMode": "CNAME"})
}

#[tokio::test]
async fn a_replacement_keeps_the_id_and_the_end_and_is_free() {
    let client = Client::instant().await;
    let id = client.enroll(&["www.example.com"]).await;
    let before = client.leaf(id).await;
    client.advance("10d").await;
    let key = Key::new("");
    client.silent("POST", &format!("ssl/replace/{id}"), body(&key, &["www.example.com", "new.example.com"])).await;

    let after = client.leaf(id).await;
    assert_eq!((after.spki, after.not_after), (key.spki, before.not_after));
    assert_eq!(after.names, ["www.example.com", "new.example.com"]);
    assert_ne!(after.serial, before.serial);
    let details = client.details(id).await;
    assert_eq!((&details["status"], &details["replaced"]), (&json!("Issued"), &json!("06/11/2026")));
    assert_eq!(details["serialNumber"], json!(after.serial));
    assert_eq!(client.operations().await, [("enroll".to_owned(), true), ("replace".to_owned(), false)]);
    assert_eq!(client.get("ssl").await.as_array().unwrap().len(), 1);
    assert!(client.crl_serials().await.is_empty(), "what was replaced is not revoked by that");
}

#[tokio::test]
async fn while_it_is_under_way_the_old_one_is_collected_or_none() {
    let client = Client::start(&["--dcv", "check", "--poll-seconds", "3600"]).await;
    let id = client.enroll(&["www.example.com"]).await;
    client.admin("POST", &format!("/scm/ssl/{id}/validate"), json!({})).await;
    let old = client.leaf(id).await;
    let key = Key::new("");
    client.silent("POST", &format!("ssl/replace/{id}"), body(&key, &["www.example.com"])).await;
    let details = client.details(id).await;
    assert_eq!((&details["status"], details.get("replaced")), (&json!("Applied"), None));
    assert_eq!(details["serialNumber"], json!(old.serial));
    assert_eq!(client.leaf(id).await.spki, old.spki);
    client.settings(json!({"duringReplacement": "notReady"})).await;
    assert_eq!(client.collect(id, "x509").await.error(), (400, 0));

    assert_eq!(client.refused(&format!("ssl/replace/{id}"), body(&key, &["www.example.com"])).await, (400, -130));
    assert_eq!(client.refused(&format!("ssl/renewById/{id}"), json!({})).await, (400, -105));
    client.admin("POST", &format!("/scm/ssl/{id}/validate"), json!({})).await;
    assert_eq!(client.leaf(id).await.spki, key.spki);
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let client = Client::instant().await;
    let id = client.enroll(&["www.example.com"]).await;
    let key = Key::new("");
    let path = format!("ssl/replace/{id}");
    let mut no_reason = body(&key, &["www.example.com"]);
    no_reason["reason"] = json!("");
    assert_eq!(client.refused(&path, no_reason).await, (400, -7));
    let mut text = body(&key, &["www.example.com"]);
    text["subjectAlternativeNames"] = json!("www.example.com");
    assert_eq!(client.refused(&path, text).await, (400, -1002), "here names are a list");
    assert_eq!(client.refused(&path, body(&key, &["www.elsewhere.test"])).await, (400, -1010));
    assert_eq!(client.refused("ssl/replace/7", body(&key, &["www.example.com"])).await, (400, -124));

    let mut enrolment = client.enrolment(&["www.example.com"], &Key::new("www.example.com").csr);
    enrolment["certType"] = client.scm["profiles"]["notReplaceable"].clone();
    let id = client.post("ssl/enroll", enrolment).await["sslId"].as_u64().unwrap();
    assert_eq!(client.refused(&format!("ssl/replace/{id}"), body(&key, &["www.example.com"])).await, (400, -37));
}

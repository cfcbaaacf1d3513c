use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use crate::client::Client;

const LETSENCRYPT: &str = "domains/example.com/certificates/letsencrypt";

#[tokio::test]
async fn a_gateway_that_breaks_says_so_in_html_before_or_after() {
    let client = Client::instant().await;
    for (kind, committed) in [("errorBeforeCommit", 0), ("errorAfterCommit", 1)] {
        client.fault(json!({"match": {"operation": "order"}, "kind": kind, "status": 502})).await;
        let before = client.operations().await.len();
        let answer = client.call("POST", LETSENCRYPT, Some(json!({}))).await;
        assert_eq!((answer.status, answer.header("content-type")), (502, "text/html"));
        assert!(answer.body.starts_with(b"<html>"));
        assert_eq!(client.operations().await.len() - before, committed, "{kind}");
    }
}

#[tokio::test]
async fn each_step_can_lose_its_answer() {
    let client = Client::instant().await;
    let id = client.certificate(json!({})).await;
    client.leaf(id).await;
    let lose = async |operation: &str, path: &str| {
        client.fault(json!({"match": {"operation": operation}, "kind": "resetAfterCommit"})).await;
        assert!(client.try_call("POST", path, Some(json!({}))).await.is_err(), "{operation}");
    };
    let newest = async || client.get("domains/example.com/certificates").await[0].take();
    lose("order", LETSENCRYPT).await;
    let bought = newest().await;
    assert_eq!(bought["state"], "new");
    lose("issue", &format!("{LETSENCRYPT}/{}/issue", bought["id"])).await;
    assert_eq!(newest().await["state"], "issued");
    lose("renew", &format!("{LETSENCRYPT}/{id}/renewals")).await;
    let renewed = newest().await;
    assert_eq!((&renewed["state"], client.operations().await.last().unwrap().0.as_str()), (&json!("new"), "renew"));
    // The id of that renewal is told nowhere else; another one can be bought.
    let renewal = client.data(201, "POST", &format!("{LETSENCRYPT}/{id}/renewals"), None).await;
    lose("issueRenewal", &format!("{LETSENCRYPT}/{id}/renewals/{}/issue", renewal["id"])).await;
    assert_eq!(newest().await["state"], "issued");
}

#[tokio::test]
async fn refusals_have_the_shape_of_the_vendor() {
    let client = Client::instant().await;
    let fault = json!({
        "match": {"commonName": "shop.example.com"}, "kind": "refuse", "status": 400,
        "code": {"name": ["is reserved"]}, "description": "Validation failed",
    });
    client.fault(fault).await;
    client.certificate(json!({})).await;
    let answer = client.call("POST", LETSENCRYPT, Some(json!({"name": "shop"}))).await;
    let expected = json!({"message": "Validation failed", "errors": {"name": ["is reserved"]}});
    assert_eq!((answer.status, answer.json()), (400, expected));

    client.fault(json!({"match": {"path": "*/records"}, "kind": "rateLimit", "retryAfter": 60})).await;
    let limited = client.call("GET", "zones/example.com/records", None).await;
    assert_eq!(limited.json(), json!({"message": "quota exceeded"}));
    assert_eq!((limited.status, limited.header("x-ratelimit-remaining")), (429, "0"));
    assert!(limited.headers.get("retry-after").is_none());
}

#[tokio::test]
async fn a_record_whose_creation_was_not_answered_is_there() {
    let client = Client::instant().await;
    client.fault(json!({"match": {"operation": "recordCreate"}, "kind": "truncateBody"})).await;
    let body = json!({"name": "_dnsauth", "type": "TXT", "content": "one"});
    let lost = client.try_call("POST", "zones/example.com/records", Some(body)).await;
    assert!(lost.is_err());
    assert_eq!(client.dns("_dnsauth.example.com", RecordType::TXT).await, ["one"]);
}

#[tokio::test]
async fn wrong_certificates_and_slow_ones() {
    let client = Client::instant().await;
    let faulty = async |operation: &str, kind: &str| {
        client.fault(json!({"match": {"operation": operation}, "kind": kind})).await;
        client.certificate(json!({"name": "shop"})).await
    };
    let id = faulty("order", "otherKey").await;
    let key = rcgen::KeyPair::from_pem(&client.private_key(id).await).unwrap();
    assert_ne!(rcgen::PublicKeyData::subject_public_key_info(&key), client.leaf(id).await.spki);
    let id = faulty("issue", "wrongNames").await;
    assert_eq!(client.leaf(id).await.names, ["wrong-names.invalid"]);
    let id = faulty("issue", "expired").await;
    assert_eq!(client.show(id).await["expires_on"], "2026-05-31");
    let id = faulty("issue", "approvalRefused").await;
    assert_eq!(client.show(id).await["state"], "failed");
    let id = faulty("issue", "chainIncomplete").await;
    assert_eq!(client.get(&format!("domains/example.com/certificates/{id}/download")).await["chain"], json!([]));
    let id = faulty("issue", "stayPending").await;
    assert_eq!(client.show(id).await["state"], "requesting");
    client.admin("POST", &format!("/dnsimple/certificates/{id}/release"), Value::Null).await;
    assert_eq!(client.show(id).await["state"], "issued");
}

#[tokio::test]
async fn a_lookup_lag_hides_what_was_bought() {
    let client = Client::instant().await;
    client.fault(json!({"match": {"operation": "order"}, "kind": "lookupLag", "seconds": 3600})).await;
    let id = client.data(201, "POST", LETSENCRYPT, None).await["certificate_id"].clone();
    assert_eq!(client.get("domains/example.com/certificates").await, json!([]));
    let path = format!("domains/example.com/certificates/{id}");
    assert_eq!(client.call("GET", &path, None).await.error(), (404, format!("Certificate `{id}` not found")));
    client.admin("POST", &format!("/dnsimple/certificates/{id}/release"), Value::Null).await;
    assert_eq!(client.get(&path).await["state"], "new");
}

#[tokio::test]
async fn what_the_ca_revokes_is_on_its_list() {
    let client = Client::instant().await;
    let id = client.certificate(json!({})).await;
    let serial = client.leaf(id).await.serial.replace(':', "");
    client.admin("POST", &format!("/certificates/{serial}/revoke"), json!({"reason": "keyCompromise"})).await;
    assert_eq!(client.crl_serials().await, [serial]);
}

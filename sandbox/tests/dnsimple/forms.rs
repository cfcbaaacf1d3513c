use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use serde_json::{Value, json};

use crate::client::Client;

const CERTIFICATES: &str = "domains/example.com/certificates";

fn csr(key: &KeyPair) -> String {
    CertificateParams::default().serialize_request(key).unwrap().pem().unwrap()
}

async fn order(client: &Client, form: Value) -> u64 {
    let mut form = form;
    form["domain"] = json!("example.com");
    client.admin("POST", "/dnsimple/certificates", form).await["id"].as_u64().unwrap()
}

async fn act(client: &Client, id: u64, action: &str) {
    client.admin("POST", &format!("/dnsimple/certificates/{id}/{action}"), Value::Null).await;
}

async fn reissue(client: &Client, id: u64, csr: Option<String>) -> u64 {
    let form = json!({"csr": csr});
    client.admin("POST", &format!("/dnsimple/certificates/{id}/reissue"), form).await["id"].as_u64().unwrap()
}

async fn status(client: &Client, id: u64, action: &str) -> u16 {
    let url = format!("{}/_sandbox/dnsimple/certificates/{id}/{action}", client.ready["url"].as_str().unwrap());
    let form = json!({"csr": null});
    reqwest::Client::new().post(url).json(&form).send().await.unwrap().status().as_u16()
}

/// Follows every link.
async fn answer_mails(client: &Client) -> usize {
    let mails = client.admin("GET", "/mails", Value::Null).await["mails"].take();
    let mails = mails.as_array().unwrap();
    for mail in mails {
        assert!(mail["to"].as_array().unwrap().contains(&json!("hostmaster@example.com")), "{mail}");
        let link = mail["link"].as_str().unwrap().strip_prefix("/_sandbox").unwrap();
        client.admin("POST", link, Value::Null).await;
    }
    mails.len()
}

#[tokio::test]
async fn an_order_by_form_waits_for_its_mail() {
    let client = Client::instant().await;
    let key = KeyPair::generate().unwrap();
    let csr = csr(&key);
    let id = order(&client, json!({"csr": csr})).await;
    let shown = client.show(id).await;
    assert_eq!((&shown["state"], &shown["authority_identifier"]), (&json!("submitted"), &json!("comodo")));
    assert_eq!((shown["csr"].as_str().unwrap(), &shown["expires_at"]), (csr.as_str(), &Value::Null));
    client.advance("5d").await;
    assert_eq!(client.show(id).await["state"], "submitted");

    assert_eq!(answer_mails(&client).await, 1);
    assert_eq!(client.show(id).await["expires_on"], "2026-12-21", "199 days");
    assert_eq!(client.leaf(id).await.spki, key.subject_public_key_info());
    assert_eq!(client.leaf(id).await.names, ["www.example.com", "example.com"]);
    let key = client.call("GET", &format!("{CERTIFICATES}/{id}/private_key"), None).await;
    assert_eq!(key.error(), (428, "Private key not present".into()));
    assert_eq!(client.operations().await, [("order".to_owned(), true)]);
}

#[tokio::test]
async fn without_a_csr_the_key_is_made_and_can_be_removed() {
    let client = Client::instant().await;
    let id = order(&client, json!({"name": "*"})).await;
    act(&client, id, "approve").await;
    let key = KeyPair::from_pem(&client.private_key(id).await).unwrap();
    assert_eq!(key.subject_public_key_info(), client.leaf(id).await.spki);
    act(&client, id, "removePrivateKey").await;
    let key = client.call("GET", &format!("{CERTIFICATES}/{id}/private_key"), None).await;
    assert_eq!(key.error(), (428, "Private key not present".into()));
}

#[tokio::test]
async fn the_api_neither_issues_nor_renews_it() {
    let client = Client::instant().await;
    let id = order(&client, json!({})).await;
    for path in ["issue", "renewals"] {
        let path = format!("{CERTIFICATES}/letsencrypt/{id}/{path}");
        assert!(client.call("POST", &path, None).await.status >= 400);
    }
    assert_eq!(client.operations().await.len(), 1);
}

#[tokio::test]
async fn a_reissue_under_the_same_id_serves_the_old_one_until_it_is_approved() {
    let client = Client::instant().await;
    let id = order(&client, json!({})).await;
    act(&client, id, "approve").await;
    let old = client.leaf(id).await;
    let key = KeyPair::generate().unwrap();
    assert_eq!(reissue(&client, id, Some(csr(&key))).await, id);
    assert_eq!((client.show(id).await["state"].as_str(), client.leaf(id).await.serial), (Some("issued"), old.serial));
    assert_eq!(answer_mails(&client).await, 1);
    assert_eq!(client.leaf(id).await.spki, key.subject_public_key_info());
    assert_eq!(client.get(CERTIFICATES).await.as_array().unwrap().len(), 1);
    let key = client.call("GET", &format!("{CERTIFICATES}/{id}/private_key"), None).await;
    assert_eq!(key.status, 428, "the old key is gone");
    assert_eq!(client.operations().await[1], ("reissue".to_owned(), false));
}

#[tokio::test]
async fn the_key_of_a_reissue_may_wait_for_a_person() {
    let client = Client::instant().await;
    client.settings(json!({"reissueConfirmed": true})).await;
    let id = order(&client, json!({})).await;
    act(&client, id, "approve").await;
    let old = client.private_key(id).await;
    reissue(&client, id, None).await;
    act(&client, id, "approve").await;
    let spki = |key: &str| KeyPair::from_pem(key).unwrap().subject_public_key_info();
    let leaf = client.leaf(id).await;
    assert_eq!(client.private_key(id).await, old);
    assert_ne!(spki(&old), leaf.spki, "the certificate is the new one");
    act(&client, id, "confirm").await;
    assert_eq!(spki(&client.private_key(id).await), leaf.spki);
}

#[tokio::test]
async fn a_form_can_be_left_half_way() {
    let client = Client::instant().await;
    for state in ["purchased", "configured"] {
        let id = order(&client, json!({"state": state})).await;
        assert_eq!(client.show(id).await["state"], state);
        assert_eq!(answer_mails(&client).await, 0);
        act(&client, id, "submit").await;
        assert_eq!(answer_mails(&client).await, 1);
        assert_eq!(client.show(id).await["state"], "issued");
        assert_eq!(status(&client, id, "submit").await, 400, "it is filled in");
    }
}

#[tokio::test]
async fn a_reissue_under_a_new_id_leaves_the_old_one_alone() {
    let client = Client::instant().await;
    client.settings(json!({"reissueKeepsId": false})).await;
    let id = order(&client, json!({})).await;
    act(&client, id, "approve").await;
    let old = client.leaf(id).await;
    let new = reissue(&client, id, None).await;
    assert_eq!(client.show(new).await["state"], "submitted");
    assert_eq!(answer_mails(&client).await, 1);
    let key = KeyPair::from_pem(&client.private_key(new).await).unwrap();
    assert_eq!(client.leaf(new).await.spki, key.subject_public_key_info());
    assert_eq!(client.leaf(id).await.serial, old.serial);
    assert_ne!(client.private_key(id).await, client.private_key(new).await);
}

#[tokio::test]
async fn only_what_is_issued_and_good_can_be_reissued() {
    let client = Client::instant().await;
    let id = order(&client, json!({})).await;
    let refused = async |id: u64| status(&client, id, "reissue").await;
    assert_eq!(refused(id).await, 400, "submitted");
    act(&client, id, "approve").await;
    act(&client, id, "expire").await;
    assert_eq!(client.show(id).await["expires_on"], "2026-05-31");
    assert_eq!(refused(id).await, 400, "expired");
    let free = client.certificate(json!({})).await;
    client.show(free).await;
    assert_eq!(refused(free).await, 400, "not of Sectigo");
    let revoked = order(&client, json!({})).await;
    act(&client, revoked, "approve").await;
    let serial = client.leaf(revoked).await.serial.replace(':', "");
    client.admin("POST", &format!("/certificates/{serial}/revoke"), json!({"reason": "keyCompromise"})).await;
    assert_eq!(refused(revoked).await, 400, "revoked: the new one would stand in its revocation");
}

#[tokio::test]
async fn a_reissue_that_is_rejected_changes_nothing() {
    let client = Client::instant().await;
    let id = order(&client, json!({})).await;
    act(&client, id, "approve").await;
    let old = client.leaf(id).await;
    reissue(&client, id, None).await;
    act(&client, id, "reject").await;
    assert_eq!((client.show(id).await["state"].as_str(), client.leaf(id).await.serial), (Some("issued"), old.serial));
    assert_eq!(answer_mails(&client).await, 0);
    reissue(&client, id, None).await;
}

#[tokio::test]
async fn orders_end_in_every_way() {
    let client = Client::instant().await;
    for (action, state) in [("reject", "rejected"), ("refund", "refunded"), ("cancel", "cancelled"), ("fail", "failed")]
    {
        let id = order(&client, json!({})).await;
        act(&client, id, action).await;
        assert_eq!(client.show(id).await["state"], state);
        let download = client.call("GET", &format!("{CERTIFICATES}/{id}/download"), None).await;
        assert_eq!(download.status, 428);
    }
    assert_eq!(answer_mails(&client).await, 0);
    let id = order(&client, json!({})).await;
    client.admin("POST", &format!("/dnsimple/certificates/{id}"), json!({"shownState": "on_holiday"})).await;
    assert_eq!(client.show(id).await["state"], "on_holiday");
}

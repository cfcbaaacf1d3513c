use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};

use crate::client::Client;

const LETSENCRYPT: &str = "domains/example.com/certificates/letsencrypt";

fn spki(key: &str) -> Vec<u8> {
    KeyPair::from_pem(key).unwrap().subject_public_key_info()
}

#[tokio::test]
async fn a_purchase_becomes_a_certificate_with_the_key_that_is_handed_out() {
    let client = Client::instant().await;
    let body = json!({"name": "shop", "alternate_names": ["example.com", "*.example.com"]});
    let purchase = client.data(201, "POST", LETSENCRYPT, Some(body)).await;
    assert_eq!(purchase["state"], "new");
    let id = purchase["certificate_id"].as_u64().unwrap();
    assert_eq!(client.show(id).await["state"], "new");
    let issued = client.data(202, "POST", &format!("{LETSENCRYPT}/{id}/issue"), None).await;
    assert_eq!((&issued["state"], &issued["csr"]), (&json!("requesting"), &Value::Null));

    let shown = client.show(id).await;
    assert_eq!((&shown["state"], &shown["expires_on"]), (&json!("issued"), &json!("2026-08-29")));
    assert!(shown["csr"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"));
    let leaf = client.leaf(id).await;
    assert_eq!(leaf.names, ["shop.example.com", "example.com", "*.example.com"]);
    assert_eq!((leaf.subject.as_str(), leaf.not_after.as_str()), ("CN=shop.example.com", "2026-08-29"));
    let key = client.private_key(id).await;
    assert!(key.starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
    assert_eq!(spki(&key), leaf.spki);
    assert_eq!(client.operations().await, [("order".to_owned(), false)]);
}

#[tokio::test]
async fn the_default_name_covers_the_root_domain_too() {
    let client = Client::instant().await;
    let id = client.certificate(json!({})).await;
    assert_eq!(client.leaf(id).await.names, ["www.example.com", "example.com"]);
    assert_eq!(client.show(id).await["alternate_names"], json!([]));
}

#[tokio::test]
async fn it_takes_its_time_and_cannot_be_downloaded_before() {
    let client = Client::instant().await;
    client.settings(json!({"issueSeconds": 1800})).await;
    let id = client.certificate(json!({})).await;
    assert_eq!(client.show(id).await["state"], "requesting");
    for what in ["download", "private_key"] {
        let early = client.call("GET", &format!("domains/example.com/certificates/{id}/{what}"), None).await;
        assert_eq!(early.error(), (428, "Certificate not issued".into()));
    }
    client.advance("30m").await;
    assert_eq!(client.show(id).await["state"], "issued");
}

#[tokio::test]
async fn a_purchase_is_issued_once() {
    let client = Client::instant().await;
    let id = client.certificate(json!({})).await;
    let again = client.call("POST", &format!("{LETSENCRYPT}/{id}/issue"), None).await;
    assert_eq!(again.status, 400);
}

#[tokio::test]
async fn a_purchase_may_have_an_id_of_its_own() {
    let client = Client::instant().await;
    client.settings(json!({"purchaseHasOwnId": true})).await;
    let purchase = client.data(201, "POST", LETSENCRYPT, None).await;
    let (id, certificate) = (&purchase["id"], &purchase["certificate_id"]);
    assert_ne!(id, certificate);
    assert_eq!(client.call("POST", &format!("{LETSENCRYPT}/{certificate}/issue"), None).await.status, 404);
    let issued = client.data(202, "POST", &format!("{LETSENCRYPT}/{id}/issue"), None).await;
    assert_eq!(&issued["id"], certificate);
}

#[tokio::test]
async fn a_renewal_has_a_new_id_and_a_new_key() {
    let client = Client::instant().await;
    let old = client.certificate(json!({"name": "shop"})).await;
    let before = client.leaf(old).await;
    client.advance("70d").await;
    let body = json!({"signature_algorithm": "RSA", "auto_renew": true});
    let renewal = client.data(201, "POST", &format!("{LETSENCRYPT}/{old}/renewals"), Some(body)).await;
    assert_eq!((&renewal["old_certificate_id"], &renewal["state"]), (&json!(old), &json!("new")));
    let path = format!("{LETSENCRYPT}/{old}/renewals/{}/issue", renewal["id"]);
    let new = client.data(202, "POST", &path, None).await;
    assert_eq!(new["id"], renewal["new_certificate_id"]);
    let new = new["id"].as_u64().unwrap();
    let key = client.private_key(new).await;
    assert!(key.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    let after = client.leaf(new).await;
    assert_eq!((spki(&key), &before.names), (after.spki, &after.names));
    assert_eq!((before.not_after.as_str(), after.not_after.as_str()), ("2026-08-29", "2026-11-07"));
    assert_eq!(client.show(old).await["state"], "issued", "the old one stays");
    assert_eq!(client.operations().await.last().unwrap(), &("renew".to_owned(), false));
}

#[tokio::test]
async fn what_renews_itself_is_not_renewed_by_hand_but_thirty_days_before_its_end() {
    let client = Client::instant().await;
    let id = client.certificate(json!({"auto_renew": true})).await;
    assert_eq!(client.show(id).await["expires_on"], "2026-08-29");
    let by_hand = client.call("POST", &format!("{LETSENCRYPT}/{id}/renewals"), None).await;
    assert_eq!(by_hand.status, 400);
    client.advance("58d").await;
    let all = "domains/example.com/certificates";
    assert_eq!(client.get(all).await.as_array().unwrap().len(), 1);
    client.advance("2d").await;
    let rows = client.get(all).await;
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["state"]), (2, &json!("issued")));
    assert_eq!((&rows[0]["auto_renew"], &rows[0]["expires_on"]), (&json!(true), &json!("2026-10-28")));
    assert_eq!(client.get(all).await.as_array().unwrap().len(), 2, "once");
}

#[tokio::test]
async fn plan_invoices_and_delegation_stand_in_the_way() {
    let client = Client::instant().await;
    let refused = async |body: Value| client.call("POST", LETSENCRYPT, Some(body)).await.error();
    client.settings(json!({"plan": "solo"})).await;
    for (body, feature) in [
        (json!({"name": "shop"}), "custom-name"),
        (json!({"alternate_names": ["a.example.com"]}), "SAN"),
        (json!({"name": "*"}), "wildcard"),
    ] {
        let (status, message) = refused(body).await;
        assert_eq!((status, message.contains(&format!("the {feature} feature"))), (412, true), "{message}");
    }
    client.certificate(json!({})).await;
    client.settings(json!({"letsencrypt": false})).await;
    assert_eq!(refused(json!({})).await.0, 412);
    client.settings(json!({"letsencrypt": true, "unpaidInvoices": true})).await;
    assert_eq!(refused(json!({})).await.0, 402);
    client.settings(json!({"unpaidInvoices": false})).await;
    client.zone(json!({"delegated": false})).await;
    assert_eq!(refused(json!({})).await.0, 400);
    assert_eq!(client.operations().await.len(), 1);
}

#[tokio::test]
async fn a_domain_that_lost_its_delegation_fails() {
    let client = Client::instant().await;
    client.settings(json!({"issueSeconds": 60})).await;
    let id = client.certificate(json!({})).await;
    client.zone(json!({"delegated": false})).await;
    client.advance("2m").await;
    assert_eq!(client.show(id).await["state"], "failed");
}

#[tokio::test]
async fn what_is_asked_has_to_make_sense() {
    let client = Client::instant().await;
    for (body, field) in [
        (json!({"alternate_names": ["example.org"]}), "alternate_names"),
        (json!({"signature_algorithm": "DSA"}), "signature_algorithm"),
        (json!({"auto_renew": "perhaps"}), "auto_renew"),
    ] {
        let answer = client.call("POST", LETSENCRYPT, Some(body)).await;
        assert_eq!((answer.status, answer.json()["errors"][field].is_array()), (400, true), "{answer:?}");
    }
}

#[tokio::test]
async fn root_and_key_come_as_the_account_has_it() {
    let client = Client::instant().await;
    let id = client.certificate(json!({})).await;
    let path = format!("domains/example.com/certificates/{id}/download");
    let bundle = client.get(&path).await;
    assert_eq!((&bundle["root"], bundle["chain"].as_array().unwrap().len()), (&Value::Null, 1));
    client.settings(json!({"rootGiven": true, "pkcs8Keys": true})).await;
    assert!(client.get(&path).await["root"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(client.private_key(id).await.starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

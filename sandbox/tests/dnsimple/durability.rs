//! The program itself, killed.

use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use crate::{client::Client, server::Process};

#[tokio::test]
async fn everything_answered_survives_a_kill() {
    let state = tempfile::tempdir().unwrap();
    let first = Process::start(state.path());
    let client = Client::of(first.ready.clone());
    let id = client.certificate(json!({})).await;
    let (shown, key) = (client.show(id).await, client.private_key(id).await);
    client.record("_dnsauth", "TXT", "one").await;
    let gone = client.record("_dnsauth", "TXT", "two").await;
    client.call("DELETE", &format!("zones/example.com/records/{}", gone["id"]), None).await;
    let hook = client.data(201, "POST", "webhooks", Some(json!({"url": "https://webhook.invalid"}))).await;
    client.settings(json!({"rootGiven": true})).await;
    let ledger = client.admin("GET", "/ledger", Value::Null).await;
    let (token, records) = (client.token.clone(), client.get("zones/example.com/records").await);
    drop(first);

    let second = Process::start(state.path());
    let client = Client::of(second.ready.clone());
    assert_eq!((client.token.clone(), client.show(id).await, client.private_key(id).await), (token, shown, key));
    assert_eq!(client.get("zones/example.com/records").await, records);
    assert_eq!(client.dns("_dnsauth.example.com", RecordType::TXT).await, ["one"], "served again");
    assert_eq!(client.get("webhooks").await, json!([hook]));
    assert_eq!(client.ready["dnsimple"]["settings"]["rootGiven"], true);
    assert_eq!(client.admin("GET", "/ledger", Value::Null).await, ledger);
    assert!(client.certificate(json!({})).await > id);
}

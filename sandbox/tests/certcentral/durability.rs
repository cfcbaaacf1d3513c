//! The program itself, killed.

use serde_json::json;

use crate::{client::Client, server::Process};

#[tokio::test]
async fn everything_answered_survives_a_kill() {
    let state = tempfile::tempdir().unwrap();
    let first = Process::start(state.path());
    let client = Client::of(first.ready.clone());
    let order = client.place(&["www.example.com"]).await;
    client.advance("100d").await;
    let path = format!("/certificate/{}/revoke", order["certificate_id"]);
    client.silent("PUT", &path, json!({"skip_approval": true})).await;
    let before = client.order_info(&order["id"]).await;
    let ledger = client.get("/_sandbox/ledger").await;
    let (key, tsig) = (client.key.clone(), client.ready["dns"]["tsig"].clone());
    drop(first);

    // What was being written when the process died.
    let journal = state.path().join("journal.jsonl");
    let mut text = std::fs::read(&journal).unwrap();
    text.extend_from_slice(b"[{\"order\":{\"id\":1");
    std::fs::write(&journal, text).unwrap();

    let second = Process::start(state.path());
    let client = Client::of(second.ready.clone());
    assert_eq!((&client.key, &client.ready["dns"]["tsig"]), (&key, &tsig));
    assert_eq!(client.order_info(&order["id"]).await, before);
    assert_eq!(client.get("/_sandbox/ledger").await, ledger);
    let next = client.place(&["www.example.com"]).await;
    assert!(next["id"].as_u64() > order["id"].as_u64());
    assert_eq!(client.crl_serials().await.len(), 1);
}

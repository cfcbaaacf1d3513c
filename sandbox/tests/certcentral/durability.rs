//! The program itself, killed.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::client::Client;

struct Process {
    child: Child,
    client: Client,
}

impl Drop for Process {
    /// SIGKILL
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn start(state: &Path) -> Process {
    let mut child = Command::new(env!("CARGO_BIN_EXE_evercert-sandbox"))
        .args(["--listen", "127.0.0.1:0", "--dcv", "instant", "--state"])
        .arg(state)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    Process { child, client: Client::of(ready) }
}

#[tokio::test]
async fn everything_answered_survives_a_kill() {
    let state = tempfile::tempdir().unwrap();
    let first = start(state.path());
    let order = first.client.place(&["www.example.com"]).await;
    first.client.advance("100d").await;
    let path = format!("/certificate/{}/revoke", order["certificate_id"]);
    first.client.silent("PUT", &path, json!({"skip_approval": true})).await;
    let before = first.client.order_info(&order["id"]).await;
    let ledger = first.client.get("/_sandbox/ledger").await;
    let (key, tsig) = (first.client.key.clone(), first.client.ready["dns"]["tsig"].clone());
    drop(first);

    // What was being written when the process died.
    let journal = state.path().join("journal.jsonl");
    let mut text = std::fs::read(&journal).unwrap();
    text.extend_from_slice(b"[{\"order\":{\"id\":1");
    std::fs::write(&journal, text).unwrap();

    let second = start(state.path());
    assert_eq!((&second.client.key, &second.client.ready["dns"]["tsig"]), (&key, &tsig));
    assert_eq!(second.client.order_info(&order["id"]).await, before);
    assert_eq!(second.client.get("/_sandbox/ledger").await, ledger);
    let next = second.client.place(&["www.example.com"]).await;
    assert!(next["id"].as_u64() > order["id"].as_u64());
    assert_eq!(second.client.crl_serials().await.len(), 1);
}

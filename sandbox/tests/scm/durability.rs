//! The program itself, killed.

use serde_json::{Value, json};

use crate::{client::Client, server::Process};

#[tokio::test]
async fn everything_answered_survives_a_kill() {
    let state = tempfile::tempdir().unwrap();
    let first = Process::start(state.path());
    let client = Client::of(first.ready.clone());
    let id = client.enroll(&["www.example.com"]).await;
    let details = json!({"details": {"cluster": "a"}});
    client.call("POST", &format!("ssl/{id}/location"), Some(details)).await;
    client.silent("POST", &format!("ssl/revoke/{id}"), json!({"reason": "a test"})).await;
    client.settings(json!({"notReady": "empty"})).await;
    let body = json!({"name": "Gone", "clientCertificate": {}});
    let gone = client.call("POST", "/organization/v1", Some(body)).await;
    let gone = format!("/organization/v1/{}", gone.header("location").rsplit('/').next().unwrap());
    client.call("DELETE", &gone, None).await;
    let form = [("grant_type", "client_credentials"), ("client_id", client.text("clientId"))];
    let token = client.token(&[form[0], form[1], ("client_secret", client.text("clientSecret"))]).await.json();
    let before = client.details(id).await;
    let ledger = client.admin("GET", "/ledger", Value::Null).await;
    let password = client.password();
    drop(first);

    let second = Process::start(state.path());
    let client = Client::of(second.ready.clone());
    assert_eq!((client.password(), client.details(id).await), (password, before));
    assert_eq!(client.admin("GET", "/ledger", Value::Null).await, ledger);
    assert_eq!(client.get(&format!("ssl/{id}/location")).await[0]["details"], json!({"cluster": "a"}));
    assert_eq!(client.scm["settings"]["notReady"], "empty");
    assert_eq!(client.call("GET", &gone, None).await.status, 404);
    let bearer = [("authorization", format!("Bearer {}", token["access_token"].as_str().unwrap()))];
    assert_eq!(client.call_as(&bearer, "GET", "ssl", None).await.status, 200);
    assert!(client.enroll(&["www.example.com"]).await > id);
}

use serde_json::{Value, json};

use crate::client::{Client, Key};

async fn request(client: &Client, profile: &str) -> u64 {
    let mut body = client.enrolment(&["www.example.com"], &Key::new("www.example.com").csr);
    body["certType"] = client.scm["profiles"][profile].clone();
    client.post("ssl/enroll", body).await["sslId"].as_u64().unwrap()
}

async fn status(client: &Client, id: u64) -> Value {
    client.details(id).await["status"].clone()
}

#[tokio::test]
async fn a_request_waits_for_an_administrator() {
    let client = Client::instant().await;
    let id = request(&client, "approved").await;
    assert_eq!(status(&client, id).await, "Requested");
    assert_eq!(client.collect(id, "x509").await.error(), (400, 0));
    let path = format!("ssl/approve/{id}");
    assert_eq!(client.refused(&path, json!({})).await, (400, -7));
    client.silent("POST", &path, json!({"message": "fine"})).await;
    let details = client.details(id).await;
    assert_eq!((&details["status"], &details["owner"]), (&json!("Issued"), &client.scm["login"]));
    assert_eq!(client.refused(&path, json!({"message": "fine"})).await, (400, -1112));
}

#[tokio::test]
async fn or_for_two_of_them() {
    let client = Client::instant().await;
    let id = request(&client, "approvedTwice").await;
    client.silent("POST", &format!("ssl/approve/{id}"), json!({"message": "fine"})).await;
    assert_eq!(status(&client, id).await, "SAApproved");
    let v2 = client.v2();
    assert_eq!(status(&v2, id).await, "SA Approved");
    v2.silent("POST", &format!("ssl/approve/{id}"), json!({"message": "fine"})).await;
    assert_eq!(status(&v2, id).await, "Issued");
}

#[tokio::test]
async fn for_ev_not_by_who_requested_it() {
    let client = Client::instant().await;
    let id = request(&client, "ev").await;
    assert_eq!(client.refused(&format!("ssl/approve/{id}"), json!({"message": "fine"})).await, (400, -1140));
    client.admin("POST", &format!("/scm/ssl/{id}/approve"), json!({})).await;
    assert_eq!(status(&client, id).await, "Issued");
}

#[tokio::test]
async fn what_was_declined_or_rejected_can_be_asked_for_with_another_csr() {
    let client = Client::instant().await;
    let id = request(&client, "approved").await;
    client.silent("POST", &format!("ssl/decline/{id}"), json!({"message": "no"})).await;
    let details = client.details(id).await;
    assert_eq!((&details["status"], &details["declined"]), (&json!("Declined"), &json!("06/01/2026")));
    let key = Key::new("");
    let answer = client.call("PUT", "ssl", Some(json!({"sslId": id, "csr": key.csr, "comments": "again"}))).await;
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("Requested")));
    assert_eq!((&answer.json()["comments"], answer.json().get("declined")), (&json!("again"), None));
    client.silent("POST", &format!("ssl/approve/{id}"), json!({"message": "fine"})).await;
    assert_eq!(client.leaf(id).await.spki, key.spki);

    let refusal = json!({"match": {"operation": "enroll"}, "kind": "approvalRefused"});
    client.fault(refusal).await;
    let id = client.enroll(&["www.example.com"]).await;
    assert_eq!(status(&client, id).await, "Rejected");
    client.call("PUT", "ssl", Some(json!({"sslId": id, "csr": Key::new("").csr}))).await;
    assert_eq!(status(&client, id).await, "Issued");
    assert_eq!(client.operations().await.len(), 2, "asking again is no new order");
}

#[tokio::test]
async fn what_is_issued_keeps_its_request_but_not_its_notes() {
    let client = Client::instant().await;
    let id = client.enroll(&["www.example.com"]).await;
    let change = |change: Value| {
        let mut body = json!({"sslId": id});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        client.call("PUT", "ssl", Some(body))
    };
    assert_eq!(change(json!({"csr": Key::new("").csr})).await.error(), (400, -1113));
    assert_eq!(change(json!({"comments": "mine", "suspendNotifications": true})).await.json()["comments"], "mine");
    assert_eq!(
        change(json!({"externalRequester": "a@example.com"})).await.json()["externalRequester"],
        "a@example.com"
    );
    let details = client.details(id).await;
    assert_eq!((&details["suspendNotifications"], &details["status"]), (&json!(true), &json!("Issued")));
}

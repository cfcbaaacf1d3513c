use serde_json::json;

use crate::client::{Client, Key};

#[tokio::test]
async fn a_gateway_that_breaks_says_so_in_plain_text_before_or_after() {
    let client = Client::instant().await;
    for (kind, committed) in [("errorBeforeCommit", 0), ("errorAfterCommit", 1)] {
        let before = client.operations().await.len();
        client.fault(json!({"match": {"operation": "enroll"}, "kind": kind, "status": 503})).await;
        let body = client.enrolment(&["www.example.com"], &Key::new("www.example.com").csr);
        let answer = client.call("POST", "ssl/enroll", Some(body)).await;
        assert_eq!((answer.status, answer.header("content-type")), (503, "text/plain"));
        assert!(answer.text().starts_with("upstream connect error"));
        assert_eq!(client.operations().await.len() - before, committed, "{kind}");
    }
}

#[tokio::test]
async fn each_paid_call_can_lose_its_answer() {
    let client = Client::instant().await;
    let id = client.enroll(&["www.example.com"]).await;
    let enrolment = client.enrolment(&["www.example.com"], &Key::new("www.example.com").csr);
    let replacement = json!({"csr": Key::new("www.example.com").csr, "reason": "a test"});
    for (operation, path, body) in [
        ("enroll", "ssl/enroll".to_owned(), enrolment),
        ("renew", format!("ssl/renewById/{id}"), json!({})),
        ("replace", format!("ssl/replace/{id}"), replacement),
    ] {
        let fault = json!({"match": {"operation": operation}, "kind": "errorAfterCommit", "status": 502});
        client.fault(fault).await;
        assert_eq!(client.call("POST", &path, Some(body)).await.status, 502);
        assert_eq!(client.operations().await.last().unwrap().0, operation);
    }
    assert_eq!(client.operations().await.len(), 4);
}

#[tokio::test]
async fn a_connection_can_break_before_or_after_a_renewal() {
    let client = Client::instant().await;
    let id = client.enroll(&["www.example.com"]).await;
    let path = format!("ssl/renewById/{id}");
    for (kind, committed) in [("resetBeforeCommit", 0), ("resetAfterCommit", 1), ("truncateBody", 1)] {
        let before = client.operations().await.len();
        client.fault(json!({"match": {"path": "/ssl/*/renewById/*"}, "kind": kind})).await;
        assert!(client.try_call("POST", &path, Some(json!({}))).await.is_err(), "{kind}");
        assert_eq!(client.operations().await.len() - before, committed, "{kind}");
    }
    // Of an answer without a body nothing is left.
    client.fault(json!({"match": {"operation": "replace"}, "kind": "truncateBody"})).await;
    let replacement = json!({"csr": Key::new("www.example.com").csr, "reason": "a test"});
    assert!(client.try_call("POST", &format!("ssl/replace/{id}"), Some(replacement)).await.is_err());
    assert_eq!(client.operations().await.last().unwrap().0, "replace");
}

#[tokio::test]
async fn a_status_can_be_one_that_nobody_knows() {
    let client = Client::instant().await;
    let id = client.enroll(&["www.example.com"]).await;
    let path = format!("/scm/ssl/{id}");
    client.admin("POST", &path, json!({"shownStatus": "On holiday"})).await;
    assert_eq!(client.details(id).await["status"], "Onholiday");
    assert_eq!(client.get("ssl?status=Issued").await, json!([]));
    client.admin("POST", &path, json!({"shownStatus": null})).await;
    assert_eq!(client.details(id).await["status"], "Issued");
}

#[tokio::test]
async fn a_fault_finds_a_certificate_by_the_name_in_its_csr() {
    let client = Client::instant().await;
    let fault = json!({"match": {"commonName": "b.example.com"}, "kind": "refuse", "status": 400, "code": -195});
    client.fault(fault).await;
    client.enroll(&["a.example.com"]).await;
    let body = client.enrolment(&[], &Key::new("b.example.com").csr);
    let answer = client.call("POST", "ssl/enroll", Some(body)).await;
    assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(-195)));
    assert_eq!(client.operations().await.len(), 1);
}

#[tokio::test]
async fn a_lookup_lag_hides_what_was_made() {
    let client = Client::instant().await;
    let old = client.enroll(&["www.example.com"]).await;
    for operation in ["enroll", "renew", "replace"] {
        client.fault(json!({"match": {"operation": operation}, "kind": "lookupLag", "seconds": 3600})).await;
    }
    let enrolled = client.enroll(&["www.example.com"]).await;
    let renewed = client.post(&format!("ssl/renewById/{old}"), json!({})).await["sslId"].as_u64().unwrap();
    let before = client.leaf(old).await;
    let replacement = json!({"csr": Key::new("www.example.com").csr, "reason": "a test"});
    client.silent("POST", &format!("ssl/replace/{old}"), replacement).await;

    assert_eq!(client.get("ssl").await.as_array().unwrap().len(), 1);
    for hidden in [enrolled, renewed] {
        assert_eq!(client.call("GET", &format!("ssl/{hidden}"), None).await.error(), (404, -5101));
    }
    let details = client.details(old).await;
    assert_eq!((&details["renewed"], details.get("replaced")), (&json!(false), None));
    assert_eq!((&details["serialNumber"], &details["status"]), (&json!(before.serial), &json!("Issued")));
    client.admin("POST", &format!("/scm/ssl/{renewed}/release"), json!({})).await;
    client.admin("POST", &format!("/scm/ssl/{old}/release"), json!({})).await;
    let details = client.details(old).await;
    assert_eq!((&details["renewed"], &details["replaced"]), (&json!(true), &json!("06/01/2026")));
    assert_eq!(client.details(renewed).await["status"], "Issued");
}

#[tokio::test]
async fn wrong_certificates_and_slow_ones() {
    let client = Client::instant().await;
    let enroll = async |kind: &str| {
        client.fault(json!({"match": {"operation": "enroll"}, "kind": kind})).await;
        let key = Key::new("www.example.com");
        let answer = client.post("ssl/enroll", client.enrolment(&["www.example.com"], &key.csr)).await;
        (key, answer["sslId"].as_u64().unwrap())
    };
    let (key, id) = enroll("otherKey").await;
    assert_ne!(client.leaf(id).await.spki, key.spki);
    let (_, id) = enroll("wrongNames").await;
    assert_eq!(client.leaf(id).await.names, ["wrong-names.invalid"]);
    let (_, id) = enroll("expired").await;
    assert_eq!(client.leaf(id).await.not_after, "2026-05-31");
    let (_, id) = enroll("chainIncomplete").await;
    assert_eq!(crate::client::subjects(&client.collect(id, "x509R").await.text()).len(), 2);
    let (_, id) = enroll("stayPending").await;
    assert_eq!(client.details(id).await["status"], "Applied");
    client.admin("POST", &format!("/scm/ssl/{id}/release"), json!({})).await;
    assert_eq!(client.details(id).await["status"], "Issued");
}

#[tokio::test]
async fn calls_are_counted_by_their_path() {
    let client = Client::instant().await;
    let id = client.enroll(&["www.example.com"]).await;
    client.details(id).await;
    client.details(id).await;
    let calls = client.admin("GET", "/calls", json!(null)).await;
    assert_eq!(calls["calls"], json!({"POST /ssl/v1/enroll": 1, "GET /ssl/v1/{id}": 2}));
    client.token(&[("grant_type", "password")]).await;
    assert_eq!(client.admin("GET", "/calls", json!(null)).await["total"], 4);
}

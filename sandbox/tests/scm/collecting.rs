use serde_json::json;

use crate::client::{Client, pem_blocks, subjects};

const LEAF: &str = "www.example.com";
const INTERMEDIATE: &str = "Evercert Sandbox TLS CA 1";
const ROOT: &str = "Evercert Sandbox Root";

#[tokio::test]
async fn each_format_has_its_order() {
    let client = Client::instant().await;
    let id = client.enroll(&[LEAF]).await;
    for (format, expected) in [
        ("x509", vec![ROOT, INTERMEDIATE, LEAF]),
        ("x509R", vec![LEAF, INTERMEDIATE, ROOT]),
        ("pem", vec![ROOT, INTERMEDIATE, LEAF]),
        ("x509CO", vec![LEAF]),
        ("pemco", vec![LEAF]),
        ("x509IO", vec![ROOT, INTERMEDIATE]),
        ("x509IOR", vec![INTERMEDIATE, ROOT]),
        ("pemia", vec![LEAF, INTERMEDIATE]),
    ] {
        let answer = client.collect(id, format).await;
        assert_eq!(subjects(&answer.text()), expected, "{format}");
        assert_eq!(answer.header("content-type"), "application/octet-stream;charset=UTF-8");
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"www.example.com.cert\"");
        let by_path = client.call("GET", &format!("ssl/collect/{id}/{format}"), None).await;
        assert_eq!(by_path.body, answer.body, "{format}");
    }
    client.settings(json!({"pemLeafFirst": true})).await;
    assert_eq!(subjects(&client.collect(id, "pem").await.text()), [LEAF, INTERMEDIATE, ROOT]);
    assert_eq!(client.collect(id, "scroll").await.error(), (400, -126));
}

#[tokio::test]
async fn without_a_format_it_is_pkcs7() {
    let client = Client::instant().await;
    let id = client.enroll(&[LEAF]).await;
    let text = client.call("GET", &format!("ssl/collect/{id}"), None).await.text();
    let body = text.strip_prefix("-----BEGIN PKCS7-----\n").unwrap().strip_suffix("-----END PKCS7-----\n").unwrap();
    use base64::{Engine, engine::general_purpose::STANDARD};
    let der = STANDARD.decode(body.replace('\n', "")).unwrap();
    assert_eq!(der, client.collect(id, "bin").await.body);
    let leaf = pem_blocks(&client.collect(id, "x509CO").await.text()).remove(0);
    assert!(der.windows(leaf.len()).any(|window| window == leaf));
    client.settings(json!({"base64IsPem": true})).await;
    assert_eq!(subjects(&client.collect(id, "base64").await.text()), [ROOT, INTERMEDIATE, LEAF]);
}

#[tokio::test]
async fn too_early_there_is_nothing_and_that_is_said_in_four_ways() {
    let client = Client::start(&["--dcv", "check"]).await;
    let id = client.enroll(&[LEAF]).await;
    for (how, code) in [("beingProcessed", 0), ("requestProcessed", -1400), ("notCollectable", -183)] {
        client.settings(json!({"notReady": how})).await;
        assert_eq!(client.collect(id, "x509").await.error(), (400, code), "{how}");
    }
    client.settings(json!({"notReady": "empty"})).await;
    let answer = client.collect(id, "x509").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(client.collect(7, "x509").await.error(), (404, -5101));
}

#[tokio::test]
async fn what_is_issued_may_still_not_be_there() {
    let client = Client::instant().await;
    let id = client.enroll(&[LEAF]).await;
    let refusal = json!({"match": {"operation": "collect"}, "kind": "refuse", "status": 400, "code": -183,
        "description": "Certificate is not collectable."});
    client.fault(refusal).await;
    assert_eq!(client.details(id).await["status"], "Issued");
    assert_eq!(client.collect(id, "x509").await.error(), (400, -183));
    assert_eq!(client.collect(id, "x509").await.status, 200);
}

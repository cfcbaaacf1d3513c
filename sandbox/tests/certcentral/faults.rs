use std::io::ErrorKind;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    client::{Client, Key, leaf, pem_blocks},
    server::in_time,
};

async fn fault(client: &Client, fault: Value) {
    client.post("/_sandbox/faults", fault).await;
}

async fn hits(client: &Client) -> Vec<u64> {
    let rows = client.get("/_sandbox/faults").await["faults"].clone();
    rows.as_array().unwrap().iter().map(|row| row["hits"].as_u64().unwrap()).collect()
}

/// Sends an order over a bare connection; answers what came, and how it ended.
async fn raw_order(client: &Client) -> (String, Result<(), ErrorKind>) {
    let body = client.order(&["www.example.com"], &Key::ecdsa().csr()).to_string();
    let address = client.url().strip_prefix("http://").unwrap();
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /services/v2/order/certificate/ssl_basic HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nX-DC-DEVKEY: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        client.key,
        body.len()
    );
    tcp.write_all((head + &body).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let end = tcp.read_to_end(&mut answer).await;
    (String::from_utf8(answer).unwrap(), end.map(|_| ()).map_err(|error| error.kind()))
}

#[tokio::test]
async fn a_reset_leaves_no_answer_before_or_after_the_commit() {
    let client = Client::instant().await;
    for (kind, committed) in [("resetBeforeCommit", 0), ("resetAfterCommit", 1)] {
        fault(&client, json!({"match": {"operation": "order"}, "kind": kind})).await;
        let (answer, end) = raw_order(&client).await;
        assert_eq!((answer.as_str(), end), ("", Err(ErrorKind::ConnectionReset)), "{kind}");
        assert_eq!(client.operations().await.len(), committed, "{kind}");
    }
    assert_eq!(hits(&client).await, [1, 1]);
    client.place(&["www.example.com"]).await;
}

#[tokio::test]
async fn a_truncated_answer_announces_more_than_it_sends() {
    let client = Client::instant().await;
    fault(&client, json!({"match": {"method": "POST", "path": "/order/certificate/*"}, "kind": "truncateBody"})).await;
    let (answer, _) = raw_order(&client).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 201"));
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let length: usize = length.unwrap().parse().unwrap();
    assert!(!body.is_empty() && body.len() < length, "{} of {length}", body.len());
    assert_eq!(client.operations().await, ["order"]);
}

#[tokio::test]
async fn errors_and_rubbish_before_and_after_the_commit() {
    let client = Client::instant().await;
    for (kind, status, committed) in [
        (json!({"kind": "errorBeforeCommit", "status": 503}), 503, 0),
        (json!({"kind": "errorAfterCommit", "status": 502}), 502, 1),
        (json!({"kind": "nonJson"}), 201, 1),
        (json!({"kind": "rateLimit"}), 429, 0),
    ] {
        let before = client.operations().await.len();
        let mut rule = kind.clone();
        rule["match"] = json!({"operation": "order"});
        fault(&client, rule).await;
        let body = client.order(&["www.example.com"], &Key::ecdsa().csr());
        let answer = client.call("POST", "/order/certificate/ssl_basic", Some(body)).await;
        assert_eq!(answer.status, status, "{kind}");
        assert_eq!(serde_json::from_str::<Value>(&answer.text).is_ok(), status == 429);
        assert_eq!(client.operations().await.len() - before, committed, "{kind}");
    }
    let request = reqwest::Client::new().get(format!("{}/services/v2/user/me", client.url()));
    fault(&client, json!({"kind": "rateLimit", "retryAfter": 7})).await;
    assert_eq!(request.send().await.unwrap().headers()["retry-after"], "7");
}

#[tokio::test]
async fn a_hanging_answer_never_comes_though_the_order_was_taken() {
    let client = Client::instant().await;
    fault(&client, json!({"match": {"operation": "renew"}, "kind": "hangAfterCommit"})).await;
    fault(&client, json!({"match": {"operation": "order"}, "kind": "hangAfterCommit"})).await;
    let body = client.order(&["www.example.com"], &Key::ecdsa().csr());
    let hanging = client.call("POST", "/order/certificate/ssl_basic", Some(body));
    tokio::select! {
        answer = hanging => panic!("{answer:?}"),
        () = in_time(async { while client.operations().await.is_empty() {} }) => {}
    }
    assert_eq!(hits(&client).await, [0, 1]);
}

#[tokio::test]
async fn a_refused_request_uses_up_no_fault() {
    let client = Client::instant().await;
    fault(&client, json!({"match": {"operation": "order"}, "kind": "errorAfterCommit", "status": 500})).await;
    fault(&client, json!({"match": {"operation": "order"}, "kind": "otherKey"})).await;
    let answer = client.call("POST", "/order/certificate/ssl_basic", Some(json!({}))).await;
    assert_eq!(answer.status, 400);
    assert_eq!(hits(&client).await, [0, 0]);
    let answer = client.call("DELETE", "/_sandbox/faults", None).await;
    assert_eq!(answer.status, 204);
    assert!(hits(&client).await.is_empty());
}

#[tokio::test]
async fn wrong_certificates() {
    let client = Client::instant().await;
    let order = async |kind: &str| {
        fault(&client, json!({"match": {"operation": "order"}, "kind": kind})).await;
        let key = Key::ecdsa();
        let answer = client.post("/order/certificate/ssl_basic", client.order(&["www.example.com"], &key.csr())).await;
        let file = client.download(&answer["certificate_id"], "pem_all").await;
        (key, file.text)
    };
    let (key, pem) = order("otherKey").await;
    assert_ne!(leaf(&pem).spki, key.spki());
    let (key, pem) = order("wrongNames").await;
    assert_eq!((leaf(&pem).names, leaf(&pem).spki), (vec!["wrong-names.invalid".to_owned()], key.spki()));
    let (_, pem) = order("expired").await;
    assert!(leaf(&pem).not_after.starts_with("2026-05-31"));
    let (key, pem) = order("chainUnordered").await;
    let blocks = pem_blocks(&pem);
    assert_eq!(blocks[0], pem_blocks(client.ready["ca"].as_str().unwrap())[0], "the root comes first");
    let (_, second) = x509_parser::parse_x509_certificate(&blocks[1]).unwrap();
    assert_eq!(second.public_key().raw, key.spki());
}

#[tokio::test]
async fn a_lookup_lag_hides_what_was_made() {
    let client = Client::instant().await;
    let old = client.place(&["www.example.com"]).await;
    fault(&client, json!({"match": {"operation": "reissue"}, "kind": "lookupLag", "seconds": 3600})).await;
    fault(&client, json!({"match": {"operation": "order"}, "kind": "lookupLag", "seconds": 3600})).await;
    let mut body = client.order(&["www.example.com"], &Key::ecdsa().csr());
    body["alternative_order_id"] = json!("lagging");
    let reissued = client.post(&format!("/order/certificate/{}/reissue", old["id"]), body.clone()).await;
    let hidden = client.post("/order/certificate/ssl_basic", body).await;

    assert_eq!(client.get("/order/alternate/lagging").await["page"]["total"], 0);
    assert_eq!(client.get("/order/certificate").await["page"]["total"], 1);
    let answer = client.call("GET", &format!("/order/certificate/{}", hidden["id"]), None).await;
    assert_eq!(answer.error(), (404, "not_found|order".into()));
    let info = client.order_info(&old["id"]).await;
    assert_eq!((&info["certificate"]["id"], &info["reissues_count"]), (&old["certificate_id"], &json!(0)));
    let list = client.get(&format!("/order/certificate/{}/reissue", old["id"])).await;
    assert_eq!(list["certificates"], json!([]));
    assert_eq!(client.download(&reissued["certificate_id"], "pem_all").await.status, 404);
    assert_eq!(client.get("/request").await["page"]["total"], 1);
    assert_eq!(client.operations().await, ["order", "reissue", "order"]);
}

#[tokio::test]
async fn an_order_can_stay_pending_or_be_refused() {
    let client = Client::instant().await;
    fault(&client, json!({"match": {"operation": "order"}, "kind": "stayPending"})).await;
    let order = client.place(&["www.example.com"]).await;
    assert_eq!(client.order_info(&order["id"]).await["status"], "pending");
    client.silent("POST", &format!("/_sandbox/orders/{}/release", order["id"]), json!({})).await;
    assert_eq!(client.order_info(&order["id"]).await["status"], "issued");

    fault(&client, json!({"match": {"operation": "order"}, "kind": "approvalRefused"})).await;
    let order = client.place(&["www.example.com"]).await;
    assert_eq!(order["requests"][0]["status"], "pending");
    assert_eq!(client.order_info(&order["id"]).await["status"], "rejected");
}

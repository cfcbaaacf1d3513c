use serde_json::{Value, json};

use crate::client::{Client, Key, leaf, today_plus};

fn reissue(names: &[&str], key: &Key) -> Value {
    json!({
        "certificate": {"common_name": names[0], "dns_names": names, "csr": key.csr(), "signature_hash": "sha256"},
        "skip_approval": true,
    })
}

#[tokio::test]
async fn a_reissue_keeps_the_order_costs_nothing_and_ends_with_it() {
    let client = Client::instant().await;
    let order = client.place(&["www.example.com"]).await;
    client.advance("300d").await;
    let key = Key::rsa();
    let path = format!("/order/certificate/{}/reissue", order["id"]);
    let answer = client.post(&path, reissue(&["www.example.com"], &key)).await;
    assert_eq!(answer["id"], order["id"]);
    assert_ne!(answer["certificate_id"], order["certificate_id"]);

    let info = client.order_info(&order["id"]).await;
    assert_eq!(info["certificate"]["id"], answer["certificate_id"]);
    assert_eq!(info["certificate"]["status"], "issued");
    assert_eq!(info["certificate"]["valid_till"], info["order_valid_till"]);
    let file = client.download(&answer["certificate_id"], "pem_noroot").await;
    assert_eq!(leaf(&file.text).spki, key.spki());

    let rows = client.get(&path).await["certificates"].clone();
    assert_eq!((&rows[0]["id"], &rows[0]["csr"]), (&answer["certificate_id"], &json!(key.csr())));
    assert_eq!(rows[0]["archived"], 0);
    let ledger = client.get("/_sandbox/ledger").await;
    assert_eq!((&ledger["totals"]["paid"], &ledger["totals"]["free"]), (&json!(1), &json!(1)));
    assert_eq!(ledger["operations"][1]["paid"], false);
    assert!(client.crl_serials().await.is_empty(), "a re-key revokes nothing");
}

#[tokio::test]
async fn the_limit_of_the_day_of_issue_counts() {
    let client = Client::instant().await;
    client.post("/_sandbox/clock", json!({"set": "2027-02-23T12:00:00Z"})).await;
    let order = client.place(&["www.example.com"]).await;
    assert_eq!(client.order_info(&order["id"]).await["certificate"]["valid_till"], "2027-09-10");
    client.advance("1d").await;
    let path = format!("/order/certificate/{}/reissue", order["id"]);
    let mut body = reissue(&["www.example.com"], &Key::ecdsa());
    body["certificate"]["cert_validity"] = json!({"days": 199});
    client.post(&path, body).await;
    assert_eq!(client.order_info(&order["id"]).await["certificate"]["valid_till"], "2027-06-03");
}

#[tokio::test]
async fn removed_names_revoke_the_older_certificates_after_72_hours() {
    let client = Client::instant().await;
    let order = client.place(&["www.example.com", "old.example.com"]).await;
    let serial = |info: &Value| info["certificate"]["serial_number"].as_str().unwrap().to_owned();
    let first = serial(&client.order_info(&order["id"]).await);
    let path = format!("/order/certificate/{}/reissue", order["id"]);
    client.post(&path, reissue(&["www.example.com", "old.example.com", "new.example.com"], &Key::ecdsa())).await;
    let second = serial(&client.order_info(&order["id"]).await);
    client.advance("80h").await;
    assert!(client.crl_serials().await.is_empty(), "added names revoke nothing");

    client.post(&path, reissue(&["www.example.com"], &Key::ecdsa())).await;
    client.advance("71h").await;
    assert!(client.crl_serials().await.is_empty());
    client.advance("2h").await;
    assert_eq!(client.crl_serials().await, [first, second]);
    let info = client.order_info(&order["id"]).await;
    assert_eq!((&info["status"], &info["certificate"]["status"]), (&json!("issued"), &json!("issued")));
}

#[tokio::test]
async fn one_reissue_is_pending_at_a_time_and_can_be_cancelled() {
    let client = Client::start(&["--dcv", "check", "--validated-domain", "example.com"]).await;
    let order = client.place(&["www.example.com"]).await;
    let path = format!("/order/certificate/{}", order["id"]);
    let foreign = ["www.example.com", "other.example.org"];
    let key = Key::ecdsa();
    let pending = client.post(&format!("{path}/reissue"), reissue(&foreign, &key)).await;
    assert_eq!(pending["dcv_random_value"].as_str().unwrap().len(), 32);
    assert_eq!(pending.get("domains"), None);
    let info = client.order_info(&order["id"]).await;
    assert_eq!(info["status"], "reissue_pending");
    assert_eq!(info["certificate"]["id"], order["certificate_id"], "the old one is still shown");
    let rows = client.get(&format!("{path}/reissue")).await["certificates"].clone();
    assert_eq!((&rows[0]["status"], &rows[0]["csr"]), (&json!("pending"), &json!(key.csr())));

    let again = client.call("POST", &format!("{path}/reissue"), Some(reissue(&foreign, &key))).await;
    assert_eq!(again.error(), (400, "reissue_pending".into()));
    let revoke = format!("/certificate/{}/revoke", order["certificate_id"]);
    let answer = client.call("PUT", &revoke, Some(json!({"skip_approval": true}))).await;
    assert_eq!(answer.error(), (400, "reissue_pending".into()));
    let none = client.download(&pending["certificate_id"], "pem_all").await;
    assert_eq!(none.error(), (404, "not_found|certificate".into()));

    client.silent("PUT", &format!("{path}/status"), json!({"status": "canceled", "note": "no"})).await;
    let info = client.order_info(&order["id"]).await;
    assert_eq!(info["status"], "issued");
    let rows = client.get(&format!("{path}/reissue")).await["certificates"].clone();
    assert_eq!(rows[0]["status"], "rejected");
    client.post(&format!("{path}/reissue"), reissue(&["www.example.com"], &key)).await;
    assert_eq!(client.operations().await, ["order", "reissue", "cancel", "reissue"]);
}

#[tokio::test]
async fn an_order_that_ended_is_expired_and_cannot_be_reissued() {
    let client = Client::instant().await;
    let order = client.place(&["www.example.com"]).await;
    client.advance("366d").await;
    let info = client.order_info(&order["id"]).await;
    assert_eq!(info["status"], "expired");
    assert!(info["certificate"]["days_remaining"].as_i64().unwrap() < 0);
    let path = format!("/order/certificate/{}/reissue", order["id"]);
    let answer = client.call("POST", &path, Some(reissue(&["www.example.com"], &Key::ecdsa()))).await;
    assert_eq!(answer.error(), (400, "order_status_invalid".into()));
    assert_eq!(client.get("/order/certificate?filters%5Bstatus%5D=issued").await["page"]["total"], 1);
}

#[tokio::test]
async fn a_duplicate_has_the_same_names_and_end() {
    let client = Client::instant().await;
    let order = client.place(&["www.example.com", "example.com"]).await;
    client.advance("10d").await;
    let path = format!("/order/certificate/{}/duplicate", order["id"]);
    let answer = client.call("POST", &path, Some(reissue(&["www.example.com"], &Key::ecdsa()))).await;
    assert_eq!(answer.error(), (400, "invalid_value:dns_names".into()));
    let answer = client.post(&path, reissue(&["example.com", "www.example.com"], &Key::ecdsa())).await;
    let info = client.order_info(&order["id"]).await;
    assert_eq!(info["certificate"]["id"], order["certificate_id"], "the original stays primary");
    let file = client.download(&answer["certificate_id"], "pem_all").await;
    assert!(leaf(&file.text).not_after.starts_with(&today_plus(199)));
    let rows = client.get(&path).await["certificates"].clone();
    assert_eq!((&rows[0]["status"], &rows[0]["archived"]), (&json!("approved"), &json!("0")));
}

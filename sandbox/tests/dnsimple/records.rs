use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use crate::client::Client;

const RECORDS: &str = "zones/example.com/records";

#[tokio::test]
async fn a_text_is_quoted_and_really_served() {
    let client = Client::instant().await;
    let record = client.record("_dnsauth", "TXT", "one").await;
    assert_eq!((&record["content"], &record["zone_id"]), (&json!("\"one\""), &json!("example.com")));
    client.record("_dnsauth", "TXT", "\"two\"").await;
    assert_eq!(client.dns("_dnsauth.example.com", RecordType::TXT).await, ["one", "two"]);

    let path = format!("{RECORDS}/{}", record["id"]);
    client.data(200, "PATCH", &path, Some(json!({"content": "three"}))).await;
    assert_eq!(client.dns("_dnsauth.example.com", RecordType::TXT).await, ["three", "two"]);
    let gone = client.call("DELETE", &path, None).await;
    assert_eq!((gone.status, gone.body.len(), gone.header("x-ratelimit-limit")), (204, 0, "2400"));
    assert_eq!(client.dns("_dnsauth.example.com", RecordType::TXT).await, ["two"]);
    assert_eq!(client.call("DELETE", &path, None).await.status, 404);
}

#[tokio::test]
async fn other_types_are_served_too() {
    let client = Client::instant().await;
    for (name, kind, content, answer) in [
        ("www", RecordType::A, "127.0.0.1", "127.0.0.1"),
        ("www", RecordType::AAAA, "::1", "::1"),
        ("alias", RecordType::CNAME, "www.example.com.", "www.example.com."),
        ("", RecordType::CAA, "0 issue \"letsencrypt.org\"", "0 issue \"letsencrypt.org\""),
    ] {
        client.record(name, &kind.to_string(), content).await;
        let full = format!("{name}.example.com");
        assert_eq!(client.dns(full.trim_start_matches('.'), kind).await, [answer]);
    }
    let body = json!({"name": "", "type": "MX", "content": "mx.example.com", "priority": 10, "ttl": 60});
    let mx = client.data(201, "POST", RECORDS, Some(body)).await;
    assert_eq!((&mx["priority"], &mx["ttl"]), (&json!(10), &json!(60)));
    assert_eq!(client.dns("example.com", RecordType::MX).await, ["10 mx.example.com."]);
}

#[tokio::test]
async fn the_same_record_twice_is_refused() {
    let client = Client::instant().await;
    client.record("_dnsauth", "TXT", "one").await;
    for content in ["one", "\"one\""] {
        let body = json!({"name": "_dnsauth", "type": "TXT", "content": content});
        let again = client.call("POST", RECORDS, Some(body)).await;
        assert_eq!(again.error(), (400, "Validation failed".into()));
        assert_eq!(again.json()["errors"]["base"], json!(["Matching record already exists for this zone"]));
    }
    client.record("alias", "CNAME", "www.example.com").await;
    for (kind, content) in [("CNAME", "other.example.com"), ("TXT", "one")] {
        let body = json!({"name": "alias", "type": kind, "content": content});
        assert_eq!(client.call("POST", RECORDS, Some(body)).await.status, 400, "{kind}");
    }
}

#[tokio::test]
async fn fields_are_checked() {
    let client = Client::instant().await;
    for (body, field, why) in [
        (json!({"name": "x", "type": "BOGUS", "content": "1"}), "record_type", "unsupported"),
        (json!({"name": "x", "type": "TXT"}), "content", "can't be blank"),
        (json!({"name": "x", "type": "A", "content": "1.2.3.4", "ttl": "x"}), "ttl", "is not a number"),
        (json!({"type": "A", "content": "1.2.3.4"}), "name", "can't be blank"),
        (json!({"name": "x", "type": "A", "content": "www"}), "content", "is invalid"),
    ] {
        let answer = client.call("POST", RECORDS, Some(body)).await;
        assert_eq!((answer.status, &answer.json()["errors"][field][0]), (400, &json!(why)));
    }
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let client = Client::instant().await;
    for number in 0..33 {
        client.record(&format!("n{number:02}"), "A", "127.0.0.1").await;
    }
    client.record("", "TXT", "apex").await;
    let list = async |query: &str| client.call("GET", &format!("{RECORDS}?{query}"), None).await.json();
    let names = |list: &Value| -> Vec<String> {
        list["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    let all = list("").await;
    assert_eq!(all["pagination"], json!({"current_page": 1, "per_page": 30, "total_entries": 36, "total_pages": 2}));
    assert_eq!(list("page=2").await["data"].as_array().unwrap().len(), 6);
    assert_eq!(names(&list("name=n07").await), ["n07"]);
    assert_eq!(names(&list("name_like=n0&sort=name:desc&per_page=2").await), ["n09", "n08"]);
    assert_eq!(list("name=&type=TXT").await["data"][0]["content"], "\"apex\"");
    assert_eq!(list("type=TXT").await["pagination"]["total_entries"], 1);
    assert_eq!(client.call("GET", &format!("{RECORDS}?sort=colour"), None).await.status, 400);
}

#[tokio::test]
async fn a_change_takes_its_time_to_be_distributed() {
    let client = Client::instant().await;
    client.zone(json!({"lagSeconds": 3600})).await;
    let record = client.record("_dnsauth", "TXT", "one").await;
    let path = format!("{RECORDS}/{}/distribution", record["id"]);
    assert_eq!(client.get(&path).await, json!({"distributed": false}));
    assert_eq!(client.get("zones/example.com/distribution").await, json!({"distributed": false}));
    assert!(client.dns("_dnsauth.example.com", RecordType::TXT).await.is_empty());
    client.zone(json!({"distributionUnknown": true})).await;
    let unknown = client.call("GET", &path, None).await;
    assert_eq!(unknown.error(), (504, "Could not query zone, connection timed out".into()));
    client.zone(json!({"lagSeconds": 0, "distributionUnknown": false})).await;
    assert_eq!(client.get(&path).await, json!({"distributed": true}));
    assert_eq!(client.dns("_dnsauth.example.com", RecordType::TXT).await, ["one"]);

    client.zone(json!({"lagSeconds": 3600})).await;
    client.call("DELETE", &format!("{RECORDS}/{}", record["id"]), None).await;
    assert_eq!(client.dns("_dnsauth.example.com", RecordType::TXT).await, ["one"], "still there");
    client.zone(json!({"lagSeconds": 0})).await;
    assert!(client.dns("_dnsauth.example.com", RecordType::TXT).await.is_empty());
}

#[tokio::test]
async fn a_batch_is_done_whole_or_not_at_all() {
    let client = Client::instant().await;
    let gone = client.record("gone", "A", "127.0.0.1").await["id"].clone();
    let kept = client.record("kept", "A", "127.0.0.1").await["id"].clone();
    let batch = json!({
        "deletes": [{"id": gone}],
        "updates": [{"id": kept, "content": "127.0.0.2"}],
        "creates": [{"name": "gone", "type": "CNAME", "content": "kept.example.com"}],
    });
    let path = "zones/example.com/batch";
    assert_eq!(client.call("POST", path, Some(batch.clone())).await.status, 412);
    client.settings(json!({"plan": "enterprise"})).await;

    let mut failing = batch.clone();
    failing["creates"][0]["type"] = json!("BOGUS");
    let answer = client.call("POST", path, Some(failing)).await;
    let expected = json!([{"index": 0, "message": "Validation failed", "errors": {"record_type": ["unsupported"]}}]);
    assert_eq!((answer.status, &answer.json()["errors"]["creates"]), (400, &expected));
    let missing = client.call("POST", path, Some(json!({"updates": [{"id": 99, "content": "::1"}]}))).await;
    let expected = json!([{"index": 0, "message": "Record not found ID=99"}]);
    assert_eq!((missing.status, &missing.json()["errors"]["updates"]), (400, &expected));
    assert_eq!(client.dns("gone.example.com", RecordType::A).await, ["127.0.0.1"], "nothing was done");

    let done = client.data(200, "POST", path, Some(batch)).await;
    assert_eq!(done["deletes"], json!([{"id": gone}]));
    assert_eq!(client.dns("kept.example.com", RecordType::A).await, ["127.0.0.2"]);
    assert_eq!(client.dns("gone.example.com", RecordType::CNAME).await, ["kept.example.com."]);
}

#[tokio::test]
async fn a_record_is_found_in_its_own_zone_only() {
    let client = Client::instant().await;
    let id = client.record("_dnsauth", "TXT", "one").await["id"].clone();
    for (method, body) in [("GET", None), ("DELETE", None), ("PATCH", Some(json!({"content": "two"})))] {
        let elsewhere = client.call(method, &format!("zones/example.org/records/{id}"), body).await;
        assert_eq!(elsewhere.error(), (404, format!("Record `{id}` not found")), "{method}");
    }
    assert_eq!(client.dns("_dnsauth.example.com", RecordType::TXT).await, ["one"]);
}

#[tokio::test]
async fn records_of_the_system_stay() {
    let client = Client::instant().await;
    let rows = client.get(&format!("{RECORDS}?name=")).await;
    assert_eq!((&rows[0]["type"], &rows[1]["type"]), (&json!("SOA"), &json!("NS")));
    assert_eq!(client.call("DELETE", &format!("{RECORDS}/{}", rows[0]["id"]), None).await.status, 400);
}

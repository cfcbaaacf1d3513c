use super::*;
use evercert::provider::dnsimple::{NewRecord, RecordType};
use evercert::provider::limits::Gate;

const AT: &str = "1010/zones/example.com/records";

fn record(id: u64, type_: &str, content: &str) -> Value {
    json!({
        "id": id, "zone_id": "example.com", "parent_id": null, "name": "_dnsauth", "content": content, "ttl": 60,
        "priority": null, "type": type_, "regions": ["global"], "system_record": false,
        "created_at": "2026-11-24T19:00:00Z", "updated_at": "2026-11-24T19:00:00Z",
    })
}

#[tokio::test]
async fn the_closest_zone_above_a_name_is_found() {
    let server = MockServer::start().await;
    let zone = json!({ "data": { "id": 1, "account_id": 1010, "name": "example.com", "secondary": false } });
    for below in ["_dnsauth.www.example.com", "www.example.com"] {
        let absent = json!({ "message": format!("Zone `{below}` not found") });
        answers(&server, "GET", &format!("1010/zones/{below}"), 404, absent).await;
    }
    answers(&server, "GET", "1010/zones/example.com", 200, zone).await;
    let found = account(&server).zone_of("_dnsauth.www.example.com.").await;
    assert_eq!(found, Ok(Some("example.com".to_owned())));
}

/// A token for one zone is denied all others, and names that are no zone.
#[tokio::test]
async fn a_zone_that_may_not_be_seen_is_not_the_end() {
    let denied = |zone: &str| json!({ "message": format!("Permission Denied. Required Scope: zones:{zone}:read") });
    for visible in [true, false] {
        let server = MockServer::start().await;
        answers(&server, "GET", "1010/zones/www.example.com", 403, denied("www.example.com")).await;
        let (http, body) = match visible {
            true => (200, json!({ "data": { "id": 1, "name": "example.com" } })),
            false => (403, denied("example.com")),
        };
        answers(&server, "GET", "1010/zones/example.com", http, body).await;
        match account(&server).zone_of("www.example.com").await {
            Ok(zone) => assert_eq!((zone.as_deref(), visible), (Some("example.com"), true)),
            Err(error) => {
                assert_eq!((code(&error), visible), ("missing_permission", false));
                assert!(error.to_string().contains("Required Scope: zones:example.com:read"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_zone_is_read_by_its_name() {
    let server = MockServer::start().await;
    answers(&server, "GET", "1010/zones/example.com", 200, json!({ "data": { "id": 1, "name": "example.com" } })).await;
    answers(&server, "GET", "1010/zones/example.org", 404, json!({ "message": "Zone `example.org` not found" })).await;
    let account = account(&server);
    assert_eq!(account.zone("example.com").await.unwrap().and_then(|zone| zone.name).as_deref(), Some("example.com"));
    assert_eq!(account.zone("example.org").await, Ok(None));
}

/// An account that is called by probes alone.
struct Open;

impl Gate for Open {
    fn shut(&self, probe: bool) -> Option<String> {
        (!probe).then(|| "not just now".to_owned())
    }
}

/// A token may be for zones alone, and then nothing else ever finds out that the account serves again.
#[tokio::test]
async fn whoever_looks_for_a_zone_finds_out_whether_the_account_serves_again() {
    let server = MockServer::start().await;
    answers(&server, "GET", "1010/zones/example.com", 200, json!({ "data": { "id": 1, "name": "example.com" } })).await;
    let limiter = Arc::new(Limiter::behind(RateLimit::DNSIMPLE, Arc::new(Open)));
    let account = Account::new(&AccountConfig { limiter, ..config(&server.uri()) }).unwrap();
    assert_eq!(account.zone_of("example.com").await, Ok(Some("example.com".to_owned())));
    assert_eq!(class(&account.records("example.com", "", None).await.unwrap_err()), "NotSent");
}

#[tokio::test]
async fn zones_are_listed() {
    let server = MockServer::start().await;
    lists(&server, "1010/zones", &[], json!([{ "id": 1, "name": "example.com", "secondary": true }])).await;
    let zones = account(&server).zones().await.unwrap();
    assert_eq!((zones[0].name.as_deref(), zones[0].secondary), (Some("example.com"), true));
}

#[tokio::test]
async fn records_are_listed_by_name_and_type() {
    let server = MockServer::start().await;
    let narrowed = [("name", "_dnsauth"), ("type", "TXT")];
    lists(&server, AT, &narrowed, json!([record(5, "TXT", "\"one\""), record(6, "TXT", "\"two\"")])).await;
    // The apex, whatever type.
    lists(&server, "1010/zones/example.org/records", &[("name", "")], json!([record(7, "NS", "ns1.example.org")]))
        .await;
    let account = account(&server);
    let found = account.records("example.com", "_dnsauth", Some(RecordType::Txt)).await.unwrap();
    let found: Vec<_> = found.iter().map(|record| (record.id.as_deref(), record.content.as_deref())).collect();
    assert_eq!(found, [(Some("5"), Some("\"one\"")), (Some("6"), Some("\"two\""))]);
    let found = account.records("example.org", "", None).await.unwrap();
    assert_eq!(found[0].type_.as_deref(), Some("NS"));
    let requests = server.received_requests().await.unwrap();
    assert!(requests.iter().all(|request| request.url.path() == format!("/v2/{AT}")
        || !request.url.query_pairs().any(|(name, _)| name == "type")));
}

#[tokio::test]
async fn a_record_is_made_as_it_is_to_stand() {
    let server = MockServer::start().await;
    let body = json!({ "name": "_dnsauth", "type": "TXT", "content": "\"abc\"", "ttl": 60 });
    takes(&server, AT, body, status(201).set_body_json(json!({ "data": record(5, "TXT", "\"abc\"") }))).await;
    let wanted = NewRecord { name: "_dnsauth", type_: RecordType::Txt, content: "\"abc\"", ttl: 60 };
    assert_eq!(account(&server).create_record("example.com", &wanted).await.unwrap().id.as_deref(), Some("5"));
}

#[tokio::test]
async fn one_that_is_there_is_told_from_one_that_cannot_be() {
    let wanted = NewRecord { name: "_dnsauth", type_: RecordType::Cname, content: "a.example.net", ttl: 60 };
    for (errors, expected) in [
        (json!({ "base": ["Matching record already exists for this zone"] }), "already_exists"),
        (json!({ "content": ["must be a valid hostname"] }), "invalid"),
        (json!({}), "invalid"),
    ] {
        let server = MockServer::start().await;
        let refused = json!({ "message": "Validation failed", "errors": errors });
        answers(&server, "POST", AT, 400, refused).await;
        let error = account(&server).create_record("example.com", &wanted).await.unwrap_err();
        assert_eq!(code(&error), expected);
    }
}

#[tokio::test]
async fn a_record_that_is_gone_counts_as_deleted() {
    let server = MockServer::start().await;
    call("DELETE", &format!("{AT}/5")).respond_with(status(204)).expect(1).mount(&server).await;
    answers(&server, "DELETE", &format!("{AT}/6"), 404, json!({ "message": "Record `6` not found" })).await;
    answers(&server, "DELETE", &format!("{AT}/7"), 403, json!({ "message": "Permission Denied." })).await;
    let account = account(&server);
    assert_eq!(account.delete_record("example.com", "5").await, Ok(()));
    assert_eq!(account.delete_record("example.com", "6").await, Ok(()));
    assert_eq!(code(&account.delete_record("example.com", "7").await.unwrap_err()), "missing_permission");
}

#[tokio::test]
async fn distribution_is_yes_no_or_not_known() {
    for (http, body, expected) in [
        (200, json!({ "data": { "distributed": true } }), Some(true)),
        (200, json!({ "data": { "distributed": false } }), Some(false)),
        (200, json!({ "data": {} }), None),
        (504, json!({ "message": "Could not query zone, connection timed out" }), None),
    ] {
        let server = MockServer::start().await;
        answers(&server, "GET", &format!("{AT}/5/distribution"), http, body).await;
        let told = account(&server).is_distributed("example.com", "5").await;
        match (&told, expected) {
            (Ok(told), Some(expected)) => assert_eq!(*told, expected),
            (Err(CallError::Ambiguous { message, .. }), None) => {
                assert!(http == 200 || message.contains("connection timed out"), "{message}");
            }
            _ => panic!("{http}: {told:?}"),
        }
    }
}

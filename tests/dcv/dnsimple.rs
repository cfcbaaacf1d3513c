//! Zones at DNSimple, as the sandbox plays it: what is written there is what its name server serves.

use evercert::dcv::Observed::{Absent, Present};
use evercert::dcv::{DnSimple, PublishError, Publisher};
use evercert::provider::dnsimple::{Account, AccountConfig, NewRecord, RecordType};
use evercert::provider::limits::{Limiter, RateLimit};
use harness::{Sandbox, SandboxOptions};
use hickory_proto::rr::{DNSClass, RecordType as Type};
use serde_json::{Value, json};
use std::sync::Arc;
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

const NAME: &str = "_dnsauth.shop.example.com";

async fn sandbox() -> Sandbox {
    Sandbox::start(&SandboxOptions { check_dcv: true, args: Vec::new() }).await.unwrap()
}

fn account(url: &str, id: u64, token: &str) -> Account {
    let config = AccountConfig {
        base_url: url.into(),
        account_id: id,
        token: token.into(),
        ca_bundle_pem: None,
        limiter: Arc::new(Limiter::new(RateLimit { burst: 10_000.try_into().unwrap(), ..RateLimit::DNSIMPLE })),
        observer: Arc::new(|_| ()),
        call_timeout: Duration::from_secs(10),
    };
    Account::new(&config).unwrap()
}

fn first(sandbox: &Sandbox) -> Account {
    of(&sandbox.ready()["dnsimple"])
}

/// As the sandbox shows an account.
fn of(shown: &Value) -> Account {
    account(shown["url"].as_str().unwrap(), shown["accountId"].as_u64().unwrap(), shown["token"].as_str().unwrap())
}

/// One that may do only so much in the first account.
async fn limited(sandbox: &Sandbox, scopes: Value) -> DnSimple {
    let shown = &sandbox.ready()["dnsimple"];
    let id = shown["accountId"].as_u64().unwrap();
    let told =
        sandbox.post(&format!("/_sandbox/dnsimple/accounts/{id}"), &json!({ "addToken": scopes })).await.unwrap();
    DnSimple::new(account(shown["url"].as_str().unwrap(), id, told["token"].as_str().unwrap()))
}

/// What the name server answers, with the TTL of each.
async fn served(sandbox: &Sandbox, name: &str, type_: Type) -> Vec<(u32, String)> {
    let udp = UdpClientStream::builder(sandbox.dns_address().parse().unwrap(), TokioRuntimeProvider::new()).build();
    let (mut client, background) = Client::<TokioRuntimeProvider>::from_sender(udp);
    tokio::spawn(background);
    let answer = client.query(fqdn(name), DNSClass::IN, type_).await.unwrap();
    let text = |data: &RData| match data {
        RData::TXT(text) => String::from_utf8(text.txt_data.concat()).unwrap(),
        other => other.to_string(),
    };
    let mut served: Vec<_> = answer.answers.iter().map(|rr| (rr.ttl, text(&rr.data))).collect();
    served.sort();
    served
}

async fn write(account: &Account, name: &str, type_: RecordType, content: &str, ttl: u32) {
    account.create_record(ZONE, &NewRecord { name, type_, content, ttl }).await.unwrap();
}

#[tokio::test]
async fn our_value_comes_and_goes_beside_another() {
    let sandbox = sandbox().await;
    write(&first(&sandbox), "_dnsauth.shop", RecordType::Txt, "theirs", 300).await;
    let publisher = DnSimple::new(first(&sandbox));
    let (ours, theirs) = (txt(NAME, "ours"), txt(NAME, "theirs"));
    assert_eq!(publisher.observe(&ours).await, Ok(Absent));
    for _ in 0..2 {
        publisher.ensure(&ours).await.unwrap();
        assert_eq!(publisher.observe(&ours).await, Ok(Present));
        // Values of one name have one TTL: theirs.
        let both = [(300, "ours".to_owned()), (300, "theirs".to_owned())];
        assert_eq!(served(&sandbox, NAME, Type::TXT).await, both);
    }
    for _ in 0..2 {
        publisher.remove(&ours).await.unwrap();
        assert_eq!(publisher.observe(&ours).await, Ok(Absent));
        assert_eq!(publisher.observe(&theirs).await, Ok(Present));
    }
    assert_eq!(served(&sandbox, NAME, Type::TXT).await, [(300, "theirs".to_owned())]);
}

#[tokio::test]
async fn every_text_is_served_as_it_is() {
    let sandbox = sandbox().await;
    let publisher = DnSimple::new(first(&sandbox));
    for value in ["plain", "\"in quotes\"", r#"a "b" \ c"#, "; no comment", &"x".repeat(400)] {
        let record = txt("example.com", value);
        publisher.ensure(&record).await.unwrap();
        publisher.ensure(&record).await.unwrap();
        assert_eq!(served(&sandbox, "example.com", Type::TXT).await, [(TTL, value.to_owned())]);
        publisher.remove(&record).await.unwrap();
        assert_eq!(served(&sandbox, "example.com", Type::TXT).await, []);
    }
}

#[tokio::test]
async fn a_cname_is_ours_or_left_alone() {
    let sandbox = sandbox().await;
    let publisher = DnSimple::new(first(&sandbox));
    let ours = cname(NAME, "ABC.dcv.digicert.com.");
    for _ in 0..2 {
        publisher.ensure(&ours).await.unwrap();
    }
    assert_eq!(served(&sandbox, NAME, Type::CNAME).await, [(TTL, "abc.dcv.digicert.com.".to_owned())]);
    for other in [cname(NAME, "other.dcv.digicert.com"), txt(NAME, "text")] {
        let error = publisher.ensure(&other).await.unwrap_err();
        assert!(matches!(&error, PublishError::Conflict { holds, .. } if holds == "a CNAME to abc.dcv.digicert.com"));
        publisher.remove(&other).await.unwrap();
    }
    assert_eq!(publisher.observe(&ours).await, Ok(Present));
    publisher.remove(&ours).await.unwrap();
    assert_eq!(publisher.observe(&ours).await, Ok(Absent));

    write(&first(&sandbox), "_dnsauth.shop", RecordType::Txt, "theirs", 60).await;
    let error = publisher.ensure(&ours).await.unwrap_err();
    assert!(matches!(&error, PublishError::Conflict { holds, .. } if holds == "other records"), "{error}");
}

#[tokio::test]
async fn many_at_once_publish_at_one_name() {
    let sandbox = sandbox().await;
    let publishers: Vec<_> = (0..8).map(|_| DnSimple::new(first(&sandbox))).collect();
    // Two of each value: the slower one finds it there.
    let records: Vec<_> = (0..8).map(|n| txt(NAME, &format!("value {}", n / 2))).collect();
    let both = || publishers.iter().zip(&records);
    let ensured = futures::future::join_all(both().map(|(publisher, record)| publisher.ensure(record))).await;
    assert!(ensured.iter().all(Result::is_ok), "{ensured:?}");
    assert_eq!(served(&sandbox, NAME, Type::TXT).await.len(), 4);
    let removed = futures::future::join_all(both().map(|(publisher, record)| publisher.remove(record))).await;
    assert!(removed.iter().all(Result::is_ok), "{removed:?}");
    assert_eq!(served(&sandbox, NAME, Type::TXT).await, []);
}

/// Between our look and our call.
#[tokio::test]
async fn a_record_that_is_made_meanwhile_is_there() {
    let server = MockServer::start().await;
    let zone = json!({ "data": { "id": 1, "name": NAME } });
    let refused = json!({
        "message": "Validation failed", "errors": { "base": ["Matching record already exists for this zone"] },
    });
    for (verb, at, http, body) in [
        ("GET", "/zones/[^/]+$", 200, zone),
        ("GET", "/records$", 200, json!({ "data": [] })),
        ("POST", "/records$", 400, refused),
    ] {
        let answer = ResponseTemplate::new(http).set_body_json(body);
        Mock::given(method(verb)).and(path_regex(at)).respond_with(answer).expect(1).mount(&server).await;
    }
    let publisher = DnSimple::new(account(&server.uri(), 1, "token"));
    assert_eq!(publisher.ensure(&txt(NAME, "ours")).await, Ok(()));
}

#[tokio::test]
async fn the_closest_zone_of_the_account_is_written() {
    let sandbox = sandbox().await;
    let zones = ["example.com", "shop.example.com"];
    let shown = sandbox.post("/_sandbox/dnsimple/accounts", &json!({ "name": "Two", "zones": zones })).await.unwrap();
    let (publisher, account) = (DnSimple::new(of(&shown)), of(&shown));
    for (name, zone, label) in [
        ("_dnsauth.www.shop.example.com", "shop.example.com", "_dnsauth.www"),
        ("SHOP.example.com.", "shop.example.com", ""),
        ("_dnsauth.workshop.example.com", "example.com", "_dnsauth.workshop"),
    ] {
        publisher.ensure(&txt(name, "ours")).await.unwrap();
        let held = account.records(zone, label, Some(RecordType::Txt)).await.unwrap();
        assert_eq!(held.iter().map(|held| held.content.as_deref()).collect::<Vec<_>>(), [Some("\"ours\"")], "{name}");
    }
}

#[tokio::test]
async fn a_token_may_be_for_one_zone_alone() {
    let sandbox = sandbox().await;
    let record = txt(NAME, "ours");
    let enough = limited(&sandbox, json!(["zones:example.com:write"])).await;
    enough.ensure(&record).await.unwrap();
    enough.remove(&record).await.unwrap();
    for (scopes, needed) in [
        (json!(["zones:example.com:read"]), "zones:example.com:write"),
        (json!(["zones:example.org:write"]), "zones:example.com:read"),
        (json!(["certificates:*:write"]), "zones:example.com:read"),
    ] {
        let error = limited(&sandbox, scopes).await.ensure(&record).await.unwrap_err().to_string();
        assert!(error.contains(needed) && error.contains("Give the token the scope"), "{error}");
    }
}

#[tokio::test]
async fn a_name_in_no_zone_is_told_so() {
    let sandbox = sandbox().await;
    let publisher = DnSimple::new(first(&sandbox));
    let error = publisher.ensure(&txt("_dnsauth.elsewhere.invalid", "ours")).await.unwrap_err();
    assert!(matches!(error, PublishError::NotZone { .. }), "{error}");
    let error = publisher.ensure(&txt("not a name", "ours")).await.unwrap_err();
    assert!(matches!(error, PublishError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn dnsimple_says_whether_all_its_servers_have_it() {
    let sandbox = sandbox().await;
    let publisher = DnSimple::new(first(&sandbox));
    let record = txt(NAME, "ours");
    let zone = async |change: Value| {
        sandbox.post("/_sandbox/dnsimple/zones/example.com", &change).await.unwrap();
    };
    assert_eq!(publisher.is_distributed(&record).await, Ok(Some(false)), "nothing is there");
    zone(json!({ "lagSeconds": 3600 })).await;
    publisher.ensure(&record).await.unwrap();
    assert_eq!(publisher.is_distributed(&record).await, Ok(Some(false)));
    assert_eq!(served(&sandbox, NAME, Type::TXT).await, []);
    zone(json!({ "lagSeconds": 0 })).await;
    assert_eq!(publisher.is_distributed(&record).await, Ok(Some(true)));
    assert_eq!(served(&sandbox, NAME, Type::TXT).await.len(), 1);
    zone(json!({ "distributionUnknown": true })).await;
    let error = publisher.is_distributed(&record).await.unwrap_err();
    assert!(error.to_string().contains("Could not query zone"), "{error}");
}

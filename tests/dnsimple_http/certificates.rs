use super::*;
use evercert::provider::dnsimple::wire::{Certificate, State};
use secrecy::ExposeSecret;

pub fn certificate(id: u64, state: &str, others: Value) -> Value {
    let mut certificate = json!({
        "id": id,
        "domain_id": 289333,
        "contact_id": 2511,
        "name": "www",
        "common_name": "www.example.com",
        "years": 1,
        "csr": "-----BEGIN CERTIFICATE REQUEST-----\nMIIC\n-----END CERTIFICATE REQUEST-----\n",
        "state": state,
        "auto_renew": false,
        "alternate_names": ["Shop.example.com"],
        "authority_identifier": "letsencrypt",
        "created_at": "2026-11-24T18:54:17Z",
        "updated_at": "2026-11-24T19:10:14Z",
        "expires_at": "2027-02-22T18:10:13Z",
        "expires_on": "2027-02-22",
    });
    certificate.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    certificate
}

const AT: &str = "1010/domains/example.com/certificates";

#[tokio::test]
async fn certificates_are_listed_the_newest_first() {
    let server = MockServer::start().await;
    let rows = json!([certificate(102, "issued", json!({})), certificate(101, "cancelled", json!({}))]);
    lists(&server, AT, &[("sort", "id:desc")], rows).await;
    let certificates = account(&server).certificates("example.com").await.unwrap();
    let ids: Vec<_> = certificates.iter().map(|certificate| certificate.id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["102", "101"]);
}

/// A page more than one, and each asked for once.
#[tokio::test]
async fn lists_are_read_to_their_end() {
    let server = MockServer::start().await;
    for (number, rows) in [(1, 100), (2, 100), (3, 7)] {
        let rows = (0..rows).map(|id| certificate(number * 1000 + id, "issued", json!({}))).collect();
        call("GET", AT)
            .and(query_param("page", number.to_string()))
            .and(query_param("per_page", "100"))
            .respond_with(status(200).set_body_json(page(rows, number as usize, 3, 207)))
            .expect(1)
            .mount(&server)
            .await;
    }
    assert_eq!(account(&server).certificates("example.com").await.unwrap().len(), 207);
}

#[tokio::test]
async fn a_list_that_is_not_whole_is_no_list() {
    for (body, said) in [
        (page(json!([certificate(1, "issued", json!({}))]), 1, 1, 2), "ends before its own count"),
        // Never ends.
        (page(json!([]), 1, 1_000_000, 7), "more match than are looked through"),
        (page((0..6000).map(|id| json!({ "id": id })).collect(), 1, 2, 6001), "more match than are looked through"),
        (json!({ "data": [certificate(1, "issued", json!({})), "what"] }), "not the JSON that was expected"),
        (json!({ "pagination": {} }), "not the JSON that was expected"),
    ] {
        let server = MockServer::start().await;
        answers(&server, "GET", AT, 200, body).await;
        let error = account(&server).certificates("example.com").await.unwrap_err();
        assert!(matches!(&error, CallError::Ambiguous { message, .. } if message.contains(said)), "{error}");
        assert!(server.received_requests().await.unwrap().len() <= 50);
    }
}

#[tokio::test]
async fn a_certificate_is_read_whole() {
    let server = MockServer::start().await;
    answers(&server, "GET", &format!("{AT}/101"), 200, json!({ "data": certificate(101, "issued", json!({})) })).await;
    let read = account(&server).certificate("example.com", "101").await.unwrap();
    let expected = Certificate {
        id: Some("101".into()),
        domain_id: Some("289333".into()),
        name: Some("www".into()),
        common_name: Some("www.example.com".into()),
        years: Some(1),
        csr: Some("-----BEGIN CERTIFICATE REQUEST-----\nMIIC\n-----END CERTIFICATE REQUEST-----".into()),
        state: Some("issued".into()),
        auto_renew: false,
        alternate_names: vec!["Shop.example.com".into()],
        authority_identifier: Some("letsencrypt".into()),
        created_at: Some("2026-11-24T18:54:17Z".parse().unwrap()),
        updated_at: Some("2026-11-24T19:10:14Z".parse().unwrap()),
        expires_at: Some("2027-02-22T18:10:13Z".parse().unwrap()),
        expires_on: Some("2027-02-22".parse().unwrap()),
    };
    assert_eq!(read, expected);
    assert_eq!(read.names(), ["shop.example.com", "www.example.com"].map(str::to_owned).into());
}

#[tokio::test]
async fn every_state_is_known_and_others_are_none_of_them() {
    for (word, expected) in [
        (json!("new"), State::New),
        (json!("purchased"), State::Purchased),
        (json!("configured"), State::Configured),
        (json!("submitted"), State::Submitted),
        (json!("issued"), State::Issued),
        (json!("rejected"), State::Rejected),
        (json!("refunded"), State::Refunded),
        (json!("cancelled"), State::Cancelled),
        (json!("requesting"), State::Requesting),
        (json!("failed"), State::Failed),
        (json!("reissuing"), State::Unknown),
        (Value::Null, State::Unknown),
    ] {
        let server = MockServer::start().await;
        let others = json!({ "state": word, "csr": null, "expires_at": null, "expires_on": null });
        answers(&server, "GET", &format!("{AT}/101"), 200, json!({ "data": certificate(101, "", others) })).await;
        let read = account(&server).certificate("example.com", "101").await.unwrap();
        assert_eq!((read.state(), read.csr, read.expires_at), (expected, None, None));
    }
}

#[tokio::test]
async fn a_download_is_leaf_chain_and_root() {
    let block = |name: &str| format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n");
    for (root, expected) in [(Value::Null, "leaf one two"), (json!(block("root")), "leaf one two root")] {
        let server = MockServer::start().await;
        let bundle = json!({ "server": block("leaf"), "root": root, "chain": [block("one"), block("two")] });
        answers(&server, "GET", &format!("{AT}/101/download"), 200, json!({ "data": bundle })).await;
        let bundle = account(&server).download("example.com", "101").await.unwrap().unwrap();
        assert_eq!(bundle.pem().unwrap(), expected.split(' ').map(block).collect::<String>());
    }
}

#[tokio::test]
async fn what_is_not_there_is_no_error() {
    let server = MockServer::start().await;
    let not_issued = json!({ "message": "Certificate not issued" });
    answers(&server, "GET", &format!("{AT}/101/download"), 428, not_issued).await;
    let absent = json!({ "message": "Private key not present" });
    answers(&server, "GET", &format!("{AT}/101/private_key"), 428, absent).await;
    let account = account(&server);
    assert_eq!(account.download("example.com", "101").await, Ok(None));
    assert!(account.private_key("example.com", "101").await.unwrap().is_none());
}

#[tokio::test]
async fn a_key_is_read_and_never_shown() {
    let server = MockServer::start().await;
    let key = "-----BEGIN PRIVATE KEY-----\nKEY-that-must-never-be-shown\n-----END PRIVATE KEY-----\n";
    answers(&server, "GET", &format!("{AT}/101/private_key"), 200, json!({ "data": { "private_key": key } })).await;
    // Somewhere else than where it belongs.
    answers(&server, "GET", &format!("{AT}/102/private_key"), 200, json!({ "data": key })).await;
    answers(&server, "GET", &format!("{AT}/103/private_key"), 200, json!({ "data": { "privateKey": key } })).await;
    let account = account(&server);
    let read = account.private_key("example.com", "101").await.unwrap().unwrap();
    assert_eq!(read.expose_secret(), key.trim());
    assert!(!format!("{read:?}").contains("KEY-that"));
    for id in ["102", "103"] {
        let error = account.private_key("example.com", id).await.unwrap_err();
        assert_eq!(class(&error), "Ambiguous");
        assert!(!format!("{error} {error:?}").contains("KEY-that"), "{error:?}");
    }
}

/// They come from users and from DNSimple.
#[tokio::test]
async fn nothing_that_would_change_the_path_is_sent() {
    let server = MockServer::start().await;
    let account = account(&server);
    for (domain, id) in [("..", "1"), ("example.com/../x", "1"), ("example..com", "1"), ("example.com", "1/download")] {
        assert_eq!(code(&account.certificate(domain, id).await.unwrap_err()), "invalid_id", "{domain} {id}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

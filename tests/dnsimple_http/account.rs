use super::*;
use evercert::provider::AccountFacts;

fn row(id: u64) -> Value {
    json!({ "id": id, "email": "certs@example.com", "name": "Example Ltd", "plan_identifier": "teams-v1-monthly" })
}

#[tokio::test]
async fn the_account_is_that_of_its_token() {
    let server = MockServer::start().await;
    answers(&server, "GET", "whoami", 200, json!({ "data": { "user": null, "account": row(1010) } })).await;
    let expected = AccountFacts {
        host: server.uri().trim_start_matches("http://").to_owned(),
        id: "1010".into(),
        name: Some("Example Ltd".into()),
        organization: None,
    };
    assert_eq!(account(&server).facts().await, Ok(expected));
}

#[tokio::test]
async fn the_token_of_a_user_is_for_all_of_his_accounts() {
    for (accounts, found) in [(json!([row(7), row(1010)]), true), (json!([row(7)]), false), (json!([]), false)] {
        let server = MockServer::start().await;
        let user = json!({ "data": { "user": { "id": 1, "email": "ops@example.com" }, "account": null } });
        answers(&server, "GET", "whoami", 200, user).await;
        // Not paginated.
        answers(&server, "GET", "accounts", 200, json!({ "data": accounts })).await;
        let facts = account(&server).facts().await;
        match found {
            true => assert_eq!(facts.unwrap().id, "1010"),
            false => assert_eq!(code(&facts.unwrap_err()), "unknown_account"),
        }
    }
}

#[tokio::test]
async fn a_token_for_another_account_says_for_which() {
    let server = MockServer::start().await;
    answers(&server, "GET", "whoami", 200, json!({ "data": { "user": null, "account": row(7) } })).await;
    let error = account(&server).facts().await.unwrap_err();
    assert!(error.to_string().contains("not for account 1010 but for 7"), "{error}");
}

#[tokio::test]
async fn the_closest_domain_above_a_name_is_found() {
    let server = MockServer::start().await;
    let absent = json!({ "message": "Domain `x` not found" });
    answers(&server, "GET", "1010/domains/www.shop.example.com", 404, absent).await;
    let shop = json!({ "data": { "id": 3, "account_id": 1010, "name": "shop.example.com", "state": "hosted" } });
    answers(&server, "GET", "1010/domains/shop.example.com", 200, shop).await;
    let found = account(&server).domain_of("*.www.shop.example.com").await;
    assert_eq!(found, Ok(Some("shop.example.com".to_owned())));
}

#[tokio::test]
async fn a_domain_is_read_by_its_name() {
    let server = MockServer::start().await;
    let domain = json!({ "data": { "id": 3, "name": "example.com", "state": "registered" } });
    answers(&server, "GET", "1010/domains/example.com", 200, domain).await;
    let read = account(&server).domain("example.com").await.unwrap().unwrap();
    assert_eq!((read.id.as_deref(), read.state.as_deref()), (Some("3"), Some("registered")));
}

#[tokio::test]
async fn a_name_may_be_in_no_domain() {
    let server = MockServer::start().await;
    let absent = status(404).set_body_json(json!({ "message": "Domain `x` not found" }));
    Mock::given(wiremock::matchers::any()).respond_with(absent).expect(2).mount(&server).await;
    assert_eq!(account(&server).domain_of("www.example.com").await, Ok(None));
}

#[tokio::test]
async fn credentials_that_no_header_carries_are_refused_at_once() {
    let server = MockServer::start().await;
    for token in ["", "two\nlines"] {
        let refused = Account::new(&AccountConfig { token: token.into(), ..config(&server.uri()) });
        assert!(refused.is_err(), "{token}");
    }
    let other = AccountConfig { account_id: 7, ..config(&server.uri()) };
    assert_ne!(account(&server).credential(), Account::new(&other).unwrap().credential());
    assert!(!account(&server).credential().contains("TOKEN"));
}

use super::*;
use evercert::provider::AccountFacts;
use evercert::provider::ConfigError;

async fn user(server: &MockServer) {
    let body = json!({ "id": 1, "account_id": 123654, "container": { "id": 5, "name": "My Account" },
        "access_roles": [{ "id": 1, "name": "Administrator" }] });
    answers(server, "GET", "user/me", 200, body).await;
}

async fn blocked(server: &MockServer) -> (String, String) {
    match digicert(server).account().await {
        Err(CallError::Blocked { code, action, .. }) => (code, action),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_good_account_is_told_with_its_organization() {
    let server = MockServer::start().await;
    user(&server).await;
    answers(&server, "GET", "organization/77", 200, json!({ "id": 77, "name": "Example Inc.", "is_active": "1" }))
        .await;
    answers(&server, "GET", "product/ssl_basic", 200, json!({ "name_id": "ssl_basic" })).await;
    let host = server.address().to_string();
    let facts = AccountFacts {
        host,
        id: "123654".into(),
        name: Some("My Account".into()),
        organization: Some("Example Inc.".into()),
    };
    assert_eq!(digicert(&server).account().await, Ok(facts));
}

#[tokio::test]
async fn the_account_is_asked_for_when_the_user_does_not_name_it() {
    let server = MockServer::start().await;
    answers(&server, "GET", "user/me", 200, json!({ "id": 1, "access_roles": {} })).await;
    answers(&server, "GET", "account", 200, json!({ "id": "99" })).await;
    answers(&server, "GET", "product/ssl_basic", 200, json!({})).await;
    let digicert = DigiCert::new(DigiCertConfig { organization_id: None, ..config(&server.uri()) }).unwrap();
    assert_eq!(digicert.account().await.unwrap().id, "99");
}

#[tokio::test]
async fn a_bad_key_is_told_apart() {
    for (status, code) in [(403, "access_denied|access_denied_invalid_key"), (401, "anything")] {
        let server = MockServer::start().await;
        answers(&server, "GET", "user/me", status, vendor_error(code)).await;
        let (code, action) = blocked(&server).await;
        assert_eq!(code, "bad_api_key");
        assert!(action.contains("CertCentral"), "{action}");
    }
}

#[tokio::test]
async fn a_key_that_may_not_do_this_is_told_apart() {
    let server = MockServer::start().await;
    user(&server).await;
    answers(&server, "GET", "organization/77", 403, vendor_error("access_denied|missing_permission")).await;
    answers(&server, "GET", "order/certificate", 403, vendor_error("access_denied|missing_permission")).await;
    assert_eq!(blocked(&server).await.0, "missing_permission");
}

#[tokio::test]
async fn a_key_restricted_to_orders_serves() {
    let server = MockServer::start().await;
    user(&server).await;
    answers(&server, "GET", "organization/77", 403, vendor_error("access_denied|missing_permission")).await;
    answers(&server, "GET", "order/certificate", 200, json!({})).await;
    answers(&server, "GET", "product/ssl_basic", 403, vendor_error("access_denied|missing_permission")).await;
    assert_eq!(digicert(&server).account().await.unwrap().organization.as_deref(), Some("77"));
}

#[tokio::test]
async fn a_key_that_may_only_view_is_told_apart() {
    let server = MockServer::start().await;
    let body = json!({ "account_id": 1, "access_roles": [{ "id": 102, "name": "View only" }] });
    answers(&server, "GET", "user/me", 200, body).await;
    assert_eq!(blocked(&server).await.0, "missing_permission");
}

#[tokio::test]
async fn an_unknown_organization_is_told_apart() {
    for code in ["not_found", "not_found|organization", "not_found|org"] {
        let server = MockServer::start().await;
        user(&server).await;
        answers(&server, "GET", "organization/77", 404, vendor_error(code)).await;
        assert_eq!(blocked(&server).await.0, "unknown_organization");
    }
}

#[tokio::test]
async fn an_unknown_product_is_told_apart() {
    let server = MockServer::start().await;
    user(&server).await;
    answers(&server, "GET", "organization/77", 200, json!({ "id": 77 })).await;
    answers(&server, "GET", "product/ssl_basic", 404, vendor_error("not_found|product")).await;
    assert_eq!(blocked(&server).await.0, "unknown_product");
}

#[tokio::test]
async fn a_product_that_cannot_be_read_about_is_no_reason_to_refuse() {
    for (status, body) in [(403, vendor_error("access_denied|missing_permission")), (500, json!({}))] {
        let server = MockServer::start().await;
        user(&server).await;
        answers(&server, "GET", "organization/77", 200, json!({ "id": 77 })).await;
        answers(&server, "GET", "product/ssl_basic", status, body).await;
        assert_eq!(digicert(&server).account().await.unwrap().organization.as_deref(), Some("77"));
    }
}

#[tokio::test]
async fn a_wrong_url_is_told_apart() {
    let server = MockServer::start().await;
    answers(&server, "GET", "user/me", 404, vendor_error("not_found|route")).await;
    assert_eq!(blocked(&server).await.0, "wrong_url");
}

#[test]
fn what_cannot_be_used_is_refused_at_once_and_says_why() {
    let with = |change: fn(&mut DigiCertConfig)| {
        let mut config = config("https://certcentral.example");
        change(&mut config);
        DigiCert::new(config).map(drop)
    };
    assert_eq!(with(|_| ()), Ok(()));
    for url in ["", "not a url", "ftp://a/b", "https://user:secret@a/b", "https://a/b?c=d", "https://a/b#c"] {
        let mut config = config("https://certcentral.example");
        config.base_url = url.into();
        assert!(matches!(DigiCert::new(config).map(drop), Err(ConfigError::Url(_))), "{url}");
    }
    for pem in ["", "rubbish", "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n"] {
        let mut config = config("https://certcentral.example");
        config.ca_bundle_pem = Some(pem.into());
        let refused = DigiCert::new(config).map(drop);
        assert!(matches!(refused, Err(ConfigError::CaBundle | ConfigError::Tls(_))), "{pem}: {refused:?}");
    }
    let refused = with(|config| config.api_key = SecretString::from("line\nbreak"));
    assert_eq!(refused, Err(ConfigError::Credential("the API key")));
    assert_eq!(with(|config| config.api_key = SecretString::from("")), Err(ConfigError::Credential("the API key")));
}

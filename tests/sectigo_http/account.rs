use super::*;
use evercert::provider::AccountFacts;
use wiremock::matchers::query_param;

async fn knows(server: &MockServer, organizations: Value, profiles: Value) {
    answers(server, "GET", "organization/v1", 200, organizations).await;
    call("GET", "ssl/v2/types")
        .and(query_param("organizationId", "42"))
        .respond_with(status(200).set_body_json(profiles))
        .mount(server)
        .await;
}

#[tokio::test]
async fn an_account_is_its_customer() {
    let organizations = json!([
        { "id": 7, "name": "Other" },
        { "id": 41, "name": "Example Ltd", "departments": [{ "id": 42, "name": "Web", "parentName": "Example Ltd" }] },
    ]);
    let server = MockServer::start().await;
    knows(&server, organizations, json!([{ "id": 5120, "name": "OV" }])).await;
    let expected = AccountFacts {
        host: server.uri().trim_start_matches("http://").to_owned(),
        id: "acme".into(),
        name: Some("Example Ltd".into()),
        organization: Some("Web".into()),
    };
    assert_eq!(sectigo(&server).account().await, Ok(expected));
}

#[tokio::test]
async fn what_an_account_lacks_is_told_apart() {
    let organizations = json!([{ "id": 42, "name": "Web" }]);
    for (organizations, profiles, code) in [
        (json!([]), json!([]), "unknown_organization"),
        (json!([{ "id": 43 }]), json!([{ "id": 5120 }]), "unknown_organization"),
        (organizations.clone(), json!([]), "unknown_product"),
        (organizations, json!([{ "id": "7" }]), "unknown_product"),
    ] {
        let server = MockServer::start().await;
        knows(&server, organizations, profiles).await;
        let error = sectigo(&server).account().await.unwrap_err();
        assert!(matches!(&error, CallError::Blocked { code: told, .. } if told == code), "{error:?}");
    }
}

#[tokio::test]
async fn what_the_organization_lacks_is_said() {
    let said = "organization Web (42) is NOT_VALIDATED: SCM, Organizations, says what Sectigo still needs";
    for (http, body, expected) in [
        (200, json!({ "id": 42, "name": "Web", "validationStatus": "NOT_VALIDATED" }), Some(said)),
        (200, json!({ "id": 42, "name": "Web", "validationStatus": "Validated" }), None),
        (200, json!({ "id": 42, "name": "Web" }), None),
        (400, vendor_error(-3), None),
    ] {
        let server = MockServer::start().await;
        has(&server, 55, "Applied", json!({})).await;
        answers(&server, "GET", "organization/v1/42", http, body).await;
        let trouble = sectigo(&server).organization_trouble(&placed(Operation::Order, "55")).await;
        assert_eq!(trouble, Ok(expected.map(str::to_owned)));
    }
}

use super::*;
use evercert::provider::{Location, Locations};
use std::collections::BTreeMap;

fn location() -> Location {
    Location { cluster: "prod".into(), namespace: "web".into(), secret: "shop-tls".into() }
}

fn ours() -> Value {
    json!({ "cluster": "prod", "managedBy": "Evercert", "namespace": "web", "secret": "shop-tls" })
}

fn shown(id: u64, kind: &str, details: Value) -> Value {
    json!({ "id": id, "locationType": kind, "details": details })
}

async fn lists(server: &MockServer, locations: Value) {
    answers(server, "GET", "ssl/v2/55/location", 200, locations).await;
}

/// Others' locations, and one of another Secret.
fn others() -> Vec<Value> {
    let mut elsewhere = ours();
    elsewhere["secret"] = json!("other-tls");
    vec![shown(1, "CUSTOM", json!({ "rack": "7" })), shown(2, "NETWORK_HOST", ours()), shown(3, "CUSTOM", elsewhere)]
}

#[tokio::test]
async fn a_place_is_recorded_once() {
    let server = MockServer::start().await;
    lists(&server, json!(others())).await;
    let created = status(201).insert_header("Location", "https://cert-manager.com/api/ssl/v2/55/location/51");
    takes(&server, "POST", "ssl/v2/55/location", json!({ "details": ours() }), created).await;
    assert_eq!(sectigo(&server).record_location("55", &location()).await, Ok(()));

    let server = MockServer::start().await;
    lists(&server, json!([shown(51, "Custom", ours())])).await;
    assert_eq!(sectigo(&server).record_location("55", &location()).await, Ok(()));
}

#[tokio::test]
async fn what_has_changed_of_it_is_updated() {
    let server = MockServer::start().await;
    let mut before = ours();
    before.as_object_mut().unwrap().remove("managedBy");
    lists(&server, json!([shown(51, "CUSTOM", before)])).await;
    takes(&server, "PUT", "ssl/v2/55/location/51", json!({ "details": ours() }), status(200)).await;
    assert_eq!(sectigo(&server).record_location("55", &location()).await, Ok(()));
}

#[tokio::test]
async fn a_place_is_struck_out_and_no_other() {
    let server = MockServer::start().await;
    let all: Vec<Value> =
        others().into_iter().chain([shown(51, "CUSTOM", ours()), shown(52, "CUSTOM", ours())]).collect();
    lists(&server, json!(all)).await;
    for id in [51, 52] {
        call("DELETE", &format!("ssl/v2/55/location/{id}")).respond_with(status(204)).expect(1).mount(&server).await;
    }
    assert_eq!(sectigo(&server).remove_location("55", &location()).await, Ok(()));

    let server = MockServer::start().await;
    lists(&server, json!(others())).await;
    assert_eq!(sectigo(&server).remove_location("55", &location()).await, Ok(()));
}

#[tokio::test]
async fn one_location_is_read_and_every_call_may_fail() {
    let server = MockServer::start().await;
    answers(&server, "GET", "ssl/v2/55/location/51", 200, shown(51, "CUSTOM", ours())).await;
    let read = sectigo(&server).certificate_location("55", "51").await.unwrap();
    assert_eq!(read.details["secret"], ["shop-tls"]);

    let details = BTreeMap::from([("cluster".to_owned(), "prod".to_owned())]);
    for answer in [status(201), status(201).insert_header("Location", "/"), status(500)] {
        let server = MockServer::start().await;
        call("POST", "ssl/v2/55/location").respond_with(answer).mount(&server).await;
        let created = sectigo(&server).create_location("55", &details).await;
        assert!(matches!(created, Err(CallError::Ambiguous { .. })), "{created:?}");
    }
}

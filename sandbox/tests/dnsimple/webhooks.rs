use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::mpsc::{Receiver, Sender, channel},
};

use crate::{client::Client, server::in_time};

/// Takes events; refuses the first few.
struct Receptionist {
    address: SocketAddr,
    events: Receiver<Value>,
}

type Desk = (Sender<Value>, Arc<AtomicUsize>);

impl Receptionist {
    async fn refusing(first: usize) -> Self {
        let (sender, events) = channel(64);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router =
            Router::new().route("/hook", post(receive)).with_state((sender, Arc::new(AtomicUsize::new(first))));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, events }
    }

    async fn next(&mut self) -> Value {
        in_time(self.events.recv()).await.unwrap()
    }

    async fn registered(&self, client: &Client) -> Value {
        let url = format!("http://{}/hook", self.address);
        client.data(201, "POST", "webhooks", Some(json!({"url": url}))).await
    }
}

/// 202 is no acknowledgement: it has to be 200.
async fn receive(State((events, refusals)): State<Desk>, Json(event): Json<Value>) -> StatusCode {
    events.send(event).await.unwrap();
    let refused = refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    if refused { StatusCode::ACCEPTED } else { StatusCode::OK }
}

async fn client() -> Client {
    let client = Client::start(&["--dcv", "instant", "--plain-webhooks"]).await;
    client.settings(json!({"webhookRetryMilliseconds": 1})).await;
    client
}

#[tokio::test]
async fn they_come_and_go() {
    let client = Client::instant().await;
    let created = client.data(201, "POST", "webhooks", Some(json!({"url": "https://webhook.test"}))).await;
    assert_eq!((&created["url"], &created["suppressed_at"]), (&json!("https://webhook.test"), &Value::Null));
    let path = format!("webhooks/{}", created["id"]);
    assert_eq!(client.get(&path).await, created);
    assert_eq!(client.get("webhooks").await, json!([created]));
    assert_eq!(client.call("DELETE", &path, None).await.status, 204);
    assert_eq!(client.call("GET", &path, None).await.error().0, 404);
    for url in ["http://127.0.0.1:1/hook", "http://webhook.test", "webhook", ""] {
        let refused = client.call("POST", "webhooks", Some(json!({"url": url}))).await;
        assert_eq!((refused.status, refused.json()["errors"]["url"].is_array()), (400, true), "{url}");
    }
}

#[tokio::test]
async fn a_certificate_and_its_records_are_told_of() {
    let client = client().await;
    let mut desk = Receptionist::refusing(0).await;
    desk.registered(&client).await;
    let created = desk.next().await;
    assert_eq!((&created["name"], created["data"]["webhook"]["url"].is_string()), (&json!("webhook.create"), true));

    let id = client.certificate(json!({})).await;
    client.show(id).await;
    let issued = desk.next().await;
    assert_eq!((&issued["name"], &issued["api_version"]), (&json!("certificate.issue"), &json!("v2")));
    assert_eq!(issued["data"]["certificate"], client.show(id).await);
    assert_eq!(issued["actor"]["entity"], "dnsimple");
    assert_eq!(issued["account"]["id"], client.account);

    let record = client.record("_dnsauth", "TXT", "one").await;
    let event = desk.next().await;
    assert_eq!((&event["name"], &event["data"]["zone_record"]), (&json!("zone_record.create"), &record));
    let path = format!("zones/example.com/records/{}", record["id"]);
    client.call("PATCH", &path, Some(json!({"content": "two"}))).await;
    let event = desk.next().await;
    assert_eq!(
        (&event["name"], &event["data"]["zone_record"]["content"]),
        (&json!("zone_record.update"), &json!("\"two\""))
    );
    client.call("DELETE", &path, None).await;
    assert_eq!(desk.next().await["name"], "zone_record.delete");
}

#[tokio::test]
async fn a_reissue_by_form_is_told_of_and_that_its_old_key_is_gone() {
    let client = client().await;
    let form = json!({"domain": "example.com"});
    let id = client.admin("POST", "/dnsimple/certificates", form).await["id"].clone();
    let act = async |action: &str, form: Value| {
        client.admin("POST", &format!("/dnsimple/certificates/{id}/{action}"), form).await;
    };
    act("approve", Value::Null).await;
    let mut desk = Receptionist::refusing(0).await;
    desk.registered(&client).await;
    act("reissue", json!({})).await;
    act("approve", Value::Null).await;
    act("enableAutoRenewal", Value::Null).await;
    let mut names = Vec::new();
    for _ in 0..4 {
        names.push(desk.next().await["name"].as_str().unwrap().to_owned());
    }
    names.sort();
    let expected =
        ["certificate.auto_renewal_enable", "certificate.reissue", "certificate.remove_private_key", "webhook.create"];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_renewal_that_cannot_be_made_is_told_of_once_a_day() {
    let client = client().await;
    let id = client.certificate(json!({"auto_renew": true})).await;
    client.show(id).await;
    client.zone(json!({"delegated": false})).await;
    let mut desk = Receptionist::refusing(0).await;
    desk.registered(&client).await;
    desk.next().await;
    client.advance("70d").await;
    for _ in 0..3 {
        client.show(id).await;
    }
    let event = desk.next().await;
    assert_eq!(
        (&event["name"], &event["data"]["certificate"]["id"]),
        (&json!("certificate.auto_renewal_failed"), &json!(id))
    );
    client.zone(json!({"delegated": true})).await;
    client.show(id).await;
    let event = desk.next().await;
    assert_eq!(
        (&event["name"], &event["data"]["certificate"]["auto_renew"]),
        (&json!("certificate.issue"), &json!(true))
    );
}

#[tokio::test]
async fn an_event_comes_again_until_it_is_acknowledged_with_exactly_200() {
    let client = client().await;
    let mut desk = Receptionist::refusing(3).await;
    desk.registered(&client).await;
    let first = desk.next().await;
    for _ in 0..3 {
        assert_eq!(desk.next().await, first, "the same request identifier");
    }
    client.record("_dnsauth", "TXT", "one").await;
    assert_eq!(desk.next().await["name"], "zone_record.create");
}

#[tokio::test]
async fn an_event_can_come_twice() {
    let client = client().await;
    let mut desk = Receptionist::refusing(0).await;
    client.settings(json!({"webhooksTwice": true})).await;
    desk.registered(&client).await;
    assert_eq!(desk.next().await, desk.next().await);
}

#[tokio::test]
async fn whoever_never_answers_is_given_up_and_told_of_nothing_more() {
    let client = client().await;
    let mut desk = Receptionist::refusing(usize::MAX).await;
    let id = desk.registered(&client).await["id"].clone();
    let first = desk.next().await["request_identifier"].clone();
    for _ in 1..10 {
        assert_eq!(desk.next().await["request_identifier"], first);
    }
    client.record("_dnsauth", "TXT", "one").await;
    for _ in 0..5 {
        assert_eq!(desk.next().await["name"], "zone_record.create");
    }
    // The fifteenth failure in a row is noted once its answer is read.
    in_time(async { while client.get(&format!("webhooks/{id}")).await["suppressed_at"].is_null() {} }).await;
    client.record("_dnsauth", "TXT", "two").await;
    client.admin("POST", &format!("/dnsimple/webhooks/{id}/unsuppress"), Value::Null).await;
    client.record("_dnsauth", "TXT", "three").await;
    assert_eq!(desk.next().await["data"]["zone_record"]["content"], "\"three\"");
}

//! Every call of the DNSimple client, byte for byte, and what it makes of every kind of answer.

#![allow(clippy::unwrap_used)]

mod account;
mod certificates;
mod errors;
mod garbage;
mod letsencrypt;
mod provider;
mod transport;
mod webhooks;
#[path = "../fixture/wire.rs"]
mod wire;
mod zones;

use evercert::provider::dnsimple::{Account, AccountConfig};
use evercert::provider::limits::{Limiter, RateLimit};
use evercert::provider::{CallError, Permit, Urgency};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use wiremock::matchers::{body_json, body_string, header, method, path, query_param};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

pub const TOKEN: &str = "TOKEN-that-must-never-be-shown";
pub const SHORT: Duration = Duration::from_secs(5);

pub fn config(origin: &str) -> AccountConfig {
    AccountConfig {
        base_url: format!("{origin}/v2"),
        account_id: 1010,
        token: TOKEN.into(),
        ca_bundle_pem: None,
        limiter: Arc::new(Limiter::new(RateLimit::DNSIMPLE)),
        observer: Arc::new(|_| ()),
        call_timeout: Duration::from_secs(10),
    }
}

pub fn account(server: &MockServer) -> Account {
    Account::new(&config(&server.uri())).unwrap()
}

pub async fn permit(account: &Account) -> Permit {
    account.permit(Urgency::Normal).await.expect("the account may be called")
}

/// Matches a call made as every call must be made.
pub fn call(verb: &str, at: &str) -> MockBuilder {
    Mock::given(method(verb))
        .and(path(format!("/v2/{at}")))
        .and(header("Authorization", format!("Bearer {TOKEN}").as_str()))
        .and(header("Accept", "application/json"))
        .and(header("User-Agent", concat!("evercert/", env!("CARGO_PKG_VERSION"))))
}

/// A success, as every one of DNSimple's is sent.
pub fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
        .insert_header("X-RateLimit-Limit", "2400")
        .insert_header("X-RateLimit-Remaining", "2399")
        .insert_header("X-RateLimit-Reset", "1795000000")
}

pub async fn answers(server: &MockServer, verb: &str, at: &str, code: u16, body: Value) {
    call(verb, at).respond_with(status(code).set_body_json(body)).expect(1..).mount(server).await;
}

/// Exactly this body, and no other key.
pub async fn takes(server: &MockServer, at: &str, body: Value, answer: ResponseTemplate) {
    call("POST", at)
        .and(header("Content-Type", "application/json"))
        .and(body_json(body))
        .respond_with(answer)
        .expect(1)
        .mount(server)
        .await;
}

/// A page of a list of so many.
pub fn page(rows: Value, page: usize, pages: usize, entries: usize) -> Value {
    let pagination = json!({ "current_page": page, "per_page": 100, "total_entries": entries, "total_pages": pages });
    json!({ "data": rows, "pagination": pagination })
}

pub fn list(rows: Value) -> Value {
    let entries = rows.as_array().map_or(0, Vec::len);
    page(rows, 1, 1, entries)
}

/// A list in one page, asked for as every list is.
pub async fn lists(server: &MockServer, at: &str, narrowed: &[(&str, &str)], rows: Value) {
    let mut mock = call("GET", at).and(query_param("page", "1")).and(query_param("per_page", "100"));
    for (name, value) in narrowed {
        mock = mock.and(query_param(*name, *value));
    }
    mock.respond_with(status(200).set_body_json(list(rows))).expect(1).mount(server).await;
}

pub fn class(error: &CallError) -> &'static str {
    match error {
        CallError::Rejected { .. } => "Rejected",
        CallError::RateLimited { .. } => "RateLimited",
        CallError::NotSent { .. } => "NotSent",
        CallError::Blocked { .. } => "Blocked",
        CallError::Ambiguous { .. } => "Ambiguous",
    }
}

pub fn code(error: &CallError) -> &str {
    match error {
        CallError::Rejected { code, .. } | CallError::Blocked { code, .. } => code,
        _ => "",
    }
}

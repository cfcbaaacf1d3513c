//! The token server: OAuth2 client credentials (RFC 6749 §4.4). Tokens live in real time.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::{
    Form, Json,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::TOKEN_PATH;
use crate::{
    app::App,
    state::{
        World,
        scm::{Client, Customer},
    },
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Grant {
    grant_type: String,
    client_id: String,
    client_secret: String,
}

pub async fn grant(State(app): State<Arc<App>>, headers: HeaderMap, Form(mut grant): Form<Grant>) -> Response {
    app.calls.count(&Method::POST, TOKEN_PATH);
    if let Some((id, secret)) = basic(&headers) {
        (grant.client_id, grant.client_secret) = (id, secret);
    }
    if grant.grant_type != "client_credentials" {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant_type");
    }
    let world = app.store.lock();
    let known =
        |customer: &&Customer| customer.client.id == grant.client_id && customer.client.secret == grant.client_secret;
    let Some(customer) = world.scm.customers.iter().find(known) else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "Invalid client or Invalid client credentials");
    };
    let lifetime = app.token_seconds;
    let token = issue(&customer.client, Timestamp::now().as_second() + lifetime);
    let answer = json!({
        "access_token": token,
        "expires_in": lifetime,
        "refresh_expires_in": 0,
        "token_type": "Bearer",
        "not-before-policy": 0,
        "scope": "email profile",
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// The same credentials as HTTP Basic authentication (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(given).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn refused(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({"error": error, "error_description": description}))).into_response()
}

/// `<client>.<generation>.<expiry>.<seal>`, all readable but the seal.
fn issue(client: &Client, expires: i64) -> String {
    let content = format!("{}.{}.{expires}", client.id, client.generation);
    let seal = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, client.secret.as_bytes()), content.as_bytes());
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(seal.as_ref()))
}

/// Whose token it is, when it is still good.
pub fn check<'a>(world: &'a World, token: &str) -> Option<&'a Customer> {
    let mut parts = token.split('.');
    let (id, _generation, expires) = (parts.next()?, parts.next()?, parts.next()?);
    let expires: i64 = expires.parse().ok()?;
    let customer = world.scm.customers.iter().find(|customer| customer.client.id == id)?;
    let good = expires > Timestamp::now().as_second() && issue(&customer.client, expires) == token;
    good.then_some(customer)
}

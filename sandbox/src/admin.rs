//! `/_sandbox`: what a test may see and do that no provider offers.

pub mod accounts;
mod dnsimple;
mod ledger;
mod mails;
mod scm;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use jiff::{Span, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    app::App,
    calls, digicert,
    faults::Fault,
    issuance,
    state::{
        World,
        records::{Quirk, Witness},
    },
    validation,
};

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/clock", get(clock).put(move_clock).post(move_clock))
        .route("/ledger", get(ledger::ledger))
        .route("/calls", get(calls::show).delete(calls::forget))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", delete(remove_fault))
        .route("/accounts", get(accounts::list).post(accounts::add))
        .route("/accounts/{id}", post(accounts::change))
        .route("/organizations/{id}/validate", post(accounts::validate_organization))
        .route("/domains", post(accounts::validate_domain))
        .route("/requests/{id}/approve", post(approve))
        .route("/requests/{id}/reject", post(reject))
        .route("/orders/{id}/validate", post(validate_order))
        .route("/orders/{id}/release", post(release_order))
        .route("/certificates/{serial}/revoke", post(revoke))
        .route("/mails", get(mails::list))
        .route("/mails/{certificate}/{scope}", get(mails::follow).post(mails::follow))
        .route("/ca.pem", get(ca))
        .nest("/scm", scm::router())
        .nest("/dnsimple", dnsimple::router())
}

fn refused(message: impl Into<String>) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": message.into()}))).into_response()
}

/// What is there, with the changes that are given.
fn merged<T: Serialize + DeserializeOwned>(old: &T, change: &Value) -> Result<T, String> {
    let mut value = serde_json::to_value(old).map_err(|error| error.to_string())?;
    let (Some(fields), Some(change)) = (value.as_object_mut(), change.as_object()) else {
        return Err("an object is expected".into());
    };
    for (name, new) in change {
        if !fields.contains_key(name) || name == "id" || name == "customer" {
            return Err(format!("there is no {name}"));
        }
        fields.insert(name.clone(), new.clone());
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}

async fn clock(State(app): State<Arc<App>>) -> Json<Value> {
    Json(clock_view(&app.store.lock()))
}

fn clock_view(world: &World) -> Value {
    json!({"now": world.now().to_string(), "offsetSeconds": world.clock.offset_seconds})
}

/// `{"advance": "30d"}`, `{"advanceSeconds": n}` or `{"set": RFC 3339}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Move {
    Advance(String),
    AdvanceSeconds(i64),
    Set(Timestamp),
}

async fn move_clock(State(app): State<Arc<App>>, Json(to): Json<Move>) -> Response {
    let mut world = app.store.lock();
    let moved = match to {
        Move::AdvanceSeconds(seconds) => world.clock.advance(seconds),
        Move::Set(time) => world.clock.set(time),
        Move::Advance(span) => match seconds(&span, world.now()) {
            Some(seconds) => world.clock.advance(seconds),
            None => Err(format!("{span} is no time span")),
        },
    };
    match moved {
        Ok(()) => Json(clock_view(&world)).into_response(),
        Err(message) => refused(message),
    }
}

/// Length of a span such as `30d`, `1y 2mo` or `-12h`, beginning now.
fn seconds(span: &str, now: Timestamp) -> Option<i64> {
    let span: Span = span.parse().ok()?;
    let duration = span.to_duration(&now.to_zoned(TimeZone::UTC)).ok()?;
    Some(duration.as_secs())
}

async fn faults(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({"faults": app.faults.list()}))
}

async fn add_fault(State(app): State<Arc<App>>, Json(fault): Json<Fault>) -> Response {
    (StatusCode::CREATED, Json(app.faults.add(fault))).into_response()
}

async fn clear_faults(State(app): State<Arc<App>>) -> StatusCode {
    app.faults.clear();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(app): State<Arc<App>>, Path(id): Path<u64>) -> StatusCode {
    if app.faults.remove(id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn approve(State(app): State<Arc<App>>, Path(id): Path<u64>) -> Response {
    decide(&app, id, true)
}

async fn reject(State(app): State<Arc<App>>, Path(id): Path<u64>) -> Response {
    decide(&app, id, false)
}

fn decide(app: &App, id: u64, approved: bool) -> Response {
    let mut world = app.store.lock();
    let Some(request) = world.requests.get(id).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match digicert::decide(app, &mut world, &request, approved, "Decided in the sandbox.") {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}

/// Every name of the order counts as validated, as after answered e-mails.
async fn validate_order(State(app): State<Arc<App>>, Path(id): Path<u64>) -> StatusCode {
    for_pending(&app, id, validation::approve_all)
}

/// Ends what a `stayPending` or `lookupLag` fault began.
async fn release_order(State(app): State<Arc<App>>, Path(id): Path<u64>) -> StatusCode {
    if let Some(order) = app.store.lock().orders.edit(id) {
        order.hidden_until = None;
    }
    for_pending(&app, id, |world, certificate| {
        if let Some(row) = world.certificates.edit(certificate) {
            row.quirks.retain(|quirk| *quirk != Quirk::StayPending);
            row.hidden_until = None;
        }
    })
}

/// Changes every certificate of an order, and issues what can be issued then.
fn for_pending(app: &App, order: u64, change: fn(&mut World, u64)) -> StatusCode {
    let mut world = app.store.lock();
    let Some(certificates) = world.orders.get(order).map(|order| order.certificates.clone()) else {
        return StatusCode::NOT_FOUND;
    };
    for certificate in certificates {
        change(&mut world, certificate);
        issuance::advance(&mut world, &app.ca, certificate);
    }
    StatusCode::NO_CONTENT
}

/// `{"reason": "keyCompromise", "only": "ca"}`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Revoke {
    reason: String,
    only: Option<Witness>,
}

async fn revoke(State(app): State<Arc<App>>, Path(serial): Path<String>, Json(asked): Json<Revoke>) -> StatusCode {
    let known = issuance::revoke_now(&mut app.store.lock(), &serial, &asked.reason, asked.only);
    if known { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn ca(State(app): State<Arc<App>>) -> String {
    app.ca.root_pem().to_owned()
}

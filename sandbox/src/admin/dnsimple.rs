//! `/_sandbox/dnsimple`: accounts, zones and certificates of DNSimple, changed from outside, and what people do there.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{merged, refused};
use crate::{
    app::App,
    dnsimple::{
        self,
        forms::{self, Action, Form},
        setup,
    },
    state::dnsimple::Settings,
};

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/accounts", get(accounts).post(add_account))
        .route("/accounts/{id}", post(change_account))
        .route("/zones/{name}", post(change_zone))
        .route("/certificates", post(order))
        .route("/certificates/{id}", post(show))
        .route("/certificates/{id}/reissue", post(reissue))
        .route("/certificates/{id}/{action}", post(act))
        .route("/webhooks/{id}/unsuppress", post(unsuppress))
}

async fn accounts(State(app): State<Arc<App>>) -> Json<Value> {
    let world = app.store.lock();
    let rows: Vec<Value> = world.dnsimple.accounts.iter().map(|row| setup::view(&app, &world, row)).collect();
    Json(json!({"accounts": rows}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    name: String,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    zones: Vec<String>,
}

async fn add_account(State(app): State<Arc<App>>, Json(new): Json<NewAccount>) -> Response {
    let mut world = app.store.lock();
    let id = setup::add(&mut world, &new.name, new.settings, &new.zones);
    let view = world.dnsimple.accounts.get(id).map(|row| setup::view(&app, &world, row));
    (StatusCode::CREATED, Json(view)).into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountChange {
    settings: Option<Value>,
    /// Scopes of a new token, such as `zones:example.com:write`.
    add_token: Option<Vec<String>>,
    revoke_token: Option<String>,
}

/// Settings that are not given stay as they are. Answers the new token, if one is asked for.
async fn change_account(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
    Json(change): Json<AccountChange>,
) -> Response {
    let mut world = app.store.lock();
    let Some(account) = world.dnsimple.accounts.edit(id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if let Some(settings) = change.settings {
        match merged(&account.settings, &settings) {
            Ok(settings) => account.settings = settings,
            Err(why) => return refused(why),
        }
    }
    if let Some(revoked) = change.revoke_token {
        let token = world.dnsimple.tokens.iter().find(|token| token.value == revoked).map(|token| token.id);
        match token.and_then(|id| world.dnsimple.tokens.edit(id)) {
            Some(token) => token.revoked = true,
            None => return refused("there is no such token"),
        }
    }
    match change.add_token {
        Some(scopes) => {
            let token = setup::add_token(&mut world, Some(id), Some(scopes));
            Json(json!({"token": token.value})).into_response()
        }
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ZoneChange {
    delegated: Option<bool>,
    lag_seconds: Option<i64>,
    distribution_unknown: Option<bool>,
}

/// In every account that has it.
async fn change_zone(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(change): Json<ZoneChange>,
) -> StatusCode {
    let known = {
        let mut world = app.store.lock();
        let named = world.dnsimple.domains.iter().filter(|domain| domain.name == name);
        let ids: Vec<u64> = named.map(|domain| domain.id).collect();
        for id in &ids {
            if let Some(domain) = world.dnsimple.domains.edit(*id) {
                domain.delegated = change.delegated.unwrap_or(domain.delegated);
                domain.lag_seconds = change.lag_seconds.unwrap_or(domain.lag_seconds);
                domain.distribution_unknown = change.distribution_unknown.unwrap_or(domain.distribution_unknown);
            }
        }
        !ids.is_empty()
    };
    dnsimple::check_pending(&app).await;
    if known { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

/// A person orders a certificate of Sectigo. Answers its id.
async fn order(State(app): State<Arc<App>>, Json(form): Json<Form>) -> Response {
    let mut world = app.store.lock();
    let Some(domain) = world.dnsimple.domains.iter().find(|domain| domain.name == form.domain).cloned() else {
        return refused("there is no such domain");
    };
    match forms::order(&mut world, &domain, form) {
        Ok(id) => (StatusCode::CREATED, Json(json!({"id": id}))).into_response(),
        Err(why) => refused(why),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shown {
    shown_state: Option<String>,
}

/// The API says this state; null: its own again.
async fn show(State(app): State<Arc<App>>, Path(id): Path<u64>, Json(shown): Json<Shown>) -> StatusCode {
    match app.store.lock().dnsimple.certificates.edit(id) {
        None => StatusCode::NOT_FOUND,
        Some(row) => {
            row.shown_state = shown.shown_state;
            StatusCode::NO_CONTENT
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reissue {
    csr: Option<String>,
}

/// A person sends the re-issue form. Answers the id of what will be the new certificate.
async fn reissue(State(app): State<Arc<App>>, Path(id): Path<u64>, Json(form): Json<Reissue>) -> Response {
    match forms::reissue(&mut app.store.lock(), id, form.csr.as_deref()) {
        Ok(id) => (StatusCode::CREATED, Json(json!({"id": id}))).into_response(),
        Err(why) => refused(why),
    }
}

async fn act(State(app): State<Arc<App>>, Path((id, action)): Path<(u64, Action)>) -> Response {
    let done = forms::act(&mut app.store.lock(), &app.ca, id, action);
    dnsimple::check_pending(&app).await;
    if done { StatusCode::NO_CONTENT.into_response() } else { refused("this cannot be done to this certificate") }
}

async fn unsuppress(State(app): State<Arc<App>>, Path(id): Path<u64>) -> StatusCode {
    match app.store.lock().dnsimple.webhooks.edit(id) {
        None => StatusCode::NOT_FOUND,
        Some(row) => {
            (row.suppressed, row.failures) = (None, 0);
            StatusCode::NO_CONTENT
        }
    }
}

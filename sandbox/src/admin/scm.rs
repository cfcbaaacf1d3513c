//! `/_sandbox/scm`: customers of Sectigo Certificate Manager, changed from outside, and what their people and the CA do.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{merged, refused};
use crate::{
    app::App,
    sectigo::{issuance, setup},
    state::{
        World,
        records::Quirk,
        scm::{AutoRenewalState, Delegation, Settings, Status},
    },
};

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/customers", get(customers).post(add_customer))
        .route("/customers/{id}", post(change_customer))
        .route("/tokens", delete(void_tokens))
        .route("/profiles/{id}", post(change_profile))
        .route("/organizations/{id}", post(change_organization))
        .route("/domains", post(change_domain))
        .route("/ssl/{id}", post(show))
        .route("/ssl/{id}/{action}", post(act))
}

async fn customers(State(app): State<Arc<App>>) -> Json<Value> {
    let world = app.store.lock();
    let rows: Vec<Value> =
        world.scm.customers.iter().map(|customer| setup::view(&app, &world, customer, &app.zones)).collect();
    Json(json!({"customers": rows}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCustomer {
    uri: String,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    validated: Vec<String>,
}

async fn add_customer(State(app): State<Arc<App>>, Json(new): Json<NewCustomer>) -> Response {
    let mut world = app.store.lock();
    if world.scm.customers.iter().any(|customer| customer.uri == new.uri) {
        return refused("there is a customer with this uri");
    }
    let added = setup::add(&mut world, &app.ca, &new.uri, new.settings, &app.zones, &new.validated);
    match added.ok().and_then(|id| world.scm.customers.get(id)) {
        Some(customer) => (StatusCode::CREATED, Json(setup::view(&app, &world, customer, &app.zones))).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomerChange {
    settings: Value,
}

/// Settings that are not given stay as they are.
async fn change_customer(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
    Json(change): Json<CustomerChange>,
) -> Response {
    let mut world = app.store.lock();
    let Some(customer) = world.scm.customers.edit(id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match merged(&customer.settings, &change.settings) {
        Ok(settings) => customer.settings = settings,
        Err(why) => return refused(why),
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn void_tokens(State(app): State<Arc<App>>) -> StatusCode {
    let mut world = app.store.lock();
    let ids: Vec<u64> = world.scm.customers.iter().map(|customer| customer.id).collect();
    for id in ids {
        if let Some(customer) = world.scm.customers.edit(id) {
            customer.client.generation += 1;
        }
    }
    StatusCode::NO_CONTENT
}

/// `terms`, `keyTypes`, `approvals`, `renewable`, `replaceable`, `deleted`, `validation`.
async fn change_profile(State(app): State<Arc<App>>, Path(id): Path<u64>, Json(change): Json<Value>) -> Response {
    let mut world = app.store.lock();
    let Some(profile) = world.scm.profiles.edit(id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match merged(profile, &change) {
        Ok(changed) => *profile = changed,
        Err(why) => return refused(why),
    }
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrganizationChange {
    validated: bool,
}

async fn change_organization(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
    Json(change): Json<OrganizationChange>,
) -> StatusCode {
    let mut world = app.store.lock();
    let now = world.now();
    match world.scm.organizations.edit(id) {
        None => StatusCode::NOT_FOUND,
        Some(row) => {
            row.validated = change.validated.then_some(now);
            StatusCode::NO_CONTENT
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
struct DomainChange {
    name: String,
    /// This organization or department asks for its delegation, which waits for an approval.
    requested_by: Option<u64>,
    /// All that have the domain, when absent.
    customer: Option<u64>,
    validated: Option<bool>,
    active: Option<bool>,
}

async fn change_domain(State(app): State<Arc<App>>, Json(change): Json<DomainChange>) -> StatusCode {
    let mut world = app.store.lock();
    let now = world.now();
    let named = world.scm.domains.iter().filter(|row| row.name == change.name);
    let named = named.filter(|row| change.customer.is_none_or(|customer| customer == row.customer));
    let ids: Vec<u64> = named.map(|row| row.id).collect();
    for id in &ids {
        if let Some(row) = world.scm.domains.edit(*id) {
            row.validated = change.validated.map_or(row.validated, |validated| validated.then_some(now));
            row.active = change.active.unwrap_or(row.active);
            let asks = |delegation: &&mut Delegation| Some(delegation.organization) == change.requested_by;
            row.delegations.iter_mut().filter(asks).for_each(|delegation| delegation.requested = true);
        }
    }
    if ids.is_empty() { StatusCode::NOT_FOUND } else { StatusCode::NO_CONTENT }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shown {
    shown_status: Option<String>,
}

/// Details and filters know it by this status; null: by its own again.
async fn show(State(app): State<Arc<App>>, Path(id): Path<u64>, Json(shown): Json<Shown>) -> StatusCode {
    match app.store.lock().scm.certificates.edit(id) {
        None => StatusCode::NOT_FOUND,
        Some(row) => {
            row.shown_status = shown.shown_status;
            StatusCode::NO_CONTENT
        }
    }
}

/// `approve`, `decline`: an administrator; `reject`, `validate`: the CA; `invalidate`, `startRenewal`: SCM itself;
/// `release`: ends what a `stayPending` or `lookupLag` fault began.
async fn act(State(app): State<Arc<App>>, Path((id, action)): Path<(u64, String)>) -> Response {
    let mut world = app.store.lock();
    let now = world.now();
    let Some(row) = world.scm.certificates.edit(id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match action.as_str() {
        "approve" => issuance::approve(&mut world, id, "somebody"),
        "decline" => (row.status, row.declined) = (Status::Declined, Some(now)),
        "reject" => row.status = Status::Rejected,
        "invalidate" => row.status = Status::Invalid,
        "startRenewal" => row.auto_renewal.state = AutoRenewalState::Started,
        "validate" => validate(&mut world, id),
        "release" => {
            row.hidden_until = None;
            for version in &mut row.versions {
                version.hidden_until = None;
                version.quirks.retain(|quirk| *quirk != Quirk::StayPending);
            }
        }
        _ => return refused(format!("there is no {action}")),
    }
    issuance::advance(&mut world, &app.ca, id);
    StatusCode::NO_CONTENT.into_response()
}

/// Every name counts as validated, as after answered e-mails.
fn validate(world: &mut World, id: u64) {
    let row = world.scm.certificates.get(id);
    let checks = row.and_then(|row| row.versions.last()?.checks.clone());
    for check in checks.into_iter().flatten() {
        issuance::prove(world, id, &check.scope);
    }
}

//! The account and the user behind a key.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, response::IntoResponse};
use serde_json::json;

use super::{
    errors::{ApiError, Reply},
    gate::Caller,
};
use crate::{app::App, state::records::Restriction};

/// `GET /user/me`; `access_roles` tell what the key may do.
pub async fn me(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Reply {
    let world = app.store.lock();
    let account = world.accounts.get(caller.account());
    let account = account.ok_or_else(|| ApiError::not_found("account"))?;
    let (role, name) = match caller.0.restriction {
        Restriction::None => (1, "Administrator"),
        Restriction::Orders => (100, "Orders"),
        Restriction::OrdersDomainsOrganizations => (101, "Orders, Domains, Organizations"),
        Restriction::ViewOnly => (102, "View only"),
    };
    let me = json!({
        "id": 1,
        "username": "sandbox",
        "account_id": account.id,
        "first_name": "Sandbox",
        "last_name": "User",
        "email": "user@sandbox.test",
        "telephone": "555-0100",
        "status": "active",
        "is_admin": role == 1,
        "access_roles": [{"id": role, "name": name}],
        "container": {"id": 1, "name": "Sandbox"},
        "type": "standard",
    });
    Ok(Json(me).into_response())
}

/// `GET /account`.
pub async fn account(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Reply {
    let world = app.store.lock();
    let account = world.accounts.get(caller.account());
    let account = account.ok_or_else(|| ApiError::not_found("account"))?;
    let view = json!({
        "id": account.id,
        "make_renewal_calls": true,
        "admin_email": "user@sandbox.test",
        "display_rep": true,
        "rep_name": "Sandbox",
        "rep_email": "user@sandbox.test",
        "balance_negative_limit": 0,
        "balance_reminder_threshold": 0,
        "show_hidden_products": false,
        "primary_organization_name": account.name,
        "primary_organization_country": "us",
    });
    Ok(Json(view).into_response())
}

//! Certificates of any authority: list, retrieve, download, private key.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    errors::{ApiError, Reply},
    gate::Caller,
    keys,
    list::Listing,
    lookup, views,
};
use crate::{
    app::App,
    chain::{self, Link, Role},
    faults::{Effects, visible},
    state::records::Quirk,
};

/// *List certificates*, newest first.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, domain)): Path<(String, String)>,
    listing: Listing,
) -> Reply {
    let world = app.store.lock();
    let domain = lookup::domain(&world, &caller, &domain)?;
    let mine = world.dnsimple.certificates.iter().rev().filter(|row| row.domain == domain.id);
    let rows: Vec<Value> = mine.filter(|row| visible(row.hidden_until)).map(views::certificate).collect();
    listing.reply(rows, &[("id", "id"), ("common_name", "common_name"), ("expiration", "expires_at")])
}

/// *Retrieve a certificate*
pub async fn show(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, domain, id)): Path<(String, String, String)>,
) -> Reply {
    let world = app.store.lock();
    let row = lookup::certificate(&world, &caller, &domain, &id)?;
    Ok(Json(json!({"data": views::certificate(row)})).into_response())
}

/// *Download a certificate*
pub async fn download(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path((_, domain, id)): Path<(String, String, String)>,
) -> Reply {
    let world = app.store.lock();
    let row = lookup::certificate(&world, &caller, &domain, &id)?;
    let issued = row.issued.as_ref().ok_or_else(|| ApiError::precondition("Certificate not issued"))?;
    let quirks = [row.quirks.as_slice(), &effects.quirks].concat();
    let links = chain::links(&app.ca, &row.common_name, issued, &quirks);
    // A chain out of order is one whose root stands where the certificate should.
    let (server, others) = match (quirks.contains(&Quirk::ChainUnordered), links.split_first()) {
        (false, Some((first, rest))) => (first, rest.iter().filter(|link| link.role == Role::Intermediate).collect()),
        (true, Some((first, rest))) => (first, rest.iter().collect::<Vec<&Link<'_>>>()),
        (_, None) => return Err(ApiError::lost()),
    };
    let chain: Vec<&str> = others.iter().map(|link| link.pem.trim_end()).collect();
    let root = caller.settings.root_given.then(|| chain::normal(app.ca.root_pem()));
    let server = chain::normal(server.pem);
    Ok(Json(json!({"data": {"server": server, "root": root, "chain": chain}})).into_response())
}

/// *Retrieve a certificate private key*
pub async fn private_key(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, domain, id)): Path<(String, String, String)>,
) -> Reply {
    let world = app.store.lock();
    let row = lookup::certificate(&world, &caller, &domain, &id)?;
    if row.issued.is_none() {
        return Err(ApiError::precondition("Certificate not issued"));
    }
    let key = row.subject.private_key.as_ref().ok_or_else(|| ApiError::precondition("Private key not present"))?;
    let key = match caller.settings.pkcs8_keys {
        true => chain::normal(key),
        false => keys::traditional(key).ok_or_else(ApiError::lost)?,
    };
    Ok(Json(json!({"data": {"private_key": key}})).into_response())
}

//! Domains, and the zones they are served from.

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
    list::Listing,
    lookup, views,
};
use crate::{app::App, state::dnsimple::Domain};

/// *List domains*
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, listing: Listing) -> Reply {
    let rows = named(&app, &caller, &listing, "domains", views::domain);
    listing.reply(rows, &[("id", "id"), ("name", "name"), ("expiration", "expires_at")])
}

/// *Retrieve a domain*
pub async fn show(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, domain)): Path<(String, String)>,
) -> Reply {
    let world = app.store.lock();
    Ok(Json(json!({"data": views::domain(lookup::domain(&world, &caller, &domain)?)})).into_response())
}

/// *List zones*
pub async fn list_zones(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, listing: Listing) -> Reply {
    let rows = named(&app, &caller, &listing, "zones", views::zone);
    listing.reply(rows, &[("id", "id"), ("name", "name")])
}

/// *Retrieve a zone*
pub async fn show_zone(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, zone)): Path<(String, String)>,
) -> Reply {
    let world = app.store.lock();
    Ok(Json(json!({"data": views::zone(lookup::zone(&world, &caller, &zone)?)})).into_response())
}

/// *Check zone distribution*
pub async fn distribution(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, zone)): Path<(String, String)>,
) -> Reply {
    let zone = lookup::zone(&app.store.lock(), &caller, &zone)?.clone();
    if zone.distribution_unknown {
        return Err(ApiError::timed_out());
    }
    let distributed = app.dnsimple.served.is_current(&app, &zone).await;
    Ok(Json(json!({"data": {"distributed": distributed}})).into_response())
}

/// Those that the caller sees, with a name like the asked one.
fn named(
    app: &App,
    caller: &Caller,
    listing: &Listing,
    resource: &'static str,
    view: fn(&Domain) -> Value,
) -> Vec<Value> {
    let world = app.store.lock();
    let like = listing.text("name_like").unwrap_or_default().to_lowercase();
    let rows = lookup::domains(&world, caller).filter(|row| row.name.contains(&like));
    rows.filter(|row| caller.sees(resource, &row.name)).map(view).collect()
}

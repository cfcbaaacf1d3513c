//! *SSL certificate locations*: where a certificate is, as its user says.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    errors::{ApiError, Reply},
    fields::Fields,
    gate::Caller,
    lookup,
    wording::{Edition, Wording},
};
use crate::{
    app::App,
    state::scm::{Location, Ssl},
};

pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    let world = app.store.lock();
    let row = lookup::ssl(&world, &caller, &id)?;
    Ok(Json(row.locations.iter().map(view).collect::<Vec<_>>()).into_response())
}

/// 201 and where it is; nothing tells whether the same is there already.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    wording: Wording,
    fields: Fields,
) -> Reply {
    let mut world = app.store.lock();
    let ssl = lookup::ssl(&world, &caller, &id)?.id;
    let location = Location { id: world.next_id(), details: details(&fields)? };
    let version = if wording.edition == Edition::V1 { "v1" } else { "v2" };
    let place = format!("{}/api/ssl/{version}/{ssl}/location/{}", app.url, location.id);
    if let Some(row) = world.scm.certificates.edit(ssl) {
        row.locations.push(location);
    }
    Ok((StatusCode::CREATED, [(header::LOCATION, place)]).into_response())
}

pub async fn show(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((id, location)): Path<(String, String)>,
) -> Reply {
    let world = app.store.lock();
    let row = lookup::ssl(&world, &caller, &id)?;
    Ok(Json(view(&row.locations[find(row, &location)?])).into_response())
}

pub async fn update(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((id, location)): Path<(String, String)>,
    fields: Fields,
) -> Reply {
    let mut world = app.store.lock();
    let row = lookup::ssl(&world, &caller, &id)?;
    let (ssl, at, details) = (row.id, find(row, &location)?, details(&fields)?);
    if let Some(row) = world.scm.certificates.edit(ssl) {
        row.locations[at].details = details;
    }
    Ok(StatusCode::OK.into_response())
}

pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((id, location)): Path<(String, String)>,
) -> Reply {
    let mut world = app.store.lock();
    let row = lookup::ssl(&world, &caller, &id)?;
    let (ssl, at) = (row.id, find(row, &location)?);
    if let Some(row) = world.scm.certificates.edit(ssl) {
        row.locations.remove(at);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn find(row: &Ssl, id: &str) -> Result<usize, ApiError> {
    let at = row.locations.iter().position(|location| location.id.to_string() == id);
    at.ok_or_else(|| ApiError::not_found("Location"))
}

fn details(fields: &Fields) -> Result<BTreeMap<String, String>, ApiError> {
    let given = fields.object("details")?.ok_or_else(|| ApiError::missing("details"))?;
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(ApiError::unreadable);
    given.0.iter().map(|(name, value)| Ok((name.clone(), text(value)?))).collect()
}

fn view(location: &Location) -> Value {
    json!({"id": location.id, "locationType": "CUSTOM", "name": "Custom", "details": location.details})
}

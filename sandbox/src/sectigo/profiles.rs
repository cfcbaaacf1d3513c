//! *List SSL certificate profiles*, and custom fields.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    asked, details,
    errors::{ApiError, Reply},
    fields::{Fields, Query},
    gate::Caller,
    limits,
};
use crate::{
    app::App,
    clock::day,
    state::{
        World,
        scm::{CustomField, Profile},
    },
};

/// `GET types?organizationId=`
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, query: Query) -> Reply {
    let world = app.store.lock();
    if let Some(organization) = query.number("organizationId")? {
        asked::organization(&world, &caller, Some(organization))?;
    }
    let rows = world.scm.profiles.iter().filter(|row| row.customer == caller.customer && !row.deleted);
    Ok(Json(rows.map(|row| view(&world, row)).collect::<Vec<_>>()).into_response())
}

pub fn view(world: &World, profile: &Profile) -> Value {
    json!({
        "id": profile.id,
        "name": profile.name,
        "description": details::validation_type(profile.validation),
        "terms": limits::terms(profile, day(world.now())),
        "keyTypes": profile.key_types,
        "useSecondaryOrgName": false,
    })
}

/// `GET customFields`
pub async fn custom_fields(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Reply {
    let world = app.store.lock();
    let rows = world.scm.fields.iter().filter(|row| row.customer == caller.customer);
    let rows = rows.map(|row| json!({"id": row.id, "name": row.name, "mandatory": is_mandatory(row)}));
    Ok(Json(rows.collect::<Vec<_>>()).into_response())
}

/// `GET /api/customField/v2?certType=SSL`
pub async fn definitions(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Reply {
    let world = app.store.lock();
    let rows = world.scm.fields.iter().filter(|row| row.customer == caller.customer);
    let rows = rows.map(|row| {
        json!({
            "id": row.id,
            "name": row.name,
            "certType": "SSL",
            "state": "ACTIVE",
            "input": {"type": row.input},
            "mandatories": row.mandatories,
        })
    });
    Ok(Json(rows.collect::<Vec<_>>()).into_response())
}

/// `POST /api/customField/v2`
pub async fn define(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    let name = fields.required("name", 256)?;
    let input = fields.object("input")?.map(|input| input.required("type", 32)).transpose()?;
    let mandatories = fields.texts("mandatories")?.unwrap_or_default();
    let mut world = app.store.lock();
    if world.scm.fields.iter().any(|field| field.customer == caller.customer && field.name == name) {
        return Err(ApiError::bad(-134, "Custom field has to have unique name."));
    }
    let id = world.next_id();
    world.scm.fields.insert(CustomField {
        id,
        customer: caller.customer,
        name,
        input: input.unwrap_or_else(|| "TEXT_SINGLE_LINE".into()),
        mandatories,
    });
    let location = format!("{}/api/customField/v2/{id}", app.url);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]).into_response())
}

fn is_mandatory(field: &CustomField) -> bool {
    field.mandatories.iter().any(|place| place == "REST_API")
}

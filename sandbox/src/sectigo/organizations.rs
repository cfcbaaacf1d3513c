//! *Organizations* and their departments.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Map, Value, json};

use super::{
    asked,
    details::{object, without_blanks},
    errors::{ApiError, Reply},
    fields::Fields,
    gate::Caller,
};
use crate::{
    app::App,
    state::{World, scm::Organization},
};

/// `GET /api/organization/v1`
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Reply {
    let world = app.store.lock();
    let rows = world.scm.organizations.iter().filter(|row| row.customer == caller.customer && row.parent.is_none());
    let rows = rows.map(|row| json!({"id": row.id, "name": row.name, "departments": departments(&world, row)}));
    Ok(Json(rows.collect::<Vec<_>>()).into_response())
}

/// `GET /api/organization/v1/{id}`
pub async fn show(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    let world = app.store.lock();
    let organization = find(&world, &caller, &id)?;
    Ok(Json(view(&world, organization)).into_response())
}

/// `POST /api/organization/v1`: 201 and where it is. A department names its parent.
pub async fn create(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    fields.object("clientCertificate")?.ok_or_else(|| ApiError::missing("clientCertificate"))?;
    let name = fields.required("name", 128)?;
    let mut world = app.store.lock();
    let parent = fields.text("parentOrgName", 128)?.filter(|parent| !parent.is_empty());
    let parent = parent.map(|parent| {
        let mut rows = world.scm.organizations.iter();
        let known = rows.find(|row| row.customer == caller.customer && row.name == parent).map(|row| row.id);
        known.ok_or_else(|| ApiError::bad(-1023, format!("Organization '{parent}' not found.")))
    });
    let parent = parent.transpose()?;
    let id = world.next_id();
    let details = given(&fields)?;
    world.scm.organizations.insert(Organization {
        id,
        customer: caller.customer,
        name,
        parent,
        validated: None,
        details: details.into_iter().collect(),
    });
    let location = format!("{}/api/organization/v1/{id}", app.url);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]).into_response())
}

/// `PUT /api/organization/v1/{id}`
pub async fn update(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    fields: Fields,
) -> Reply {
    let mut world = app.store.lock();
    let id = find(&world, &caller, &id)?.id;
    let name = fields.text("name", 128)?.filter(|name| !name.is_empty());
    let details = given(&fields)?;
    if let Some(row) = world.scm.organizations.edit(id) {
        row.name = name.unwrap_or_else(|| row.name.clone());
        row.details.extend(details);
    }
    let row = world.scm.organizations.get(id).ok_or_else(ApiError::lost)?;
    Ok(Json(view(&world, row)).into_response())
}

/// `DELETE /api/organization/v1/{id}`: not while there are certificates for it.
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Reply {
    let mut world = app.store.lock();
    let row = find(&world, &caller, &id)?;
    let id = row.id;
    if world.scm.certificates.iter().any(|ssl| ssl.organization == id) {
        return Err(ApiError::bad(
            -1021,
            format!("This operation cannot be performed for Organization '{}'.", row.name),
        ));
    }
    world.scm.organizations.remove(id);
    Ok(StatusCode::OK.into_response())
}

/// Fields of the request, and their longest values; some have another name in the answer.
const DETAILS: [(&str, &str, usize); 14] = [
    ("address1", "address1", 128),
    ("address2", "address2", 128),
    ("address3", "address3", 128),
    ("alias", "alias", 1024),
    ("alternativeName", "secondaryName", 1024),
    ("city", "city", 32),
    ("contactEmails", "contactEmails", 512),
    ("contactSlack", "contactSlack", 2048),
    ("contactTeams", "contactTeams", 2048),
    ("contactWebhook", "contactWebhook", 2048),
    ("country", "country", 2),
    ("postalCode", "postalCode", 10),
    ("schacHomeOrganization", "schacHomeOrganization", 1024),
    ("stateProvince", "stateOrProvince", 32),
];

fn given(fields: &Fields) -> Result<Map<String, Value>, ApiError> {
    let mut details = Map::new();
    for (asked, answered, longest) in DETAILS {
        if let Some(text) = fields.text(asked, longest)? {
            details.insert(answered.to_owned(), json!(text));
        }
    }
    for switch in ["sslCertsApiEnabled", "clientCertsApiEnabled"] {
        if let Some(flag) = fields.flag(switch)? {
            details.insert(switch.to_owned(), json!(flag));
        }
    }
    if let Some(switches) = fields.object("clientCertificate")? {
        details.insert("clientCertificate".to_owned(), Value::Object(switches.0));
    }
    Ok(details)
}

fn find<'a>(world: &'a World, caller: &Caller, id: &str) -> Result<&'a Organization, ApiError> {
    let row = id.parse().ok().and_then(|id| world.scm.organizations.get(id));
    let unknown = || ApiError::new(StatusCode::NOT_FOUND, -1023, format!("Organization '{id}' not found."));
    row.filter(|row| row.customer == caller.customer).ok_or_else(unknown)
}

fn departments(world: &World, organization: &Organization) -> Vec<Value> {
    let rows = world.scm.organizations.iter().filter(|row| row.parent == Some(organization.id));
    rows.map(|row| json!({"id": row.id, "parentName": organization.name, "name": row.name})).collect()
}

fn view(world: &World, row: &Organization) -> Value {
    let parent = row.parent.and_then(|id| world.scm.organizations.get(id));
    let valid = asked::organization_valid(world, row);
    let mut fields = object(json!({
        "id": row.id,
        "name": row.name,
        "parentId": parent.map(|parent| parent.id),
        "parentName": parent.map(|parent| &parent.name),
        "certTypes": ["SSL"],
        "departments": departments(world, row),
        "validationStatus": if valid { "VALIDATED" } else { "NOT_VALIDATED" },
    }));
    fields.extend(row.details.clone());
    without_blanks(fields)
}

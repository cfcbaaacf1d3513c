//! Organizations and their validation.

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
    list::Query,
    views,
};
use crate::{
    app::App,
    clock::{day, days_after, end_of},
    rules,
    state::{World, records::Organization},
};

/// *List organizations*.
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, query: Query) -> Reply {
    let world = app.store.lock();
    let rows = world.organizations.iter().filter(|row| row.account == caller.account());
    let rows = rows.map(|row| view(&world, row)).collect();
    Ok(Json(query.page("organizations", rows)).into_response())
}

/// *Organization info*.
pub async fn info(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(organization): Path<String>,
) -> Reply {
    let world = app.store.lock();
    let organization = find(&world, &caller, &organization)?;
    Ok(Json(view(&world, organization)).into_response())
}

/// *List organization validations*.
pub async fn validation(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(organization): Path<String>,
) -> Reply {
    let world = app.store.lock();
    let organization = find(&world, &caller, &organization)?;
    Ok(Json(json!({"validations": validations(&world, organization)})).into_response())
}

fn find<'a>(world: &'a World, caller: &Caller, id: &str) -> Result<&'a Organization, ApiError> {
    let organization = id.parse().ok().and_then(|id| world.organizations.get(id));
    organization
        .filter(|organization| organization.account == caller.account())
        .ok_or_else(|| ApiError::not_found("organization"))
}

fn view(world: &World, organization: &Organization) -> Value {
    let mut view = views::organization_reference(world, organization.id);
    view["status"] = json!("active");
    view["address"] = json!("1 Main Street");
    view["zip"] = json!("84000");
    view["telephone"] = json!("555-0100");
    view["container"] = json!({"id": 1, "name": "Sandbox"});
    view["validations"] = validations(world, organization);
    view
}

fn validations(world: &World, organization: &Organization) -> Value {
    let now = world.now();
    let days = rules::limits(day(now)).organization;
    let valid = rules::reusable(organization.validated, days, now);
    let rows = ["ov", "ev"].map(|kind| {
        let mut row = json!({
            "type": kind,
            "name": kind.to_uppercase(),
            "status": if valid { "active" } else { "pending" },
            "organization_status": if valid { "active" } else { "pending" },
        });
        if let Some(at) = organization.validated {
            let until = end_of(days_after(day(at), days - 1));
            row["date_created"] = json!(views::date_time(at));
            row["validated_until"] = json!(views::date_time(until));
        }
        row
    });
    json!(rows)
}

//! Zone records, one by one.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    errors::{ApiError, Reply},
    events,
    fields::Fields,
    gate::Caller,
    list::Listing,
    lookup, views,
    zone::Zone,
};
use crate::{app::App, state::dnsimple::Record};

/// *List zone records*; the one filter that is no exact match is a part of the name.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, zone)): Path<(String, String)>,
    listing: Listing,
) -> Reply {
    let world = app.store.lock();
    let zone = lookup::zone(&world, &caller, &zone)?;
    let fits = |row: &&Record| {
        listing.text("name").is_none_or(|name| row.name == name.to_lowercase())
            && listing.text("name_like").is_none_or(|part| row.name.contains(&part.to_lowercase()))
            && listing.text("type").is_none_or(|kind| row.record_type.eq_ignore_ascii_case(kind))
    };
    let mine = world.dnsimple.records.iter().filter(|row| row.domain == zone.id).filter(fits);
    let rows: Vec<Value> = mine.map(|row| views::record(zone, row)).collect();
    listing.reply(rows, &[("id", "id"), ("name", "name"), ("content", "content"), ("type", "type")])
}

/// *Retrieve a zone record*
pub async fn show(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, zone, id)): Path<(String, String, String)>,
) -> Reply {
    let world = app.store.lock();
    let zone = lookup::zone(&world, &caller, &zone)?;
    Ok(reply(StatusCode::OK, views::record(zone, lookup::record(&world, zone, &id)?)))
}

/// *Create a zone record*
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, zone)): Path<(String, String)>,
    body: Fields,
) -> Reply {
    let data = change(&app, &caller, &zone, "zone_record.create", |zone, id| zone.create(id, &body))?;
    app.dnsimple.served.sync(&app).await;
    Ok(reply(StatusCode::CREATED, data))
}

/// *Update a zone record*
pub async fn update(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, zone, id)): Path<(String, String, String)>,
    body: Fields,
) -> Reply {
    let missing = || ApiError::not_found("Record", &id);
    let number = id.parse().unwrap_or_default();
    let data =
        change(&app, &caller, &zone, "zone_record.update", |zone, _| zone.update(number, &body)?.ok_or_else(missing))?;
    app.dnsimple.served.sync(&app).await;
    Ok(reply(StatusCode::OK, data))
}

/// *Delete a zone record*
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, zone, id)): Path<(String, String, String)>,
) -> Reply {
    let missing = || ApiError::not_found("Record", &id);
    let number = id.parse().unwrap_or_default();
    change(&app, &caller, &zone, "zone_record.delete", |zone, _| zone.delete(number)?.ok_or_else(missing))?;
    app.dnsimple.served.sync(&app).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// *Check zone record distribution*
pub async fn distribution(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, zone, id)): Path<(String, String, String)>,
) -> Reply {
    let (zone, record) = {
        let world = app.store.lock();
        let zone = lookup::zone(&world, &caller, &zone)?;
        (zone.clone(), lookup::record(&world, zone, &id)?.clone())
    };
    if zone.distribution_unknown {
        return Err(ApiError::timed_out());
    }
    let distributed = app.dnsimple.served.is_distributed(&app, &zone, &record).await;
    Ok(reply(StatusCode::OK, json!({"distributed": distributed})))
}

/// One change; answers the record, changed or as it was.
fn change(
    app: &App,
    caller: &Caller,
    zone: &str,
    event: &str,
    change: impl FnOnce(&mut Zone, u64) -> Result<Record, ApiError>,
) -> Result<Value, ApiError> {
    let mut world = app.store.lock();
    let id = world.next_id();
    let mut zone = Zone::open(&world, lookup::zone(&world, caller, zone)?, caller.settings.plan);
    let record = change(&mut zone, id)?;
    let domain = zone.domain.clone();
    zone.close(&mut world);
    events::record(&mut world, event, &domain, &record, caller.into());
    Ok(views::record(&domain, &record))
}

fn reply(status: StatusCode, data: Value) -> Response {
    (status, Json(json!({"data": data}))).into_response()
}

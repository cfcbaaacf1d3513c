//! *Batch change zone records*: deletes, then updates, then creates; all of them or none.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    errors::{ApiError, Reply},
    events,
    fields::Fields,
    gate::Caller,
    lookup, views,
    zone::Zone,
};
use crate::{
    app::App,
    state::dnsimple::{Plan, Record},
};

pub async fn change(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, zone)): Path<(String, String)>,
    body: Fields,
) -> Reply {
    let data = commit(&app, &caller, &zone, &body)?;
    app.dnsimple.served.sync(&app).await;
    Ok(Json(json!({"data": data})).into_response())
}

fn commit(app: &App, caller: &Caller, zone: &str, body: &Fields) -> Result<Value, ApiError> {
    let mut world = app.store.lock();
    let domain = lookup::zone(&world, caller, zone)?.clone();
    if caller.settings.plan < Plan::Enterprise {
        return Err(ApiError::not_in_plan("Batch changes are not available on your plan"));
    }
    let mut zone = Zone::open(&world, &domain, caller.settings.plan);
    let id = |fields: &Fields| fields.number::<u64>("id").map(Option::unwrap_or_default);
    let missing = |fields: &Fields| {
        let id = fields.0.get("id").map(Value::to_string).unwrap_or_default();
        ApiError { errors: None, ..ApiError::bad(format!("Record not found ID={id}")) }
    };
    let deleted = each(body, "deletes", |row| zone.delete(id(row)?)?.ok_or_else(|| missing(row)))?;
    let updated = each(body, "updates", |row| zone.update(id(row)?, row)?.ok_or_else(|| missing(row)))?;
    let created = each(body, "creates", |row| zone.create(world.next_id(), row))?;
    zone.close(&mut world);
    for (event, records) in
        [("zone_record.delete", &deleted), ("zone_record.update", &updated), ("zone_record.create", &created)]
    {
        records.iter().for_each(|record| events::record(&mut world, event, &domain, record, caller.into()));
    }
    let view = |records: &[Record]| records.iter().map(|record| views::record(&domain, record)).collect::<Vec<_>>();
    let ids: Vec<Value> = deleted.iter().map(|record| json!({"id": record.id})).collect();
    Ok(json!({"creates": view(&created), "updates": view(&updated), "deletes": ids}))
}

/// The first that fails ends it, and is named by its place.
fn each(
    body: &Fields,
    name: &str,
    mut change: impl FnMut(&Fields) -> Result<Record, ApiError>,
) -> Result<Vec<Record>, ApiError> {
    let changed = |(index, row): (usize, &Fields)| {
        change(row).map_err(|error| {
            let mut item = error.body();
            item["index"] = json!(index);
            ApiError::failed(json!({name: [item]}))
        })
    };
    body.objects(name)?.iter().enumerate().map(changed).collect()
}

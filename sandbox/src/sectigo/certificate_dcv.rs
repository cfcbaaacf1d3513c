//! *Get SSL certificate DCV details* and *Recheck*: the validation of one certificate's names.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use jiff::ToSpan;
use serde_json::{Value, json};

use super::{
    details::{object, without_blanks},
    errors::Reply,
    gate::Caller,
    issuance, lookup,
    wording::{Edition, Wording},
};
use crate::{
    app::App,
    state::{
        World,
        records::NameCheck,
        scm::{DcvMode, Ssl, Version},
    },
};

/// `GET {sslId}/dcv`: in v1 one object, in v2 an array of it.
pub async fn show(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    wording: Wording,
) -> Reply {
    let world = app.store.lock();
    let row = lookup::ssl(&world, &caller, &id)?;
    let mut view = json!({"dcvLog": log(&world, row, &wording)});
    view["instructions"] = instructions(row).into();
    match wording.edition {
        Edition::V1 => Ok(Json(view).into_response()),
        Edition::V2 => Ok(Json(json!([view])).into_response()),
    }
}

/// `POST {sslId}/dcv/recheck`: 202, after one look.
pub async fn recheck(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    wording: Wording,
) -> Reply {
    let id = lookup::ssl(&app.store.lock(), &caller, &id)?.id;
    let trouble = issuance::check(&app, id).await;
    let world = app.store.lock();
    let row = lookup::ssl(&world, &caller, &id.to_string())?;
    let mut view = json!({"dcvLog": log(&world, row, &wording)});
    if let Some(trouble) = trouble {
        view["dcvLog"]["error"]["description"] = json!(trouble);
    }
    Ok((StatusCode::ACCEPTED, Json(view)).into_response())
}

fn log(world: &World, row: &Ssl, wording: &Wording) -> Value {
    let version = row.versions.last();
    let checks = version.and_then(|version| version.checks.as_ref()).into_iter().flatten();
    let rows = checks.map(|check| {
        let at = version.and_then(|version| version.checked).unwrap_or(row.requested);
        let status = if check.approved { "Validated" } else { "Awaiting Validation" };
        json!({
            "domainName": check.scope,
            "dcvStatus": status,
            "lastCheck": wording.moment(at),
            "nextCheck": (!check.approved).then(|| wording.moment(at + 1.hour())),
            "dcvDate": check.approved.then(|| wording.moment(at)),
            "dcvEmailRefNumber": (row.dcv_mode == Some(DcvMode::Email)).then_some(row.id),
        })
    });
    let rows: Vec<Value> = match world.scm.customers.get(row.customer) {
        Some(customer) if customer.settings.prevalidated => Vec::new(),
        _ => rows.collect(),
    };
    json!({"error": {"code": 0, "description": null}, "log": rows})
}

/// What is still to be done.
fn instructions(row: &Ssl) -> Vec<Value> {
    let Some(version) = row.versions.last() else { return Vec::new() };
    let open = version.checks.iter().flatten().filter(|check| !check.approved);
    open.map(|check| instruction(row, version, check)).collect()
}

fn instruction(row: &Ssl, version: &Version, check: &NameCheck) -> Value {
    let mode = row.dcv_mode.unwrap_or(DcvMode::Cname);
    let mut told = version.dcv_value.instructions(mode, &check.scope);
    if matches!(mode, DcvMode::Cname | DcvMode::Auto) {
        // Here the digests are in capitals, and the target has no dot at its end.
        let value = &version.dcv_value;
        let (label, target) = (value.md5.to_uppercase(), value.cname_target());
        let target = target.trim_end_matches(".sectigo.com").to_uppercase();
        told.insert("host".into(), json!(format!("_{label}.{}.", check.scope)));
        told.insert("point".into(), json!(format!("{target}.sectigo.com")));
    }
    let mut fields = object(json!({
        "domainName": check.scope,
        "dcvMode": mode.name(),
        "dcvEmail": row.dcv_email,
        "host": told.get("host"),
        "point": told.get("point"),
        "url": told.get("url"),
    }));
    if told.contains_key("url") {
        fields.insert("file".into(), json!(version.dcv_value.file_lines().join("\n")));
    }
    without_blanks(fields)
}

//! *List SSL certificates*, with every filter; `HEAD` counts.

use std::sync::Arc;

use axum::{Extension, extract::State};
use serde_json::{Value, json};

use super::{
    details::{object, without_blanks},
    errors::{ApiError, Reply},
    facts::{Facts, colons},
    fields::Query,
    gate::Caller,
    lookup,
    wording::same,
};
use crate::{
    app::App,
    state::{World, scm::Ssl},
};

pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, query: Query) -> Reply {
    let world = app.store.lock();
    if let Some(status) = query.text("status")
        && !STATUSES.iter().any(|known| same(known, status))
    {
        return Err(ApiError::invalid("status"));
    }
    let numbers = ["orgId", "sslTypeId", "keySize"];
    for name in numbers {
        query.number(name)?;
    }
    let rows = lookup::all(&world, &caller).filter(|row| fits(&world, row, &query));
    let rows: Vec<Value> = rows.map(identity).collect();
    Ok(query.page(rows)?.into_response())
}

const STATUSES: [&str; 13] = [
    "Invalid",
    "Requested",
    "Approved",
    "Declined",
    "Applied",
    "Issued",
    "Revoked",
    "Expired",
    "Replaced",
    "Rejected",
    "Unmanaged",
    "SA Approved",
    "Init",
];

/// Without what has no value, such as the serial number of what is not issued.
fn identity(row: &Ssl) -> Value {
    let version = row.shown();
    let issued = row.issued().and_then(|version| version.issued.as_ref());
    without_blanks(object(json!({
        "sslId": row.id,
        "commonName": version.map(|version| &version.common_name),
        "subjectAlternativeNames": version.map(|version| &version.names).filter(|names| !names.is_empty()),
        "serialNumber": issued.map(|issued| colons(&issued.serial_number)),
    })))
}

/// Names are found by a part of them, everything else whole.
fn fits(world: &World, row: &Ssl, query: &Query) -> bool {
    let Some(version) = row.shown() else { return false };
    let facts = Facts::of(version).unwrap_or_default();
    let issued = version.issued.as_ref();
    let part = |name: &str, value: &str| query.text(name).is_none_or(|part| value.contains(&part.to_lowercase()));
    let whole = |name: &str, value: &str| query.text(name).is_none_or(|asked| same(asked, value));
    let any = |name: &str, values: &[String]| {
        query.text(name).is_none_or(|asked| values.iter().any(|value| same(asked, value)))
    };
    let serial = issued.map(|issued| issued.serial_number.clone()).unwrap_or_default();
    let via = if row.requested_via == "REST API" { ["REST API", "REST"] } else { [&*row.requested_via; 2] };
    part("commonName", &version.common_name)
        && query
            .text("subjectAlternativeName")
            .is_none_or(|asked| version.names.iter().any(|name| name.contains(&asked.to_lowercase())))
        && whole("status", row.status_name(world))
        && whole("sslTypeId", &row.profile.to_string())
        && whole("discoveryStatus", "NotDeployed")
        && whole("vendor", "Sectigo Limited")
        && whole("orgId", &row.organization.to_string())
        && query.text("installStatus").is_none_or(|asked| same(asked, "Not configured") || same(asked, "None"))
        && whole("renewalStatus", row.auto_renewal.state.name())
        && query.text("issuer").is_none_or(|asked| facts.issuer.contains(asked))
        && query.text("serialNumber").is_none_or(|asked| asked.replace(':', "").eq_ignore_ascii_case(&serial))
        && part("requester", &row.requester.to_lowercase())
        && part("externalRequester", &row.external_requester.to_lowercase())
        && whole("signatureAlgorithm", &facts.signature_algorithm)
        && whole("keyAlgorithm", &version.key_algorithm)
        && whole("keySize", &version.key_size.to_string())
        && whole("keyParam", &version.key_parameter())
        && whole("sha1Hash", &facts.sha1)
        && whole("md5Hash", &facts.md5)
        && whole("sha256Hash", &facts.sha256)
        && any("keyUsage", &facts.key_usages)
        && any("extendedKeyUsage", &facts.extended_key_usages)
        && query.text("requestedVia").is_none_or(|asked| via.iter().any(|via| same(via, asked)))
}

//! *Replace SSL certificate*: another key or other names under the same `sslId` and to the same end, for free.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};

use super::{
    asked::{self, Asked},
    errors::{ApiError, Reply},
    fields::Fields,
    gate::Caller,
    issuance, ledger, lookup,
};
use crate::{app::App, faults::Effects, state::records::OperationKind};

/// `POST replace/{sslId}`: 204.
pub async fn replace(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path(id): Path<String>,
    fields: Fields,
) -> Reply {
    let mut world = app.store.lock();
    let row = lookup::subject(&world, &caller, &id)?.clone();
    let status = row.status_name(&world);
    if status != "Issued" {
        return Err(ApiError::bad(-130, format!("SSL state is not 'ISSUED': {status}")));
    }
    fields.required("reason", 512)?;
    asked::check_api(asked::organization(&world, &caller, Some(row.organization))?)?;
    let profile = world.scm.profiles.get(row.profile).filter(|profile| profile.replaceable && !profile.deleted);
    let profile = profile.ok_or_else(|| ApiError::bad(-37, "Access denied."))?.clone();
    let current = row.versions.last().ok_or_else(ApiError::lost)?;
    let until = current.issued.as_ref().map(|issued| issued.valid_till).or(current.until);
    let common_name = fields.text("commonName", 64)?.unwrap_or_else(|| current.common_name.clone());
    let names = fields.texts("subjectAlternativeNames")?.unwrap_or_else(|| current.names.clone());
    let asked = Asked::read(fields.required("csr", usize::MAX)?, Some(common_name), names)?;
    asked.check(&world, &caller, row.organization, &profile)?;
    let (mode, email) = asked::dcv_if_given(&fields)?;

    let version = asked.into_version(&world, until, &effects);
    if let Some(row) = world.scm.certificates.edit(row.id) {
        row.versions.push(version);
        row.dcv_mode = mode.or(row.dcv_mode);
        row.dcv_email = email.or_else(|| row.dcv_email.take());
    }
    ledger::record(&mut world, OperationKind::Replace, row.id);
    issuance::apply(&mut world, row.id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

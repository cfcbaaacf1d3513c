//! *Revoke SSL certificate*, by id, by serial number, and in SCM alone; *Delete SSL certificate*.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};

use super::{
    errors::{ApiError, Reply},
    fields::Fields,
    gate::Caller,
    ledger, lookup,
};
use crate::{
    app::App,
    state::{
        World,
        records::{OperationKind, Revocation, Witness},
        scm::{Ssl, Version},
    },
};

/// "Revocation reason code to be put to CRL", and its name in RFC 5280.
const REASONS: [(i64, &str); 5] = [
    (0, "unspecified"),
    (1, "keyCompromise"),
    (3, "affiliationChanged"),
    (4, "superseded"),
    (5, "cessationOfOperation"),
];

pub fn reason_code(reason: &str) -> i64 {
    REASONS.iter().find(|(_, name)| *name == reason).map_or(0, |(code, _)| *code)
}

/// `POST revoke/{sslId}`: the certificate that the id means now.
pub async fn by_id(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    fields: Fields,
) -> Reply {
    let reason = reason(&fields, &caller)?;
    let mut world = app.store.lock();
    let row = lookup::subject(&world, &caller, &id)?.clone();
    // While it is replaced, the id means what is issued.
    let version = row.versions.iter().rposition(|version| version.issued.is_some());
    revoke(&mut world, &row, version, reason, ONLY_ISSUED)
}

/// `POST revoke/serial/{serialNumber}`: any certificate, a replaced one too.
pub async fn by_serial(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(serial): Path<String>,
    fields: Fields,
) -> Reply {
    let reason = reason(&fields, &caller)?;
    let mut world = app.store.lock();
    let (row, version) = with_serial(&world, &caller, &serial)?;
    revoke(&mut world, &row, Some(version), reason, (-159, "Your certificate already revoked"))
}

/// `POST revoke/manual`: marks it in SCM, and tells the CA nothing.
pub async fn manual(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    let mut world = app.store.lock();
    let now = world.now();
    let (row, version) = match (fields.id("certId")?, fields.text("serialNumber", 128)?, fields.text("issuer", 1024)?) {
        (Some(id), ..) => {
            let row = lookup::subject(&world, &caller, &id.to_string())?.clone();
            let version = row.versions.len().saturating_sub(1);
            (row, version)
        }
        (None, Some(serial), Some(_)) => with_serial(&world, &caller, &serial)?,
        _ => return Err(ApiError::bad(-951, "At least one of the following fields must be filled in: certId.")),
    };
    let at = match fields.text("revokeDate", 64)? {
        Some(text) => text.parse().map_err(|_| ApiError::invalid("revokeDate"))?,
        None => now,
    };
    let reason = code(&fields, &caller)?;
    if let Some(version) = world.scm.certificates.edit(row.id).and_then(|row| row.versions.get_mut(version)) {
        version.revocation = Some(Revocation { at, reason: reason.to_owned(), only: Some(Witness::Provider) });
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `DELETE {sslId}`: "only imported or discovered certificates can be deleted".
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Reply {
    let mut world = app.store.lock();
    let row = lookup::ssl(&world, &caller, &id)?;
    if row.requested_via != super::import::REQUESTED_VIA {
        return Err(ApiError::denied("delete"));
    }
    let id = row.id;
    world.scm.certificates.remove(id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn reason(fields: &Fields, caller: &Caller) -> Result<&'static str, ApiError> {
    fields.required("reason", 512)?;
    code(fields, caller)
}

fn code(fields: &Fields, caller: &Caller) -> Result<&'static str, ApiError> {
    let Some(asked) = fields.number("reasonCode")? else {
        let required = caller.settings.reason_code_required;
        return if required { Err(ApiError::missing("reasonCode")) } else { Ok("unspecified") };
    };
    let known = REASONS.iter().find(|(code, _)| *code == asked);
    known.map(|(_, name)| *name).ok_or_else(|| ApiError::invalid("reasonCode"))
}

fn with_serial(world: &World, caller: &Caller, serial: &str) -> Result<(Ssl, usize), ApiError> {
    let plain = serial.replace(':', "");
    let named = |version: &Version| {
        version.issued.as_ref().is_some_and(|issued| issued.serial_number.eq_ignore_ascii_case(&plain))
    };
    let found = lookup::all(world, caller).find_map(|row| Some((row.clone(), row.versions.iter().position(named)?)));
    found.ok_or_else(|| ApiError::bad(-5101, "Certificate not found."))
}

const ONLY_ISSUED: (i64, &str) = (-102, "Only issued certificates could be revoked.");

/// `again`: how it is refused when it is revoked already, which differs with the call.
fn revoke(world: &mut World, row: &Ssl, version: Option<usize>, reason: &str, again: (i64, &str)) -> Reply {
    let now = world.now();
    if row.requested_via == super::import::REQUESTED_VIA {
        // It is another CA's.
        return Err(ApiError::denied("revoke"));
    }
    let index = version.ok_or_else(|| ApiError::bad(ONLY_ISSUED.0, ONLY_ISSUED.1))?;
    if row.versions.get(index).is_some_and(|version| version.is_revoked(now)) {
        return Err(ApiError::bad(again.0, again.1));
    }
    if let Some(version) = world.scm.certificates.edit(row.id).and_then(|row| row.versions.get_mut(index)) {
        version.revocation = Some(Revocation { at: now, reason: reason.to_owned(), only: None });
    }
    ledger::record_version(world, OperationKind::Revoke, row.id, index);
    Ok(StatusCode::NO_CONTENT.into_response())
}

//! *Renew SSL certificate*, by id and by renew id: a new certificate with the parameters of the old one, and paid.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde_json::json;

use super::{
    asked::{self, Asked},
    enroll::{self, Request},
    errors::{ApiError, Reply},
    fields::{Fields, Optional},
    gate::Caller,
    issuance, ledger, limits, lookup,
};
use crate::{
    app::App,
    clock::{day, days_between},
    faults::Effects,
    state::{
        World,
        records::OperationKind,
        scm::{AutoRenewalState, DcvMode, Ssl, Status},
    },
};

/// `POST renewById/{sslId}`: 200 with the new id; for some customers 204.
pub async fn by_id(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path(id): Path<String>,
    fields: Fields,
) -> Reply {
    let mut world = app.store.lock();
    let old = lookup::subject(&world, &caller, &id)?.clone();
    let new = renew(&mut world, &caller, &effects, &fields, &old)?;
    if caller.settings.renewal_withholds_id {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Json(json!({"sslId": new})).into_response())
}

/// `POST renew/{renewId}`: 204, always.
pub async fn by_renew_id(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path(renew_id): Path<String>,
    Optional(fields): Optional,
) -> Reply {
    let mut world = app.store.lock();
    let old = lookup::all(&world, &caller).find(|row| row.renew_id == renew_id).cloned();
    let old = old.ok_or_else(|| ApiError::bad(-123, "SSL Certificate to renew is invalid (null)"))?;
    renew(&mut world, &caller, &effects, &fields, &old)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST renew/manual/{sslId}`: marks it in SCM, and tells the CA nothing.
pub async fn manual(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Optional(fields): Optional,
) -> Reply {
    let mut world = app.store.lock();
    let now = world.now();
    let old = lookup::subject(&world, &caller, &id)?.id;
    let by_id = fields.id("id")?;
    let order = fields.text("orderNumber", 64)?.filter(|order| !order.is_empty());
    let named =
        |row: &&Ssl| by_id == Some(row.id) || order.is_some() && row.backend_id.map(|id| id.to_string()) == order;
    let new = lookup::all(&world, &caller).find(named).map(|row| row.id);
    if new.is_none() && by_id.is_some() {
        return Err(ApiError::wrong_id(by_id.unwrap_or_default()));
    }
    if new.is_none()
        && let Some(order) = order
    {
        return Err(ApiError::bad(-1104, format!("Invalid order number {order}")));
    }
    if let Some(row) = world.scm.certificates.edit(old) {
        row.renewed = Some(now);
        row.renewed_by = new;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn renew(world: &mut World, caller: &Caller, effects: &Effects, fields: &Fields, old: &Ssl) -> Result<u64, ApiError> {
    let status = old.status_name(world);
    let spent = caller.settings.renewed_once && old.renewed.is_some();
    if spent || !matches!(status, "Issued" | "Expired") {
        return Err(ApiError::bad(-105, format!("Error was occurred while renewing cert. Status = {status}")));
    }
    let (mode, email) = asked::dcv_if_given(fields)?;
    let csr = fields.text("csr", usize::MAX)?;
    place(world, caller, effects, old, csr, (mode, email))
}

/// Orders the renewal; without a CSR, with that of the old certificate.
fn place(
    world: &mut World,
    caller: &Caller,
    effects: &Effects,
    old: &Ssl,
    csr: Option<String>,
    (mode, email): (Option<DcvMode>, Option<String>),
) -> Result<u64, ApiError> {
    let now = world.now();
    let profile = world.scm.profiles.get(old.profile).filter(|profile| profile.renewable && !profile.deleted);
    let profile =
        profile.ok_or_else(|| ApiError::bad(-180, "This SSL Certificate Profile doesn't allow renew"))?.clone();
    let organization = asked::organization(world, caller, Some(old.organization))?.clone();
    asked::check_organization(world, &organization, &profile)?;
    let current = old.versions.last().ok_or_else(ApiError::lost)?;
    let csr = csr.unwrap_or_else(|| current.csr.clone());
    let asked = Asked::read(csr, Some(current.common_name.clone()), current.names.clone())?;
    asked.check(world, caller, organization.id, &profile)?;
    // A term that is offered no more gives way to the longest that is.
    let terms = limits::terms(&profile, day(now));
    let longest = terms.last().copied().unwrap_or(old.term);
    let keeps = caller.settings.renewal_keeps_extras;
    let request = Request {
        organization: organization.id,
        profile: profile.id,
        term: if terms.contains(&old.term) { old.term } else { longest },
        dcv_mode: mode.or(old.dcv_mode),
        dcv_email: email.or_else(|| old.dcv_email.clone()),
        comments: if keeps { old.comments.clone() } else { String::new() },
        external_requester: if keeps { old.external_requester.clone() } else { String::new() },
        custom_fields: if keeps { old.custom_fields.clone() } else { Vec::new() },
    };
    let version = asked.into_version(world, None, effects);
    let new = enroll::insert(world, caller, request, version, Some(old.id), effects);
    if let Some(row) = world.scm.certificates.edit(old.id) {
        row.renewed = Some(now);
        row.renewed_by = Some(new);
    }
    ledger::record(world, OperationKind::Renew, new);
    issuance::begin(world, new);
    Ok(new)
}

/// What SCM orders by itself, where that was scheduled: with the old CSR, so many days before the end.
pub fn automatic(world: &mut World) {
    let today = day(world.now());
    let due = |row: &&Ssl| {
        let end = row.versions.last().and_then(|version| version.issued.as_ref()).map(|issued| issued.valid_till);
        row.status == Status::Issued
            && row.auto_renewal.state == AutoRenewalState::Scheduled
            && end.is_some_and(|end| days_between(today, end) <= row.auto_renewal.days_before)
    };
    let due: Vec<Ssl> = world.scm.certificates.iter().filter(due).cloned().collect();
    for old in due {
        let placed = owner(world, &old)
            .ok_or_else(ApiError::lost)
            .and_then(|caller| place(world, &caller, &Effects::default(), &old, None, (None, None)));
        if let Some(row) = world.scm.certificates.edit(old.id) {
            let state = if placed.is_ok() { AutoRenewalState::Successful } else { AutoRenewalState::Failed };
            row.auto_renewal.state = state;
        }
    }
}

fn owner(world: &World, row: &Ssl) -> Option<Caller> {
    let customer = world.scm.customers.get(row.customer)?;
    let admin = customer.admins.first()?.clone();
    Some(Caller { customer: customer.id, settings: customer.settings, admin })
}

//! *Update SSL certificate details*. What makes the certificate can be changed while the request is open or has failed.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, response::IntoResponse};

use super::{
    asked::{self, Asked},
    details,
    errors::{ApiError, Reply},
    fields::Fields,
    gate::Caller,
    issuance, lookup,
    wording::{Wording, same},
};
use crate::{
    app::App,
    faults::Effects,
    state::{
        World,
        scm::{AutoRenewalState, Ssl, Status},
    },
};

/// `PUT`, the id is in the body: 200 with the details.
pub async fn update(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    wording: Wording,
    fields: Fields,
) -> Reply {
    let mut world = app.store.lock();
    let id = fields.id("sslId")?.ok_or_else(|| ApiError::missing("sslId"))?;
    let mut row = lookup::subject(&world, &caller, &id.to_string())?.clone();
    change_request(&world, &caller, &effects, &fields, &mut row)?;
    change_notes(&world, &caller, &fields, &mut row)?;
    if let Some(slot) = world.scm.certificates.edit(id) {
        *slot = row;
    }
    if asks_anew(&fields) {
        issuance::begin(&mut world, id);
    }
    let row = lookup::subject(&world, &caller, &id.to_string())?;
    Ok(Json(details::view(&world, row, &wording)).into_response())
}

const OF_THE_REQUEST: [&str; 6] = ["orgId", "certTypeId", "term", "commonName", "csr", "subjectAlternativeNames"];

fn asks_anew(fields: &Fields) -> bool {
    OF_THE_REQUEST.iter().any(|name| fields.0.get(*name).is_some_and(|value| !value.is_null()))
}

fn change_request(
    world: &World,
    caller: &Caller,
    effects: &Effects,
    fields: &Fields,
    row: &mut Ssl,
) -> Result<(), ApiError> {
    if !asks_anew(fields) {
        return Ok(());
    }
    if !details::is_editable(row) {
        return Err(ApiError::bad(
            -1113,
            format!(
                "{} certificate is not ready to be applied.  Current certificate state is {:?}.",
                row.id, row.status
            ),
        ));
    }
    let organization = asked::organization(world, caller, fields.id("orgId")?.or(Some(row.organization)))?;
    let profile = asked::profile(world, caller, fields.id("certTypeId")?.or(Some(row.profile)))?;
    let term = asked::term(world, profile, fields.number("term")?.or(Some(row.term.into())))?;
    asked::check_organization(world, organization, profile)?;
    let current = row.versions.last().ok_or_else(ApiError::lost)?;
    let csr = fields.text("csr", usize::MAX)?.unwrap_or_else(|| current.csr.clone());
    let common_name = fields.text("commonName", 64)?.unwrap_or_else(|| current.common_name.clone());
    let names = fields.texts("subjectAlternativeNames")?.unwrap_or_else(|| current.names.clone());
    let asked = Asked::read(csr, Some(common_name), names)?;
    asked.check(world, caller, organization.id, profile)?;
    let version = asked.into_version(world, current.until, effects);
    (row.organization, row.profile, row.term) = (organization.id, profile.id, term);
    row.versions.pop();
    row.versions.push(version);
    // What had failed is asked for again.
    row.status = Status::Requested;
    row.declined = None;
    Ok(())
}

fn change_notes(world: &World, caller: &Caller, fields: &Fields, row: &mut Ssl) -> Result<(), ApiError> {
    if let Some(comments) = fields.text("comments", 1024)? {
        row.comments = comments;
    }
    if let Some(requester) = asked::external_requester(fields)? {
        row.external_requester = requester;
    }
    if let Some(values) = fields.custom_fields()? {
        asked::check_custom_fields(world, caller, &values)?;
        row.custom_fields = values;
    }
    if let Some(suspend) = fields.flag("suspendNotifications")? {
        row.suspend_notifications = suspend;
    }
    if let Some(requester) = fields.text("requester", 128)?.filter(|requester| !requester.is_empty()) {
        row.requester = requester;
    }
    if fields.number("approverAdminId")? == Some(-1) {
        row.owner = None;
    }
    if let Some(renewal) = fields.object("autoRenewDetails")? {
        row.auto_renewal.state = match renewal.text("state", 32)?.as_deref() {
            None => AutoRenewalState::NotScheduled,
            Some(state) if same(state, "Not scheduled") => AutoRenewalState::NotScheduled,
            Some(state) if same(state, "Scheduled") => AutoRenewalState::Scheduled,
            Some(_) => return Err(ApiError::invalid("autoRenewDetails.state")),
        };
        if let Some(days) = renewal.id("daysBeforeExpiration")? {
            row.auto_renewal.days_before = i32::try_from(days).unwrap_or(i32::MAX);
        }
    }
    Ok(())
}

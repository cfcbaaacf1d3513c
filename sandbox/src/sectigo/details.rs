//! *Get SSL certificate details*: fields that have no value are left out.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::IntoResponse,
};
use serde_json::{Map, Value, json};

use super::{
    errors::Reply,
    facts::{Facts, colons},
    gate::Caller,
    lookup, profiles, revoke,
    wording::{Edition, Wording},
};
use crate::{
    app::App,
    clock::start_of,
    state::{
        World,
        scm::{AutoRenewalState, Ssl, Status, Validation, Version},
    },
};

pub async fn show(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    wording: Wording,
) -> Reply {
    let world = app.store.lock();
    let row = lookup::ssl(&world, &caller, &id)?;
    Ok(Json(view(&world, row, &wording)).into_response())
}

pub fn view(world: &World, row: &Ssl, wording: &Wording) -> Value {
    let renewed = row.shows_renewal(world);
    let validation = world.scm.profiles.get(row.profile).map(|profile| validation_type(profile.validation));
    let status = row.status_name(world);
    let mut fields = object(json!({
        "id": row.id,
        "sslId": row.id,
        "orgId": row.organization,
        // In v1 this one is written as in its filter.
        "status": if wording.edition == Edition::V1 { status.replace(' ', "") } else { status.to_owned() },
        "orderNumber": row.backend_id,
        "backendCertId": row.backend_id.map(|id| id.to_string()),
        "vendor": "Sectigo Limited",
        "certType": world.scm.profiles.get(row.profile).map(|profile| profiles::view(world, profile)),
        "validationType": validation,
        "term": row.term,
        "owner": row.owner,
        "ownerId": row.owner.as_ref().map(|_| row.requester_id),
        "requester": row.requester,
        "requesterId": row.requester_id,
        "requestedVia": row.requested_via,
        "externalRequester": row.external_requester,
        "comments": row.comments,
        "requested": wording.day(row.requested),
        "approved": row.approved.map(|at| wording.day(at)),
        "declined": row.declined.map(|at| wording.day(at)),
        "replaced": row.replaced.filter(|_| !row.hides_replacement()).map(|at| wording.day(at)),
        "renewed": renewed,
        "renewedDate": row.renewed.filter(|_| renewed).map(|at| wording.day(at)),
        "customFields": row.custom_fields,
        "autoInstallDetails": {"state": "Not configured"},
        "autoRenewDetails": auto_renewal(row),
        "suspendNotifications": row.suspend_notifications,
    }));
    if let Some(version) = row.shown() {
        fields.extend(of_version(world, version, wording));
        // While a replacement is under way, the certificate is the one that is there.
        if version.issued.is_none()
            && let Some(issued) = row.issued()
        {
            fields.extend(of_certificate(world, issued, wording));
        }
    }
    without_blanks(fields)
}

fn of_version(world: &World, version: &Version, wording: &Wording) -> Map<String, Value> {
    let mut fields = object(json!({
        "commonName": version.common_name,
        "subjectAlternativeNames": version.names,
        "keyAlgorithm": version.key_algorithm,
        "keySize": version.key_size,
        "keyType": version.key_type(),
    }));
    if version.issued.is_some() {
        fields.extend(of_certificate(world, version, wording));
    }
    fields
}

fn of_certificate(world: &World, version: &Version, wording: &Wording) -> Map<String, Value> {
    let (Some(issued), Some(facts)) = (&version.issued, Facts::of(version)) else { return Map::new() };
    let revoked = version.revocation.as_ref().filter(|_| version.is_revoked(world.now()));
    object(json!({
        "issued": wording.day(issued.at),
        "expires": wording.day(start_of(issued.valid_till)),
        "revoked": revoked.map(|revocation| wording.day(revocation.at)),
        "reasonCode": revoked.map(|revocation| wording.code(revoke::reason_code(&revocation.reason))),
        "serialNumber": colons(&issued.serial_number),
        "signatureAlg": facts.signature_algorithm,
        "keyUsages": facts.key_usages,
        "extendedKeyUsages": facts.extended_key_usages,
        "certificateDetails": without_blanks(object(json!({
            "issuer": facts.issuer,
            "subject": facts.subject,
            "subjectAltNames": version.names.iter().map(|name| format!("dNSName={name}")).collect::<Vec<_>>().join(", "),
            "md5Hash": facts.md5,
            "sha1Hash": facts.sha1,
            "sha256Hash": (wording.edition == Edition::V2).then_some(facts.sha256),
        }))),
    }))
}

fn auto_renewal(row: &Ssl) -> Value {
    let scheduled = row.auto_renewal.state != AutoRenewalState::NotScheduled;
    without_blanks(object(json!({
        "state": row.auto_renewal.state.name(),
        "daysBeforeExpiration": scheduled.then_some(row.auto_renewal.days_before),
    })))
}

impl AutoRenewalState {
    pub fn name(self) -> &'static str {
        match self {
            Self::NotScheduled => "Not scheduled",
            Self::Scheduled => "Scheduled",
            Self::Started => "Started",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
        }
    }
}

pub fn validation_type(validation: Validation) -> &'static str {
    match validation {
        Validation::Dv => "Domain Validation (DV)",
        Validation::Ov => "Organization Validation (OV)",
        Validation::Ev => "Extended Validation (EV)",
    }
}

/// Requested, Declined, Rejected and Invalid ones may still be changed.
pub fn is_editable(row: &Ssl) -> bool {
    matches!(row.status, Status::Requested | Status::Declined | Status::Rejected | Status::Invalid)
}

pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

pub fn without_blanks(mut fields: Map<String, Value>) -> Value {
    let blank = |value: &Value| value.is_null() || value.as_str() == Some("");
    fields.retain(|_, value| !blank(value));
    Value::Object(fields)
}

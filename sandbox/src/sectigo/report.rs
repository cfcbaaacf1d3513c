//! *SSL certificates report*: the one call that finds requests by time and shows their comments.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, response::IntoResponse};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    details::{object, without_blanks},
    errors::{ApiError, Reply},
    facts::Facts,
    fields::Fields,
    gate::Caller,
    lookup,
};
use crate::{
    app::App,
    clock::start_of,
    state::{World, scm::Ssl},
};

/// `POST /api/report/v1/ssl-certificates`
pub async fn ssl(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    let world = app.store.lock();
    let filter = Filter::read(&fields)?;
    let rows = lookup::all(&world, &caller).filter(|row| filter.fits(&world, row));
    let rows: Vec<Value> = rows.map(|row| view(&world, row)).collect();
    Ok(Json(json!({"statusCode": 0, "reports": rows})).into_response())
}

struct Filter {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    organizations: Vec<u64>,
    common_name: Option<String>,
    external_requester: Option<String>,
    /// 0 any, 1 requested, 2 issued, 3 revoked, 4 expired.
    status: i64,
    /// Which date `from` and `to` are about: 2 revocation, 3 expiration, 4 request, 5 issuance.
    date: i64,
    /// 12: REST API.
    source: Option<i64>,
}

impl Filter {
    fn read(fields: &Fields) -> Result<Self, ApiError> {
        let ids = match fields.0.get("organizationIds") {
            None | Some(Value::Null) => Vec::new(),
            Some(ids) => serde_json::from_value(ids.clone()).map_err(|_| ApiError::unreadable())?,
        };
        let filter = Self {
            from: moment(fields, "from")?,
            to: moment(fields, "to")?,
            organizations: ids,
            common_name: fields.text("commonName", 256)?.filter(|text| !text.is_empty()),
            external_requester: fields.text("externalRequester", 512)?.filter(|text| !text.is_empty()),
            status: fields.number("certificateStatus")?.unwrap_or(0),
            date: fields.number("certificateDateAttribute")?.unwrap_or(4),
            source: fields.number("certificateRequestSource")?,
        };
        match filter {
            Self { from: Some(from), to: Some(to), .. } if from >= to => Err(ApiError::invalid("from")),
            Self { status, .. } if !(0..=4).contains(&status) => Err(ApiError::invalid("certificateStatus")),
            filter => Ok(filter),
        }
    }

    fn fits(&self, world: &World, row: &Ssl) -> bool {
        let Some(version) = row.shown() else { return false };
        let issued = version.issued.as_ref();
        let date = match self.date {
            2 => version.revocation.as_ref().map(|revocation| revocation.at),
            3 => issued.map(|issued| start_of(issued.valid_till)),
            5 => issued.map(|issued| issued.at),
            _ => Some(row.requested),
        };
        let within =
            date.is_some_and(|date| self.from.is_none_or(|from| from <= date) && self.to.is_none_or(|to| date <= to));
        let status = row.status_name(world);
        let wanted = match self.status {
            1 => !matches!(status, "Issued" | "Revoked" | "Expired"),
            2 => status == "Issued",
            3 => status == "Revoked",
            4 => status == "Expired",
            _ => true,
        };
        let part = |part: &Option<String>, text: &str| part.as_ref().is_none_or(|part| text.contains(part.as_str()));
        (within || self.from.is_none() && self.to.is_none())
            && wanted
            && (self.organizations.is_empty() || self.organizations.contains(&row.organization))
            && self.source.is_none_or(|source| source == if row.requested_via == "REST API" { 12 } else { 4 })
            && part(&self.common_name, &version.common_name)
            && part(&self.external_requester, &row.external_requester)
    }
}

/// An instant, or a day's beginning.
fn moment(fields: &Fields, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = fields.text(name, 64)?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let moment = text.parse().ok().or_else(day);
    moment.map(Some).ok_or_else(|| ApiError::invalid(name))
}

fn view(world: &World, row: &Ssl) -> Value {
    let version = row.shown();
    let issued = version.and_then(|version| version.issued.as_ref());
    let facts = version.and_then(Facts::of);
    let facts = facts.as_ref();
    let profile = world.scm.profiles.get(row.profile);
    let organization = world.scm.organizations.get(row.organization);
    let detail = |name: &str| organization.and_then(|organization| organization.details.get(name).cloned());
    let revoked = version.filter(|version| version.is_revoked(world.now()));
    let instant = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    without_blanks(object(json!({
        "id": row.id,
        "commonName": version.map(|version| &version.common_name),
        "subjAltNames": version.map(|version| version.names.join(";")),
        "status": row.status_name(world),
        "orgId": row.organization,
        "organizationName": organization.map(|organization| &organization.name),
        "city": detail("city"),
        "state": detail("stateOrProvince"),
        "country": detail("country"),
        "orderNumber": row.backend_id,
        "backendCertId": row.backend_id.map(|id| id.to_string()),
        "typeId": row.profile,
        "type": profile.map(|profile| &profile.name),
        "term": row.term,
        "requester": row.requester,
        "approver": row.owner,
        "requestedVia": row.requested_via,
        "externalRequester": row.external_requester,
        "comments": row.comments,
        "customFields": row.custom_fields,
        "requested": instant(row.requested),
        "approved": row.approved.map(instant),
        "declined": row.declined.map(instant),
        "replaced": row.replaced.filter(|_| !row.hides_replacement()).map(instant),
        "issued": issued.map(|issued| instant(issued.at)),
        "expires": issued.map(|issued| instant(start_of(issued.valid_till))),
        "revoked": revoked.and_then(|version| version.revocation.as_ref()).map(|revocation| instant(revocation.at)),
        "serialNumber": issued.map(|issued| issued.serial_number.trim_start_matches('0')),
        "signatureAlg": facts.map(|facts| &facts.signature_algorithm),
        "publicKeyAlg": version.map(|version| &version.key_algorithm),
        "publicKeySize": version.map(|version| version.key_size.to_string()),
        "publicKeyType": version.map(|version| version.key_type()),
        "issuer": facts.map(|facts| &facts.issuer),
        "md5": facts.map(|facts| &facts.md5),
        "sha1": facts.map(|facts| &facts.sha1),
    })))
}

//! *Import certificates to SCM*: a zip archive, or in v2 also a list. What is imported, SCM only shows.

use std::{
    io::{Cursor, Read},
    sync::Arc,
};

use axum::{
    Extension, Json,
    extract::{FromRequest, Multipart, Request, State},
    http::header,
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};
use x509_parser::{
    prelude::{FromDer, GeneralName, X509Certificate},
    public_key::PublicKey,
};
use zip::ZipArchive;

use super::{
    asked,
    enroll::{self, Request as Certificate},
    errors::{ApiError, Reply},
    fields::{self, Fields, Query},
    gate::Caller,
    wording::{Edition, Wording},
};
use crate::{
    app::App,
    ca::hex,
    clock::day,
    csr,
    faults::Effects,
    state::{
        World,
        records::{Issued, Revocation},
        scm::{DcvValue, Status, Version},
    },
};

/// How an imported certificate came, in its details.
pub const REQUESTED_VIA: &str = "Imported";

/// `POST import`
pub async fn import(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    wording: Wording,
    query: Query,
    request: Request,
) -> Reply {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("multipart/") {
        return archive(&app, &caller, &query, request).await;
    }
    let rows = fields::Json::from_request(request, &()).await?.0;
    let rows = rows.as_array().filter(|rows| wording.edition == Edition::V2 && (1..=128).contains(&rows.len()));
    let rows = rows.ok_or_else(ApiError::unreadable)?;
    let mut world = app.store.lock();
    Ok(Json(rows.iter().map(|row| one(&mut world, &caller, row)).collect::<Vec<_>>()).into_response())
}

/// Of one row of the list; what is wrong with it is said in its place.
fn one(world: &mut World, caller: &Caller, row: &Value) -> Value {
    let fields = Fields(row.as_object().cloned().unwrap_or_default());
    match listed(world, caller, &fields) {
        Err(error) => json!({"successful": false, "errorMessage": error.description}),
        Ok((id, created)) => {
            let row = world.scm.certificates.get(id);
            let issued = row.and_then(|row| row.versions.last()?.issued.as_ref());
            json!({
                "successful": true,
                "created": created,
                "backendCertId": fields.text("backendCertId", 255).ok().flatten().unwrap_or_default(),
                "cert": {
                    "id": id,
                    "subject": issued.map(|issued| subject(&issued.pem)),
                    "serialNumber": issued.map(|issued| &issued.serial_number),
                },
            })
        }
    }
}

fn listed(world: &mut World, caller: &Caller, fields: &Fields) -> Result<(u64, bool), ApiError> {
    let organization = fields.id("orgID")?.or(fields.id("orgId")?);
    let text = fields.required("cert", usize::MAX)?;
    let der = STANDARD.decode(text).map_err(|_| ApiError::invalid("cert"))?;
    let values = fields.custom_fields()?.unwrap_or_default();
    asked::check_custom_fields(world, caller, &values)?;
    let (id, created) = take(world, caller, organization, &der)?;
    let moment = |name: &str| -> Result<Option<Timestamp>, ApiError> {
        let text = fields.text(name, 64)?;
        text.map(|text| text.parse().map_err(|_| ApiError::invalid(name))).transpose()
    };
    let (revoked, renewed) = (moment("revokeDate")?, moment("renewDate")?);
    if created && let Some(row) = world.scm.certificates.edit(id) {
        row.comments = fields.text("comments", 1024)?.unwrap_or_default();
        row.external_requester = asked::external_requester(fields)?.unwrap_or_default();
        row.owner = fields.text("owner", 128)?.filter(|owner| !owner.is_empty());
        row.custom_fields = values;
        row.renewed = renewed;
        if let (Some(at), Some(version)) = (revoked, row.versions.last_mut()) {
            version.revocation = Some(Revocation { at, reason: "unspecified".into(), only: None });
        }
    }
    Ok((id, created))
}

async fn archive(app: &App, caller: &Caller, query: &Query, request: Request) -> Reply {
    let organization = query.number("orgId")?;
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| ApiError::unreadable())?;
    let mut file = None;
    while let Some(part) = parts.next_field().await.map_err(|_| ApiError::unreadable())? {
        if part.name() == Some("file") {
            file = Some(part.bytes().await.map_err(|_| ApiError::unreadable())?);
        }
    }
    let file = file.ok_or_else(|| ApiError::missing("file"))?;
    let mut zip = ZipArchive::new(Cursor::new(file)).map_err(|_| ApiError::invalid("file"))?;
    let mut world = app.store.lock();
    let mut errors = Vec::new();
    for at in 0..zip.len() {
        let mut content = Vec::new();
        let mut entry = zip.by_index(at).map_err(|_| ApiError::invalid("file"))?;
        let name = entry.name().map_err(|_| ApiError::invalid("file"))?.into_owned();
        entry.read_to_end(&mut content).map_err(|_| ApiError::invalid("file"))?;
        let known = [".cer", ".crt", ".pem", ".der"].iter().any(|ending| name.ends_with(ending));
        let der = CertificateDer::from_pem_slice(&content).map_or(content, |der| der.to_vec());
        let taken = if known { take(&mut world, caller, organization, &der) } else { Ok((0, true)) };
        match taken {
            _ if !known => errors.push(format!("{name} - Unsupported file extension")),
            Ok((_, true)) => {}
            Ok((_, false)) => errors.push(format!("[{name}] - SSL certificate already exists. Order number: N/A")),
            Err(error) => errors.push(format!("{name} - Failed to parse certificate: {}", error.description)),
        }
    }
    Ok(Json(json!({"processedCount": zip.len(), "errors": errors})).into_response())
}

/// Adds a certificate, unless it is there. Answers its id, and whether it is new.
fn take(world: &mut World, caller: &Caller, organization: Option<u64>, der: &[u8]) -> Result<(u64, bool), ApiError> {
    let organization = asked::organization(world, caller, organization)?;
    asked::check_api(organization)?;
    let organization = organization.id;
    let version = version(der).ok_or_else(|| ApiError::invalid("cert"))?;
    let pem = |version: &Version| version.issued.as_ref().map(|issued| issued.pem.clone());
    let known =
        world.scm.certificates.iter().find(|row| {
            row.customer == caller.customer && row.versions.iter().any(|known| pem(known) == pem(&version))
        });
    if let Some(known) = known {
        return Ok((known.id, false));
    }
    let request = Certificate {
        organization,
        profile: 0,
        term: 0,
        dcv_mode: None,
        dcv_email: None,
        comments: String::new(),
        external_requester: String::new(),
        custom_fields: Vec::new(),
    };
    let id = enroll::insert(world, caller, request, version, None, &Effects::default());
    if let Some(row) = world.scm.certificates.edit(id) {
        row.status = Status::Issued;
        row.requested_via = REQUESTED_VIA.into();
    }
    Ok((id, true))
}

fn version(der: &[u8]) -> Option<Version> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let named = certificate.subject_alternative_name().ok().flatten();
    let names = named.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    let common_name = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    let (key_algorithm, key_size) = match certificate.public_key().parsed().ok()? {
        PublicKey::RSA(key) => ("RSA", key.key_size()),
        PublicKey::EC(point) => ("EC", point.key_size()),
        _ => return None,
    };
    let validity = certificate.validity();
    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).ok();
    let (from, till) = (at(validity.not_before)?, at(validity.not_after)?);
    Some(Version {
        common_name: common_name.unwrap_or_default().to_owned(),
        names: names.collect(),
        csr: String::new(),
        public_key_sha256: hex(&csr::sha256(certificate.public_key().raw)),
        key_algorithm: key_algorithm.to_owned(),
        key_size,
        until: None,
        dcv_value: DcvValue::random(),
        checks: None,
        checked: None,
        issued: Some(Issued {
            at: from,
            valid_from: day(from),
            valid_till: day(till),
            serial_number: certificate.raw_serial_as_string().replace(':', "").to_uppercase(),
            thumbprint: String::new(),
            pem: pem(der),
        }),
        revocation: None,
        quirks: Vec::new(),
        hidden_until: None,
    })
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let body: String = lines.map(|line| format!("{line}\n")).collect();
    format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n")
}

fn subject(pem: &str) -> String {
    let facts = CertificateDer::from_pem_slice(pem.as_bytes()).ok().and_then(|der| super::facts::Facts::read(&der));
    facts.map(|facts| facts.subject).unwrap_or_default()
}

//! A certificate as the vendor's JSON shows it.

use serde_json::{Map, Value, json};

use super::date_time;
use crate::{
    clock::{day, days_between},
    issuance,
    products::CA_CERT_ID,
    rules::Validity,
    state::{
        World,
        records::{Certificate, CertificateStatus, Kind},
    },
};

/// The certificate inside *Order info*.
pub fn certificate(world: &World, row: &Certificate) -> Value {
    let mut view = json!({
        "id": row.id,
        "common_name": row.common_name,
        "dns_names": row.dns_names,
        "date_created": date_time(row.created),
        "csr": row.csr,
        "signature_hash": row.signature_hash,
        "key_size": row.key_size,
        "server_platform": {"id": row.server_platform, "name": platform(row.server_platform)},
        "organization_units": row.organization_units,
        "ca_cert": {"id": row.ca_cert_id.as_deref().unwrap_or(CA_CERT_ID), "name": "Evercert Sandbox TLS CA 1"},
    });
    if let Some(validity) = row.validity {
        view["cert_validity"] = match validity {
            Validity::Years(years) => json!({"years": years}),
            Validity::Days(days) => json!({"days": days}),
            Validity::Until(day) => json!({"custom_expiration_date": day.to_string()}),
        };
    }
    add_issued(world, row, &mut view);
    // Absent for a plain issued one, "issued" after a reissue, "revoked" after revocation.
    if issuance::revoked(row, world.now()) {
        view["status"] = json!("revoked");
    } else if row.kind != Kind::Original && row.issued.is_some() {
        view["status"] = json!("issued");
    }
    view
}

/// A row of *List reissues* or *List duplicates*.
pub fn reissue_row(world: &World, row: &Certificate) -> Value {
    let mut view = json!({
        "id": row.id,
        "common_name": row.common_name,
        "dns_names": row.dns_names,
        "status": certificate_status(world, row),
        "date_created": date_time(row.created),
        "csr": row.csr,
        "key_size": row.key_size,
        "signature_hash": row.signature_hash,
        "server_platform": {"id": row.server_platform, "name": platform(row.server_platform)},
        "user_id": 1,
        "firstname": "Sandbox",
        "lastname": "User",
        "email": "user@sandbox.test",
        "receipt_id": 0,
        "purchased_dns_names": row.dns_names.len(),
        "purchased_wildcard_names": row.dns_names.iter().filter(|name| name.starts_with("*.")).count(),
    });
    // The vendor's own spelling differs between the two lists.
    view["archived"] = if row.kind == Kind::Duplicate { json!("0") } else { json!(0) };
    add_issued(world, row, &mut view);
    view
}

pub fn certificate_status(world: &World, row: &Certificate) -> &'static str {
    match row.status {
        _ if issuance::revoked(row, world.now()) => "revoked",
        CertificateStatus::Pending => "pending",
        CertificateStatus::Issued if row.kind == Kind::Duplicate => "approved",
        CertificateStatus::Issued => "issued",
        CertificateStatus::Rejected => "rejected",
    }
}

/// Fields that exist only once a certificate was issued.
pub fn add_issued(world: &World, row: &Certificate, view: &mut Value) {
    let Some(issued) = &row.issued else {
        return;
    };
    let left = days_between(day(world.now()), issued.valid_till);
    let fields: Map<String, Value> = [
        ("thumbprint", json!(issued.thumbprint)),
        ("serial_number", json!(issued.serial_number)),
        ("date_issued", json!(date_time(issued.at))),
        ("valid_from", json!(issued.valid_from.to_string())),
        ("valid_till", json!(issued.valid_till.to_string())),
        ("days_remaining", json!(left)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    if let Some(view) = view.as_object_mut() {
        view.extend(fields);
    }
}

fn platform(id: i64) -> &'static str {
    match id {
        2 => "Apache",
        45 => "nginx",
        _ => "OTHER",
    }
}

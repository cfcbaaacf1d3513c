//! The certificate a submission asks for, checked before anything happens.

use jiff::Timestamp;

use super::{
    body::{CertificateFields, Submission, ValidityFields},
    errors::ApiError,
    validation::METHODS,
};
use crate::{
    clock::{day, days_between},
    csr::{self, Csr},
    faults::Effects,
    products::{CA_CERT_ID, Product},
    rules::{self, Validity},
    state::{
        World,
        records::{Certificate, CertificateStatus, Kind},
    },
};

/// The certificate that was asked for, checked.
pub struct Asked {
    common_name: String,
    pub dns_names: Vec<String>,
    csr_text: String,
    csr: Csr,
    signature_hash: String,
    server_platform: i64,
    organization_units: Vec<String>,
    ca_cert_id: Option<String>,
    pub validity: Option<Validity>,
    pub dcv_method: Option<String>,
}

impl Asked {
    pub fn read(body: &Submission, product: &Product, now: Timestamp) -> Result<Self, ApiError> {
        let fields: &CertificateFields = &body.certificate;
        let common_name = fields.common_name.as_deref().and_then(rules::dns_name);
        let common_name = common_name
            .filter(|name| name.len() <= 64)
            .ok_or_else(|| ApiError::invalid("common_name", "The common name is missing or not valid."))?;
        let mut dns_names = vec![common_name.clone()];
        for name in fields.dns_names.iter().flatten() {
            let name = rules::dns_name(name)
                .ok_or_else(|| ApiError::invalid("dns_names", format!("{name} is not a valid name.")))?;
            if !dns_names.contains(&name) {
                dns_names.push(name);
            }
        }
        if !product.allows(&dns_names) {
            return Err(ApiError::invalid("dns_names", "The product does not cover these names."));
        }
        let wildcard = dns_names.iter().any(|name| name.starts_with("*."));
        let dcv_method = dcv_method(body)?;
        if wildcard && dcv_method.is_some_and(|method| method.starts_with("http-token")) {
            return Err(ApiError::invalid("dcv_method", "Wildcards cannot be validated by file."));
        }
        let csr_text = fields.csr.clone().unwrap_or_default();
        let csr = csr::parse(&csr_text).map_err(|message| ApiError::bad("csr_invalid_cannot_parse", message))?;
        let signature_hash = fields.signature_hash.as_deref().unwrap_or_default().to_lowercase();
        if !["sha256", "sha384", "sha512"].contains(&signature_hash.as_str()) {
            return Err(ApiError::invalid("signature_hash", "sha256, sha384 or sha512."));
        }
        let names = ["cert_validity_years", "cert_validity_days", "custom_expiration_date"];
        let validity = fields.cert_validity.as_ref();
        let validity = validity.map(|fields| fields.resolve(day(now), names)).transpose()?;
        let ca_cert_id = fields.ca_cert_id.clone().filter(|id| !id.is_empty());
        if ca_cert_id.as_deref().is_some_and(|id| id != CA_CERT_ID) {
            return Err(ApiError::invalid("ca_cert_id", "Not one of the product's CA certificates."));
        }
        let server_platform = fields.server_platform.as_ref().and_then(|platform| platform.id);
        Ok(Self {
            common_name,
            dns_names,
            csr_text,
            csr,
            signature_hash,
            server_platform: server_platform.unwrap_or(-1),
            organization_units: fields.organization_units.clone().unwrap_or_default(),
            ca_cert_id,
            validity: validity.flatten(),
            dcv_method: dcv_method.map(str::to_owned),
        })
    }

    pub fn insert(self, world: &mut World, order: u64, kind: Kind, effects: &Effects) -> u64 {
        let id = world.next_id();
        let now = world.now();
        world.certificates.insert(Certificate {
            id,
            order,
            kind,
            status: CertificateStatus::Pending,
            created: now,
            common_name: self.common_name,
            dns_names: self.dns_names,
            csr: self.csr_text,
            public_key_sha256: self.csr.public_key_sha256,
            key_size: self.csr.key_size,
            signature_hash: self.signature_hash,
            server_platform: self.server_platform,
            organization_units: self.organization_units,
            ca_cert_id: self.ca_cert_id,
            validity: self.validity,
            checks: None,
            issued: None,
            revocation: None,
            quirks: effects.quirks.clone(),
            hidden_until: effects.hidden_until(),
        });
        id
    }
}

fn dcv_method(body: &Submission) -> Result<Option<&str>, ApiError> {
    let method = body.dcv_method.as_deref().filter(|method| !method.is_empty());
    match method {
        Some(method) if !METHODS.contains(&method) => Err(ApiError::invalid("dcv_method", "Unknown DCV method.")),
        known => Ok(known),
    }
}

/// Length of the order; the newer field first.
pub fn order_validity(body: &Submission, now: Timestamp) -> Result<Validity, ApiError> {
    let names = ["validity_years", "validity_days", "custom_expiration_date"];
    let legacy = ValidityFields::from(&body.legacy_validity);
    let fields = body.order_validity.as_ref().unwrap_or(&legacy);
    let validity = match fields.resolve(day(now), names)? {
        None => legacy.resolve(day(now), names)?,
        known => known,
    };
    let validity =
        validity.ok_or_else(|| ApiError::invalid("validity_years", "The length of the order is missing."))?;
    let longest = Validity::Years(3).end(day(now));
    if days_between(longest, validity.end(day(now))) > 0 {
        return Err(ApiError::invalid("custom_expiration_date", "Orders last three years at most."));
    }
    Ok(validity)
}

pub fn check_certificate_within_order(asked: &Asked, order: Validity, now: Timestamp) -> Result<(), ApiError> {
    let today = day(now);
    let asked = asked.validity.map(|validity| validity.end(today));
    if asked.is_none_or(|end| end <= order.end(today)) {
        return Ok(());
    }
    Err(ApiError::bad("cert_validity_exceeds_order_validity", "The certificate would outlive its order."))
}

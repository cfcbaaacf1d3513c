//! *Request SSL certificate with key and CSR generation*, and *Download private key from Private Key Agent*. The agent,
//! which would keep the key in the customer's network, is not played: a key is made, its CSR is signed, and it is gone.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::IntoResponse,
};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, RsaKeySize};
use serde_json::json;

use super::{
    asked::Asked,
    enroll,
    errors::{ApiError, Reply},
    fields::{Fields, Optional},
    gate::Caller,
    lookup,
};
use crate::{
    app::App,
    ca::{hex, random_bytes},
    faults::Effects,
};

/// `POST enroll-keygen`: answers as `enroll` does.
pub async fn enroll(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    fields: Fields,
) -> Reply {
    let common_name = fields.required("commonName", 64)?;
    match fields.text("keyGenerationMethod", 32)?.as_deref() {
        None | Some("PK_AGENT") => {
            let phrase = fields.required("passPhrase", 64)?;
            if phrase.chars().count() < 8 {
                return Err(ApiError::invalid("passPhrase"));
            }
        }
        Some("AZURE_KEY_VAULT") => {
            fields.object("azureKeyVault")?.ok_or_else(|| ApiError::missing("azureKeyVault"))?;
        }
        Some(_) => return Err(ApiError::invalid("keyGenerationMethod")),
    }
    let csr = csr(&fields, &common_name)?;
    let asked = Asked::read(csr, Some(common_name), enroll::names(&fields)?)?;
    let mut world = app.store.lock();
    let answer = enroll::accept(&mut world, &caller, &effects, &fields, asked)?;
    let newest = world.scm.certificates.iter().next_back().map(|row| row.id);
    if let Some(row) = newest.and_then(|id| world.scm.certificates.edit(id)) {
        row.key_at_agent = true;
    }
    Ok(answer)
}

fn csr(fields: &Fields, common_name: &str) -> Result<String, ApiError> {
    let failed = |_| ApiError::bad(-44, "Error while generating key pair with open SSL");
    let size = fields.number("keySize")?.map(|size| size.to_string());
    let parameter = fields.text("keyParam", 32)?.filter(|text| !text.is_empty()).or(size);
    let key = match (fields.text("algorithm", 16)?.as_deref(), parameter.as_deref()) {
        (None | Some("RSA"), None | Some("2048")) => rsa(RsaKeySize::_2048),
        (None | Some("RSA"), Some("3072")) => rsa(RsaKeySize::_3072),
        (None | Some("RSA"), Some("4096")) => rsa(RsaKeySize::_4096),
        (Some("EC"), None | Some("P-256")) => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
        (Some("EC"), Some("P-384")) => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
        _ => return Err(ApiError::invalid("algorithm")),
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let csr = params.serialize_request(&key.map_err(failed)?).map_err(failed)?;
    csr.pem().map_err(failed)
}

fn rsa(size: RsaKeySize) -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size)
}

const FORMATS: [&str; 5] = ["key", "p12", "p12aes", "jks", "pem"];

/// `keystore/{sslId}/{formatType}`, GET in v1 and POST in v2: a link at the agent, for a key that is there.
pub async fn link(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((id, format)): Path<(String, String)>,
    Optional(fields): Optional,
) -> Reply {
    fields.text("passphrase", 32)?;
    let world = app.store.lock();
    let row = lookup::subject(&world, &caller, &id)?;
    if !FORMATS.contains(&format.as_str()) {
        return Err(ApiError::bad(-1450, format!("Unsupported certificate format specified: {format}")));
    }
    if !row.key_at_agent {
        return Err(ApiError::bad(-166, "Entered data doesn't match the certificate or no valid certificate found"));
    }
    let token = hex(&random_bytes::<13>()).to_uppercase();
    let link = format!("https://agent.sandbox.example/download?token={token}&keyformat={format}");
    Ok(Json(json!({"link": link})).into_response())
}

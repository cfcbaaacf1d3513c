//! What a Secret serves, read from its bytes, and what the CA's revocation list says.

use anyhow::{Context, Result, ensure};
use harness::{Objects, Sandbox};
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, parse_x509_crl, pem::Pem, public_key::PublicKey,
};

pub struct Served {
    /// Lower-case hexadecimal.
    pub serial: String,
    /// `ECDSA 256`, `RSA 2048`.
    pub key: String,
    /// Sorted.
    pub names: Vec<String>,
    /// RFC 3339 date.
    pub expires: String,
}

/// The certificate in a Secret; an error when there is none, or no key with it.
pub async fn certificate(objects: &Objects, secret: &str) -> Result<Served> {
    let stored = objects.secret(secret).await?.with_context(|| format!("there is no Secret {secret}"))?;
    let data = stored.data.unwrap_or_default();
    let chain = &data.get("tls.crt").with_context(|| format!("Secret {secret} has no tls.crt"))?.0;
    ensure!(data.get("tls.key").is_some_and(|key| !key.0.is_empty()), "Secret {secret} has no tls.key");
    let pems: Vec<Pem> = Pem::iter_from_buffer(chain).collect::<Result<_, _>>()?;
    ensure!(pems.len() > 1, "Secret {secret} has a certificate without its intermediates");
    describe(&pems[0].parse_x509()?)
}

fn describe(leaf: &X509Certificate) -> Result<Served> {
    let key = match leaf.public_key().parsed()? {
        PublicKey::RSA(key) => format!("RSA {}", key.key_size()),
        PublicKey::EC(point) => format!("ECDSA {}", point.key_size()),
        _ => "unknown".to_owned(),
    };
    let alternatives = leaf.subject_alternative_name()?.context("the certificate has no names")?;
    let dns_name = |name: &GeneralName| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    };
    let mut names: Vec<_> = alternatives.value.general_names.iter().filter_map(dns_name).collect();
    names.sort();
    let expires = jiff::Timestamp::from_second(leaf.validity().not_after.timestamp())?;
    Ok(Served {
        serial: leaf.raw_serial_as_string().replace(':', ""),
        key,
        names,
        expires: expires.strftime("%Y-%m-%d").to_string(),
    })
}

/// Whether the CA's signed revocation list has this serial number, lower-case hexadecimal.
pub async fn is_revoked(sandbox: &Sandbox, serial: &str) -> Result<bool> {
    let der = sandbox.crl().await?;
    let (_, list) = parse_x509_crl(&der).context("the revocation list is no CRL")?;
    Ok(list.iter_revoked_certificates().any(|entry| entry.raw_serial_as_string().replace(':', "") == serial))
}

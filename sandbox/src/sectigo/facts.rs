//! What a certificate says, in the words of the API.

use aws_lc_rs::digest;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::{ca::hex, csr, state::scm::Version};

#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub issuer: String,
    pub subject: String,
    pub signature_algorithm: String,
    pub key_usages: Vec<String>,
    pub extended_key_usages: Vec<String>,
    pub md5: String,
    pub sha1: String,
    pub sha256: String,
}

impl Facts {
    pub fn of(version: &Version) -> Option<Self> {
        let pem = &version.issued.as_ref()?.pem;
        Self::read(&CertificateDer::from_pem_slice(pem.as_bytes()).ok()?)
    }

    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let usages = certificate.key_usage().ok().flatten().map(|usage| usage.value.to_string());
        let extended = certificate.extended_key_usage().ok().flatten().map(|usage| usage.value);
        let extended = extended.map(|usage| {
            let kinds = [(usage.server_auth, "Server Authentication"), (usage.client_auth, "Client Authentication")];
            kinds.into_iter().filter(|(has, _)| *has).map(|(_, name)| name.to_owned()).collect()
        });
        Some(Self {
            issuer: certificate.issuer().to_string(),
            subject: certificate.subject().to_string(),
            signature_algorithm: signature(&certificate.signature_algorithm.algorithm.to_id_string()).to_owned(),
            key_usages: usages.iter().flat_map(|text| text.split(", ").map(str::to_owned)).collect(),
            extended_key_usages: extended.unwrap_or_default(),
            md5: hex(&csr::md5(der)).to_uppercase(),
            sha1: hex(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref()).to_uppercase(),
            sha256: hex(&csr::sha256(der)).to_uppercase(),
        })
    }
}

fn signature(oid: &str) -> &'static str {
    match oid {
        "1.2.840.113549.1.1.12" => "SHA384withRSA",
        "1.2.840.113549.1.1.13" => "SHA512withRSA",
        "1.2.840.10045.4.3.2" => "SHA256withECDSA",
        "1.2.840.10045.4.3.3" => "SHA384withECDSA",
        _ => "SHA256withRSA",
    }
}

impl Version {
    /// `RSA - 2048`, `EC - P-256`.
    pub fn key_type(&self) -> String {
        format!("{} - {}", self.key_algorithm, self.key_parameter())
    }

    /// Size of an RSA key, curve of an EC key.
    pub fn key_parameter(&self) -> String {
        if self.key_algorithm == "EC" { format!("P-{}", self.key_size) } else { self.key_size.to_string() }
    }
}

/// `AB:CD:…`
pub fn colons(serial: &str) -> String {
    serial.as_bytes().chunks(2).map(String::from_utf8_lossy).collect::<Vec<_>>().join(":")
}

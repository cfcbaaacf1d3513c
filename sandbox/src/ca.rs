//! A real small CA: one root, which an older one has cross-signed, one intermediate, leaf certificates and the intermediate's CRL.

use std::{fs, path::Path, time::Duration};

use anyhow::Context;
use aws_lc_rs::{digest, rand};
use jiff::{Timestamp, civil::Date};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RevocationReason,
    RevokedCertParams, RsaKeySize, SerialNumber, SubjectPublicKeyInfo, date_time_ymd,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    clock::{end_of, start_of},
    ocsp,
    state::records::Issued,
};

/// Certificates and keys as they lie in the state directory.
#[derive(Serialize, Deserialize)]
struct Stored {
    root: String,
    root_key: String,
    intermediate: String,
    intermediate_key: String,
    old_root: String,
    cross_signed_root: String,
}

pub struct Ca {
    root: String,
    intermediate: String,
    old_root: String,
    cross_signed_root: String,
    /// The intermediate, ready to sign with SHA-256, SHA-384 and SHA-512: reading an RSA key is slow.
    issuers: [Issuer<'static, KeyPair>; 3],
    crl_url: String,
    ocsp_url: String,
}

/// What a leaf certificate shall say.
pub struct LeafRequest<'a> {
    pub public_key: &'a SubjectPublicKeyInfo,
    pub common_name: &'a str,
    pub dns_names: &'a [String],
    pub organization: Option<&'a str>,
    /// The first and the last.
    pub days: (Date, Date),
    /// `sha256`, `sha384` or `sha512`.
    pub signature_hash: &'a str,
    /// Names an OCSP responder and no revocation list.
    pub ocsp_only: bool,
}

pub struct RevokedSerial {
    pub serial_number: String,
    pub at: Timestamp,
    pub reason: String,
}

impl Ca {
    /// Opens the CA in `dir`, or makes it there. `root.pem` is left beside it for whoever has to trust it.
    pub fn open(dir: &Path, crl_url: String, ocsp_url: String) -> anyhow::Result<Self> {
        let file = dir.join("ca.json");
        let stored = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).context("reading ca.json")?,
            Err(_) => {
                let made = generate()?;
                let part = dir.join("ca.json.part");
                fs::write(&part, serde_json::to_vec_pretty(&made)?)?;
                fs::rename(&part, &file)?;
                made
            }
        };
        fs::write(dir.join("root.pem"), &stored.root)?;
        let issuer = |algorithm| -> Result<Issuer<'static, KeyPair>, rcgen::Error> {
            let key = KeyPair::from_pem_and_sign_algo(&stored.intermediate_key, algorithm)?;
            Issuer::from_ca_cert_pem(&stored.intermediate, key)
        };
        Ok(Self {
            issuers: [
                issuer(&rcgen::PKCS_RSA_SHA256)?,
                issuer(&rcgen::PKCS_RSA_SHA384)?,
                issuer(&rcgen::PKCS_RSA_SHA512)?,
            ],
            root: stored.root,
            intermediate: stored.intermediate,
            old_root: stored.old_root,
            cross_signed_root: stored.cross_signed_root,
            crl_url,
            ocsp_url,
        })
    }

    pub fn root_pem(&self) -> &str {
        &self.root
    }

    pub fn intermediate_pem(&self) -> &str {
        &self.intermediate
    }

    /// An older root, and the root as signed by that: the other chain.
    pub fn alternative_pems(&self) -> [&str; 2] {
        [&self.cross_signed_root, &self.old_root]
    }

    pub fn crl_url(&self) -> &str {
        &self.crl_url
    }

    pub fn sign(&self, leaf: &LeafRequest<'_>, now: Timestamp) -> Result<Issued, rcgen::Error> {
        let (valid_from, valid_till) = leaf.days;
        let mut params = CertificateParams::new(leaf.dns_names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, leaf.common_name);
        if let Some(organization) = leaf.organization {
            params.distinguished_name.push(DnType::OrganizationName, organization);
        }
        params.not_before = x509_time(start_of(valid_from));
        params.not_after = x509_time(end_of(valid_till));
        params.serial_number = Some(SerialNumber::from_slice(&random_serial()));
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if *leaf.public_key.algorithm() == rcgen::PKCS_RSA_SHA256 {
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if leaf.ocsp_only {
            params.custom_extensions.push(ocsp::access(&self.ocsp_url));
        } else {
            params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![self.crl_url.clone()] }];
        }
        let certificate = params.signed_by(leaf.public_key, self.issuer(leaf.signature_hash))?;
        let serial = params.serial_number.map(|serial| serial.to_bytes());
        Ok(Issued {
            at: now,
            valid_from,
            valid_till,
            pem: certificate.pem(),
            serial_number: hex(&serial.unwrap_or_default()).to_uppercase(),
            thumbprint: hex(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate.der()).as_ref())
                .to_uppercase(),
        })
    }

    /// Whatever is asked for, by the intermediate.
    pub fn issue(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<rcgen::Certificate, rcgen::Error> {
        params.signed_by(key, &self.issuers[0])
    }

    /// The intermediate's CRL, DER (RFC 5280 §5).
    pub fn crl(&self, now: Timestamp, revoked: &[RevokedSerial]) -> Result<Vec<u8>, rcgen::Error> {
        let params = CertificateRevocationListParams {
            this_update: x509_time(now),
            next_update: x509_time(now) + Duration::from_secs(7 * 86_400),
            crl_number: SerialNumber::from_slice(&now.as_millisecond().to_be_bytes()),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(revoked_entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(self.issuer("sha256"))?.der().to_vec())
    }

    /// Signed by the intermediate with SHA-256, for [`ocsp`].
    pub fn sign_raw(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        rcgen::SigningKey::sign(self.issuers[0].key(), message)
    }

    fn issuer(&self, signature_hash: &str) -> &Issuer<'static, KeyPair> {
        match signature_hash {
            "sha384" => &self.issuers[1],
            "sha512" => &self.issuers[2],
            _ => &self.issuers[0],
        }
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Fails only when the system has no randomness at all; then nothing here can go on.
    rand::fill(&mut bytes).expect("system randomness");
    bytes
}

/// 16 octets, positive and not shortened by DER.
fn random_serial() -> [u8; 16] {
    let mut serial = random_bytes::<16>();
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}

fn x509_time(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn revoked_entry(revoked: &RevokedSerial) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(&from_hex(&revoked.serial_number)),
        revocation_time: x509_time(revoked.at),
        reason_code: match revoked.reason.as_str() {
            "keyCompromise" => Some(RevocationReason::KeyCompromise),
            "affiliationChanged" => Some(RevocationReason::AffiliationChanged),
            "superseded" => Some(RevocationReason::Superseded),
            "cessationOfOperation" => Some(RevocationReason::CessationOfOperation),
            "privilegeWithdrawn" => Some(RevocationReason::PrivilegeWithdrawn),
            _ => None,
        },
        invalidity_date: None,
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).filter_map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()).collect()
}

fn generate() -> Result<Stored, rcgen::Error> {
    let root_key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA384, RsaKeySize::_2048)?;
    let mut root = ca_params("Evercert Sandbox Root", None);
    root.not_after = date_time_ymd(2049, 12, 31);
    let root_certificate = root.self_signed(&root_key)?;

    let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let params = ca_params("Evercert Sandbox TLS CA 1", Some(0));
    let issuer = Issuer::from_params(&root, &root_key);
    let intermediate = params.signed_by(&key, &issuer)?;
    let old_key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let old_root = ca_params("Evercert Sandbox Old Root", None);
    let old_root_certificate = old_root.self_signed(&old_key)?;
    let cross_signed_root = root.signed_by(&root_key, &Issuer::from_params(&old_root, &old_key))?;
    Ok(Stored {
        old_root: old_root_certificate.pem(),
        cross_signed_root: cross_signed_root.pem(),
        root: root_certificate.pem(),
        root_key: root_key.serialize_pem(),
        intermediate: intermediate.pem(),
        intermediate_key: key.serialize_pem(),
    })
}

/// The clock moves by years, so the CA lives long.
fn ca_params(common_name: &str, path_length: Option<u8>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.distinguished_name.push(DnType::OrganizationName, "Evercert Sandbox");
    params.not_before = date_time_ymd(1990, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 30);
    params.serial_number = Some(SerialNumber::from_slice(&random_serial()));
    params.is_ca = IsCa::Ca(match path_length {
        Some(length) => BasicConstraints::Constrained(length),
        None => BasicConstraints::Unconstrained,
    });
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = path_length.is_some();
    params
}

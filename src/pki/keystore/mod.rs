//! Keystores: a key with its certificates, or the certificates to trust, in one file under a password.

mod jks;
mod pkcs12;

use rustls_pki_types::{CertificateDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};

pub use jks::{jks_keystore, jks_truststore};
pub use pkcs12::{Profile, pkcs12_keystore, pkcs12_truststore};

use super::Leaf;

/// Name of the CA's certificate in a truststore, as cert-manager writes it.
const TRUSTED: &str = "ca";

/// What a keystore is locked with, and the name of its entry.
#[derive(Debug, Clone)]
pub struct Lock {
    pub password: SecretString,
    pub alias: String,
}

impl Lock {
    /// Java takes nothing else for PKCS#12, and a line break at the end is a slip.
    fn password(&self) -> Result<&str, KeystoreError> {
        let password = self.password.expose_secret();
        let printable = password.chars().all(|character| matches!(character, ' '..='~'));
        let why = match (printable, password.chars().count()) {
            (false, _) => "only printable ASCII is read by every tool, and no line break",
            (true, ..6) => "it needs 6 characters or more",
            _ => return Ok(password),
        };
        Err(KeystoreError::Password(why))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    #[error("the certificates cannot be read")]
    Certificates,
    #[error("no keystore can be made with this password: {0}")]
    Password(&'static str),
    #[error("the keystore cannot be encoded: {0}")]
    Encoding(String),
}

/// The certificates of a PEM text.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, KeystoreError> {
    let read = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    read.ok().filter(|read| !read.is_empty()).ok_or(KeystoreError::Certificates)
}

/// When the first certificate of a PEM text began to be valid: the date of an entry, the same whenever it is made.
fn since(pem: &[u8]) -> Result<jiff::Timestamp, KeystoreError> {
    let text = std::str::from_utf8(pem).map_err(|_| KeystoreError::Certificates)?;
    Leaf::from_pem(text).map(|leaf| leaf.not_before).map_err(|_| KeystoreError::Certificates)
}

#[cfg(test)]
mod tests;

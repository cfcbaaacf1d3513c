//! Issued certificates, in every form SCM has them. Which block is which is told by the keys in them: whether the root
//! comes first or last differs from format to format, and from source to source.

use std::collections::BTreeSet;

use serde_json::json;

use super::client::Call;
use super::endpoints::{COLLECT, KEYSTORE, KEYSTORE_V1};
use super::version::ApiVersion;
use super::wire::Link;
use super::{Sectigo, errors};
use crate::pki::Leaf;
use crate::provider::CallError;

/// *Collect SSL certificate*, `format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// PKCS#7 in PEM.
    Base64,
    /// PKCS#7.
    Bin,
    /// Certificate and chain in PEM, the root first.
    X509,
    /// The same, the certificate first.
    X509R,
    /// The certificate alone in PEM.
    X509Co,
    /// Root and intermediates in PEM.
    X509Io,
    /// The same, the root last.
    X509Ior,
    /// Certificate and chain in PEM.
    Pem,
    /// The certificate alone in PEM.
    PemCo,
    /// Certificate and issuer in PEM.
    PemIa,
}

impl Format {
    pub const ALL: [Self; 10] = [
        Self::Base64,
        Self::Bin,
        Self::X509,
        Self::X509R,
        Self::X509Co,
        Self::X509Io,
        Self::X509Ior,
        Self::Pem,
        Self::PemCo,
        Self::PemIa,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Bin => "bin",
            Self::X509 => "x509",
            Self::X509R => "x509R",
            Self::X509Co => "x509CO",
            Self::X509Io => "x509IO",
            Self::X509Ior => "x509IOR",
            Self::Pem => "pem",
            Self::PemCo => "pemco",
            Self::PemIa => "pemia",
        }
    }
}

/// What *Download private key* links to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeystoreFormat {
    Key,
    P12,
    P12Aes,
    Jks,
    Pem,
}

impl Sectigo {
    /// *Collect SSL certificate*: what the file holds. `None`: there is nothing to collect yet, or never will be, which
    /// the status tells.
    pub async fn collect(&self, id: &str, format: Format) -> Result<Option<Vec<u8>>, CallError> {
        let call = Call::of(&COLLECT, id).query("format", format.as_str()).accept("*/*");
        match self.client.call(call).await {
            // Clients have met an empty 200 before the certificate is there.
            Ok(answer) if answer.is_empty() => Ok(None),
            Ok(answer) => Ok(Some(answer.body)),
            Err(CallError::Rejected { code, .. }) if errors::not_collectable(&code) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Leaf and chain in PEM, when there are any.
    pub(super) async fn collected(&self, id: &str) -> Result<Option<String>, CallError> {
        let file = self.collect(id, Format::X509).await?;
        let text = file.and_then(|file| String::from_utf8(file).ok());
        Ok(text.filter(|text| text.contains("-----BEGIN CERTIFICATE-----")))
    }

    pub(super) async fn chain(&self, id: &str) -> Result<String, CallError> {
        self.collected(id).await?.ok_or_else(|| COLLECT.ambiguous("there is no certificate to collect yet"))
    }

    /// *Download private key*: a link, for keys that a Private Key Agent holds. v1 takes no passphrase.
    pub async fn keystore_link(
        &self,
        id: &str,
        format: KeystoreFormat,
        passphrase: &secrecy::SecretString,
    ) -> Result<String, CallError> {
        use secrecy::ExposeSecret;
        let format = match format {
            KeystoreFormat::Key => "key",
            KeystoreFormat::P12 => "p12",
            KeystoreFormat::P12Aes => "p12aes",
            KeystoreFormat::Jks => "jks",
            KeystoreFormat::Pem => "pem",
        };
        let call = match self.client.version {
            ApiVersion::V1 => Call::of(&KEYSTORE_V1, id).and(format),
            ApiVersion::V2 => {
                let body = json!({ "passphrase": passphrase.expose_secret() });
                Call::of(&KEYSTORE, id).and(format).json(&body).hiding(Some(passphrase))
            }
        };
        let answer = self.client.call(call).await?;
        let link: Link = answer.read()?;
        link.link.ok_or_else(|| answer.unreadable("the answer holds no link"))
    }
}

/// The certificate for this key, unless it is one of the earlier ones for it, told by their serial numbers.
pub(super) fn ours(pem: &str, public_key_sha256: &str, earlier: &BTreeSet<String>) -> Option<Leaf> {
    let is_ours = |leaf: &Leaf| leaf.public_key_sha256 == public_key_sha256 && !earlier.contains(&leaf.serial);
    Leaf::all_in(pem).into_iter().find(is_ours)
}

/// The certificate that the others are the chain of: the only one with names of servers.
pub(super) fn leaf(pem: &str) -> Option<Leaf> {
    Leaf::all_in(pem).into_iter().find(|certificate| !certificate.dns_names.is_empty())
}

//! DNSimple's answers, read leniently: what is missing or null is none, and nothing that is unknown is an error. Names
//! are those of the schemas in its OpenAPI description.

use jiff::{Timestamp, civil::Date};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;

use crate::provider::lenient::{flag, id, lenient, number, text, texts};

/// *Whoami*: the account of an account token, or the user of a user token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Whoami {
    #[serde(deserialize_with = "lenient")]
    pub account: Option<AccountRow>,
    #[serde(deserialize_with = "lenient")]
    pub user: Option<UserRow>,
}

/// *Account*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AccountRow {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub email: Option<String>,
    #[serde(deserialize_with = "text")]
    pub plan_identifier: Option<String>,
}

/// *User*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UserRow {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub email: Option<String>,
}

/// *Domain*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Domain {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    /// `hosted`, `registered`, `expired`.
    #[serde(deserialize_with = "text")]
    pub state: Option<String>,
}

/// *Certificate*, of whatever CA.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Certificate {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "id")]
    pub domain_id: Option<String>,
    /// The label below the domain, e.g. `www`; empty for the domain itself.
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub common_name: Option<String>,
    #[serde(deserialize_with = "number")]
    pub years: Option<u64>,
    /// PEM; none while it is requested.
    #[serde(deserialize_with = "text")]
    pub csr: Option<String>,
    /// DNSimple's own word.
    #[serde(deserialize_with = "text")]
    pub state: Option<String>,
    /// DNSimple renews it by itself.
    #[serde(deserialize_with = "flag")]
    pub auto_renew: bool,
    #[serde(deserialize_with = "texts")]
    pub alternate_names: Vec<String>,
    /// `letsencrypt`, `comodo` (which is Sectigo by now) or `rapidssl`.
    #[serde(deserialize_with = "text")]
    pub authority_identifier: Option<String>,
    #[serde(deserialize_with = "time")]
    pub created_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub updated_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub expires_at: Option<Timestamp>,
    #[serde(deserialize_with = "date")]
    pub expires_on: Option<Date>,
}

impl Certificate {
    pub fn state(&self) -> State {
        State::read(self.state.as_deref())
    }

    /// Common name and alternative names, in lower case.
    pub fn names(&self) -> BTreeSet<String> {
        self.alternate_names.iter().chain(&self.common_name).map(|name| name.to_ascii_lowercase()).collect()
    }
}

/// `state` of a *Certificate* and of a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    New,
    Purchased,
    Configured,
    /// At the CA, which waits for its mail to be answered.
    Submitted,
    Issued,
    Rejected,
    Refunded,
    Cancelled,
    /// At Let's Encrypt.
    Requesting,
    Failed,
    /// Nothing that is documented.
    Unknown,
}

impl State {
    fn read(word: Option<&str>) -> Self {
        match word.unwrap_or_default().to_ascii_lowercase().as_str() {
            "new" => Self::New,
            "purchased" => Self::Purchased,
            "configured" => Self::Configured,
            "submitted" => Self::Submitted,
            "issued" => Self::Issued,
            "rejected" => Self::Rejected,
            "refunded" => Self::Refunded,
            "cancelled" | "canceled" => Self::Cancelled,
            "requesting" => Self::Requesting,
            "failed" => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// *CertificateDownload*, all PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Bundle {
    #[serde(deserialize_with = "text")]
    pub server: Option<String>,
    #[serde(deserialize_with = "text")]
    pub root: Option<String>,
    #[serde(deserialize_with = "texts")]
    pub chain: Vec<String>,
}

impl Bundle {
    /// Leaf, chain and root, when it is there, as one text. `None`: there is no leaf.
    pub fn pem(&self) -> Option<String> {
        let leaf = self.server.as_ref()?;
        let blocks = std::iter::once(leaf).chain(&self.chain).chain(&self.root);
        Some(blocks.map(|block| format!("{}\n", block.trim())).collect())
    }
}

/// *CertificatePrivateKey*: PEM.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PrivateKey {
    #[serde(deserialize_with = "secret")]
    pub private_key: Option<SecretString>,
}

/// *LetsencryptCertificatePurchase*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Purchase {
    /// Of the purchase: what is issued.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// Of the certificate, which can differ.
    #[serde(deserialize_with = "id")]
    pub certificate_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub state: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub auto_renew: bool,
}

/// *LetsencryptCertificateRenewal*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Renewal {
    /// Of the renewal: what is issued.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "id")]
    pub old_certificate_id: Option<String>,
    #[serde(deserialize_with = "id")]
    pub new_certificate_id: Option<String>,
    /// `new`, `renewing`, `renewed`, `cancelled` or `failed`.
    #[serde(deserialize_with = "text")]
    pub state: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub auto_renew: bool,
}

/// *Zone*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Zone {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    /// A copy of what another provider serves.
    #[serde(deserialize_with = "flag")]
    pub secondary: bool,
}

/// *ZoneRecord*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ZoneRecord {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// Below the zone; none at its apex.
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(rename = "type", deserialize_with = "text")]
    pub type_: Option<String>,
    /// Of a TXT record its strings as a zone file has them.
    #[serde(deserialize_with = "text")]
    pub content: Option<String>,
    /// Seconds.
    #[serde(deserialize_with = "number")]
    pub ttl: Option<u64>,
    /// One that DNSimple keeps itself.
    #[serde(deserialize_with = "flag")]
    pub system_record: bool,
}

/// *ZoneDistribution*.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Distribution {
    pub distributed: Option<bool>,
}

/// *Webhook*.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Webhook {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// Who knows it may call it.
    #[serde(deserialize_with = "secret")]
    pub url: Option<SecretString>,
    /// Since when DNSimple has given up calling it.
    #[serde(deserialize_with = "time")]
    pub suppressed_at: Option<Timestamp>,
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(text(from)?.and_then(|text| text.parse().ok()))
}

fn date<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    Ok(text(from)?.and_then(|text| text.parse().ok()))
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    Ok(text(from)?.map(SecretString::from))
}

//! What is said of a DNSimple account: by an issuer for all, and by a Certificate for itself.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretKeyRef;
use crate::api::schema;

/// An account at DNSimple and the certificates that are obtained there.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnSimple {
    /// Base URL of the API. Default: `https://api.dnsimple.com/v2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = schema::URL))]
    pub url: Option<String>,
    /// DNSimple's number of the account, which its pages have in their addresses.
    #[schemars(range(min = 1))]
    pub account_id: i64,
    /// An access token of the account that may read its domains and write their certificates: a key of a Secret in the issuer's namespace, for a ClusterIssuer in the operator's.
    pub token_secret_ref: SecretKeyRef,
    /// What is obtained.
    pub product: DnSimpleProduct,
}

/// What is obtained from DNSimple; of a Certificate by default what its issuer says. LetsEncrypt: ordered and renewed through the API, free, with a key that DNSimple makes. Existing: bought and re-issued on DNSimple's pages; Evercert says what is to be done there, and collects what comes of it.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DnSimpleProduct {
    LetsEncrypt,
    Existing,
}

impl DnSimpleProduct {
    /// As a policy's `products` names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LetsEncrypt => "LetsEncrypt",
            Self::Existing => "Existing",
        }
    }
}

//! What the Secret holds beside the pair: labels, further files, keystores. None of it concerns the CA.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{issuer::SecretKeyRef, schema};

/// Labels and annotations of the Secret, kept in sync; others that are there stay.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.labels) || self.labels.all(k, size(k) <= 317 && k.matches('^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$'))")
        .message("labels has a key that is none"),
    validation = Rule::new("!has(self.annotations) || self.annotations.all(k, size(k) <= 317 && k.matches('^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$'))")
        .message("annotations has a key that is none"),
    validation = Rule::new("!has(self.labels) || !self.labels.exists(k, k.startsWith('evercert.dev/'))")
        .message("labels of evercert.dev are Evercert's own"),
    validation = Rule::new("!has(self.annotations) || !self.annotations.exists(k, k.startsWith('evercert.dev/'))")
        .message("annotations of evercert.dev are Evercert's own")
)]
pub struct SecretTemplate {
    /// Labels, at most 32.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels")]
    pub labels: BTreeMap<String, String>,
    /// Annotations, at most 32 of 4096 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::annotations")]
    pub annotations: BTreeMap<String, String>,
}

/// A further form of the pair in the Secret.
#[derive(KubeSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdditionalOutputFormat {
    /// CombinedPEM (`tls-combined.pem`: key, then certificates) or DER (`key.der`: the key).
    #[serde(rename = "type")]
    pub type_: OutputFormat,
}

/// Name of a form.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputFormat {
    #[serde(rename = "CombinedPEM")]
    CombinedPem,
    #[serde(rename = "DER")]
    Der,
}

/// Keystores in the Secret, under a password from another Secret of the namespace.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Keystores {
    /// PKCS#12: `keystore.p12` with key and certificates and, when the CA delivers its root, `truststore.p12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pkcs12: Option<Pkcs12Keystore>,
    /// Java's own format before Java 9: `keystore.jks` and `truststore.jks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jks: Option<JksKeystore>,
}

/// A PKCS#12 keystore.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pkcs12Keystore {
    /// The password. A change is followed within ten minutes.
    pub password_secret_ref: SecretKeyRef,
    /// How it is encrypted. Default: Modern2023.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Pkcs12Profile>,
    /// Name of the entry. Default: certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 250), regex(pattern = schema::ALIAS))]
    pub alias: Option<String>,
}

/// Encryption of a PKCS#12 file: AES-256 with HMAC-SHA256 (Modern2023), or, for what is too old to read that, 40-bit RC2
/// (LegacyRC2) or 3DES (LegacyDES), both with HMAC-SHA1.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pkcs12Profile {
    #[default]
    Modern2023,
    #[serde(rename = "LegacyRC2")]
    LegacyRc2,
    #[serde(rename = "LegacyDES")]
    LegacyDes,
}

/// A JKS keystore.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JksKeystore {
    /// The password. A change is followed within ten minutes.
    pub password_secret_ref: SecretKeyRef,
    /// Name of the entry, in lower case. Default: certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 250), regex(pattern = schema::ALIAS))]
    pub alias: Option<String>,
}

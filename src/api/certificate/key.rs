//! Keys, and the hash of the CA's signature.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Kind of key.
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.size) || self.size in (self.algorithm == 'ECDSA' ? [256, 384] : [2048, 3072, 4096])")
        .message("size is 256 or 384 for ECDSA; 2048, 3072 or 4096 for RSA")
)]
pub struct PrivateKey {
    /// ECDSA or RSA.
    pub algorithm: KeyAlgorithm,
    /// Bits. ECDSA: 256 (default) or 384. RSA: 2048 (default), 3072 or 4096.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 256, max = 4096))]
    pub size: Option<i32>,
    /// Form of tls.key: PKCS8 (default) or PKCS1, which for ECDSA means SEC1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<KeyEncoding>,
    /// Always (default): each certificate gets a new key. Never: the key stays, except when it is lost, compromised or revoked, or another kind is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation_policy: Option<RotationPolicy>,
}

impl PrivateKey {
    /// The key size in bits, the default of the algorithm filled in.
    pub fn bits(&self) -> i32 {
        self.size.unwrap_or(match self.algorithm {
            KeyAlgorithm::Ecdsa => 256,
            KeyAlgorithm::Rsa => 2048,
        })
    }
}

/// Algorithm of a key.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum KeyAlgorithm {
    #[default]
    Ecdsa,
    Rsa,
}

impl KeyAlgorithm {
    /// The wire spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ecdsa => "ECDSA",
            Self::Rsa => "RSA",
        }
    }
}

/// Form of a private key in PEM and DER.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum KeyEncoding {
    #[default]
    Pkcs8,
    Pkcs1,
}

/// Whether each certificate gets a new key.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RotationPolicy {
    #[default]
    Always,
    Never,
}

/// Hash of a signature.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureHash {
    #[default]
    Sha256,
    Sha384,
    Sha512,
}

impl SignatureHash {
    /// The wire spelling, which is CertCentral's too (Services API, *Order certificate*, `signature_hash`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }
}

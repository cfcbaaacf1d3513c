//! `Issuer` and `ClusterIssuer`: an account at a provider, its defaults, its DCV publishers, its policy.

mod dcv;
mod digicert;
mod dnsimple;
mod policy;
mod sectigo;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::Duration;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

pub use dcv::*;
pub use digicert::*;
pub use dnsimple::*;
pub use policy::*;
pub use sectigo::*;

/// An account at a provider, for one namespace.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "evercert.dev",
    version = "v1alpha1",
    kind = "Issuer",
    namespaced,
    status = "IssuerStatus",
    shortname = "eviss",
    category = "evercert",
    derive = "PartialEq",
    doc = "An account at a certificate provider that Certificates of the same namespace may use.",
    validation = Rule::new("!has(self.spec.dcv) || !has(self.spec.dcv.publishers) || self.spec.dcv.publishers.all(p, !has(p.certManagerWebhook))")
        .message("publisher certManagerWebhook is for a ClusterIssuer"),
    validation = Rule::new("!has(self.spec.dcv) || !has(self.spec.dcv.publishers) || self.spec.dcv.publishers.all(p, !has(p.http))")
        .message("publisher http is for a ClusterIssuer"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Provider", type_ = "string", json_path = ".status.account.provider"),
    printcolumn(name = "Account", type_ = "string", json_path = ".status.account.id"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        priority = 1,
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("[has(self.digicert), has(self.sectigo), has(self.dnsimple)].exists_one(x, x)")
        .message("exactly one provider block is needed: digicert, sectigo or dnsimple"),
    validation = Rule::new("!has(self.dnsimple) || !has(self.dcv)")
        .message("DNSimple validates domains by itself: leave dcv out"),
    validation = Rule::new("!has(self.sectigo) || !has(self.dcv) || !has(self.dcv.method) || self.dcv.method != 'Email'")
        .message("validation by mail is for digicert")
)]
pub struct IssuerSpec {
    /// DigiCert CertCentral (Services API v2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digicert: Option<DigiCert>,
    /// Sectigo Certificate Manager (Admin API).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sectigo: Option<Sectigo>,
    /// DNSimple (API v2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnsimple: Option<DnSimple>,
    /// PEM certificates trusted for the provider's API endpoint, instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub ca_bundle: Option<String>,
    /// How fast the provider may be called. One bucket per credential, shared by all issuers that use it. Default: what the provider allows, and a little less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How control of the domains is proven to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dcv: Option<Dcv>,
    /// What Certificates may ask of this issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// Whose API an issuer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    DigiCert,
    Sectigo,
    DnSimple,
}

impl Vendor {
    /// As accounts name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DigiCert => "digicert",
            Self::Sectigo => "sectigo",
            Self::DnSimple => "dnsimple",
        }
    }
}

impl IssuerSpec {
    /// By its provider block.
    pub fn vendor(&self) -> Vendor {
        match (&self.sectigo, &self.dnsimple) {
            (Some(_), _) => Vendor::Sectigo,
            (None, Some(_)) => Vendor::DnSimple,
            (None, None) => Vendor::DigiCert,
        }
    }
}

/// An account at a provider, for every namespace its policy lets in.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "evercert.dev",
    version = "v1alpha1",
    kind = "ClusterIssuer",
    status = "IssuerStatus",
    shortname = "evciss",
    category = "evercert",
    derive = "PartialEq",
    doc = "An account at a certificate provider that Certificates of every namespace its policy lets in may use.",
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Provider", type_ = "string", json_path = ".status.account.provider"),
    printcolumn(name = "Account", type_ = "string", json_path = ".status.account.id"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        priority = 1,
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.policy) && has(self.policy.rules) && size(self.policy.rules) > 0")
        .message("a ClusterIssuer needs at least one entry in policy.rules"),
    validation = Rule::new("!has(self.policy) || !has(self.policy.rules) || self.policy.rules.all(r, has(r.namespaceSelector))")
        .message("each policy rule of a ClusterIssuer needs a namespaceSelector; {} is every namespace")
)]
pub struct ClusterIssuerSpec {
    #[serde(flatten)]
    pub issuer: IssuerSpec,
}

/// One key of a Secret.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::OBJECT_NAME))]
    pub name: String,
    /// Key in its data.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::SECRET_KEY))]
    pub key: String,
}

/// A token bucket: `requests` calls every `per`, at most `burst` at once.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Calls in each period.
    #[schemars(with = "i32", range(min = 1, max = 100000))]
    pub requests: u32,
    /// The period, e.g. `180s`; one second to one day.
    #[schemars(schema_with = "schema::duration")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('24h')").message("per is between 1s and 24h"))]
    pub per: Duration,
    /// Calls that may be made at once. Default: the provider's own, at most requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 100000))]
    pub burst: Option<u32>,
}

/// What is known of the account.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuerStatus {
    /// metadata.generation this status was derived from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready is the outcome of a real call to the account; CircuitOpen is there while it is not called, because it answers with errors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The account as the provider reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountStatus>,
    /// Submissions that count against a policy rule's `maxPaid`. Kept here, so that they outlive their namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2048))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub reservations: Vec<Reservation>,
}

/// The account as the provider reports it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountStatus {
    /// Which provider, e.g. `digicert`.
    #[schemars(length(max = 63))]
    pub provider: String,
    /// Host, and port when not the default, of its API.
    #[schemars(length(max = 262))]
    pub host: String,
    /// The provider's id of the account.
    #[schemars(length(max = 128))]
    pub id: String,
    /// The provider's name of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub name: Option<String>,
    /// Name of the organization in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub organization: Option<String>,
}

/// Which issuer a Certificate uses.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuerRef {
    /// Issuer (default, same namespace) or ClusterIssuer.
    #[serde(default, skip_serializing_if = "IssuerKind::is_issuer")]
    pub kind: IssuerKind,
    /// Its name.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::OBJECT_NAME))]
    pub name: String,
}

/// The two kinds of issuers.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IssuerKind {
    #[default]
    Issuer,
    ClusterIssuer,
}

impl IssuerKind {
    fn is_issuer(&self) -> bool {
        *self == Self::Issuer
    }
}

impl std::fmt::Display for IssuerRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}/{}", self.kind, self.name)
    }
}

//! `Issuer` and `ClusterIssuer`: an account at a provider, its defaults, its DCV publishers, its policy.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::core::Duration;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// An account at a provider, for one namespace, and for namespaces its policy does not list none.
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
#[x_kube(validation = Rule::new("[has(self.digicert)].exists_one(x, x)").message("exactly one provider block is needed: digicert"))]
pub struct IssuerSpec {
    /// DigiCert CertCentral (Services API v2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digicert: Option<DigiCert>,
    /// PEM certificates trusted for the provider's API endpoint, instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub ca_bundle: Option<String>,
    /// How fast the provider may be called. One bucket per credential, shared by all issuers that use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How control of the domains is proven to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dcv: Option<Dcv>,
    /// What Certificates may ask of this issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// The same, for every namespace its policy lets in.
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
#[x_kube(validation = Rule::new("has(self.policy) && has(self.policy.rules) && size(self.policy.rules) > 0").message("a ClusterIssuer needs at least one entry in policy.rules; namespaceSelector {} lets every namespace in"))]
pub struct ClusterIssuerSpec {
    #[serde(flatten)]
    pub issuer: IssuerSpec,
}

/// A CertCentral account and the defaults for what is ordered from it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DigiCert {
    /// Base URL of the Services API. Default: `https://www.digicert.com/services/v2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"))]
    pub url: Option<String>,
    /// The API key: a key of a Secret in the issuer's namespace, for a ClusterIssuer in the operator's.
    pub api_key_secret_ref: SecretKeyRef,
    /// CertCentral's id of the organization in OV and EV certificates. Not needed for DV products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub organization_id: Option<i64>,
    /// CertCentral's product `name_id`, e.g. `ssl_basic`.
    #[schemars(length(min = 1, max = 64), regex(pattern = schema::PRODUCT))]
    pub product: String,
    /// Length of the order. Inside it reissues are free. Default: one year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_validity: Option<OrderValidity>,
    /// CertCentral's id of the division (container) that orders are placed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub container_id: Option<i64>,
    /// Whether orders skip the account's approval step. Needs an API key that may approve. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_approval: Option<bool>,
    /// How orders are paid. Default: the account's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<PaymentMethod>,
    /// Whether CertCentral's mails about expiry are switched off for our orders. Default: CertCentral's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_renewal_notifications: Option<bool>,
}

/// How CertCentral is paid for an order.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentMethod {
    Balance,
    Card,
    Profile,
}

/// Length of an order: exactly one of years and days.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OrderValidity {
    /// Years, 1 to 3.
    Years(#[schemars(range(min = 1, max = 3))] i32),
    /// Days, 1 to 1190.
    Days(#[schemars(range(min = 1, max = 1190))] i32),
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
    #[schemars(range(min = 1, max = 100000))]
    pub requests: u32,
    /// The period, e.g. `180s`; one second to one day.
    #[schemars(schema_with = "schema::duration")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('24h')").message("per is between 1s and 24h"))]
    pub per: Duration,
    /// Calls that may be made at once. Default: a tenth of requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100000))]
    pub burst: Option<u32>,
}

/// Domain control validation.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dcv {
    /// The method asked for. Auto (default) takes the first that a publisher can serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<DcvMethod>,
    /// Who must see a record before the provider is asked to check. Authoritative (default): every name server of the zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_check: Option<SelfCheck>,
    /// Where records get published: the first entry whose zones cover the name. None: as `manual`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub publishers: Vec<Publisher>,
}

/// How control of a domain is proven.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DcvMethod {
    /// Chosen by Evercert.
    #[default]
    Auto,
    /// A TXT record.
    DnsTxt,
    /// A CNAME record.
    DnsCname,
}

/// Check before the provider is asked to look.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelfCheck {
    /// All authoritative name servers of the zone.
    #[default]
    Authoritative,
    /// Nobody: the provider is asked at once.
    None,
}

/// One place where records get published. Exactly one of rfc2136 and manual.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Publisher {
    /// Zones this entry serves, with everything below them. None: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253), regex(pattern = schema::ZONE)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub zones: Vec<String>,
    #[serde(flatten)]
    pub target: PublishTo,
}

/// How a record gets into the DNS.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PublishTo {
    /// Dynamic updates (RFC 2136) with TSIG (RFC 8945).
    Rfc2136(Rfc2136),
    /// A person; the Certificate's ActionRequired condition shows the exact record.
    Manual(Manual),
}

/// A name server that takes dynamic updates for the zones.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rfc2136 {
    /// The primary name server, `host:port` or `host` (port 53).
    #[schemars(length(min = 1, max = 262), regex(pattern = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?$"))]
    pub nameserver: String,
    /// The key that signs updates.
    pub tsig: Tsig,
}

/// A TSIG key.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tsig {
    /// Name of the key at the name server.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[A-Za-z0-9_.-]+$"))]
    pub key_name: String,
    /// Default: HmacSha256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<TsigAlgorithm>,
    /// Where the base64 key material is.
    pub secret_ref: SecretKeyRef,
}

/// MAC of a TSIG signature; the ones RFC 8945 still recommends.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TsigAlgorithm {
    #[default]
    HmacSha256,
    HmacSha384,
    HmacSha512,
}

/// Nothing to configure.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manual {}

/// What Certificates may ask of an issuer.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The first rule that matches the Certificate's namespace decides; when none matches it is refused. An Issuer without rules serves its own namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub rules: Vec<PolicyRule>,
    /// What to do when a paid call may have been accepted and cannot be found after the provider's settle time. Ask (default) stops and waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambiguous_paid: Option<AmbiguousPaid>,
}

/// What one group of namespaces may ask for.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRule {
    /// Shown in conditions when the rule refuses.
    #[schemars(length(min = 1, max = 63), regex(pattern = schema::OBJECT_NAME))]
    pub name: String,
    /// Labels of the namespaces it is for. `{}` or nothing: every namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub namespace_selector: Option<LabelSelector>,
    /// Names that may be asked for. `*.example.com` covers any depth and the wildcard itself, not the apex. None: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 253), regex(pattern = schema::DNS_NAME)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub allowed_domains: Vec<String>,
    /// Products a Certificate may choose instead of the issuer's. None: no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 64), regex(pattern = schema::PRODUCT)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub products: Vec<String>,
}

/// A paid call may have been accepted and cannot be found.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AmbiguousPaid {
    /// Stop with NeedsAttention until a person has looked.
    #[default]
    Ask,
    /// Place it again, where our key can be searched at the provider.
    RepeatWhenAbsent,
}

/// What is known of the account.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuerStatus {
    /// metadata.generation this status was derived from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready is the outcome of a real call to the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The account as the provider reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountStatus>,
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

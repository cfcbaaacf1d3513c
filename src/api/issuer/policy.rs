//! What Certificates may ask of an issuer.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, Time};
use kube::{KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema;

/// What Certificates may ask of an issuer.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.rules) || self.rules.map(r, has(r.maxPaid) ? r.maxPaid.count : 0).sum() <= 1000")
        .message("maxPaid.count of all rules together is at most 1000")
)]
pub struct Policy {
    /// The first rule that matches the Certificate's namespace decides; when none matches it is refused. An Issuer without rules serves its own namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub rules: Vec<PolicyRule>,
    /// Orders, by the provider's ids, that may be adopted also where the Secret does not hold their key, or duplicated by namespaces without an Issuance on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 64), regex(pattern = schema::ORDER_ID)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub adoptable: Vec<String>,
    /// Whether what the account has is used first. Default: Never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt_existing: Option<AdoptExisting>,
    /// What is done where a certificate profile of SCM lets what it issued be neither renewed nor replaced. Default: Ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_forbidden: Option<WhenForbidden>,
    /// A paid call may have been accepted and cannot be found.
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
    /// Labels of the namespaces it is for. `{}` is every namespace; an Issuer's rule may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub namespace_selector: Option<LabelSelector>,
    /// Names that may be asked for. `*.example.com` covers any depth and the wildcard itself, not the apex. None: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 253), regex(pattern = schema::DNS_NAME)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub allowed_domains: Vec<String>,
    /// Products a Certificate may choose instead of the issuer's; at SCM ids of certificate profiles. None: no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 64), regex(pattern = schema::PRODUCT)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub products: Vec<String>,
    /// The provider's ids of organizations (at SCM also departments) a Certificate may choose instead of the issuer's. None: no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(range(min = 1)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub organizations: Vec<i64>,
    /// CertCentral's ids of divisions (containers) a Certificate may choose instead of the issuer's. None: no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(range(min = 1)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub containers: Vec<i64>,
    /// How many operations that may cost these namespaces may ask for together. None: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_paid: Option<MaxPaid>,
    /// Operations that a person with the verb approve has to approve, by what they cost. None: nobody is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub require_approval: Vec<CostToApprove>,
}

/// Costs that a person may be asked about.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CostToApprove {
    /// Orders and renewals.
    Paid,
    /// Reissues that add names.
    MayCharge,
}

/// At most `count` operations that may cost in any `per`.
#[derive(KubeSchema, Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MaxPaid {
    /// How many.
    #[schemars(with = "i32", range(min = 1, max = 1000))]
    pub count: u32,
    /// In any period of this length, e.g. `24h`; one minute to 400 days.
    #[schemars(schema_with = "schema::duration")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1m') && duration(self) <= duration('9600h')").message("per is between 1m and 9600h"))]
    pub per: Duration,
}

/// One submission that may cost and counts against a rule's `maxPaid`.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// `<namespace>/<name>` of its Issuance.
    #[schemars(length(max = 317))]
    pub issuance: String,
    /// Which submission of it.
    #[schemars(range(min = 1, max = 16))]
    pub n: i32,
    /// The policy rule it counts against.
    #[schemars(length(max = 63))]
    pub rule: String,
    /// When it was made, on the clock that budgets are measured on.
    pub at: Time,
    /// uid of its Certificate: one of the same name made later has another.
    #[schemars(length(max = 64))]
    pub certificate_uid: String,
    /// SHA-256 of the SubjectPublicKeyInfo that is asked for.
    #[schemars(length(max = 64))]
    pub public_key_sha256: String,
}

/// What to do when a paid call may have been accepted and cannot be found after the provider's settle time. Ask (default) stops and waits for a person; RepeatWhenAbsent places it again where our key can be searched.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AmbiguousPaid {
    /// Stop with NeedsAttention until a person has looked.
    #[default]
    Ask,
    /// Place it again, where our key can be searched at the provider.
    RepeatWhenAbsent,
}

/// What to do where a profile forbids a renewal or a replacement. Ask (default): a person is told, who may ask for a new, paid order by a reissue token. Order: a new, paid order takes its place.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhenForbidden {
    /// A person is told.
    #[default]
    Ask,
    /// A new, paid order takes its place.
    Order,
}

/// Whether an order of exactly the names wanted is looked for, and taken over, before a first one is bought: Never (default), or Matching.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdoptExisting {
    /// Only orders that a Certificate names.
    #[default]
    Never,
    /// Also an issued order of exactly these names, where it may be adopted.
    Matching,
}

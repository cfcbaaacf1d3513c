//! How far an Issuance has come.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Cost;
use crate::api::schema;

/// How far the operation has come.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuanceStatus {
    /// How far it has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// When the provider accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Time>,
    /// The provider's id of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub order_id: Option<String>,
    /// The provider's id of the request that waits for approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub request_id: Option<String>,
    /// The provider's id of the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub certificate_id: Option<String>,
    /// End of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_valid_till: Option<Time>,
    /// Domains whose control is to be proven.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 250))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["domain".into()]))]
    pub validations: Vec<Validation>,
    /// Serial number, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub serial_number: Option<String>,
    /// End of the certificate's validity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Time>,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal, of a key that the provider has made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub public_key_sha256: Option<String>,
    /// What people were asked to do on the provider's pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<ByHand>,
    /// Whether it cost money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// The verified certificates, PEM, leaf first, root last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub chain: Option<String>,
    /// What became of each submission. One without an outcome is ambiguous.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["n".into()]))]
    pub outcomes: Vec<Outcome>,
    /// Searches at the provider for what an ambiguous submission may have placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
    /// Serial numbers revoked after a key compromise, or left to people as ActionRequired says; lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 64)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub revoked_serials: Vec<String>,
    /// Why it failed or needs attention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Approved, Denied and Resolved are set by people with the verb approve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}

/// How far an Issuance has come.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Recorded, nothing sent yet.
    Pending,
    /// A person must approve it here.
    AwaitingApproval,
    /// The call is being made, or its outcome is being looked for.
    Submitting,
    /// Accepted by the provider.
    Submitted,
    /// Control of domains is being proven.
    Validating,
    /// The provider has all it needs.
    AwaitingProvider,
    /// The certificate was downloaded and verified.
    Issued,
    /// It is in the Secret.
    Installed,
    /// Ended without a certificate.
    Failed,
    /// Refused by a person.
    Denied,
    /// A later Issuance took its place.
    Superseded,
    /// A person must look: see failure.
    NeedsAttention,
}

impl State {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Installed | Self::Failed | Self::Denied | Self::Superseded)
    }
}

/// One domain whose control is to be proven.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// The domain as the provider names it.
    #[schemars(length(max = 253))]
    pub domain: String,
    /// The provider's method in use.
    pub method: ValidationMethod,
    /// How far it has come.
    pub state: ValidationState,
    /// The record or file that must be visible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    /// To whom the provider may have sent its mail, one of whom has to answer it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 320)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub emails: Vec<String>,
    /// Who publishes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<PublisherKind>,
    /// Where the record stands instead, at the end of the CNAMEs that begin at its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub delegated_to: Option<String>,
    /// When it came into this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// The provider is not asked sooner: until then others may still see what was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_at: Option<Time>,
    /// What is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
}

/// A DCV method in use.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ValidationMethod {
    DnsTxt,
    DnsCname,
    Http,
    Email,
}

/// How far a validation has come.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ValidationState {
    /// The record is not published yet.
    Pending,
    /// It is published, or a person was told to.
    Published,
    /// The self-check has seen it; the provider is asked to look.
    Visible,
    /// The provider is satisfied; the record may still be there.
    Valid,
    /// The provider is satisfied and our record is gone.
    Cleaned,
}

/// A publisher in use.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PublisherKind {
    Rfc2136,
    Dnsimple,
    ExternalDns,
    CertManagerWebhook,
    Http,
    Manual,
}

impl PublisherKind {
    /// Whether Evercert publishes by it, and has to clean up.
    pub fn is_automatic(self) -> bool {
        self != Self::Manual
    }
}

/// A DNS record, or a file on a web server.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Owner name, absolute, without the final dot; of a file its URL.
    #[schemars(length(max = 320))]
    pub name: String,
    /// TXT or CNAME, or HTTP for a file.
    #[serde(rename = "type")]
    pub type_: RecordType,
    /// Text, target without the final dot, or what the file contains.
    #[schemars(length(max = 1024))]
    pub value: String,
}

/// Type of a record.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    Txt,
    Cname,
    Http,
}

/// What became of one submission.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Which submission.
    #[schemars(range(min = 1, max = 16))]
    pub n: i32,
    /// What it means.
    pub class: OutcomeClass,
    /// The provider's code, or what happened on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub code: Option<String>,
    /// When it was recorded.
    pub at: Time,
}

/// What an answer, or none, means.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OutcomeClass {
    /// The provider has it.
    Accepted,
    /// The provider has refused it for certain.
    Rejected,
    /// Refused for now, for certain.
    RateLimited,
    /// The connection never carried the request.
    NotSent,
    /// Refused for certain until a person acts.
    Blocked,
    /// Nobody knows.
    Ambiguous,
}

/// What people were asked to do on the provider's pages, where its API cannot.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ByHand {
    /// Where.
    #[schemars(length(max = 1024))]
    pub page: String,
    /// Since when, on the clock that certificates are measured by.
    pub since: Time,
    /// How often they were reminded.
    #[schemars(with = "i32", range(min = 0, max = 1000000))]
    pub reminders: u32,
}

/// Searches made after an ambiguous submission.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Looks {
    /// For which submission.
    #[schemars(range(min = 1, max = 16))]
    pub n: i32,
    /// How many found nothing.
    #[schemars(with = "i32", range(min = 0, max = 1000000))]
    pub count: u32,
    /// The first of them.
    pub since: Time,
    /// The last of them.
    pub last_at: Time,
}

/// Why an Issuance failed or needs attention.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Kind of failure.
    pub class: FailureClass,
    /// The provider's code, or ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub code: Option<String>,
    /// For people: what happened and what can be done.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = 64))]
    pub at: Option<Time>,
}

/// Kind of failure.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureClass {
    /// The provider refused the request.
    Rejected,
    /// The provider refuses until a person acts.
    Blocked,
    /// It may have been accepted and cannot be found.
    Ambiguous,
    /// The order or request was rejected or canceled at the provider.
    Canceled,
    /// What the CA delivered was not believed.
    InvalidCertificate,
    /// The key Secret is missing, or not the one recorded.
    KeyMissing,
    /// Refused by a person here.
    Denied,
    /// Its Certificate was deleted before there was a certificate.
    Withdrawn,
    /// The limit of submissions is reached.
    Exhausted,
}

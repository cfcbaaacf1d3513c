//! `Issuance`: one operation at the CA, its intent, ids, validations and outcome. The durable ledger.
//!
//! The intent is in spec because backup tools restore resources without status: a submission without
//! an outcome is *ambiguous*, never *new*.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::certificate::{KeyAlgorithm, SignatureHash, Validity};
use super::issuer::{IssuerRef, OrderValidity};
use super::schema;

/// What is to be done at the CA: immutable, except submissions, which only grows.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "evercert.dev",
    version = "v1alpha1",
    kind = "Issuance",
    namespaced,
    status = "IssuanceStatus",
    shortname = "evisn",
    category = "evercert",
    derive = "PartialEq",
    selectable = ".spec.certificateRef.name",
    doc = "One operation at a certificate provider, recorded before the call is made. Written by Evercert only.",
    validation = Rule::new("self.metadata.name == self.spec.certificateRef.name + '-' + string(self.spec.revision)").message("an Issuance is named <certificate>-<revision>"),
    printcolumn(name = "Certificate", type_ = "string", json_path = ".spec.certificateRef.name"),
    printcolumn(name = "Operation", type_ = "string", json_path = ".spec.operation"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".spec.reason"),
    printcolumn(name = "State", type_ = "string", json_path = ".status.state"),
    printcolumn(name = "Order", type_ = "string", json_path = ".status.orderId"),
    printcolumn(name = "Cost", type_ = "string", json_path = ".status.cost"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Serial", type_ = "string", priority = 1, json_path = ".status.serialNumber"),
    printcolumn(name = "Expires", type_ = "string", priority = 1, json_path = ".status.notAfter"),
    printcolumn(name = "Message", type_ = "string", priority = 1, json_path = ".status.failure.message")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.certificateRef == oldSelf.certificateRef && self.issuerRef == oldSelf.issuerRef && self.account == oldSelf.account && self.revision == oldSelf.revision && self.operation == oldSelf.operation && self.reason == oldSelf.reason && self.request == oldSelf.request && self.idempotencyKey == oldSelf.idempotencyKey").message("spec is immutable except submissions"),
    validation = Rule::new("has(self.requestToken) == has(oldSelf.requestToken) && (!has(self.requestToken) || self.requestToken == oldSelf.requestToken) && has(self.parent) == has(oldSelf.parent) && (!has(self.parent) || self.parent == oldSelf.parent) && has(self.supersedes) == has(oldSelf.supersedes) && (!has(self.supersedes) || self.supersedes == oldSelf.supersedes)").message("spec is immutable except submissions"),
    validation = Rule::new("size(self.submissions) >= size(oldSelf.submissions) && oldSelf.submissions.all(i, s, self.submissions[i] == s)").message("submissions only grows"),
    validation = Rule::new("self.submissions.all(i, s, s.n == i + 1)").message("submissions are numbered 1, 2, 3, …"),
    validation = Rule::new("has(self.parent) == (self.operation != 'Order')").message("Reissue and Renew need a parent, Order has none")
)]
pub struct IssuanceSpec {
    /// The Certificate this is for.
    pub certificate_ref: CertificateRef,
    /// The issuer it names.
    pub issuer_ref: IssuerRef,
    /// The account at the provider, as the provider reports it.
    pub account: Account,
    /// 1 + the highest revision known before.
    #[schemars(range(min = 1))]
    pub revision: i64,
    /// Order, Reissue or Renew.
    pub operation: Operation,
    /// What triggered it.
    pub reason: Trigger,
    /// The user's reissue token, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub request_token: Option<String>,
    /// What is really asked for, every default resolved.
    pub request: Request,
    /// The order that is reissued or renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// What the new certificate replaces; after a key compromise these are revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Supersedes>,
    /// UUIDv8 that the provider stores with the order, where it can.
    #[schemars(length(max = 36), regex(pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    pub idempotency_key: String,
    /// The intents, each appended before its call.
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub submissions: Vec<Submission>,
}

/// A Certificate of the same namespace.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRef {
    /// Its name.
    #[schemars(length(min = 1, max = 200), regex(pattern = schema::OBJECT_NAME))]
    pub name: String,
    /// Its uid.
    #[schemars(length(min = 1, max = 64))]
    pub uid: String,
}

/// An account at a provider. Never key material: a rotated API key changes nothing.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Which provider, e.g. `digicert`.
    #[schemars(length(min = 1, max = 63))]
    pub provider: String,
    /// Host, and port when not the default, of its API.
    #[schemars(length(min = 1, max = 262))]
    pub host: String,
    /// The provider's id of the account.
    #[schemars(length(min = 1, max = 128))]
    pub id: String,
}

/// An operation at a CA.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// A new order: paid.
    Order,
    /// Another certificate on the same order.
    Reissue,
    /// A new order that follows an older one: paid.
    Renew,
}

/// What triggers an operation.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trigger {
    FirstIssue,
    Expiring,
    KeyLost,
    KeyCompromise,
    SpecChanged,
    IssuerChanged,
    Requested,
    Revoked,
}

/// Whether an operation costs money.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cost {
    Free,
    /// A reissue that adds names can be charged for.
    MayCharge,
    Paid,
    Unknown,
}

/// Who made the key.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyOrigin {
    /// Evercert.
    #[default]
    Ours,
}

/// What is really asked for, every default resolved.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Common name of the CSR.
    #[schemars(length(max = 64))]
    pub common_name: String,
    /// Every name of the CSR, sorted.
    #[schemars(length(min = 1, max = 250), inner(length(max = 253)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub dns_names: Vec<String>,
    /// The CSR, PEM.
    #[schemars(length(max = 32768))]
    pub csr: String,
    /// SHA-256 of its SubjectPublicKeyInfo, lower-case hexadecimal.
    #[schemars(length(min = 64, max = 64), regex(pattern = "^[0-9a-f]{64}$"))]
    pub public_key_sha256: String,
    /// Who made the key.
    pub key_origin: KeyOrigin,
    /// Algorithm of the key.
    pub key_algorithm: KeyAlgorithm,
    /// Bits of the key.
    pub key_size: i32,
    /// How long the certificate is asked to be valid. Nothing: the longest the provider gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// The provider's product.
    #[schemars(length(max = 64))]
    pub product: String,
    /// Hash of the CA's signature.
    pub signature_hash: SignatureHash,
    /// The provider's id of the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<i64>,
    /// Length of the order; for Order and Renew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_validity: Option<OrderValidity>,
}

/// The order that is reissued or renewed.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parent {
    /// The provider's id of the order.
    #[schemars(length(min = 1, max = 128))]
    pub order_id: String,
    /// The provider's id of the certificate in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub certificate_id: Option<String>,
}

/// What a new certificate replaces.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Supersedes {
    /// SHA-256 of the old SubjectPublicKeyInfo, lower-case hexadecimal.
    #[schemars(length(max = 64))]
    pub public_key_sha256: String,
    /// Serial numbers of its unexpired certificates, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 64)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub serial_numbers: Vec<String>,
}

/// The intent to make one call, recorded before it is made.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// 1, 2, 3, …
    #[schemars(range(min = 1, max = 16))]
    pub n: i32,
    /// When it was recorded.
    #[schemars(extend("maxLength" = 64))]
    pub at: Time,
    /// Id of the operator's installation.
    #[schemars(length(max = 64))]
    pub installation: String,
    /// Holder of the Lease at that time.
    #[schemars(length(max = 253))]
    pub holder: String,
}

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
    /// Serial numbers revoked at the end of a key compromise, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 64)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub revoked_serials: Vec<String>,
    /// Why it failed or needs attention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When the provider is asked next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_check: Option<Time>,
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
    /// The record that must be visible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    /// Who publishes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<PublisherKind>,
    /// When it came into this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
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
    Manual,
}

/// A DNS record.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Owner name, absolute, without the final dot.
    #[schemars(length(max = 253))]
    pub name: String,
    /// TXT or CNAME.
    #[serde(rename = "type")]
    pub type_: RecordType,
    /// Text, or target without the final dot.
    #[schemars(length(max = 1024))]
    pub value: String,
}

/// Type of a DNS record.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    Txt,
    Cname,
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

/// Searches made after an ambiguous submission.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Looks {
    /// How many found nothing.
    #[schemars(range(max = 1000000))]
    pub count: u32,
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
    /// The limit of submissions is reached.
    Exhausted,
}

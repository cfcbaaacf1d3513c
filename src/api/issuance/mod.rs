//! `Issuance`: one operation at the CA, its intent, ids, validations and outcome. The durable ledger.
//!
//! The intent is in spec because backup tools restore resources without status: a submission without
//! an outcome is *ambiguous*, never *new*.

mod digicert;
mod dnsimple;
mod sectigo;
mod status;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::certificate::{KeyAlgorithm, SignatureHash, Validity};
use super::issuer::{IssuerRef, OrderValidity};
use super::schema;

pub use digicert::*;
pub use dnsimple::*;
pub use sectigo::*;
pub use status::*;

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
    validation = Rule::new("self.metadata.name.startsWith(self.spec.certificateRef.name + '-') && int(self.metadata.name.substring(size(self.spec.certificateRef.name) + 1)) == self.spec.revision")
        .message("an Issuance is named <certificate>-<revision>"),
    printcolumn(name = "Certificate", type_ = "string", json_path = ".spec.certificateRef.name"),
    printcolumn(name = "Operation", type_ = "string", json_path = ".spec.operation"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".spec.reason"),
    printcolumn(name = "State", type_ = "string", json_path = ".status.state"),
    printcolumn(name = "Order", type_ = "string", json_path = ".status.orderId"),
    printcolumn(name = "Cost", type_ = "string", json_path = ".status.cost"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Serial", type_ = "string", priority = 1, json_path = ".status.serialNumber"),
    printcolumn(name = "Expires", type_ = "string", priority = 1, json_path = ".status.notAfter"),
    printcolumn(name = "Key", type_ = "string", priority = 1, json_path = ".spec.request.keyOrigin"),
    printcolumn(name = "Message", type_ = "string", priority = 1, json_path = ".status.failure.message")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    // Field by field: comparing whole optional values exceeds the cost budget.
    validation = Rule::new(
        "self.certificateRef == oldSelf.certificateRef && self.issuerRef == oldSelf.issuerRef && \
            self.account == oldSelf.account && self.revision == oldSelf.revision && \
            self.operation == oldSelf.operation && self.cost == oldSelf.cost && self.reason == oldSelf.reason && \
            self.request == oldSelf.request && self.idempotencyKey == oldSelf.idempotencyKey"
    )
    .message("spec is immutable, except submissions"),
    validation = Rule::new(
        "has(self.requestToken) == has(oldSelf.requestToken) && \
            (!has(self.requestToken) || self.requestToken == oldSelf.requestToken) && \
            has(self.parent) == has(oldSelf.parent) && (!has(self.parent) || self.parent == oldSelf.parent) && \
            has(self.supersedes) == has(oldSelf.supersedes) && \
            (!has(self.supersedes) || self.supersedes == oldSelf.supersedes) && \
            has(self.adopt) == has(oldSelf.adopt) && (!has(self.adopt) || self.adopt == oldSelf.adopt)"
    )
    .message("spec is immutable, except submissions"),
    validation = Rule::new(
        "size(self.submissions) >= size(oldSelf.submissions) && \
            oldSelf.submissions.all(i, s, self.submissions[i] == s)"
    )
    .message("submissions only grows"),
    validation = Rule::new("self.submissions.all(i, s, s.n == i + 1)").message("submissions are numbered 1, 2, 3, …"),
    validation = Rule::new("self.operation == 'Collect' || has(self.parent) == (self.operation != 'Order')")
        .message("all operations but Order and Collect need a parent, Order has none"),
    validation = Rule::new("!(self.operation in ['Adopt', 'Collect']) || size(self.submissions) == 0")
        .message("nothing is submitted for an Adopt or a Collect"),
    validation = Rule::new("(self.request.keyOrigin == 'Provider') == (size(self.request.publicKeySha256) == 0)")
        .message("a key that the provider makes is not known before, every other one is")
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
    /// Order, Reissue, Renew, Duplicate, Adopt or Collect.
    pub operation: Operation,
    /// What it is expected to cost.
    pub cost: Cost,
    /// What triggered it.
    pub reason: Trigger,
    /// The user's reissue token, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub request_token: Option<String>,
    /// What is really asked for, every default resolved.
    pub request: Request,
    /// The order that is reissued, renewed, duplicated or adopted; of a Collect the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// spec.adopt.orderId of the Certificate, which led to an Adopt: parent may be what has renewed that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub adopt: Option<String>,
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

impl Issuance {
    /// Of the key its certificate is for, SHA-256 of the SubjectPublicKeyInfo; empty as long as the provider has not
    /// made it.
    pub fn public_key_sha256(&self) -> &str {
        let made = self.status.as_ref().and_then(|status| status.public_key_sha256.as_deref());
        made.unwrap_or(&self.spec.request.public_key_sha256)
    }

    /// Whether the provider has made that key, and may give it out again.
    pub fn has_providers_key(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.public_key_sha256.is_some())
    }
}

impl Operation {
    /// Whether nothing is submitted for it: what is there already is followed.
    pub fn only_follows(self) -> bool {
        matches!(self, Self::Adopt | Self::Collect)
    }
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
    /// A new order: paid, at DNSimple free.
    Order,
    /// Another certificate on the same order.
    Reissue,
    /// A new order that follows an older one: paid, at DNSimple free.
    Renew,
    /// Takes over an order that exists: nothing is asked of the provider.
    Adopt,
    /// One more key on an order, beside its certificate.
    Duplicate,
    /// Another key and other names for a request that nobody has approved yet, or that was refused: no second order.
    Amend,
    /// Takes what people have issued on the provider's pages: nothing is asked of the provider.
    Collect,
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
    /// Somebody else: whoever made the CSR, or bought the order that is adopted.
    Elsewhere,
    /// The provider, which gives it out with the certificate.
    Provider,
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
    /// The CSR, PEM; none for a key that the provider makes.
    #[schemars(length(max = 32768))]
    pub csr: String,
    /// SHA-256 of its SubjectPublicKeyInfo, lower-case hexadecimal; empty for a key that the provider makes.
    #[schemars(length(max = 64), regex(pattern = "^([0-9a-f]{64})?$"))]
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
    /// What else goes to CertCentral.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digicert: Option<DigiCertRequest>,
    /// What else goes to SCM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sectigo: Option<SectigoRequest>,
    /// What else goes to DNSimple.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnsimple: Option<DnSimpleRequest>,
}

/// The order that is reissued, renewed, duplicated or adopted.
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
    /// End of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_valid_till: Option<Time>,
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
    pub at: Time,
    /// Id of the operator's installation.
    #[schemars(length(max = 64))]
    pub installation: String,
    /// Holder of the Lease at that time.
    #[schemars(length(max = 253))]
    pub holder: String,
}

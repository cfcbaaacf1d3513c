//! `Certificate`: what should be in a Secret, and from whom.

mod inventory;
mod key;
mod outputs;
mod renewal;
mod restart;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::issuance::{Cost, Operation, Trigger};
use super::issuer::{DigiCertOptions, DnSimpleProduct, IssuerRef, OrderValidity, SecretKeyRef, SectigoOptions};
use super::schema;

pub use inventory::CertificateLocation;
pub use key::{KeyAlgorithm, KeyEncoding, PrivateKey, RotationPolicy, SignatureHash};
pub use outputs::{
    AdditionalOutputFormat, JksKeystore, Keystores, OutputFormat, Pkcs12Keystore, Pkcs12Profile, SecretTemplate,
};
pub use renewal::{Day, Renewal, RenewalPolicy, Window};
pub use restart::{Workload, WorkloadKind};

/// What should be in a Secret, and from whom.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "evercert.dev",
    version = "v1alpha1",
    kind = "Certificate",
    namespaced,
    status = "CertificateStatus",
    shortname = "evcert",
    category = "evercert",
    derive = "PartialEq",
    doc = "A TLS certificate that Evercert obtains, keeps in a Secret, and reissues or renews in time.",
    validation = Rule::new("size(self.metadata.name) <= 200")
        .message("the name of a Certificate has at most 200 characters"),
    validation = Rule::new("!has(self.spec.digicert) || !has(self.spec.digicert.duplicateOf) || !has(self.spec.digicert.duplicateOf.certificate) || self.spec.digicert.duplicateOf.certificate != self.metadata.name")
        .message("a duplicate is of another Certificate"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Secret", type_ = "string", json_path = ".spec.secretName"),
    printcolumn(name = "Issuer", type_ = "string", json_path = ".spec.issuerRef.name"),
    printcolumn(name = "Next", type_ = "string", json_path = ".status.next.summary"),
    printcolumn(name = "Renewal", type_ = "string", json_path = ".status.renewalTime"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".status.notAfter"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Order", type_ = "string", priority = 1, json_path = ".status.order.orderId"),
    printcolumn(name = "Serial", type_ = "string", priority = 1, json_path = ".status.serialNumber"),
    printcolumn(name = "CSR", type_ = "string", priority = 1, json_path = ".spec.csrSecretRef.name"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        priority = 1,
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.commonName) || self.commonName in self.dnsNames").message("commonName must be one of dnsNames"),
    validation = Rule::new("[has(self.digicert), has(self.sectigo), has(self.dnsimple)].filter(x, x).size() <= 1")
        .message("overrides are for the issuer's provider: digicert, sectigo or dnsimple"),
    validation = Rule::new("!has(self.dnsimple) || !has(self.csrSecretRef) && !has(self.validity) && !has(self.signatureHash) && !has(self.adopt)")
        .message("DNSimple takes no CSR through its API and chooses life and signature: leave csrSecretRef, validity, signatureHash and adopt out"),
    validation = Rule::new("!has(self.dnsimple) || !has(self.deletionPolicy) || self.deletionPolicy != 'Revoke'")
        .message("DNSimple's API revokes nothing: deletionPolicy is Retain or Delete"),
    validation = Rule::new("!has(self.digicert) || !has(self.digicert.duplicateOf) || !has(self.validity)")
        .message("a duplicate ends with the certificate it is of: leave validity out"),
    validation = Rule::new("!has(self.csrSecretRef) || !has(self.privateKey)")
        .message("with csrSecretRef the key is held elsewhere: leave privateKey out"),
    validation = Rule::new("!has(self.csrSecretRef) || !has(self.keystores) && (!has(self.additionalOutputFormats) || size(self.additionalOutputFormats) == 0)")
        .message("with csrSecretRef the key is held elsewhere: leave keystores and additionalOutputFormats out, which need it"),
    validation = Rule::new("!has(self.csrSecretRef) || self.csrSecretRef.name != self.secretName")
        .message("secretName is another Secret than csrSecretRef names")
)]
pub struct CertificateSpec {
    /// The issuer: an account at a provider.
    pub issuer_ref: IssuerRef,
    /// Secret of type kubernetes.io/tls that receives tls.crt (leaf and intermediates), tls.key and ca.crt; with csrSecretRef of type Opaque and without tls.key.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::OBJECT_NAME))]
    pub secret_name: String,
    /// The subject's common name, one of dnsNames. Default: at first issue the first of dnsNames in sorted order with at most 64 characters, kept as long as it is listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = schema::DNS_NAME))]
    pub common_name: Option<String>,
    /// The names, in lower case; their order means nothing. A wildcard is `*.` and a name.
    #[schemars(length(min = 1, max = 250), inner(length(max = 253), regex(pattern = schema::DNS_NAME)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub dns_names: Vec<String>,
    /// The key, a new one for each certificate unless rotationPolicy says otherwise. Default: ECDSA 256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<PrivateKey>,
    /// Instead of privateKey: a CSR (PEM) in a Secret of this namespace, for a key that is held elsewhere. Its public key counts; the names are those of this spec. A change is followed within ten minutes, at once when the Secret has the label evercert.dev/managed: "true".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr_secret_ref: Option<SecretKeyRef>,
    /// Hash of the CA's signature. Default: sha256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_hash: Option<SignatureHash>,
    /// How long each certificate is valid. Default: the longest the provider gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// When the certificate is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<Renewal>,
    /// Whether everything rests: nothing is begun, paid or written. What the CA was asked for already is followed, and what comes of it is kept until this is false again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// Labels and annotations of the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_template: Option<SecretTemplate>,
    /// Further forms of the pair in the Secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub additional_output_formats: Vec<AdditionalOutputFormat>,
    /// Keystores in the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keystores: Option<Keystores>,
    /// Whether an existing Secret that another tool made may be taken over. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_over_secret: Option<bool>,
    /// What a deletion takes along. Default: Retain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Workloads that are restarted once the certificate in the Secret was replaced, as kubectl rollout restart does it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["kind".into(), "name".into()]))]
    pub rollout_restart: Vec<Workload>,
    /// How many Issuances are kept. Default: 5. What is still needed, for example the one that placed the order in use, stays beyond that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub revision_history_limit: Option<i32>,
    /// An order that was bought by hand and is taken over: nothing is bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<Adopt>,
    /// Overrides of the issuer's digicert block, where its policy allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digicert: Option<DigiCertOverrides>,
    /// Overrides of the issuer's sectigo block, where its policy allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sectigo: Option<SectigoOverrides>,
    /// Overrides of the issuer's dnsimple block, where its policy allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnsimple: Option<DnSimpleOverrides>,
}

/// What becomes of the Secret and its certificate when the Certificate is deleted. Retain (default): the Secret stays. Delete: it goes. Either way its certificate remains valid. Revoke: what was obtained is revoked, what is pending is canceled, and the Secret goes.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// Nothing: the Secret stays and its certificate remains valid.
    #[default]
    Retain,
    /// The Secret, by its ownerReference; the certificate remains valid.
    Delete,
    /// The certificates obtained for it are revoked, what is pending is canceled, and then the Secret is removed.
    Revoke,
}

/// How long a certificate is valid: exactly one of days and until.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::exactly_one)]
pub enum Validity {
    /// Days, counted from issue.
    Days(#[schemars(range(min = 1, max = 398))] i32),
    /// The last day, YYYY-MM-DD.
    Until(#[schemars(length(max = 10), regex(pattern = schema::DATE))] String),
}

/// An order to take over.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Adopt {
    /// The provider's id of the order.
    #[schemars(length(min = 1, max = 64), regex(pattern = schema::ORDER_ID))]
    pub order_id: String,
}

/// What a Certificate may set differently from its issuer.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.duplicateOf) || !has(self.product) && !has(self.orderValidity) && !has(self.organizationId)")
        .message("a duplicate is on the order it is of: leave product, orderValidity and organizationId out")
)]
pub struct DigiCertOverrides {
    /// CertCentral's product `name_id`; one the issuer's policy lists. A change counts from the next order on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = schema::PRODUCT))]
    pub product: Option<String>,
    /// CertCentral's id of the organization; one the issuer's policy lists. A change counts from the next order on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub organization_id: Option<i64>,
    /// Length of the order, at most the issuer's. A change counts from the next order on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_validity: Option<OrderValidity>,
    /// Instead of an order of its own: one more key on another certificate's order, free, with the same names. It never reissues or renews that order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<DuplicateOf>,
    #[serde(flatten)]
    pub options: DigiCertOptions,
}

/// What a Certificate may set differently from its issuer. A change of profile, organization or term counts from the next
/// renewal on, which then is a new order.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SectigoOverrides {
    /// SCM's id of the certificate profile; one the issuer's policy lists under products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub profile_id: Option<i64>,
    /// SCM's id of the organization or department; one the issuer's policy lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub org_id: Option<i64>,
    /// How many days it is enrolled for, a term that the profile offers; at most the issuer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1190))]
    pub term: Option<i32>,
    #[serde(flatten)]
    pub options: SectigoOptions,
}

/// What a Certificate may set differently from its issuer.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnSimpleOverrides {
    /// What is obtained; one the issuer's policy lists under products. Default: the issuer's. A change counts from the next certificate on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<DnSimpleProduct>,
}

/// Whose order a duplicate is asked for on: exactly one of certificate and orderId.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::exactly_one)]
pub enum DuplicateOf {
    /// A Certificate of the same namespace, by name.
    Certificate(#[schemars(length(min = 1, max = 200), regex(pattern = schema::OBJECT_NAME))] String),
    /// An order: one that an Issuance of this namespace is on, or that the issuer's policy.adoptable lists.
    OrderId(#[schemars(length(min = 1, max = 128), regex(pattern = schema::ORDER_ID))] String),
}

/// What is in the Secret, and what comes next.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateStatus {
    /// metadata.generation this status was derived from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Issuing, ActionRequired, Reconciling, Stalled, Suspended, PreferredChain, Restarted, LocationRecorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// Revision of the Issuance whose certificate is in the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// Start of the certificate's validity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Time>,
    /// End of the certificate's validity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Time>,
    /// When the next replacement begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_time: Option<Time>,
    /// Serial number, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub serial_number: Option<String>,
    /// SHA-256 of the certificate, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub fingerprint_sha256: Option<String>,
    /// Distinguished name of the CA certificate that signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub issuer_name: Option<String>,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub public_key_sha256: Option<String>,
    /// That the certificate in the Secret is revoked, and who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<RevokedCertificate>,
    /// The order behind the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderStatus>,
    /// The next operation, when, and whether it costs money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NextOperation>,
    /// Name of the Issuance under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub issuance: Option<String>,
    /// Issuances that failed in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<Failures>,
    /// fingerprintSha256 of the certificate that the workloads of rolloutRestart were last restarted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub restarted_for: Option<String>,
    /// Where the provider's inventory has it, or may have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub locations: Vec<CertificateLocation>,
    /// The last evercert.dev/reissue-requested token that was handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub last_handled_reissue_request: Option<String>,
}

/// A revocation.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokedCertificate {
    /// Serial number, lower-case hexadecimal.
    #[schemars(length(max = 64))]
    pub serial_number: String,
    /// Who says so.
    pub seen_in: RevocationSource,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// The CA's reason, as RFC 5280 spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub reason: Option<String>,
}

/// Who says that a certificate is revoked.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RevocationSource {
    /// The provider, of the certificate or of its whole order.
    Provider,
    /// The CA's certificate revocation list.
    #[serde(rename = "CRL")]
    Crl,
    /// The CA's OCSP responder.
    #[serde(rename = "OCSP")]
    Ocsp,
}

/// An order at a provider.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderStatus {
    /// Which provider, e.g. `digicert`.
    #[schemars(length(max = 63))]
    pub provider: String,
    /// The provider's id of the order.
    #[schemars(length(max = 128))]
    pub order_id: String,
    /// The provider's id of the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub certificate_id: Option<String>,
    /// End of the order; until then reissues are free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_till: Option<Time>,
    /// The order before it: what it renewed, or what was left at another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub previous_order_id: Option<String>,
}

/// The plan.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextOperation {
    /// Order, Reissue, Renew, Duplicate, Adopt or Collect.
    pub operation: Operation,
    /// Free, MayCharge, Paid or Unknown.
    pub cost: Cost,
    /// When it begins. Nothing: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Why.
    pub reason: Trigger,
    /// In a few words, e.g. `Reissue (free)`.
    #[schemars(length(max = 128))]
    pub summary: String,
}

/// Back-off that survives a restart.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    /// How many in a row.
    #[schemars(with = "i32", range(min = 0, max = 1000000))]
    pub consecutive: u32,
    /// When the first of them failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// When the next attempt begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Time>,
}

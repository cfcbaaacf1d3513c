//! What is said to DigiCert CertCentral: by an issuer for all, and by a Certificate for itself.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretKeyRef;
use crate::api::schema;

/// A CertCentral account and the defaults for what is ordered from it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.contacts) || has(self.organizationId)").message("contacts are an organization's: organizationId is missing")
)]
pub struct DigiCert {
    /// Base URL of the Services API. Default: `https://www.digicert.com/services/v2`; for European accounts `https://certcentral.digicert.eu/services/v2`.
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
    /// Length of the order. Inside it reissues are free. Default: one year. No Certificate may ask for more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_validity: Option<OrderValidity>,
    /// How orders are paid. Default: the account's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<PaymentMethod>,
    /// People named with each order, for its organization. Default: the organization's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub contacts: Vec<Contact>,
    #[serde(flatten)]
    pub options: DigiCertOptions,
}

/// What goes to CertCentral with an operation and changes neither its names nor its key. A change counts from the next
/// operation on.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DigiCertOptions {
    /// CertCentral's id of the division (container) that orders are placed in. Default: the API key's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub container_id: Option<i64>,
    /// Whether the account's approval step is skipped. Needs an API key that may approve. Default: true. A Certificate may set false only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_approval: Option<bool>,
    /// Whether CertCentral's mails about expiry are switched off for our orders. Default: CertCentral's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_renewal_notifications: Option<bool>,
    /// CertCentral's id of the CA certificate to issue from (`ca_cert_id`), one of those *Product info* lists. Default: the product's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = schema::PRODUCT))]
    pub ca_cert_id: Option<String>,
    /// Common name of the issuer of the topmost certificate of the chain to serve, when the CA delivers several chains. One that is not delivered is told by the condition PreferredChain, and the default chain is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub preferred_chain: Option<String>,
    /// Organizational units asked for in the subject. Public TLS certificates have had none since 2022.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 64)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub organization_units: Vec<String>,
    /// CertCentral's id of the server platform, e.g. 45 for nginx; a note for people. Default: CertCentral's own, -1 (OTHER).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 1000000))]
    pub server_platform: Option<i32>,
    /// Comment to whoever approves the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub comments: Option<String>,
    /// The account's own order fields. A Certificate adds to the issuer's and cannot change them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["metadataId".into()]))]
    pub custom_fields: Vec<CustomField>,
    /// Further addresses for CertCentral's mails about the order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 3, max = 254), regex(pattern = schema::EMAIL)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub additional_emails: Vec<String>,
    /// Text in CertCentral's mails about the order's renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub custom_renewal_message: Option<String>,
    /// Language of CertCentral's mails about the order, e.g. `en`, `de`, `zh_CN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8), regex(pattern = "^[a-z]{2}([_-][A-Za-z]{2})?$"))]
    pub locale: Option<String>,
}

/// One of the account's own order fields (*Settings > Custom order fields* in CertCentral).
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomField {
    /// CertCentral's id of the field.
    #[schemars(range(min = 1))]
    pub metadata_id: i64,
    /// What it holds.
    #[schemars(length(min = 1, max = 1024))]
    pub value: String,
}

/// A person, as a user of the account or by name.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "has(self.userId) != has(self.email) && has(self.email) == has(self.firstName) && has(self.email) == has(self.lastName) \
            && (has(self.email) || (!has(self.jobTitle) && !has(self.telephone)))"
    )
    .message("a contact is a userId, or firstName, lastName and email, with jobTitle and telephone if wanted")
)]
pub struct Contact {
    /// What the person is to the order.
    #[serde(rename = "type")]
    pub type_: ContactType,
    /// CertCentral's id of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub user_id: Option<i64>,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub last_name: Option<String>,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 254), regex(pattern = schema::EMAIL))]
    pub email: Option<String>,
    /// Job title; EV needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub job_title: Option<String>,
    /// Telephone number; EV needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub telephone: Option<String>,
}

/// What a person is to an order. Verified: may approve EV orders.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactType {
    Organization,
    Technical,
    Verified,
}

/// How CertCentral is paid for an order.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentMethod {
    Balance,
    Card,
    Profile,
}

/// Length of an order: exactly one of years, days and until. More than a year is a Multi-year Plan.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::exactly_one)]
pub enum OrderValidity {
    /// Years, 1 to 3.
    Years(#[schemars(range(min = 1, max = 3))] i32),
    /// Days, 1 to 1190.
    Days(#[schemars(range(min = 1, max = 1190))] i32),
    /// The last day, YYYY-MM-DD.
    Until(#[schemars(length(max = 10), regex(pattern = schema::DATE))] String),
}

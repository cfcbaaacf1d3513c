//! What the sandbox remembers. A record is one row of a table, and one entry of the journal whenever it changes.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rules::Validity;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub id: u64,
    pub name: String,
    #[serde(flatten)]
    pub settings: Settings,
}

/// How accounts of the vendor differ.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Every request waits for a person, also one that asks to skip approval.
    pub approval_required: bool,
    /// New requests are `submitted` rather than `pending`.
    pub requests_are_submitted: bool,
    /// *Get orders by alternative order ID* answers 404 rather than an empty list.
    pub unknown_alternative_is_404: bool,
    /// A certificate that is issued at once is not in the answer: older documents show it, newer ones do not.
    pub chain_withheld: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    pub id: u64,
    pub account: u64,
    pub name: String,
    pub key: String,
    pub restriction: Restriction,
    #[serde(default)]
    pub revoked: bool,
}

/// "API key permissions" of the glossary: ids 0, 100, 101, 102.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Restriction {
    None,
    Orders,
    OrdersDomainsOrganizations,
    ViewOnly,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Organization {
    pub id: u64,
    pub account: u64,
    pub name: String,
    /// When OV validation was last completed; reused for a time that rules.rs knows.
    pub validated: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Domain {
    pub id: u64,
    pub account: u64,
    pub organization: Option<u64>,
    pub name: String,
    pub created: Timestamp,
    pub active: bool,
    pub dcv_method: String,
    pub token: Token,
    pub validated: Option<Timestamp>,
}

/// A random value that proves control over a domain, good for 30 days.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    pub value: String,
    pub expires: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    NeedsApproval,
    Pending,
    Issued,
    ReissuePending,
    Canceled,
    Rejected,
    Revoked,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub id: u64,
    pub account: u64,
    pub api_key: String,
    pub product: String,
    pub status: OrderStatus,
    pub created: Timestamp,
    /// Last change of status, for *Status change list*.
    pub changed: Timestamp,
    pub validity: Validity,
    /// First and last day of the plan, fixed by the first issuance.
    pub term: Option<(Date, Date)>,
    pub organization: Option<u64>,
    pub container: Option<u64>,
    pub dcv_method: String,
    pub token: Option<Token>,
    /// Original, reissues and duplicates, in order of their making.
    pub certificates: Vec<u64>,
    /// The certificate that order info shows.
    pub primary: u64,
    pub requests: Vec<u64>,
    pub renewal_of: Option<u64>,
    pub renewed_by: Option<u64>,
    pub alternative_order_id: Option<String>,
    pub auto_renew: bool,
    pub auto_reissue: bool,
    pub disable_renewal_notifications: bool,
    pub extras: Extras,
    pub comments: String,
    /// How often its validation mails were sent.
    #[serde(default)]
    pub mailings: u32,
    /// Real time until which look-ups do not show this order.
    pub hidden_until: Option<Timestamp>,
}

/// What an order says beside the certificate it is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Extras {
    pub payment_method: String,
    pub additional_emails: Vec<String>,
    pub custom_fields: Vec<Value>,
    /// As they were given, with their `contact_type`.
    pub contacts: Vec<Value>,
    pub custom_renewal_message: String,
    pub locale: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Original,
    Reissue,
    Duplicate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateStatus {
    Pending,
    Issued,
    Rejected,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Certificate {
    pub id: u64,
    pub order: u64,
    pub kind: Kind,
    pub status: CertificateStatus,
    pub created: Timestamp,
    pub common_name: String,
    /// Common name included, sorted as asked for, lower case.
    pub dns_names: Vec<String>,
    pub csr: String,
    pub public_key_sha256: String,
    pub key_size: usize,
    pub signature_hash: String,
    pub server_platform: i64,
    pub organization_units: Vec<String>,
    /// None: the product's default.
    pub ca_cert_id: Option<String>,
    pub validity: Option<Validity>,
    /// Set once validation may begin, that is after approval.
    pub checks: Option<Vec<NameCheck>>,
    pub issued: Option<Issued>,
    /// May lie in the future: "revocation pending".
    pub revocation: Option<Revocation>,
    pub quirks: Vec<Quirk>,
    pub hidden_until: Option<Timestamp>,
}

/// One name scope whose control has to be shown before issuance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NameCheck {
    pub scope: String,
    pub dns_names: Vec<String>,
    pub domain: Option<u64>,
    pub approved: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Issued {
    pub at: Timestamp,
    pub valid_from: Date,
    pub valid_till: Date,
    /// Hex, upper case, without colons.
    pub serial_number: String,
    /// SHA-1 of the DER, hex, upper case.
    pub thumbprint: String,
    pub pem: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Revocation {
    pub at: Timestamp,
    pub reason: String,
    /// Who alone says so; otherwise both do.
    #[serde(default)]
    pub only: Option<Witness>,
}

/// Who tells of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Witness {
    /// The provider's views.
    Provider,
    /// The CA's revocation list.
    Ca,
}

/// How a certificate shall be wrong; put there by a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Quirk {
    OtherKey,
    WrongNames,
    Expired,
    ChainUnordered,
    ChainIncomplete,
    ChainAlternatives,
    OcspOnly,
    StayPending,
    ApprovalRefused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    NewRequest,
    Reissue,
    Duplicate,
    Revoke,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestStatus {
    Submitted,
    Pending,
    Approved,
    Rejected,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    pub account: u64,
    pub order: u64,
    /// None: every certificate of the order.
    pub certificate: Option<u64>,
    pub kind: RequestKind,
    pub status: RequestStatus,
    pub created: Timestamp,
    pub processed: Option<Timestamp>,
    pub comments: String,
    pub processor_comment: String,
    pub revocation_reason: Option<String>,
}

/// One accepted operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    pub id: u64,
    pub at: Timestamp,
    pub kind: OperationKind,
    pub paid: bool,
    pub account: u64,
    pub order_id: u64,
    pub certificate_id: Option<u64>,
    pub common_name: String,
    pub dns_names: Vec<String>,
    /// Hex SHA-256 of the DER SubjectPublicKeyInfo.
    pub public_key_sha256: String,
    pub alternative_order_id: Option<String>,
    pub renewal_of: Option<u64>,
    pub request_id: Option<u64>,
    /// As they came with an enrolment at Sectigo: what a client may mark it with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OperationKind {
    Order,
    /// Sectigo's word for an order; for a reissue it is `Replace`.
    Enroll,
    Replace,
    Renew,
    Reissue,
    Duplicate,
    Revoke,
    Cancel,
}

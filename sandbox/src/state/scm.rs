//! What the sandbox remembers of Sectigo Certificate Manager: customers, what is theirs, and their SSL certificates.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    records::{Issued, NameCheck, Quirk, Revocation},
    table::Table,
};

#[derive(Default)]
pub struct Scm {
    pub customers: Table<Customer>,
    pub organizations: Table<Organization>,
    pub profiles: Table<Profile>,
    pub domains: Table<Domain>,
    pub certificates: Table<Ssl>,
    pub fields: Table<CustomField>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Customer {
    pub id: u64,
    pub name: String,
    /// The value of the header `customerUri`.
    pub uri: String,
    pub admins: Vec<Admin>,
    pub client: Client,
    pub settings: Settings,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Admin {
    pub id: u64,
    pub login: String,
    pub password: String,
    /// May look, and change nothing.
    pub view_only: bool,
    /// PEM of the certificate this admin may log in with, its chain, and the key.
    #[serde(default)]
    pub identity: Option<Identity>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

/// An OAuth2 client; it acts as the customer's first admin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Client {
    pub id: String,
    pub secret: String,
    /// Tokens of an earlier generation are void.
    pub generation: u32,
}

/// How customers differ, and where the vendor's documents and what was seen of the service disagree.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Domains are validated ahead, for all certificates; otherwise every certificate has its own validation.
    pub prevalidated: bool,
    /// What `collect` says of a certificate that is not issued yet.
    pub not_ready: NotReady,
    /// What `collect` gives while a replacement is under way.
    pub during_replacement: DuringReplacement,
    /// The format `base64` is PEM and no PKCS#7, as in the example of the reference of 25.5.
    pub base64_is_pem: bool,
    /// The format `pem` begins with the leaf rather than with the root.
    pub pem_leaf_first: bool,
    /// `renewById` answers 204 and no id.
    pub renewal_withholds_id: bool,
    /// A renewal has the comments, external requester and custom fields of what it renews.
    pub renewal_keeps_extras: bool,
    /// A certificate can be renewed once.
    pub renewed_once: bool,
    /// Revocation without `reasonCode` is refused.
    pub reason_code_required: bool,
    /// Dates of v2 are instants, as the description of 25.9.2 declares them; otherwise days.
    pub iso_dates: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotReady {
    /// Code 0, "Being processed by Sectigo".
    #[default]
    BeingProcessed,
    /// Code -1400.
    RequestProcessed,
    /// Code -183.
    NotCollectable,
    /// 200 with nothing in it.
    Empty,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DuringReplacement {
    /// The certificate that is being replaced.
    #[default]
    Old,
    /// As for one that is not issued yet.
    NotReady,
}

/// An organization, or a department of one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Organization {
    pub id: u64,
    pub customer: u64,
    pub name: String,
    pub parent: Option<u64>,
    /// When its validation for OV was last completed.
    pub validated: Option<Timestamp>,
    /// Address, contacts and switches under the names of the API.
    pub details: BTreeMap<String, serde_json::Value>,
}

/// A certificate profile, "previously known as a certificate type".
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    pub id: u64,
    pub customer: u64,
    pub name: String,
    pub validation: Validation,
    /// Days; those that are longer than the day allows are not offered.
    pub terms: Vec<i32>,
    /// `RSA`: sizes, `EC`: curves.
    pub key_types: BTreeMap<String, Vec<String>>,
    pub approvals: Approvals,
    pub renewable: bool,
    pub replaceable: bool,
    /// Not offered any more; its certificates can be neither renewed nor replaced.
    pub deleted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Validation {
    Dv,
    Ov,
    Ev,
}

/// Who has to approve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Approvals {
    None,
    One,
    /// A subordinate administrator, and then one above.
    Two,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CustomField {
    pub id: u64,
    pub customer: u64,
    pub name: String,
    pub input: String,
    /// `REST_API`, `WEB_FORM`, …: where a value must be given.
    pub mandatories: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Domain {
    pub id: u64,
    pub customer: u64,
    pub name: String,
    pub active: bool,
    pub delegations: Vec<Delegation>,
    pub validated: Option<Timestamp>,
    pub method: Option<DcvMode>,
    pub order: Option<DcvOrder>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delegation {
    pub organization: u64,
    pub cert_types: Vec<String>,
    /// Empty: all of them.
    pub privileges: Vec<String>,
    pub requested: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DcvMode {
    Email,
    Cname,
    Http,
    Https,
    Txt,
    /// SCM publishes what CNAME asks for through a DNS connector. There is none here: somebody else has to.
    Auto,
}

/// What proves control in each of the modes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DcvValue {
    /// Hex, lower case: MD5 and SHA-256 of the CSR, or random where there is none.
    pub md5: String,
    pub sha256: String,
    /// Sets the records of a CSR apart from those of its earlier use.
    pub unique: Option<String>,
    /// 32 printable characters, for TXT.
    pub text: String,
}

/// The validation of a domain that is under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DcvOrder {
    pub mode: DcvMode,
    pub value: DcvValue,
    pub backend_id: u64,
    pub submitted: Option<Timestamp>,
    pub checked: Option<Timestamp>,
    pub email: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    Requested,
    SaApproved,
    Approved,
    Applied,
    Issued,
    Declined,
    Rejected,
    Invalid,
}

/// What an `sslId` stands for: one request, and the certificates it led to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ssl {
    pub id: u64,
    pub customer: u64,
    pub organization: u64,
    pub profile: u64,
    pub term: i32,
    /// Of the request; that it is revoked or has expired is seen in its certificate.
    pub status: Status,
    /// Said in place of the status: words that nobody has documented.
    pub shown_status: Option<String>,
    pub requested: Timestamp,
    pub requested_via: String,
    pub approved: Option<Timestamp>,
    pub declined: Option<Timestamp>,
    pub replaced: Option<Timestamp>,
    pub requester: String,
    pub requester_id: u64,
    /// Who approved it.
    pub owner: Option<String>,
    pub external_requester: String,
    pub comments: String,
    pub custom_fields: Vec<FieldValue>,
    pub renew_id: String,
    pub renewal_of: Option<u64>,
    pub renewed: Option<Timestamp>,
    pub renewed_by: Option<u64>,
    pub backend_id: Option<u64>,
    pub dcv_mode: Option<DcvMode>,
    pub dcv_email: Option<String>,
    /// SCM had the key made.
    pub key_at_agent: bool,
    /// The original, and one for each replacement.
    pub versions: Vec<Version>,
    pub auto_renewal: AutoRenewal,
    pub suspend_notifications: bool,
    pub locations: Vec<Location>,
    /// Real time until which look-ups do not show it.
    pub hidden_until: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FieldValue {
    pub name: String,
    pub value: String,
}

/// One certificate behind an `sslId`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    pub common_name: String,
    /// Common name included.
    pub names: Vec<String>,
    pub csr: String,
    pub public_key_sha256: String,
    /// `RSA` or `EC`, and its size in bits.
    pub key_algorithm: String,
    pub key_size: usize,
    /// A replacement ends when what it replaces would have ended.
    pub until: Option<Date>,
    pub dcv_value: DcvValue,
    /// Set once validation may begin, that is after approval.
    pub checks: Option<Vec<NameCheck>>,
    pub checked: Option<Timestamp>,
    pub issued: Option<Issued>,
    pub revocation: Option<Revocation>,
    pub quirks: Vec<Quirk>,
    /// Real time until which look-ups show what was there before.
    pub hidden_until: Option<Timestamp>,
}

/// A renewal that SCM will order by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoRenewal {
    pub state: AutoRenewalState,
    pub days_before: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AutoRenewalState {
    NotScheduled,
    Scheduled,
    Started,
    Successful,
    Failed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Location {
    pub id: u64,
    pub details: BTreeMap<String, String>,
}

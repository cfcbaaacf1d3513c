//! SCM's answers, read leniently: empty members are left out or null, numbers come as text and codes as either, one
//! object stands for a list of one, and nothing that is unknown is an error. Names of schemas are those of the Admin API
//! description 25.9.2.

mod domains;

use jiff::civil::Date;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

use crate::provider::AutoRenewal;
use crate::provider::lenient::{flag, id, lenient, list, number, text, texts, texts_by_name};

pub use domains::{
    DcvInfo, DcvInstruction, DcvLog, DcvLogRow, Delegation, Domain, DomainRow, DomainValidationInfo, ValidationRow,
};

/// *SSLIdentity*: a row of the list. Pending requests have no serial number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Row {
    #[serde(deserialize_with = "id")]
    pub ssl_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub common_name: Option<String>,
    #[serde(deserialize_with = "texts")]
    pub subject_alternative_names: Vec<String>,
    #[serde(deserialize_with = "text")]
    pub serial_number: Option<String>,
}

/// *CertDetailsResponse*. It shows neither CSR nor key, nor which certificate came before or after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Details {
    #[serde(deserialize_with = "id")]
    id: Option<String>,
    /// Deprecated, the same.
    #[serde(deserialize_with = "id")]
    ssl_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub common_name: Option<String>,
    #[serde(deserialize_with = "texts")]
    pub subject_alternative_names: Vec<String>,
    #[serde(deserialize_with = "id")]
    pub org_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub backend_cert_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub vendor: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub cert_type: Profile,
    /// Days.
    #[serde(deserialize_with = "number")]
    pub term: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub owner: Option<String>,
    #[serde(deserialize_with = "text")]
    pub requester: Option<String>,
    #[serde(deserialize_with = "text")]
    pub requested_via: Option<String>,
    #[serde(deserialize_with = "text")]
    pub external_requester: Option<String>,
    #[serde(deserialize_with = "text")]
    pub comments: Option<String>,
    #[serde(deserialize_with = "text")]
    pub requested: Option<String>,
    #[serde(deserialize_with = "text")]
    pub approved: Option<String>,
    #[serde(deserialize_with = "text")]
    pub issued: Option<String>,
    #[serde(deserialize_with = "text")]
    pub declined: Option<String>,
    #[serde(deserialize_with = "text")]
    pub expires: Option<String>,
    #[serde(deserialize_with = "text")]
    pub replaced: Option<String>,
    #[serde(deserialize_with = "text")]
    pub revoked: Option<String>,
    #[serde(deserialize_with = "text")]
    pub reason_code: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub renewed: bool,
    #[serde(deserialize_with = "text")]
    pub renewed_date: Option<String>,
    #[serde(deserialize_with = "text")]
    pub serial_number: Option<String>,
    #[serde(deserialize_with = "text")]
    pub signature_alg: Option<String>,
    #[serde(deserialize_with = "text")]
    pub key_type: Option<String>,
    #[serde(deserialize_with = "list")]
    pub custom_fields: Vec<FieldValue>,
    #[serde(deserialize_with = "lenient")]
    pub auto_renew_details: AutoRenewDetails,
    #[serde(deserialize_with = "flag")]
    pub suspend_notifications: bool,
}

impl Details {
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref().or(self.ssl_id.as_deref())
    }

    pub fn status(&self) -> Status {
        Status::read(self.status.as_deref())
    }

    /// A replacement takes a record that was issued through the states of a request again.
    pub fn was_issued(&self) -> bool {
        self.issued.is_some() || self.serial_number.is_some()
    }

    /// Nothing was issued for it, and names, key and profile may still be changed (*Update SSL certificate details*).
    pub fn is_amendable(&self) -> bool {
        let editable =
            matches!(self.status(), Status::Requested | Status::Declined | Status::Rejected | Status::Invalid);
        editable && !self.was_issued()
    }

    /// Common name and alternative names, in lower case.
    pub fn names(&self) -> BTreeSet<String> {
        self.subject_alternative_names.iter().chain(&self.common_name).map(|name| name.to_ascii_lowercase()).collect()
    }
}

/// "Understanding SSL certificates" of the administrator's guide, and the values the list can be filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Init,
    /// Waits for an administrator's approval.
    Requested,
    /// One has approved it, and another one has to.
    SaApproved,
    /// Waits for the CA.
    Approved,
    /// At the CA.
    Applied,
    Issued,
    /// Issued, and another certificate took its place.
    Replaced,
    Expired,
    Revoked,
    /// By an administrator.
    Declined,
    /// By the CA.
    Rejected,
    /// By SCM, for what is asked.
    Invalid,
    /// Something this version does not know: wait and report.
    Unknown,
}

impl Status {
    pub fn read(text: Option<&str>) -> Self {
        match word(text.unwrap_or_default()).as_str() {
            "init" => Self::Init,
            "requested" | "awaitingapproval" => Self::Requested,
            "saapproved" => Self::SaApproved,
            "approved" => Self::Approved,
            "applied" => Self::Applied,
            "issued" | "external" | "downloaded" => Self::Issued,
            "replaced" => Self::Replaced,
            "expired" => Self::Expired,
            "revoked" => Self::Revoked,
            "declined" => Self::Declined,
            "rejected" => Self::Rejected,
            "invalid" => Self::Invalid,
            _ => Self::Unknown,
        }
    }
}

/// *AutoRenewDetails*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AutoRenewDetails {
    #[serde(deserialize_with = "text")]
    pub state: Option<String>,
    #[serde(deserialize_with = "number")]
    pub days_before_expiration: Option<u64>,
}

impl AutoRenewDetails {
    /// What was scheduled once has started, succeeded or failed since.
    pub fn read(&self) -> AutoRenewal {
        match word(self.state.as_deref().unwrap_or_default()).as_str() {
            "scheduled" => AutoRenewal::Scheduled,
            "started" => AutoRenewal::Started,
            _ => AutoRenewal::Off,
        }
    }
}

/// *ApiCertType*: what SCM calls a certificate profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Profile {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub description: Option<String>,
    /// Days.
    #[serde(deserialize_with = "texts")]
    pub terms: Vec<String>,
    /// Sizes or curves by algorithm: `{"RSA": ["2048"], "EC": ["P-256"]}`.
    #[serde(deserialize_with = "texts_by_name")]
    pub key_types: BTreeMap<String, Vec<String>>,
    #[serde(deserialize_with = "flag")]
    pub use_secondary_org_name: bool,
}

/// *ApiCustomField*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CustomField {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub mandatory: bool,
}

/// *ApiCertField*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FieldValue {
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub value: Option<String>,
}

/// *EnrollResponse* and *RenewResponse*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Enrolled {
    #[serde(deserialize_with = "id")]
    pub ssl_id: Option<String>,
    /// Shown nowhere else.
    #[serde(deserialize_with = "text")]
    pub renew_id: Option<String>,
}

/// *DownloadFromPKResponse*.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Link {
    #[serde(deserialize_with = "text")]
    pub link: Option<String>,
}

/// *SSLReportResponse*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Report {
    #[serde(deserialize_with = "text")]
    pub status_code: Option<String>,
    #[serde(deserialize_with = "text")]
    pub message: Option<String>,
    /// `None`: the answer has no such member.
    pub reports: Option<Vec<ReportRow>>,
}

/// *SSLReportResponseRow*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReportRow {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub common_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub subj_alt_names: Option<String>,
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub external_requester: Option<String>,
    #[serde(deserialize_with = "text")]
    pub comments: Option<String>,
    #[serde(deserialize_with = "text")]
    pub requested: Option<String>,
    #[serde(deserialize_with = "text")]
    pub issued: Option<String>,
    #[serde(deserialize_with = "text")]
    pub expires: Option<String>,
    #[serde(deserialize_with = "text")]
    pub serial_number: Option<String>,
    #[serde(deserialize_with = "list")]
    pub custom_fields: Vec<FieldValue>,
}

/// *LocationResponseItem*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CertificateLocation {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub location_type: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    /// One value each.
    #[serde(deserialize_with = "texts_by_name")]
    pub details: BTreeMap<String, Vec<String>>,
}

/// *CertificateImportResponse*: what could not be imported has a message instead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Imported {
    #[serde(deserialize_with = "lenient")]
    pub cert: ImportedCertificate,
    /// False: it was there.
    #[serde(deserialize_with = "flag")]
    pub created: bool,
    #[serde(deserialize_with = "text")]
    pub error_message: Option<String>,
}

/// *CertificateIdentity*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ImportedCertificate {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub subject: Option<String>,
    #[serde(deserialize_with = "text")]
    pub serial_number: Option<String>,
}

/// *ImportReport*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ImportReport {
    #[serde(deserialize_with = "number")]
    pub processed_count: Option<u64>,
    #[serde(deserialize_with = "texts")]
    pub errors: Vec<String>,
}

/// *OrganizationBasicResp* and *OrganizationResp*, as far as they matter here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Organization {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub parent_name: Option<String>,
    #[serde(deserialize_with = "list")]
    pub departments: Vec<Organization>,
    #[serde(deserialize_with = "text")]
    pub validation_status: Option<String>,
}

/// The answer of an OAuth 2.0 token server (RFC 6749 §5.1).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct AccessToken {
    #[serde(deserialize_with = "text")]
    pub access_token: Option<String>,
    /// Seconds.
    #[serde(deserialize_with = "number")]
    pub expires_in: Option<u64>,
}

/// Letters and digits alone, in lower case: `SA Approved`, `SAApproved` and `SA_APPROVED` are one word.
pub(super) fn word(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// `MM/dd/yyyy`, as v1 writes it, or `yyyy-MM-dd`, alone or in front of a time.
pub(super) fn date(text: &str) -> Option<Date> {
    match text.get(..10)? {
        us if us.contains('/') => Date::strptime("%m/%d/%Y", us).ok(),
        iso => iso.parse().ok(),
    }
}

#[cfg(test)]
mod tests;

//! Domains and their validation.

use serde::Deserialize;

use crate::provider::lenient::{id, lenient, list, text, texts};

/// *DcvInfoResp*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DcvInfo {
    #[serde(deserialize_with = "lenient")]
    pub dcv_log: DcvLog,
    #[serde(deserialize_with = "list")]
    pub instructions: Vec<DcvInstruction>,
}

/// *DcvLogResp*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DcvLog {
    #[serde(deserialize_with = "list")]
    pub log: Vec<DcvLogRow>,
}

/// *DcvLog*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DcvLogRow {
    #[serde(deserialize_with = "text")]
    pub domain_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub dcv_status: Option<String>,
    /// When it was validated.
    #[serde(deserialize_with = "text")]
    pub dcv_date: Option<String>,
    #[serde(deserialize_with = "text")]
    pub last_check: Option<String>,
    #[serde(deserialize_with = "text")]
    pub next_check: Option<String>,
}

/// *DcvInstructionResp*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DcvInstruction {
    #[serde(deserialize_with = "text")]
    pub domain_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub dcv_mode: Option<String>,
    #[serde(deserialize_with = "text")]
    pub host: Option<String>,
    #[serde(deserialize_with = "text")]
    pub point: Option<String>,
    #[serde(deserialize_with = "text")]
    pub url: Option<String>,
    /// What the file contains.
    #[serde(deserialize_with = "text")]
    pub file: Option<String>,
    #[serde(deserialize_with = "text")]
    pub dcv_email: Option<String>,
}

/// *DcvSearchResult*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ValidationRow {
    #[serde(deserialize_with = "text")]
    pub domain: Option<String>,
    #[serde(deserialize_with = "text")]
    pub dcv_status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub dcv_method: Option<String>,
    #[serde(deserialize_with = "text")]
    pub dcv_order_status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub dcv_order_method: Option<String>,
    #[serde(deserialize_with = "text")]
    pub expiration_date: Option<String>,
}

/// *DcvStatusResponseV2*, *DomainCnameResponse*, *DomainHttpResponse*, *DomainEmailResponse*, *SubmitTxtDomainResponse*:
/// which of them a call answers differs between the sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DomainValidationInfo {
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub order_status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub order_mode: Option<String>,
    #[serde(deserialize_with = "text")]
    pub expiration_date: Option<String>,
    #[serde(deserialize_with = "text")]
    pub host: Option<String>,
    #[serde(deserialize_with = "text")]
    pub point: Option<String>,
    #[serde(deserialize_with = "text")]
    pub url: Option<String>,
    #[serde(deserialize_with = "text")]
    pub first_line: Option<String>,
    #[serde(deserialize_with = "text")]
    pub second_line: Option<String>,
    #[serde(deserialize_with = "text")]
    pub validation_email: Option<String>,
    #[serde(deserialize_with = "texts")]
    pub emails: Vec<String>,
    #[serde(deserialize_with = "text")]
    pub message: Option<String>,
}

/// *DomainIdentity*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DomainRow {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
}

/// *DomainInfo*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Domain {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub state: Option<String>,
    #[serde(deserialize_with = "text")]
    pub validation_status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub dcv_expiration: Option<String>,
    #[serde(deserialize_with = "list")]
    pub delegations: Vec<Delegation>,
}

/// *DomainDelegation*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Delegation {
    #[serde(deserialize_with = "id")]
    pub org_id: Option<String>,
    #[serde(deserialize_with = "texts")]
    pub cert_types: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub domain_certificate_request_privileges: Vec<String>,
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
}

//! What goes to Sectigo Certificate Manager beside names, CSR, profile and organization.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::ValidationMethod;
use crate::api::{issuer::SectigoOptions, schema};

/// The issuer's defaults and the Certificate's overrides, resolved when the operation was recorded: as much as its
/// endpoint takes, and all that is sent however often it is sent.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SectigoRequest {
    /// Days it is enrolled for; a renewal and a replacement keep what there was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<i32>,
    /// How control of the domains is proven.
    pub dcv_method: ValidationMethod,
    /// Mail address of the external requester.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 254), regex(pattern = schema::EMAIL))]
    pub external_requester: Option<String>,
    /// Whether that address is sent with the mark of this operation in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plus_addressing: Option<bool>,
    #[serde(flatten)]
    pub options: SectigoOptions,
}

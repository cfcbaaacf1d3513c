//! What goes to CertCentral beside names, CSR and product.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::ValidationMethod;
use crate::api::{
    certificate::Validity,
    issuer::{Contact, DigiCertOptions, PaymentMethod},
};

/// The issuer's defaults and the Certificate's overrides, resolved when the operation was recorded: as much as its
/// endpoint takes, and all that is sent however often it is sent.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DigiCertRequest {
    /// How long the certificate is asked to be valid, within what may be issued and what is left of the order. Nothing: the longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_validity: Option<Validity>,
    /// How control of the domains is proven.
    pub dcv_method: ValidationMethod,
    /// How the order is paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<PaymentMethod>,
    /// People named with the order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub contacts: Vec<Contact>,
    #[serde(flatten)]
    pub options: DigiCertOptions,
}

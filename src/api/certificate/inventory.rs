//! Where a certificate lives, as the provider's inventory shows it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::api::issuance::Account;

/// A Secret in the provider's inventory, beside one certificate there.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateLocation {
    /// Whose inventory.
    pub account: Account,
    /// The provider's id of the order.
    #[schemars(length(min = 1, max = 128))]
    pub order_id: String,
    /// The Secret.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// Whether the provider has written it down. While it is false, it may have.
    pub recorded: bool,
    /// When the provider is asked again, after it has refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Time>,
}

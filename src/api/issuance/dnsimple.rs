//! What goes to DNSimple beside the names.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::api::certificate::KeyAlgorithm;

/// Of a purchase; a renewal is asked for with the same.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnSimpleRequest {
    /// Algorithm of the key that DNSimple makes.
    pub signature_algorithm: KeyAlgorithm,
}

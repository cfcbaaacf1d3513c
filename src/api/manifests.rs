//! The manifests in `crds/`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

use super::{Certificate, ClusterIssuer, Issuance, Issuer};

/// Every custom resource definition.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![Certificate::crd(), ClusterIssuer::crd(), Issuance::crd(), Issuer::crd()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crds_have_structural_schemas() {
        for crd in crds() {
            assert!(crd.spec.versions[0].schema.is_some());
        }
    }
}

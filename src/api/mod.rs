//! The custom resources: types, schema rules, conditions, and the names Evercert writes into a cluster.
//!
//! The schema says what a field may hold; what only the provider can know becomes a condition with a
//! reason instead. `crds/` is generated from here by [`manifests`].

// Each printcolumn(…) is a column of its own, though its keys repeat.
#![allow(clippy::duplicated_attributes)]

pub mod certificate;
pub mod conditions;
pub mod issuance;
pub mod issuer;
pub mod manifests;
pub mod meta;
mod schema;

pub use certificate::{Certificate, CertificateSpec, CertificateStatus};
pub use issuance::{Issuance, IssuanceSpec, IssuanceStatus};
pub use issuer::{ClusterIssuer, ClusterIssuerSpec, Issuer, IssuerSpec, IssuerStatus};

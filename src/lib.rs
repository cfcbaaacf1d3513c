//! Evercert keeps commercial TLS certificates alive in Kubernetes.
//!
//! docs/ARCHITECTURE.md describes the rooms below and what each may use.

pub mod address;
pub mod api;
pub mod controller;
pub mod dcv;
pub mod lifecycle;
pub mod pki;
pub mod provider;
pub mod revocation;
pub mod server;

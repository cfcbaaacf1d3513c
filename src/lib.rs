//! Evercert keeps commercial TLS certificates alive in Kubernetes.
//!
//! docs/ARCHITECTURE.md describes the rooms below and what each may use.

pub mod controller;
pub mod provider;

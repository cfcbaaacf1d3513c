//! The CertCentral sandbox as a client sees it: over HTTP, in a process of its own where that matters.
#![allow(clippy::unwrap_used)]

mod approvals;
mod breadth;
mod client;
mod durability;
mod faults;
#[path = "../names/admin.rs"]
#[allow(dead_code)] // shared with the tests of the name server, which use all of it
mod names;
mod orders;
mod reissues;
mod renewals;
mod revocations;
#[path = "../server/mod.rs"]
mod server;
mod validations;

//! Sectigo Certificate Manager as the sandbox plays it, seen over HTTP.
#![allow(clippy::unwrap_used)]

mod access;
mod approvals;
mod client;
mod collecting;
mod described;
mod durability;
mod enrolments;
mod faults;
#[path = "../server/http.rs"]
mod http;
mod imports;
mod inventory;
#[path = "../names/admin.rs"]
#[allow(dead_code)] // shared with the tests of the name server, which use all of it
mod names;
mod renewals;
mod replacements;
mod revocations;
#[path = "../server/mod.rs"]
mod server;
mod validations;

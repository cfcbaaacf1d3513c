//! DNSimple as the sandbox plays it, seen over HTTP and DNS.
#![allow(clippy::unwrap_used)]

mod client;
mod faults;
mod letsencrypt;
#[path = "../names/admin.rs"]
#[allow(dead_code)] // shared with the tests of the name server, which use all of it
mod names;
mod records;
#[path = "../server/mod.rs"]
#[allow(dead_code)]
mod server;

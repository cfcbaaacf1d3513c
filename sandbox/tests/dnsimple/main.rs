//! DNSimple as the sandbox plays it, seen over HTTP and DNS.
#![allow(clippy::unwrap_used)]

mod access;
mod client;
mod durability;
mod faults;
mod forms;
#[path = "../server/http.rs"]
mod http;
mod letsencrypt;
#[path = "../names/admin.rs"]
#[allow(dead_code)] // shared with the tests of the name server, which use all of it
mod names;
mod records;
#[path = "../server/mod.rs"]
mod server;
mod shapes;
mod webhooks;

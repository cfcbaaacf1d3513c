//! The demo name server and the validations that read from it.
#![allow(clippy::unwrap_used)]

mod admin;
mod server;
mod validation;

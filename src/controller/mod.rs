//! observe → decide → execute: one folder a reconciler, and the driver they share.

pub mod accounts;
pub mod any_issuer;
pub mod certificate;
pub mod changes;
pub mod clock;
pub mod context;
pub mod driver;
pub mod endpoint;
pub mod error;
pub mod events;
pub mod fault;
pub mod intents;
pub mod issuance;
pub mod issuer;
pub mod keys;
pub mod lease;
pub mod ledger;
pub mod metrics;
pub mod news;
pub mod own;
pub mod pace;
pub mod reservations;
pub mod run;
pub mod sweep;
pub mod watch;

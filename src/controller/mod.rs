//! observe → decide → execute: one folder a reconciler, and the driver they share.

pub mod clock;
pub mod driver;
pub mod error;
pub mod fault;
pub mod lease;
pub mod watch;

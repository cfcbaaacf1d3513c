//! Every decision of the operator, pure: no async, no clock, no client. What is known goes in, the next step
//! comes out, at most one effect at a time.

pub mod approval;
pub mod backoff;
pub mod budget;
mod by_hand;
pub mod certificate;
pub mod circuit;
pub mod csr;
pub mod dcv;
pub mod deletion;
pub mod digicert;
pub mod dnsimple;
#[cfg(test)]
mod explore;
pub mod history;
mod hush;
pub mod install;
pub mod invariants;
pub mod issuance;
pub mod lineage;
pub mod location;
pub mod names;
pub mod operation;
pub mod plan;
pub mod policy;
pub mod polling;
pub mod present;
pub mod publishing;
pub mod record;
pub mod renewal;
pub mod restart;
pub mod sectigo;
pub mod spread;
#[cfg(test)]
pub(crate) mod testing;
pub mod trigger;
pub mod validity;
pub mod windows;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// What a reconciler does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<E> {
    /// One effect; then look again.
    Do(E),
    /// Nothing until then, or until something changes.
    Wait(Duration),
    /// Nothing until something changes.
    Done,
}

/// Times of the paid-call protocol and of deletions, on the machine's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Longest a call to a provider may take, in all.
    pub call: Duration,
    /// How long the lease lasts without renewal.
    pub lease: Duration,
    /// How long a provider may hide what it has accepted.
    pub settle: Duration,
    /// How long the deletion of an object waits for a provider or name server.
    pub give_up: Duration,
}

/// What is left of `pause` since `since`, if anything.
fn remaining(since: Timestamp, pause: Duration, now: Timestamp) -> Option<Duration> {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    let end = since.saturating_add(pause).unwrap_or(Timestamp::MAX);
    Duration::try_from(end.duration_since(now)).ok().filter(|left| !left.is_zero())
}

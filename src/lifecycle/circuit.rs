//! When an account that answers with errors is left alone, and how it is found out that it serves again.
//!
//! | circuit | calls | becomes |
//! |---|---|---|
//! | closed | all | open after [`ERRORS`] in a row that began at least [`SPELL`] ago |
//! | open | none, but one that is free when it is time: the probe | closed by any good answer; a failed probe puts the next off |
//!
//! What counts is what a call tells of the whole account ([`Health`]): a refusal of one request is none of its errors,
//! and a refusal for the rate limit is neither good nor bad. Kept in memory: after a restart the account is called
//! until it has failed as often again.

use std::time::Duration;

use jiff::{Timestamp, Unit};

use super::{backoff, remaining};
use crate::{
    api::issuer::IssuerRef,
    provider::{CallError, Called, Health},
};

/// Failed calls in a row.
const ERRORS: u32 = 5;
/// One broken connection may end many calls together, and some calls fail while others do not.
const SPELL: Duration = Duration::from_secs(15);
const FIRST_PROBE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// A probe of which nothing is heard for so long was never made.
const LOST: Duration = Duration::from_secs(120);
/// What opens again sooner than this after it has closed goes on with the pauses it had: a probe may be answered where
/// other calls are not.
const CALM: Duration = Duration::from_secs(600);
/// Longest time over which those that have waited begin again.
const WIDEST: Duration = Duration::from_secs(120);

/// Of one credential. Times are the machine's.
#[derive(Debug, Clone, Default)]
pub struct Circuit {
    state: State,
    /// Probes that failed, and openings, since it was calm.
    pauses: u32,
    closed_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Default)]
enum State {
    #[default]
    Closed,
    /// Closed, and the last calls have failed: so many, the first of which began then.
    Failing(u32, Timestamp),
    Open(Outage),
}

/// An account that is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    pub since: Timestamp,
    /// In a row, those before it opened included.
    pub errors: u32,
    pub last: CallError,
    pub next_probe: Timestamp,
    /// When the probe that is under way began.
    probing: Option<Timestamp>,
}

impl Circuit {
    pub fn outage(&self) -> Option<&Outage> {
        match &self.state {
            State::Open(outage) => Some(outage),
            State::Closed | State::Failing(..) => None,
        }
    }

    /// Whether a call may be made. A probe that is let through is under way from then on.
    pub fn admits(&mut self, probe: bool, now: Timestamp) -> bool {
        let State::Open(outage) = &mut self.state else { return true };
        // A clock that is set back puts nothing off for longer.
        outage.next_probe = outage.next_probe.min(now.saturating_add(LONGEST_PAUSE).unwrap_or(now));
        let under_way = outage.probing.is_some_and(|since| remaining(since, LOST, now).is_some());
        let admitted = probe && !under_way && outage.next_probe <= now;
        if admitted {
            outage.probing = Some(now);
        }
        admitted
    }

    /// What a call that ends now has told; whether the circuit has opened or closed by it.
    pub fn heard(&mut self, called: &Called<'_>, now: Timestamp) -> bool {
        match (called.account, called.result) {
            (Health::Serves, _) => self.served(now),
            (Health::Fails, result) => self.failed(called, result.err(), now),
            (Health::Untold, _) => {
                self.probed(now);
                false
            }
        }
    }

    fn served(&mut self, now: Timestamp) -> bool {
        let opened = self.outage().is_some();
        self.state = State::Closed;
        if opened {
            self.closed_at = Some(now);
        }
        opened
    }

    fn failed(&mut self, called: &Called<'_>, error: Option<&CallError>, now: Timestamp) -> bool {
        let (errors, since) = match &mut self.state {
            State::Open(outage) => {
                outage.errors = outage.errors.saturating_add(1);
                if let Some(error) = error {
                    outage.last = error.clone();
                }
                self.probed(now);
                return false;
            }
            State::Failing(errors, since) => (errors.saturating_add(1), *since),
            State::Closed => (1, now.saturating_sub(called.took).unwrap_or(now)),
        };
        self.state = State::Failing(errors, since);
        if errors < ERRORS || remaining(since, SPELL, now).is_some() {
            return false;
        }
        if self.closed_at.is_none_or(|closed| remaining(closed, CALM, now).is_none()) {
            self.pauses = 0;
        }
        let last = error.cloned().unwrap_or_else(foreign);
        self.state = State::Open(Outage { since: now, errors, last, next_probe: now, probing: None });
        self.pause(now);
        true
    }

    /// The answer to the probe, when one is under way.
    fn probed(&mut self, now: Timestamp) {
        if let State::Open(outage) = &mut self.state
            && outage.probing.take().is_some()
        {
            self.pause(now);
        }
    }

    fn pause(&mut self, now: Timestamp) {
        self.pauses = self.pauses.saturating_add(1);
        let pause = backoff::doubling(FIRST_PROBE, self.pauses, LONGEST_PAUSE);
        if let State::Open(outage) = &mut self.state {
            outage.next_probe = now.saturating_add(pause).unwrap_or(Timestamp::MAX);
        }
    }

    /// Somebody has changed how the account is reached: worth a look at once.
    pub fn hurry(&mut self, now: Timestamp) {
        if let State::Open(outage) = &mut self.state {
            outage.next_probe = outage.next_probe.min(now);
        }
    }
}

/// The answer was a 2xx that somebody else has made.
fn foreign() -> CallError {
    CallError::Ambiguous { call: "a call", message: "the answer is not the provider's".to_owned() }
}

impl Outage {
    /// For the issuer's condition.
    pub fn describe(&self) -> String {
        format!(
            "nothing is asked of the account since {}: {} calls in a row have failed, the last: {}. The next look at it \
             is at {}",
            second(self.since),
            self.errors,
            self.last,
            second(self.next_probe)
        )
    }
}

/// For what waits, the same as long as it does.
pub fn rests(issuer: &IssuerRef, since: Timestamp) -> String {
    let since = second(since);
    format!(
        "{issuer}: its account answers with errors, so nothing is asked of it since {since}; this goes on by itself"
    )
}

/// Over which time those that have waited for an account begin again: a quarter of the time it was away.
pub fn spread_over(away: Duration) -> Duration {
    (away / 4).min(WIDEST)
}

fn second(time: Timestamp) -> Timestamp {
    time.round(Unit::Second).unwrap_or(time)
}

#[cfg(test)]
mod decisions;
#[cfg(test)]
mod tests;

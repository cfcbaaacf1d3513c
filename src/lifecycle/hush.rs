//! Most operations end within seconds, and each sentence about one is a write: of its first moments nothing is told
//! but that it has begun.

use std::time::Duration;

use jiff::Timestamp;

use super::remaining;
use crate::api::{Issuance, issuance::OutcomeClass};

const FIRST_MOMENTS: Duration = Duration::from_secs(5);

/// Until more is told of an operation; `None`: now.
pub(super) fn hush(issuance: &Issuance, now: Timestamp) -> Option<Duration> {
    let [only] = issuance.spec.submissions.as_slice() else { return None };
    let undisturbed = issuance.status.as_ref().is_none_or(|status| {
        status.failure.is_none() && status.outcomes.iter().all(|outcome| outcome.class == OutcomeClass::Accepted)
    });
    remaining(only.at.0, FIRST_MOMENTS, now).filter(|_| undisturbed)
}

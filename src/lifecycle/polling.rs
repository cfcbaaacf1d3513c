//! When an account is asked what has changed, and which of its answers concern an operation that is pending there.
//!
//! One call names every order that changed (CertCentral Services API, *Status change list*), so that a thousand pending
//! operations cost no more calls than one. Each is looked at when it is named, and rarely by itself.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::spread::spread;
use crate::{
    api::{
        IssuanceStatus,
        conditions::{ACTION_REQUIRED, is_true},
        issuance::State,
    },
    provider::ChangedTo,
};

/// Between two calls while something is pending: a sixth of the age of what is youngest, between these.
const SOONEST: Duration = Duration::from_secs(5);
const LATEST: Duration = Duration::from_secs(300);
/// How long a change may take to show, and how far two clocks may be apart: windows overlap by this.
const LAG: Duration = Duration::from_secs(60);
/// *Status change list*: seven days at most.
const LONGEST_WINDOW: Duration = Duration::from_secs(7 * 86_400);
/// Until an operation that no answer names is looked at all the same, up to a quarter later.
const UNNAMED: Duration = Duration::from_secs(3600);

/// From one call for an account to the next, by the age of what has happened last to anything pending there.
pub fn period(youngest: Duration) -> Duration {
    (youngest / 6).clamp(SOONEST, LATEST)
}

/// Which changes to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub length: Duration,
    /// Nothing since the last call is missed.
    pub whole: bool,
}

/// At the first call, and after a long absence, the longest there is.
pub fn window(last: Option<Timestamp>, now: Timestamp) -> Window {
    let since = last.map(|last| Duration::try_from(now.duration_since(last)).unwrap_or_default() + LAG);
    match since {
        Some(length) if length <= LONGEST_WINDOW => Window { length, whole: true },
        // What was known before the first call was learnt by a look at each.
        _ => Window { length: LONGEST_WINDOW, whole: last.is_none() },
    }
}

/// From a look at an operation to the next when no answer names it.
pub fn unnamed(uid: &str) -> Duration {
    UNNAMED + spread(uid, UNNAMED / 4)
}

/// The same after a restart, when nobody knows how long ago the last look was.
pub fn unnamed_after_restart(uid: &str) -> Duration {
    spread(uid, UNNAMED)
}

/// When the order of a certificate that is served is looked at next: once in each `period`, at a moment of its own, which
/// no restart moves.
pub fn next_look(uid: &str, period: Duration, now: Timestamp) -> Timestamp {
    let seconds = i64::try_from(period.as_secs()).unwrap_or(i64::MAX).max(1);
    let own = i64::try_from(spread(uid, period).as_secs()).unwrap_or_default();
    let turns = (now.as_second() - own).div_euclid(seconds) + 1;
    Timestamp::from_second(turns.saturating_mul(seconds).saturating_add(own)).unwrap_or(Timestamp::MAX)
}

/// The order whose change is waited for, and when anything has happened last that the provider reacts to.
pub fn waits_for(status: &IssuanceStatus) -> Option<(&str, Timestamp)> {
    let waiting = !matches!(status.state, Some(State::Issued | State::NeedsAttention));
    let order_id = status.order_id.as_deref().filter(|_| waiting && !status.state.is_some_and(State::is_final))?;
    let shown = status.validations.iter().filter_map(|validation| validation.since.as_ref());
    let last = status.submitted_at.iter().chain(shown).map(|time| time.0).max()?;
    Some((order_id, last))
}

/// Whether it was looked at and found to wait for something that an answer will name.
pub fn was_quiet(status: &IssuanceStatus) -> bool {
    match status.state {
        Some(State::Validating) => !status.validations.is_empty(),
        Some(State::AwaitingProvider) => awaits_approval(status),
        _ => false,
    }
}

/// Whether a change at the provider is news: an order is named as well when what it waits for is known already.
pub fn is_news(status: &IssuanceStatus, to: ChangedTo) -> bool {
    match to {
        ChangedTo::AwaitingApproval => !awaits_approval(status),
        ChangedTo::Pending => status.state == Some(State::Submitted) || awaits_approval(status),
        ChangedTo::Settled => true,
    }
}

fn awaits_approval(status: &IssuanceStatus) -> bool {
    status.state == Some(State::AwaitingProvider) && is_true(&status.conditions, ACTION_REQUIRED)
}

/// Age of what has happened last; what lies in the future happens now.
pub fn age(last: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(last).max(SignedDuration::ZERO)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::issuance::{Operation, ValidationState},
        lifecycle::{
            record::{self, Change},
            testing::{at, issuance_spec, time, validation},
        },
        provider::{Progress, Standing},
    };

    const MINUTE: u64 = 60;

    fn placed(state: State) -> IssuanceStatus {
        IssuanceStatus {
            state: Some(state),
            order_id: Some("100".to_owned()),
            submitted_at: Some(time(0)),
            ..IssuanceStatus::default()
        }
    }

    #[test]
    fn an_account_is_asked_every_few_seconds_at_first_and_every_few_minutes_in_the_end() {
        let table = [(0, 5), (30, 5), (MINUTE, 10), (10 * MINUTE, 100), (30 * MINUTE, 300), (7 * 86_400, 300)];
        for (youngest, expected) in table {
            assert_eq!(period(Duration::from_secs(youngest)), Duration::from_secs(expected), "{youngest}");
        }
    }

    #[test]
    fn windows_overlap_and_a_gap_is_noticed() {
        let window = |last: Option<i64>, now| {
            let Window { length, whole } = super::window(last.map(at), at(now));
            (length.as_secs(), whole)
        };
        assert_eq!(window(None, 0), (604_800, true), "nothing was known before");
        assert_eq!(window(Some(0), 5), (65, true));
        assert_eq!(window(Some(0), 604_740), (604_800, true));
        assert_eq!(window(Some(0), 604_741), (604_800, false));
        assert_eq!(window(Some(100), 0), (60, true), "the clock was set back");
    }

    #[test]
    fn what_is_placed_and_not_issued_is_waited_for() {
        assert_eq!(waits_for(&IssuanceStatus::default()), None);
        for state in [State::Submitted, State::Validating, State::AwaitingProvider] {
            assert_eq!(waits_for(&placed(state)), Some(("100", at(0))), "{state:?}");
        }
        for state in [State::Issued, State::Installed, State::Failed, State::Denied, State::NeedsAttention] {
            assert_eq!(waits_for(&placed(state)), None, "{state:?}");
        }
        let mut shown = placed(State::Validating);
        shown.validations = vec![validation("a.org", ValidationState::Visible)];
        shown.validations[0].since = Some(time(50));
        assert_eq!(waits_for(&shown), Some(("100", at(50))), "the provider will look soon");
        assert_eq!((age(at(50), at(70)).as_secs(), age(at(50), at(0)).as_secs()), (20, 0));
    }

    #[test]
    fn only_news_leads_to_a_look() {
        use ChangedTo::{AwaitingApproval, Pending, Settled};
        let polled = |progress| {
            let (mut status, spec) = (placed(State::Submitted), issuance_spec(Operation::Order));
            record::apply(
                &spec,
                &mut status,
                &Change::Polled(Standing { progress, order_valid_till: None, delivered: None }),
                at(1),
            );
            status
        };
        let approval = polled(Progress::AwaitingApproval { request_id: None });
        let validating = polled(Progress::Validating);
        let processing = polled(Progress::Processing { status: "processing".to_owned() });
        let submitted = placed(State::Submitted);
        let table = [
            (&submitted, [(AwaitingApproval, true), (Pending, true), (Settled, true)], false),
            (&approval, [(AwaitingApproval, false), (Pending, true), (Settled, true)], true),
            (&validating, [(AwaitingApproval, true), (Pending, false), (Settled, true)], false),
            (&processing, [(AwaitingApproval, true), (Pending, false), (Settled, true)], false),
        ];
        for (status, answers, quiet) in table {
            for (to, news) in answers {
                assert_eq!(is_news(status, to), news, "{:?} {to:?}", status.state);
            }
            assert_eq!(was_quiet(status), quiet, "{:?}", status.state);
        }
        let read = IssuanceStatus { validations: vec![validation("a.org", ValidationState::Visible)], ..validating };
        assert!(was_quiet(&read), "its tokens are known");
    }

    #[test]
    fn each_order_has_a_turn_of_its_own_in_every_period() {
        let day = Duration::from_secs(86_400);
        let mut turns = std::collections::BTreeSet::new();
        for n in 1..20_u32 {
            let uid = format!("{:08x}-0000-4000-8000-000000000000", n.wrapping_mul(2_654_435_761));
            let first = next_look(&uid, day, at(0));
            assert!(at(0) < first && first <= at(86_400), "{first}");
            assert_eq!(next_look(&uid, day, first), first + SignedDuration::from_hours(24));
            let before = first - SignedDuration::from_secs(1);
            assert_eq!(next_look(&uid, day, before), first, "a restart moves nothing");
            turns.insert(first);
        }
        assert!(turns.len() > 15, "they are spread: {turns:?}");
    }

    #[test]
    fn what_no_answer_names_is_looked_at_after_an_hour_or_so() {
        let uid = "5f0c7d1e-0000-4000-8000-000000000001";
        assert!((UNNAMED..UNNAMED * 5 / 4).contains(&unnamed(uid)));
        assert!(unnamed_after_restart(uid) < UNNAMED);
    }
}

//! The next step of one operation at the CA: submitted once, followed to its certificate, cleaned up after.
//!
//! The paid-call protocol is here. A submission without an outcome is new only for the process that has just
//! recorded it; for everybody else it is ambiguous, and what is ambiguous is looked for, never repeated blindly.

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{Step, Times, dcv};
use crate::{
    api::{
        conditions::{self, RESOLVED, reason},
        issuance::{FailureClass, IssuanceSpec, IssuanceStatus, Operation, OutcomeClass, State, Submission, Trigger},
        issuer::AmbiguousPaid,
    },
    provider::{Found, Progress, Standing, Validation},
};

/// Submissions one Issuance may make; then a person must look.
const MAX_SUBMISSIONS: usize = 16;
/// Looks that must have found nothing before something counts as absent.
const MIN_LOOKS: u32 = 3;
/// Downloads that were not believed before the Issuance gives up; the order stays known.
const MAX_DOWNLOADS: u32 = 5;
/// How often a stopped Issuance still looks by itself.
const STOPPED_LOOK: Duration = Duration::from_secs(3600);

/// What is known of an Issuance at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    pub spec: &'a IssuanceSpec,
    pub status: &'a IssuanceStatus,
    pub deleted: bool,
    /// Whether our finalizer is on the object.
    pub finalizer: bool,
    /// This process recorded the last submission and has not made its call yet.
    pub fresh: bool,
    /// Identity of this process in the lease.
    pub holder: &'a str,
    /// Id of this installation.
    pub installation: &'a str,
    /// What the issuer says about paid submissions that cannot be found.
    pub ambiguous_paid: AmbiguousPaid,
    pub self_check: bool,
    pub seen: &'a Seen,
    /// Until the provider may be polled again.
    pub next_poll: Duration,
    /// On the machine's own clock.
    pub now: Timestamp,
    pub times: Times,
}

/// What this reconcile has learnt so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub found: Option<Found>,
    pub standing: Option<Standing>,
    pub validations: Option<Vec<Validation>>,
    /// Domains whose record was looked for.
    pub checked: BTreeSet<String>,
    /// Domains whose record could not be published or removed just now.
    pub stuck: BTreeSet<String>,
    /// The provider was asked to look at the records.
    pub asked: bool,
    /// Downloads in a row that were not believed, this reconcile's included.
    pub unbelieved: u32,
    /// A download of this reconcile was not believed.
    pub refused_download: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Searches the provider for what a submission may have placed.
    Look,
    /// Records the intent of one more call.
    Append,
    /// Makes the one call of the last submission.
    Submit,
    /// Asks where the operation stands.
    Poll,
    Dcv(dcv::Effect),
    /// Keeps the object until its records are removed.
    AddFinalizer,
    RemoveFinalizer,
    Download {
        certificate_id: String,
    },
    /// Revokes a superseded certificate after a key compromise.
    Revoke {
        serial: String,
    },
    /// Ends without a certificate.
    Fail {
        class: FailureClass,
        message: String,
    },
    /// Stops until a person says what became of the last submission, or a look finds it.
    AskPerson {
        message: String,
    },
    /// A person found the order at the provider.
    Take {
        order_id: String,
    },
}

pub fn decide(o: &Observed) -> Step<Effect> {
    if o.spec.submissions.iter().any(|submission| submission.installation != o.installation) {
        // Another installation's ledger: hands off.
        return Step::Done;
    }
    if o.deleted {
        return clean_up(o).unwrap_or(Step::Done);
    }
    match o.status.state {
        Some(State::Installed) => clean_up(o).or_else(|| revoke_superseded(o)).unwrap_or(Step::Done),
        Some(State::Issued | State::Failed | State::Denied | State::Superseded) => clean_up(o).unwrap_or(Step::Done),
        _ if o.status.order_id.is_some() => follow(o),
        Some(State::NeedsAttention) => stopped(o),
        _ => submit(o),
    }
}

fn submit(o: &Observed) -> Step<Effect> {
    let Some(last) = o.spec.submissions.last() else { return Step::Do(Effect::Append) };
    let outcome = o.status.outcomes.iter().find(|outcome| outcome.n == last.n);
    match outcome.map(|outcome| (outcome.class, outcome.at.0)) {
        None if o.fresh => first_look_then_call(o),
        None | Some((OutcomeClass::Ambiguous | OutcomeClass::Accepted, _)) => recover(o, last),
        // Certainly not executed: wait, then say again that we mean it.
        Some((OutcomeClass::NotSent | OutcomeClass::RateLimited | OutcomeClass::Blocked, at)) => {
            let pause = match outcome.map(|outcome| outcome.class) {
                Some(OutcomeClass::Blocked) => doubling(Duration::from_secs(600), last.n, Duration::from_secs(86_400)),
                _ => doubling(Duration::from_secs(5), last.n, Duration::from_secs(600)),
            };
            match remaining(at, pause, o.now) {
                Some(left) => Step::Wait(left),
                None => append(o),
            }
        }
        Some((OutcomeClass::Rejected, _)) => Step::Done,
    }
}

fn first_look_then_call(o: &Observed) -> Step<Effect> {
    match (&o.seen.found, searchable(o.spec.operation)) {
        (None, true) => Step::Do(Effect::Look),
        _ => Step::Do(Effect::Submit),
    }
}

/// After a submission whose outcome nobody knows: look, several times, until the settle time has passed.
fn recover(o: &Observed, last: &Submission) -> Step<Effect> {
    let theirs = o.times.call + o.times.lease;
    if last.holder != o.holder
        && let Some(left) = remaining(last.at.0, theirs, o.now)
    {
        // Whoever recorded it may still be calling.
        return Step::Wait(left);
    }
    let looks = o.status.looks.as_ref().filter(|looks| looks.last_at.0 >= last.at.0);
    let between = o.times.settle / 4;
    if o.seen.found.is_none() {
        return match looks.and_then(|looks| remaining(looks.last_at.0, between, o.now)) {
            Some(left) => Step::Wait(left),
            None => Step::Do(Effect::Look),
        };
    }
    let enough = looks.is_some_and(|looks| looks.count >= MIN_LOOKS);
    if !enough || remaining(last.at.0, o.times.settle, o.now).is_some() {
        return Step::Wait(between);
    }
    if !is_paid(o.spec.operation) {
        return append(o);
    }
    match o.ambiguous_paid {
        AmbiguousPaid::RepeatWhenAbsent if searchable(o.spec.operation) => append(o),
        _ => Step::Do(Effect::AskPerson { message: what_to_look_for(o.spec, last) }),
    }
}

/// Waiting for a person; an order that shows up late is still found.
fn stopped(o: &Observed) -> Step<Effect> {
    let Some(last) = o.spec.submissions.last() else { return Step::Do(Effect::Append) };
    let resolved = conditions::condition(&o.status.conditions, RESOLVED)
        .filter(|resolved| resolved.status == "True" && resolved.last_transition_time.0 >= last.at.0);
    match resolved.map(|resolved| (resolved.reason.as_str(), resolved.message.trim())) {
        Some((reason::NOT_PLACED, _)) => return append(o),
        Some((reason::PLACED, order_id)) if !order_id.is_empty() => {
            return Step::Do(Effect::Take { order_id: order_id.to_owned() });
        }
        _ => {}
    }
    if o.seen.found.is_some() {
        return Step::Wait(STOPPED_LOOK);
    }
    match o.status.looks.as_ref().and_then(|looks| remaining(looks.last_at.0, STOPPED_LOOK, o.now)) {
        Some(left) => Step::Wait(left),
        None => Step::Do(Effect::Look),
    }
}

fn append(o: &Observed) -> Step<Effect> {
    if o.spec.submissions.len() < MAX_SUBMISSIONS {
        return Step::Do(Effect::Append);
    }
    let message = format!("{MAX_SUBMISSIONS} submissions were made and none was accepted");
    Step::Do(Effect::Fail { class: FailureClass::Exhausted, message })
}

/// The provider has it: wait for the certificate, with domains validated on the way.
fn follow(o: &Observed) -> Step<Effect> {
    let Some(standing) = &o.seen.standing else {
        return if o.next_poll.is_zero() { Step::Do(Effect::Poll) } else { dcv_between_polls(o) };
    };
    match &standing.progress {
        Progress::Issued { .. } if o.seen.refused_download => match o.seen.unbelieved {
            MAX_DOWNLOADS.. => Step::Do(Effect::Fail {
                class: FailureClass::InvalidCertificate,
                message: o.status.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default(),
            }),
            _ => Step::Wait(o.next_poll),
        },
        Progress::Issued { certificate_id } => Step::Do(Effect::Download { certificate_id: certificate_id.clone() }),
        Progress::Refused { reason } => {
            Step::Do(Effect::Fail { class: FailureClass::Canceled, message: reason.clone() })
        }
        Progress::Validating => validate(o),
        Progress::AwaitingApproval { .. } | Progress::Processing { .. } => Step::Wait(o.next_poll),
    }
}

/// Publishing and self-checks need no poll of the provider in between.
fn dcv_between_polls(o: &Observed) -> Step<Effect> {
    match o.status.state {
        Some(State::Validating) if !o.status.validations.is_empty() => validate(o),
        _ => Step::Wait(o.next_poll),
    }
}

fn validate(o: &Observed) -> Step<Effect> {
    match dcv::decide(o) {
        Step::Do(dcv::Effect::Publish { .. }) if !o.finalizer => Step::Do(Effect::AddFinalizer),
        Step::Do(effect) => Step::Do(Effect::Dcv(effect)),
        Step::Wait(pause) => Step::Wait(pause.min(o.next_poll.max(Duration::from_secs(1)))),
        Step::Done => Step::Wait(o.next_poll),
    }
}

/// Removes the records that are still published, then the finalizer that keeps them known.
fn clean_up(o: &Observed) -> Option<Step<Effect>> {
    match dcv::clean_up(o) {
        Some(Step::Do(effect)) => Some(Step::Do(Effect::Dcv(effect))),
        Some(Step::Wait(pause)) => Some(Step::Wait(pause)),
        _ if o.finalizer => Some(Step::Do(Effect::RemoveFinalizer)),
        _ => None,
    }
}

/// A compromised key is revoked only once its successor is served.
fn revoke_superseded(o: &Observed) -> Option<Step<Effect>> {
    if o.spec.reason != Trigger::KeyCompromise {
        return None;
    }
    let serials = o.spec.supersedes.iter().flat_map(|supersedes| &supersedes.serial_numbers);
    serials
        .filter(|serial| !o.status.revoked_serials.contains(serial))
        .map(|serial| Step::Do(Effect::Revoke { serial: serial.clone() }))
        .next()
}

pub fn is_paid(operation: Operation) -> bool {
    matches!(operation, Operation::Order | Operation::Renew)
}

/// Whether the provider stores our idempotency key and lets it be searched. CertCentral: `alternative_order_id`,
/// on orders and renewals only (Services API, *Get orders by alternative order ID*).
fn searchable(operation: Operation) -> bool {
    matches!(operation, Operation::Order | Operation::Renew)
}

fn what_to_look_for(spec: &IssuanceSpec, last: &Submission) -> String {
    let common_name = &spec.request.common_name;
    let account = &spec.account;
    let parent =
        spec.parent.as_ref().map(|parent| format!(" that renews order {}", parent.order_id)).unwrap_or_default();
    format!(
        "submission {n} of {at} got no certain answer and no order{parent} can be found at {provider} account {id}. \
         Look there for an order of that time for {common_name} with alternative order id {key}. If there is one, set the \
         condition Resolved with reason Placed and its order id as message; if there is none, with reason NotPlaced",
        n = last.n,
        at = last.at.0,
        provider = account.provider,
        id = account.id,
        key = spec.idempotency_key,
    )
}

/// `first`, doubled with every submission after the first.
fn doubling(first: Duration, n: i32, longest: Duration) -> Duration {
    let exponent = u32::try_from(n.saturating_sub(1)).unwrap_or(0).min(16);
    first.saturating_mul(2_u32.saturating_pow(exponent)).min(longest)
}

/// What is left of `pause` since `since`, if anything.
pub(super) fn remaining(since: Timestamp, pause: Duration, now: Timestamp) -> Option<Duration> {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    let end = since.saturating_add(pause).unwrap_or(Timestamp::MAX);
    Duration::try_from(end.duration_since(now)).ok().filter(|left| !left.is_zero())
}

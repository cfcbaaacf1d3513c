//! The next step of one operation at the CA: submitted once, followed to its certificate, cleaned up after.
//!
//! The paid-call protocol is here. A submission without an outcome is new only for the process that has just
//! recorded it; for everybody else it is ambiguous, and what is ambiguous is looked for, never repeated blindly.

mod hindered;
pub mod observed;
mod question;
mod wish;

use std::time::Duration;

pub use observed::{Observed, Seen};
use question::searchable;
pub use question::what_to_look_for;
pub use wish::{Wish, is_unsent, unwanted, wish};

use super::{Step, approval, backoff, budget::Claim, by_hand, dcv, lineage, record, remaining};
use crate::{
    api::{
        conditions::{self, RESOLVED, reason},
        issuance::{
            Cost, FailureClass, IssuanceSpec, IssuanceStatus, Looks, Operation, Outcome, OutcomeClass, State,
            Submission, Trigger,
        },
        issuer::AmbiguousPaid,
    },
    provider::Progress,
};

/// Submissions one Issuance may make; then a person must look.
const MAX_SUBMISSIONS: usize = 16;
/// Looks that must have found nothing before something counts as absent; from the first to the last of them, all made
/// after the call was over, the settle time passes.
const MIN_LOOKS: u32 = 5;
/// Until what rests is looked at again: a change of its Certificate is heard of at once.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);
/// Downloads that were not believed before the Issuance gives up; the order stays known.
const MAX_DOWNLOADS: u32 = 5;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Searches the provider for what a submission may have placed.
    Look,
    /// Counts one more submission against the budget of a policy rule, before its intent is recorded.
    Reserve {
        rule: String,
        claim: Claim,
    },
    /// Gives the right to make the call of the last submission back, and records that it was not made.
    GiveBack {
        why: &'static str,
    },
    /// Ends what was never sent: something else is wanted by now, or nothing, once a read of the Certificate confirms it.
    Supersede,
    /// Records the intent of one more call.
    Append,
    /// Makes the one call of the last submission.
    Submit,
    /// Has what was bought issued.
    Issue,
    /// Looks for what people have had issued on the provider's pages.
    Watch,
    /// Tells people what to do there.
    AskByHand {
        page: String,
        message: String,
    },
    /// Tells them again, for the n-th time.
    Remind {
        n: u32,
        message: String,
    },
    /// Asks where the operation stands.
    Poll,
    Dcv(dcv::Effect),
    /// Keeps the object until its records are removed.
    AddFinalizer,
    RemoveFinalizer,
    Download {
        certificate_id: String,
    },
    /// Takes back what is pending at the provider.
    Cancel,
    /// Revokes a superseded certificate after a key compromise.
    Revoke {
        serial: String,
    },
    /// Ends without a certificate.
    Fail {
        class: FailureClass,
        message: String,
    },
    /// Reads whether the organization is validated.
    ReadOrganization,
    /// Stops until a person says what became of the last submission, or a look finds it.
    AskPerson {
        message: String,
    },
    /// Goes on with the order that is adopted.
    TakeUp {
        order_id: String,
    },
    /// A person says which order it is: taken up when it can be followed, else asked again.
    Take {
        order_id: String,
    },
    /// Asks a person before the first submission.
    AskApproval {
        message: String,
    },
    /// A person said no before anything was submitted.
    Deny {
        message: String,
    },
    /// Says what is in the way beside the provider.
    Hinder {
        reason: &'static str,
        message: String,
    },
    /// Nothing is in the way any more.
    Unhinder,
}

pub fn decide(o: &Observed) -> Step<Effect> {
    if !lineage::is_ours(o.spec, o.installation, o.mark) {
        // Another installation's ledger: hands off.
        return Step::Done;
    }
    if o.deleted.is_some() {
        return clean_up(o).unwrap_or(Step::Done);
    }
    match o.status.state {
        Some(State::Installed) => clean_up(o).or_else(|| revoke_superseded(o)).unwrap_or(Step::Done),
        Some(State::Issued | State::Failed | State::Denied | State::Superseded) => clean_up(o).unwrap_or(Step::Done),
        _ => give_way(o).unwrap_or_else(|| hindered::guard(o, go_on(o))),
    }
}

/// What was never sent gives way to what is wanted by now, whatever is in the way of sending it.
fn give_way(o: &Observed) -> Option<Step<Effect>> {
    let unanswered = o.spec.submissions.last().is_some_and(|last| outcome_of(o.status, last.n).is_none());
    let unmade = o.fresh && unanswered && o.status.order_id.is_none() && !record::withdrawn(o.status);
    match o.wish {
        Wish::Changed | Wish::Stuck | Wish::Gone if is_unsent(o.spec, o.status) && !record::withdrawn(o.status) => {
            Some(Step::Do(Effect::Supersede))
        }
        Wish::Changed | Wish::Stuck | Wish::Rest | Wish::Gone if unmade => {
            Some(Step::Do(Effect::GiveBack { why: "its Certificate was changed or suspended before" }))
        }
        // Nothing waits between intent and call.
        _ if unmade && o.outage.is_some() => {
            Some(Step::Do(Effect::GiveBack { why: "its account is not called just now" }))
        }
        _ => None,
    }
}

fn go_on(o: &Observed) -> Step<Effect> {
    match o.status.state {
        _ if o.status.order_id.is_some() => follow(o),
        _ if o.spec.operation == Operation::Adopt => take_up(o),
        _ if o.spec.operation == Operation::Collect => by_hand::watch(o),
        Some(State::NeedsAttention) => stopped(o),
        _ => submit(o),
    }
}

/// Nothing is asked of the provider for an Adopt: its order was judged before it was recorded.
fn take_up(o: &Observed) -> Step<Effect> {
    let parent = o.spec.parent.as_ref();
    parent.map_or(Step::Done, |parent| Step::Do(Effect::TakeUp { order_id: parent.order_id.clone() }))
}

fn submit(o: &Observed) -> Step<Effect> {
    let Some(last) = o.spec.submissions.last() else { return append(o) };
    let Some(outcome) = outcome_of(o.status, last.n) else {
        return match (o.fresh, record::withdrawn(o.status) || approval::denied(o.status).is_some()) {
            (true, false) => look_then_call(o),
            (true, true) => append(o),
            (false, _) => recover(o, last),
        };
    };
    match outcome.class {
        OutcomeClass::Ambiguous | OutcomeClass::Accepted => recover(o, last),
        // Certainly not executed: wait, then say again that we mean it.
        OutcomeClass::NotSent | OutcomeClass::RateLimited | OutcomeClass::Blocked => {
            let pause = Some(pause_after(outcome.class, o.status)).filter(|_| !record::withdrawn(o.status));
            match remaining(outcome.at.0, pause.unwrap_or_default(), o.now) {
                Some(left) => Step::Wait(left),
                None => append(o),
            }
        }
        OutcomeClass::Rejected => Step::Done,
    }
}

fn outcome_of(status: &IssuanceStatus, n: i32) -> Option<&Outcome> {
    status.outcomes.iter().find(|outcome| outcome.n == n)
}

/// Doubles with every outcome of the class. A person does not act within seconds.
fn pause_after(class: OutcomeClass, status: &IssuanceStatus) -> Duration {
    let alike = status.outcomes.iter().filter(|outcome| outcome.class == class).count();
    let (first, longest) = match class {
        OutcomeClass::Blocked => (600, 86_400),
        _ => (5, 600),
    };
    let n = u32::try_from(alike).unwrap_or(u32::MAX);
    backoff::doubling(Duration::from_secs(first), n, Duration::from_secs(longest))
}

fn look_then_call(o: &Observed) -> Step<Effect> {
    match (&o.seen.found, searchable(o.spec)) {
        (None, true) => Step::Do(Effect::Look),
        _ => Step::Do(Effect::Submit),
    }
}

/// Whether the call of the last submission may still be made, judged on what was read right before it (the fence):
/// nobody has submitted since, and nothing is known of it.
pub fn may_call(decided: &IssuanceSpec, spec: &IssuanceSpec, status: Option<&IssuanceStatus>) -> bool {
    let Some(last) = spec.submissions.last() else { return false };
    decided.submissions == spec.submissions
        && status.is_none_or(|status| {
            let open = !matches!(status.state, Some(State::NeedsAttention | State::Issued));
            open && !record::withdrawn(status)
                && approval::denied(status).is_none()
                && !status.state.is_some_and(State::is_final)
                && status.order_id.is_none()
                && outcome_of(status, last.n).is_none()
        })
}

/// After a submission whose outcome nobody knows: look, several times, until the settle time has passed.
fn recover(o: &Observed, last: &Submission) -> Step<Effect> {
    if last.holder != o.holder
        && let Some(left) = remaining(last.at.0, o.times.call + o.times.lease, o.now)
    {
        // Whoever recorded it may still be calling.
        return Step::Wait(left);
    }
    let looks = o.status.looks.as_ref().filter(|looks| looks.n == last.n);
    let between = o.times.settle / (MIN_LOOKS - 1);
    if o.seen.found.is_none() {
        return match looks.and_then(|looks| remaining(looks.last_at.0, between, o.now)) {
            Some(left) => Step::Wait(left),
            None => Step::Do(Effect::Look),
        };
    }
    let absent =
        |looks: &Looks| looks.count >= MIN_LOOKS && remaining(looks.since.0, o.times.settle, looks.last_at.0).is_none();
    if !looks.is_some_and(absent) {
        return Step::Wait(between);
    }
    let accepted = outcome_of(o.status, last.n).is_some_and(|outcome| outcome.class == OutcomeClass::Accepted);
    let again = match o.ambiguous_paid {
        _ if !is_paid(o.spec.operation) || o.spec.cost == Cost::Free => true,
        // It is there, wherever it hides.
        _ if accepted => false,
        AmbiguousPaid::RepeatWhenAbsent => searchable(o.spec) && !exhausted(o.spec),
        AmbiguousPaid::Ask => false,
    };
    if again { append(o) } else { Step::Do(Effect::AskPerson { message: unclear(o, last) }) }
}

/// Waiting for a person; an order that shows up late is still found. An answer counts once: to be asked again and to
/// append both take it away, and nothing is called in this state.
fn stopped(o: &Observed) -> Step<Effect> {
    let resolved = conditions::condition(&o.status.conditions, RESOLVED).filter(|resolved| resolved.status == "True");
    match resolved.map(|resolved| (resolved.reason.as_str(), resolved.message.trim())) {
        Some((reason::NOT_PLACED, _)) => append(o),
        Some((reason::PLACED, order_id)) if !order_id.is_empty() => {
            Step::Do(Effect::Take { order_id: order_id.to_owned() })
        }
        _ if o.seen.found.is_some() || !o.next_poll.is_zero() => Step::Wait(o.next_poll.max(Duration::from_secs(1))),
        _ => Step::Do(Effect::Look),
    }
}

/// One more call, unless nobody wants it any more.
fn append(o: &Observed) -> Step<Effect> {
    if record::withdrawn(o.status) {
        let message = "the Certificate was deleted before anything was placed".to_owned();
        return Step::Do(Effect::Fail { class: FailureClass::Withdrawn, message });
    }
    if let Some(denied) = approval::denied(o.status) {
        return Step::Do(Effect::Deny { message: approval::refusal(denied) });
    }
    if matches!(o.wish, Wish::Rest | Wish::Gone) {
        return Step::Wait(LOOK_AGAIN);
    }
    if !exhausted(o.spec) {
        return Step::Do(Effect::Append);
    }
    let message = format!("{MAX_SUBMISSIONS} submissions were made and none was accepted");
    Step::Do(Effect::Fail { class: FailureClass::Exhausted, message })
}

fn exhausted(spec: &IssuanceSpec) -> bool {
    spec.submissions.len() >= MAX_SUBMISSIONS
}

/// The provider has it: wait for the certificate, with domains validated on the way.
fn follow(o: &Observed) -> Step<Effect> {
    let Some(standing) = &o.seen.standing else {
        return match (o.next_poll.is_zero(), at_once(o)) {
            (false, _) if o.seen.issue_refused.is_some() => Step::Do(Effect::Poll),
            (false, _) if is_stuck(o) && !o.seen.canceled => Step::Do(Effect::Poll),
            (false, _) => dcv_between_polls(o),
            (true, Some(certificate_id)) => Step::Do(Effect::Download { certificate_id }),
            (true, None) => Step::Do(Effect::Poll),
        };
    };
    match &standing.progress {
        Progress::Issued { .. } if o.seen.refused_download => match o.seen.unbelieved {
            // What an adopted order holds may have expired: it is reissued on.
            // Its key must not be lost while people can still act.
            _ if o.spec.operation == Operation::Collect => Step::Wait(o.next_poll),
            n if n >= MAX_DOWNLOADS || o.spec.operation == Operation::Adopt => Step::Do(Effect::Fail {
                class: FailureClass::InvalidCertificate,
                message: o.status.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default(),
            }),
            _ => Step::Wait(o.next_poll),
        },
        Progress::Issued { certificate_id } => Step::Do(Effect::Download { certificate_id: certificate_id.clone() }),
        Progress::Refused { reason } => {
            let withdrawn = record::withdrawn(o.status);
            let class = if withdrawn { FailureClass::Withdrawn } else { FailureClass::Canceled };
            Step::Do(Effect::Fail { class, message: reason.clone() })
        }
        Progress::AwaitingApproval { .. } | Progress::Processing { .. } | Progress::Validating | Progress::Bought
            if record::withdrawn(o.status) =>
        {
            cancel(o)
        }
        Progress::Bought => match &o.seen.issue_refused {
            Some(message) => Step::Do(Effect::Fail { class: FailureClass::Canceled, message: message.clone() }),
            None if o.seen.issue_asked => Step::Wait(o.next_poll),
            None => Step::Do(Effect::Issue),
        },
        Progress::Validating if is_stuck(o) => cancel(o),
        Progress::Validating => validate(o),
        Progress::AwaitingApproval { .. } | Progress::Processing { .. } => Step::Wait(o.next_poll),
    }
}

/// Mostly a certificate is issued at once: its id and the end of its order are all that a look at the order would tell.
fn at_once(o: &Observed) -> Option<String> {
    let new = o.status.state == Some(State::Submitted) && o.status.order_valid_till.is_some() && !o.seen.not_there;
    o.status.certificate_id.clone().filter(|_| new)
}

fn cancel(o: &Observed) -> Step<Effect> {
    if o.seen.canceled { Step::Wait(o.next_poll) } else { Step::Do(Effect::Cancel) }
}

/// A reissue that cannot end as wanted is taken back, which costs nothing: the order stays, and is reissued anew. What is
/// paid for is left to a person.
fn is_stuck(o: &Observed) -> bool {
    o.wish == Wish::Stuck && o.spec.operation == Operation::Reissue
}

/// Publishing and self-checks need no poll of the provider in between.
fn dcv_between_polls(o: &Observed) -> Step<Effect> {
    match o.status.state {
        Some(State::Validating) if !o.status.validations.is_empty() && !record::withdrawn(o.status) && !is_stuck(o) => {
            validate(o)
        }
        _ => Step::Wait(o.next_poll),
    }
}

fn validate(o: &Observed) -> Step<Effect> {
    let proven = o.seen.validations.as_ref().is_some_and(|read| read.iter().all(|validation| validation.valid));
    match dcv::decide(o) {
        Step::Do(dcv::Effect::Publish { .. }) if !o.finalizer => Step::Do(Effect::AddFinalizer),
        Step::Do(effect) => Step::Do(Effect::Dcv(effect)),
        Step::Wait(pause) => Step::Wait(pause.min(o.next_poll.max(Duration::from_secs(1)))),
        // No domain is missing: it is the organization, or the provider is at it.
        Step::Done if proven && o.seen.organization.is_none() => Step::Do(Effect::ReadOrganization),
        Step::Done => Step::Wait(o.next_poll),
    }
}

/// Removes the records that are still published, then the finalizer that keeps them known.
fn clean_up(o: &Observed) -> Option<Step<Effect>> {
    // Records that cannot be removed: a namespace must be able to go.
    let given_up = o.deleted.is_some_and(|since| remaining(since, o.times.give_up, o.now).is_none());
    match dcv::clean_up(o) {
        Some(Step::Do(effect)) => Some(Step::Do(Effect::Dcv(effect))),
        Some(Step::Wait(pause)) if !given_up => Some(Step::Wait(pause)),
        _ if o.finalizer => Some(Step::Do(Effect::RemoveFinalizer)),
        _ => None,
    }
}

/// A compromised key is revoked only once its successor is served.
fn revoke_superseded(o: &Observed) -> Option<Step<Effect>> {
    if o.spec.reason != Trigger::KeyCompromise && record::compromised(o.status).is_none() {
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

/// With what the provider said, when it said something: a code that is not known to be certain may explain all.
fn unclear(o: &Observed, last: &Submission) -> String {
    let said = outcome_of(o.status, last.n).and_then(|outcome| outcome.code.as_deref());
    let said = said.map(|said| format!("the answer was: {said}; ")).unwrap_or_default();
    format!("{said}{}", what_to_look_for(o.spec))
}

#[cfg(test)]
mod tests;

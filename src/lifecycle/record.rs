//! What each outcome leaves in the ledger. Applied to the newest copy of an Issuance, so that a concurrent
//! writer (a person setting a condition) costs a repetition and not an outcome.

mod change;
mod validations;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{approval::is_unsubmitted, issuance::is_unsent, validity};
use crate::{
    api::{
        conditions::{
            self, ACTION_REQUIRED, DCV_EMAIL_RESENT, HINDERED, KEY_COMPROMISED, PREFERRED_CHAIN, RESOLVED, WITHDRAWN,
            reason,
        },
        issuance::{
            ByHand, Failure, FailureClass, IssuanceSpec, IssuanceStatus, Looks, Outcome, OutcomeClass, State,
            ValidationState,
        },
        meta,
    },
    provider::{Accepted, CallError, Found, Progress, Standing},
};

pub use change::{Change, Delivered, Told};
use validations::{finish, merge, with};

/// Longest sentence of ours or a provider's in a status, in characters.
const MAX_MESSAGE: usize = 1024;

/// Whether its Certificate is being deleted.
pub fn withdrawn(status: &IssuanceStatus) -> bool {
    conditions::is_true(&status.conditions, WITHDRAWN)
}

/// The token by which the key that an Issuance replaces was reported as compromised while it was under way.
pub fn compromised(status: &IssuanceStatus) -> Option<&str> {
    conditions::condition(&status.conditions, KEY_COMPROMISED).map(|reported| reported.message.as_str())
}

pub fn apply(spec: &IssuanceSpec, status: &mut IssuanceStatus, change: &Change, now: Timestamp) {
    if !counts(spec, status, change) {
        return;
    }
    let at = Time(now);
    match change {
        Change::Appended => {
            status.state = Some(State::Submitting);
            status.failure = None;
            answered(status);
        }
        Change::Looked { n, found: Found::Absent } => absent(spec, status, *n, at),
        Change::Looked { n, found: Found::Ours(accepted) } => accept(spec, status, *n, accepted, now),
        // Its key is lost, and with it nothing but the key: the order can be reissued on.
        Change::Looked { n, found: Found::OtherKey(accepted) } => {
            accept(spec, status, *n, accepted, now);
            let message = format!("order {} answers to this operation but was made for another key", accepted.order_id);
            fail(status, FailureClass::KeyMissing, None, &message, now);
        }
        Change::CannotLook(message) => act(status, reason::PROVIDER_BLOCKED, message, now),
        Change::Submitted { n, answer: Ok(Some(accepted)) } => accept(spec, status, *n, accepted, now),
        Change::Submitted { n, answer: Ok(None) } => {
            outcome(status, *n, OutcomeClass::Accepted, Some("accepted, without an id"), now);
        }
        Change::Submitted { n, answer: Err(error) } => refuse(spec, status, *n, error, now),
        Change::Polled(standing) => follow(spec, status, standing, now),
        Change::ValidationsRead(read) => merge(&mut status.validations, read, now),
        Change::OrganizationRead(Some(trouble)) => act(status, reason::ORGANIZATION_NOT_VALIDATED, trouble, now),
        Change::OrganizationRead(None) => conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED),
        Change::Published(domain) => with(status, domain, |validation| {
            if validation.state == ValidationState::Pending {
                validation.state = ValidationState::Published;
                validation.since = Some(at);
            }
            validation.message = None;
        }),
        Change::Checked(domain, Ok(settling)) => with(status, domain, |validation| {
            if validation.state == ValidationState::Published {
                validation.state = ValidationState::Visible;
                validation.ask_at = (!settling.is_zero()).then(|| Time(now + *settling));
                validation.since = Some(at);
            }
            validation.message = None;
        }),
        Change::Checked(domain, Err(message)) | Change::DcvFailed(domain, message) => {
            with(status, domain, |validation| validation.message = Some(cut(message)));
        }
        Change::Unpublished(domain) => with(status, domain, |validation| {
            let valid = validation.state == ValidationState::Valid;
            validation.state = if valid { ValidationState::Cleaned } else { ValidationState::Pending };
            // A later read brings the token that counts now.
            validation.record = None;
            validation.delegated_to = None;
            validation.ask_at = None;
            validation.since = Some(at);
            validation.message = None;
        }),
        Change::Believed(delivered) => {
            status.state = Some(State::Issued);
            status.certificate_id = Some(delivered.certificate_id.clone());
            status.chain = Some(delivered.chain.clone());
            status.serial_number = Some(delivered.serial_number.clone());
            status.not_after = Some(Time(delivered.not_after));
            status.public_key_sha256.clone_from(&delivered.public_key_sha256);
            status.failure = None;
            for validation in &mut status.validations {
                finish(validation, &at);
            }
            conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
            if let Some(why) = &delivered.other_chain {
                let why = why.as_str();
                let conditions = &mut status.conditions;
                conditions::set_condition(conditions, PREFERRED_CHAIN, false, reason::NOT_OFFERED, why, None, &at);
            }
        }
        Change::NotBelieved(message) => {
            status.failure = Some(failure(FailureClass::InvalidCertificate, None, message, now));
        }
        Change::Revoked { serial, left } => {
            // Never to be installed.
            if status.state == Some(State::Issued) && status.serial_number.as_ref() == Some(serial) {
                end(status, State::Superseded);
            }
            if !status.revoked_serials.contains(serial) {
                status.revoked_serials.push(serial.clone());
            }
            if let Some(left) = left {
                act(status, reason::PROVIDER_BLOCKED, left, now);
            }
        }
        Change::Compromised(token) => conditions::set_condition(
            &mut status.conditions,
            KEY_COMPROMISED,
            true,
            meta::REASON_KEY_COMPROMISE,
            token.as_str(),
            None,
            &at,
        ),
        Change::EmailsResent(token) => conditions::set_condition(
            &mut status.conditions,
            DCV_EMAIL_RESENT,
            true,
            reason::RESENT,
            token.as_str(),
            None,
            &at,
        ),
        Change::Withdrawn => {
            let message = "the Certificate is being deleted: nothing more is asked for, what is pending is canceled";
            conditions::set_condition(&mut status.conditions, WITHDRAWN, true, reason::REVOKING, message, None, &at);
        }
        Change::NotCanceled(message) | Change::NotIssued(message) => {
            act(status, reason::PROVIDER_BLOCKED, message, now)
        }
        Change::AskedByHand { page, message, at } => {
            status.state = Some(State::AwaitingProvider);
            let asked = ByHand { page: page.chars().take(MAX_MESSAGE).collect(), since: Time(*at), reminders: 0 };
            let known = status.by_hand.take().unwrap_or_else(|| asked.clone());
            status.by_hand = Some(ByHand { page: asked.page, ..known });
            act(status, reason::ISSUE_BY_HAND, message, now);
        }
        Change::Reminded(n) => {
            if let Some(asked) = &mut status.by_hand {
                asked.reminders = asked.reminders.max(*n);
            }
        }
        Change::Failed(class, message) => fail(status, *class, None, message, now),
        Change::AskedPerson(message) => {
            answered(status);
            status.state = Some(State::NeedsAttention);
            status.failure = Some(failure(FailureClass::Ambiguous, None, message, now));
            act(status, reason::NEEDS_ATTENTION, message, now);
        }
        Change::AskedApproval(question) => {
            status.state = Some(State::AwaitingApproval);
            let why = reason::APPROVAL_REQUIRED;
            conditions::set_condition(&mut status.conditions, ACTION_REQUIRED, true, why, question.as_str(), None, &at);
        }
        Change::Denied(message) => {
            end(status, State::Denied);
            status.failure = Some(failure(FailureClass::Denied, None, message, now));
            conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
        }
        Change::Hindered(Some((reason, message))) => {
            conditions::set_condition(&mut status.conditions, HINDERED, true, reason, cut(message), None, &at);
        }
        Change::Hindered(None) => conditions::remove_condition(&mut status.conditions, HINDERED),
        Change::Taken(order_id) => {
            let accepted = Accepted { order_id: order_id.clone(), ..Accepted::default() };
            accept(spec, status, spec.submissions.last().map_or(0, |last| last.n), &accepted, now);
        }
        // From here on the Secret has it.
        Change::Installed => end(status, State::Installed),
        Change::MadeWay | Change::Superseded => {
            end(status, State::Superseded);
            answered(status);
            status.failure = None;
            conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
        }
    }
}

/// Whether a change still says something about the newest copy: it may have been decided on an older one. What has
/// ended stays ended, what is issued waits to be installed, and what is placed is not looked for.
fn counts(spec: &IssuanceSpec, status: &IssuanceStatus, change: &Change) -> bool {
    let placed = status.order_id.is_some();
    match (status.state, change) {
        // Records are removed and certificates revoked after the end, and an answer is never lost.
        (_, Change::Unpublished(_) | Change::DcvFailed(..) | Change::Revoked { .. } | Change::Submitted { .. }) => true,
        (Some(state), _) if state.is_final() => false,
        (_, Change::Compromised(_) | Change::Withdrawn | Change::Hindered(_)) => true,
        (Some(State::Issued), Change::Failed(FailureClass::Withdrawn, _)) => false,
        (_, Change::Failed(FailureClass::Withdrawn, _)) => true,
        (Some(State::Issued), change) => matches!(
            change,
            Change::Installed
                | Change::Superseded
                | Change::Failed(FailureClass::InvalidCertificate | FailureClass::KeyMissing, _)
        ),
        (_, Change::Superseded) => is_unsent(spec, status),
        // What is under way at the CA, or worse, is followed to its end.
        (state, Change::MadeWay) => placed && state == Some(State::AwaitingProvider),
        (_, Change::AskedApproval(_)) => is_unsubmitted(spec),
        (_, Change::Installed) => false,
        (Some(State::NeedsAttention), Change::CannotLook(_)) => false,
        (
            _,
            Change::Appended
            | Change::Looked { .. }
            | Change::CannotLook(_)
            | Change::AskedPerson(_)
            | Change::Taken(_)
            | Change::AskedByHand { .. }
            | Change::Reminded(_)
            | Change::Denied(_)
            | Change::Failed(FailureClass::Exhausted, _),
        ) => !placed,
        _ => placed,
    }
}

/// Counted for the last submission only; while a person is asked, the count is full.
fn absent(spec: &IssuanceSpec, status: &mut IssuanceStatus, n: i32, at: Time) {
    if status.state == Some(State::NeedsAttention) || spec.submissions.last().is_none_or(|last| last.n != n) {
        return;
    }
    let before = status.looks.as_ref().filter(|looks| looks.n == n);
    let (count, since) = before.map_or((0, at.clone()), |looks| (looks.count, looks.since.clone()));
    status.looks = Some(Looks { n, count: count.saturating_add(1), since, last_at: at });
    // Nothing is in the way of looking.
    conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
}

/// The first order that is known stays: another one would be a second purchase, shown by its outcome.
fn accept(spec: &IssuanceSpec, status: &mut IssuanceStatus, n: i32, accepted: &Accepted, now: Timestamp) {
    let known = status.order_id.get_or_insert_with(|| accepted.order_id.clone());
    let second = (*known != accepted.order_id).then(|| format!("order {}", accepted.order_id));
    outcome(status, n, OutcomeClass::Accepted, second.as_deref(), now);
    if second.is_some() {
        return;
    }
    status.certificate_id = status.certificate_id.take().or(accepted.certificate_id.clone());
    status.request_id = status.request_id.take().or(accepted.request_id.clone());
    // A reissue stays on the order that was read before it.
    let parent = spec.parent.as_ref().filter(|parent| parent.order_id == accepted.order_id);
    status.order_valid_till = status.order_valid_till.take().or(parent.and_then(|it| it.order_valid_till.clone()));
    status.cost = Some(spec.cost);
    status.submitted_at.get_or_insert(Time(now));
    let waiting = matches!(
        status.state,
        None | Some(State::Pending | State::AwaitingApproval | State::Submitting | State::NeedsAttention)
    );
    if waiting {
        status.state = Some(State::Submitted);
        status.failure = None;
        answered(status);
        conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
    }
}

/// An answer to an earlier submission says nothing about the last one.
fn refuse(spec: &IssuanceSpec, status: &mut IssuanceStatus, n: i32, error: &CallError, now: Timestamp) {
    let message = error.to_string();
    let (class, code) = match error {
        CallError::Rejected { code, .. } => (OutcomeClass::Rejected, Some(code.as_str())),
        CallError::Blocked { code, .. } => (OutcomeClass::Blocked, Some(code.as_str())),
        CallError::RateLimited { .. } => (OutcomeClass::RateLimited, None),
        CallError::NotSent { message, .. } => (OutcomeClass::NotSent, Some(message.as_str())),
        CallError::Ambiguous { message, .. } => (OutcomeClass::Ambiguous, Some(message.as_str())),
    };
    outcome(status, n, class, code, now);
    let ended = status.state.is_some_and(State::is_final) || status.order_id.is_some();
    if ended || spec.submissions.last().is_none_or(|last| last.n != n) {
        return;
    }
    match class {
        OutcomeClass::Rejected => fail(status, FailureClass::Rejected, code, &message, now),
        OutcomeClass::Blocked => {
            status.failure = Some(failure(FailureClass::Blocked, code, &message, now));
            act(status, reason::PROVIDER_BLOCKED, &message, now);
        }
        _ => {}
    }
}

/// What was accepted stays accepted, whatever a slower answer says.
fn outcome(status: &mut IssuanceStatus, n: i32, class: OutcomeClass, code: Option<&str>, now: Timestamp) {
    let known = status.outcomes.iter().any(|outcome| outcome.n == n && outcome.class == OutcomeClass::Accepted);
    if known || n < 1 {
        return;
    }
    status.outcomes.retain(|outcome| outcome.n != n);
    let code = code.map(|code| code.chars().take(256).collect());
    status.outcomes.push(Outcome { n, class, code, at: Time(now) });
}

/// Where requests wait for approval.
fn approvals(provider: &str) -> &'static str {
    match provider {
        "digicert" => "in CertCentral, under Certificates > Requests",
        "sectigo" => "in SCM, under Certificates > SSL Certificates",
        _ => "at the provider",
    }
}

fn follow(spec: &IssuanceSpec, status: &mut IssuanceStatus, standing: &Standing, now: Timestamp) {
    if let Some(till) = standing.order_valid_till {
        status.order_valid_till = Some(Time(validity::end_of(till)));
    }
    status.state = Some(match &standing.progress {
        Progress::Validating => State::Validating,
        _ => State::AwaitingProvider,
    });
    match &standing.progress {
        Progress::AwaitingApproval { request_id } => {
            status.request_id = request_id.clone().or(status.request_id.take());
            let request = status.request_id.as_deref().unwrap_or("of this order");
            let place = approvals(&spec.account.provider);
            let message = format!("an administrator of the account has to approve request {request} {place}");
            act(status, reason::PROVIDER_BLOCKED, &message, now);
        }
        Progress::Issued { certificate_id } => status.certificate_id = Some(certificate_id.clone()),
        // What was waited for has come; a missing organization is read anew.
        Progress::Validating => {
            let asked = conditions::condition(&status.conditions, ACTION_REQUIRED);
            if asked.is_some_and(|asked| asked.reason != reason::ORGANIZATION_NOT_VALIDATED) {
                conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
            }
        }
        // Whoever is asked to act stays asked until it goes on.
        Progress::Bought => {}
        Progress::Processing { .. } | Progress::Refused { .. } => {
            conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
        }
    }
}

fn fail(status: &mut IssuanceStatus, class: FailureClass, code: Option<&str>, message: &str, now: Timestamp) {
    end(status, State::Failed);
    status.failure = Some(failure(class, code, message, now));
    conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
}

fn end(status: &mut IssuanceStatus, state: State) {
    status.state = Some(state);
    status.chain = None;
    conditions::remove_condition(&mut status.conditions, HINDERED);
}

fn failure(class: FailureClass, code: Option<&str>, message: &str, now: Timestamp) -> Failure {
    Failure { class, code: code.map(str::to_owned), message: cut(message), at: Some(Time(now)) }
}

/// The question to a person is settled, or asked anew: an earlier answer counts no more.
fn answered(status: &mut IssuanceStatus) {
    conditions::remove_condition(&mut status.conditions, RESOLVED);
    let asked = conditions::condition(&status.conditions, ACTION_REQUIRED);
    let answers = [reason::NEEDS_ATTENTION, reason::APPROVAL_REQUIRED];
    if asked.is_some_and(|asked| answers.contains(&asked.reason.as_str())) {
        conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
    }
}

fn act(status: &mut IssuanceStatus, reason: &str, message: &str, now: Timestamp) {
    conditions::set_condition(&mut status.conditions, ACTION_REQUIRED, true, reason, cut(message), None, &Time(now));
}

fn cut(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).collect()
}

#[cfg(test)]
mod tests;

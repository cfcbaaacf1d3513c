//! What each outcome leaves in the ledger. Applied to the newest copy of an Issuance, so that a concurrent
//! writer (a person setting a condition) costs a repetition and not an outcome.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{dcv::to_record, issuance::is_paid, validity};
use crate::{
    api::{
        conditions::{self, ACTION_REQUIRED, reason},
        issuance::{
            Cost, Failure, FailureClass, IssuanceSpec, IssuanceStatus, Looks, Outcome, OutcomeClass, PublisherKind,
            RecordType, State, Validation, ValidationMethod, ValidationState,
        },
    },
    provider::{self, Accepted, CallError, Found, Progress, Standing},
};

/// Longest sentence of ours or a provider's in a status, in characters.
const MAX_MESSAGE: usize = 1024;

/// What became of one effect.
#[derive(Debug, Clone)]
pub enum Change {
    Appended,
    Looked(Found),
    Submitted(Result<Accepted, CallError>),
    Polled(Standing),
    /// With the publisher picked for each domain; `None` where no publisher serves it.
    ValidationsRead(Vec<(provider::Validation, Option<PublisherKind>)>),
    Published(String),
    /// The record is visible, or why not yet.
    Checked(String, Result<(), String>),
    /// The record could not be published or removed.
    DcvFailed(String, String),
    Unpublished(String),
    Believed(Delivered),
    /// What was downloaded is not what was asked for.
    NotBelieved(String),
    Revoked {
        serial: String,
        awaiting_approval: bool,
    },
    Failed(FailureClass, String),
    AskedPerson(String),
    Taken(String),
    Installed,
}

/// A verified chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    pub certificate_id: String,
    /// PEM, leaf first; the root last when the CA delivered one.
    pub chain: String,
    pub serial_number: String,
    pub not_after: Timestamp,
}

pub fn apply(spec: &IssuanceSpec, status: &mut IssuanceStatus, change: &Change, now: Timestamp) {
    let at = Time(now);
    let ends_or_begins = !matches!(change, Change::Unpublished(_) | Change::DcvFailed(..) | Change::Revoked { .. });
    if ends_or_begins && status.state.is_some_and(State::is_final) {
        // Decided on an older copy: what has ended stays ended.
        return;
    }
    match change {
        Change::Appended => {
            status.state = Some(State::Submitting);
            status.failure = None;
        }
        Change::Looked(Found::Absent) => {
            let last = spec.submissions.last().map(|submission| &submission.at);
            let before = status.looks.as_ref().filter(|looks| last.is_some_and(|last| looks.last_at >= *last));
            let count = before.map_or(0, |looks| looks.count).saturating_add(1);
            status.looks = Some(Looks { count, last_at: at });
        }
        Change::Looked(Found::Ours(accepted)) => accept(spec, status, accepted, now),
        Change::Looked(Found::OtherKey(accepted)) => fail(
            status,
            FailureClass::Ambiguous,
            None,
            &format!("order {} answers to this operation but was made for another key", accepted.order_id),
            now,
        ),
        Change::Submitted(Ok(accepted)) => accept(spec, status, accepted, now),
        Change::Submitted(Err(error)) => refuse(spec, status, error, now),
        Change::Polled(standing) => follow(status, standing, now),
        Change::ValidationsRead(read) => merge(&mut status.validations, read, now),
        Change::Published(domain) => with(status, domain, |validation| {
            validation.state = ValidationState::Published;
            validation.since = Some(at);
            validation.message = None;
        }),
        Change::Checked(domain, Ok(())) => with(status, domain, |validation| {
            validation.state = ValidationState::Visible;
            validation.since = Some(at);
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
            validation.since = Some(at);
            validation.message = None;
        }),
        Change::Believed(delivered) => {
            status.state = Some(State::Issued);
            status.certificate_id = Some(delivered.certificate_id.clone());
            status.chain = Some(delivered.chain.clone());
            status.serial_number = Some(delivered.serial_number.clone());
            status.not_after = Some(Time(delivered.not_after));
            status.failure = None;
            for validation in &mut status.validations {
                finish(validation, &at);
            }
            conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
        }
        Change::NotBelieved(message) => {
            status.failure = Some(Failure {
                class: FailureClass::InvalidCertificate,
                code: None,
                message: cut(message),
                at: Some(at.clone()),
            });
        }
        Change::Revoked { serial, awaiting_approval } => {
            status.revoked_serials.push(serial.clone());
            if *awaiting_approval {
                let message =
                    format!("the revocation of {serial} waits for an administrator's approval at the provider");
                act(status, reason::PROVIDER_BLOCKED, &message, now);
            }
        }
        Change::Failed(class, message) => fail(status, *class, None, message, now),
        Change::AskedPerson(message) => {
            status.state = Some(State::NeedsAttention);
            status.failure = Some(Failure {
                class: FailureClass::Ambiguous,
                code: None,
                message: cut(message),
                at: Some(at.clone()),
            });
            act(status, reason::NEEDS_ATTENTION, message, now);
        }
        Change::Taken(order_id) => {
            let accepted = Accepted { order_id: order_id.clone(), certificate_id: None, request_id: None };
            accept(spec, status, &accepted, now);
        }
        Change::Installed => {
            status.state = Some(State::Installed);
            // From here on the Secret has it.
            status.chain = None;
        }
    }
}

fn accept(spec: &IssuanceSpec, status: &mut IssuanceStatus, accepted: &Accepted, now: Timestamp) {
    status.state = Some(State::Submitted);
    status.submitted_at = Some(Time(now));
    status.order_id = Some(accepted.order_id.clone());
    status.certificate_id = accepted.certificate_id.clone().or(status.certificate_id.take());
    status.request_id = accepted.request_id.clone().or(status.request_id.take());
    status.cost = Some(if is_paid(spec.operation) { Cost::Paid } else { Cost::Free });
    status.failure = None;
    conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
    outcome(spec, status, OutcomeClass::Accepted, None, now);
}

fn refuse(spec: &IssuanceSpec, status: &mut IssuanceStatus, error: &CallError, now: Timestamp) {
    let message = error.to_string();
    let (class, code) = match error {
        CallError::Rejected { code, .. } => {
            fail(status, FailureClass::Rejected, Some(code), &message, now);
            (OutcomeClass::Rejected, Some(code.as_str()))
        }
        CallError::Blocked { code, .. } => {
            status.failure = Some(Failure {
                class: FailureClass::Blocked,
                code: Some(code.clone()),
                message: cut(&message),
                at: Some(Time(now)),
            });
            act(status, reason::PROVIDER_BLOCKED, &message, now);
            (OutcomeClass::Blocked, Some(code.as_str()))
        }
        CallError::RateLimited { .. } => (OutcomeClass::RateLimited, None),
        CallError::NotSent { message, .. } => (OutcomeClass::NotSent, Some(message.as_str())),
        CallError::Ambiguous { message, .. } => (OutcomeClass::Ambiguous, Some(message.as_str())),
    };
    outcome(spec, status, class, code, now);
}

fn outcome(spec: &IssuanceSpec, status: &mut IssuanceStatus, class: OutcomeClass, code: Option<&str>, now: Timestamp) {
    let Some(last) = spec.submissions.last() else { return };
    status.outcomes.retain(|outcome| outcome.n != last.n);
    let code = code.map(|code| code.chars().take(256).collect());
    status.outcomes.push(Outcome { n: last.n, class, code, at: Time(now) });
}

fn follow(status: &mut IssuanceStatus, standing: &Standing, now: Timestamp) {
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
            let message = format!("an administrator of the account has to approve request {request} at the provider");
            act(status, reason::PROVIDER_BLOCKED, &message, now);
        }
        Progress::Issued { certificate_id } => status.certificate_id = Some(certificate_id.clone()),
        Progress::Validating => {}
        Progress::Processing { .. } | Progress::Refused { .. } => {
            conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
        }
    }
}

fn merge(validations: &mut Vec<Validation>, read: &[(provider::Validation, Option<PublisherKind>)], now: Timestamp) {
    for (told, publisher) in read {
        let record = told.record.as_ref().map(to_record);
        let known = validations.iter_mut().find(|known| known.domain == told.domain);
        match known {
            Some(known) if told.valid => finish(known, &Time(now)),
            Some(known) if known.record.is_none() && record.is_some() => {
                *known = fresh(told, record, *publisher, now);
            }
            Some(_) => {}
            None if told.valid => {}
            None => validations.push(fresh(told, record, *publisher, now)),
        }
    }
}

fn fresh(
    told: &provider::Validation,
    record: Option<crate::api::issuance::Record>,
    publisher: Option<PublisherKind>,
    now: Timestamp,
) -> Validation {
    let method = match record.as_ref().map(|record| record.type_) {
        Some(RecordType::Cname) => ValidationMethod::DnsCname,
        _ => ValidationMethod::DnsTxt,
    };
    // Whoever is to publish it by hand is told by this very entry.
    let state = match publisher {
        Some(PublisherKind::Rfc2136) => ValidationState::Pending,
        Some(PublisherKind::Manual) | None if record.is_some() => ValidationState::Published,
        Some(PublisherKind::Manual) | None => ValidationState::Pending,
    };
    Validation { domain: told.domain.clone(), method, state, record, publisher, since: Some(Time(now)), message: None }
}

/// The provider is satisfied; what was never published needs no cleaning.
fn finish(validation: &mut Validation, at: &Time) {
    let ours = validation.publisher == Some(PublisherKind::Rfc2136);
    let state = match validation.state {
        ValidationState::Published | ValidationState::Visible if ours => ValidationState::Valid,
        ValidationState::Valid => ValidationState::Valid,
        _ => ValidationState::Cleaned,
    };
    if validation.state != state {
        validation.state = state;
        validation.since = Some(at.clone());
        validation.message = None;
    }
}

fn fail(status: &mut IssuanceStatus, class: FailureClass, code: Option<&str>, message: &str, now: Timestamp) {
    status.state = Some(State::Failed);
    status.failure = Some(Failure { class, code: code.map(str::to_owned), message: cut(message), at: Some(Time(now)) });
    conditions::remove_condition(&mut status.conditions, ACTION_REQUIRED);
}

fn act(status: &mut IssuanceStatus, reason: &str, message: &str, now: Timestamp) {
    conditions::set_condition(&mut status.conditions, ACTION_REQUIRED, true, reason, cut(message), None, &Time(now));
}

fn with(status: &mut IssuanceStatus, domain: &str, change: impl FnOnce(&mut Validation)) {
    if let Some(validation) = status.validations.iter_mut().find(|validation| validation.domain == domain) {
        change(validation);
    }
}

fn cut(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).collect()
}

//! What a user sees of a Certificate: conditions and plan, derived afresh from what is known each time.

mod next;

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{
    Step,
    certificate::{Effect, Held, Hindrance, Observed, Outputs, SecretView, account, action_required},
    hush::hush,
    issuance::{is_paid, unwanted},
    lineage::Lineage,
    location,
    plan::{Plan, REVOKES, removed},
    restart, trigger,
};
use crate::{
    api::{
        CertificateStatus, Issuance,
        certificate::{Failures, OrderStatus, RevocationSource, RevokedCertificate},
        conditions::{
            ACTION_REQUIRED, CIRCUIT_OPEN, HINDERED, ISSUING, PREFERRED_CHAIN, READY, RECONCILING, STALLED, SUSPENDED,
            Status, condition, reason, remove_condition, set_condition,
        },
        issuance::{OutcomeClass, State},
        meta,
    },
    pki::Leaf,
};

/// Validations whose trouble one message tells.
const MOST_VALIDATIONS: usize = 3;

/// The status of a Certificate after a decision.
pub fn status(o: &Observed, decided: &Result<Step<Effect>, Hindrance>) -> CertificateStatus {
    let lineage = Lineage::of(o, account(o));
    if let Some(told) = nothing_new(o, &lineage, decided) {
        return told.clone();
    }
    let leaf = trigger::served(o);
    let mut status = o.certificate.status.clone().unwrap_or_default();
    status.observed_generation = o.certificate.metadata.generation;
    match leaf {
        Some(leaf) => describe(&mut status, leaf),
        None => forget(&mut status),
    }
    let installed = lineage.installed.map(|issuance| issuance.spec.revision);
    status.revision = installed.or(held(o).and_then(|held| held.revision)).or(status.revision);
    status.revoked = trigger::revoked(o).cloned();
    status.order = order(o, &lineage).or(status.order.take());
    status.renewal_time = leaf.map(|leaf| Time(whole_second(trigger::renewal(o, &lineage, leaf))));
    status.next = next::next(o, &lineage, decided);
    status.issuance = lineage
        .unresolved
        .and_then(|issuance| issuance.metadata.name.clone())
        .or(begins(decided).map(Plan::issuance_name));
    status.failures = failures(o, &lineage, decided);
    status.last_handled_reissue_request = trigger::token(o.certificate)
        .filter(|token| lineage.tokens.contains(token))
        .map(str::to_owned)
        .or(status.last_handled_reissue_request.take());
    conditions(&mut status, o, &lineage, decided);
    restart::present(&mut status, o);
    location::present(&mut status, o);
    status
}

/// What is told already, in the first moments of an operation that nothing disturbs.
fn nothing_new<'a>(
    o: &Observed<'a>,
    lineage: &Lineage,
    decided: &Result<Step<Effect>, Hindrance>,
) -> Option<&'a CertificateStatus> {
    let issuance = lineage.unresolved?;
    hush(issuance, o.machine_now)?;
    let told = o.certificate.status.as_ref().filter(|told| told.issuance == issuance.metadata.name)?;
    let same = told.observed_generation == o.certificate.metadata.generation;
    let waits = matches!(decided, Ok(Step::Wait(_))) && needs_person(o, lineage, decided).is_none();
    (same && waits).then_some(told)
}

/// The operation that is about to be recorded.
fn begins(decided: &Result<Step<Effect>, Hindrance>) -> Option<&Plan> {
    match decided {
        Ok(Step::Do(Effect::StoreKey(plan) | Effect::RecordIntent(plan, _))) => Some(plan),
        _ => None,
    }
}

fn describe(status: &mut CertificateStatus, leaf: &Leaf) {
    status.not_before = Some(Time(leaf.not_before));
    status.not_after = Some(Time(leaf.not_after));
    status.serial_number = Some(leaf.serial.clone());
    status.fingerprint_sha256 = Some(leaf.fingerprint_sha256.clone());
    status.issuer_name = Some(leaf.issuer_name.clone());
    status.public_key_sha256 = Some(leaf.public_key_sha256.clone());
}

fn forget(status: &mut CertificateStatus) {
    status.not_before = None;
    status.not_after = None;
    status.serial_number = None;
    status.fingerprint_sha256 = None;
    status.issuer_name = None;
    status.public_key_sha256 = None;
}

fn held<'a>(o: &Observed<'a>) -> Option<&'a Held> {
    match o.secret {
        SecretView::Ours(held) => Some(held),
        _ => None,
    }
}

/// What only the Secret names is not shown as known: status is trusted later.
fn order(o: &Observed, lineage: &Lineage) -> Option<OrderStatus> {
    let order = lineage.behind().filter(|order| !order.hearsay)?;
    Some(OrderStatus {
        provider: account(o).map(|account| account.provider.clone())?,
        order_id: order.order_id.clone(),
        certificate_id: order.certificate_id.clone(),
        valid_till: order.valid_till.map(Time),
        previous_order_id: order.previous.clone(),
    })
}

fn failures(o: &Observed, lineage: &Lineage, decided: &Result<Step<Effect>, Hindrance>) -> Option<Failures> {
    let first = lineage.failed.last()?;
    let failed_at = first.status.as_ref().and_then(|status| status.failure.as_ref()?.at.clone());
    Some(Failures {
        consecutive: lineage.failed.len().try_into().unwrap_or(u32::MAX),
        since: failed_at.or(first.metadata.creation_timestamp.clone()),
        next_try: next_try(o, decided).map(Time),
    })
}

/// When the next Issuance begins after a failed one: to the minute, so that it does not change with every look.
fn next_try(o: &Observed, decided: &Result<Step<Effect>, Hindrance>) -> Option<Timestamp> {
    let Err(Hindrance { reason: reason::FAILED, again: Some(again), .. }) = decided else { return None };
    let again = SignedDuration::try_from(*again).ok()?;
    o.machine_now.checked_add(again).ok()?.round(jiff::Unit::Minute).ok()
}

fn conditions(
    status: &mut CertificateStatus,
    o: &Observed,
    lineage: &Lineage,
    decided: &Result<Step<Effect>, Hindrance>,
) {
    let generation = o.certificate.metadata.generation;
    let now = Time(o.machine_now);
    let mut set = |type_: &str, holds: bool, reason: &str, message: &str| {
        set_condition(&mut status.conditions, type_, holds, reason, message, generation, &now);
    };

    let (ready, why, message) = readiness(o, lineage, decided);
    set(READY, ready, why, &message);
    match lineage.unresolved {
        Some(issuance) => set(ISSUING, true, why_so_far(issuance), &under_way(o, lineage, issuance)),
        None => match begins(decided) {
            Some(plan) => {
                let begins = format!("{} {} begins", next::word(plan.operation), plan.issuance_name());
                set(ISSUING, true, reason::ISSUING, &begins);
            }
            None => match decided {
                Err(hindrance) if hindrance.reason == CIRCUIT_OPEN => {
                    set(ISSUING, false, CIRCUIT_OPEN, &hindrance.message);
                }
                _ => set(ISSUING, false, reason::PENDING, "no operation is under way"),
            },
        },
    }
    let person = needs_person(o, lineage, decided);
    match &person {
        Some((reason, message)) => set(ACTION_REQUIRED, true, reason, message),
        None => remove_condition(&mut status.conditions, ACTION_REQUIRED),
    }
    match lineage.installed.and_then(other_chain) {
        Some(why) => {
            set_condition(&mut status.conditions, PREFERRED_CHAIN, false, reason::NOT_OFFERED, why, generation, &now);
        }
        None => remove_condition(&mut status.conditions, PREFERRED_CHAIN),
    }
    let mut only_while = |type_: &str, holds: bool, why: &str, message: &str| {
        if holds {
            set_condition(&mut status.conditions, type_, Status::True, why, message, generation, &now);
        } else {
            remove_condition(&mut status.conditions, type_);
        }
    };
    match suspended(decided) {
        Some(message) => only_while(SUSPENDED, true, reason::SUSPENDED, message),
        None => only_while(SUSPENDED, false, why, &message),
    }
    only_while(RECONCILING, !ready && person.is_none(), why, &message);
    match person {
        Some((why, message)) => only_while(STALLED, !ready, &why, &message),
        None => only_while(STALLED, false, why, &message),
    }
}

/// Why what was installed is not the preferred chain.
fn other_chain(installed: &Issuance) -> Option<&str> {
    condition(&installed.status.as_ref()?.conditions, PREFERRED_CHAIN).map(|other| other.message.as_str())
}

fn suspended(decided: &Result<Step<Effect>, Hindrance>) -> Option<&str> {
    let hindrance = decided.as_ref().err().filter(|hindrance| hindrance.reason == reason::SUSPENDED)?;
    Some(&hindrance.message)
}

/// A renewal under way does not make it False; a spec that is not in the Secret yet does.
fn readiness<'a>(
    o: &Observed,
    lineage: &Lineage<'a>,
    decided: &Result<Step<Effect>, Hindrance>,
) -> (bool, &'a str, String) {
    let hindered = |message: &str| match decided {
        Err(hindrance) => (false, hindrance.reason, hindrance.message.clone()),
        Ok(_) => match lineage.unresolved {
            Some(issuance) => (false, why_so_far(issuance), under_way(o, lineage, issuance)),
            None => (false, reason::PENDING, message.to_owned()),
        },
    };
    let Some(leaf) = trigger::served(o) else { return hindered("there is no certificate in the Secret yet") };
    if leaf.not_after <= o.now {
        return (false, reason::EXPIRED, format!("the certificate expired at {}", leaf.not_after));
    }
    if let Some(revoked) = trigger::revoked(o) {
        return (false, reason::REVOKED, say_revoked(revoked));
    }
    if trigger::spec_changed(o, leaf, lineage) {
        return hindered("the certificate in the Secret is not yet what the spec asks for");
    }
    match held(o).map(|held| &held.outputs) {
        None | Some(Outputs::AsWanted) => {}
        Some(Outputs::Differ) => return hindered("the Secret is not yet what the spec asks for"),
        Some(Outputs::Unmakeable(why)) => return (false, reason::KEYSTORE_PASSWORD, why.clone()),
    }
    let elsewhere = o.certificate.spec.csr_secret_ref.as_ref();
    let elsewhere = elsewhere.map(|csr| format!("; its key is held elsewhere, its CSR is in Secret {}", csr.name));
    let elsewhere = elsewhere.unwrap_or_default();
    (true, reason::ISSUED, format!("certificate {} is valid until {}{elsewhere}", leaf.serial, leaf.not_after))
}

/// Of conditions that speak of an Issuance under way.
fn why_so_far(issuance: &Issuance) -> &str {
    hindered(issuance).map_or(reason::ISSUING, |hindered| hindered.reason.as_str())
}

/// What is in the way of an Issuance beside the provider.
fn hindered(issuance: &Issuance) -> Option<&Condition> {
    condition(&issuance.status.as_ref()?.conditions, HINDERED)
}

/// Which certificate, since when and why, and who says so.
pub fn say_revoked(revoked: &RevokedCertificate) -> String {
    let mut text = format!("certificate {} is revoked", revoked.serial_number);
    if let Some(at) = &revoked.at {
        let _ = write!(text, " since {}", at.0);
    }
    if let Some(reason) = &revoked.reason {
        let _ = write!(text, " ({reason})");
    }
    text + match revoked.seen_in {
        RevocationSource::Provider => ", says the provider",
        RevocationSource::Crl => ", says the CA's revocation list",
        RevocationSource::Ocsp => ", says the CA's OCSP responder",
    }
}

fn under_way(o: &Observed, lineage: &Lineage, issuance: &Issuance) -> String {
    let status = issuance.status.clone().unwrap_or_default();
    let name = issuance.metadata.name.as_deref().unwrap_or_default();
    let state = status.state.unwrap_or(State::Pending);
    let mut text = format!("{} {name} is {state:?}", next::word(issuance.spec.operation));
    if let Some(order) = &status.order_id {
        let _ = write!(text, ", order {order}");
    }
    if let Some(submission) = issuance.spec.submissions.last() {
        let _ = write!(text, ", since {}", whole_second(submission.at.0));
        let outcome = status.outcomes.iter().find(|outcome| outcome.n == submission.n);
        let said = outcome.and_then(|outcome| outcome.code.as_deref()).map(|code| format!(" ({code})"));
        let said = said.unwrap_or_default();
        let _ = match outcome.map(|outcome| outcome.class) {
            Some(OutcomeClass::Ambiguous) => {
                write!(text, "; the call got no certain answer{said}, so the provider is searched for it")
            }
            Some(OutcomeClass::NotSent | OutcomeClass::RateLimited) => {
                write!(text, "; the call was certainly not carried out{said} and is made again")
            }
            _ => Ok(()),
        };
    }
    let removed = removed(o, lineage, issuance.spec.operation, &issuance.spec.request.dns_names);
    if !removed.is_empty() {
        let _ = write!(text, "; {} removed: {}", removed.join(", "), REVOKES);
    }
    if let Some(hindered) = hindered(issuance) {
        let _ = write!(text, "; {}", hindered.message);
    }
    if let Some(failure) = &status.failure {
        let _ = write!(text, ": {}", failure.message);
    }
    let hampered = status.validations.iter().filter_map(|v| Some((&v.domain, v.message.as_ref()?)));
    for (domain, message) in hampered.take(MOST_VALIDATIONS) {
        let _ = write!(text, "; {domain}: {message}");
    }
    text
}

/// What only a person can do, and where.
fn needs_person(
    o: &Observed,
    lineage: &Lineage,
    decided: &Result<Step<Effect>, Hindrance>,
) -> Option<(String, String)> {
    if let Err(hindrance) = decided
        && hindrance.person
    {
        return Some((hindrance.reason.to_owned(), hindrance.message.clone()));
    }
    let issuance = lineage.unresolved?;
    let persons = [reason::ISSUER_NOT_FOUND, reason::ISSUER_CHANGED, reason::POLICY_REFUSED];
    if let Some(hindered) = hindered(issuance).filter(|hindered| persons.contains(&hindered.reason.as_str())) {
        return Some((hindered.reason.clone(), hindered.message.clone()));
    }
    if let Some((reason, message)) = action_required(issuance) {
        return Some((reason.to_owned(), message.to_owned()));
    }
    if let Some(message) = paid_in_vain(o, issuance) {
        return Some((reason::VALIDATION_REQUIRED.to_owned(), message));
    }
    let message = super::dcv::asked_of_people(issuance)?;
    Some((reason::VALIDATION_REQUIRED.to_owned(), message))
}

/// A purchase that waits for a name which was taken out of the spec: nobody but a person gives up what is paid for.
fn paid_in_vain(o: &Observed, issuance: &Issuance) -> Option<String> {
    let status = issuance.status.as_ref().filter(|_| is_paid(issuance.spec.operation))?;
    let order = status.order_id.as_deref()?;
    let domain = unwanted(&o.certificate.spec, status)?;
    Some(format!(
        "order {order} waits for the validation of {domain}, which the spec does not name any more: have it validated, \
         and what is wanted by then is reissued free; or cancel the order at the provider and set the annotation {} to \
         a new token, to order anew",
        meta::REISSUE_REQUESTED
    ))
}

fn whole_second(time: Timestamp) -> Timestamp {
    time.round(jiff::Unit::Second).unwrap_or(time)
}

#[cfg(test)]
mod tests;

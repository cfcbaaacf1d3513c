//! What a user sees of a Certificate: conditions and plan, derived afresh from what is known each time.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    Step,
    certificate::{Effect, Hindrance, IssuerView, Observed, account, action_required, situation},
    lineage::Lineage,
    operation,
    plan::Wanted,
    trigger::{self, Due},
};
use crate::{
    api::{
        CertificateStatus, Issuance,
        certificate::{Failures, NextOperation, OrderStatus},
        conditions::{
            ACTION_REQUIRED, ISSUING, READY, RECONCILING, STALLED, Status, reason, remove_condition, set_condition,
        },
        issuance::{Cost, Operation, PublisherKind, Trigger, ValidationState},
    },
    pki::Leaf,
    provider::{self, OrderFacts},
};

/// Validations whose trouble one message tells.
const MOST_VALIDATIONS: usize = 3;

/// The status of a Certificate after a decision.
pub fn status(o: &Observed, decided: &Result<Step<Effect>, Hindrance>) -> CertificateStatus {
    let lineage = Lineage::of(o, account(o));
    let leaf = trigger::served(o);
    let mut status = o.certificate.status.clone().unwrap_or_default();
    status.observed_generation = o.certificate.metadata.generation;
    match leaf {
        Some(leaf) => describe(&mut status, leaf),
        None => forget(&mut status),
    }
    status.revision = lineage.installed.map(|issuance| issuance.spec.revision).or(status.revision);
    status.order = order(o, &lineage).or(status.order.take());
    status.renewal_time = leaf.map(|leaf| Time(whole_second(trigger::renewal(o, &lineage, leaf))));
    status.next = next(o, &lineage, decided);
    status.issuance = lineage.unresolved.and_then(|issuance| issuance.metadata.name.clone());
    status.failures = failures(o, &lineage, decided);
    status.last_handled_reissue_request = trigger::token(o.certificate)
        .filter(|token| lineage.tokens.contains(token))
        .map(str::to_owned)
        .or(status.last_handled_reissue_request.take());
    conditions(&mut status, o, &lineage, decided);
    status
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

fn order(o: &Observed, lineage: &Lineage) -> Option<OrderStatus> {
    let order = lineage.order.as_ref()?;
    Some(OrderStatus {
        provider: account(o).map(|account| account.provider.clone())?,
        order_id: order.order_id.clone(),
        certificate_id: order.certificate_id.clone(),
        valid_till: order.valid_till.map(Time),
        previous_order_id: order.previous.clone(),
    })
}

fn next(o: &Observed, lineage: &Lineage, decided: &Result<Step<Effect>, Hindrance>) -> Option<NextOperation> {
    let waits = needs_person(lineage, decided).map(|_| "waits for a person");
    if let Some(issuance) = lineage.unresolved {
        let (operation, cost) = (issuance.spec.operation, cost_of(issuance.spec.operation));
        return Some(planned(operation, cost, None, issuance.spec.reason, waits.or(Some("under way"))));
    }
    if let Ok(Step::Do(Effect::StoreKey(plan) | Effect::RecordIntent(plan, _))) = decided {
        return Some(planned(plan.operation, plan.cost, None, plan.trigger, waits));
    }
    let IssuerView::Ready { spec, .. } = o.issuer else { return None };
    let wanted = Wanted::resolve(&o.certificate.spec, spec, lineage)?;
    let facts = lineage.order.as_ref().map(presumed);
    let due = trigger::due(o, lineage);
    let trigger = match due {
        Due::Now(trigger) => trigger,
        Due::At(_) => Trigger::Expiring,
    };
    let situation = situation(o, lineage, facts.as_ref(), &wanted, trigger).ok()?;
    let (at, plan) = match due {
        Due::Now(_) => (None, operation::plan(&situation)),
        Due::At(time) => {
            let (at, plan) = operation::foresee(&situation, time);
            (Some(at), plan)
        }
    };
    let (operation, cost) = plan.operation()?;
    Some(planned(operation, cost, at, trigger, waits))
}

/// The order as the ledger knows it; the provider is asked when something is due.
fn presumed(order: &super::lineage::Order) -> OrderFacts {
    let last_day = order.valid_till.and_then(|end| end.checked_sub(SignedDuration::from_secs(1)).ok());
    OrderFacts {
        order_id: order.order_id.clone(),
        status: provider::OrderStatus::Active,
        valid_till: last_day.map(|day| day.to_zoned(jiff::tz::TimeZone::UTC).date()),
        renewed_by: None,
        pending: false,
        auto_renew: false,
        certificate_id: order.certificate_id.clone(),
        serial_number: None,
    }
}

fn planned(
    operation: Operation,
    cost: Cost,
    at: Option<Timestamp>,
    reason: Trigger,
    standing: Option<&str>,
) -> NextOperation {
    let summary = match standing {
        Some(standing) => format!("{} {standing} ({})", word(operation), price(cost)),
        None => format!("{} ({})", word(operation), price(cost)),
    };
    NextOperation { operation, cost, at: at.map(|at| Time(whole_second(at))), reason, summary }
}

fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::Order => "Order",
        Operation::Reissue => "Reissue",
        Operation::Renew => "Renew",
    }
}

fn price(cost: Cost) -> &'static str {
    match cost {
        Cost::Free => "free",
        Cost::MayCharge => "may charge",
        Cost::Paid => "paid",
        Cost::Unknown => "cost unknown",
    }
}

fn cost_of(operation: Operation) -> Cost {
    if super::issuance::is_paid(operation) { Cost::Paid } else { Cost::Free }
}

fn failures(o: &Observed, lineage: &Lineage, decided: &Result<Step<Effect>, Hindrance>) -> Option<Failures> {
    let first = lineage.failed.last()?;
    let next_try = match decided {
        Err(Hindrance { reason: reason::FAILED, again: Some(again), .. }) => {
            let again = SignedDuration::try_from(*again).ok()?;
            // To the minute, so that it does not change with every look.
            o.machine_now.checked_add(again).ok().map(|time| Time(whole_minute(time)))
        }
        _ => None,
    };
    Some(Failures {
        consecutive: lineage.failed.len().try_into().unwrap_or(u32::MAX),
        since: first.metadata.creation_timestamp.clone(),
        next_try,
    })
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
        Some(issuance) => set(ISSUING, true, reason::ISSUING, &under_way(issuance)),
        None => set(ISSUING, false, reason::PENDING, "no operation is under way"),
    }
    let person = needs_person(lineage, decided);
    match &person {
        Some((reason, message)) => set(ACTION_REQUIRED, true, reason, message),
        None => remove_condition(&mut status.conditions, ACTION_REQUIRED),
    }
    let mut only_while = |type_: &str, holds: bool, why: &str, message: &str| {
        if holds {
            set_condition(&mut status.conditions, type_, Status::True, why, message, generation, &now);
        } else {
            remove_condition(&mut status.conditions, type_);
        }
    };
    only_while(RECONCILING, !ready && person.is_none(), why, &message);
    match person {
        Some((why, message)) => only_while(STALLED, !ready, &why, &message),
        None => only_while(STALLED, false, why, &message),
    }
}

/// A renewal under way does not make it False; a spec that is not in the Secret yet does.
fn readiness(
    o: &Observed,
    lineage: &Lineage,
    decided: &Result<Step<Effect>, Hindrance>,
) -> (bool, &'static str, String) {
    let hindered = |message: &str| match decided {
        Err(hindrance) => (false, hindrance.reason, hindrance.message.clone()),
        Ok(_) => match lineage.unresolved {
            Some(issuance) => (false, reason::ISSUING, under_way(issuance)),
            None => (false, reason::PENDING, message.to_owned()),
        },
    };
    if let Err(hindrance) = decided
        && [reason::SECRET_OWNED_BY_OTHER, reason::SECRET_NOT_OURS].contains(&hindrance.reason)
    {
        return (false, hindrance.reason, hindrance.message.clone());
    }
    let Some(leaf) = trigger::served(o) else { return hindered("there is no certificate in the Secret yet") };
    if leaf.not_after <= o.now {
        return (false, reason::EXPIRED, format!("the certificate expired at {}", leaf.not_after));
    }
    if trigger::due(o, lineage) == Due::Now(Trigger::SpecChanged) {
        return hindered("the certificate in the Secret is not yet what the spec asks for");
    }
    (true, reason::ISSUED, format!("certificate {} is valid until {}", leaf.serial, leaf.not_after))
}

fn under_way(issuance: &Issuance) -> String {
    let status = issuance.status.clone().unwrap_or_default();
    let name = issuance.metadata.name.as_deref().unwrap_or_default();
    let mut text = format!("{} {name} ", word(issuance.spec.operation));
    let _ = match status.state {
        Some(state) => write!(text, "is {state:?}"),
        None => write!(text, "is Pending"),
    };
    if let Some(order) = &status.order_id {
        let _ = write!(text, ", order {order}");
    }
    if let Some(submission) = issuance.spec.submissions.last() {
        let _ = write!(text, ", since {}", whole_second(submission.at.0));
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
fn needs_person(lineage: &Lineage, decided: &Result<Step<Effect>, Hindrance>) -> Option<(String, String)> {
    if let Err(hindrance) = decided
        && hindrance.person
    {
        return Some((hindrance.reason.to_owned(), hindrance.message.clone()));
    }
    let issuance = lineage.unresolved?;
    if let Some((reason, message)) = action_required(issuance) {
        return Some((reason.to_owned(), message.to_owned()));
    }
    let records = manual_records(issuance);
    (!records.is_empty()).then(|| {
        let message = format!("publish these DNS records and leave them until the certificate is issued: {records}");
        (reason::VALIDATION_REQUIRED.to_owned(), message)
    })
}

/// The records a person has to publish, in zone-file form.
fn manual_records(issuance: &Issuance) -> String {
    let validations = issuance.status.iter().flat_map(|status| &status.validations);
    let open = validations.filter(|validation| {
        validation.publisher != Some(PublisherKind::Rfc2136)
            && !matches!(validation.state, ValidationState::Valid | ValidationState::Cleaned)
    });
    let records = open.filter_map(|validation| validation.record.as_ref()).map(super::dcv::zone_line);
    records.collect::<Vec<_>>().join("; ")
}

fn whole_second(time: Timestamp) -> Timestamp {
    time.round(jiff::Unit::Second).unwrap_or(time)
}

fn whole_minute(time: Timestamp) -> Timestamp {
    time.round(jiff::Unit::Minute).unwrap_or(time)
}

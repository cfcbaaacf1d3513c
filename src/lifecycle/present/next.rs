//! The plan: the next operation, when it begins, what it costs.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{needs_person, next_try, suspended, whole_second};
use crate::{
    api::{
        Issuance,
        certificate::NextOperation,
        issuance::{Cost, Operation, Trigger},
    },
    lifecycle::{
        Step,
        certificate::{Effect, Hindrance, IssuerView, Observed, OrderView, adopt, duplicate, situation},
        lineage::{Lineage, Order},
        names, operation,
        plan::{REVOKES, Wanted, removed},
        trigger::{self, Due},
    },
    provider::{self, OrderFacts},
};

/// `None`: not known, or nothing will ever come next.
pub(super) fn next(
    o: &Observed,
    lineage: &Lineage,
    decided: &Result<Step<Effect>, Hindrance>,
) -> Option<NextOperation> {
    let waits = match suspended(decided) {
        Some(_) => Some(" suspended"),
        None => needs_person(o, lineage, decided).map(|_| " waits for a person"),
    };
    let planned = |operation, cost, at: Option<Timestamp>, reason, standing: &str, names: &[String]| {
        let removes = !removed(o, lineage, operation, names).is_empty();
        let follows = lineage.unresolved.and_then(|adopted| follow_up(o, adopted)).unwrap_or_default();
        let summary = summary(&format!("{}{standing}", word(operation)), cost, removes) + &follows;
        Some(NextOperation { operation, cost, at: at.map(|at| Time(whole_second(at))), reason, summary })
    };
    if let Some(issuance) = lineage.unresolved {
        let spec = &issuance.spec;
        let standing = waits.unwrap_or(" under way");
        return planned(spec.operation, spec.cost, None, spec.reason, standing, &spec.request.dns_names);
    }
    if adopt::asked(o, lineage).is_some() {
        let reason = if lineage.exists { Trigger::Requested } else { Trigger::FirstIssue };
        return planned(Operation::Adopt, Cost::Free, None, reason, waits.unwrap_or_default(), &[]);
    }
    let IssuerView::Ready { spec, .. } = o.issuer else {
        return o.certificate.status.as_ref().and_then(|status| status.next.clone());
    };
    let wanted = Wanted::resolve(o, spec, lineage)?;
    let facts = order(o, lineage);
    let due = trigger::due(o, lineage);
    let (trigger, time) = match due {
        Due::Now(trigger) => (trigger, o.now),
        Due::OnRequest => (Trigger::Expiring, o.now),
        Due::At(time) => (Trigger::Expiring, time),
    };
    if duplicate::asked(&o.certificate.spec).is_some() {
        let at = next_try(o, decided).or(Some(time).filter(|at| *at > o.now));
        return planned(Operation::Duplicate, Cost::Free, at, trigger, waits.unwrap_or_default(), &wanted.dns_names);
    }
    let situation = situation(o, spec, lineage, facts.as_ref(), &wanted, trigger).ok()?;
    let (at, plan) = operation::foresee(&situation, time);
    let at = match trigger::served(o).filter(|_| trigger == Trigger::Expiring && at > time) {
        Some(leaf) => trigger::in_window(o, leaf, at),
        None => at,
    };
    let (operation, cost) = plan.operation()?;
    let cost = operation::price(situation.vendor, cost);
    let at = next_try(o, decided).or(Some(at).filter(|at| *at > o.now));
    let by_token = trigger == Trigger::Expiring && trigger::by_request(o.certificate);
    let standing = if by_token && !trigger::requested(o, lineage) { " by token" } else { waits.unwrap_or_default() };
    let mut next = planned(operation, cost, at, trigger, standing, &wanted.dns_names)?;
    if let (Due::OnRequest, Some(leaf)) = (due, trigger::served(o)) {
        let last_day = leaf.not_after.to_zoned(jiff::tz::TimeZone::UTC).date();
        next.summary = format!("{}, expires {last_day}", next.summary);
    }
    Some(next)
}

/// The order as it was read, or as the ledger knows it: the provider is asked when something is due.
fn order(o: &Observed, lineage: &Lineage) -> Option<OrderFacts> {
    let order = lineage.order.as_ref()?;
    match o.order {
        OrderView::Read(facts) => Some(facts.clone()),
        OrderView::Absent => None,
        OrderView::Unread => Some(presumed(order)),
    }
}

fn presumed(order: &Order) -> OrderFacts {
    let last_day = order.valid_till.and_then(|end| end.checked_sub(SignedDuration::from_secs(1)).ok());
    OrderFacts {
        order_id: order.order_id.clone(),
        status: provider::OrderStatus::Active,
        valid_till: last_day.map(|day| day.to_zoned(jiff::tz::TimeZone::UTC).date()),
        renewed_by: None,
        pending: false,
        auto_renew: Default::default(),
        certificate_id: order.certificate_id.clone(),
        serial_number: None,
        certificate_revoked: false,
        certificate_valid_till: None,
        certificates: None,
        content: Default::default(),
    }
}

/// What has to be asked of an order once it is adopted: its key is not here, or it is for other names.
fn follow_up(o: &Observed, adopted: &Issuance) -> Option<String> {
    let (spec, request) = (&o.certificate.spec, &adopted.spec.request);
    let here = adopt::has_key(o, &request.public_key_sha256);
    if adopted.spec.operation != Operation::Adopt || (here && !trigger::differs(spec, request)) {
        return None;
    }
    let wanted = names::wanted(spec);
    let removes = request.dns_names.iter().any(|name| !wanted.contains(name));
    let adds = wanted.iter().any(|name| !request.dns_names.contains(name));
    let cost = if adds { Cost::MayCharge } else { Cost::Free };
    Some(format!(", then {}", summary(word(Operation::Reissue), cost, removes)))
}

/// At most 128 characters.
fn summary(what: &str, cost: Cost, removes: bool) -> String {
    let price = match cost {
        Cost::Free => "free",
        Cost::MayCharge => "may charge",
        Cost::Paid => "paid",
        Cost::Unknown => "cost unknown",
    };
    match removes {
        true => format!("{what} ({price}), names removed: {REVOKES}"),
        false => format!("{what} ({price})"),
    }
}

pub(super) fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::Order => "Order",
        Operation::Reissue => "Reissue",
        Operation::Renew => "Renew",
        Operation::Adopt => "Adopt",
        Operation::Duplicate => "Duplicate",
        Operation::Amend => "Amend",
        Operation::Collect => "Collect",
    }
}

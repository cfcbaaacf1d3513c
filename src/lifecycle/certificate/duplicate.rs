//! One more key on another certificate's order: free, with that order's names, and never more than that. A duplicate
//! neither reissues nor renews the order, and buys nothing when it has ended.

use std::{collections::BTreeSet, time::Duration};

use jiff::SignedDuration;

use super::{
    Hindrance, LOOK_AGAIN, Observed, OrderView, SourceView,
    adopt::{is_listed, is_marked_by_others},
};
use crate::{
    api::{CertificateSpec, IssuerSpec, certificate::DuplicateOf, conditions::reason, issuance::Trigger},
    lifecycle::{plan::Wanted, trigger, validity},
    provider::{OrderFacts, OrderStatus},
};

/// Until a Certificate that has none yet is looked at again: no call to the provider.
const SOON: Duration = Duration::from_secs(60);
/// Certificates end at a time of day of the CA's choosing.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// The order to ask on, or the id of the one to read first.
pub(super) fn parent<'a>(
    o: &Observed<'a>,
    issuer: &IssuerSpec,
    wanted: &Wanted,
    due: Trigger,
) -> Result<Result<&'a OrderFacts, String>, Hindrance> {
    let (order_id, vouched, not_after) = match o.source {
        SourceView::None | SourceView::Missing(_) => {
            let why = if let SourceView::Missing(why) = o.source { why } else { "it names nothing" };
            return Err(Hindrance::wait(reason::PENDING, format!("nothing to make a duplicate of yet: {why}"), SOON));
        }
        SourceView::Order { order_id, vouched, not_after } => (order_id, *vouched, *not_after),
    };
    if !vouched && !is_listed(issuer, order_id) {
        let message = format!(
            "no Issuance of this namespace is on order {order_id}, and the issuer does not list it in policy.adoptable"
        );
        return Err(Hindrance::person(reason::POLICY_REFUSED, message));
    }
    let expiring = trigger::served(o).map(|leaf| leaf.not_after).filter(|_| due == Trigger::Expiring);
    if let (Some(ours), Some(theirs)) = (expiring, not_after)
        && theirs.duration_since(ours) < A_DAY
    {
        return Err(not_reissued(order_id, o, LOOK_AGAIN));
    }
    let facts = match o.order {
        OrderView::Unread => return Ok(Err(order_id.clone())),
        OrderView::Absent => {
            let message = format!("order {order_id} is not known to the account, or not visible to its credential");
            return Err(Hindrance::person(reason::PROVIDER_BLOCKED, message));
        }
        OrderView::Read(facts) => facts,
    };
    if let Some(successor) = facts.renewed_by.as_ref().filter(|id| **id != facts.order_id) {
        return Ok(Err(successor.clone()));
    }
    usable(o, facts)?;
    named(wanted, facts)?;
    let theirs = facts.certificate_valid_till.map(validity::end_of);
    if let (Some(ours), Some(theirs)) = (expiring, theirs)
        && theirs.duration_since(ours) < A_DAY
    {
        let left = Duration::try_from(ours.duration_since(o.now)).unwrap_or_default();
        return Err(not_reissued(&facts.order_id, o, (left / 10).clamp(LOOK_AGAIN, 24 * LOOK_AGAIN)));
    }
    Ok(Ok(facts))
}

/// What a Certificate asks for a duplicate of.
pub fn asked(spec: &CertificateSpec) -> Option<&DuplicateOf> {
    spec.digicert.as_ref()?.duplicate_of.as_ref()
}

fn not_reissued(order_id: &str, o: &Observed, again: Duration) -> Hindrance {
    let name = o.certificate.metadata.name.as_deref().unwrap_or_default();
    let message = format!(
        "the certificate of order {order_id} has not been reissued yet: another duplicate would end when {name} ends"
    );
    Hindrance::wait(reason::PENDING, message, again)
}

/// Ours to build on, and able to take one.
fn usable(o: &Observed, facts: &OrderFacts) -> Result<(), Hindrance> {
    let order = &facts.order_id;
    if let Some(mark) = facts.content.idempotency_key.as_deref().filter(|key| is_marked_by_others(key, o.mark)) {
        let message = format!("order {order} was placed by another installation of Evercert, which marked it {mark}");
        return Err(Hindrance::person(reason::POLICY_REFUSED, message));
    }
    let ended = |what: &str| {
        let message = format!("order {order} {what}: a duplicate needs a running order, and buys none");
        Err(Hindrance::person(reason::PROVIDER_BLOCKED, message))
    };
    match facts.status {
        OrderStatus::Expired => ended("has expired"),
        OrderStatus::Revoked => ended("was revoked"),
        OrderStatus::Canceled => ended("was canceled"),
        OrderStatus::Active if facts.valid_till.map(validity::end_of).is_some_and(|end| end <= o.now) => {
            ended("has expired")
        }
        OrderStatus::Active if !facts.pending => Ok(()),
        OrderStatus::Active | OrderStatus::Pending | OrderStatus::Unknown => {
            let message = format!("something is pending on order {order} at the provider");
            Err(Hindrance::wait(reason::PENDING, message, LOOK_AGAIN))
        }
    }
}

/// *Duplicate certificate*: the names of the original, and names below its wildcards.
fn named(wanted: &Wanted, facts: &OrderFacts) -> Result<(), Hindrance> {
    let asked: BTreeSet<&String> = wanted.dns_names.iter().collect();
    let known: BTreeSet<&String> = facts.content.names.iter().collect();
    let under_wildcard = |name: &str| {
        let parent = name.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        parent.is_some_and(|wildcard| known.contains(&wildcard))
    };
    let foreign = asked.difference(&known).any(|name| !under_wildcard(name));
    if foreign || !known.is_subset(&asked) || known.is_empty() {
        let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
        let message = format!(
            "a duplicate has the names of the certificate it is of: order {} has {}",
            facts.order_id,
            if known.is_empty() { "none that the provider tells".to_owned() } else { known.join(", ") }
        );
        return Err(Hindrance::person(reason::INVALID_SPEC, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

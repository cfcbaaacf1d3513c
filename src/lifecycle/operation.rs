//! Which operation a trigger asks for: order, reissue or renew, and what it costs. Total: every state has an answer.
//! DigiCert's table is here, where an order has several certificates; those of Sectigo, where each is a purchase, and of
//! DNSimple, where none costs, beside it.

mod dnsimple;
mod sectigo;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::validity::{self, DAY, reach};
use crate::{
    api::{
        issuance::{Cost, Operation, Trigger},
        issuer::Vendor,
        meta::REISSUE_REQUESTED,
    },
    provider::{AutoRenewal, OrderFacts, OrderStatus},
};

/// CertCentral renews an order from 90 days before its end (*Renew TLS/SSL certificates*).
const RENEWAL_WINDOW: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Until an order that cannot be acted on is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60 * 60);
/// Certificates end at a time of day of the CA's choosing.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// What is known when something has triggered.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    pub vendor: Vendor,
    /// What is wanted is issued by people on the provider's pages.
    pub by_hand: bool,
    pub trigger: Trigger,
    /// The order behind the certificate, at the account in use; `None` when there is none or it is another's.
    pub order: Option<&'a OrderFacts>,
    /// Of the certificate in use, when one is known.
    pub not_after: Option<Timestamp>,
    /// Names are wanted that the certificate lacks.
    pub adds_names: bool,
    /// A new token on the Certificate: somebody wants a certificate, even if it costs.
    pub requested: bool,
    pub refused: Refused,
    /// Another product is wanted than was ordered.
    pub product_changed: bool,
    /// What the provider has said that it will never do with this order.
    pub forbidden: Forbidden,
    /// What is forbidden gives way to a new order: the issuer's policy says so.
    pub orders_anew: bool,
    /// Why the provider could not be kept from renewing the order by itself.
    pub renewal_stays: Option<&'a str>,
    /// Days the spec asks for.
    pub days: Option<u32>,
    /// The moment no certificate may outlast (`validity.until`).
    pub cap: Option<Timestamp>,
    pub now: Timestamp,
}

/// What an order's product allows nobody to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forbidden {
    pub renewal: bool,
    pub replacement: bool,
}

/// What is known of the request that an order came to nothing with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refused {
    /// Something else is wanted by now.
    pub changed: bool,
    /// It had been amended before.
    pub amended: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    Order,
    Reissue {
        order_id: String,
        cost: Cost,
    },
    Renew {
        order_id: String,
    },
    /// Change what was asked for and has not been approved, or was refused.
    Amend {
        order_id: String,
        cost: Cost,
    },
    /// Keep the provider from renewing the order by itself, then look again; what is asked of it then.
    StopAutoRenewal {
        order_id: String,
        then: (Operation, Cost),
    },
    /// Take what people have issued on the provider's pages.
    Collect,
    /// Go on with the order that renewed ours; buys nothing.
    Adopt {
        order_id: String,
    },
    WaitUntil {
        at: Timestamp,
        why: String,
    },
    /// Only a person can go on; a sentence that says how, and what is asked of the provider then.
    ActionRequired {
        why: String,
        then: Option<(Operation, Cost)>,
    },
}

impl Plan {
    /// What is asked of the provider in the end and what it costs; `None` when nothing is.
    pub fn operation(&self) -> Option<(Operation, Cost)> {
        match self {
            Self::Order => Some((Operation::Order, Cost::Paid)),
            Self::Reissue { cost, .. } => Some((Operation::Reissue, *cost)),
            Self::Renew { .. } => Some((Operation::Renew, Cost::Paid)),
            Self::Amend { cost, .. } => Some((Operation::Amend, *cost)),
            Self::Collect => Some((Operation::Collect, Cost::Free)),
            // Read by the next look, and reissued on.
            Self::Adopt { .. } => Some((Operation::Reissue, Cost::Free)),
            Self::StopAutoRenewal { then, .. } => Some(*then),
            Self::ActionRequired { then, .. } => *then,
            Self::WaitUntil { .. } => None,
        }
    }
}

/// What costs elsewhere is free at DNSimple.
pub fn price(vendor: Vendor, cost: Cost) -> Cost {
    if vendor == Vendor::DnSimple { Cost::Free } else { cost }
}

/// What to do now.
pub fn plan(s: &Situation<'_>) -> Plan {
    if let Some(reached) = cap_reached(s) {
        return reached;
    }
    if s.vendor == Vendor::DnSimple {
        return dnsimple::plan(s);
    }
    let Some(order) = s.order else { return Plan::Order };
    if s.vendor == Vendor::Sectigo {
        return sectigo::plan(s, order);
    }
    if let Some(successor) = order.renewed_by.as_ref().filter(|id| **id != order.order_id) {
        return Plan::Adopt { order_id: successor.clone() };
    }
    let end = order.valid_till.map(validity::end_of);
    match order.status {
        OrderStatus::Revoked | OrderStatus::Canceled => ended_by_somebody(s, order),
        OrderStatus::Expired => buy(order, Plan::Order),
        OrderStatus::Active if end.is_some_and(|end| end <= s.now) => buy(order, Plan::Order),
        OrderStatus::Pending | OrderStatus::Unknown => look_again(s, order),
        OrderStatus::Active if order.pending => look_again(s, order),
        OrderStatus::Active => running(s, order, end),
    }
}

/// What `plan` will say at `due` (when that is past: now) or as soon as it may be done, and when that is. What is
/// pending at the provider is taken as settled by then.
pub fn foresee(s: &Situation<'_>, due: Timestamp) -> (Timestamp, Plan) {
    let settled = s.order.map(|order| OrderFacts {
        pending: false,
        status: match order.status {
            OrderStatus::Pending if order.content.amendable => OrderStatus::Pending,
            OrderStatus::Pending | OrderStatus::Unknown => OrderStatus::Active,
            known => known,
        },
        ..order.clone()
    });
    let at = |now| Situation { order: settled.as_ref(), now, ..*s };
    let due = due.max(s.now);
    match plan(&at(due)) {
        Plan::WaitUntil { at: later, .. } if later > due => (later, plan(&at(later))),
        plan => (due, plan),
    }
}

fn running(s: &Situation<'_>, order: &OrderFacts, end: Option<Timestamp>) -> Plan {
    match s.trigger {
        Trigger::Requested if s.product_changed => buy(order, Plan::Order),
        Trigger::Expiring if !reissue_gains(s, end) => replace_order(s, order, end),
        _ => Plan::Reissue {
            order_id: order.order_id.clone(),
            cost: if s.adds_names { Cost::MayCharge } else { Cost::Free },
        },
    }
}

/// A reissue that prolongs the certificate by less than a seventh of the longest life is not worth the change, unless
/// it is the last one `validity.until` leaves room for.
fn reissue_gains(s: &Situation<'_>, order_end: Option<Timestamp>) -> bool {
    let Some(not_after) = s.not_after else { return true };
    let worthwhile = reach(s.now, s.days, None).duration_since(s.now) / 7;
    let reached = reach(s.now, s.days, order_end);
    match s.cap.filter(|cap| *cap <= reached) {
        Some(cap) => cap.duration_since(not_after) >= A_DAY,
        None => reached.duration_since(not_after) >= worthwhile,
    }
}

/// The order has no more to give: a new one, in the window the provider allows.
fn replace_order(s: &Situation<'_>, order: &OrderFacts, end: Option<Timestamp>) -> Plan {
    let window = end.map(|end| end.saturating_sub(RENEWAL_WINDOW).unwrap_or(Timestamp::MIN));
    match window {
        Some(opens) if opens <= s.now && s.product_changed => buy(order, Plan::Order),
        Some(opens) if opens <= s.now => buy(order, Plan::Renew { order_id: order.order_id.clone() }),
        Some(opens) => Plan::WaitUntil {
            at: opens,
            why: format!("order {} can be renewed from 90 days before its end", order.order_id),
        },
        None => Plan::WaitUntil {
            at: s.now.saturating_add(DAY).unwrap_or(Timestamp::MAX),
            why: format!("the provider does not say when order {} ends", order.order_id),
        },
    }
}

/// Nothing is bought beside a provider that would buy by itself. CertCentral's API has no call that switches it off
/// (Services API, *Orders*).
fn buy(order: &OrderFacts, purchase: Plan) -> Plan {
    if order.auto_renew == AutoRenewal::Off {
        return purchase;
    }
    let why = format!(
        "order {} renews automatically at the provider, which would buy a second time: switch its automatic renewal off",
        order.order_id
    );
    Plan::ActionRequired { why, then: purchase.operation() }
}

fn ended_by_somebody(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    if s.requested {
        return Plan::Order;
    }
    let what = if order.status == OrderStatus::Revoked { "revoked" } else { "canceled" };
    let why = format!(
        "order {} was {what} at the provider; to buy a new one, set the annotation {REISSUE_REQUESTED} to a new token",
        order.order_id
    );
    Plan::ActionRequired { why, then: Plan::Order.operation() }
}

fn look_again(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    let why = match order.status {
        OrderStatus::Unknown => format!("order {} has a status that Evercert does not know", order.order_id),
        OrderStatus::Pending => format!("order {} is pending at the provider", order.order_id),
        _ => format!("another request on order {} is pending at the provider", order.order_id),
    };
    Plan::WaitUntil { at: s.now.saturating_add(LOOK_AGAIN).unwrap_or(Timestamp::MAX), why }
}

/// Past `validity.until` nothing is issued, and nothing that could not last longer than what is there.
fn cap_reached(s: &Situation<'_>) -> Option<Plan> {
    let cap = s.cap?;
    let useless =
        s.trigger == Trigger::Expiring && s.not_after.is_some_and(|not_after| cap.duration_since(not_after) < A_DAY);
    (cap <= s.now || useless).then(|| Plan::ActionRequired {
        why: "the certificate may not last beyond spec.validity.until: change it, or delete the Certificate".to_owned(),
        then: None,
    })
}

#[cfg(test)]
mod tests;

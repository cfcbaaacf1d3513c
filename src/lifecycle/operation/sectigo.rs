//! Sectigo Certificate Manager's table. A certificate is renewed by a paid one with the same names, profile and
//! organization, and replaced free until its end, under the same id (*Renew*, *Replace*).
//!
//! | the certificate is | Expiring | key lost or compromised, names or key changed, a token |
//! |---|---|---|
//! | issued | Renew by id | Reissue, that is *Replace* |
//! | issued, another profile, organization or term wanted | Order | Reissue; by a token Order |
//! | issued, its profile forbids that | a person, or Order where the policy says so | same |
//! | issued, renewed by somebody else | a person, or Order by a token | Reissue |
//! | issued, SCM is to renew it by itself | that is switched off first | that is switched off first |
//! | issued, SCM goes on to renew it by itself | a person | Reissue |
//! | requested, not approved yet | Amend | Amend |
//! | being replaced, under way, of unknown status | wait | wait |
//! | expired | Order; renewed by somebody else: a person | same |
//! | declined, rejected, invalid | a person; once something else is wanted, or by a token, Amend | same |
//! | the same, after it was amended | a person; once something else is wanted Amend, by a token Order | same |
//! | revoked | a person, or Order by a token | same |

use super::{Plan, Refused, Situation, look_again};
use crate::{
    api::{
        issuance::{Cost, Operation, Trigger},
        meta::REISSUE_REQUESTED,
    },
    lifecycle::validity,
    provider::{AutoRenewal, OrderFacts, OrderStatus},
};

pub(super) fn plan(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    alone(s, order, asked(s, order))
}

/// Nothing is asked for beside a renewal that SCM would buy by itself: that is switched off first (*Update SSL
/// certificate details*, `autoRenewDetails`). Where it goes on all the same nothing is bought; a replacement buys
/// nothing, and a key that is lost or compromised does not wait.
fn alone(s: &Situation<'_>, order: &OrderFacts, plan: Plan) -> Plan {
    let then = match &plan {
        Plan::Order | Plan::Renew { .. } | Plan::Reissue { .. } => plan.operation(),
        Plan::Amend { .. }
        | Plan::StopAutoRenewal { .. }
        | Plan::Collect
        | Plan::Adopt { .. }
        | Plan::WaitUntil { .. }
        | Plan::ActionRequired { .. } => None,
    };
    let Some(then) = then else { return plan };
    let id = &order.order_id;
    match (order.auto_renew, s.renewal_stays) {
        (AutoRenewal::Off, _) => plan,
        (AutoRenewal::Scheduled, None) => Plan::StopAutoRenewal { order_id: id.clone(), then },
        (AutoRenewal::Scheduled | AutoRenewal::Started, _) if matches!(plan, Plan::Reissue { .. }) => plan,
        (AutoRenewal::Scheduled, Some(why)) => Plan::ActionRequired {
            why: format!(
                "SCM renews certificate {id} by itself, which would buy a second time, and goes on to ({why}): switch its \
                 auto-renewal off in SCM"
            ),
            then: Some(then),
        },
        (AutoRenewal::Started, _) => Plan::ActionRequired {
            why: format!(
                "SCM is renewing certificate {id} by itself, and nothing is bought beside it, which would buy a second \
                 time: adopt the certificate that comes of it"
            ),
            then: Some(then),
        },
    }
}

fn asked(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    let ended = order.valid_till.map(validity::end_of).is_some_and(|end| end <= s.now);
    match order.status {
        OrderStatus::Revoked => on_request(s, order, "is revoked"),
        OrderStatus::Canceled => refused(s, order),
        OrderStatus::Expired => buy_anew(s, order),
        OrderStatus::Active if ended => buy_anew(s, order),
        OrderStatus::Pending if order.content.amendable => amend(order, added(s)),
        OrderStatus::Pending | OrderStatus::Unknown => look_again(s, order),
        OrderStatus::Active if order.pending => look_again(s, order),
        OrderStatus::Active if s.trigger == Trigger::Expiring => renew(s, order),
        OrderStatus::Active if s.trigger == Trigger::Requested && s.product_changed => Plan::Order,
        OrderStatus::Active => replace(s, order),
    }
}

fn renew(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    if order.content.renewed_unseen || s.product_changed {
        return buy_anew(s, order);
    }
    match s.forbidden.renewal {
        true => forbidden(s, order, "renewed"),
        false => Plan::Renew { order_id: order.order_id.clone() },
    }
}

/// Not beside a certificate that somebody has bought in its place already.
fn buy_anew(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    match order.content.renewed_unseen {
        true => on_request(s, order, "was renewed, by a certificate that Evercert does not know: adopt that one"),
        false => Plan::Order,
    }
}

/// Amended, it is asked for again under its id, and may be bought by that; once that was refused as well, somebody may want
/// another purchase.
fn refused(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    let Refused { changed, amended } = s.refused;
    // An amendment leaves profile, organization and term as they are.
    if !order.content.amendable || s.product_changed || (amended && !changed) {
        return on_request(s, order, "was declined or refused");
    }
    if changed || s.requested {
        return amend(order, Cost::Paid);
    }
    let why = format!(
        "certificate {} was declined or refused: its request is amended once the Certificate is changed, or the annotation \
         {REISSUE_REQUESTED} is set to a new token",
        order.order_id
    );
    Plan::ActionRequired { why, then: Some((Operation::Amend, Cost::Paid)) }
}

fn amend(order: &OrderFacts, cost: Cost) -> Plan {
    Plan::Amend { order_id: order.order_id.clone(), cost }
}

/// No source says whether a contract bills names that are added.
fn added(s: &Situation<'_>) -> Cost {
    if s.adds_names { Cost::MayCharge } else { Cost::Free }
}

fn replace(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    if s.forbidden.replacement {
        return forbidden(s, order, "replaced");
    }
    Plan::Reissue { order_id: order.order_id.clone(), cost: added(s) }
}

fn forbidden(s: &Situation<'_>, order: &OrderFacts, what: &str) -> Plan {
    if s.orders_anew {
        return Plan::Order;
    }
    let state = format!(
        "is of a profile that lets nothing be {what}, or not by this API admin: allow it in SCM, or set \
         policy.whenForbidden of the issuer to Order"
    );
    on_request(s, order, &state)
}

/// Somebody has to want the purchase.
fn on_request(s: &Situation<'_>, order: &OrderFacts, state: &str) -> Plan {
    if s.requested {
        return Plan::Order;
    }
    let why = format!(
        "certificate {} {state}; to enroll anew, set the annotation {REISSUE_REQUESTED} to a new token",
        order.order_id
    );
    Plan::ActionRequired { why, then: Some((Operation::Order, Cost::Paid)) }
}

#[cfg(test)]
mod tests;

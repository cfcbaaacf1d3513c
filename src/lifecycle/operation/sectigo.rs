//! Sectigo Certificate Manager's table. A certificate is renewed by a paid one with the same names, profile and
//! organization, and replaced free until its end, under the same id (*Renew*, *Replace*).
//!
//! | the certificate is | Expiring | key lost or compromised, names or key changed, a token |
//! |---|---|---|
//! | issued | Renew by id | Reissue, that is *Replace* |
//! | issued, another profile, organization or term wanted | Order | Reissue; by a token Order |
//! | issued, its profile forbids that | a person, or Order where the policy says so | same |
//! | issued, renewed by somebody else | a person, or Order by a token | Reissue |
//! | issued, SCM renews it by itself | a person switches that off | Reissue |
//! | being replaced, requested, of unknown status | wait | wait |
//! | expired | Order; renewed by somebody else: a person | same |
//! | revoked, declined, rejected, invalid | a person, or Order by a token | same |

use super::{Plan, Situation, buy, look_again};
use crate::{
    api::{
        issuance::{Cost, Operation, Trigger},
        meta::REISSUE_REQUESTED,
    },
    lifecycle::validity,
    provider::{OrderFacts, OrderStatus},
};

pub(super) fn plan(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    let ended = order.valid_till.map(validity::end_of).is_some_and(|end| end <= s.now);
    match order.status {
        OrderStatus::Revoked => on_request(s, order, "is revoked"),
        OrderStatus::Canceled => on_request(s, order, "was declined or refused"),
        OrderStatus::Expired => buy_anew(s, order),
        OrderStatus::Active if ended => buy_anew(s, order),
        OrderStatus::Pending | OrderStatus::Unknown => look_again(s, order),
        OrderStatus::Active if order.pending => look_again(s, order),
        OrderStatus::Active if s.trigger == Trigger::Expiring => renew(s, order),
        OrderStatus::Active if s.trigger == Trigger::Requested && s.product_changed => buy(order, Plan::Order),
        OrderStatus::Active => replace(s, order),
    }
}

fn renew(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    if order.content.renewed_unseen || s.product_changed {
        return buy_anew(s, order);
    }
    match s.forbidden.renewal {
        true => forbidden(s, order, "renewed"),
        false => buy(order, Plan::Renew { order_id: order.order_id.clone() }),
    }
}

/// Not beside a certificate that somebody has bought in its place already.
fn buy_anew(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    match order.content.renewed_unseen {
        true => on_request(s, order, "was renewed, by a certificate that Evercert does not know: adopt that one"),
        false => buy(order, Plan::Order),
    }
}

fn replace(s: &Situation<'_>, order: &OrderFacts) -> Plan {
    if s.forbidden.replacement {
        return forbidden(s, order, "replaced");
    }
    Plan::Reissue {
        order_id: order.order_id.clone(),
        // No source says whether a contract bills names that are added.
        cost: if s.adds_names { Cost::MayCharge } else { Cost::Free },
    }
}

fn forbidden(s: &Situation<'_>, order: &OrderFacts, what: &str) -> Plan {
    if s.orders_anew {
        return buy(order, Plan::Order);
    }
    let state = format!("is of a profile that lets nothing be {what}: set policy.whenForbidden of the issuer to Order");
    on_request(s, order, &state)
}

/// Somebody has to want the purchase.
fn on_request(s: &Situation<'_>, order: &OrderFacts, state: &str) -> Plan {
    if s.requested {
        return buy(order, Plan::Order);
    }
    let why = format!(
        "certificate {} {state}; to enroll anew, set the annotation {REISSUE_REQUESTED} to a new token",
        order.order_id
    );
    Plan::ActionRequired { why, then: Some((Operation::Order, Cost::Paid)) }
}

#[cfg(test)]
mod tests;

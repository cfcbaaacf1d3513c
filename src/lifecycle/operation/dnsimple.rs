//! DNSimple's table. A certificate of Let's Encrypt is free, and its key is made there; all others are bought and re-issued
//! on DNSimple's pages alone.
//!
//! | product, the certificate is | Expiring | all else |
//! |---|---|---|
//! | LetsEncrypt, issued | Renew | Order |
//! | LetsEncrypt, issued, renewed by DNSimple itself, not renewable, or of another product | Order | Order |
//! | LetsEncrypt, under way, expired, failed, refused | Order | Order |
//! | LetsEncrypt, of a status that nobody knows | wait | wait |
//! | Existing | Collect | Collect |
//!
//! What is lost is downloaded again, key included, before this is asked.

use super::{Plan, Situation, look_again};
use crate::{
    api::issuance::Trigger,
    provider::{AutoRenewal, OrderStatus},
};

pub(super) fn plan(s: &Situation<'_>) -> Plan {
    if s.by_hand {
        return Plan::Collect;
    }
    let Some(order) = s.order else { return Plan::Order };
    // *Purchase a renewal*: only for a certificate that DNSimple does not renew by itself.
    let renewable = !s.product_changed && !s.forbidden.renewal && order.auto_renew == AutoRenewal::Off;
    match order.status {
        OrderStatus::Unknown => look_again(s, order),
        OrderStatus::Active if s.trigger == Trigger::Expiring && renewable => {
            Plan::Renew { order_id: order.order_id.clone() }
        }
        // What is under way there is nobody's: an Issuance would follow it.
        _ => Plan::Order,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::issuer::Vendor,
        lifecycle::{
            operation::{Forbidden, Refused},
            testing::{at, days, order},
        },
        provider::OrderFacts,
    };

    fn situation(trigger: Trigger, order: Option<&OrderFacts>) -> Situation<'_> {
        Situation {
            vendor: Vendor::DnSimple,
            by_hand: false,
            trigger,
            order,
            not_after: Some(days(90)),
            adds_names: false,
            requested: false,
            refused: Refused::default(),
            product_changed: false,
            forbidden: Forbidden::default(),
            renewal_stays: None,
            orders_anew: false,
            days: None,
            cap: None,
            now: at(0),
        }
    }

    const TRIGGERS: [Trigger; 7] = [
        Trigger::FirstIssue,
        Trigger::KeyLost,
        Trigger::KeyCompromise,
        Trigger::SpecChanged,
        Trigger::Requested,
        Trigger::Revoked,
        Trigger::IssuerChanged,
    ];

    #[test]
    fn only_what_expires_is_renewed() {
        let issued = order();
        let renew = Plan::Renew { order_id: "100".to_owned() };
        assert_eq!(plan(&situation(Trigger::Expiring, Some(&issued))), renew);
        for trigger in TRIGGERS {
            assert_eq!(plan(&situation(trigger, Some(&issued))), Plan::Order, "{trigger:?}");
        }
        assert_eq!(plan(&situation(Trigger::FirstIssue, None)), Plan::Order);
    }

    #[test]
    fn what_cannot_be_renewed_is_ordered_anew() {
        let issued = order();
        let expiring = situation(Trigger::Expiring, Some(&issued));
        assert_eq!(plan(&Situation { product_changed: true, ..expiring }), Plan::Order);
        let forbidden = Forbidden { renewal: true, ..Forbidden::default() };
        assert_eq!(plan(&Situation { forbidden, ..expiring }), Plan::Order);
        let automatic = OrderFacts { auto_renew: AutoRenewal::Started, ..order() };
        assert_eq!(plan(&situation(Trigger::Expiring, Some(&automatic))), Plan::Order);
        for status in [OrderStatus::Pending, OrderStatus::Expired, OrderStatus::Canceled, OrderStatus::Revoked] {
            let ended = OrderFacts { status, ..order() };
            assert_eq!(plan(&situation(Trigger::Expiring, Some(&ended))), Plan::Order, "{status:?}");
        }
    }

    #[test]
    fn nothing_is_ordered_on_a_status_that_nobody_knows() {
        let unknown = OrderFacts { status: OrderStatus::Unknown, ..order() };
        for trigger in TRIGGERS.into_iter().chain([Trigger::Expiring]) {
            assert!(matches!(plan(&situation(trigger, Some(&unknown))), Plan::WaitUntil { .. }), "{trigger:?}");
        }
    }

    #[test]
    fn what_people_issue_is_never_ordered() {
        let issued = order();
        for trigger in TRIGGERS.into_iter().chain([Trigger::Expiring]) {
            for order in [None, Some(&issued)] {
                let by_hand = Situation { by_hand: true, ..situation(trigger, order) };
                assert_eq!(plan(&by_hand), Plan::Collect, "{trigger:?}");
            }
        }
    }
}

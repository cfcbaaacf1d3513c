#![allow(clippy::unwrap_used)]

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const NOW: &str = "2026-06-01T00:00:00Z";
const TRIGGERS: [Trigger; 8] = [
    Trigger::FirstIssue,
    Trigger::Expiring,
    Trigger::KeyLost,
    Trigger::KeyCompromise,
    Trigger::SpecChanged,
    Trigger::IssuerChanged,
    Trigger::Requested,
    Trigger::Revoked,
];

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn in_days(days: i32) -> Timestamp {
    now() + SignedDuration::from_hours(24 * i64::from(days))
}

/// An active order with that many days left; its end is the midnight after `valid_till`.
fn order(days_left: i32) -> OrderFacts {
    OrderFacts {
        order_id: "100".to_owned(),
        status: OrderStatus::Active,
        valid_till: Some(date(2026, 6, 1) + jiff::Span::new().days(days_left - 1)),
        renewed_by: None,
        pending: false,
        auto_renew: AutoRenewal::Off,
        certificate_id: Some("7".to_owned()),
        certificate_revoked: false,
        serial_number: None,
        certificate_valid_till: None,
        certificates: None,
        content: Default::default(),
    }
}

fn with_status(status: OrderStatus) -> OrderFacts {
    OrderFacts { status, ..order(200) }
}

/// A certificate with 60 days left.
fn situation(trigger: Trigger, order: Option<&OrderFacts>) -> Situation<'_> {
    Situation {
        vendor: Vendor::DigiCert,
        by_hand: false,
        trigger,
        order,
        not_after: Some(in_days(60)),
        requested: matches!(trigger, Trigger::Requested | Trigger::KeyCompromise),
        adds_names: false,
        product_changed: false,
        forbidden: Forbidden::default(),
        renewal_stays: None,
        refused: Refused::default(),
        orders_anew: false,
        days: None,
        cap: None,
        now: now(),
    }
}

fn reissue(cost: Cost) -> Plan {
    Plan::Reissue { order_id: "100".to_owned(), cost }
}

fn renew() -> Plan {
    Plan::Renew { order_id: "100".to_owned() }
}

#[test]
fn without_an_order_one_is_bought() {
    for trigger in TRIGGERS {
        assert_eq!(plan(&situation(trigger, None)), Plan::Order, "{trigger:?}");
    }
    // Back at an account whose order still runs.
    assert_eq!(plan(&situation(Trigger::IssuerChanged, Some(&order(300)))), reissue(Cost::Free));
}

#[test]
fn while_a_reissue_gains_it_is_taken_and_free() {
    // 199 days are the limit; a seventh of that is 28.4 days.
    for (days_left, not_after) in [(300, 60), (89, 60), (300, 170), (50, -1), (29, 0)] {
        let order = order(days_left);
        let s = Situation { not_after: Some(in_days(not_after)), ..situation(Trigger::Expiring, Some(&order)) };
        assert_eq!(plan(&s), reissue(Cost::Free), "{days_left} {not_after}");
    }
}

#[test]
fn when_a_reissue_gains_little_the_order_is_renewed_in_its_last_90_days() {
    for (days_left, not_after) in [(88, 60), (60, 60), (90, 62), (28, 0), (1, -3)] {
        let order = order(days_left);
        let s = Situation { not_after: Some(in_days(not_after)), ..situation(Trigger::Expiring, Some(&order)) };
        assert_eq!(plan(&s), renew(), "{days_left} {not_after}");
        let s = Situation { product_changed: true, ..s };
        assert_eq!(plan(&s), Plan::Order, "another product cannot be had by renewal");
    }
}

#[test]
fn further_from_its_end_the_order_is_waited_for() {
    let order = order(100);
    let s = Situation { not_after: Some(in_days(95)), ..situation(Trigger::Expiring, Some(&order)) };
    let why = "order 100 can be renewed from 90 days before its end".to_owned();
    assert_eq!(plan(&s), Plan::WaitUntil { at: in_days(10), why });
    assert_eq!(plan(&Situation { now: in_days(10), ..s }), renew());
}

#[test]
fn a_lost_key_or_a_changed_spec_is_a_reissue_however_little_it_gains() {
    use Trigger::{FirstIssue, KeyCompromise, KeyLost, Requested, Revoked, SpecChanged};
    for days_left in [300, 91, 90, 1] {
        let order = order(days_left);
        for trigger in [FirstIssue, KeyLost, KeyCompromise, Requested, Revoked, SpecChanged] {
            assert_eq!(plan(&situation(trigger, Some(&order))), reissue(Cost::Free), "{days_left} {trigger:?}");
        }
        let s = Situation { adds_names: true, ..situation(SpecChanged, Some(&order)) };
        assert_eq!(plan(&s), reissue(Cost::MayCharge));
    }
}

#[test]
fn another_product_is_bought_at_once_only_with_a_token() {
    let order = order(300);
    for (trigger, expected) in [
        (Trigger::Requested, Plan::Order),
        (Trigger::SpecChanged, reissue(Cost::Free)),
        (Trigger::KeyLost, reissue(Cost::Free)),
        (Trigger::Expiring, reissue(Cost::Free)),
    ] {
        let s = Situation { product_changed: true, ..situation(trigger, Some(&order)) };
        assert_eq!(plan(&s), expected, "{trigger:?}");
    }
}

#[test]
fn after_the_orders_end_a_new_one_is_bought() {
    for order in [with_status(OrderStatus::Expired), order(0), order(-5)] {
        for trigger in TRIGGERS {
            assert_eq!(plan(&situation(trigger, Some(&order))), Plan::Order, "{trigger:?}");
        }
    }
}

#[test]
fn an_order_somebody_ended_is_replaced_only_with_a_token() {
    for (status, what) in [(OrderStatus::Revoked, "revoked"), (OrderStatus::Canceled, "canceled")] {
        let order = with_status(status);
        for trigger in TRIGGERS {
            let plan = plan(&situation(trigger, Some(&order)));
            match trigger {
                Trigger::Requested | Trigger::KeyCompromise => assert_eq!(plan, Plan::Order, "{trigger:?}"),
                _ => {
                    let sentence = format!(
                        "order 100 was {what} at the provider; to buy a new one, set the annotation \
                         evercert.dev/reissue-requested to a new token"
                    );
                    let then = Some((Operation::Order, Cost::Paid));
                    assert_eq!(plan, Plan::ActionRequired { why: sentence, then }, "{trigger:?}");
                }
            }
        }
    }
}

#[test]
fn a_renewed_order_is_followed_never_bought_again() {
    for status in [OrderStatus::Active, OrderStatus::Expired, OrderStatus::Revoked] {
        let order = OrderFacts { renewed_by: Some("101".to_owned()), ..with_status(status) };
        for trigger in [Trigger::Expiring, Trigger::KeyLost, Trigger::SpecChanged] {
            assert_eq!(plan(&situation(trigger, Some(&order))), Plan::Adopt { order_id: "101".to_owned() });
        }
    }
    let itself = OrderFacts { renewed_by: Some("100".to_owned()), ..order(300) };
    assert_eq!(plan(&situation(Trigger::KeyLost, Some(&itself))), reissue(Cost::Free));
}

#[test]
fn an_order_that_renews_itself_is_reissued_but_never_bought_beside() {
    let renewing = |order| OrderFacts { auto_renew: AutoRenewal::Scheduled, ..order };
    let long = renewing(order(300));
    assert_eq!(plan(&situation(Trigger::Expiring, Some(&long))), reissue(Cost::Free));
    for order in [renewing(order(60)), renewing(with_status(OrderStatus::Expired))] {
        let plan = plan(&situation(Trigger::Expiring, Some(&order)));
        assert!(
            matches!(&plan, Plan::ActionRequired { why, .. } if why.contains("order 100 renews automatically")),
            "{plan:?}"
        );
        assert_eq!(plan.operation().map(|(_, cost)| cost), Some(Cost::Paid), "told all the same");
    }
}

#[test]
fn an_order_that_cannot_be_acted_on_is_looked_at_again() {
    let cases = [
        (with_status(OrderStatus::Pending), "order 100 is pending at the provider"),
        (with_status(OrderStatus::Unknown), "order 100 has a status that Evercert does not know"),
        (OrderFacts { pending: true, ..order(300) }, "another request on order 100 is pending at the provider"),
    ];
    for (order, why) in cases {
        for trigger in [Trigger::Expiring, Trigger::KeyLost, Trigger::SpecChanged, Trigger::Requested] {
            let expected = Plan::WaitUntil { at: now() + LOOK_AGAIN, why: why.to_owned() };
            assert_eq!(plan(&situation(trigger, Some(&order))), expected, "{trigger:?}");
        }
    }
}

#[test]
fn an_order_without_a_known_end_is_reissued_while_that_gains() {
    let order = OrderFacts { valid_till: None, ..order(0) };
    assert_eq!(plan(&situation(Trigger::Expiring, Some(&order))), reissue(Cost::Free));
    let s = Situation { not_after: Some(in_days(190)), ..situation(Trigger::Expiring, Some(&order)) };
    assert!(matches!(plan(&s), Plan::WaitUntil { at, .. } if at == in_days(1)));
}

#[test]
fn shorter_lives_that_are_wanted_count_as_the_longest() {
    let order = order(300);
    let s = Situation { not_after: Some(in_days(10)), days: Some(30), ..situation(Trigger::Expiring, Some(&order)) };
    assert_eq!(plan(&s), reissue(Cost::Free));
    let s = Situation { not_after: Some(in_days(26)), ..s };
    assert!(matches!(plan(&s), Plan::WaitUntil { at, .. } if at == in_days(210)));
}

#[test]
fn what_a_reissue_gains_is_measured_by_the_limit_of_its_day() {
    let at = |day: &str| format!("{day}T00:00:00Z").parse::<Timestamp>().unwrap();
    // A certificate that ends 20 days before its order.
    let order = OrderFacts { valid_till: Some(date(2027, 3, 29)), ..order(0) };
    let not_after = Some(at("2027-03-10"));
    for (day, expected) in [("2026-12-31", None), ("2027-01-01", Some(reissue(Cost::Free)))] {
        let s = Situation { not_after, now: at(day), ..situation(Trigger::Expiring, Some(&order)) };
        match expected {
            Some(expected) => assert_eq!(plan(&s), expected, "99 days: a seventh is 14"),
            None => assert_eq!(plan(&s), renew(), "199 days: a seventh is 28"),
        }
    }
}

#[test]
fn nothing_is_bought_for_what_may_not_last_longer() {
    let order = order(60);
    let s = Situation { cap: Some(in_days(60)), ..situation(Trigger::Expiring, Some(&order)) };
    assert!(matches!(plan(&s), Plan::ActionRequired { .. }));
    assert_eq!(plan(&Situation { trigger: Trigger::KeyLost, ..s }), reissue(Cost::Free));
    let room = Situation { cap: Some(in_days(62)), ..situation(Trigger::Expiring, Some(&order)) };
    assert_eq!(plan(&room), renew(), "the order ends first");
    let long = self::order(300);
    assert_eq!(plan(&Situation { order: Some(&long), ..room }), reissue(Cost::Free), "the last two days are free");
    for trigger in TRIGGERS {
        let past = Situation { trigger, cap: Some(now()), ..s };
        assert!(matches!(plan(&past), Plan::ActionRequired { .. }), "{trigger:?}");
    }
}

#[test]
fn costs_are_told_with_the_operation() {
    assert_eq!(Plan::Order.operation(), Some((Operation::Order, Cost::Paid)));
    assert_eq!(renew().operation(), Some((Operation::Renew, Cost::Paid)));
    assert_eq!(reissue(Cost::MayCharge).operation(), Some((Operation::Reissue, Cost::MayCharge)));
    assert_eq!(Plan::Adopt { order_id: "1".to_owned() }.operation(), Some((Operation::Reissue, Cost::Free)));
}

#[test]
fn the_next_operation_is_foreseen() {
    // The first certificate of a year's order, with a reissue under way that says nothing about later.
    let first = OrderFacts { pending: true, ..order(365) };
    let s = Situation { not_after: Some(in_days(199)), ..situation(Trigger::Expiring, Some(&first)) };
    assert_eq!(foresee(&s, in_days(170)), (in_days(170), reissue(Cost::Free)));
    // The one that lasts as long as the order.
    let s = Situation { not_after: Some(in_days(365)), ..s };
    assert_eq!(foresee(&s, in_days(300)), (in_days(300), renew()));
    assert_eq!(foresee(&s, in_days(200)), (in_days(275), renew()), "not before the window");
    // What is overdue is due now.
    let overdue = Situation { not_after: Some(in_days(3)), ..s };
    assert_eq!(foresee(&overdue, in_days(-10)), (now(), reissue(Cost::Free)));
    // What is pending at the provider is settled by the next look.
    for disturbed in [with_status(OrderStatus::Pending), OrderFacts { pending: true, ..order(300) }] {
        let s = situation(Trigger::KeyLost, Some(&disturbed));
        assert_eq!(foresee(&s, now()), (now(), reissue(Cost::Free)));
    }
}

proptest! {
    #[test]
    fn money_is_spent_only_where_the_table_says(
        status in prop::sample::select(vec![OrderStatus::Pending, OrderStatus::Active, OrderStatus::Expired, OrderStatus::Revoked, OrderStatus::Canceled, OrderStatus::Unknown]),
        trigger in prop::sample::select(TRIGGERS.to_vec()),
        days_left in -400..1200_i32, not_after in proptest::option::of(-400..400_i32), days in proptest::option::of(1..400_u32),
        cap in proptest::option::of(-10..400_i32), flags: [bool; 6],
    ) {
        let [pending, auto_renew, adds_names, product_changed, dated, requested] = flags;
        let auto = if auto_renew { AutoRenewal::Scheduled } else { AutoRenewal::Off };
        let order = OrderFacts { status, pending, auto_renew: auto, valid_till: order(days_left).valid_till.filter(|_| dated), ..order(0) };
        let s = Situation {
            trigger, order: Some(&order), not_after: not_after.map(in_days), requested, adds_names, product_changed, days, cap: cap.map(in_days),
            ..situation(trigger, None)
        };
        let ended = status == OrderStatus::Expired || (status == OrderStatus::Active && dated && days_left <= 0);
        match plan(&s) {
            Plan::Renew { .. } => {
                prop_assert!(trigger == Trigger::Expiring && status == OrderStatus::Active && !auto_renew && !pending);
                prop_assert!(dated && (1..=90).contains(&days_left));
            }
            Plan::Order => {
                let replaced = requested && matches!(status, OrderStatus::Revoked | OrderStatus::Canceled);
                let due = trigger == Trigger::Requested || (trigger == Trigger::Expiring && dated && days_left <= 90);
                prop_assert!(ended || replaced || (product_changed && due));
            }
            Plan::Reissue { cost, .. } => {
                prop_assert!(status == OrderStatus::Active && !pending && !ended && cost != Cost::Paid);
            }
            Plan::StopAutoRenewal { .. } | Plan::Amend { .. } => prop_assert!(false, "CertCentral has no call for it"),
            Plan::WaitUntil { at, .. } => prop_assert!(at > s.now),
            Plan::Adopt { .. } => prop_assert!(false, "nothing renewed it"),
            Plan::Collect => prop_assert!(false, "nothing is issued by hand"),
            Plan::ActionRequired { .. } => {}
        }
        let (at, _) = foresee(&s, in_days(5));
        prop_assert!(at >= in_days(5));
    }

    /// Reissued whenever it is due, a certificate reaches its order's end in few free steps and is then renewed once.
    #[test]
    fn a_year_goes_by_with_one_purchase(uid in "[0-9a-f]{12}", started in 0..900_i32) {
        let start = in_days(started - 365);
        let order = OrderFacts { valid_till: Some(order(started).valid_till.unwrap()), ..order(0) };
        let end = validity::end_of(order.valid_till.unwrap());
        let (mut issued, mut not_after) = (start, reach(start, None, Some(end)));
        let mut reissues = 0;
        loop {
            let due = crate::lifecycle::renewal::renewal_time(issued, not_after, Some(end), None, &uid);
            let s = Situation { not_after: Some(not_after), now: issued, ..situation(Trigger::Expiring, Some(&order)) };
            let (at, next) = foresee(&s, due);
            prop_assert!(at < not_after, "served without a gap");
            match next {
                Plan::Reissue { .. } => {
                    let until = reach(at, None, Some(end));
                    prop_assert!(until > not_after);
                    (issued, not_after, reissues) = (at, until, reissues + 1);
                    prop_assert!(reissues <= 12);
                }
                Plan::Renew { .. } => break,
                other => prop_assert!(false, "{other:?}"),
            }
        }
        let fewest = if validity::longest_validity(start) >= 365 { 0 } else { 1 };
        prop_assert!(reissues >= fewest);
    }
}

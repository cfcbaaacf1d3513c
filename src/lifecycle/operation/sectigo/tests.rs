#![allow(clippy::unwrap_used)]

use jiff::{Timestamp, civil::date};
use proptest::prelude::*;

use super::super::{Forbidden, LOOK_AGAIN, Refused, foresee, plan};
use super::*;
use crate::{api::issuer::Vendor, lifecycle::testing, provider::OrderContent};

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
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// Certificate 55, valid until the end of that August.
fn issued() -> OrderFacts {
    let valid_till = Some(date(2026, 8, 31));
    OrderFacts { order_id: "55".to_owned(), valid_till, certificate_valid_till: valid_till, ..testing::order() }
}

fn situation(trigger: Trigger, order: Option<&OrderFacts>) -> Situation<'_> {
    Situation {
        vendor: Vendor::Sectigo,
        by_hand: false,
        trigger,
        order,
        not_after: order.and_then(|order| order.valid_till).map(validity::end_of),
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

fn renew() -> Plan {
    Plan::Renew { order_id: "55".to_owned() }
}

fn replace(cost: Cost) -> Plan {
    Plan::Reissue { order_id: "55".to_owned(), cost }
}

/// What a person is told, who would pay for a new order.
fn told(plan: Plan) -> String {
    match plan {
        Plan::ActionRequired { why, then: Some((Operation::Order, Cost::Paid)) } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_new_is_ordered() {
    for trigger in TRIGGERS {
        assert_eq!(plan(&situation(trigger, None)), Plan::Order, "{trigger:?}");
    }
}

#[test]
fn what_expires_is_renewed_and_all_else_is_replaced_free() {
    let issued = issued();
    for trigger in TRIGGERS {
        let expected = if trigger == Trigger::Expiring { renew() } else { replace(Cost::Free) };
        assert_eq!(plan(&situation(trigger, Some(&issued))), expected, "{trigger:?}");
    }
    let adds = Situation { adds_names: true, ..situation(Trigger::SpecChanged, Some(&issued)) };
    assert_eq!(plan(&adds), replace(Cost::MayCharge));
    assert_eq!(plan(&adds).operation(), Some((Operation::Reissue, Cost::MayCharge)));
}

/// A replacement never outlasts what it replaces, so nothing like DigiCert's reissues is made of what expires.
#[test]
fn however_long_it_lasts_what_expires_is_renewed() {
    for not_after in ["2026-06-02T00:00:00Z", "2026-12-17T00:00:00Z"] {
        let issued = issued();
        let not_after = Some(not_after.parse().unwrap());
        assert_eq!(plan(&Situation { not_after, ..situation(Trigger::Expiring, Some(&issued)) }), renew());
    }
}

#[test]
fn another_profile_is_ordered_at_the_renewal_or_by_a_token() {
    let issued = issued();
    for trigger in TRIGGERS {
        let s = Situation { product_changed: true, ..situation(trigger, Some(&issued)) };
        let orders = matches!(trigger, Trigger::Expiring | Trigger::Requested);
        assert_eq!(plan(&s), if orders { Plan::Order } else { replace(Cost::Free) }, "{trigger:?}");
    }
}

#[test]
fn what_a_profile_forbids_is_told_and_bought_where_the_policy_says_so() {
    let issued = issued();
    let table = [
        (Forbidden { renewal: true, replacement: false }, Trigger::Expiring, "renewed"),
        (Forbidden { renewal: false, replacement: true }, Trigger::KeyLost, "replaced"),
        (Forbidden { renewal: false, replacement: true }, Trigger::SpecChanged, "replaced"),
    ];
    for (forbidden, trigger, what) in table {
        let s = Situation { forbidden, ..situation(trigger, Some(&issued)) };
        let why = told(plan(&s));
        assert!(why.contains(what) && why.contains("policy.whenForbidden"), "{why}");
        assert_eq!(plan(&Situation { orders_anew: true, ..s }), Plan::Order, "{trigger:?}");
        assert_eq!(plan(&Situation { requested: true, ..s }), Plan::Order, "somebody asks for it");
    }
    // One forbids nothing of the other.
    let no_renewal = Forbidden { renewal: true, replacement: false };
    let s = Situation { forbidden: no_renewal, ..situation(Trigger::KeyLost, Some(&issued)) };
    assert_eq!(plan(&s), replace(Cost::Free));
    let no_replacement = Forbidden { renewal: false, replacement: true };
    let s = Situation { forbidden: no_replacement, ..situation(Trigger::Expiring, Some(&issued)) };
    assert_eq!(plan(&s), renew());
}

#[test]
fn nothing_is_bought_beside_what_somebody_has_renewed() {
    let content = || Box::new(OrderContent { renewed_unseen: true, ..OrderContent::default() });
    let renewed = OrderFacts { content: content(), ..issued() };
    let expired = OrderFacts { status: OrderStatus::Expired, ..renewed.clone() };
    for order in [&renewed, &expired] {
        let s = situation(Trigger::Expiring, Some(order));
        assert!(told(plan(&s)).contains("55 was renewed, by a certificate that Evercert does not know"));
        assert!(told(plan(&Situation { product_changed: true, ..s })).contains("was renewed"));
        assert_eq!(plan(&Situation { requested: true, ..s }), Plan::Order);
    }
    assert_eq!(plan(&situation(Trigger::KeyLost, Some(&renewed))), replace(Cost::Free), "free all the same");
}

/// What SCM was to buy by itself is switched off before anything is asked for.
#[test]
fn nothing_is_bought_beside_a_renewal_that_scm_will_order_itself() {
    use AutoRenewal::{Off, Scheduled, Started};
    let order = |auto_renew| OrderFacts { auto_renew, ..issued() };
    let stop = |operation, cost| Plan::StopAutoRenewal { order_id: "55".to_owned(), then: (operation, cost) };
    let asked = |auto_renew, trigger, product_changed, renewal_stays| {
        plan(&Situation { product_changed, renewal_stays, ..situation(trigger, Some(&order(auto_renew))) })
    };
    let expired = OrderFacts { status: OrderStatus::Expired, ..order(Scheduled) };
    assert_eq!(plan(&situation(Trigger::KeyLost, Some(&expired))), stop(Operation::Order, Cost::Paid));
    let table = [
        (Trigger::Expiring, false, Operation::Renew, Cost::Paid),
        (Trigger::Expiring, true, Operation::Order, Cost::Paid),
        (Trigger::Requested, true, Operation::Order, Cost::Paid),
        (Trigger::KeyLost, false, Operation::Reissue, Cost::Free),
        (Trigger::KeyCompromise, false, Operation::Reissue, Cost::Free),
    ];
    for (trigger, changed, operation, cost) in table {
        let off = asked(Off, trigger, changed, None);
        assert_eq!(off.operation(), Some((operation, cost)), "{trigger:?}");
        assert_eq!(asked(Off, trigger, changed, Some("of before")), off, "it is off");
        assert_eq!(asked(Scheduled, trigger, changed, None), stop(operation, cost), "{trigger:?}");
        for goes_on in [asked(Scheduled, trigger, changed, Some("-3: no")), asked(Started, trigger, changed, None)] {
            match operation {
                Operation::Reissue => assert_eq!(goes_on, off, "it buys nothing, and the key does not wait"),
                _ => assert!(
                    matches!(&goes_on, Plan::ActionRequired { why, then } if why.contains("would buy a second time")
                        && *then == Some((operation, cost))),
                    "{goes_on:?}"
                ),
            }
        }
    }
    assert!(told(asked(Scheduled, Trigger::Requested, true, Some("-3: no"))).contains("-3: no"));
    // What waits for a person or for SCM leaves it as it is.
    let revoked = OrderFacts { status: OrderStatus::Revoked, ..order(Scheduled) };
    assert!(told(plan(&situation(Trigger::KeyLost, Some(&revoked)))).contains("is revoked"));
    let pending = OrderFacts { pending: true, ..order(Scheduled) };
    assert!(matches!(plan(&situation(Trigger::KeyLost, Some(&pending))), Plan::WaitUntil { .. }));
}

#[test]
fn what_is_under_way_or_not_understood_is_waited_for() {
    let with = |status| OrderFacts { status, ..issued() };
    for order in [with(OrderStatus::Pending), with(OrderStatus::Unknown), OrderFacts { pending: true, ..issued() }] {
        for trigger in TRIGGERS {
            let plan = plan(&situation(trigger, Some(&order)));
            assert!(matches!(&plan, Plan::WaitUntil { at, .. } if *at == now() + LOOK_AGAIN), "{trigger:?}: {plan:?}");
        }
    }
    // For the plan that is shown, it is taken as settled.
    let order = with(OrderStatus::Pending);
    let due = now() + LOOK_AGAIN;
    assert_eq!(foresee(&situation(Trigger::Expiring, Some(&order)), due), (due, renew()));
}

#[test]
fn what_has_expired_is_ordered_anew() {
    let late = "2026-09-01T00:00:00Z".parse().unwrap();
    let (active, expired) = (issued(), OrderFacts { status: OrderStatus::Expired, ..issued() });
    for trigger in TRIGGERS {
        assert_eq!(plan(&situation(trigger, Some(&expired))), Plan::Order, "{trigger:?}");
        assert_eq!(plan(&Situation { now: late, ..situation(trigger, Some(&active)) }), Plan::Order, "{trigger:?}");
    }
}

#[test]
fn what_was_revoked_or_refused_is_ordered_again_only_when_somebody_asks() {
    for (status, what) in [(OrderStatus::Revoked, "is revoked"), (OrderStatus::Canceled, "was declined or refused")] {
        let order = OrderFacts { status, ..issued() };
        for trigger in TRIGGERS {
            let plan = plan(&situation(trigger, Some(&order)));
            match trigger {
                Trigger::Requested | Trigger::KeyCompromise => assert_eq!(plan, Plan::Order, "{trigger:?}"),
                _ => assert!(told(plan).contains(&format!("certificate 55 {what}")), "{trigger:?}"),
            }
        }
    }
}

/// Whatever can still be changed is changed, and never asked for beside itself.
#[test]
fn a_request_that_is_open_or_refused_is_amended() {
    let with = |status| {
        let content = Box::new(OrderContent { amendable: true, ..OrderContent::default() });
        OrderFacts { status, content, ..issued() }
    };
    let amend = |cost| Plan::Amend { order_id: "55".to_owned(), cost };
    let open = with(OrderStatus::Pending);
    for trigger in TRIGGERS {
        let s = situation(trigger, Some(&open));
        assert_eq!(plan(&s), amend(Cost::Free), "{trigger:?}");
        assert_eq!(plan(&Situation { adds_names: true, ..s }), amend(Cost::MayCharge), "{trigger:?}");
        assert_eq!(foresee(&s, now()), (now(), amend(Cost::Free)));
    }
    let order = with(OrderStatus::Canceled);
    let refused = |changed, requested, amended| {
        let refused = Refused { changed, amended };
        plan(&Situation { requested, refused, ..situation(Trigger::FirstIssue, Some(&order)) })
    };
    for (changed, requested, amended) in
        [(true, false, false), (false, true, false), (true, false, true), (true, true, true)]
    {
        assert_eq!(refused(changed, requested, amended), amend(Cost::Paid), "it may be bought by that");
    }
    let waits = refused(false, false, false);
    assert!(
        matches!(&waits, Plan::ActionRequired { why, then: Some((Operation::Amend, Cost::Paid)) } if why.contains("amended once")),
        "{waits:?}"
    );
    assert!(told(refused(false, false, true)).contains("55 was declined or refused; to enroll anew"));
    let s = Situation { product_changed: true, ..situation(Trigger::FirstIssue, Some(&order)) };
    assert!(
        told(plan(&Situation { refused: Refused { changed: true, amended: false }, ..s })).contains("to enroll anew")
    );
    assert_eq!(plan(&Situation { requested: true, ..s }), Plan::Order, "an amendment would keep the profile");
    assert_eq!(refused(false, true, true), Plan::Order, "what was amended in vain is asked for anew by a token");
}

proptest! {
    #[test]
    fn money_is_spent_only_where_the_table_says(
        status in prop::sample::select(vec![OrderStatus::Pending, OrderStatus::Active, OrderStatus::Expired, OrderStatus::Revoked, OrderStatus::Canceled, OrderStatus::Unknown]),
        trigger in prop::sample::select(TRIGGERS.to_vec()),
        auto_renew in prop::sample::select(vec![AutoRenewal::Off, AutoRenewal::Scheduled, AutoRenewal::Started]),
        flags: [bool; 12], days_left in -400..400_i32,
    ) {
        let [amendable, changed, amended, pending, stays, renewed_unseen, adds_names, product_changed, requested, renewal, replacement, orders_anew] = flags;
        let content = Box::new(OrderContent { renewed_unseen, amendable, ..OrderContent::default() });
        let valid_till = Some(date(2026, 5, 31) + jiff::Span::new().days(days_left));
        let order = OrderFacts { status, pending, auto_renew, content, valid_till, ..issued() };
        let s = Situation {
            requested, adds_names, product_changed, orders_anew, forbidden: Forbidden { renewal, replacement },
            renewal_stays: stays.then_some("refused"), refused: Refused { changed, amended },
            ..situation(trigger, Some(&order))
        };
        let ended = status == OrderStatus::Expired || (status == OrderStatus::Active && days_left <= 0);
        let running = status == OrderStatus::Active && !ended && !pending;
        match plan(&s) {
            Plan::Order => {
                prop_assert!(auto_renew == AutoRenewal::Off, "SCM buys as well");
                let refused = matches!(status, OrderStatus::Revoked | OrderStatus::Canceled);
                let forbidden = orders_anew && if trigger == Trigger::Expiring { renewal } else { replacement };
                let changed = product_changed && matches!(trigger, Trigger::Expiring | Trigger::Requested);
                prop_assert!(requested || ended || (running && (forbidden || changed)));
                prop_assert!(requested || !renewed_unseen || trigger != Trigger::Expiring, "bought already");
                prop_assert!(refused || ended || running);
                prop_assert!(!amendable || status != OrderStatus::Canceled || amended || product_changed, "it could be amended");
            }
            Plan::Amend { cost, .. } => {
                prop_assert!(amendable);
                match status {
                    OrderStatus::Pending => prop_assert_eq!(cost, if adds_names { Cost::MayCharge } else { Cost::Free }),
                    _ => prop_assert!(status == OrderStatus::Canceled && cost == Cost::Paid && (changed || requested) && !product_changed),
                }
            }
            Plan::Renew { .. } => {
                prop_assert!(running && trigger == Trigger::Expiring && auto_renew == AutoRenewal::Off && !renewed_unseen);
                prop_assert!(!product_changed && !renewal);
            }
            Plan::Reissue { cost, .. } => {
                prop_assert!(running && trigger != Trigger::Expiring && !replacement);
                prop_assert_eq!(cost, if adds_names { Cost::MayCharge } else { Cost::Free });
            }
            Plan::WaitUntil { at, .. } => prop_assert!(at > s.now && !ended),
            Plan::ActionRequired { then, .. } => prop_assert!(then.is_some()),
            Plan::StopAutoRenewal { .. } => prop_assert!(auto_renew == AutoRenewal::Scheduled && !stays),
            Plan::Adopt { .. } => prop_assert!(false, "SCM tells no successor"),
            Plan::Collect => prop_assert!(false, "nothing is issued by hand"),
        }
    }
}

//! What the two controllers do with a budget.

use super::*;
use crate::{
    api::{
        conditions::{self, HINDERED, ISSUING, READY, reason},
        issuance::{Operation, State},
        issuer::Policy,
    },
    lifecycle::{
        Step,
        certificate::{self, IssuerView, KeyView},
        invariants,
        issuance::{self, Effect},
        present,
        record::{self, Change},
        testing::*,
    },
};

const DAY: i64 = 86_400;

/// One a day, and what is reserved.
fn limited(reservations: Vec<Reservation>) -> IssuerView {
    let max_paid = Some(MaxPaid { count: 1, per: Duration::from_secs(86_400).into() });
    let rules = vec![PolicyRule { name: "all".to_owned(), max_paid, ..PolicyRule::default() }];
    let mut view = issuer_view();
    if let IssuerView::Ready { spec, reservations: held, .. } = &mut view {
        spec.policy = Some(Policy { rules, ..Policy::default() });
        *held = reservations;
    }
    view
}

fn reservation(key: char, n: i32, seconds: i64) -> Reservation {
    Reservation {
        issuance: "web/shop-1".to_owned(),
        n,
        rule: "all".to_owned(),
        at: time(seconds),
        certificate_uid: "uid".to_owned(),
        public_key_sha256: key_hash(key),
    }
}

fn first(reservations: Vec<Reservation>, key: KeyView) -> CertificateCase {
    CertificateCase { issuer: limited(reservations), key, ..CertificateCase::new() }
}

fn stored() -> KeyView {
    KeyView::Stored(stored_key('a', &[NAME]))
}

/// An order that is under way, after this outcome of its first submission.
fn ordering(reservations: Vec<Reservation>, class: OutcomeClass) -> IssuanceCase {
    let mut case = IssuanceCase { issuer: limited(reservations), now: at(100), ..IssuanceCase::new(Operation::Order) };
    case.status.state = Some(State::Submitting);
    case.status.outcomes = vec![outcome(1, class, 1)];
    case
}

#[test]
fn an_intent_is_recorded_only_for_what_is_reserved() {
    let free = first(Vec::new(), stored()).decide();
    let Ok(Step::Do(certificate::Effect::Reserve { rule, claim, .. })) = free else { panic!("{free:?}") };
    assert_eq!((rule.as_str(), claim.issuance.as_str(), claim.n), ("all", "web/shop-1", 1));
    let held = first(vec![reservation('a', 1, 0)], stored()).decide();
    assert!(matches!(held, Ok(Step::Do(certificate::Effect::RecordIntent(..)))), "{held:?}");
    let unlimited = CertificateCase { key: stored(), ..CertificateCase::new() }.decide();
    assert!(matches!(unlimited, Ok(Step::Do(certificate::Effect::RecordIntent(..)))), "{unlimited:?}");
}

#[test]
fn what_is_free_needs_no_budget() {
    let lost = CertificateCase {
        secret: certificate::SecretView::Absent,
        order: certificate::OrderView::Read(order()),
        key: KeyView::Stored(stored_key('b', &[NAME])),
        issuer: limited(vec![reservation('x', 1, 0)]),
        ..CertificateCase::served()
    };
    assert!(matches!(lost.decide(), Ok(Step::Do(certificate::Effect::RecordIntent(..)))), "{:?}", lost.decide());
}

#[test]
fn an_exhausted_budget_is_one_condition_and_a_time() {
    for key in [KeyView::Absent, stored()] {
        let case = first(vec![reservation('x', 1, 0)], key);
        let decided = case.decide();
        let hindrance = decided.clone().expect_err("hindered");
        assert_eq!((hindrance.reason, hindrance.person), (reason::BUDGET_EXHAUSTED, false));
        assert!(hindrance.message.contains("rule all of the issuer allows 1 "), "{}", hindrance.message);
        assert!(hindrance.message.contains("the next is free at 2026-06-02T00:00:00Z"), "{}", hindrance.message);
        let status = present::status(&case.observed(), &decided);
        let ready = conditions::condition(&status.conditions, READY).expect("Ready");
        assert_eq!(ready.reason, reason::BUDGET_EXHAUSTED);
        assert!(conditions::condition(&status.conditions, conditions::ACTION_REQUIRED).is_none());
        let soon = CertificateCase { now: at(DAY - 60), ..case.clone() };
        assert_eq!(soon.decide().expect_err("hindered").again, Some(Duration::from_secs(60)), "it wakes at that time");
        let then = CertificateCase { now: at(DAY), ..case };
        assert!(then.decide().is_ok());
    }
}

#[test]
fn a_further_submission_is_reserved_too_and_takes_over_what_was_not_executed() {
    let unspent = ordering(vec![reservation('a', 1, 0)], OutcomeClass::NotSent);
    let Step::Do(Effect::Reserve { claim, .. }) = unspent.decide() else { panic!("{:?}", unspent.decide()) };
    assert_eq!((claim.n, claim.unspent.as_slice()), (2, &[1][..]));
    let held = ordering(vec![reservation('a', 2, 90)], OutcomeClass::NotSent);
    assert_eq!(held.decide(), Step::Do(Effect::Append));

    // A person says that nothing was placed: that is no proof for a budget.
    let mut asked = ordering(vec![reservation('a', 1, 0)], OutcomeClass::Ambiguous);
    asked.status.state = Some(State::NeedsAttention);
    asked.status.conditions.push(resolved(reason::NOT_PLACED, ""));
    let Step::Do(Effect::Hinder { reason: why, .. }) = asked.decide() else { panic!("{:?}", asked.decide()) };
    assert_eq!(why, reason::BUDGET_EXHAUSTED);
}

#[test]
fn what_is_in_the_way_is_written_once_and_taken_back() {
    let mut case = ordering(vec![reservation('x', 1, 0)], OutcomeClass::NotSent);
    let Step::Do(Effect::Hinder { reason: why, message }) = case.decide() else { panic!("{:?}", case.decide()) };
    record::apply(&case.spec, &mut case.status, &Change::Hindered(Some((why, message.clone()))), case.now);
    assert_eq!(case.decide(), Step::Wait(Duration::from_secs(3600)));

    let mut under_way = issued(1, State::Submitting, 'a');
    under_way.status = Some(case.status.clone());
    let shown = CertificateCase::new().with(under_way);
    let status = present::status(&shown.observed(), &shown.decide());
    for type_ in [READY, ISSUING] {
        let told = conditions::condition(&status.conditions, type_).expect("a condition");
        assert!(told.reason == reason::BUDGET_EXHAUSTED && told.message.contains(&message), "{told:?}");
    }

    case.now = at(DAY);
    assert_eq!(case.decide(), Step::Do(Effect::Unhinder));
    record::apply(&case.spec, &mut case.status, &Change::Hindered(None), case.now);
    assert!(conditions::condition(&case.status.conditions, HINDERED).is_none());
    assert!(matches!(case.decide(), Step::Do(Effect::Reserve { .. })));
}

#[test]
fn an_issuer_that_is_gone_or_points_elsewhere_is_in_the_way_and_a_persons_to_mend() {
    let mut elsewhere = issuer_view();
    if let IssuerView::Ready { account, .. } = &mut elsewhere {
        account.id = "8".to_owned();
    }
    let table = [(IssuerView::Missing, reason::ISSUER_NOT_FOUND), (elsewhere, reason::ISSUER_CHANGED)];
    for (issuer, expected) in table {
        for state in [State::Submitting, State::Validating, State::NeedsAttention] {
            let mut case = IssuanceCase { issuer: issuer.clone(), ..IssuanceCase::new(Operation::Order) };
            case.status.state = Some(state);
            let Step::Do(Effect::Hinder { reason: why, message }) = case.decide() else {
                panic!("{:?}", case.decide())
            };
            assert_eq!(why, expected);
            record::apply(&case.spec, &mut case.status, &Change::Hindered(Some((why, message.clone()))), case.now);
            assert!(matches!(case.decide(), Step::Wait(_)), "nothing is called");

            let mut under_way = issued(1, state, 'a');
            under_way.status = Some(case.status.clone());
            let shown = CertificateCase::new().with(under_way);
            let status = present::status(&shown.observed(), &shown.decide());
            let asked = conditions::condition(&status.conditions, conditions::ACTION_REQUIRED).expect("a person");
            assert_eq!((asked.reason.as_str(), asked.message.as_str()), (expected, message.as_str()));

            case.issuer = issuer_view();
            assert_eq!(case.decide(), Step::Do(Effect::Unhinder));
        }
    }
}

#[test]
fn who_is_not_served_any_more_submits_nothing_more() {
    let mut case = ordering(Vec::new(), OutcomeClass::NotSent);
    if let IssuerView::Ready { kind, spec, .. } = &mut case.issuer {
        *kind = crate::api::issuer::IssuerKind::ClusterIssuer;
        spec.policy = None;
    }
    let Step::Do(Effect::Hinder { reason: why, .. }) = case.decide() else { panic!("{:?}", case.decide()) };
    assert_eq!(why, reason::POLICY_REFUSED);
    let going = IssuanceCase { namespace_labels: None, ..ordering(Vec::new(), OutcomeClass::NotSent) };
    assert!(matches!(going.decide(), Step::Wait(_)));
    let away = IssuanceCase { issuer: IssuerView::NotReady("why".to_owned()), ..going };
    assert!(matches!(
        IssuanceCase { namespace_labels: Some(Default::default()), ..away }.decide(),
        Step::Do(issuance::Effect::Hinder { reason: reason::ISSUER_NOT_READY, .. })
    ));
}

#[test]
fn the_fence_lets_nothing_through_that_is_not_reserved_now() {
    let spec = issuance_spec(Operation::Order);
    let labels = std::collections::BTreeMap::new();
    let judge = |issuer: &IssuerView, now| invariants::reserved(&spec, "web", Some(&labels), issuer, at(now)).is_ok();
    assert!(judge(&issuer_view(), 1), "no limit");
    assert!(judge(&limited(vec![reservation('a', 1, 0)]), 1));
    assert!(!judge(&limited(vec![reservation('a', 1, 0)]), 600), "long ago");
    assert!(!judge(&limited(vec![reservation('a', 2, 0)]), 1), "another submission's");
    assert!(!judge(&limited(Vec::new()), 1));
    assert!(!judge(&IssuerView::Missing, 1));
    assert!(invariants::reserved(&spec, "web", None, &issuer_view(), at(1)).is_err(), "a namespace that goes");
    let free = issuance_spec(Operation::Reissue);
    assert!(invariants::reserved(&free, "web", Some(&labels), &limited(Vec::new()), at(1)).is_ok());
}

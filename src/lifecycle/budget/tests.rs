use proptest::prelude::*;

use super::*;
use crate::lifecycle::testing::{at, issuance_spec, key_hash, outcome};

const HOUR: i64 = 3600;

fn rule(name: &str, count: u32, hours: u64) -> PolicyRule {
    let max_paid = MaxPaid { count, per: Duration::from_secs(hours * 3600).into() };
    PolicyRule { name: name.to_owned(), max_paid: Some(max_paid), ..PolicyRule::default() }
}

fn claim(key: char, n: i32) -> Claim {
    Claim {
        issuance: "web/shop-1".to_owned(),
        certificate_uid: "uid".to_owned(),
        public_key_sha256: key_hash(key),
        n,
        unspent: Vec::new(),
    }
}

fn reservation(key: char, n: i32, rule: &str, seconds: i64) -> Reservation {
    let Claim { issuance, certificate_uid, public_key_sha256, .. } = claim(key, n);
    Reservation { issuance, n, rule: rule.to_owned(), at: Time(at(seconds)), certificate_uid, public_key_sha256 }
}

fn standing(rules: &[PolicyRule], reservations: &[Reservation], claim: &Claim, now: i64) -> Standing {
    Budget::of(rules, "shop", reservations, at(now)).expect("a limit").standing(Some(claim))
}

#[test]
fn a_period_has_so_many_and_no_more() {
    let rules = [rule("shop", 2, 24), rule("blog", 1, 24)];
    let (a, b) = (reservation('a', 1, "shop", 0), reservation('b', 1, "shop", 2 * HOUR));
    let (day, me) = (24 * HOUR, claim('x', 1));
    let table = [
        (vec![], HOUR, Standing::Free),
        (vec![a.clone()], HOUR, Standing::Free),
        (vec![a.clone(), b.clone()], 3 * HOUR, Standing::Exhausted(at(day))),
        (vec![b.clone(), a.clone()], 3 * HOUR, Standing::Exhausted(at(day))),
        (vec![a.clone(), b.clone()], day - 1, Standing::Exhausted(at(day))),
        (vec![a.clone(), b.clone()], day, Standing::Free),
        (vec![a.clone(), reservation('b', 1, "blog", HOUR)], 2 * HOUR, Standing::Free),
        // The limit was lowered: all that is over it has to leave first.
        (vec![a.clone(), b.clone(), reservation('c', 1, "shop", HOUR)], 3 * HOUR, Standing::Exhausted(at(day + HOUR))),
        // The clock was set back: what lies ahead counts all the same.
        (vec![a, b], -HOUR, Standing::Exhausted(at(day))),
    ];
    for (n, (reservations, now, expected)) in table.into_iter().enumerate() {
        assert_eq!(standing(&rules, &reservations, &me, now), expected, "row {n}");
    }
}

#[test]
fn a_reservation_is_its_submissions_alone() {
    let rules = [rule("shop", 1, 24)];
    let held = [reservation('a', 1, "shop", 0)];
    let full = Standing::Exhausted(at(24 * HOUR));
    assert_eq!(standing(&rules, &held, &claim('a', 1), 60), Standing::Held);
    assert_eq!(standing(&rules, &held, &claim('a', 2), 60), full, "the first may have been executed");
    let renamed = |change: fn(&mut Claim)| {
        let mut other = claim('a', 1);
        change(&mut other);
        standing(&rules, &held, &other, 60)
    };
    assert_eq!(renamed(|other| other.public_key_sha256 = key_hash('b')), full, "made anew under the same name");
    assert_eq!(renamed(|other| other.certificate_uid = "other".to_owned()), full, "in a namespace made anew");
    assert_eq!(renamed(|other| other.issuance = "blog/shop-1".to_owned()), full, "in another namespace");
    assert_eq!(renamed(|other| other.issuance = "web/shop-2".to_owned()), full, "a key that stays");
    let after_refusal = Claim { unspent: vec![1], ..claim('a', 2) };
    assert_eq!(standing(&rules, &held, &after_refusal, 60), Standing::Free);

    // Handed on, it is not there a second time.
    let budget = Budget::of(&rules, "shop", &held, at(60)).expect("a limit");
    let passed_on = reserve(&budget, &after_refusal).expect("room");
    assert_eq!(passed_on, [reservation('a', 2, "shop", 60)]);
    let again = Claim { unspent: vec![1], ..claim('a', 3) };
    assert_eq!(standing(&rules, &passed_on, &again, 120), Standing::Exhausted(at(24 * HOUR + 60)));
}

#[test]
fn what_was_reserved_long_ago_is_reserved_anew_before_its_call() {
    let rules = [rule("shop", 1, 24)];
    let held = [reservation('a', 1, "shop", 0)];
    assert_eq!(standing(&rules, &held, &claim('a', 1), 599), Standing::Held);
    assert_eq!(standing(&rules, &held, &claim('a', 1), 600), Standing::Free);
    let budget = Budget::of(&rules, "shop", &held, at(600)).expect("a limit");
    assert_eq!(reserve(&budget, &claim('a', 1)), Some(vec![reservation('a', 1, "shop", 600)]));
}

#[test]
fn who_has_a_reservation_writes_nothing_and_who_gets_none_changes_nothing() {
    let rules = [rule("shop", 1, 24)];
    let held = [reservation('a', 1, "shop", 0)];
    let budget = Budget::of(&rules, "shop", &held, at(60)).expect("a limit");
    assert_eq!(reserve(&budget, &claim('a', 1)), Some(held.to_vec()));
    assert_eq!(reserve(&budget, &claim('b', 1)), None);
    assert_eq!((budget.left(), Budget { now: at(24 * HOUR), ..budget }.left()), (0, 1));
}

#[test]
fn what_counts_no_more_is_forgotten_and_a_renamed_rule_forgets_nothing_too_early() {
    let rules = [rule("shop", 3, 24), rule("blog", 3, 48)];
    let at_first = reservation('a', 1, "shop", 0);
    let renamed = reservation('b', 1, "former", 0);
    let reservations = [at_first.clone(), renamed.clone()];
    let kept = |now| {
        let budget = Budget::of(&rules, "shop", &reservations, at(now)).expect("a limit");
        reserve(&budget, &claim('x', 1)).map(|kept| kept.len())
    };
    assert_eq!(kept(23 * HOUR), Some(3));
    assert_eq!(kept(24 * HOUR), Some(2), "the rule it was made under has gone, the longest counts");
    assert_eq!(kept(48 * HOUR), Some(1));
    assert!(Budget::of(&[PolicyRule { max_paid: None, ..rule("shop", 1, 1) }], "shop", &[], at(0)).is_none());
}

#[test]
fn a_full_list_takes_no_more() {
    let rules = [rule("shop", 1000, 24)];
    let former: Vec<Reservation> = (0..2048).map(|n| reservation('a', n, "former", 0)).collect();
    assert!(matches!(standing(&rules, &former, &claim('x', 1), 60), Standing::Exhausted(_)));
    assert_eq!(standing(&rules, &former[1..], &claim('x', 1), 60), Standing::Free);
}

#[test]
fn the_next_submission_reuses_what_was_certainly_not_executed() {
    use OutcomeClass::{Accepted, Ambiguous, Blocked, NotSent, RateLimited, Rejected};
    let mut spec = issuance_spec(crate::api::issuance::Operation::Order);
    let outcomes = (1..).zip([Accepted, Ambiguous, Blocked, NotSent, RateLimited, Rejected]);
    let status = IssuanceStatus {
        outcomes: outcomes.map(|(n, class)| outcome(n, class, 1)).collect(),
        ..IssuanceStatus::default()
    };
    let next = Claim::next("web", &spec, &status);
    assert_eq!((next.issuance.as_str(), next.n, next.unspent.as_slice()), ("web/shop-1", 2, &[3, 4, 5, 6][..]));
    spec.submissions.clear();
    assert_eq!(Claim::next("web", &spec, &IssuanceStatus::default()).n, 1);
}

/// One step of a story: which Issuance, whether its submission is executed, and how much later.
type Step = (usize, bool, i64);

proptest! {
    /// Whoever asks when, dies between reservation and call, or is refused and asks again.
    #[test]
    fn never_more_are_executed_in_a_period_than_the_rule_allows(
        count in 1u32..4,
        steps in proptest::collection::vec((0usize..6, any::<bool>(), 0i64..12 * HOUR), 1..60),
    ) {
        let steps: Vec<Step> = steps;
        let rules = [rule("shop", count, 24)];
        let mut reservations: Vec<Reservation> = Vec::new();
        // The next submission of each, and which of them were not executed.
        let mut issuances: Vec<Claim> = ('a'..='f').map(|key| claim(key, 1)).collect();
        let (mut now, mut executed) = (0, Vec::new());
        for (who, executes, pause) in steps {
            now += pause;
            let budget = Budget::of(&rules, "shop", &reservations, at(now)).expect("a limit");
            let Some(after) = reserve(&budget, &issuances[who]) else { continue };
            let standing = Budget { reservations: &after, ..budget }.standing(Some(&issuances[who]));
            prop_assert_eq!(standing, Standing::Held);
            reservations = after;
            let n = issuances[who].n;
            if executes {
                executed.push(now);
                // A reservation stays for what was executed, whoever comes next.
                issuances[who].n += 1;
            } else if pause % 2 == 0 {
                // Certainly not executed; else it died before its call.
                issuances[who].unspent.push(n);
                issuances[who].n += 1;
            }
            let from = now - 24 * HOUR;
            let within = executed.iter().filter(|time| **time > from).count();
            prop_assert!(within <= count as usize, "{within} within a day");
        }
    }
}

//! What is decided while an account is left alone.

use crate::{
    api::{
        conditions::{self, CIRCUIT_OPEN, HINDERED, ISSUING, READY},
        issuance::{Operation, OutcomeClass, State, Trigger},
    },
    lifecycle::{
        Step, certificate,
        certificate::SecretView,
        issuance::{self, Wish},
        present, record,
        record::Change,
        testing::{CertificateCase, IssuanceCase, at, days, issued, outcome},
    },
};

const OPERATIONS: [Operation; 4] = [Operation::Order, Operation::Reissue, Operation::Renew, Operation::Duplicate];

fn away(case: IssuanceCase) -> IssuanceCase {
    IssuanceCase { outage: Some(at(0)), ..case }
}

fn placed(operation: Operation) -> IssuanceCase {
    let mut case = IssuanceCase::new(operation);
    case.status.order_id = Some("100".to_owned());
    case.status.state = Some(State::AwaitingProvider);
    case.status.outcomes = vec![outcome(1, OutcomeClass::Accepted, 0)];
    case
}

fn unclear(operation: Operation) -> IssuanceCase {
    let mut case = IssuanceCase::new(operation);
    case.status.outcomes = vec![outcome(1, OutcomeClass::Ambiguous, 0)];
    case
}

#[test]
fn whatever_would_ask_the_account_waits_and_says_so_once_until_it_serves_again() {
    for operation in OPERATIONS {
        let again = IssuanceCase { now: at(100_000), ..IssuanceCase::new(operation) };
        let mut not_sent = again.clone();
        not_sent.status.outcomes = vec![outcome(1, OutcomeClass::NotSent, 0)];
        let mut stopped = again.clone();
        stopped.status.state = Some(State::NeedsAttention);
        for case in [again, not_sent, stopped, placed(operation), unclear(operation)] {
            let goes_on = case.decide();
            let mut waits = away(case);
            let Step::Do(issuance::Effect::Hinder { reason, message }) = waits.decide() else {
                panic!("{operation:?}: {:?}", waits.decide());
            };
            assert_eq!(reason, CIRCUIT_OPEN);
            assert!(message.contains("answers with errors") && message.contains("by itself"), "{message}");
            record::apply(&waits.spec, &mut waits.status, &Change::Hindered(Some((reason, message))), waits.now);
            assert!(matches!(waits.decide(), Step::Wait(_)), "told once");

            let mut closed = IssuanceCase { outage: None, ..waits };
            assert_eq!(closed.decide(), Step::Do(issuance::Effect::Unhinder));
            record::apply(&closed.spec, &mut closed.status, &Change::Hindered(None), closed.now);
            assert!(conditions::condition(&closed.status.conditions, HINDERED).is_none());
            assert_eq!(closed.decide(), goes_on, "as if nothing had been");
        }
    }
}

#[test]
fn nothing_waits_between_intent_and_call() {
    for operation in OPERATIONS {
        for wish in [Wish::Same, Wish::Rest, Wish::Changed] {
            let fresh = away(IssuanceCase { fresh: true, wish, ..IssuanceCase::new(operation) });
            assert!(matches!(fresh.decide(), Step::Do(issuance::Effect::GiveBack { .. })), "{:?}", fresh.decide());
        }
    }
}

#[test]
fn what_was_never_sent_still_gives_way() {
    let mut case = away(IssuanceCase { wish: Wish::Gone, ..IssuanceCase::new(Operation::Order) });
    case.status.outcomes = vec![outcome(1, OutcomeClass::NotSent, 0)];
    assert_eq!(case.decide(), Step::Do(issuance::Effect::Supersede));
}

#[test]
fn what_has_ended_is_cleaned_up_and_not_hindered() {
    for state in [State::Issued, State::Installed, State::Failed, State::Denied, State::Superseded] {
        let mut case = placed(Operation::Order);
        case.status.state = Some(state);
        assert_eq!(away(case.clone()).decide(), case.decide(), "{state:?}");
    }
}

#[test]
fn what_would_begin_waits_and_what_is_served_is_not_touched() {
    let begins = [
        CertificateCase::new(),
        CertificateCase { secret: SecretView::Absent, ..CertificateCase::served() },
        CertificateCase { now: days(180), ..CertificateCase::served() },
        CertificateCase::served().asking("token", None),
    ];
    for case in begins {
        let case = CertificateCase { outage: Some(at(0)), ..case };
        let decided = case.decide();
        let hindrance = decided.clone().expect_err("it waits");
        assert_eq!((hindrance.reason, hindrance.person), (CIRCUIT_OPEN, false));
        let status = present::status(&case.observed(), &decided);
        let told = [READY, ISSUING].map(|type_| conditions::condition(&status.conditions, type_));
        assert!(told.iter().flatten().any(|told| told.reason == CIRCUIT_OPEN), "{:?}", status.conditions);
    }
    let rests = CertificateCase::served();
    let away = CertificateCase { outage: Some(at(0)), ..rests.clone() };
    assert_eq!(away.decide(), rests.decide());
    let shown = |case: &CertificateCase| present::status(&case.observed(), &case.decide());
    assert_eq!(shown(&away), shown(&rests), "nothing is written");
}

/// What has come already needs no account.
#[test]
fn what_is_issued_is_installed_meanwhile() {
    let mut issuance = issued(1, State::Issued, 'b');
    issuance.spec.reason = Trigger::FirstIssue;
    let case = CertificateCase { outage: Some(at(0)), ..CertificateCase::new() }.with(issuance);
    assert!(matches!(case.decide(), Ok(Step::Do(certificate::Effect::Install { .. }))), "{:?}", case.decide());
}

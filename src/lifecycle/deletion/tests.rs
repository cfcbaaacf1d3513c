use std::{sync::Arc, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::{
    api::{conditions, issuance::FailureClass},
    lifecycle::testing::{CertificateCase, INSTALLATION, THEM, at, days, failed, issued, leaf, order, ours as secret},
    provider::OrderFacts,
};

type Decided = Result<Step<certificate::Effect>, Hindrance>;

/// Deleted ten seconds ago, under Revoke.
fn deleted(case: CertificateCase) -> CertificateCase {
    let mut case = case;
    case.certificate.spec.deletion_policy = Some(DeletionPolicy::Revoke);
    case.certificate.metadata.finalizers = Some(vec![REVOKE_FINALIZER.to_owned()]);
    case.certificate.metadata.deletion_timestamp = Some(Time(at(0)));
    case
}

fn doing(effect: Effect) -> Decided {
    act(effect)
}

fn revoking(issuance: &str, serial: &str) -> Decided {
    doing(Effect::Revoke { issuance: issuance.to_owned(), serial: serial.to_owned() })
}

fn gives_up(decided: &Decided, what: &str) -> bool {
    matches!(decided, Ok(Step::Do(certificate::Effect::Deletion(Effect::GiveUp { message }))) if message.contains(what))
}

/// Order 100 was read, with so many certificates on it.
fn reading(mut case: CertificateCase, certificates: Option<u64>) -> CertificateCase {
    case.order = OrderView::Read(OrderFacts { certificates, ..order() });
    case
}

#[test]
fn the_finalizer_follows_the_policy() {
    let case = |policy, kept: bool| {
        let mut case = CertificateCase::served();
        case.certificate.spec.deletion_policy = policy;
        case.certificate.metadata.finalizers = kept.then(|| vec![REVOKE_FINALIZER.to_owned()]);
        case
    };
    let revoke = Some(DeletionPolicy::Revoke);
    assert_eq!(case(revoke, false).decide(), doing(Effect::AddFinalizer));
    assert_eq!(guard(&case(revoke, true).certificate), None);
    for policy in [None, Some(DeletionPolicy::Retain), Some(DeletionPolicy::Delete)] {
        assert_eq!(guard(&case(policy, false).certificate), None);
        assert_eq!(case(policy, true).decide(), doing(Effect::RemoveFinalizer));
    }
}

#[test]
fn retain_and_delete_call_nobody() {
    for policy in [None, Some(DeletionPolicy::Retain), Some(DeletionPolicy::Delete)] {
        let mut case = deleted(CertificateCase::served().with(issued(2, State::Validating, 'b')));
        case.certificate.spec.deletion_policy = policy;
        assert_eq!(case.decide(), doing(Effect::RemoveFinalizer), "edited after the deletion");
        case.certificate.metadata.finalizers = None;
        assert_eq!(case.decide(), Ok(Step::Done));
    }
}

#[test]
fn an_order_of_ours_alone_is_revoked_whole_then_the_secret_goes_then_the_object() {
    let case = deleted(CertificateCase::served());
    let read = certificate::Effect::ReadOrder { order_id: "100".to_owned() };
    assert_eq!(case.decide(), Ok(Step::Do(read)));
    let whole =
        Effect::RevokeOrder { order_id: "100".to_owned(), issuances: vec![("shop-1".to_owned(), "a".to_owned())] };
    assert_eq!(reading(case.clone(), Some(1)).decide(), doing(whole));
    let done = case.edit_last(|issuance| {
        issuance.status.as_mut().expect("a status").revoked_serials.push("a".to_owned());
    });
    assert_eq!(done.decide(), doing(Effect::RemoveSecret));
    for view in [SecretView::Absent, SecretView::OwnedBy("other".to_owned())] {
        assert_eq!(CertificateCase { secret: view, ..done.clone() }.decide(), doing(Effect::RemoveFinalizer));
    }
    let unread = CertificateCase { secret: SecretView::Unread, ..done };
    assert_eq!(unread.decide(), Ok(Step::Do(certificate::Effect::ReadSecret)));
}

#[test]
fn on_an_order_of_others_only_ours_is_revoked() {
    let case = deleted(CertificateCase::served());
    assert_eq!(reading(case.clone(), Some(2)).decide(), revoking("shop-1", "a"), "somebody's duplicate");
    assert_eq!(reading(case.clone(), None).decide(), revoking("shop-1", "a"), "nobody says");
    let mut shared = case.clone();
    shared.shared_orders = ["100".to_owned()].into();
    assert_eq!(shared.decide(), revoking("shop-1", "a"), "another Certificate's too");
    let reissued = case.edit_last(|issuance| issuance.spec.operation = Operation::Reissue);
    assert_eq!(reissued.decide(), revoking("shop-1", "a"), "bought by somebody else");
}

#[test]
fn what_has_expired_is_revoked_already_or_is_anothers_is_left_alone() {
    let secretless = |case: CertificateCase| CertificateCase { secret: SecretView::Absent, ..case };
    let gone = doing(Effect::RemoveFinalizer);
    let mut case = secretless(deleted(CertificateCase::served()));
    case.now = days(199);
    case.certificate.metadata.deletion_timestamp = Some(Time(days(199)));
    assert_eq!(case.decide(), gone, "expired");
    let mut compromised = issued(2, State::Installed, 'b');
    compromised.status.as_mut().expect("a status").revoked_serials = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(secretless(deleted(CertificateCase::served().with(compromised))).decide(), gone, "revoked for its key");
    let theirs = CertificateCase::served()
        .edit_last(|issuance| issuance.spec.submissions[0].installation = format!("not {INSTALLATION}"));
    assert_eq!(secretless(deleted(theirs)).decide(), gone, "another installation's");
    let restored = CertificateCase { secret: secret(leaf()), ..CertificateCase::new() };
    assert_eq!(deleted(restored).decide(), doing(Effect::RemoveSecret), "known from a Secret alone");
    assert_eq!(secretless(deleted(CertificateCase::new().with(failed(1, FailureClass::Rejected, 1)))).decide(), gone);
}

#[test]
fn what_is_pending_is_withdrawn_and_waited_for() {
    for state in [State::Submitting, State::Validating, State::NeedsAttention, State::AwaitingProvider] {
        let case = deleted(CertificateCase::served().with(issued(2, state, 'b')));
        assert_eq!(case.decide(), doing(Effect::Withdraw { issuance: "shop-2".to_owned() }), "{state:?}");
        let withdrawn = case.edit_last(|issuance| {
            let status = issuance.status.as_mut().expect("a status");
            let now = &Time(at(1));
            let (conditions, reason) = (&mut status.conditions, reason::REVOKING);
            conditions::set_condition(conditions, conditions::WITHDRAWN, true, reason, "", None, now);
        });
        let waits = withdrawn.decide();
        assert!(matches!(&waits, Err(Hindrance { reason: reason::REVOKING, .. })), "{waits:?}");
        let gone = withdrawn.edit_last(|issuance| issuance.metadata.deletion_timestamp = Some(Time(at(1))));
        assert_ne!(gone.decide(), waits, "what goes by itself is not waited for");
    }
    let issued_meanwhile = deleted(CertificateCase::new().with(issued(1, State::Issued, 'a')));
    assert_eq!(reading(issued_meanwhile, Some(9)).decide(), revoking("shop-1", "a"), "never installed");
}

#[test]
fn after_an_hour_it_is_given_up_and_said() {
    let mut case = deleted(CertificateCase::served().with(issued(2, State::NeedsAttention, 'b')));
    case.now = at(3599);
    assert!(matches!(case.decide(), Ok(Step::Do(certificate::Effect::Deletion(Effect::Withdraw { .. })))));
    case.now = at(3600);
    assert!(gives_up(&case.decide(), "not revoked: a, b; still under way: shop-2"), "{:?}", case.decide());
}

#[test]
fn without_its_issuer_it_waits_and_in_a_namespace_that_goes_it_does_not() {
    let mut case = deleted(CertificateCase::served());
    case.issuer = IssuerView::Missing;
    assert!(matches!(
        case.decide(),
        Err(Hindrance { reason: reason::REVOKING, again: Some(again), .. }) if again == Duration::from_secs(60)
    ));
    case.namespace_labels = None;
    assert!(gives_up(&case.decide(), "not revoked: a"), "{:?}", case.decide());

    let mut moved = deleted(CertificateCase::served());
    Arc::make_mut(&mut moved.issuances[0]).spec.account.id = THEM.to_owned();
    assert!(gives_up(&moved.decide(), "no longer points to"), "{:?}", moved.decide());
}

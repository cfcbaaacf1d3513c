use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{
    api::{
        conditions::{READY, condition, is_true},
        issuance::{Operation, State},
    },
    lifecycle::{
        certificate::SecretView,
        present,
        testing::{CertificateCase, at, issued, key_hash, leaf, ours},
    },
    pki::Leaf,
};

/// What is answered to every question.
#[derive(Clone, Copy)]
enum Says {
    Yes,
    No,
    /// And will say so again.
    Never,
}

/// Served by order 100 at an issuer that records locations.
fn case() -> CertificateCase {
    switched(CertificateCase::served().at_sectigo(json!({})), Some(true))
}

fn switched(mut case: CertificateCase, on: Option<bool>) -> CertificateCase {
    if let IssuerView::Ready { spec, .. } = &mut case.issuer
        && let Some(account) = &mut spec.sectigo
    {
        account.record_locations = on;
    }
    case
}

/// Revision 2 took the place of revision 1, on this order.
fn replaced(case: CertificateCase, operation: Operation, order: &str) -> CertificateCase {
    let mut second = issued(2, State::Installed, 'b');
    second.spec.account.clone_from(&case.issuances[0].spec.account);
    second.spec.operation = operation;
    second.status.as_mut().expect("a status").order_id = Some(order.to_owned());
    let secret = ours(Leaf { public_key_sha256: key_hash('b'), ..leaf() });
    CertificateCase { secret, ..case.with(second) }
}

/// Reconciles once: what was done, in words, and the Certificate afterwards.
fn reconcile(mut case: CertificateCase, says: Says) -> (Vec<String>, CertificateCase) {
    let mut done = Vec::new();
    case.told.clear();
    loop {
        let decided = case.decide();
        let Ok(Step::Do(certificate::Effect::Location(effect))) = &decided else {
            case.certificate.status = Some(present::status(&case.observed(), &decided));
            return (done, case);
        };
        let told = |case: &mut CertificateCase, entry: &CertificateLocation, good: Outcome| {
            let refused = |certain| Outcome::Refused { message: "no".to_owned(), certain };
            let outcome = match says {
                Says::Yes => good,
                Says::No => refused(false),
                Says::Never => refused(true),
            };
            case.told.push(Told { entry: entry.clone(), outcome });
        };
        let word = |what: &str, entry: &CertificateLocation| format!("{what} {} {}", entry.order_id, entry.secret_name);
        let finalizers = &mut case.certificate.metadata.finalizers;
        done.push(match effect {
            Effect::AddFinalizer => {
                finalizers.get_or_insert_default().push(LOCATION_FINALIZER.to_owned());
                "hold".to_owned()
            }
            Effect::RemoveFinalizer => {
                *finalizers = None;
                "let go".to_owned()
            }
            Effect::Record(entry) => {
                case.certificate.status = Some(present::status(&case.observed(), &decided));
                let listed = case.certificate.status.iter().flat_map(|status| &status.locations);
                assert!(listed.into_iter().any(|known| known == entry), "told before it is known");
                told(&mut case, entry, Outcome::Recorded);
                word("record", entry)
            }
            Effect::StrikeOut(entry) => {
                told(&mut case, entry, Outcome::Gone);
                word("strike out", entry)
            }
            Effect::Leave { entry, .. } => {
                case.told.push(Told { entry: entry.clone(), outcome: Outcome::Gone });
                word("leave", entry)
            }
        });
        assert!(done.len() < 10, "{done:?}");
    }
}

fn does(case: CertificateCase, says: Says) -> Vec<String> {
    reconcile(case, says).0
}

/// With order 100 in Secret shop-tls written down.
fn recorded() -> CertificateCase {
    let (done, case) = reconcile(case(), Says::Yes);
    assert_eq!(done, ["hold", "record 100 shop-tls"]);
    case
}

fn deleted(mut case: CertificateCase) -> CertificateCase {
    case.certificate.metadata.deletion_timestamp = Some(Time(at(0)));
    case
}

fn shown(case: &CertificateCase) -> (String, String) {
    let conditions = &case.certificate.status.as_ref().expect("a status").conditions;
    let told = condition(conditions, LOCATION_RECORDED).expect("a condition");
    (told.status.clone(), told.message.clone())
}

#[test]
fn a_place_is_told_once_and_only_where_it_is_asked_for() {
    let mut case = recorded();
    assert_eq!(
        shown(&case),
        ("True".to_owned(), "the provider's inventory has 100 in Secret shop-tls of cluster here".to_owned())
    );
    case.now = at(1_000_000);
    assert!(does(case, Says::Yes).is_empty(), "at rest nobody is called");
    for off in [None, Some(false)] {
        assert!(does(switched(self::case(), off), Says::Yes).is_empty());
    }
    assert!(does(CertificateCase::served(), Says::Yes).is_empty(), "another provider's");
}

#[test]
fn it_follows_the_certificate() {
    let same_id = replaced(recorded(), Operation::Reissue, "100");
    assert!(does(same_id, Says::Yes).is_empty(), "a replacement keeps the id");
    let (done, renewed) = reconcile(replaced(recorded(), Operation::Renew, "101"), Says::Yes);
    assert_eq!(done, ["strike out 100 shop-tls", "record 101 shop-tls"]);
    assert!(does(renewed, Says::Yes).is_empty());
    let mut moved = recorded();
    moved.certificate.spec.secret_name = "other-tls".to_owned();
    assert_eq!(does(moved, Says::Yes), ["strike out 100 shop-tls", "record 100 other-tls"]);
    let (done, off) = reconcile(switched(recorded(), None), Says::Yes);
    assert_eq!(done, ["strike out 100 shop-tls", "let go"]);
    assert!(condition(&off.certificate.status.as_ref().expect("a status").conditions, LOCATION_RECORDED).is_none());
    assert!(does(off, Says::Yes).is_empty());
}

#[test]
fn while_nobody_can_tell_all_stays_as_it_is() {
    let lost = CertificateCase { secret: SecretView::Absent, ..recorded() };
    assert!(!matches!(lost.decide(), Ok(Step::Do(certificate::Effect::Location(_)))), "the key is lost");
    let busy = recorded().with(issued(2, State::Validating, 'b'));
    assert!(does(switched(busy, None), Says::Yes).is_empty(), "an operation is under way");
    let mut unready = recorded();
    unready.issuer = IssuerView::NotReady("why".to_owned());
    assert!(does(unready, Says::Yes).is_empty());
    let away = CertificateCase { outage: Some(at(0)), ..case() };
    assert!(does(away, Says::Yes).is_empty(), "its account is not called");
    let mut suspended = case();
    suspended.certificate.spec.suspend = Some(true);
    assert!(does(suspended, Says::Yes).is_empty());
}

#[test]
fn what_is_refused_is_said_and_tried_again_after_an_hour() {
    for says in [Says::No, Says::Never] {
        let (done, mut case) = reconcile(case(), says);
        assert_eq!(done, ["hold", "record 100 shop-tls"]);
        assert_eq!(shown(&case), ("False".to_owned(), "100 in Secret shop-tls: no".to_owned()));
        assert!(is_true(&case.certificate.status.as_ref().expect("a status").conditions, READY));
        let Ok(Step::Wait(pause)) = case.decide() else { panic!("{:?}", case.decide()) };
        assert!(pause > Duration::from_secs(3500), "{pause:?}");
        let (done, later) = reconcile(case.clone(), Says::Yes);
        assert!(done.is_empty(), "not at every look");
        assert_eq!(shown(&later).0, "False");
        case.now = at(3700);
        let (done, later) = reconcile(case, Says::Yes);
        assert_eq!((done, shown(&later).0), (vec!["record 100 shop-tls".to_owned()], "True".to_owned()));
    }
}

#[test]
fn an_old_place_that_cannot_be_struck_out_is_kept_in_mind_or_left() {
    let renewed = || replaced(recorded(), Operation::Renew, "101");
    let (_, mut case) = reconcile(renewed(), Says::No);
    case.now = at(7200);
    assert_eq!(does(case, Says::Yes), ["strike out 100 shop-tls", "record 101 shop-tls"]);
    let (done, case) = reconcile(renewed(), Says::Never);
    assert_eq!(done, ["strike out 100 shop-tls", "leave 100 shop-tls", "record 101 shop-tls"]);
    assert_eq!(case.certificate.status.expect("a status").locations.len(), 1);
    let mut elsewhere = renewed();
    if let IssuerView::Ready { account, .. } = &mut elsewhere.issuer {
        account.id = "another".to_owned();
        Arc::make_mut(elsewhere.issuances.last_mut().expect("an Issuance")).spec.account = account.clone();
    }
    assert_eq!(does(elsewhere, Says::Yes), ["leave 100 shop-tls", "record 101 shop-tls"]);
}

#[test]
fn what_may_have_been_told_before_a_crash_is_told_again_or_taken_back() {
    let mut crashed = recorded();
    crashed.certificate.status.as_mut().expect("a status").locations[0].recorded = false;
    assert_eq!(does(crashed.clone(), Says::Yes), ["record 100 shop-tls"]);
    crashed.certificate.spec.secret_name = "other-tls".to_owned();
    assert_eq!(does(crashed.clone(), Says::Yes), ["strike out 100 shop-tls", "record 100 other-tls"]);
    assert_eq!(does(deleted(crashed), Says::Yes), ["strike out 100 shop-tls", "let go"]);
    let mut restored = recorded();
    restored.certificate.status = None;
    restored.certificate.metadata.finalizers = None;
    assert_eq!(does(restored, Says::Yes), ["hold", "record 100 shop-tls"]);
}

#[test]
fn a_deletion_takes_it_along_and_does_not_wait_for_long() {
    assert_eq!(does(deleted(recorded()), Says::Yes), ["strike out 100 shop-tls", "let go"]);
    assert_eq!(
        does(deleted(recorded()), Says::Never),
        ["strike out 100 shop-tls", "leave 100 shop-tls", "let go"],
        "nobody waits for what will not be"
    );
    let (done, mut waiting) = reconcile(deleted(recorded()), Says::No);
    assert_eq!(done, ["strike out 100 shop-tls"]);
    let again = waiting.decide().map_err(|hindrance| hindrance.again);
    assert_eq!(again, Err(Some(RETRY_AT_THE_END)));
    waiting.now = at(120);
    assert_eq!(does(waiting.clone(), Says::Yes), ["strike out 100 shop-tls", "let go"]);
    waiting.now = at(600);
    assert_eq!(does(waiting.clone(), Says::Yes), ["leave 100 shop-tls", "let go"], "ten minutes");
    waiting.now = at(11);
    waiting.namespace_labels = None;
    assert_eq!(does(waiting, Says::Yes), ["leave 100 shop-tls", "let go"], "its namespace goes");
    let orphan = CertificateCase { issuer: IssuerView::Missing, ..deleted(recorded()) };
    assert_eq!(does(orphan, Says::Yes), ["leave 100 shop-tls", "let go"]);
    let outage = CertificateCase { outage: Some(at(0)), ..deleted(recorded()) };
    assert!(does(outage, Says::Yes).is_empty(), "waits");
}

#[test]
fn the_oldest_of_too_many_is_forgotten() {
    let mut case = recorded();
    let locations = &mut case.certificate.status.as_mut().expect("a status").locations;
    let old = |n: usize| CertificateLocation { order_id: n.to_string(), ..locations[0].clone() };
    *locations = (0..MOST).map(old).chain([locations[0].clone()]).collect();
    let kept = entries(&case.observed());
    assert_eq!((kept.len(), kept[0].order_id.as_str(), kept[MOST - 1].order_id.as_str()), (MOST, "1", "100"));
}

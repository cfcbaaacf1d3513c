use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::{
    api::{
        issuance::{FailureClass, Parent, Supersedes},
        meta,
    },
    lifecycle::{
        Step,
        certificate::{Effect, account},
        testing::{CertificateCase, days, failed, issued, key_hash},
    },
};

/// Order 100, reissued until revision `last`, each time for a new key; the last is served.
fn history(last: i64) -> CertificateCase {
    let mut case = CertificateCase::served();
    case.issuances.clear();
    for revision in 1..=last {
        let key = if revision == last { 'a' } else { char::from_digit(revision as u32, 36).unwrap_or('z') };
        let mut issuance = issued(revision, State::Installed, key);
        if revision > 1 {
            issuance.spec.operation = Operation::Reissue;
        }
        case = case.with(issuance);
    }
    case
}

fn goes(case: &CertificateCase) -> Option<String> {
    let observed = case.observed();
    let lineage = Lineage::of(&observed, account(&observed));
    dispensable(&observed, &lineage).and_then(|issuance| issuance.metadata.name.clone())
}

fn limited(mut case: CertificateCase, limit: i32) -> CertificateCase {
    case.certificate.spec.revision_history_limit = Some(limit);
    case
}

fn edited(mut case: CertificateCase, revision: usize, change: impl FnOnce(&mut Issuance)) -> CertificateCase {
    change(std::sync::Arc::make_mut(&mut case.issuances[revision - 1]));
    case
}

#[test]
fn what_is_beyond_the_limit_goes_oldest_first_but_never_what_proves_the_order() {
    assert_eq!(goes(&history(5)), None);
    assert_eq!(goes(&history(6)), None, "the first has placed the order");
    assert_eq!(goes(&history(7)).as_deref(), Some("shop-2"));
    assert_eq!(goes(&limited(history(3), 0)).as_deref(), Some("shop-2"));
    assert_eq!(goes(&limited(history(3), 100)), None);
    let rests = limited(history(3), 1).decide();
    assert_eq!(rests, Ok(Step::Do(Effect::Forget { issuance: "shop-2".to_owned() })));

    // Once another order took its place, what placed the first can go too.
    let renewed = edited(limited(history(4), 1), 4, |issuance| {
        issuance.spec.operation = Operation::Renew;
        issuance.status.get_or_insert_default().order_id = Some("101".to_owned());
    });
    assert_eq!(goes(&renewed).as_deref(), Some("shop-1"));
}

#[test]
fn nothing_goes_that_is_still_needed() {
    let base = || limited(history(3), 0);
    let second = |change: fn(&mut Issuance)| goes(&edited(base(), 2, change));
    assert_eq!(goes(&base()).as_deref(), Some("shop-2"));
    assert_eq!(second(|it| it.status.get_or_insert_default().state = Some(State::Issued)), None, "under way");
    assert_eq!(second(|it| it.metadata.finalizers = Some(vec!["evercert.dev/dcv-records".to_owned()])), None);
    assert_eq!(second(|it| it.spec.request.public_key_sha256 = key_hash('a')), None, "of the key in use");
    let asked = edited(base(), 2, |it| it.spec.request_token = Some("now".to_owned()));
    assert_eq!(goes(&asked.clone()).as_deref(), Some("shop-2"));
    assert_eq!(goes(&asked.asking("now", None)), None, "what was asked for is handled");

    // A compromise that is not revoked yet.
    let compromise = |revoked: &[&str]| {
        edited(base(), 2, |it| {
            it.spec.reason = Trigger::KeyCompromise;
            it.spec.supersedes =
                Some(Supersedes { public_key_sha256: key_hash('1'), serial_numbers: vec!["1".to_owned()] });
            let revoked = revoked.iter().map(|&serial| serial.to_owned()).collect();
            it.status.get_or_insert_default().revoked_serials = revoked;
        })
    };
    assert_eq!(goes(&compromise(&[])), None);
    assert_eq!(goes(&compromise(&["1"])).as_deref(), Some("shop-2"));

    // Revoked with the Certificate, while it is valid.
    let mut revoking = base();
    revoking.certificate.spec.deletion_policy = Some(DeletionPolicy::Revoke);
    assert_eq!(goes(&revoking), None);
    let expired = edited(revoking, 2, |it| it.status.get_or_insert_default().not_after = Some(Time(days(-1))));
    assert_eq!(goes(&expired).as_deref(), Some("shop-2"));
}

#[test]
fn failures_in_a_row_are_kept_as_long_as_the_next_waits_longer_for_them() {
    let mut case = limited(history(1), 0);
    for revision in 2..=14 {
        case = case.with(failed(revision, FailureClass::Rejected, 0));
    }
    assert_eq!(goes(&case).as_deref(), Some("shop-2"));
    case.issuances.drain(1..4);
    assert_eq!(case.issuances.len(), 11, "{}", meta::issuance_name("shop", 5));
    assert_eq!(goes(&case), None);
}

/// Made now, like its order, which lasts a year.
fn left(state: State, change: impl FnOnce(&mut Issuance)) -> Arc<Issuance> {
    let mut issuance = issued(1, state, 'a');
    issuance.metadata.creation_timestamp = Some(Time(days(0)));
    change(&mut issuance);
    Arc::new(issuance)
}

#[test]
fn what_a_certificate_left_behind_goes_long_after_its_last_order_has_ended() {
    let goes = |issuances: &[Arc<Issuance>], day| has_outlived(issuances, days(day));
    let ended = |state| left(state, |_| {});
    assert!(!goes(&[ended(State::Installed)], 365 + 90));
    for state in [State::Installed, State::Failed, State::Denied, State::Superseded] {
        assert!(goes(&[ended(state)], 365 + 91), "{state:?}");
    }
    let under_way = [State::Submitting, State::Validating, State::Issued, State::NeedsAttention];
    for state in under_way {
        assert!(!goes(&[ended(state)], 10_000), "{state:?}: it may have placed something");
    }
    let undecided = left(State::Failed, |it| it.status = None);
    assert!(!goes(&[undecided], 10_000), "as after a restore");
    let published = left(State::Installed, |it| it.metadata.finalizers = Some(vec!["evercert.dev/dcv".to_owned()]));
    assert!(!goes(&[published], 10_000));

    // All or nothing.
    let later = left(State::Installed, |it| it.status.get_or_insert_default().order_valid_till = Some(Time(days(900))));
    assert!(!goes(&[ended(State::Installed), later.clone()], 365 + 91));
    assert!(goes(&[ended(State::Installed), later], 900 + 91));
}

#[test]
fn an_order_that_does_not_tell_its_end_is_taken_for_the_longest() {
    let goes = |change: fn(&mut Issuance), day| has_outlived(&[left(State::Failed, change)], days(day));
    let six_years = 6 * 366 + 90;
    let untold: fn(&mut Issuance) = |it| it.status.get_or_insert_default().order_valid_till = None;
    assert!(!goes(untold, six_years) && goes(untold, six_years + 1));

    let followed: fn(&mut Issuance) = |it| {
        it.status.get_or_insert_default().order_id = None;
        let parent = Parent { order_id: "99".to_owned(), certificate_id: None, order_valid_till: Some(Time(days(20))) };
        it.spec.parent = Some(parent);
    };
    assert!(!goes(followed, 20 + 90) && goes(followed, 20 + 91), "it placed nothing, but stands for its parent");
    let alone: fn(&mut Issuance) = |it| {
        it.status.get_or_insert_default().order_id = None;
        it.spec.parent = None;
    };
    assert!(!goes(alone, 90) && goes(alone, 91), "it placed nothing");
    assert!(!goes(|it| it.metadata.creation_timestamp = None, 10_000), "nobody knows how old it is");
}

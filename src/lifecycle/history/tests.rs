use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::{
    api::{
        issuance::{FailureClass, Supersedes},
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

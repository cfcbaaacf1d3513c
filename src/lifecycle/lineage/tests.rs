use super::*;
use crate::{
    api::issuance::{Parent, Supersedes},
    lifecycle::{
        certificate::account,
        testing::{self, CertificateCase, issued, ours},
    },
};

fn revision(issuance: Option<&Issuance>) -> Option<i64> {
    issuance.map(|issuance| issuance.spec.revision)
}

fn lineage(case: &CertificateCase) -> Lineage<'_> {
    let observed = case.observed();
    Lineage::of(&observed, account(&observed))
}

fn at_order(mut issuance: Issuance, order_id: &str) -> Issuance {
    issuance.status.get_or_insert_default().order_id = Some(order_id.to_owned());
    issuance
}

fn elsewhere(mut issuance: Issuance) -> Issuance {
    issuance.spec.account.id = "8".to_owned();
    issuance
}

fn failed(revision: i64, class: FailureClass) -> Issuance {
    testing::failed(revision, class, 0)
}

fn order_id(case: &CertificateCase) -> Option<String> {
    lineage(case).order.map(|order| order.order_id)
}

fn held(case: &mut CertificateCase) -> &mut Held {
    match &mut case.secret {
        SecretView::Ours(held) => held,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_known_of_a_new_certificate() {
    let case = CertificateCase::new();
    let lineage = lineage(&case);
    assert!(!lineage.exists && lineage.revision == 0 && lineage.order.is_none() && lineage.unresolved.is_none());
}

#[test]
fn the_newest_installed_counts_and_at_most_one_is_under_way() {
    let case = CertificateCase::new().with(issued(1, State::Installed, 'a')).with(issued(2, State::Installed, 'b'));
    let known = lineage(&case);
    assert_eq!((revision(known.installed), revision(known.unresolved), known.revision), (Some(2), None, 2));
    let case = case.with(issued(3, State::Issued, 'c'));
    let known = lineage(&case);
    assert_eq!((revision(known.installed), revision(known.unresolved), known.revision), (Some(2), Some(3), 3));
    for state in [State::Pending, State::Submitting, State::Submitted, State::Validating, State::NeedsAttention] {
        assert_eq!(revision(lineage(&CertificateCase::new().with(issued(1, state, 'a'))).unresolved), Some(1));
    }
}

#[test]
fn an_issuance_without_a_status_is_under_way() {
    let case = CertificateCase::new().with(issued(1, State::Pending, 'a')).edit_last(|issuance| issuance.status = None);
    assert_eq!(revision(lineage(&case).unresolved), Some(1));
}

#[test]
fn an_order_is_known_whatever_became_of_its_issuance() {
    for state in
        [State::Submitted, State::Validating, State::NeedsAttention, State::Issued, State::Installed, State::Superseded]
    {
        assert_eq!(order_id(&CertificateCase::new().with(issued(1, state, 'a'))).as_deref(), Some("100"), "{state:?}");
    }
    for class in [FailureClass::KeyMissing, FailureClass::InvalidCertificate, FailureClass::Canceled] {
        let case = CertificateCase::new().with(at_order(failed(1, class), "100"));
        assert_eq!(order_id(&case).as_deref(), Some("100"), "the provider says whether it lives: {class:?}");
    }
    assert_eq!(order_id(&CertificateCase::new().with(failed(1, FailureClass::Rejected))), None);
}

#[test]
fn a_refused_renewal_leaves_the_order_it_was_to_follow() {
    let mut renewal = at_order(failed(2, FailureClass::Canceled), "101");
    renewal.spec.operation = Operation::Renew;
    renewal.spec.parent = Some(Parent { order_id: "100".to_owned(), ..Parent::default() });
    let case = CertificateCase::served().with(renewal);
    assert_eq!(order_id(&case).as_deref(), Some("100"));
    let renewed = case.edit_last(|issuance| issuance.status = at_order(issued(2, State::Installed, 'b'), "101").status);
    let order = lineage(&renewed).order;
    assert_eq!(
        order.as_ref().map(|order| (order.order_id.as_str(), order.previous.as_deref())),
        Some(("101", Some("100")))
    );
}

#[test]
fn what_placed_nothing_leaves_the_order_it_was_to_reissue_or_follow() {
    let parent = || Some(Parent { order_id: "100".to_owned(), ..Parent::default() });
    for operation in [Operation::Reissue, Operation::Renew] {
        let mut rejected = failed(1, FailureClass::Rejected);
        rejected.spec.operation = operation;
        rejected.spec.parent = parent();
        assert_eq!(order_id(&CertificateCase::new().with(rejected)).as_deref(), Some("100"), "{operation:?}");
    }
    // What is known of an order stays known when a later Issuance does not tell it again.
    let mut renewed = at_order(issued(2, State::Installed, 'b'), "101");
    renewed.spec.parent = parent();
    let mut reissue = issued(3, State::Pending, 'c');
    reissue.spec.operation = Operation::Reissue;
    reissue.spec.parent = Some(Parent { order_id: "101".to_owned(), ..Parent::default() });
    reissue.status = None;
    let order = lineage(&CertificateCase::served().with(renewed).with(reissue)).order;
    let expected = Order {
        order_id: "101".to_owned(),
        certificate_id: Some("9".to_owned()),
        valid_till: Some(testing::days(365)),
        previous: Some("100".to_owned()),
        hearsay: false,
    };
    assert_eq!(order, Some(expected));
}

#[test]
fn orders_belong_to_an_account() {
    let moved = CertificateCase::new().with(elsewhere(issued(1, State::Installed, 'a')));
    assert_eq!((order_id(&moved), lineage(&moved).other_account), (None, true));
    // Back again: the order here still runs.
    let back = CertificateCase::served().with(at_order(elsewhere(issued(2, State::Installed, 'b')), "200"));
    assert_eq!((order_id(&back).as_deref(), lineage(&back).other_account), (Some("100"), true));
    let here = back.with(at_order(issued(3, State::Installed, 'c'), "101"));
    assert_eq!((order_id(&here).as_deref(), lineage(&here).other_account), (Some("101"), false));
    // An issuer that is not ready says nothing about its account.
    let observed = moved.observed();
    assert!(!Lineage::of(&observed, None).other_account);
}

#[test]
fn the_secret_is_hearsay_and_only_when_the_ledger_says_nothing() {
    let mut restored = CertificateCase { issuances: Vec::new(), ..CertificateCase::served() };
    held(&mut restored).revision = Some(4);
    let known = lineage(&restored);
    assert!(known.exists && known.order.as_ref().is_some_and(|order| order.hearsay));
    assert_eq!((known.revision, order_id(&restored).as_deref()), (4, Some("100")));

    let mut case = CertificateCase::served();
    held(&mut case).order_id = Some("666".to_owned());
    assert_eq!(order_id(&case).as_deref(), Some("100"));
    let mut case =
        CertificateCase { secret: restored.secret, ..CertificateCase::new() }.with(failed(5, FailureClass::Rejected));
    assert_eq!(order_id(&case).as_deref(), Some("100"), "a failed try does not make it unknown");
    case.secret = ours(testing::leaf());
    assert_eq!(order_id(&case), None);
}

#[test]
fn the_status_keeps_the_order_when_ledger_and_secret_are_lost() {
    let mut case = CertificateCase::new();
    let order = crate::api::certificate::OrderStatus { order_id: "100".to_owned(), ..Default::default() };
    case.certificate.status = Some(CertificateStatus { revision: Some(3), order: Some(order), ..Default::default() });
    let known = lineage(&case);
    assert!(known.exists && known.order.as_ref().is_some_and(|order| !order.hearsay && order.order_id == "100"));
    assert_eq!(known.revision, 3);
    // The ledger knows of which account.
    let moved = case.clone().with(elsewhere(issued(1, State::Installed, 'a')));
    assert_eq!(order_id(&moved), None);
    // The Secret names another one: to be vouched for.
    case.secret = CertificateCase::served().secret;
    held(&mut case).order_id = Some("666".to_owned());
    assert!(lineage(&case).order.is_some_and(|order| order.hearsay && order.order_id == "666"));
}

#[test]
fn what_was_under_way_when_the_ledger_was_lost_is_begun_again_under_its_name() {
    let mut case = CertificateCase::new();
    let next = |case: &CertificateCase| lineage(case).revision + 1;
    let status = |revision, issuance: Option<&str>| {
        Some(CertificateStatus { revision, issuance: issuance.map(str::to_owned), ..Default::default() })
    };
    case.certificate.status = status(Some(3), Some("shop-5"));
    assert_eq!(next(&case), 5);
    case.certificate.status = status(Some(3), None);
    assert_eq!(next(&case), 4);
    case.certificate.status = status(None, Some("shop-1"));
    assert_eq!(next(&case), 1);
    assert_eq!(next(&case.with(failed(1, FailureClass::Rejected))), 2, "it is not lost");
}

#[test]
fn a_token_is_handled_once_its_certificate_was_served() {
    let asked = |state| {
        let mut issuance = issued(1, state, 'a');
        issuance.spec.request_token = Some("t".to_owned());
        CertificateCase::new().with(issuance)
    };
    for (state, handled) in [
        (State::Installed, true),
        (State::Denied, true),
        (State::Failed, false),
        (State::Superseded, false),
        (State::Submitting, false),
    ] {
        assert_eq!(lineage(&asked(state)).tokens.contains("t"), handled, "{state:?}");
    }
    let mut restored = CertificateCase { issuances: Vec::new(), ..CertificateCase::served() };
    held(&mut restored).handled_token = Some("t".to_owned());
    assert!(lineage(&restored).tokens.contains("t"), "from the Secret");
    let mut case = CertificateCase::new();
    let status = CertificateStatus { last_handled_reissue_request: Some("t".to_owned()), ..Default::default() };
    case.certificate.status = Some(status);
    assert!(lineage(&case).tokens.contains("t"), "from the status");
}

#[test]
fn failures_count_from_the_last_success() {
    let case = CertificateCase::new()
        .with(failed(1, FailureClass::Rejected))
        .with(issued(2, State::Installed, 'a'))
        .with(failed(3, FailureClass::Canceled))
        .with(issued(4, State::Superseded, 'b'))
        .with(failed(5, FailureClass::Rejected));
    let failed: Vec<_> = lineage(&case).failed.iter().map(|issuance| issuance.spec.revision).collect();
    assert_eq!(failed, [5, 3]);
}

#[test]
fn only_failures_were_before_a_first_issue() {
    assert!(!lineage(&CertificateCase::new().with(failed(1, FailureClass::Rejected))).exists);
    assert!(lineage(&CertificateCase::new().with(issued(1, State::Installed, 'a'))).exists);
    assert!(lineage(&CertificateCase { issuances: Vec::new(), ..CertificateCase::served() }).exists);
}

#[test]
fn what_the_ca_fulfilled_is_known_apart_from_what_was_installed() {
    for (state, class, expected) in [
        (State::Superseded, None, 2),
        (State::Failed, Some(FailureClass::InvalidCertificate), 2),
        (State::Failed, Some(FailureClass::KeyMissing), 2),
        (State::Failed, Some(FailureClass::Canceled), 1),
        (State::Failed, Some(FailureClass::Rejected), 1),
        (State::Validating, None, 1),
    ] {
        let mut issuance = issued(2, state, 'b');
        issuance.status.get_or_insert_default().failure = class.map(|class| testing::failure(class, 0));
        let case = CertificateCase::served().with(issuance);
        let known = lineage(&case);
        assert_eq!(
            (revision(known.installed), revision(known.fulfilled)),
            (Some(1), Some(expected)),
            "{state:?} {class:?}"
        );
    }
}

#[test]
fn an_order_left_at_another_account_is_remembered() {
    let previous = |case: &CertificateCase| lineage(case).order.and_then(|order| order.previous);
    let left = CertificateCase::new().with(at_order(elsewhere(issued(1, State::Installed, 'a')), "90"));
    assert_eq!((order_id(&left), previous(&left)), (None, None));
    let moved = left.with(at_order(issued(2, State::Installed, 'b'), "100"));
    assert_eq!((order_id(&moved).as_deref(), previous(&moved).as_deref()), (Some("100"), Some("90")));
    let later = moved.with(at_order(issued(3, State::Installed, 'c'), "100"));
    assert_eq!(previous(&later).as_deref(), Some("90"), "as long as the order lasts");
    let next = later.with(at_order(issued(4, State::Installed, 'd'), "110"));
    assert_eq!(previous(&next), None, "that followed another");
}

#[test]
fn what_was_never_sent_fulfilled_nothing() {
    let unsent = |mut issuance: Issuance| {
        let status = issuance.status.get_or_insert_default();
        (status.order_id, status.serial_number) = (None, None);
        issuance
    };
    let mut amended = issued(2, State::Superseded, 'b');
    amended.status.get_or_insert_default().serial_number = None;
    let case = CertificateCase::served().with(amended);
    assert_eq!(revision(lineage(&case).fulfilled), Some(1), "amended before it was issued");
    let case = CertificateCase::served().with(issued(2, State::Superseded, 'b'));
    assert_eq!(revision(lineage(&case).fulfilled), Some(2));
    let case = CertificateCase::served().with(unsent(issued(2, State::Superseded, 'b')));
    let known = lineage(&case);
    assert_eq!((revision(known.fulfilled), revision(known.unresolved), known.revision), (Some(1), None, 2));
}

/// Where a key stays, the old certificate is told from the new one by its id, or where that stays too, by its serial number.
#[test]
fn what_was_there_before_an_operation_is_known_by_ids_and_serial_numbers() {
    let mut operation = issued(3, State::Submitted, 'c').spec;
    operation.parent =
        Some(Parent { order_id: "100".into(), certificate_id: Some("8".into()), order_valid_till: None });
    operation.supersedes =
        Some(Supersedes { public_key_sha256: testing::key_hash('a'), serial_numbers: vec!["5e".to_owned()] });
    let earlier = |before: &[(i64, char)]| {
        let all = before.iter().chain(&[(3, 'c'), (4, 'd')]);
        let all: Vec<_> = all.map(|(revision, key)| Arc::new(issued(*revision, State::Installed, *key))).collect();
        earlier(&all, &operation)
    };
    let known = |known: &[&str]| known.iter().map(|known| (*known).to_owned()).collect();
    assert_eq!(earlier(&[(1, 'a'), (2, 'c')]), known(&["8", "9", "5e", "a", "c"]));
    assert_eq!(earlier(&[(1, 'a')]), known(&["8", "5e", "a"]), "its key tells it, and its order may show a later one");
}

#![allow(clippy::unwrap_used)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::{
    api::issuance::{Operation, Parent, State, Supersedes},
    lifecycle::{
        record::{self, Change},
        testing::{IssuanceCase, NAME, at, days, issuance_spec, key_hash, time},
    },
};

const PAGE: &str = "https://dnsimple.com/a/1010/domains/example.com/certificates";

fn watching(reason: Trigger) -> IssuanceCase {
    let mut case = IssuanceCase::new(Operation::Collect);
    case.spec.submissions.clear();
    case.spec.reason = reason;
    case
}

fn seen(newest: Option<Stage>) -> ByHand {
    ByHand { collectable: None, page: PAGE.to_owned(), newest: newest.map(|stage| ("7".to_owned(), stage)) }
}

fn found(key: char, until: Timestamp) -> ByHand {
    let collectable =
        Collectable { order_id: "example.com/8".to_owned(), public_key_sha256: key_hash(key), not_after: until };
    ByHand { collectable: Some(collectable), ..seen(Some(Stage::Issued(Some(until)))) }
}

#[test]
fn it_looks_asks_waits_and_looks_again() {
    let mut case = watching(Trigger::KeyLost);
    assert_eq!(case.decide(), Step::Do(Effect::Watch));
    case.next_poll = Duration::from_secs(9);
    assert_eq!(case.decide(), Step::Wait(Duration::from_secs(9)));
    case.seen.by_hand = Some(seen(Some(Stage::Issued(Some(days(90))))));
    let Step::Do(Effect::AskByHand { page, message }) = case.decide() else { panic!("{:?}", case.decide()) };
    assert_eq!(page, format!("{PAGE}/7"));
    record::apply(&case.spec, &mut case.status, &Change::AskedByHand { page, message, at: at(0) }, at(0));
    assert_eq!(case.status.state, Some(State::AwaitingProvider));
    assert_eq!(case.decide(), Step::Wait(Duration::from_secs(9)), "nobody is asked twice in the same words");
    // It moves on, and people are told what is next.
    case.seen.by_hand = Some(seen(Some(Stage::UnderWay("submitted".to_owned()))));
    let Step::Do(Effect::AskByHand { page, message }) = case.decide() else { panic!("{:?}", case.decide()) };
    assert!(
        message.contains("certificate 7") && message.contains("submitted") && message.contains("mail"),
        "{message}"
    );
    record::apply(&case.spec, &mut case.status, &Change::AskedByHand { page, message, at: at(60) }, at(60));
    assert_eq!(case.status.by_hand.as_ref().unwrap().since, time(0), "they are waited for since the first question");
    case.seen.by_hand = Some(found('a', days(90)));
    assert_eq!(case.decide(), Step::Do(Effect::TakeUp { order_id: "example.com/8".to_owned() }));
    record::apply(&case.spec, &mut case.status, &Change::Taken("example.com/8".to_owned()), at(70));
    case.next_poll = Duration::ZERO;
    assert_eq!(case.decide(), Step::Do(Effect::Poll));
}

#[test]
fn the_question_says_what_can_be_done_and_where() {
    let issued = || Some(Stage::Issued(Some(days(90))));
    let ended = || Some(Stage::Ended("rejected".to_owned()));
    let table = [
        (Trigger::FirstIssue, None, "there is no certificate for shop.example.com", ""),
        (Trigger::FirstIssue, issued(), "cannot be used for shop.example.com", ""),
        (Trigger::KeyLost, issued(), "re-issued on", "/7"),
        (Trigger::KeyCompromise, issued(), "re-issued on", "/7"),
        (Trigger::Requested, issued(), "re-issued on", "/7"),
        (Trigger::Expiring, issued(), "would last no longer: buy one", ""),
        (Trigger::SpecChanged, issued(), "it would be for the same: buy one", ""),
        (Trigger::KeyLost, Some(Stage::Issued(Some(at(1)))), "has expired and cannot be re-issued: buy one", ""),
        (Trigger::KeyLost, ended(), "is rejected and cannot be re-issued: buy one", ""),
        (Trigger::KeyLost, Some(Stage::UnderWay("submitted".to_owned())), "is submitted", "/7"),
    ];
    for (reason, newest, says, below) in table {
        let mut spec = issuance_spec(Operation::Collect);
        spec.reason = reason;
        let (page, message) = question(&spec, &seen(newest.clone()), days(1));
        assert!(message.contains(says), "{reason:?} {newest:?}: {message}");
        assert_eq!(page, format!("{PAGE}{below}"), "{reason:?} {newest:?}");
        assert!(message.contains(&page) && message.contains("webmaster@"), "{message}");
        let pending = matches!(newest, Some(Stage::UnderWay(_)));
        assert_eq!(message.contains("get issuances.evercert.dev shop-1 -o jsonpath"), !pending, "{message}");
        assert!(message.chars().count() < 1024, "it fits");
    }
    let mut many = issuance_spec(Operation::Collect);
    many.request.dns_names = (0..250).map(|n| format!("name-{n}.example.com")).collect();
    let (_, message) = question(&many, &seen(None), days(1));
    assert!(message.contains("and 245 more") && message.chars().count() < 1024, "{message}");
}

#[test]
fn what_is_to_be_replaced_is_not_taken_again() {
    let taken = |case: &IssuanceCase| matches!(case.decide(), Step::Do(Effect::TakeUp { .. }));
    let mut expiring = watching(Trigger::Expiring);
    let order_valid_till = Some(Time(days(90)));
    expiring.spec.parent = Some(Parent { order_id: "example.com/7".to_owned(), order_valid_till, ..Parent::default() });
    for (until, takes) in [(90, false), (91, true)] {
        expiring.seen.by_hand = Some(found('a', days(until)));
        assert_eq!(taken(&expiring), takes, "{until}");
    }
    let mut compromised = watching(Trigger::KeyCompromise);
    compromised.spec.supersedes = Some(Supersedes { public_key_sha256: key_hash('o'), serial_numbers: Vec::new() });
    for reason in [Trigger::KeyCompromise, Trigger::Revoked] {
        compromised.spec.reason = reason;
        for (key, takes) in [('o', false), ('n', true)] {
            compromised.seen.by_hand = Some(found(key, days(90)));
            assert_eq!(taken(&compromised), takes, "{reason:?} {key}");
        }
    }
    let mut lost = watching(Trigger::KeyLost);
    lost.spec.supersedes = compromised.spec.supersedes;
    // Re-issued it lasts no longer.
    lost.spec.parent = expiring.spec.parent;
    lost.seen.by_hand = Some(found('o', days(90)));
    assert!(taken(&lost), "what is lost and given out again is as good as before");
}

#[test]
fn people_are_reminded_more_and_more_rarely_and_never_twice() {
    let asked = |reminders| issuance::ByHand { page: PAGE.to_owned(), since: time(0), reminders };
    for (day, due) in [(0, 0), (1, 1), (2, 1), (3, 2), (6, 2), (7, 3), (13, 3), (14, 4), (70, 12)] {
        let now = days(day);
        assert_eq!(reminder(&asked(0), now), Some(due).filter(|due| *due > 0), "day {day}");
        assert_eq!(reminder(&asked(due), now), None, "given on day {day}");
    }
    let mut case = watching(Trigger::KeyLost);
    case.seen.by_hand = Some(seen(None));
    let Step::Do(Effect::AskByHand { page, message }) = case.decide() else { panic!("{:?}", case.decide()) };
    record::apply(&case.spec, &mut case.status, &Change::AskedByHand { page, message, at: at(0) }, at(0));
    case.now = days(8);
    let Step::Do(Effect::Remind { n: 3, message }) = case.decide() else { panic!("{:?}", case.decide()) };
    assert!(message.starts_with("waits for 8 days: "), "{message}");
    record::apply(&case.spec, &mut case.status, &Change::Reminded(3), days(8));
    assert!(matches!(case.decide(), Step::Wait(_)));
    assert_eq!(case.status.by_hand.unwrap().reminders, 3, "a restart remembers");
}

#[test]
fn a_download_that_is_not_believed_costs_no_key() {
    let mut case = watching(Trigger::KeyLost);
    case.status.order_id = Some("example.com/8".to_owned());
    case.seen.standing = Some(crate::provider::Standing {
        progress: crate::provider::Progress::Issued { certificate_id: "example.com/8".to_owned() },
        order_valid_till: None,
        delivered: None,
    });
    (case.seen.refused_download, case.seen.unbelieved) = (true, 99);
    assert!(matches!(case.decide(), Step::Wait(_)), "{:?}", case.decide());
    assert_eq!(case.spec.request.dns_names, [NAME]);
}

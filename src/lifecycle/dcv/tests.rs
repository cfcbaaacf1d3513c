use super::*;
use crate::{
    api::issuance::{Operation, State},
    lifecycle::{record, testing::*},
    provider::{Progress, Standing},
};

const A: &str = "a.org";
const B: &str = "b.org";

/// Polled a moment ago: it validates.
fn validating(validations: Vec<Validation>) -> IssuanceCase {
    let mut case = IssuanceCase::new(Operation::Order);
    case.status.state = Some(State::Validating);
    case.status.order_id = Some("100".to_owned());
    case.status.validations = validations;
    case.seen.standing = Some(Standing { progress: Progress::Validating, order_valid_till: None, delivered: None });
    case.seen.validations = Some(Vec::new());
    case
}

fn between_polls(mut case: IssuanceCase) -> IssuanceCase {
    case.seen.standing = None;
    case.seen.validations = None;
    case
}

fn by_hand(state: ValidationState) -> Validation {
    Validation { publisher: Some(PublisherKind::Manual), ..validation(A, state) }
}

fn step(case: &IssuanceCase) -> Step<Effect> {
    decide(&case.observed())
}

fn publish(domain: &str) -> Step<Effect> {
    Step::Do(Effect::Publish { domain: domain.to_owned() })
}

fn check(domain: &str) -> Step<Effect> {
    Step::Do(Effect::Check { domain: domain.to_owned() })
}

fn ask(domains: &[&str]) -> Step<Effect> {
    Step::Do(Effect::Ask { domains: strings(domains) })
}

#[test]
fn tokens_are_read_once_and_again_with_each_poll() {
    let mut case = validating(Vec::new());
    case.seen.validations = None;
    assert_eq!(step(&case), Step::Do(Effect::Read));
    assert_eq!(step(&between_polls(validating(Vec::new()))), Step::Do(Effect::Read));
    let known = validating(vec![validation(A, ValidationState::Visible)]);
    assert_eq!(step(&between_polls(known.clone())), ask(&[A]), "it is shown without a poll");
    let mut polled = known;
    polled.seen.validations = None;
    assert_eq!(step(&polled), Step::Do(Effect::Read));
}

#[test]
fn a_record_is_published_seen_and_shown() {
    use ValidationState::{Cleaned, Pending, Published, Valid, Visible};
    let table = [
        (vec![validation(A, Pending), validation(B, Pending)], publish(A)),
        (vec![validation(A, Published), validation(B, Pending)], check(A)),
        (vec![validation(A, Visible), validation(B, Pending)], publish(B)),
        (vec![validation(A, Visible), validation(B, Visible)], ask(&[A, B])),
        (vec![validation(A, Valid), validation(B, Visible)], ask(&[B])),
        (vec![validation(A, Valid), validation(B, Cleaned)], Step::Done),
        (vec![by_hand(Published)], check(A)),
        (vec![by_hand(Visible)], ask(&[A])),
        (vec![Validation { record: None, ..validation(A, Pending) }], Step::Done),
        (vec![Validation { record: None, ..validation(A, Pending) }, validation(B, Visible)], ask(&[B])),
    ];
    for (validations, expected) in table {
        assert_eq!(step(&validating(validations.clone())), expected, "{validations:?}");
    }
}

#[test]
fn the_provider_is_asked_when_it_may_be_and_once_in_a_reconcile() {
    let mut case = validating(vec![validation(A, ValidationState::Visible)]);
    for case in [case.clone(), between_polls(case.clone())] {
        assert_eq!(step(&case), ask(&[A]));
        assert_eq!(
            step(&IssuanceCase { next_ask: Duration::from_secs(60), ..case }),
            Step::Wait(Duration::from_secs(60))
        );
    }
    case.seen.asked = true;
    assert_eq!(step(&case), Step::Done);
}

#[test]
fn without_a_self_check_or_after_its_deadline_the_provider_looks_itself() {
    let mut case = validating(vec![validation(A, ValidationState::Published)]);
    assert_eq!(step(&IssuanceCase { self_check: false, ..case.clone() }), ask(&[A]));
    case.now = at(599);
    assert_eq!(step(&case), check(A));
    case.now = at(600);
    assert_eq!(step(&case), ask(&[A]));
}

#[test]
fn the_provider_is_not_asked_while_others_may_see_what_was_there_before() {
    let settling = Validation { ask_at: Some(time(60)), ..validation(A, ValidationState::Visible) };
    let mut case = validating(vec![settling, validation(B, ValidationState::Visible)]);
    case.now = at(20);
    assert_eq!(step(&case), Step::Wait(Duration::from_secs(40)));
    case.now = at(60);
    assert_eq!(step(&case), ask(&[A, B]));
}

#[test]
fn what_does_not_work_is_tried_again_ever_less_often_and_holds_up_nothing_else() {
    let mut case = validating(vec![validation(A, ValidationState::Pending), validation(B, ValidationState::Pending)]);
    case.seen.stuck.insert(A.to_owned());
    assert_eq!(step(&case), publish(B));
    case.seen.stuck.insert(B.to_owned());
    for (age, pause) in [(1, 5), (100, 10), (1000, 100), (100_000, 300)] {
        case.now = at(age);
        assert_eq!(step(&case), Step::Wait(Duration::from_secs(pause)), "{age}");
    }
    let mut case = validating(vec![validation(A, ValidationState::Published)]);
    case.seen.checked.insert(A.to_owned());
    assert_eq!(step(&case), Step::Wait(Duration::from_secs(5)));
}

#[test]
fn an_outdated_record_of_ours_is_removed_first() {
    for state in [ValidationState::Published, ValidationState::Visible] {
        let mut case = validating(vec![validation(A, state)]);
        case.seen.validations = Some(vec![told(A, Some("new"))]);
        assert_eq!(step(&case), Step::Do(Effect::Unpublish { domain: A.to_owned() }), "{state:?}");
        for told in [told(A, Some("token")), told(A, None)] {
            case.seen.validations = Some(vec![told]);
            assert!(!matches!(step(&case), Step::Do(Effect::Unpublish { .. })), "{state:?}");
        }
    }
    let mut case = validating(vec![by_hand(ValidationState::Visible)]);
    case.seen.validations = Some(vec![told(A, Some("new"))]);
    assert_eq!(step(&case), ask(&[A]), "a person's is a person's");
}

#[test]
fn what_we_published_is_cleaned_up_and_nothing_else() {
    use ValidationState::{Cleaned, Pending, Published, Valid, Visible};
    let unpublish = |domain: &str| Some(Step::Do(Effect::Unpublish { domain: domain.to_owned() }));
    let none = Validation { publisher: None, ..validation(A, Published) };
    let table = [
        (vec![validation(A, Pending), validation(B, Published)], unpublish(B)),
        (vec![validation(A, Valid)], unpublish(A)),
        (vec![validation(A, Visible)], unpublish(A)),
        (vec![validation(A, Cleaned), by_hand(Published), none], None),
    ];
    for (validations, expected) in table {
        assert_eq!(clean_up(&validating(validations.clone()).observed()), expected, "{validations:?}");
    }
    let mut case = validating(vec![validation(A, Valid), validation(B, Valid)]);
    case.seen.stuck.insert(A.to_owned());
    assert_eq!(clean_up(&case.observed()), unpublish(B));
    case.seen.stuck.insert(B.to_owned());
    assert_eq!(clean_up(&case.observed()), Some(Step::Wait(Duration::from_secs(60))));
}

#[test]
fn a_finalizer_comes_before_the_first_record() {
    use crate::lifecycle::issuance;
    let mut case = validating(vec![validation(A, ValidationState::Pending)]);
    assert_eq!(case.decide(), Step::Do(issuance::Effect::AddFinalizer));
    case.finalizer = true;
    assert_eq!(case.decide(), Step::Do(issuance::Effect::Dcv(Effect::Publish { domain: A.to_owned() })));
}

#[test]
fn records_are_shown_as_a_zone_file_has_them() {
    assert_eq!(zone_line(&record(A, "token")), "_dnsauth.a.org. TXT \"token\"");
    let cname = Record { type_: RecordType::Cname, ..record(A, "x.dcv.digicert.com") };
    assert_eq!(zone_line(&cname), "_dnsauth.a.org. CNAME x.dcv.digicert.com.");
}

fn by_file(state: ValidationState) -> Validation {
    let mut validation = by_hand(state);
    let url = format!("http://{A}/.well-known/pki-validation/fileauth.txt");
    validation.record = Some(Record { name: url, type_: RecordType::Http, value: "token".to_owned() });
    validation.method = ValidationMethod::Http;
    validation
}

fn by_mail() -> Validation {
    let emails = strings(&["admin@a.org", "webmaster@a.org"]);
    let method = ValidationMethod::Email;
    Validation { record: None, method, emails, ..by_hand(ValidationState::Pending) }
}

#[test]
fn a_file_is_looked_for_before_the_provider_is_asked_and_a_mail_only_waited_for() {
    let file = validating(vec![by_file(ValidationState::Published)]);
    assert_eq!(step(&file), check(A));
    let seen = validating(vec![by_file(ValidationState::Visible)]);
    assert_eq!(step(&seen), Step::Do(Effect::Ask { domains: strings(&[A]) }));
    assert_eq!(step(&validating(vec![by_mail()])), Step::Done);
}

#[test]
fn people_are_told_exactly_what_to_do() {
    let told = |validations: Vec<Validation>| {
        let mut issuance = issued(1, State::Validating, 'a');
        issuance.status.as_mut().expect("a status").validations = validations;
        asked_of_people(&issuance)
    };
    assert_eq!(told(vec![validation(A, ValidationState::Published)]), None, "a publisher does it");
    assert_eq!(told(vec![by_file(ValidationState::Cleaned)]), None, "done");
    let records = told(vec![by_hand(ValidationState::Published)]).expect("a sentence");
    assert!(records.contains("publish these DNS records") && records.contains("_dnsauth.a.org. TXT"), "{records}");
    let delegated = by_hand(ValidationState::Published);
    let delegated = Validation { delegated_to: Some("a.dcv.net".to_owned()), ..delegated };
    let records = told(vec![delegated]).expect("a sentence");
    assert!(records.ends_with("a.dcv.net. TXT \"token\""), "where it has to stand: {records}");
    let files = told(vec![by_file(ValidationState::Published)]).expect("a sentence");
    let line = "http://a.org/.well-known/pki-validation/fileauth.txt containing token";
    assert!(files.contains("over plain HTTP") && files.contains(line), "{files}");
    let mails = told(vec![by_mail()]).expect("a sentence");
    assert!(mails.contains("a.org (to admin@a.org, webmaster@a.org)") && mails.contains(RESEND_DCV_EMAIL), "{mails}");
}

#[test]
fn mails_are_sent_again_once_for_a_token_and_only_while_one_is_waited_for() {
    let mut issuance = issued(1, State::Validating, 'a');
    issuance.status.as_mut().expect("a status").validations = vec![by_mail()];
    let case = |token: &str| {
        let mut certificate = CertificateCase::new().certificate;
        certificate.metadata.annotations = Some([(RESEND_DCV_EMAIL.to_owned(), token.to_owned())].into());
        certificate
    };
    assert_eq!(resend_asked(&CertificateCase::new().certificate, &issuance), None);
    assert_eq!(resend_asked(&case(""), &issuance), None);
    assert_eq!(resend_asked(&case("one"), &issuance), Some("one"));
    let resent = record::Change::EmailsResent("one".to_owned());
    let spec = issuance.spec.clone();
    record::apply(&spec, issuance.status.as_mut().expect("a status"), &resent, at(1));
    assert_eq!(resend_asked(&case("one"), &issuance), None, "handled");
    assert_eq!(resend_asked(&case("two"), &issuance), Some("two"));
    issuance.status.as_mut().expect("a status").validations = vec![by_hand(ValidationState::Published)];
    assert_eq!(resend_asked(&case("three"), &issuance), None, "no mail is waited for");
}

#[test]
fn a_record_that_another_waits_for_is_not_removed() {
    use ValidationState::{Cleaned, Pending, Published, Valid, Visible};
    let record = validation(A, Published).record.expect("a record");
    let status = |state: Option<State>, validations: Vec<Validation>| {
        let status = crate::api::issuance::IssuanceStatus { state, validations, ..Default::default() };
        needs(&status, &record)
    };
    for (state, expected) in [(Pending, false), (Published, true), (Visible, true), (Valid, false), (Cleaned, false)] {
        assert_eq!(status(Some(State::Validating), vec![validation(A, state)]), expected, "{state:?}");
    }
    assert!(!status(Some(State::Installed), vec![validation(A, Published)]), "it is done");
    assert!(!status(Some(State::Validating), vec![validation(B, Published)]), "another name");
    assert!(!status(Some(State::Validating), vec![by_hand(Published)]), "not in the DNS by us");
    let elsewhere = Validation { delegated_to: Some("x.dcv.example.net".to_owned()), ..validation(A, Published) };
    assert!(!status(Some(State::Validating), vec![elsewhere]), "it stands elsewhere");
}

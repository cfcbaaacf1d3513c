use std::time::Duration;

use super::*;
use crate::{
    api::issuance::{Cost, Operation, PublisherKind, Submission, Validation},
    lifecycle::testing::{accepted, at, days, issuance_spec, resolved, submission, time, told, validation},
    provider,
};

/// An Issuance of two submissions, and its status.
struct Ledger {
    spec: IssuanceSpec,
    status: IssuanceStatus,
}

impl Ledger {
    fn new(submissions: i32) -> Self {
        let submissions: Vec<Submission> = (1..=submissions).map(|n| submission(n, i64::from(n) * 100)).collect();
        let spec = IssuanceSpec { submissions, ..issuance_spec(Operation::Order) };
        Self { spec, status: IssuanceStatus::default() }
    }

    fn in_state(state: State) -> Self {
        let mut ledger = Self::new(1);
        ledger.status.state = Some(state);
        ledger
    }

    fn apply(&mut self, change: Change) -> &IssuanceStatus {
        apply(&self.spec, &mut self.status, &change, at(1000));
        &self.status
    }

    fn class_of(&self, n: i32) -> Option<OutcomeClass> {
        self.status.outcomes.iter().find(|outcome| outcome.n == n).map(|outcome| outcome.class)
    }

    fn condition(&self, type_: &str) -> Option<&str> {
        conditions::condition(&self.status.conditions, type_).map(|condition| condition.reason.as_str())
    }
}

fn looked(n: i32, found: Found) -> Change {
    Change::Looked { n, found }
}

fn answered_with(n: i32, answer: Result<Accepted, CallError>) -> Change {
    let answer = answer.map(Some);
    Change::Submitted { n, answer }
}

fn errors() -> [(CallError, OutcomeClass); 5] {
    let (code, message) = ("code".to_owned(), "words".to_owned());
    [
        (CallError::Rejected { call: "order", code: code.clone(), message: message.clone() }, OutcomeClass::Rejected),
        (
            CallError::Blocked { call: "order", code, message: message.clone(), action: "Act".to_owned() },
            OutcomeClass::Blocked,
        ),
        (CallError::RateLimited { call: "order", after: None }, OutcomeClass::RateLimited),
        (CallError::NotSent { call: "order", message: message.clone() }, OutcomeClass::NotSent),
        (CallError::Ambiguous { call: "order", message }, OutcomeClass::Ambiguous),
    ]
}

fn delivered() -> Delivered {
    Delivered {
        certificate_id: "9".to_owned(),
        chain: "pem".to_owned(),
        serial_number: "a".to_owned(),
        not_after: days(199),
        other_chain: None,
        public_key_sha256: None,
    }
}

fn polled(progress: Progress) -> Change {
    Change::Polled(Standing { progress, order_valid_till: Some(jiff::civil::date(2027, 5, 31)), delivered: None })
}

#[test]
fn what_is_accepted_is_known_from_then_on() {
    let mut ledger = Ledger::new(1);
    let accepted = Accepted { certificate_id: Some("9".to_owned()), request_id: Some("5".to_owned()), ..accepted("1") };
    let status = ledger.apply(answered_with(1, Ok(accepted)));
    assert_eq!(status.state, Some(State::Submitted));
    assert_eq!(status.order_id.as_deref(), Some("1"));
    assert_eq!((status.certificate_id.as_deref(), status.request_id.as_deref()), (Some("9"), Some("5")));
    assert_eq!((status.cost, status.submitted_at.clone()), (Some(Cost::Paid), Some(time(1000))));
    assert_eq!(ledger.class_of(1), Some(OutcomeClass::Accepted));
    let mut free = Ledger { spec: issuance_spec(Operation::Reissue), status: IssuanceStatus::default() };
    assert_eq!(free.apply(looked(1, Found::Ours(self::accepted("1")))).cost, Some(Cost::Free));
}

/// It has an id, wherever it hides: looked for, and never asked for again.
#[test]
fn what_is_accepted_without_an_id_is_still_looked_for() {
    let mut ledger = Ledger::new(1);
    let status = ledger.apply(Change::Submitted { n: 1, answer: Ok(None) });
    assert_eq!((status.state, status.order_id.clone()), (None, None));
    assert_eq!(ledger.class_of(1), Some(OutcomeClass::Accepted));
    ledger.apply(looked(1, Found::Ours(accepted("1"))));
    assert_eq!(ledger.status.order_id.as_deref(), Some("1"));
    assert_eq!(ledger.status.state, Some(State::Submitted));
}

#[test]
fn an_error_is_classified_and_only_a_certain_refusal_ends_it() {
    for (error, class) in errors() {
        let mut ledger = Ledger::new(1);
        ledger.apply(answered_with(1, Err(error)));
        assert_eq!(ledger.class_of(1), Some(class));
        let failed = ledger.status.state == Some(State::Failed);
        assert_eq!(failed, class == OutcomeClass::Rejected, "{class:?}");
        let needs_a_person = ledger.condition(ACTION_REQUIRED) == Some(reason::PROVIDER_BLOCKED);
        assert_eq!(needs_a_person, class == OutcomeClass::Blocked, "{class:?}");
        assert_eq!(ledger.status.order_id, None);
    }
}

#[test]
fn an_answer_to_an_earlier_submission_says_nothing_of_the_last() {
    for (error, class) in errors() {
        let mut ledger = Ledger::new(2);
        ledger.apply(answered_with(1, Err(error)));
        assert_eq!((ledger.class_of(1), ledger.class_of(2)), (Some(class), None));
        assert_eq!((ledger.status.state, ledger.condition(ACTION_REQUIRED)), (None, None), "{class:?}");
    }
    let mut ledger = Ledger::new(2);
    ledger.apply(answered_with(1, Ok(accepted("1"))));
    assert_eq!(ledger.class_of(2), None);
    assert_eq!(ledger.status.order_id.as_deref(), Some("1"), "but an order is an order");
}

#[test]
fn what_was_accepted_stays_accepted() {
    for (error, _) in errors() {
        let mut ledger = Ledger::new(1);
        ledger.apply(looked(1, Found::Ours(accepted("1"))));
        let before = ledger.status.clone();
        assert_eq!(*ledger.apply(answered_with(1, Err(error))), before);
    }
}

#[test]
fn a_second_order_is_a_second_purchase_and_shows() {
    let mut ledger = Ledger::new(2);
    ledger.apply(answered_with(1, Ok(accepted("1"))));
    ledger.apply(answered_with(2, Ok(accepted("2"))));
    assert_eq!(ledger.status.order_id.as_deref(), Some("1"));
    assert_eq!(ledger.status.outcomes[1].code.as_deref(), Some("order 2"));
}

#[test]
fn an_order_is_never_forgotten_even_when_its_answer_comes_after_the_end() {
    let mut ledger = Ledger::in_state(State::Failed);
    let status = ledger.apply(answered_with(1, Ok(accepted("1"))));
    assert_eq!((status.state, status.order_id.as_deref()), (Some(State::Failed), Some("1")));
}

#[test]
fn an_order_for_another_key_is_kept_for_a_reissue() {
    let mut ledger = Ledger::new(1);
    let status = ledger.apply(looked(1, Found::OtherKey(accepted("1"))));
    assert_eq!((status.state, status.order_id.as_deref()), (Some(State::Failed), Some("1")));
    assert_eq!(status.failure.as_ref().map(|failure| failure.class), Some(FailureClass::KeyMissing));
}

#[test]
fn looks_are_counted_for_the_submission_they_were_made_for() {
    let mut ledger = Ledger::new(1);
    for count in 1..=3 {
        let looks = Some(Looks { n: 1, count, since: time(1000), last_at: time(1000) });
        assert_eq!(ledger.apply(looked(1, Found::Absent)).looks, looks);
    }
    ledger.spec.submissions.push(submission(2, 1000));
    ledger.apply(looked(1, Found::Absent));
    assert_eq!(ledger.status.looks.as_ref().map(|looks| looks.count), Some(3), "a look that began before");
    ledger.apply(looked(2, Found::Absent));
    assert_eq!(ledger.status.looks, Some(Looks { n: 2, count: 1, since: time(1000), last_at: time(1000) }));
}

#[test]
fn a_stopped_issuance_that_rests_is_not_written() {
    let mut ledger = Ledger::new(1);
    ledger.apply(Change::AskedPerson("look".to_owned()));
    let before = ledger.status.clone();
    assert_eq!(*ledger.apply(looked(1, Found::Absent)), before);
    assert_eq!(*ledger.apply(Change::CannotLook("blocked".to_owned())), before);
}

#[test]
fn a_look_in_vain_tells_a_person_until_one_succeeds() {
    let mut ledger = Ledger::new(1);
    ledger.apply(Change::CannotLook("a request is pending".to_owned()));
    assert_eq!(ledger.condition(ACTION_REQUIRED), Some(reason::PROVIDER_BLOCKED));
    ledger.apply(looked(1, Found::Absent));
    assert_eq!(ledger.condition(ACTION_REQUIRED), None);
}

#[test]
fn an_answer_of_a_person_counts_once() {
    let mut ledger = Ledger::new(1);
    ledger.status.conditions = vec![resolved(reason::NOT_PLACED, "too early")];
    ledger.apply(Change::AskedPerson("look".to_owned()));
    assert_eq!(ledger.status.state, Some(State::NeedsAttention));
    assert_eq!(ledger.condition(RESOLVED), None, "given before the question");
    assert_eq!(ledger.condition(ACTION_REQUIRED), Some(reason::NEEDS_ATTENTION));

    for change in [Change::Appended, Change::Taken("1".to_owned()), looked(1, Found::Ours(accepted("1")))] {
        let mut ledger = Ledger { spec: ledger.spec.clone(), status: ledger.status.clone() };
        ledger.status.conditions.push(resolved(reason::NOT_PLACED, ""));
        ledger.apply(change.clone());
        assert_eq!(ledger.condition(RESOLVED), None, "{change:?}");
        assert_eq!(ledger.condition(ACTION_REQUIRED), None, "{change:?}");
        assert_eq!(ledger.status.failure, None, "{change:?}");
    }
}

#[test]
fn a_new_submission_leaves_what_a_person_must_do_at_the_provider() {
    let [_, (blocked, _), ..] = errors();
    let mut ledger = Ledger::new(1);
    ledger.apply(answered_with(1, Err(blocked)));
    ledger.apply(Change::Appended);
    assert_eq!(ledger.condition(ACTION_REQUIRED), Some(reason::PROVIDER_BLOCKED), "until it is accepted");
    assert_eq!(ledger.status.state, Some(State::Submitting));
}

/// Every change, as one that was decided on an older copy could come.
fn changes() -> Vec<Change> {
    let validations = vec![Told {
        validation: told("a.org", Some("token")),
        publisher: Some(PublisherKind::Rfc2136),
        delegated_to: Ok(None),
    }];
    let mut changes = vec![
        Change::Appended,
        looked(1, Found::Absent),
        looked(1, Found::Ours(accepted("2"))),
        looked(1, Found::OtherKey(accepted("2"))),
        Change::CannotLook("blocked".to_owned()),
        answered_with(1, Ok(accepted("1"))),
        polled(Progress::Validating),
        polled(Progress::Refused { reason: "rejected".to_owned() }),
        Change::ValidationsRead(validations),
        Change::Believed(delivered()),
        Change::NotBelieved("another key".to_owned()),
        Change::AskedPerson("look".to_owned()),
        Change::Taken("2".to_owned()),
        Change::Installed,
        Change::Superseded,
    ];
    changes.extend(errors().map(|(error, _)| answered_with(1, Err(error))));
    let classes =
        [FailureClass::Canceled, FailureClass::Exhausted, FailureClass::InvalidCertificate, FailureClass::KeyMissing];
    changes.extend(classes.map(|class| Change::Failed(class, "why".to_owned())));
    changes
}

#[test]
fn what_has_ended_stays_ended() {
    for state in [State::Installed, State::Failed, State::Denied, State::Superseded] {
        for change in changes() {
            let mut ledger = Ledger::in_state(state);
            ledger.status.order_id = Some("1".to_owned());
            let status = ledger.apply(change.clone());
            assert_eq!((status.state, status.order_id.as_deref()), (Some(state), Some("1")), "{change:?}");
            assert!(status.conditions.is_empty() && status.failure.is_none(), "{change:?}");
        }
    }
}

#[test]
fn what_is_issued_waits_to_be_installed() {
    for change in changes() {
        let mut ledger = Ledger::in_state(State::Issued);
        ledger.status.order_id = Some("1".to_owned());
        ledger.status.chain = Some("pem".to_owned());
        let expected = match change {
            Change::Installed => State::Installed,
            Change::Superseded => State::Superseded,
            Change::Failed(FailureClass::InvalidCertificate | FailureClass::KeyMissing, _) => State::Failed,
            _ => State::Issued,
        };
        let status = ledger.apply(change.clone());
        assert_eq!(status.state, Some(expected), "{change:?}");
        assert_eq!(status.chain.is_some(), expected == State::Issued, "{change:?}");
    }
}

#[test]
fn what_is_placed_is_neither_asked_about_nor_given_up_for_lack_of_submissions() {
    for change in [
        Change::AskedPerson("look".to_owned()),
        Change::Failed(FailureClass::Exhausted, "too many".to_owned()),
        looked(1, Found::Absent),
        looked(1, Found::OtherKey(accepted("2"))),
        Change::Taken("2".to_owned()),
    ] {
        let mut ledger = Ledger::in_state(State::Validating);
        ledger.status.order_id = Some("1".to_owned());
        let before = ledger.status.clone();
        assert_eq!(*ledger.apply(change.clone()), before, "{change:?}");
    }
}

#[test]
fn nothing_is_followed_that_is_not_placed() {
    for change in [polled(Progress::Validating), Change::Believed(delivered()), Change::Installed, Change::Superseded] {
        let mut ledger = Ledger::in_state(State::Submitting);
        let before = ledger.status.clone();
        assert_eq!(*ledger.apply(change.clone()), before, "{change:?}");
    }
}

#[test]
fn polls_tell_the_state_and_the_orders_end() {
    let table = [
        (Progress::Validating, State::Validating, None),
        (
            Progress::AwaitingApproval { request_id: Some("5".to_owned()) },
            State::AwaitingProvider,
            Some(reason::PROVIDER_BLOCKED),
        ),
        (Progress::Processing { status: "processing".to_owned() }, State::AwaitingProvider, None),
        (Progress::Issued { certificate_id: "9".to_owned() }, State::AwaitingProvider, None),
    ];
    for (progress, state, action) in table {
        let mut ledger = Ledger::in_state(State::Submitted);
        ledger.status.order_id = Some("1".to_owned());
        let status = ledger.apply(polled(progress.clone()));
        assert_eq!((status.state, status.order_valid_till.clone()), (Some(state), Some(Time(days(365)))));
        assert_eq!(ledger.condition(ACTION_REQUIRED), action, "{progress:?}");
    }
}

#[test]
fn a_delivered_certificate_is_kept_until_it_is_installed() {
    let mut ledger = Ledger::in_state(State::Validating);
    ledger.status.order_id = Some("1".to_owned());
    ledger.status.validations =
        vec![validation("a.org", ValidationState::Visible), validation("b.org", ValidationState::Pending)];
    let status = ledger.apply(Change::Believed(delivered()));
    assert_eq!((status.state, status.chain.as_deref()), (Some(State::Issued), Some("pem")));
    assert_eq!((status.serial_number.as_deref(), status.not_after.clone()), (Some("a"), Some(Time(days(199)))));
    let states: Vec<_> = status.validations.iter().map(|validation| validation.state).collect();
    assert_eq!(states, [ValidationState::Valid, ValidationState::Cleaned], "what was published is to be removed");
    assert_eq!(ledger.apply(Change::Installed).chain, None, "from here on the Secret has it");
}

#[test]
fn a_serial_number_is_listed_as_revoked_once() {
    let mut ledger = Ledger::in_state(State::Installed);
    for left in [None, Some("it waits for approval".to_owned())] {
        let status = ledger.apply(Change::Revoked { serial: "a".to_owned(), left: left.clone() });
        assert_eq!(status.revoked_serials, ["a"], "the list is a set to the API server");
    }
    assert_eq!(ledger.condition(ACTION_REQUIRED), Some(reason::PROVIDER_BLOCKED));
}

#[test]
fn messages_fit_the_schema() {
    let mut ledger = Ledger::in_state(State::Validating);
    ledger.status.order_id = Some("1".to_owned());
    ledger.status.validations = vec![validation("a.org", ValidationState::Pending)];
    let long = "é".repeat(5000);
    ledger.apply(Change::DcvFailed("a.org".to_owned(), long.clone()));
    ledger.apply(Change::Failed(FailureClass::Canceled, long.clone()));
    assert_eq!(ledger.status.validations[0].message.as_ref().map(|message| message.chars().count()), Some(1024));
    assert_eq!(ledger.status.failure.map(|failure| failure.message.chars().count()), Some(1024));
    let mut ledger = Ledger::new(1);
    ledger.apply(answered_with(1, Err(CallError::Ambiguous { call: "order", message: long })));
    assert_eq!(ledger.status.outcomes[0].code.as_ref().map(|code| code.chars().count()), Some(256));
}

mod validations {
    use super::*;

    const OURS: Option<PublisherKind> = Some(PublisherKind::Rfc2136);
    const BY_HAND: Option<PublisherKind> = Some(PublisherKind::Manual);

    fn read(
        known: Option<Validation>,
        told: provider::Validation,
        publisher: Option<PublisherKind>,
    ) -> Option<Validation> {
        let mut validations: Vec<_> = known.into_iter().collect();
        merge(&mut validations, &[Told { validation: told, publisher, delegated_to: Ok(None) }], at(50));
        validations.pop()
    }

    fn state_and_value(validation: Option<Validation>) -> Option<(ValidationState, Option<String>)> {
        validation.map(|validation| (validation.state, validation.record.map(|record| record.value)))
    }

    fn valid(domain: &str) -> provider::Validation {
        provider::Validation { valid: true, ..told(domain, None) }
    }

    #[test]
    fn a_token_is_published_by_us_or_shown_to_a_person() {
        let new = |publisher, value| state_and_value(read(None, told("a.org", value), publisher));
        let token = || Some("t".to_owned());
        assert_eq!(new(OURS, Some("t")), Some((ValidationState::Pending, token())));
        assert_eq!(
            new(BY_HAND, Some("t")),
            Some((ValidationState::Published, token())),
            "its entry tells to publish it"
        );
        assert_eq!(new(None, Some("t")), Some((ValidationState::Published, token())));
        for publisher in [OURS, BY_HAND, None] {
            assert_eq!(new(publisher, None), Some((ValidationState::Pending, None)), "{publisher:?}");
        }
        assert_eq!(read(None, valid("a.org"), OURS), None, "nothing to do");
    }

    #[test]
    fn another_token_takes_its_place_unless_ours_is_still_published() {
        let known = |publisher, state| Some(Validation { publisher, ..validation("a.org", state) });
        let after = |known, publisher| state_and_value(read(known, told("a.org", Some("new")), publisher));
        let (old, new) = (Some("token".to_owned()), Some("new".to_owned()));
        for state in [ValidationState::Published, ValidationState::Visible] {
            assert_eq!(after(known(OURS, state), OURS), Some((state, old.clone())), "to be removed first");
            assert_eq!(after(known(BY_HAND, state), BY_HAND), Some((ValidationState::Published, new.clone())));
            assert_eq!(after(known(None, state), None), Some((ValidationState::Published, new.clone())));
        }
        assert_eq!(after(known(OURS, ValidationState::Pending), OURS), Some((ValidationState::Pending, new)));
    }

    #[test]
    fn the_same_token_changes_nothing() {
        for state in [ValidationState::Pending, ValidationState::Published, ValidationState::Visible] {
            for (publisher, value) in [(OURS, Some("token")), (BY_HAND, Some("token")), (OURS, None)] {
                let known = Validation { publisher, ..validation("a.org", state) };
                assert_eq!(
                    read(Some(known.clone()), told("a.org", value), publisher),
                    Some(known),
                    "{state:?} {value:?}"
                );
            }
        }
    }

    #[test]
    fn what_others_may_have_cached_is_waited_for() {
        let mut ledger = Ledger::in_state(State::Validating);
        ledger.status.order_id = Some("1".to_owned());
        ledger.status.validations = vec![validation("a.org", ValidationState::Published)];
        ledger.apply(Change::Checked("a.org".to_owned(), Ok(Duration::from_secs(30))));
        assert_eq!(ledger.status.validations[0].ask_at, Some(time(1030)));
    }

    #[test]
    fn a_record_goes_where_its_name_leads_and_nowhere_until_that_is_known() {
        let read = |known: Option<Validation>, delegated_to| {
            let mut validations: Vec<_> = known.into_iter().collect();
            let told = Told { validation: told("a.org", Some("token")), publisher: OURS, delegated_to };
            merge(&mut validations, &[told], at(50));
            validations.pop().expect("a validation")
        };
        let to = |name: &str| Ok(Some(name.to_owned()));
        let new = read(None, to("b.net"));
        assert_eq!((new.state, new.delegated_to.as_deref()), (ValidationState::Pending, Some("b.net")));
        assert_eq!(read(Some(new.clone()), to("c.net")).delegated_to.as_deref(), Some("c.net"));
        let published = Validation { state: ValidationState::Published, ..new };
        assert_eq!(read(Some(published.clone()), to("c.net")), published, "to be removed first");

        let unknown = read(None, Err("no answer".to_owned()));
        assert_eq!((&unknown.record, unknown.message.as_deref()), (&None, Some("no answer")));
        let again = read(Some(Validation { since: Some(time(1)), ..unknown.clone() }), Err("no answer".to_owned()));
        assert_eq!(again.since, Some(time(1)), "it changes nothing");
        assert!(read(Some(unknown), Ok(None)).record.is_some());
    }

    #[test]
    fn a_publisher_that_was_added_to_the_issuer_takes_over() {
        let known = Validation { publisher: None, ..validation("a.org", ValidationState::Published) };
        let after = read(Some(known), told("a.org", Some("token")), OURS);
        assert_eq!(after.map(|after| (after.state, after.publisher)), Some((ValidationState::Pending, OURS)));
    }

    #[test]
    fn what_is_valid_needs_cleaning_only_where_we_published() {
        let table = [
            (OURS, ValidationState::Pending, ValidationState::Cleaned),
            (OURS, ValidationState::Published, ValidationState::Valid),
            (OURS, ValidationState::Visible, ValidationState::Valid),
            (OURS, ValidationState::Valid, ValidationState::Valid),
            (OURS, ValidationState::Cleaned, ValidationState::Cleaned),
            (BY_HAND, ValidationState::Published, ValidationState::Cleaned),
            (None, ValidationState::Published, ValidationState::Cleaned),
        ];
        for (publisher, before, after) in table {
            let known = Validation { publisher, ..validation("a.org", before) };
            let now = read(Some(known), valid("a.org"), publisher);
            assert_eq!(now.map(|now| now.state), Some(after), "{publisher:?} {before:?}");
        }
    }

    #[test]
    fn what_the_provider_asks_for_again_is_shown_again() {
        let again = |state| {
            let now = read(Some(validation("a.org", state)), told("a.org", Some("token")), OURS);
            now.map(|now| now.state)
        };
        assert_eq!(again(ValidationState::Valid), Some(ValidationState::Published), "it is still there");
        assert_eq!(again(ValidationState::Cleaned), Some(ValidationState::Pending));
    }

    #[test]
    fn records_go_the_way_they_came() {
        let mut ledger = Ledger::in_state(State::Validating);
        ledger.status.order_id = Some("1".to_owned());
        ledger.status.validations = vec![validation("a.org", ValidationState::Pending)];
        let domain = || "a.org".to_owned();
        let state = |ledger: &Ledger| ledger.status.validations[0].state;
        ledger.apply(Change::Published(domain()));
        assert_eq!(state(&ledger), ValidationState::Published);
        ledger.apply(Change::Checked(domain(), Err("not visible at ns1".to_owned())));
        assert_eq!(state(&ledger), ValidationState::Published);
        assert_eq!(ledger.status.validations[0].message.as_deref(), Some("not visible at ns1"));
        ledger.apply(Change::Checked(domain(), Ok(Duration::ZERO)));
        assert_eq!(state(&ledger), ValidationState::Visible);
        assert_eq!(ledger.status.validations[0].ask_at, None);
        ledger.apply(Change::Published(domain()));
        assert_eq!(state(&ledger), ValidationState::Visible, "decided on an older copy");
        ledger.apply(Change::Unpublished(domain()));
        assert_eq!(state(&ledger), ValidationState::Pending);
        assert_eq!(ledger.status.validations[0].record, None, "a later read brings the one that counts");

        ledger.status.validations = vec![validation("a.org", ValidationState::Valid)];
        ledger.status.state = Some(State::Failed);
        ledger.apply(Change::Unpublished(domain()));
        assert_eq!(state(&ledger), ValidationState::Cleaned, "also after the end");
    }
}

#[test]
fn another_chain_than_the_preferred_one_is_told_and_served() {
    let mut ledger = Ledger::in_state(State::AwaitingProvider);
    ledger.status.order_id = Some("100".to_owned());
    let other = Delivered { other_chain: Some("no chain to X".to_owned()), ..delivered() };
    ledger.apply(Change::Believed(other));
    assert_eq!(ledger.status.state, Some(State::Issued));
    ledger.apply(Change::Installed);
    assert_eq!(ledger.condition(PREFERRED_CHAIN), Some(reason::NOT_OFFERED), "as long as it is served");
}

#[test]
fn what_a_person_was_asked_for_is_taken_back_once_it_is_there() {
    let mut ledger = Ledger::in_state(State::AwaitingProvider);
    ledger.status.order_id = Some("100".to_owned());
    ledger.apply(polled(Progress::AwaitingApproval { request_id: Some("9".to_owned()) }));
    let asked = conditions::condition(&ledger.status.conditions, ACTION_REQUIRED).map(|asked| asked.message.as_str());
    let approve =
        "an administrator of the account has to approve request 9 in CertCentral, under Certificates > Requests";
    assert_eq!(asked, Some(approve));
    ledger.apply(polled(Progress::Validating));
    assert_eq!(ledger.condition(ACTION_REQUIRED), None, "it was approved");

    ledger.apply(Change::OrganizationRead(Some("organization X is not validated".to_owned())));
    assert_eq!(ledger.condition(ACTION_REQUIRED), Some(reason::ORGANIZATION_NOT_VALIDATED));
    let before = ledger.status.clone();
    ledger.apply(polled(Progress::Validating));
    ledger.apply(Change::OrganizationRead(Some("organization X is not validated".to_owned())));
    assert_eq!(ledger.status, before, "a poll that tells nothing new writes nothing");
    ledger.apply(Change::OrganizationRead(None));
    assert_eq!(ledger.condition(ACTION_REQUIRED), None);
}

#[test]
fn only_what_was_never_sent_or_came_too_late_is_superseded() {
    let (code, message) = ("code".to_owned(), "words".to_owned());
    let blocked = || CallError::Blocked {
        call: "submit",
        code: code.clone(),
        message: message.clone(),
        action: "pay".to_owned(),
    };
    let ambiguous = || CallError::Ambiguous { call: "submit", message: "reset".to_owned() };
    let table: [(&[Change], bool); 5] = [
        (&[], false),
        (&[answered_with(1, Err(blocked()))], true),
        (&[answered_with(1, Err(ambiguous()))], false),
        (&[answered_with(1, Ok(accepted("1")))], false),
        (&[answered_with(1, Err(blocked())), answered_with(1, Ok(accepted("1")))], false),
    ];
    for (n, (before, ends)) in table.into_iter().enumerate() {
        let mut ledger = Ledger::new(1);
        before.iter().for_each(|change| drop(ledger.apply(change.clone()).clone()));
        ledger.apply(Change::Superseded);
        assert_eq!(ledger.status.state == Some(State::Superseded), ends, "row {n}");
        if ends {
            assert_eq!((ledger.status.failure.clone(), ledger.condition(ACTION_REQUIRED)), (None, None));
        }
    }
}

#[test]
fn where_there_is_nothing_to_publish_the_provider_s_word_is_told() {
    let mut ledger = Ledger::in_state(State::Validating);
    ledger.status.order_id = Some("1".to_owned());
    for (record, message) in [(None, Some("unknown to SCM")), (Some("token"), None)] {
        let validation = provider::Validation { status: "unknown to SCM".to_owned(), ..told("a.org", record) };
        let read = Told { validation, publisher: None, delegated_to: Ok(None) };
        let status = ledger.apply(Change::ValidationsRead(vec![read]));
        assert_eq!(status.validations[0].message.as_deref(), message, "{record:?}");
        assert_eq!(status.validations[0].record.is_some(), record.is_some());
    }
}

#[test]
fn only_what_waits_at_the_provider_makes_way() {
    let waiting = polled(Progress::AwaitingApproval { request_id: None });
    let by_hand = Change::AskedByHand { page: "page".to_owned(), message: "buy".to_owned(), at: at(0) };
    let table: [(&[Change], bool); 5] = [
        (&[by_hand], false),
        (&[answered_with(1, Ok(accepted("1")))], false),
        (&[answered_with(1, Ok(accepted("1"))), polled(Progress::Validating)], false),
        (&[answered_with(1, Ok(accepted("1"))), waiting.clone()], true),
        (&[answered_with(1, Ok(accepted("1"))), waiting, Change::Believed(delivered())], false),
    ];
    for (n, (before, ends)) in table.into_iter().enumerate() {
        let mut ledger = Ledger::new(1);
        before.iter().for_each(|change| drop(ledger.apply(change.clone()).clone()));
        ledger.apply(Change::MadeWay);
        assert_eq!(ledger.status.state == Some(State::Superseded), ends, "row {n}");
        if ends {
            assert_eq!((ledger.status.order_id.as_deref(), ledger.condition(ACTION_REQUIRED)), (Some("1"), None));
        }
    }
}

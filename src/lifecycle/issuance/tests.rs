use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::*;
use crate::{
    api::{
        conditions::reason,
        issuance::{Failure, Looks, Supersedes, ValidationState},
    },
    lifecycle::testing::*,
    provider::{self, Found, Standing},
};

const PAID: [Operation; 2] = [Operation::Order, Operation::Renew];
const ALL: [Operation; 4] = [Operation::Order, Operation::Renew, Operation::Reissue, Operation::Duplicate];

fn absent(mut case: IssuanceCase) -> IssuanceCase {
    case.seen.found = Some(Found::Absent);
    case
}

fn looked(mut case: IssuanceCase, n: i32, count: u32, seconds: i64) -> IssuanceCase {
    let since = time(seconds - i64::from(count - 1) * 225);
    case.status.looks = Some(Looks { n, count, since, last_at: time(seconds) });
    case
}

fn said(mut case: IssuanceCase, class: OutcomeClass, seconds: i64) -> IssuanceCase {
    let n = case.spec.submissions.last().map_or(1, |last| last.n);
    case.status.outcomes.push(outcome(n, class, seconds));
    case
}

/// Recorded by a process that is not ours.
fn theirs(mut case: IssuanceCase) -> IssuanceCase {
    for submission in &mut case.spec.submissions {
        submission.holder = THEM.to_owned();
    }
    case
}

fn placed(operation: Operation) -> IssuanceCase {
    let mut case = IssuanceCase::new(operation);
    case.status.state = Some(State::Submitted);
    case.status.order_id = Some("100".to_owned());
    case
}

fn standing(mut case: IssuanceCase, progress: Progress) -> IssuanceCase {
    case.seen.standing = Some(Standing { progress, order_valid_till: None, delivered: None });
    case.next_poll = Duration::from_secs(20);
    case
}

fn wait(seconds: u64) -> Step<Effect> {
    Step::Wait(Duration::from_secs(seconds))
}

#[test]
fn the_process_that_recorded_a_submission_calls_once_after_a_look_where_one_is_possible() {
    for operation in ALL {
        let fresh = IssuanceCase { fresh: true, ..IssuanceCase::new(operation) };
        let first = if PAID.contains(&operation) { Effect::Look } else { Effect::Submit };
        assert_eq!(fresh.decide(), Step::Do(first), "{operation:?}");
        assert_eq!(absent(fresh).decide(), Step::Do(Effect::Submit), "{operation:?}");
    }
}

#[test]
fn everybody_else_looks_and_never_calls() {
    for operation in ALL {
        let lost = IssuanceCase::new(operation);
        assert_eq!(lost.decide(), Step::Do(Effect::Look), "{operation:?}");
        assert_eq!(absent(lost.clone()).decide(), wait(225), "a quarter of the settle time");
        for class in [OutcomeClass::Ambiguous, OutcomeClass::Accepted] {
            assert_eq!(said(lost.clone(), class, 1).decide(), Step::Do(Effect::Look), "{class:?}");
        }
    }
}

#[test]
fn another_holders_call_is_waited_for() {
    let case = theirs(IssuanceCase::new(Operation::Order));
    assert_eq!(case.decide(), wait(149), "call timeout and lease since the intent");
    assert_eq!(IssuanceCase { now: at(150), ..case }.decide(), Step::Do(Effect::Look));
}

#[test]
fn looks_are_a_quarter_of_the_settle_time_apart_and_pass_all_of_it() {
    let case = looked(IssuanceCase { now: at(300), ..IssuanceCase::new(Operation::Reissue) }, 1, 1, 100);
    assert_eq!(case.decide(), wait(25));
    assert_eq!(IssuanceCase { now: at(325), ..case }.decide(), Step::Do(Effect::Look));
    // Long after the intent, but not after the first look: the call may have been made late.
    let late = |count| {
        absent(looked(IssuanceCase { now: at(90_000), ..IssuanceCase::new(Operation::Reissue) }, 1, count, 90_000))
    };
    assert_eq!(late(4).decide(), wait(225));
    assert_eq!(late(5).decide(), Step::Do(Effect::Append));
    // Two processes that look at once count no time twice.
    let mut doubled = late(9);
    doubled.status.looks = Some(Looks { n: 1, count: 9, since: time(90_000 - 899), last_at: time(90_000) });
    assert_eq!(doubled.decide(), wait(225));
}

#[test]
fn looks_for_an_earlier_submission_count_for_nothing() {
    let mut case = looked(absent(IssuanceCase::new(Operation::Reissue)), 1, 9, 900);
    case.spec.submissions.push(submission(2, 900));
    case.now = at(901);
    assert_eq!(case.decide(), wait(225));
    case.seen.found = None;
    assert_eq!(case.decide(), Step::Do(Effect::Look));
}

#[test]
fn what_cannot_be_found_is_repeated_when_free_and_asked_about_when_paid() {
    let gone = |operation| absent(looked(IssuanceCase::new(operation), 1, 5, 0));
    // An amendment that is made twice has changed one request.
    for operation in [Operation::Reissue, Operation::Duplicate, Operation::Amend] {
        assert_eq!(gone(operation).decide(), Step::Do(Effect::Append), "{operation:?}");
    }
    for operation in PAID {
        let asks = gone(operation).decide();
        let Step::Do(Effect::AskPerson { message }) = &asks else { panic!("{asks:?}") };
        for part in ["submission 1", "account 7", NAME, "00000000-0000-8000-8000-000000000000", "NotPlaced"] {
            assert!(message.contains(part), "{message}");
        }
        assert!(message.chars().count() < 1024, "fits a status");
        let repeat = IssuanceCase { ambiguous_paid: AmbiguousPaid::RepeatWhenAbsent, ..gone(operation) };
        assert_eq!(repeat.decide(), Step::Do(Effect::Append));
    }
}

/// The provider has it: to say it again would be a second purchase, whoever allows repeating.
#[test]
fn what_was_accepted_without_an_id_is_looked_for_and_never_repeated() {
    for operation in PAID {
        let case = said(IssuanceCase::new(operation), OutcomeClass::Accepted, 0);
        assert_eq!(case.decide(), Step::Do(Effect::Look));
        let gone = absent(looked(case, 1, 5, 0));
        let repeat = IssuanceCase { ambiguous_paid: AmbiguousPaid::RepeatWhenAbsent, ..gone };
        assert!(matches!(repeat.decide(), Step::Do(Effect::AskPerson { .. })));
    }
}

/// Sectigo takes no mark with a renewal: to find none there proves nothing.
#[test]
fn only_what_carries_our_mark_can_be_searched_for() {
    for (provider, renewals) in [("digicert", true), ("sectigo", false)] {
        let is_searchable = |operation| {
            let mut spec = IssuanceCase::new(operation).spec;
            spec.account.provider = provider.to_owned();
            searchable(&spec)
        };
        assert!(is_searchable(Operation::Order));
        assert_eq!(is_searchable(Operation::Renew), renewals, "{provider}");
        let unmarked = [Operation::Reissue, Operation::Duplicate, Operation::Adopt, Operation::Amend];
        assert!(!unmarked.into_iter().any(is_searchable));
    }
    for operation in PAID {
        let mut spec = IssuanceCase::new(operation).spec;
        spec.account.provider = "dnsimple".to_owned();
        assert!(!searchable(&spec), "a purchase carries nothing of ours there");
    }
}

#[test]
fn certainly_not_carried_out_is_said_again_after_a_pause_that_doubles_by_class() {
    use OutcomeClass::{Blocked, NotSent, RateLimited};
    for (class, pauses) in [(NotSent, [5, 10, 20]), (RateLimited, [5, 10, 20]), (Blocked, [600, 1200, 2400])] {
        let mut case = IssuanceCase::new(Operation::Order);
        for (n, pause) in (1..).zip(pauses) {
            case.spec.submissions = (1..=n).map(|n| submission(n, 0)).collect();
            case = said(case, class, 0);
            case.now = at(1);
            assert_eq!(case.decide(), wait(pause - 1), "{class:?} {n}");
            case.now = at(i64::try_from(pause).unwrap_or(0));
            assert_eq!(case.decide(), Step::Do(Effect::Append), "{class:?} {n}");
        }
    }
    // An outage does not make a person's problem last a day.
    let mut case = IssuanceCase::new(Operation::Order);
    case.status.outcomes = (1..8).map(|n| outcome(n, NotSent, 0)).collect();
    case.spec.submissions = (1..=8).map(|n| submission(n, 0)).collect();
    assert_eq!(said(case, Blocked, 1).decide(), wait(600));
}

#[test]
fn no_outcome_shortens_a_pause() {
    for class in [OutcomeClass::NotSent, OutcomeClass::RateLimited, OutcomeClass::Blocked] {
        let pause = |n| {
            let outcomes = (1..=n).map(|n| outcome(n, class, 0)).collect();
            pause_after(class, &IssuanceStatus { outcomes, ..IssuanceStatus::default() })
        };
        for n in 1..16 {
            assert!(pause(n) <= pause(n + 1), "{class:?} {n}");
        }
    }
}

#[test]
fn after_sixteen_submissions_it_ends() {
    let full = |operation| {
        let mut case = looked(IssuanceCase { now: at(90_000), ..IssuanceCase::new(operation) }, 16, 5, 90_000);
        case.spec.submissions = (1..=16).map(|n| submission(n, 0)).collect();
        case
    };
    let ends =
        |case: IssuanceCase| matches!(case.decide(), Step::Do(Effect::Fail { class: FailureClass::Exhausted, .. }));
    for operation in ALL {
        assert!(ends(said(full(operation), OutcomeClass::NotSent, 0)), "{operation:?}: nothing was placed");
    }
    assert!(ends(absent(full(Operation::Reissue))));
    // What may have been paid for is a person's to judge.
    let repeat = IssuanceCase { ambiguous_paid: AmbiguousPaid::RepeatWhenAbsent, ..absent(full(Operation::Order)) };
    assert!(matches!(repeat.decide(), Step::Do(Effect::AskPerson { .. })));
    let mut answered = full(Operation::Order);
    answered.status.state = Some(State::NeedsAttention);
    answered.status.conditions = vec![resolved(reason::NOT_PLACED, "")];
    assert!(ends(answered));
}

#[test]
fn a_stopped_issuance_calls_nothing_until_a_person_answers_or_a_look_finds_it() {
    let mut case = IssuanceCase { fresh: true, ..IssuanceCase::new(Operation::Order) };
    case.status.state = Some(State::NeedsAttention);
    assert_eq!(case.decide(), Step::Do(Effect::Look), "an order that shows up late is still found");
    case.next_poll = Duration::from_secs(300);
    assert_eq!(case.decide(), wait(300));
    case.next_poll = Duration::ZERO;
    assert_eq!(absent(case.clone()).decide(), wait(1));

    let answers = [
        (resolved(reason::NOT_PLACED, ""), Step::Do(Effect::Append)),
        (resolved(reason::PLACED, " 123\n"), Step::Do(Effect::Take { order_id: "123".to_owned() })),
        (resolved(reason::PLACED, ""), Step::Do(Effect::Look)),
        (resolved("Maybe", ""), Step::Do(Effect::Look)),
        (Condition { status: "False".to_owned(), ..resolved(reason::NOT_PLACED, "") }, Step::Do(Effect::Look)),
    ];
    for (condition, expected) in answers {
        case.status.conditions = vec![condition.clone()];
        assert_eq!(case.decide(), expected, "{condition:?}");
    }
}

#[test]
fn an_answer_given_before_the_question_counts_for_nothing() {
    let mut case = IssuanceCase::new(Operation::Order);
    case.status.conditions = vec![resolved(reason::NOT_PLACED, "")];
    assert_eq!(case.decide(), Step::Do(Effect::Look));
}

#[test]
fn another_installations_ledger_is_left_alone() {
    for state in [None, Some(State::Submitted), Some(State::NeedsAttention), Some(State::Installed)] {
        let mut case = IssuanceCase { fresh: true, deleted: Some(at(0)), ..placed(Operation::Order) };
        case.spec.submissions[0].installation = "there".to_owned();
        case.status.state = state;
        assert_eq!(case.decide(), Step::Done, "{state:?}");
    }
}

#[test]
fn what_is_placed_is_followed_to_its_certificate() {
    let case = placed(Operation::Order);
    assert_eq!(case.decide(), Step::Do(Effect::Poll));
    assert_eq!(IssuanceCase { next_poll: Duration::from_secs(9), ..case.clone() }.decide(), wait(9));

    let download = Effect::Download { certificate_id: "9".to_owned() };
    let refused = Effect::Fail { class: FailureClass::Canceled, message: "rejected".to_owned() };
    let table = [
        (Progress::Issued { certificate_id: "9".to_owned() }, Step::Do(download)),
        (Progress::Refused { reason: "rejected".to_owned() }, Step::Do(refused)),
        (Progress::AwaitingApproval { request_id: None }, wait(20)),
        (Progress::Processing { status: "processing".to_owned() }, wait(20)),
        (Progress::Validating, Step::Do(Effect::Dcv(dcv::Effect::Read))),
    ];
    for (progress, expected) in table {
        assert_eq!(standing(case.clone(), progress.clone()).decide(), expected, "{progress:?}");
    }
    // A stop that was decided on an older copy stops nothing.
    let mut stopped = case;
    stopped.status.state = Some(State::NeedsAttention);
    assert_eq!(stopped.decide(), Step::Do(Effect::Poll));
}

/// By a process that died, or by another one: then that is why it is refused now.
#[test]
fn what_is_not_issued_has_failed_only_when_nobody_had_it_issued_before() {
    let bought = || standing(placed(Operation::Order), Progress::Bought);
    assert_eq!(bought().decide(), Step::Do(Effect::Issue));
    let mut asked = bought();
    asked.seen.issue_asked = true;
    assert_eq!(asked.decide(), wait(20));
    let refused = |case: IssuanceCase| {
        let seen = Seen { issue_asked: true, issue_refused: Some("400: no".to_owned()), ..case.seen };
        IssuanceCase { seen, next_poll: Duration::from_secs(9), ..case }
    };
    assert_eq!(refused(placed(Operation::Order)).decide(), Step::Do(Effect::Poll), "at once");
    let fail = Effect::Fail { class: FailureClass::Canceled, message: "400: no".to_owned() };
    assert_eq!(refused(bought()).decide(), Step::Do(fail));
    let requested = standing(placed(Operation::Order), Progress::Processing { status: "requesting".to_owned() });
    assert_eq!(refused(requested).decide(), wait(9));
}

#[test]
fn what_was_just_accepted_is_downloaded_without_a_look_at_its_order_when_nothing_else_is_to_be_learnt() {
    let mut case = placed(Operation::Reissue);
    case.status.state = Some(State::Submitted);
    case.status.certificate_id = Some("9".to_owned());
    assert_eq!(case.decide(), Step::Do(Effect::Poll), "the end of the order is not known");
    case.status.order_valid_till = Some(time(86_400));
    assert_eq!(case.decide(), Step::Do(Effect::Download { certificate_id: "9".to_owned() }));
    assert_eq!(IssuanceCase { next_poll: Duration::from_secs(9), ..case.clone() }.decide(), wait(9));
    let mut absent = case.clone();
    absent.seen.not_there = true;
    assert_eq!(absent.decide(), Step::Do(Effect::Poll), "it was not there");
    for state in [State::Validating, State::AwaitingProvider] {
        case.status.state = Some(state);
        assert_eq!(case.decide(), Step::Do(Effect::Poll), "{state:?}: it was looked at already");
    }
    case.status.state = Some(State::Submitted);
    case.status.certificate_id = None;
    assert_eq!(case.decide(), Step::Do(Effect::Poll), "a person has to approve it");
}

#[test]
fn a_certificate_that_is_not_believed_is_downloaded_again_a_few_times() {
    let mut case = standing(placed(Operation::Order), Progress::Issued { certificate_id: "9".to_owned() });
    case.seen.refused_download = true;
    case.status.failure =
        Some(Failure { message: "another key".to_owned(), ..failure(FailureClass::InvalidCertificate, 1) });
    case.seen.unbelieved = 4;
    assert_eq!(case.decide(), wait(20));
    case.seen.unbelieved = 5;
    let ends = Effect::Fail { class: FailureClass::InvalidCertificate, message: "another key".to_owned() };
    assert_eq!(case.decide(), Step::Do(ends));
}

#[test]
fn what_has_ended_or_is_issued_asks_nothing() {
    for state in [State::Issued, State::Installed, State::Failed, State::Denied, State::Superseded] {
        let mut case = IssuanceCase { fresh: true, ..placed(Operation::Order) };
        case.status.state = Some(state);
        assert_eq!(case.decide(), Step::Done, "{state:?}");
        case.finalizer = true;
        assert_eq!(case.decide(), Step::Do(Effect::RemoveFinalizer), "{state:?}");
    }
    let mut rejected = said(IssuanceCase::new(Operation::Order), OutcomeClass::Rejected, 1);
    assert_eq!(rejected.decide(), Step::Done);
    rejected.status.state = Some(State::Failed);
    assert_eq!(rejected.decide(), Step::Done);
}

#[test]
fn only_a_compromised_key_is_revoked_and_only_once_its_successor_is_served() {
    let mut case = placed(Operation::Reissue);
    let serials = strings(&["1", "2"]);
    case.spec.supersedes = Some(Supersedes { public_key_sha256: key_hash('o'), serial_numbers: serials });
    case.spec.reason = Trigger::KeyCompromise;
    let revoke = |serial: &str| Step::Do(Effect::Revoke { serial: serial.to_owned() });
    for state in [State::Issued, State::Failed, State::Superseded] {
        case.status.state = Some(state);
        assert_eq!(case.decide(), Step::Done, "{state:?}");
    }
    case.status.state = Some(State::Installed);
    assert_eq!(case.decide(), revoke("1"));
    case.status.revoked_serials = strings(&["1"]);
    assert_eq!(case.decide(), revoke("2"));
    case.status.revoked_serials = strings(&["1", "2"]);
    assert_eq!(case.decide(), Step::Done);
    case.status.revoked_serials.clear();
    case.spec.reason = Trigger::Requested;
    assert_eq!(case.decide(), Step::Done);
}

#[test]
fn the_fence_lets_only_the_last_submission_through_of_which_nothing_is_known() {
    let spec = issuance_spec(Operation::Order);
    let passes = |change: fn(&mut IssuanceSpec, &mut IssuanceStatus)| {
        let (mut newest, mut status) = (spec.clone(), IssuanceStatus::default());
        change(&mut newest, &mut status);
        may_call(&spec, &newest, Some(&status))
    };
    assert!(may_call(&spec, &spec, None));
    assert!(passes(|_, _| {}));
    assert!(passes(|_, status| status.state = Some(State::Submitting)));
    assert!(!passes(|spec, _| spec.submissions.push(submission(2, 5))), "somebody has submitted since");
    assert!(!passes(|spec, _| spec.submissions[0].holder = THEM.to_owned()), "made anew under the same name");
    assert!(!passes(|spec, _| spec.submissions.clear()));
    assert!(!passes(|_, status| status.order_id = Some("1".to_owned())), "found");
    assert!(!passes(|_, status| status.outcomes.push(outcome(1, OutcomeClass::NotSent, 1))), "called");
    for state in [State::NeedsAttention, State::Issued, State::Failed, State::Denied, State::Installed] {
        let status = IssuanceStatus { state: Some(state), ..IssuanceStatus::default() };
        assert!(!may_call(&spec, &spec, Some(&status)), "{state:?}");
    }
}

#[test]
fn when_no_domain_is_missing_the_organization_is_looked_at_once_a_look() {
    let mut case = standing(placed(Operation::Order), Progress::Validating);
    let valid = |valid| provider::Validation { valid, ..told("a.org", None) };
    case.seen.validations = Some(vec![valid(true), valid(false)]);
    assert_ne!(case.decide(), Step::Do(Effect::ReadOrganization), "a domain is missing");
    for read in [vec![valid(true)], Vec::new()] {
        case.seen.validations = Some(read);
        case.seen.organization = None;
        assert_eq!(case.decide(), Step::Do(Effect::ReadOrganization));
        for answer in [None, Some("it is pending".to_owned())] {
            case.seen.organization = Some(answer);
            assert_eq!(case.decide(), wait(20));
        }
    }
}

#[test]
fn a_person_is_told_what_the_provider_said() {
    let mut case = absent(looked(IssuanceCase::new(Operation::Order), 1, 5, 0));
    let code = "400 Bad Request: out_of_units: no units left";
    case.status.outcomes.push(Outcome { code: Some(code.to_owned()), ..outcome(1, OutcomeClass::Ambiguous, 0) });
    let Step::Do(Effect::AskPerson { message }) = case.decide() else { panic!("{:?}", case.decide()) };
    assert!(message.starts_with(&format!("the answer was: {code}; submission 1 of")), "{message}");
}

#[test]
fn records_are_removed_before_the_object_goes_and_given_up_after_an_hour() {
    let mut case = IssuanceCase { finalizer: true, deleted: Some(at(0)), ..placed(Operation::Order) };
    case.status.validations = vec![validation("a.org", ValidationState::Published)];
    let unpublish = Step::Do(Effect::Dcv(dcv::Effect::Unpublish { domain: "a.org".to_owned() }));
    assert_eq!(case.decide(), unpublish);
    case.seen.stuck.insert("a.org".to_owned());
    assert_eq!(case.decide(), wait(60));
    case.now = at(3600);
    assert_eq!(case.decide(), Step::Do(Effect::RemoveFinalizer), "a namespace must be able to go");
    case.finalizer = false;
    assert_eq!(case.decide(), Step::Done);
}

#[test]
fn a_key_reported_while_its_successor_was_coming_is_revoked_after_it() {
    let mut case = IssuanceCase::new(Operation::Reissue);
    case.spec.reason = Trigger::Expiring;
    case.spec.supersedes = Some(Supersedes { public_key_sha256: key_hash('a'), serial_numbers: strings(&["0a"]) });
    case.status.state = Some(State::Installed);
    assert_eq!(case.decide(), Step::Done, "nobody reported it");
    case.status.state = Some(State::Validating);
    let change = crate::lifecycle::record::Change::Compromised("incident-7".to_owned());
    record::apply(&case.spec, &mut case.status, &change, at(1));
    case.status.state = Some(State::Installed);
    assert_eq!(case.decide(), Step::Do(Effect::Revoke { serial: "0a".to_owned() }));
}

/// Its Certificate is being deleted.
fn withdrawn(mut case: IssuanceCase) -> IssuanceCase {
    record::apply(&case.spec, &mut case.status, &record::Change::Withdrawn, case.now);
    case
}

fn ends_withdrawn(step: &Step<Effect>) -> bool {
    matches!(step, Step::Do(Effect::Fail { class: FailureClass::Withdrawn, .. }))
}

#[test]
fn what_is_withdrawn_is_not_called_for_and_what_may_have_been_placed_is_looked_for() {
    use OutcomeClass::{Ambiguous, Blocked, NotSent, RateLimited};
    for operation in ALL {
        let fresh = IssuanceCase { fresh: true, ..withdrawn(IssuanceCase::new(operation)) };
        assert!(ends_withdrawn(&fresh.decide()), "{operation:?}: recorded and never called");
        for class in [NotSent, RateLimited, Blocked] {
            let refused = withdrawn(said(IssuanceCase::new(operation), class, 0));
            assert!(ends_withdrawn(&refused.decide()), "{operation:?}: {class:?}");
        }
        let unknown = withdrawn(said(IssuanceCase::new(operation), Ambiguous, 0));
        assert_eq!(unknown.decide(), Step::Do(Effect::Look), "{operation:?}");
        let mut gone = absent(looked(unknown, 1, 5, 900));
        gone.now = at(901);
        let asks = matches!(gone.decide(), Step::Do(Effect::AskPerson { .. }));
        assert_eq!(asks, is_paid(operation), "{operation:?}: nobody knows whether it was bought");
        assert_eq!(ends_withdrawn(&gone.decide()), !is_paid(operation), "{operation:?}: what is free is forgotten");
        assert!(!may_call(&fresh.spec, &fresh.spec, Some(&fresh.status)), "{operation:?}: not even a moment before");
    }
}

#[test]
fn what_is_pending_is_canceled_once_a_poll_and_what_is_issued_is_taken() {
    let processing = Progress::Processing { status: "pending".to_owned() };
    for progress in [Progress::AwaitingApproval { request_id: None }, Progress::Validating, processing] {
        let case = standing(withdrawn(placed(Operation::Order)), progress);
        assert_eq!(case.decide(), Step::Do(Effect::Cancel));
        let mut asked = case;
        asked.seen.canceled = true;
        assert_eq!(asked.decide(), wait(20));
    }
    let refused = standing(withdrawn(placed(Operation::Order)), Progress::Refused { reason: "canceled".to_owned() });
    assert!(ends_withdrawn(&refused.decide()), "{:?}", refused.decide());
    let issued = Progress::Issued { certificate_id: "9".to_owned() };
    let issued = standing(withdrawn(placed(Operation::Order)), issued).decide();
    assert_eq!(issued, Step::Do(Effect::Download { certificate_id: "9".to_owned() }), "to be revoked by its serial");
}

#[test]
fn what_was_never_sent_gives_way_to_what_is_wanted_by_now() {
    use OutcomeClass::{Ambiguous, Blocked, NotSent, RateLimited};
    for operation in ALL {
        let new = |wish| IssuanceCase { wish, fresh: true, ..IssuanceCase::new(operation) };
        let old = |wish| IssuanceCase { fresh: false, ..new(wish) };
        for wish in [Wish::Changed, Wish::Rest, Wish::Gone] {
            assert_eq!(
                new(wish).decide(),
                Step::Do(Effect::GiveBack { why: "its Certificate was changed or suspended before" })
            );
            assert_eq!(old(wish).decide(), old(Wish::Same).decide(), "who knows whether it was made");
            let unknown = said(old(wish), Ambiguous, 1);
            assert_eq!(unknown.decide(), said(old(Wish::Same), Ambiguous, 1).decide());
        }
        for class in [NotSent, RateLimited, Blocked] {
            let later = |wish| IssuanceCase { now: at(100_000), ..said(old(wish), class, 1) };
            assert_eq!(later(Wish::Same).decide(), Step::Do(Effect::Append));
            assert_eq!(later(Wish::Changed).decide(), Step::Do(Effect::Supersede));
            assert_eq!(later(Wish::Rest).decide(), wait(3600), "asked for again once it goes on");
            assert_eq!(later(Wish::Gone).decide(), Step::Do(Effect::Supersede), "nobody wants it");
        }
        // What was placed is followed, whatever is wanted.
        for wish in [Wish::Changed, Wish::Rest, Wish::Gone] {
            let followed = IssuanceCase { wish, ..placed(operation) };
            assert_eq!(followed.decide(), Step::Do(Effect::Poll));
        }
    }
}

#[test]
fn nobodys_word_makes_a_suspended_certificate_pay() {
    let mut stopped = IssuanceCase { wish: Wish::Rest, ..IssuanceCase::new(Operation::Order) };
    stopped.status.state = Some(State::NeedsAttention);
    stopped.status.conditions = vec![resolved(reason::NOT_PLACED, "")];
    assert_eq!(stopped.decide(), wait(3600));
    stopped.wish = Wish::Changed;
    assert_eq!(stopped.decide(), Step::Do(Effect::Append), "what may show up late belongs to this one");
}

#[test]
fn a_reissue_that_waits_for_an_unwanted_name_is_taken_back_and_a_purchase_is_not() {
    for operation in ALL {
        let stuck = IssuanceCase { wish: Wish::Stuck, ..standing(placed(operation), Progress::Validating) };
        let canceled = stuck.decide() == Step::Do(Effect::Cancel);
        assert_eq!(canceled, operation == Operation::Reissue, "{operation:?}");
        let mut tried = stuck.clone();
        tried.seen.canceled = true;
        assert_ne!(tried.decide(), Step::Do(Effect::Cancel), "once");
        let wanted = IssuanceCase { wish: Wish::Changed, ..stuck };
        assert_ne!(wanted.decide(), Step::Do(Effect::Cancel));
    }
}

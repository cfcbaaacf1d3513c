use super::*;
use crate::{
    api::{
        CertificateStatus,
        certificate::{Day, Renewal, RenewalPolicy, Window},
        conditions::{APPROVED, condition},
        issuance::{Cost, FailureClass, Operation, PublisherKind, Trigger, Validation, ValidationState},
    },
    lifecycle::{
        certificate::{IssuerView, KeyView, OrderView},
        testing::{
            CertificateCase, NAME, at, days, failed, foreign, issued, leaf, order, ours, outcome, revoked, strings,
            validation,
        },
    },
    provider::{AutoRenewal, OrderFacts, OrderStatus},
};

fn shown(case: &CertificateCase) -> CertificateStatus {
    super::status(&case.observed(), &case.decide())
}

fn is(status: &CertificateStatus, type_: &str) -> Option<(bool, String)> {
    condition(&status.conditions, type_).map(|condition| (condition.status == "True", condition.reason.clone()))
}

/// How kstatus (sigs.k8s.io/cli-utils) reads it.
fn kstatus(status: &CertificateStatus) -> &'static str {
    let holds = |type_| is(status, type_).is_some_and(|(holds, _)| holds);
    match (holds(STALLED), holds(RECONCILING), holds(READY)) {
        (true, _, _) => "Failed",
        (_, true, _) => "InProgress",
        (_, _, true) => "Current",
        _ => "InProgress",
    }
}

fn waiting_for_a_person(mut issuance: Issuance) -> Issuance {
    let conditions = &mut issuance.status.get_or_insert_default().conditions;
    set_condition(conditions, ACTION_REQUIRED, true, reason::NEEDS_ATTENTION, "look", None, &Time(at(0)));
    issuance
}

fn plan(case: &CertificateCase) -> Option<(Operation, Cost, Trigger, String)> {
    shown(case).next.map(|next| (next.operation, next.cost, next.reason, next.summary))
}

fn expect(
    operation: Operation,
    cost: Cost,
    trigger: Trigger,
    summary: &str,
) -> Option<(Operation, Cost, Trigger, String)> {
    Some((operation, cost, trigger, summary.to_owned()))
}

fn lost(case: CertificateCase) -> CertificateCase {
    CertificateCase { secret: SecretView::Absent, ..case }
}

fn reading(facts: OrderFacts, case: CertificateCase) -> CertificateCase {
    CertificateCase { order: OrderView::Read(facts), key: KeyView::Absent, ..case }
}

#[test]
fn tools_that_know_kubernetes_understand_it() {
    let new = CertificateCase::new;
    let served = CertificateCase::served;
    let renamed = || reading(order(), served().named(&["www.example.com"]));
    let no_issuer = |case| CertificateCase { issuer: IssuerView::Missing, ..case };
    let table = [
        ("never seen", new(), "InProgress", reason::PENDING),
        ("under way", new().with(issued(1, State::Validating, 'a')), "InProgress", reason::ISSUING),
        (
            "waits for a person",
            new().with(waiting_for_a_person(issued(1, State::NeedsAttention, 'a'))),
            "Failed",
            reason::ISSUING,
        ),
        ("no issuer", no_issuer(new()), "Failed", reason::ISSUER_NOT_FOUND),
        ("failed", new().with(failed(1, FailureClass::Rejected, 0)), "InProgress", reason::FAILED),
        ("served", served(), "Current", reason::ISSUED),
        ("renewal under way", served().with(issued(2, State::Validating, 'b')), "Current", reason::ISSUED),
        (
            "renewal waits for a person",
            served().with(waiting_for_a_person(issued(2, State::NeedsAttention, 'b'))),
            "Current",
            reason::ISSUED,
        ),
        (
            "renewal without an issuer",
            CertificateCase { now: days(198), ..no_issuer(served()) },
            "Current",
            reason::ISSUED,
        ),
        ("changed", renamed(), "InProgress", reason::PENDING),
        ("changed and refused", no_issuer(renamed()), "Failed", reason::ISSUER_NOT_FOUND),
        ("changed and under way", renamed().with(issued(2, State::Validating, 'b')), "InProgress", reason::ISSUING),
        ("changed and compromised", renamed().asking("t", Some("KeyCompromise")), "InProgress", reason::PENDING),
        ("expired", reading(order(), CertificateCase { now: days(200), ..served() }), "InProgress", reason::EXPIRED),
        ("lost", lost(served()), "InProgress", reason::PENDING),
        ("another's Secret", CertificateCase { secret: foreign(), ..new() }, "Failed", reason::SECRET_NOT_OURS),
    ];
    for (what, case, expected, reason) in table {
        let status = shown(&case);
        assert_eq!(kstatus(&status), expected, "{what}: {:?}", status.conditions);
        assert_eq!(is(&status, READY).map(|(_, reason)| reason).as_deref(), Some(reason), "{what}");
        let ready = is(&status, READY).is_some_and(|(ready, _)| ready);
        assert!(!(ready && (is(&status, STALLED).is_some() || is(&status, RECONCILING).is_some())), "{what}");
        assert!(status.conditions.iter().all(|condition| condition.observed_generation == Some(1)), "{what}");
    }
}

#[test]
fn a_key_secret_in_the_way_of_a_renewal_leaves_it_ready() {
    let case = reading(order(), CertificateCase { now: days(198), ..CertificateCase::served() });
    let status = shown(&CertificateCase { key: KeyView::Foreign, ..case });
    assert_eq!(is(&status, READY), Some((true, reason::ISSUED.to_owned())));
    assert_eq!(is(&status, ACTION_REQUIRED), Some((true, reason::SECRET_NOT_OURS.to_owned())));
}

#[test]
fn what_only_a_person_can_do_is_said_with_where() {
    let case = CertificateCase::new().with(waiting_for_a_person(issued(1, State::NeedsAttention, 'a')));
    assert_eq!(is(&shown(&case), ACTION_REQUIRED), Some((true, reason::NEEDS_ATTENTION.to_owned())));
    let names = ["a.org", "b.org", "c.org", "d.org"];
    let case = CertificateCase::new().named(&names).with(issued(1, State::Validating, 'a')).edit_last(|issuance| {
        let by_hand =
            |domain, state| Validation { publisher: Some(PublisherKind::Manual), ..validation(domain, state) };
        issuance.status.get_or_insert_default().validations = vec![
            by_hand("a.org", ValidationState::Published),
            by_hand("b.org", ValidationState::Cleaned),
            Validation { publisher: None, ..validation("c.org", ValidationState::Visible) },
            validation("d.org", ValidationState::Published),
        ];
    });
    let status = shown(&case);
    let required = condition(&status.conditions, ACTION_REQUIRED).expect("to publish by hand");
    assert_eq!(required.reason, reason::VALIDATION_REQUIRED);
    assert!(
        required.message.ends_with("_dnsauth.a.org. TXT \"token\"; _dnsauth.c.org. TXT \"token\""),
        "{}",
        required.message
    );
}

#[test]
fn the_plan_is_always_visible() {
    use Cost::{Free, MayCharge, Paid};
    use Operation::{Order, Reissue, Renew};
    use Trigger::{Expiring, FirstIssue, KeyLost, SpecChanged};
    let served = CertificateCase::served;
    let ended = |status| reading(OrderFacts { status, ..order() }, lost(served()));
    let renewed = OrderFacts { renewed_by: Some("101".to_owned()), ..order() };
    let late = CertificateCase { now: days(198), ..served() };
    let last = OrderFacts { valid_till: Some(jiff::civil::date(2026, 12, 31)), ..order() };
    let buys_itself = OrderFacts { auto_renew: AutoRenewal::Scheduled, ..last.clone() };
    let table = [
        (CertificateCase::new(), expect(Order, Paid, FirstIssue, "Order (paid)")),
        (served(), expect(Reissue, Free, Expiring, "Reissue (free)")),
        (lost(served()), expect(Reissue, Free, KeyLost, "Reissue (free)")),
        (reading(renewed, lost(served())), expect(Reissue, Free, KeyLost, "Reissue (free)")),
        (served().named(&[NAME, "www.example.com"]), expect(Reissue, MayCharge, SpecChanged, "Reissue (may charge)")),
        (reading(last, late.clone()), expect(Renew, Paid, Expiring, "Renew (paid)")),
        (reading(buys_itself, late), expect(Renew, Paid, Expiring, "Renew waits for a person (paid)")),
        (ended(OrderStatus::Expired), expect(Order, Paid, KeyLost, "Order (paid)")),
        (ended(OrderStatus::Revoked), expect(Order, Paid, KeyLost, "Order waits for a person (paid)")),
        (ended(OrderStatus::Pending), expect(Reissue, Free, KeyLost, "Reissue (free)")),
        (
            CertificateCase { order: OrderView::Absent, ..lost(served()) },
            expect(Order, Paid, KeyLost, "Order waits for a person (paid)"),
        ),
        (
            CertificateCase { secret: foreign(), ..CertificateCase::new() },
            expect(Order, Paid, FirstIssue, "Order waits for a person (paid)"),
        ),
        (served().with(issued(2, State::Validating, 'b')), expect(Order, Paid, FirstIssue, "Order under way (paid)")),
    ];
    for (n, (case, expected)) in table.into_iter().enumerate() {
        assert_eq!(plan(&case), expected, "row {n}");
    }
}

#[test]
fn what_was_approved_waits_for_no_person() {
    let mut waiting = issued(1, State::AwaitingApproval, 'a');
    let status = waiting.status.insert(crate::api::IssuanceStatus::default());
    status.state = Some(State::AwaitingApproval);
    let mut set =
        |type_: &str, why: &str| set_condition(&mut status.conditions, type_, true, why, "why", None, &Time(at(0)));
    set(ACTION_REQUIRED, reason::APPROVAL_REQUIRED);
    set(HINDERED, reason::BUDGET_EXHAUSTED);
    waiting.spec.submissions.clear();
    let shows = |issuance: &Issuance| {
        let case = CertificateCase::new().with(issuance.clone());
        let status = shown(&case);
        let summary = status.next.as_ref().map(|next| next.summary.clone()).unwrap_or_default();
        (summary, is(&status, ACTION_REQUIRED).map(|(_, reason)| reason), is(&status, ISSUING))
    };
    let hindered = || Some((true, reason::BUDGET_EXHAUSTED.to_owned()));
    let asked = Some(reason::APPROVAL_REQUIRED.to_owned());
    assert_eq!(shows(&waiting), ("Order waits for a person (paid)".to_owned(), asked, hindered()));
    let conditions = &mut waiting.status.get_or_insert_default().conditions;
    set_condition(conditions, APPROVED, true, "Approved", "by me", None, &Time(at(0)));
    assert_eq!(shows(&waiting), ("Order under way (paid)".to_owned(), None, hindered()));
}

#[test]
fn the_plan_says_when() {
    let next = |case: &CertificateCase| shown(case).next.and_then(|next| next.at).map(|at| at.0);
    assert_eq!(next(&CertificateCase::new()), None, "now");
    let served = shown(&CertificateCase::served());
    assert_eq!(served.next.and_then(|next| next.at), served.renewal_time, "as soon as it is due");
    // After a failure, when it is tried again; in the ledger's words, to the minute.
    let failed = CertificateCase { now: at(61), ..CertificateCase::new().with(failed(1, FailureClass::Rejected, 60)) };
    let status = shown(&failed);
    assert_eq!(next(&failed), Some(at(660)));
    let failures = status.failures.expect("one");
    assert_eq!((failures.consecutive, failures.since, failures.next_try), (1, Some(Time(at(60))), Some(Time(at(660)))));
    // An order that ends in more than ninety days is waited for.
    let gains_nothing = OrderFacts { valid_till: Some(jiff::civil::date(2026, 12, 20)), ..order() };
    let early = CertificateCase { now: days(100), ..reading(gains_nothing, CertificateCase::served()) };
    let mut early = early;
    let before = Some(std::time::Duration::from_secs(120 * 86_400).into());
    early.certificate.spec.renewal = Some(Renewal { before, ..Renewal::default() });
    assert_eq!(next(&early), Some(days(203 - 90)));
    // And then the next window: 2026-09-22 is a Tuesday.
    early.certificate.spec.renewal = Some(Renewal { before, windows: vec![sundays(None)], ..Renewal::default() });
    let at = next(&early).expect("a time");
    assert!(at > days(203 - 85) && at < days(203 - 84), "{at}");
}

fn sundays(time_zone: Option<&str>) -> Window {
    Window {
        days: vec![Day::Sun],
        from: "00:00".to_owned(),
        to: "04:00".to_owned(),
        time_zone: time_zone.map(str::to_owned),
    }
}

#[test]
fn a_window_that_never_opens_is_told_long_before() {
    let mut case = CertificateCase::served();
    case.certificate.spec.renewal =
        Some(Renewal { windows: vec![sundays(Some("Europe/Bielefeld"))], ..Renewal::default() });
    let status = shown(&case);
    assert_eq!(is(&status, ACTION_REQUIRED), Some((true, reason::INVALID_SPEC.to_owned())));
    assert_eq!(is(&status, READY), Some((true, reason::ISSUED.to_owned())));
    assert_eq!(status.renewal_time, Some(Time(days(192))), "a week before the end it is replaced all the same");
}

#[test]
fn by_hand_the_plan_says_that_a_token_is_needed() {
    let by_hand = |mut case: CertificateCase| {
        case.certificate.spec.renewal = Some(Renewal { policy: Some(RenewalPolicy::Manual), ..Renewal::default() });
        case
    };
    let summary = |case: &CertificateCase| plan(case).map(|(_, _, _, summary)| summary).unwrap_or_default();
    let early = by_hand(CertificateCase::served());
    assert_eq!(summary(&early), "Reissue by token (free)");
    assert_eq!(is(&shown(&early), ACTION_REQUIRED), None);
    let due = CertificateCase { now: days(198), ..early };
    assert_eq!(summary(&due), "Reissue by token (free), expires 2026-12-17");
    let status = shown(&due);
    let required = condition(&status.conditions, ACTION_REQUIRED).expect("a person");
    assert_eq!(required.reason, reason::RENEWAL_DUE);
    assert!(
        required.message.contains("expires at 2026-12-17T00:00:00Z") && required.message.contains("reissue-requested"),
        "{}",
        required.message
    );
    assert_eq!(kstatus(&status), "Current");
    assert_eq!(summary(&due.asking("t", None)), "Reissue (free)");
}

#[test]
fn the_plan_stays_while_the_issuer_cannot_be_asked() {
    let mut case = CertificateCase::served();
    case.certificate.status = Some(shown(&case));
    let before = plan(&case);
    for issuer in [IssuerView::Missing, IssuerView::NotReady("why".to_owned())] {
        assert_eq!(plan(&CertificateCase { issuer, ..case.clone() }), before);
    }
    assert!(before.is_some());
}

#[test]
fn who_removes_a_name_learns_what_the_provider_does() {
    let two = |case: CertificateCase| {
        case.edit_last(|issuance| issuance.spec.request.dns_names = strings(&[NAME, "www.example.com"]))
    };
    let fewer = two(CertificateCase::served());
    let (_, _, _, summary) = plan(&fewer).expect("a plan");
    assert!(summary.contains("names removed") && summary.contains("72 h") && summary.len() <= 128, "{summary}");
    let mut reissue = issued(2, State::Validating, 'b');
    reissue.spec.operation = Operation::Reissue;
    let status = shown(&fewer.with(reissue));
    let issuing = condition(&status.conditions, ISSUING).expect("under way");
    assert!(issuing.message.contains("www.example.com removed: DigiCert revokes"), "{}", issuing.message);
    let summary = status.next.map(|next| next.summary).unwrap_or_default();
    assert!(summary.contains("under way") && summary.contains("72 h") && summary.len() <= 128, "{summary}");
    assert!(!plan(&CertificateCase::served()).expect("a plan").3.contains("72 h"));
}

#[test]
fn what_became_of_a_call_is_said() {
    let after = |class| {
        let case = CertificateCase::new().with(issued(1, State::Submitting, 'a')).edit_last(|issuance| {
            let status = issuance.status.get_or_insert_default();
            status.order_id = None;
            status.outcomes = vec![outcome(1, class, 1)];
        });
        condition(&shown(&case).conditions, ISSUING).map(|issuing| issuing.message.clone()).unwrap_or_default()
    };
    assert!(after(OutcomeClass::Ambiguous).contains("no certain answer"), "{}", after(OutcomeClass::Ambiguous));
    assert!(after(OutcomeClass::NotSent).contains("made again"));
    assert_eq!(after(OutcomeClass::Accepted), "Order shop-1 is Submitting, since 2026-06-01T00:00:00Z");
}

#[test]
fn facts_come_from_the_certificate_and_go_with_it() {
    let status = shown(&CertificateCase::served());
    assert_eq!(status.serial_number.as_deref(), Some("a"));
    assert_eq!((status.not_before, status.not_after), (Some(Time(at(0))), Some(Time(days(199)))));
    assert_eq!((status.revision, status.order.map(|order| order.order_id).as_deref()), (Some(1), Some("100")));
    let mut case = lost(CertificateCase::served());
    case.certificate.status = Some(shown(&CertificateCase::served()));
    let status = shown(&case);
    assert_eq!((status.serial_number, status.not_after, status.renewal_time), (None, None, None));
    assert_eq!(status.order.map(|order| order.order_id).as_deref(), Some("100"), "the order lives on");
}

#[test]
fn an_order_that_only_the_secret_names_is_not_shown_as_known() {
    let restored = CertificateCase { issuances: Vec::new(), ..CertificateCase::served() };
    assert_eq!(shown(&restored).order, None, "else its next reader would trust it");
}

#[test]
fn a_token_is_shown_as_handled_once_it_is() {
    let asked = |state| {
        let mut issuance = issued(2, state, 'b');
        issuance.spec.request_token = Some("t".to_owned());
        shown(&CertificateCase::served().asking("t", None).with(issuance)).last_handled_reissue_request
    };
    assert_eq!(asked(State::Installed).as_deref(), Some("t"));
    for state in [State::Submitting, State::Issued, State::Failed, State::Superseded] {
        assert_eq!(asked(state), None, "{state:?}");
    }
}

#[test]
fn nothing_changes_when_nothing_has_changed() {
    let mut case = CertificateCase { secret: ours(leaf()), ..CertificateCase::served() };
    case.certificate.status = Some(shown(&case));
    for seconds in [11, 500, 3000] {
        let later = CertificateCase { now: at(seconds), ..case.clone() };
        assert_eq!(Some(shown(&later)), later.certificate.status, "{seconds}");
    }
}

#[test]
fn ready_means_that_what_is_beside_the_pair_is_there_too() {
    let with = |outputs| {
        let mut case = CertificateCase::served();
        if let SecretView::Ours(held) = &mut case.secret {
            held.outputs = outputs;
        }
        case
    };
    let differs = shown(&with(Outputs::Differ));
    assert_eq!(is(&differs, READY), Some((false, reason::PENDING.to_owned())));
    assert_eq!(kstatus(&differs), "InProgress");
    let refused = CertificateCase { unwritable: Some("immutable".to_owned()), ..with(Outputs::Differ) };
    assert_eq!(is(&shown(&refused), READY), Some((false, reason::SECRET_NOT_WRITABLE.to_owned())));
    assert_eq!(kstatus(&shown(&refused)), "Failed");
    let missing = shown(&with(Outputs::Unmakeable("Secret pw does not exist".to_owned())));
    assert_eq!(is(&missing, READY), Some((false, reason::KEYSTORE_PASSWORD.to_owned())));
    assert_eq!(is(&missing, ACTION_REQUIRED), Some((true, reason::KEYSTORE_PASSWORD.to_owned())));
    assert_eq!(kstatus(&missing), "Failed");
    assert_eq!(kstatus(&shown(&with(Outputs::AsWanted))), "Current");
}

#[test]
fn a_chain_that_was_not_offered_is_told_beside_ready() {
    let other = |issuance: &mut Issuance| {
        let conditions = &mut issuance.status.get_or_insert_default().conditions;
        set_condition(conditions, PREFERRED_CHAIN, false, reason::NOT_OFFERED, "no chain to X", None, &Time(at(0)));
    };
    let case = CertificateCase::served().edit_last(other);
    let status = shown(&case);
    assert_eq!(is(&status, PREFERRED_CHAIN), Some((false, reason::NOT_OFFERED.to_owned())));
    assert_eq!((is(&status, READY).map(|(holds, _)| holds), kstatus(&status)), (Some(true), "Current"));
    let mut later = case.with(issued(2, State::Installed, 'a'));
    later.certificate.status = Some(status);
    assert_eq!(is(&shown(&later), PREFERRED_CHAIN), None, "the next certificate has it");
}

/// Each sentence is a write.
#[test]
fn of_an_operations_first_moments_nothing_is_told_but_that_it_begins() {
    let mut case = CertificateCase { key: KeyView::Absent, ..CertificateCase::new() };
    let begins = shown(&case);
    assert_eq!(begins.issuance.as_deref(), Some("shop-1"));
    assert_eq!(is(&begins, ISSUING), Some((true, reason::ISSUING.to_owned())));

    case.certificate.status = Some(begins.clone());
    let mut case = case.with(issued(1, State::Submitted, 'a')).edit_last(|placed| {
        placed.spec.submissions[0].at = Time(at(9));
    });
    assert_eq!(shown(&case), begins, "a second after it was recorded");
    assert!(matches!(case.decide(), Ok(Step::Wait(pause)) if pause.as_secs() <= 5), "looked at again soon");
    case.now = at(14);
    let later = shown(&case);
    let message = &condition(&later.conditions, ISSUING).expect("told").message;
    assert!(message.contains("is Submitted"), "{message}");

    case.now = at(10);
    let troubled = case.edit_last(|placed| {
        placed.status.get_or_insert_default().outcomes = vec![outcome(1, OutcomeClass::Ambiguous, 10)];
    });
    assert_ne!(shown(&troubled), begins, "trouble is told at once");
}

#[test]
fn a_revoked_certificate_is_not_ready_and_its_replacement_is_planned() {
    let status = shown(&CertificateCase { revoked: Some(revoked("a")), ..CertificateCase::served() });
    assert_eq!(is(&status, READY), Some((false, reason::REVOKED.to_owned())));
    let message = condition(&status.conditions, READY).map(|ready| ready.message.clone()).unwrap_or_default();
    assert!(message.contains("keyCompromise") && message.contains("revocation list"), "{message}");
    assert_eq!(status.revoked, Some(revoked("a")));
    let next = status.next.clone().expect("a plan");
    assert_eq!((next.operation, next.cost, next.reason), (Operation::Reissue, Cost::Free, Trigger::Revoked));
    let replaced = shown(&CertificateCase { revoked: Some(revoked("b")), ..CertificateCase::served() });
    assert_eq!((replaced.revoked, kstatus(&status)), (None, "InProgress"));
}

#[test]
fn who_suspends_sees_it_and_what_waits() {
    let suspended = |mut case: CertificateCase| {
        case.certificate.spec.suspend = Some(true);
        case
    };
    let at_rest = shown(&suspended(CertificateCase::served()));
    assert_eq!(is(&at_rest, SUSPENDED), Some((true, reason::SUSPENDED.to_owned())));
    assert_eq!((kstatus(&at_rest), is(&at_rest, ACTION_REQUIRED)), ("Current", None));
    assert_eq!(at_rest.next.map(|next| next.summary).as_deref(), Some("Reissue suspended (free)"));
    let new = shown(&suspended(CertificateCase::new()));
    assert_eq!(is(&new, READY), Some((false, reason::SUSPENDED.to_owned())));
    let waiting = shown(&suspended(CertificateCase::served().with(issued(2, State::Issued, 'b'))));
    let told = condition(&waiting.conditions, SUSPENDED).map(|told| told.message.clone()).unwrap_or_default();
    assert!(told.contains("shop-2 waits to be installed"), "{told}");
    let mut case = CertificateCase::served();
    case.certificate.status = Some(waiting);
    assert_eq!(is(&shown(&case), SUSPENDED), None, "gone with it");
}

#[test]
fn a_purchase_that_waits_for_a_name_nobody_wants_is_a_persons_to_judge() {
    let pending = |domain: &str, operation| {
        CertificateCase::new().with(issued(1, State::Validating, 'a')).edit_last(|issuance| {
            issuance.spec.operation = operation;
            issuance.status.get_or_insert_default().validations = vec![validation(domain, ValidationState::Visible)];
        })
    };
    let asked = |case: &CertificateCase| is(&shown(case), ACTION_REQUIRED);
    assert_eq!(asked(&pending("example.com", Operation::Order)), None);
    let stuck = pending("typo.org", Operation::Order);
    assert_eq!(asked(&stuck), Some((true, reason::VALIDATION_REQUIRED.to_owned())));
    let status = shown(&stuck);
    let told = condition(&status.conditions, ACTION_REQUIRED).map(|told| told.message.clone()).unwrap_or_default();
    assert!(told.contains("order 100 waits for the validation of typo.org"), "{told}");
    assert_eq!(asked(&pending("typo.org", Operation::Reissue)), None, "it is taken back");
}

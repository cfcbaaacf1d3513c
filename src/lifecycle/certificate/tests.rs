use super::*;
use crate::{
    api::{
        IssuanceSpec,
        issuance::{Cost, FailureClass, Operation, Parent, Supersedes},
        issuer::{Policy, PolicyRule},
        meta,
    },
    lifecycle::{
        record::{self, Change},
        testing::{self, CertificateCase, NAME, at, days, failed, issued, key_hash, leaf, order, stored_key, strings},
    },
    provider::{OrderFacts, OrderStatus},
};

type Decision = Result<Step<Effect>, Hindrance>;

fn lost(case: CertificateCase) -> CertificateCase {
    CertificateCase { secret: SecretView::Absent, ..case }
}

fn reading(facts: OrderFacts, case: CertificateCase) -> CertificateCase {
    CertificateCase { order: OrderView::Read(facts), key: KeyView::Absent, ..case }
}

/// What would be done, once key and order are known.
fn chosen(case: &CertificateCase) -> Plan {
    match case.decide() {
        Ok(Step::Do(Effect::StoreKey(plan))) => *plan,
        other => panic!("{other:?}"),
    }
}

fn hindered(decision: Decision) -> (&'static str, bool, String) {
    match decision {
        Err(hindrance) => (hindrance.reason, hindrance.person, hindrance.message),
        other => panic!("{other:?}"),
    }
}

fn reason_of(decision: Decision) -> (&'static str, bool) {
    let (reason, person, _) = hindered(decision);
    (reason, person)
}

fn read_order(order_id: &str) -> Decision {
    Ok(Step::Do(Effect::ReadOrder { order_id: order_id.to_owned() }))
}

fn with_policy(mut case: CertificateCase, rule: PolicyRule) -> CertificateCase {
    if let IssuerView::Ready { spec, .. } = &mut case.issuer {
        spec.policy = Some(Policy { rules: vec![rule], ..Policy::default() });
    }
    case
}

#[test]
fn a_first_certificate_takes_five_steps() {
    let case = CertificateCase::new();
    let unread = CertificateCase { secret: SecretView::Unread, ..case.clone() };
    assert_eq!(unread.decide(), Ok(Step::Do(Effect::ReadSecret)));
    assert_eq!(case.decide(), Ok(Step::Do(Effect::ReadKey { issuance: "shop-1".to_owned() })));
    let absent = CertificateCase { key: KeyView::Absent, ..case.clone() };
    let plan = chosen(&absent);
    assert_eq!((plan.operation, plan.cost, plan.trigger), (Operation::Order, Cost::Paid, Trigger::FirstIssue));
    assert_eq!((plan.revision, plan.parent.clone()), (1, None));
    let key = stored_key('a', &[NAME]);
    let stored = CertificateCase { key: KeyView::Stored(key.clone()), ..case.clone() };
    assert_eq!(stored.decide(), Ok(Step::Do(Effect::RecordIntent(Box::new(plan), key))));

    let under_way = case.clone().with(issued(1, State::Validating, 'a'));
    assert_eq!(under_way.decide(), Ok(Step::Wait(LOOK_AGAIN)));
    let issued = case.with(issued(1, State::Issued, 'a'));
    assert_eq!(issued.decide(), Ok(Step::Do(Effect::Install { issuance: "shop-1".to_owned() })));
    let served = CertificateCase { secret: testing::ours(leaf()), ..issued };
    assert_eq!(served.decide(), Ok(Step::Do(Effect::MarkInstalled { issuance: "shop-1".to_owned() })));
}

#[test]
fn a_certificate_for_the_key_in_use_is_installed_all_the_same() {
    let mut again = issued(2, State::Issued, 'a');
    again.status.get_or_insert_default().serial_number = Some("b".to_owned());
    let case = CertificateCase::served().with(again);
    assert_eq!(case.decide(), Ok(Step::Do(Effect::Install { issuance: "shop-2".to_owned() })));
    let newer = Leaf { serial: "b".to_owned(), ..leaf() };
    let served = CertificateCase { secret: testing::ours(newer), ..case };
    assert_eq!(served.decide(), Ok(Step::Do(Effect::MarkInstalled { issuance: "shop-2".to_owned() })));
}

#[test]
fn nothing_is_done_for_a_certificate_that_goes() {
    let mut case = CertificateCase::new();
    case.certificate.metadata.deletion_timestamp = Some(testing::time(0));
    assert_eq!(case.decide(), Ok(Step::Done));
}

#[test]
fn a_secret_is_written_by_its_owner_alone() {
    let view = |secret: SecretView, rival: Option<&str>, take_over: Option<bool>| {
        let mut case = CertificateCase { secret, rival: rival.map(str::to_owned), ..CertificateCase::new() };
        case.certificate.spec.take_over_secret = take_over;
        case.decide()
    };
    let taken = (reason::SECRET_OWNED_BY_OTHER, true);
    assert_eq!(reason_of(view(SecretView::OwnedBy("other".to_owned()), None, Some(true))), taken);
    assert_eq!(reason_of(view(SecretView::Absent, Some("older"), None)), taken);
    assert_eq!(reason_of(view(testing::foreign(), Some("older"), Some(true))), taken);
    for take_over in [None, Some(false)] {
        assert_eq!(reason_of(view(testing::foreign(), None, take_over)), (reason::SECRET_NOT_OURS, true));
    }
    assert!(view(testing::foreign(), None, Some(true)).is_ok());
    let opaque = SecretView::Foreign { type_: "Opaque".to_owned(), held: Box::default() };
    assert_eq!(reason_of(view(opaque, None, Some(true))), (reason::SECRET_NOT_OURS, true));
    assert!(view(testing::ours(leaf()), Some("older"), None).is_ok(), "who holds it keeps it");
}

#[test]
fn nothing_is_written_where_another_installation_was_at_work() {
    for state in [State::Installed, State::Issued, State::Failed] {
        let case = CertificateCase::new().with(issued(1, state, 'a'));
        let case = case.edit_last(|issuance| issuance.spec.submissions[0].installation = "there".to_owned());
        let (reason, person, message) = hindered(case.decide());
        assert_eq!((reason, person), (reason::INSTALLATION_CHANGED, true), "{state:?}");
        assert!(message.contains("--installation-id") && message.contains("shop-1"));
    }
}

#[test]
fn keys_that_have_served_go_once_nothing_is_under_way() {
    let mut case = CertificateCase { spent_keys: strings(&["evercert-key-shop-1"]), ..CertificateCase::served() };
    assert_eq!(case.decide(), Ok(Step::Do(Effect::DeleteKey { secret: "evercert-key-shop-1".to_owned() })));
    case = case.with(issued(2, State::Validating, 'b'));
    assert_eq!(case.decide(), Ok(Step::Wait(LOOK_AGAIN)));
}

#[test]
fn what_is_not_due_is_looked_at_again_within_the_hour() {
    assert_eq!(CertificateCase::served().decide(), Ok(Step::Wait(LOOK_AGAIN)));
    let observed = CertificateCase::served();
    let observed = observed.observed();
    let due = trigger::renewal(&observed, &Lineage::of(&observed, account(&observed)), &leaf());
    let soon = CertificateCase { now: due - Duration::from_secs(60), ..CertificateCase::served() };
    assert_eq!(soon.decide(), Ok(Step::Wait(Duration::from_secs(60))));
}

#[test]
fn the_issuer_its_policy_and_the_namespace_come_first() {
    let case = CertificateCase::new;
    let rule =
        |domains: &[&str]| PolicyRule { name: "r".to_owned(), allowed_domains: strings(domains), ..Default::default() };
    let long = format!("{}.example.com", "a".repeat(60));
    let table = [
        (CertificateCase { issuer: IssuerView::Missing, ..case() }, reason::ISSUER_NOT_FOUND, true),
        (CertificateCase { issuer: IssuerView::NotReady("why".to_owned()), ..case() }, reason::ISSUER_NOT_READY, false),
        (case().named(&[&long]), reason::INVALID_SPEC, true),
        (CertificateCase { namespace_labels: None, ..case() }, reason::PENDING, false),
        (with_policy(case(), rule(&["example.org"])), reason::POLICY_REFUSED, true),
    ];
    for (case, reason, person) in table {
        assert_eq!(reason_of(case.decide()), (reason, person));
    }
    assert!(with_policy(case(), rule(&["*.example.com"])).decide().is_ok());
    let mut product = with_policy(case(), rule(&[]));
    product.certificate.spec.digicert.get_or_insert_default().product = Some("ssl_basic".to_owned());
    assert!(product.decide().is_ok(), "the issuer's own product is no other");
    product.certificate.spec.digicert.get_or_insert_default().product = Some("ssl_ev_basic".to_owned());
    assert_eq!(reason_of(product.decide()), (reason::POLICY_REFUSED, true));
}

#[test]
fn an_order_that_is_known_is_asked_about_before_anything_is_bought() {
    let case = lost(CertificateCase::served());
    assert_eq!(case.decide(), read_order("100"));
    let plan = chosen(&reading(order(), case));
    assert_eq!((plan.operation, plan.cost, plan.trigger), (Operation::Reissue, Cost::Free, Trigger::KeyLost));
    let parent = Parent {
        order_id: "100".to_owned(),
        certificate_id: Some("9".to_owned()),
        order_valid_till: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
            crate::lifecycle::validity::end_of(jiff::civil::date(2027, 5, 31)),
        )),
    };
    assert_eq!((plan.parent, plan.revision), (Some(parent), 2));
}

#[test]
fn each_trigger_becomes_its_operation() {
    let served = || reading(order(), CertificateCase::served());
    let expiring = |facts| CertificateCase { now: days(198), ..reading(facts, CertificateCase::served()) };
    let last = OrderFacts { valid_till: Some(jiff::civil::date(2026, 12, 31)), ..order() };
    let ended = OrderFacts { status: OrderStatus::Expired, ..order() };
    let table = [
        (expiring(order()), Operation::Reissue, Cost::Free, Trigger::Expiring),
        (expiring(last), Operation::Renew, Cost::Paid, Trigger::Expiring),
        (expiring(ended.clone()), Operation::Order, Cost::Paid, Trigger::Expiring),
        (served().named(&["www.example.com", NAME]), Operation::Reissue, Cost::MayCharge, Trigger::SpecChanged),
        (served().asking("t", None), Operation::Reissue, Cost::Free, Trigger::Requested),
        (
            served().asking("t", Some(meta::REASON_KEY_COMPROMISE)),
            Operation::Reissue,
            Cost::Free,
            Trigger::KeyCompromise,
        ),
        (reading(ended, lost(CertificateCase::served())), Operation::Order, Cost::Paid, Trigger::KeyLost),
    ];
    for (case, operation, cost, trigger) in table {
        let plan = chosen(&case);
        assert_eq!((plan.operation, plan.cost, plan.trigger), (operation, cost, trigger));
        assert_eq!(plan.parent.is_some(), operation != Operation::Order);
    }
}

#[test]
fn an_order_the_provider_does_not_know_is_replaced_only_with_a_new_token() {
    let case = CertificateCase { order: OrderView::Absent, key: KeyView::Absent, ..lost(CertificateCase::served()) };
    let (reason, person, message) = hindered(case.decide());
    assert_eq!((reason, person), (reason::PROVIDER_BLOCKED, true));
    assert!(message.contains("order 100") && message.contains(meta::REISSUE_REQUESTED));
    let asked = case.asking("t", None);
    assert_eq!(chosen(&asked).operation, Operation::Order);
    let mut tried = failed(2, FailureClass::Canceled, -100_000);
    tried.spec.request_token = Some("t".to_owned());
    assert!(asked.with(tried).decide().is_err(), "a token buys once");
}

/// A reissue stays in the product of its order, and what a token has bought is not bought again.
#[test]
fn another_product_is_told_from_that_of_the_order() {
    let wanting = |mut case: CertificateCase| {
        if let IssuerView::Ready { spec, .. } = &mut case.issuer {
            spec.digicert.as_mut().expect("CertCentral").product = "ssl_ev_basic".to_owned();
        }
        case
    };
    let of = |operation, product: &str, mut issuance: Issuance| {
        issuance.spec.operation = operation;
        issuance.spec.request.product = product.to_owned();
        issuance
    };
    let reissue = chosen(&wanting(reading(order(), lost(CertificateCase::served()))));
    assert_eq!((reissue.operation, reissue.wanted.product.as_str()), (Operation::Reissue, "ssl_basic"));

    for recorded in ["ssl_basic", "ssl_ev_basic"] {
        let reissued = of(Operation::Reissue, recorded, issued(2, State::Installed, 'a'));
        let last = OrderFacts { valid_till: Some(jiff::civil::date(2026, 12, 31)), ..order() };
        let case = reading(last, wanting(CertificateCase::served().with(reissued)));
        assert_eq!(chosen(&CertificateCase { now: days(198), ..case }).operation, Operation::Order, "{recorded}");
    }

    let mut bought = of(Operation::Order, "ssl_ev_basic", issued(2, State::Failed, 'b'));
    bought.spec.request_token = Some("t".to_owned());
    let status = bought.status.get_or_insert_default();
    status.order_id = Some("101".to_owned());
    status.failure = Some(testing::failure(FailureClass::InvalidCertificate, -100_000));
    let case = wanting(CertificateCase::served().with(bought).asking("t", None));
    let case = reading(OrderFacts { order_id: "101".to_owned(), ..order() }, case);
    assert_eq!(chosen(&case).operation, Operation::Reissue, "a token buys once");
}

#[test]
fn an_order_somebody_ended_is_replaced_with_a_new_token_also_when_nothing_is_served() {
    for status in [OrderStatus::Revoked, OrderStatus::Canceled] {
        let case = reading(OrderFacts { status, ..order() }, lost(CertificateCase::served()));
        assert_eq!(reason_of(case.decide()), (reason::PROVIDER_BLOCKED, true));
        assert_eq!(chosen(&case.asking("t", None)).operation, Operation::Order);
    }
    // A first order that was rejected is not placed again and again.
    let mut rejected = issued(1, State::Failed, 'a');
    rejected.status.get_or_insert_default().failure = Some(testing::failure(FailureClass::Canceled, -100_000));
    let case = CertificateCase::new().with(rejected);
    assert_eq!(case.decide(), read_order("100"));
    let case = reading(OrderFacts { status: OrderStatus::Canceled, ..order() }, case);
    assert_eq!(reason_of(case.decide()), (reason::PROVIDER_BLOCKED, true));
}

#[test]
fn an_order_that_answered_with_another_key_is_reissued_on() {
    let mut other_key = issued(1, State::Failed, 'a');
    other_key.status.get_or_insert_default().failure = Some(testing::failure(FailureClass::KeyMissing, -100_000));
    let plan = chosen(&reading(order(), CertificateCase::new().with(other_key)));
    assert_eq!((plan.operation, plan.revision), (Operation::Reissue, 2));
}

#[test]
fn an_order_only_the_secret_names_is_vouched_for_by_its_certificate() {
    let restored = || CertificateCase { issuances: Vec::new(), ..CertificateCase::served() }.asking("t", None);
    assert_eq!(restored().decide(), read_order("100"));
    let plan = chosen(&reading(order(), restored()));
    assert_eq!((plan.operation, plan.revision), (Operation::Reissue, 2));
    for serial_number in [None, Some("0B".to_owned())] {
        let case = reading(OrderFacts { serial_number, ..order() }, restored());
        let (reason, person, message) = hindered(case.decide());
        assert_eq!((reason, person), (reason::PROVIDER_BLOCKED, true));
        assert!(message.contains(meta::secret::ORDER_ID), "{message}");
    }
    let mut unreadable = reading(order(), restored());
    if let SecretView::Ours(held) = &mut unreadable.secret {
        held.pair = None;
    }
    assert!(unreadable.decide().is_err());
    // What renewed it is reached through it.
    let renewed = OrderFacts { renewed_by: Some("101".to_owned()), ..order() };
    assert_eq!(reading(renewed, restored()).decide(), read_order("101"));
    let successor = OrderFacts { order_id: "101".to_owned(), serial_number: Some("0C".to_owned()), ..order() };
    let plan = chosen(&reading(successor, restored()));
    assert_eq!(plan.parent.map(|parent| parent.order_id).as_deref(), Some("101"));
}

#[test]
fn a_certificate_made_anew_under_its_name_goes_on_where_the_old_one_ended() {
    let mut case = CertificateCase::served();
    case.certificate.metadata.uid = Some("another".to_owned());
    assert_eq!(case.decide(), Ok(Step::Wait(LOOK_AGAIN)));
    assert_eq!(chosen(&reading(order(), lost(case))).operation, Operation::Reissue);
}

#[test]
fn back_at_an_account_its_running_order_is_used() {
    let mut there = issued(2, State::Installed, 'b');
    there.spec.account.id = "8".to_owned();
    let back = CertificateCase::served().with(there);
    let plan = chosen(&reading(order(), back));
    assert_eq!((plan.operation, plan.trigger), (Operation::Reissue, Trigger::IssuerChanged));
    let moved = CertificateCase::served().edit_last(|issuance| issuance.spec.account.id = "8".to_owned());
    let plan = chosen(&CertificateCase { key: KeyView::Absent, ..moved });
    assert_eq!((plan.operation, plan.trigger, plan.parent), (Operation::Order, Trigger::IssuerChanged, None));
}

#[test]
fn a_key_is_stored_for_what_is_asked_and_for_nothing_else() {
    let key = |key: KeyView| CertificateCase { key, ..CertificateCase::new() }.decide();
    assert_eq!(reason_of(key(KeyView::Foreign)), (reason::SECRET_NOT_OURS, true));
    let gone = Ok(Step::Do(Effect::DeleteKey { secret: "evercert-key-shop-1".to_owned() }));
    assert_eq!(key(KeyView::Stored(stored_key('a', &["www.example.com"]))), gone);
}

mod outputs {
    use super::*;

    fn with(mut case: CertificateCase, outputs: Outputs) -> CertificateCase {
        if let SecretView::Ours(held) = &mut case.secret {
            held.outputs = outputs;
        }
        case
    }

    fn unwritable(case: CertificateCase) -> CertificateCase {
        CertificateCase { unwritable: Some("it is immutable".to_owned()), ..case }
    }

    #[test]
    fn what_is_beside_the_pair_is_rewritten_whatever_else_is_waited_for() {
        let rewrite = Ok(Step::Do(Effect::Rewrite));
        let differ = |case| with(case, Outputs::Differ).decide();
        assert_eq!(differ(CertificateCase::served()), rewrite);
        assert_eq!(differ(CertificateCase::served().with(issued(2, State::Validating, 'b'))), rewrite);
        let due = CertificateCase::served().named(&["www.example.com"]);
        assert_eq!(differ(CertificateCase { issuer: IssuerView::Missing, ..due.clone() }), rewrite);
        let read = CertificateCase { order: OrderView::Read(order()), ..due };
        assert_eq!(differ(read.clone()), read.decide(), "what is due goes first, and brings it along");
        let ready = CertificateCase::served().with(issued(2, State::Issued, 'b'));
        assert_eq!(differ(ready), Ok(Step::Do(Effect::Install { issuance: "shop-2".to_owned() })));
    }

    #[test]
    fn nothing_is_bought_for_a_secret_that_cannot_take_it() {
        let not_writable = (reason::SECRET_NOT_WRITABLE, true);
        assert_eq!(reason_of(unwritable(CertificateCase::new()).decide()), not_writable);
        let ready = CertificateCase::served().with(issued(2, State::Issued, 'b'));
        assert_eq!(reason_of(unwritable(ready).decide()), not_writable);
        let differs = with(CertificateCase::served(), Outputs::Differ);
        assert_eq!(reason_of(unwritable(differs).decide()), not_writable);
        let elsewhere = CertificateCase { elsewhere: Some("old-tls".to_owned()), ..lost(CertificateCase::served()) };
        assert_eq!(reason_of(unwritable(elsewhere).decide()), not_writable);
        let idle = CertificateCase::served();
        assert_eq!(unwritable(idle.clone()).decide(), idle.decide(), "nothing has to be written");
    }

    #[test]
    fn a_missing_password_is_asked_for_and_holds_up_no_certificate() {
        let missing = |case| with(case, Outputs::Unmakeable("Secret pw does not exist".to_owned()));
        let Err(hindrance) = missing(CertificateCase::served()).decide() else { panic!("nobody is asked") };
        assert_eq!((hindrance.reason, hindrance.person), (reason::KEYSTORE_PASSWORD, true));
        assert_eq!(hindrance.again, Some(Duration::from_secs(60)));
        let due = reading(order(), CertificateCase::served().named(&["www.example.com"]));
        assert_eq!(missing(due.clone()).decide(), due.decide());
        let refused = CertificateCase { issuer: IssuerView::Missing, ..due };
        assert_eq!(reason_of(missing(refused).decide()), (reason::ISSUER_NOT_FOUND, true));
    }
}

mod failures {
    use super::*;

    /// A reissue on a running order, failed `consecutive` times.
    fn failing(consecutive: i64, now: Timestamp) -> CertificateCase {
        let case = CertificateCase { now, ..reading(order(), lost(CertificateCase::served())) };
        (0..consecutive).fold(case, |case, n| {
            let mut issuance = failed(n + 2, FailureClass::InvalidCertificate, 0);
            issuance.spec = IssuanceSpec { revision: n + 2, ..testing::issuance_spec(Operation::Reissue) };
            issuance.spec.request_token = Some("old".to_owned());
            case.with(issuance)
        })
    }

    #[test]
    fn a_failed_issuance_is_repeated_after_ten_minutes_doubling_to_a_day() {
        for (consecutive, minutes) in [(1, 10), (2, 20), (3, 40), (8, 1280), (9, 1440), (30, 1440)] {
            let decision = failing(consecutive, at(60)).decide();
            let Err(hindrance) = decision else { panic!("{decision:?}") };
            assert_eq!((hindrance.reason, hindrance.person), (reason::FAILED, false));
            assert_eq!(hindrance.again, Some(Duration::from_secs(minutes * 60 - 60)), "{consecutive}");
            let later = i64::try_from(minutes * 60).unwrap_or(0);
            assert_eq!(chosen(&failing(consecutive, at(later))).revision, consecutive + 2);
        }
    }

    #[test]
    fn a_new_token_or_a_changed_spec_forces_it() {
        let waiting = failing(3, at(60));
        assert!(waiting.clone().asking("old", None).decide().is_err(), "that one was tried");
        assert!(waiting.clone().asking("new", None).decide().is_ok());
        assert!(waiting.named(&["www.example.com"]).decide().is_ok());
    }

    #[test]
    fn a_compromise_that_failed_is_tried_again() {
        let case = CertificateCase { secret: testing::ours(leaf()), ..failing(1, at(600)) };
        let case = case.asking("old", Some(meta::REASON_KEY_COMPROMISE));
        let plan = chosen(&case);
        assert_eq!((plan.trigger, plan.token.as_deref()), (Trigger::KeyCompromise, Some("old")));
        assert_eq!(plan.supersedes.map(|pinned| pinned.serial_numbers), Some(strings(&["a"])));
    }
}

#[test]
fn a_new_secret_name_copies_the_pair_and_asks_nobody() {
    let mut case = CertificateCase::served();
    case.secret = SecretView::Absent;
    case.elsewhere = Some("shop-old".to_owned());
    assert_eq!(case.decide(), Ok(Step::Do(Effect::Copy { from: "shop-old".to_owned() })));
}

/// A newer key is coming already: the report is about the key it replaces, and that one is revoked after it.
#[test]
fn a_compromise_reported_while_an_operation_is_under_way_is_about_the_key_it_replaces() {
    let mut coming = issued(2, State::Validating, 'b');
    let replaced = Supersedes { public_key_sha256: key_hash('a'), serial_numbers: strings(&["0a"]) };
    coming.spec.supersedes = Some(replaced);
    let case = CertificateCase::served().with(coming).asking("incident-7", Some(meta::REASON_KEY_COMPROMISE));
    let note = Effect::NoteCompromise { issuance: "shop-2".to_owned(), token: "incident-7".to_owned() };
    assert_eq!(case.decide(), Ok(Step::Do(note)));

    let noted = |state| {
        case.clone().edit_last(|issuance| {
            let status = issuance.status.get_or_insert_default();
            record::apply(&issuance.spec.clone(), status, &Change::Compromised("incident-7".to_owned()), at(0));
            status.state = Some(state);
        })
    };
    assert_eq!(noted(State::Validating).decide(), Ok(Step::Wait(LOOK_AGAIN)), "noted once");
    let observed = noted(State::Installed);
    let observed = observed.observed();
    let lineage = Lineage::of(&observed, account(&observed));
    assert!(lineage.tokens.contains("incident-7"), "handled once its successor is served");
}

#[test]
fn a_suspended_certificate_is_read_and_nothing_more() {
    let suspended = |mut case: CertificateCase| {
        case.certificate.spec.suspend = Some(true);
        case
    };
    let unread = CertificateCase { secret: SecretView::Unread, ..CertificateCase::served() };
    assert_eq!(suspended(unread).decide(), Ok(Step::Do(Effect::ReadSecret)), "its status is kept");
    let served = CertificateCase::served;
    let spent = CertificateCase { spent_keys: strings(&["evercert-key-shop-1"]), ..served() };
    let mut differing = served();
    if let SecretView::Ours(held) = &mut differing.secret {
        held.outputs = Outputs::Differ;
    }
    for case in [
        CertificateCase::new(),
        lost(served()),
        CertificateCase { now: days(198), ..served() },
        served().asking("t", Some("KeyCompromise")),
        served().with(issued(2, State::Issued, 'b')),
        spent,
        differing,
    ] {
        assert!(!matches!(hindered(suspended(case.clone()).decide()), (_, true, _)), "nobody is asked for");
        assert_eq!(hindered(suspended(case).decide()).0, reason::SUSPENDED);
    }
}

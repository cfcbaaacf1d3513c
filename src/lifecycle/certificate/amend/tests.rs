use super::*;
use crate::{
    api::issuance::{Cost, FailureClass, KeyOrigin, Parent},
    lifecycle::{
        certificate::{KeyView, Preflight},
        plan::{Plan, StoredKey},
        testing::{CertificateCase, NAME, csr, failed, failure, issued, key_hash, order, stored_key, strings},
    },
    provider::{OrderContent, OrderFacts},
};

const BOTH: [&str; 2] = [NAME, "www.example.com"];

fn facts(status: OrderStatus, amendable: bool) -> OrderView {
    let content = Box::new(OrderContent { amendable, ..*order().content });
    OrderView::Read(OrderFacts { status, content, valid_till: None, ..order() })
}

/// Enrolled as 100, which waits for approval; a name is wanted besides by now, and the key for both is stored.
fn case() -> CertificateCase {
    let mut waiting = issued(1, State::AwaitingProvider, 'a');
    waiting.spec.operation = Operation::Order;
    let case = CertificateCase {
        order: facts(OrderStatus::Pending, true),
        key: KeyView::Stored(stored_key('b', &BOTH)),
        ..CertificateCase::new().with(waiting)
    };
    case.at_sectigo(serde_json::json!({})).named(&BOTH)
}

fn make_way() -> Result<Step<Effect>, crate::lifecycle::certificate::Hindrance> {
    Ok(Step::Do(Effect::MakeWay { issuance: "shop-1".to_owned() }))
}

fn intent(case: &CertificateCase) -> Plan {
    match case.decide() {
        Ok(Step::Do(Effect::RecordIntent(plan, _))) => *plan,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_waits_for_approval_is_amended_once_all_is_ready_for_it() {
    let unread = CertificateCase { order: OrderView::Unread, ..case() };
    assert_eq!(unread.decide(), Ok(Step::Do(Effect::ReadOrder { order_id: "100".to_owned() })));
    let keyless = CertificateCase { key: KeyView::Absent, ..case() };
    assert!(matches!(keyless.decide(), Ok(Step::Do(Effect::StoreKey(plan))) if plan.operation == Operation::Amend));
    let unasked = CertificateCase { preflight: Preflight::Unasked, ..case() };
    assert!(matches!(unasked.decide(), Ok(Step::Do(Effect::Preflight(..)))));
    assert_eq!(case().decide(), make_way());
    // Only then, so that there is never more than one under way.
    let after = case().edit_last(|issuance| {
        issuance.status.get_or_insert_default().state = Some(State::Superseded);
    });
    let plan = intent(&after);
    assert_eq!((plan.operation, plan.cost, plan.revision), (Operation::Amend, Cost::MayCharge, 2));
    assert_eq!(plan.parent.map(|parent| parent.order_id).as_deref(), Some("100"));
    assert_eq!(plan.wanted.dns_names, strings(&BOTH));
}

/// A CSR is amended like names are, also where it takes the place of a key of ours.
#[test]
fn another_csr_is_amended() {
    let elsewhere = |key: char, asked: char| {
        let mut case = case().named(&[NAME]).by_csr(key).edit_last(|issuance| {
            issuance.spec.request.key_origin = KeyOrigin::Elsewhere;
            issuance.spec.request.public_key_sha256 = key_hash(asked);
        });
        case.key = KeyView::Stored(StoredKey {
            csr: csr(&key_hash(key)).pem,
            origin: KeyOrigin::Elsewhere,
            ..stored_key(key, &[NAME])
        });
        case
    };
    assert_eq!(elsewhere('c', 'a').decide(), make_way());
    assert!(matches!(elsewhere('c', 'c').decide(), Ok(Step::Wait(_))), "it is the one that waits");
    let ours = elsewhere('c', 'c').edit_last(|issuance| issuance.spec.request.key_origin = KeyOrigin::Ours);
    assert_eq!(ours.decide(), make_way());
}

#[test]
fn names_that_are_left_out_cost_nothing() {
    let mut case = CertificateCase { key: KeyView::Stored(stored_key('b', &[NAME])), ..case().named(&[NAME]) };
    case = case.edit_last(|issuance| {
        issuance.spec.request.dns_names = strings(&BOTH);
        issuance.status.get_or_insert_default().state = Some(State::Superseded);
    });
    let OrderView::Read(facts) = &mut case.order else { panic!("it was read") };
    facts.content.names = strings(&BOTH).into_iter().collect();
    assert_eq!((intent(&case).operation, intent(&case).cost), (Operation::Amend, Cost::Free));
}

#[test]
fn what_cannot_be_amended_or_need_not_be_is_followed() {
    let policy = serde_json::json!({"rules": [{"name": "one", "allowedDomains": [NAME]}]});
    let state = |state| case().edit_last(|issuance| issuance.status.get_or_insert_default().state = Some(state));
    let table = [
        ("the same is wanted", case().named(&[NAME])),
        ("approved since", CertificateCase { order: facts(OrderStatus::Pending, false), ..case() }),
        ("issued since", CertificateCase { order: facts(OrderStatus::Active, false), ..case() }),
        ("declined since", CertificateCase { order: facts(OrderStatus::Canceled, true), ..case() }),
        ("not visible any more", CertificateCase { order: OrderView::Absent, ..case() }),
        ("under validation", state(State::Validating)),
        ("being submitted", state(State::Submitting)),
        ("a person is asked", state(State::NeedsAttention)),
        ("a replacement", case().edit_last(|issuance| issuance.spec.operation = Operation::Reissue)),
        ("the policy refuses", case().at_sectigo(policy)),
        ("what SCM would refuse", CertificateCase { preflight: Preflight::Refused("no".to_owned()), ..case() }),
        ("asked of another account", case().edit_last(|issuance| issuance.spec.account.id = "other".to_owned())),
        ("the account is not called", CertificateCase { outage: Some(case().now), ..case() }),
    ];
    for (what, case) in table {
        assert!(matches!(case.decide(), Ok(Step::Wait(_))), "{what}: {:?}", case.decide());
    }
    let elsewhere = CertificateCase { issuer: CertificateCase::new().issuer, ..case() };
    assert!(matches!(elsewhere.decide(), Ok(Step::Wait(_))), "CertCentral changes no request");
}

/// What was refused is amended once something else is wanted, or somebody insists.
#[test]
fn what_was_refused_is_amended() {
    let refused = |operation| {
        let mut refused = failed(1, FailureClass::Canceled, 0);
        refused.spec.operation = operation;
        refused.spec.request = issued(1, State::Failed, 'a').spec.request;
        refused.status.get_or_insert_default().order_id = Some("100".to_owned());
        let mut case = CertificateCase { order: facts(OrderStatus::Canceled, true), ..case() };
        case.issuances = CertificateCase::new().with(refused).at_sectigo(serde_json::json!({})).issuances;
        case
    };
    for case in [refused(Operation::Order), refused(Operation::Amend)] {
        let plan = intent(&case);
        assert_eq!((plan.operation, plan.cost), (Operation::Amend, Cost::Paid));
        assert!(intent(&case).parent.is_some());
    }
    let same = |operation| CertificateCase {
        key: KeyView::Stored(stored_key('b', &[NAME])),
        ..refused(operation).named(&[NAME]).asking("again", None)
    };
    assert_eq!(intent(&same(Operation::Order)).operation, Operation::Amend);
    assert_eq!(intent(&same(Operation::Amend)).operation, Operation::Order, "amended in vain: by a token anew");
    // SCM took no amendment: it names the order all the same.
    let untaken = same(Operation::Amend).edit_last(|issuance| {
        issuance.spec.parent = Some(Parent { order_id: "100".to_owned(), ..Parent::default() });
        let status = issuance.status.get_or_insert_default();
        (status.order_id, status.failure) = (None, Some(failure(FailureClass::Rejected, 0)));
    });
    assert_eq!(intent(&untaken).operation, Operation::Order);
}

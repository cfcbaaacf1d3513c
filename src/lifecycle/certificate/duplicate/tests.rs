use super::*;
use crate::{
    api::{
        certificate::DigiCertOverrides,
        issuance::{Cost, Operation, State},
        issuer::{Dcv, DcvMethod, OrderValidity, Policy},
    },
    lifecycle::{
        Step,
        certificate::{Effect, IssuerView},
        lineage::Lineage,
        testing::{CertificateCase, MARK, NAME, account, at, days, issued, leaf, order, ours, stored_key},
    },
    pki::Leaf,
};

/// Of order 100, which Certificate `source` is on.
fn case() -> CertificateCase {
    let mut case = CertificateCase::new();
    let duplicate_of = Some(DuplicateOf::Certificate("source".to_owned()));
    case.certificate.spec.digicert = Some(DigiCertOverrides { duplicate_of, ..DigiCertOverrides::default() });
    case.source = SourceView::Order { order_id: "100".to_owned(), vouched: true, not_after: Some(days(199)) };
    case
}

fn reading(case: CertificateCase, facts: OrderFacts) -> CertificateCase {
    CertificateCase { order: OrderView::Read(facts), ..case }
}

/// A duplicate that is served until then.
fn served(until: i64) -> CertificateCase {
    let mut duplicate = issued(1, State::Installed, 'a');
    duplicate.spec.operation = Operation::Duplicate;
    let leaf = Leaf { serial: "d".to_owned(), not_after: days(until), ..leaf() };
    CertificateCase { secret: ours(leaf), now: days(until - 1), ..case().with(duplicate) }
}

fn reason_of(case: &CertificateCase) -> &'static str {
    case.decide().expect_err("a hindrance").reason
}

#[test]
fn it_asks_for_one_more_key_on_that_order_and_for_nothing_else() {
    assert_eq!(case().decide(), Ok(Step::Do(Effect::ReadOrder { order_id: "100".to_owned() })));
    let case = CertificateCase {
        key: crate::lifecycle::certificate::KeyView::Stored(stored_key('a', &[NAME])),
        ..reading(case(), order())
    };
    let Ok(Step::Do(Effect::RecordIntent(plan, _))) = case.decide() else { panic!("{:?}", case.decide()) };
    assert_eq!((plan.operation, plan.cost), (Operation::Duplicate, Cost::Free));
    assert_eq!(plan.parent.map(|parent| parent.order_id).as_deref(), Some("100"));
}

#[test]
fn it_waits_for_what_it_is_of_and_goes_to_the_order_that_renewed_it() {
    let missing = CertificateCase { source: SourceView::Missing("none".to_owned()), ..case() };
    assert_eq!(reason_of(&missing), reason::PENDING);
    let renewed = reading(case(), OrderFacts { renewed_by: Some("200".to_owned()), ..order() });
    assert_eq!(renewed.decide(), Ok(Step::Do(Effect::ReadOrder { order_id: "200".to_owned() })));
    let pending = reading(case(), OrderFacts { pending: true, ..order() });
    assert_eq!(reason_of(&pending), reason::PENDING);
}

#[test]
fn an_order_that_ended_is_never_replaced_by_a_purchase() {
    for status in [OrderStatus::Expired, OrderStatus::Revoked, OrderStatus::Canceled] {
        let case = reading(case(), OrderFacts { status, ..order() }).asking("token", None);
        assert_eq!(reason_of(&case), reason::PROVIDER_BLOCKED, "{status:?}");
    }
    let over = CertificateCase { now: days(400), ..reading(case(), order()) };
    assert_eq!(reason_of(&over), reason::PROVIDER_BLOCKED);
    assert_eq!(reason_of(&CertificateCase { order: OrderView::Absent, ..case() }), reason::PROVIDER_BLOCKED);
}

#[test]
fn an_order_id_is_a_hint() {
    let hint = || CertificateCase {
        source: SourceView::Order { order_id: "100".to_owned(), vouched: false, not_after: None },
        ..case()
    };
    assert_eq!(reason_of(&hint()), reason::POLICY_REFUSED, "nobody of this namespace is on it");
    let mut listed = hint();
    if let IssuerView::Ready { spec, .. } = &mut listed.issuer {
        spec.policy = Some(Policy { adoptable: vec!["100".to_owned()], ..Policy::default() });
    }
    assert_eq!(listed.decide(), Ok(Step::Do(Effect::ReadOrder { order_id: "100".to_owned() })));
    let marked = |key: &str| {
        let mut facts = order();
        facts.content.idempotency_key = Some(key.to_owned());
        reading(listed.clone(), facts)
    };
    assert_eq!(reason_of(&marked("ffffffff-ffff-8fff-8fff-ffffffffffff")), reason::POLICY_REFUSED, "another's mark");
    for key in [format!("{MARK}-8fff-8fff-ffffffffffff"), "their own id".to_owned()] {
        assert!(marked(&key).decide().is_ok(), "{key}");
    }
}

#[test]
fn its_names_are_those_of_the_order() {
    let with = |names: &[&str], known: &[&str]| {
        let mut facts = order();
        facts.content.names = known.iter().map(|name| (*name).to_owned()).collect();
        reading(case().named(names), facts)
    };
    for (names, known) in [
        (&["a.example.com"][..], &["b.example.com"][..]),
        (&["a.example.com"], &["a.example.com", "b.example.com"]),
        (&["a.example.com", "b.example.com"], &["a.example.com"]),
        (&["a.b.example.com", "*.example.com"], &["*.example.com"]),
        (&["a.example.com"], &[]),
    ] {
        assert_eq!(reason_of(&with(names, known)), reason::INVALID_SPEC, "{names:?} of {known:?}");
    }
    assert!(with(&["a.example.com", "*.example.com"], &["*.example.com"]).decide().is_ok(), "below a wildcard");
}

#[test]
fn it_is_renewed_once_the_certificate_it_is_of_was() {
    assert_eq!(reason_of(&served(199)), reason::PENDING, "another would end on the same day");
    let mut reissued = served(199);
    reissued.source = SourceView::Order { order_id: "100".to_owned(), vouched: true, not_after: Some(days(300)) };
    assert_eq!(reissued.decide(), Ok(Step::Do(Effect::ReadOrder { order_id: "100".to_owned() })));
    let stale = reading(reissued.clone(), order());
    assert_eq!(reason_of(&stale), reason::PENDING, "the order itself says until when");
    let fresh = OrderFacts { certificate_valid_till: Some(jiff::civil::date(2027, 5, 31)), ..order() };
    assert!(reading(reissued, fresh).decide().is_ok());
    let lost = CertificateCase { secret: crate::lifecycle::certificate::SecretView::Absent, ..served(199) };
    assert!(reading(lost, order()).decide().is_ok(), "a lost key does not wait");
}

#[test]
fn its_order_is_never_taken_for_its_own() {
    let mut case = served(199);
    let lineage = Lineage::of(&case.observed(), Some(&account())).behind().map(|order| order.order_id.clone());
    assert_eq!(lineage.as_deref(), Some("100"), "shown as the order behind the certificate");
    assert_eq!(Lineage::of(&case.observed(), Some(&account())).order, None, "never reissued or renewed");
    case.now = at(10);
    case.certificate.spec.digicert = None;
    assert_eq!(Lineage::of(&case.observed(), Some(&account())).order, None, "nor when it stands alone later");
}

#[test]
fn a_wildcard_is_not_asked_for_where_files_prove_control() {
    let by_file = |case: CertificateCase| {
        let mut case = case.named(&["*.example.com"]);
        if let IssuerView::Ready { spec, .. } = &mut case.issuer {
            spec.dcv = Some(Dcv { method: Some(DcvMethod::Http), ..Dcv::default() });
        }
        case
    };
    assert_eq!(reason_of(&by_file(CertificateCase::new())), reason::INVALID_SPEC);
    assert!(by_file(case()).decide().is_ok(), "a duplicate's names are validated already");
}

/// The length of an order is that of its purchase.
#[test]
fn the_day_at_which_an_order_would_have_to_end_is_no_matter_to_a_duplicate() {
    let mut case = reading(case(), order());
    if let IssuerView::Ready { spec, .. } = &mut case.issuer {
        let until = Some(OrderValidity::Until("2020-01-01".to_owned()));
        spec.digicert.get_or_insert_default().order_validity = until;
    }
    assert!(case.decide().is_ok(), "{:?}", case.decide());
}

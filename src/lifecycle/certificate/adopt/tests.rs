use super::*;
use crate::{
    api::{
        Issuance,
        certificate::Adopt,
        issuer::{AdoptExisting, OrderValidity, Policy, PolicyRule},
    },
    lifecycle::{
        certificate::{Held, IssuerView, TLS_SECRET},
        present,
        testing::{CertificateCase, MARK, NAME, foreign, holding, issued, key_hash, leaf, order, ours, strings},
    },
    provider::{AutoRenewal, OrderContent},
};

/// Order 100 is named, read, and its key is in the Secret.
fn case() -> CertificateCase {
    let mut case = CertificateCase { secret: ours(leaf()), order: OrderView::Read(order()), ..CertificateCase::new() };
    case.certificate.spec.adopt = Some(Adopt { order_id: "100".to_owned() });
    case
}

fn with(change: impl FnOnce(&mut OrderFacts)) -> CertificateCase {
    let mut facts = order();
    change(&mut facts);
    CertificateCase { order: OrderView::Read(facts), ..case() }
}

fn policy(mut case: CertificateCase, change: impl FnOnce(&mut Policy)) -> CertificateCase {
    if let IssuerView::Ready { spec, .. } = &mut case.issuer {
        change(spec.policy.get_or_insert_default());
    }
    case
}

fn adoption(case: &CertificateCase) -> Result<Adoption, String> {
    match case.decide() {
        Ok(Step::Do(Effect::RecordAdoption(adoption))) => Ok(*adoption),
        Ok(other) => Err(format!("{other:?}")),
        Err(hindrance) => Err(format!("{}: {}", hindrance.reason, hindrance.message)),
    }
}

#[test]
fn what_is_adopted_is_what_the_order_holds() {
    let adoption = adoption(&case()).expect("adopted");
    assert_eq!(adoption.issuance_name(), "shop-1");
    assert_eq!((adoption.asked.as_deref(), adoption.parent.order_id.as_str()), (Some("100"), "100"));
    assert_eq!((adoption.trigger, adoption.request.key_origin), (Trigger::Requested, KeyOrigin::Elsewhere));
    assert_eq!((adoption.request.dns_names, adoption.request.public_key_sha256), (strings(&[NAME]), key_hash('a')));
}

#[test]
fn the_order_is_read_first_and_what_has_renewed_it_counts() {
    let unread = CertificateCase { order: OrderView::Unread, ..case() };
    assert_eq!(unread.decide(), Ok(Step::Do(Effect::ReadOrder { order_id: "100".to_owned() })));
    let renewed = with(|facts| facts.renewed_by = Some("101".to_owned()));
    assert_eq!(renewed.decide(), Ok(Step::Do(Effect::ReadOrder { order_id: "101".to_owned() })));
    let successor = adoption(&with(|facts| facts.order_id = "101".to_owned())).expect("adopted");
    assert_eq!((successor.asked.as_deref(), successor.parent.order_id.as_str()), (Some("100"), "101"));
}

#[test]
fn each_refusal_says_why_and_nothing_is_bought() {
    let other_key = ours(crate::pki::Leaf { public_key_sha256: key_hash('b'), serial: "b".to_owned(), ..leaf() });
    let claimed = |mut case: CertificateCase| {
        case.claims.insert("100".to_owned(), "Certificate blog".to_owned());
        case
    };
    let rule = PolicyRule { name: "shop".to_owned(), allowed_domains: strings(&["example.org"]), ..Default::default() };
    let marked = |key: &str| with(|facts| facts.content.idempotency_key = Some(key.to_owned()));
    let table = [
        ("is not known to account 7", CertificateCase { order: OrderView::Absent, ..case() }),
        ("has expired", with(|facts| facts.status = OrderStatus::Expired)),
        ("was revoked", with(|facts| facts.status = OrderStatus::Revoked)),
        ("was canceled", with(|facts| facts.status = OrderStatus::Canceled)),
        ("does not know", with(|facts| facts.status = OrderStatus::Unknown)),
        ("does not see", with(|facts| facts.content.renewed_unseen = true)),
        ("belongs to Certificate blog", claimed(case())),
        ("another installation", marked("AAAAAAAA-0000-8000-8000-000000000000")),
        ("does not show the names", with(|facts| facts.content.names.clear())),
        ("does not allow shop.example.com", policy(case(), |policy| policy.rules.push(rule))),
        ("Secret shop-tls does not hold", CertificateCase { secret: other_key, ..case() }),
        ("Secret shop-tls does not hold", CertificateCase { secret: SecretView::Absent, ..case() }),
        ("switch its automatic renewal off", with(|facts| facts.auto_renew = AutoRenewal::Scheduled)),
    ];
    for (why, case) in table {
        let hindrance = case.decide().expect_err(why);
        let expected = if why.contains("allow") { reason::POLICY_REFUSED } else { reason::ADOPTION_REFUSED };
        assert_eq!((hindrance.reason, hindrance.person), (expected, true), "{why}: {}", hindrance.message);
        assert!(hindrance.message.contains(why) && hindrance.message.contains("order 100"), "{}", hindrance.message);
        // What is listed as adoptable needs no key, and nothing else less.
        let listed = policy(case, |policy| policy.adoptable.push("100".to_owned()));
        assert_eq!(adoption(&listed).is_ok(), why.contains("Secret"), "{why}");
    }
}

#[test]
fn a_key_proves_what_a_certificate_alone_does_not() {
    // An older certificate of the same key, or only the key.
    let older = ours(crate::pki::Leaf { serial: "older".to_owned(), ..leaf() });
    let key = Held { public_key_sha256: Some(key_hash('a')), ..Held::default() };
    let certificate = Held { public_key_sha256: None, ..holding(leaf()) };
    let held = |held: Held| CertificateCase { secret: SecretView::Ours(Box::new(held)), ..case() };
    assert!(adoption(&CertificateCase { secret: older, ..case() }).is_ok());
    assert!(adoption(&held(key)).is_ok());
    assert!(adoption(&held(certificate)).is_err(), "certificates are public");

    // Without a CSR the certificate in the Secret tells whose the order is, by its serial number.
    let silent = |case: CertificateCase| {
        let content = Box::new(OrderContent { public_key_sha256: None, ..*order().content });
        CertificateCase { order: OrderView::Read(OrderFacts { content, ..order() }), ..case }
    };
    assert_eq!(adoption(&silent(case())).expect("adopted").request.public_key_sha256, key_hash('a'));
    let listed = policy(CertificateCase { secret: SecretView::Absent, ..case() }, |p| p.adoptable.push("100".into()));
    assert!(adoption(&silent(listed)).expect_err("nobody can tell").contains("CSR"));
}

#[test]
fn another_tools_secret_is_taken_over_only_when_told() {
    let held = Box::new(holding(leaf()));
    let secret = SecretView::Foreign { type_: super::super::TLS_SECRET.to_owned(), held };
    let mut theirs = CertificateCase { secret, ..case() };
    assert_eq!(theirs.decide().map_err(|hindrance| hindrance.reason), Err(reason::SECRET_NOT_OURS));
    theirs.certificate.spec.take_over_secret = Some(true);
    assert!(adoption(&theirs).is_ok());
    theirs.secret = foreign();
    assert!(adoption(&theirs).is_err(), "it holds no key");
}

#[test]
fn marks_are_told_from_other_ids() {
    for (key, others) in [
        ("00000000-0000-8000-8000-000000000000", false),
        ("00000000-0001-8000-8000-000000000000", true),
        ("00000000-0001-8000-8000-00000000000", false),
        ("00000000-0001-4000-8000-000000000000", false),
        ("PO 4711", false),
        ("", false),
    ] {
        assert_eq!(is_marked_by_others(key, MARK), others, "{key}");
    }
}

#[test]
fn an_adoption_that_another_installation_recorded_is_left_alone() {
    let mut issuance = adopted(State::Installed);
    issuance.spec.submissions.clear();
    let case = |issuance: &Issuance| CertificateCase { order: OrderView::Unread, ..case() }.with(issuance.clone());
    assert!(matches!(case(&issuance).decide(), Ok(Step::Wait(_))));
    issuance.spec.idempotency_key = "aaaaaaaa-0000-8000-8000-000000000000".to_owned();
    assert_eq!(case(&issuance).decide().map_err(|hindrance| hindrance.reason), Err(reason::INSTALLATION_CHANGED));
}

fn adopted(state: State) -> Issuance {
    let mut issuance = issued(1, state, 'a');
    issuance.spec.operation = Operation::Adopt;
    issuance.spec.adopt = Some("100".to_owned());
    issuance
}

#[test]
fn what_was_adopted_is_installed_only_where_its_key_is() {
    let adopting = |secret| CertificateCase { secret, ..case() }.with(adopted(State::Issued));
    let install = Ok(Step::Do(Effect::Install { issuance: "shop-1".to_owned() }));
    let mark = Ok(Step::Do(Effect::MarkInstalled { issuance: "shop-1".to_owned() }));
    let older = ours(crate::pki::Leaf { serial: "older".to_owned(), ..leaf() });
    assert_eq!(adopting(ours(leaf())).decide(), mark, "it is there already");
    assert_eq!(adopting(older).decide(), install);
    assert_eq!(adopting(SecretView::Absent).decide(), mark, "a reissue follows");

    // And then it is a Certificate like any other, asked for once.
    let next = CertificateCase { secret: SecretView::Absent, ..case() }.with(adopted(State::Installed));
    let Ok(Step::Do(Effect::ReadKey { issuance })) = next.decide() else { panic!("{:?}", next.decide()) };
    assert_eq!(issuance, "shop-2");
    let rests = CertificateCase { order: OrderView::Unread, ..case() }.with(adopted(State::Installed));
    assert!(matches!(rests.decide(), Ok(Step::Wait(_))), "{:?}", rests.decide());
}

#[test]
fn an_existing_order_of_exactly_these_names_spares_a_purchase() {
    let first = |existing: &[OrderFacts]| {
        let secret =
            SecretView::Foreign { type_: super::super::TLS_SECRET.to_owned(), held: Box::new(holding(leaf())) };
        let mut case = CertificateCase { secret, existing: Some(existing.to_vec()), ..CertificateCase::new() };
        case.certificate.spec.take_over_secret = Some(true);
        policy(case, |policy| policy.adopt_existing = Some(AdoptExisting::Matching))
    };
    let unasked = CertificateCase { existing: None, ..first(&[]) };
    assert_eq!(unasked.decide(), Ok(Step::Do(Effect::FindExisting { names: strings(&[NAME]) })));
    let never = policy(unasked, |policy| policy.adopt_existing = None);
    assert!(matches!(never.decide(), Ok(Step::Do(Effect::ReadKey { .. }))), "{:?}", never.decide());

    let marked = |order_id: &str, mark: &str| {
        let idempotency_key = Some(format!("{mark}-8000-8000-000000000000"));
        let content = Box::new(OrderContent { idempotency_key, ..*order().content });
        OrderFacts { order_id: order_id.to_owned(), content, ..order() }
    };
    let (theirs, ours) = (marked("99", "aaaaaaaa-0000"), marked("100", MARK));
    let found = adoption(&first(&[theirs.clone(), ours])).expect("adopted");
    assert_eq!(found.trigger, Trigger::FirstIssue);
    assert_eq!((found.asked, found.parent.order_id.as_str()), (None, "100"));
    let buys = |existing: &[OrderFacts]| matches!(first(existing).decide(), Ok(Step::Do(Effect::ReadKey { .. })));
    assert!(buys(&[]) && buys(&[theirs]), "another installation's is none");
    let renewed = OrderFacts { renewed_by: Some("101".to_owned()), ..order() };
    assert!(buys(&[renewed]));
    let busy = first(&[OrderFacts { auto_renew: AutoRenewal::Scheduled, ..order() }]);
    assert!(adoption(&busy).expect_err("not beside it").contains("automatic renewal"));
}

#[test]
fn the_plan_says_what_follows() {
    let summary = |case: &CertificateCase| {
        let observed = case.observed();
        let status = present::status(&observed, &case.decide());
        status.next.map(|next| next.summary).unwrap_or_default()
    };
    assert_eq!(summary(&case()), "Adopt (free)");
    assert_eq!(summary(&with(|facts| facts.auto_renew = AutoRenewal::Scheduled)), "Adopt waits for a person (free)");
    let under_way = |secret, names: &[&str]| {
        let mut issuance = adopted(State::Submitted);
        issuance.spec.cost = crate::api::issuance::Cost::Free;
        issuance.spec.request.dns_names = strings(names);
        CertificateCase { secret, ..case() }.with(issuance)
    };
    assert_eq!(summary(&under_way(ours(leaf()), &[NAME])), "Adopt under way (free)");
    let keyless = "Adopt under way (free), then Reissue (free)";
    assert_eq!(summary(&under_way(SecretView::Absent, &[NAME])), keyless);
    let more = summary(&under_way(ours(leaf()), &[NAME, "old.example.com"]));
    assert!(more.starts_with(&format!("{keyless}, names removed: DigiCert revokes")) && more.len() <= 128, "{more}");
    let fewer = summary(&under_way(ours(leaf()), &["old.example.com"]));
    assert!(fewer.contains("may charge") && fewer.len() <= 128, "{fewer}");
}

/// The length of an order is that of its purchase.
#[test]
fn the_day_at_which_an_order_would_have_to_end_is_no_matter_to_what_is_bought_already() {
    let mut case = case();
    if let IssuerView::Ready { spec, .. } = &mut case.issuer {
        let until = Some(OrderValidity::Until("2020-01-01".to_owned()));
        spec.digicert.get_or_insert_default().order_validity = until;
    }
    assert_eq!(adoption(&case).map(|adoption| adoption.request.order_validity), Ok(None));
}

/// CertCentral has no call for it.
#[test]
fn a_renewal_that_scm_would_buy_by_itself_is_switched_off_first() {
    let stop = Ok(Step::Do(Effect::StopAutoRenewal { order_id: "100".to_owned() }));
    let by = |auto_renew| with(|facts| facts.auto_renew = auto_renew).at_sectigo(serde_json::json!({}));
    assert_eq!(by(AutoRenewal::Scheduled).decide(), stop);
    let stays = CertificateCase { renewal_stays: Some("-3: no".to_owned()), ..by(AutoRenewal::Scheduled) };
    for case in [by(AutoRenewal::Started), stays, with(|facts| facts.auto_renew = AutoRenewal::Scheduled)] {
        assert!(adoption(&case).expect_err("not beside it").contains("automatic renewal"));
    }
    let found = OrderFacts { auto_renew: AutoRenewal::Scheduled, ..order() };
    let found = CertificateCase {
        secret: SecretView::Foreign { type_: TLS_SECRET.to_owned(), held: Box::new(holding(leaf())) },
        existing: Some(vec![found]),
        ..CertificateCase::new().at_sectigo(serde_json::json!({}))
    };
    let mut found = policy(found, |policy| policy.adopt_existing = Some(AdoptExisting::Matching));
    found.certificate.spec.take_over_secret = Some(true);
    assert_eq!(found.decide(), stop);
}

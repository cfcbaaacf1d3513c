use super::*;
use crate::{
    api::{
        Issuance,
        certificate::KeyAlgorithm,
        issuance::{FailureClass, State},
    },
    lifecycle::{
        certificate::{SecretView, account},
        testing::{self, CertificateCase, NAME, at, days, issued, key_hash, leaf, order, ours, strings},
    },
    pki::{KeyKind, Leaf},
};

fn wanted(case: &CertificateCase) -> Option<Wanted> {
    let observed = case.observed();
    Wanted::resolve(&observed, &testing::issuer(), &Lineage::of(&observed, account(&observed)))
}

fn plan(case: &CertificateCase, operation: Operation, parent: Option<&OrderFacts>) -> Plan {
    let observed = case.observed();
    let lineage = Lineage::of(&observed, account(&observed));
    let wanted = wanted(case).expect("a common name");
    Plan::new(&observed, &lineage, wanted, testing::account(), Trigger::Requested, (operation, Cost::Free), parent)
}

fn pinned(case: &CertificateCase, parent: Option<&OrderFacts>) -> Option<(String, Vec<String>)> {
    let supersedes = plan(case, Operation::Reissue, parent).supersedes?;
    Some((supersedes.public_key_sha256, supersedes.serial_numbers))
}

#[test]
fn a_key_is_used_again_only_while_it_is_good_and_of_the_kind_asked_for() {
    let never = |mut case: CertificateCase| {
        case.certificate.spec.private_key.get_or_insert_default().rotation_policy = Some(RotationPolicy::Never);
        case
    };
    let choice = |case: &CertificateCase, trigger| {
        let observed = case.observed();
        key_choice(&observed, trigger, &wanted(case).expect("a common name"))
    };
    let new = |keys: &[char]| KeyChoice::New { unlike: keys.iter().map(|&key| key_hash(key)).collect() };
    let case = never(CertificateCase::served());
    let again = KeyChoice::Again(key_hash('a'));
    for trigger in [Trigger::Expiring, Trigger::SpecChanged, Trigger::Requested, Trigger::IssuerChanged] {
        assert_eq!(choice(&case, trigger), again);
        assert_eq!(choice(&CertificateCase::served(), trigger), new(&['a']), "by default");
    }
    for trigger in [Trigger::KeyCompromise, Trigger::Revoked, Trigger::KeyLost] {
        assert_eq!(choice(&case, trigger), new(&['a']));
    }
    assert_eq!(choice(&never(CertificateCase::new()), Trigger::FirstIssue), new(&[]));
    let mut other = case.clone();
    other.certificate.spec.private_key.get_or_insert_default().size = Some(384);
    assert_eq!(choice(&other, Trigger::SpecChanged), new(&['a']));
    let replaced = |reason| {
        let mut next = issued(2, State::Failed, 'b');
        next.spec.reason = reason;
        next.spec.supersedes = Some(Supersedes { public_key_sha256: key_hash('a'), serial_numbers: Vec::new() });
        next
    };
    assert_eq!(choice(&case.clone().with(replaced(Trigger::Expiring)), Trigger::Expiring), again);
    for reason in [Trigger::KeyCompromise, Trigger::Revoked, Trigger::KeyLost] {
        let restored = case.clone().with(replaced(reason));
        assert_eq!(choice(&restored, Trigger::Expiring), new(&['a', 'b']), "a bad key is restored");
    }

    // A key that waits serves only the choice it was stored for.
    let mut plan = plan(&case, Operation::Reissue, Some(&order()));
    assert_eq!(plan.key, again);
    let (same, fresh) = (testing::stored_key('a', &[NAME]), testing::stored_key('b', &[NAME]));
    assert!(same.serves(&plan) && !fresh.serves(&plan));
    plan.key = new(&['a']);
    assert!(!same.serves(&plan) && fresh.serves(&plan));
}

#[test]
fn the_common_name_is_kept_also_when_only_the_secret_knows_it() {
    let names = ["a.example.com", NAME];
    let chosen = |case: CertificateCase| wanted(&case.named(&names)).map(|wanted| wanted.common_name);
    assert_eq!(chosen(CertificateCase::new()).as_deref(), Some("a.example.com"));
    assert_eq!(chosen(CertificateCase::served()).as_deref(), Some(NAME));
    let common_name = Some(NAME.to_ascii_uppercase());
    let restored = CertificateCase { secret: ours(Leaf { common_name, ..leaf() }), ..CertificateCase::new() };
    assert_eq!(chosen(restored).as_deref(), Some(NAME));
    let lost = CertificateCase { secret: SecretView::Absent, ..CertificateCase::served() };
    assert_eq!(chosen(lost).as_deref(), Some(NAME));
}

#[test]
fn an_operation_asks_for_what_the_spec_and_the_issuer_say() {
    let mut issuer = testing::issuer();
    let digicert = issuer.digicert.get_or_insert_with(|| unreachable!());
    digicert.order_validity = Some(OrderValidity::Years(2));
    digicert.organization_id = Some(5);
    digicert.options.comments = Some("please".to_owned());
    let mut case = CertificateCase::new().named(&["B.example.com", "a.example.com"]);
    case.certificate.spec.digicert.get_or_insert_default().product = Some("ssl_ev_basic".to_owned());
    let observed = case.observed();
    let wanted = Wanted::resolve(&observed, &issuer, &Lineage::default()).expect("a common name");
    assert_eq!(wanted.dns_names, ["a.example.com", "b.example.com"]);
    assert_eq!((wanted.product.as_str(), wanted.organization_id), ("ssl_ev_basic", Some(5)));
    assert_eq!(wanted.order_validity, Some(OrderValidity::Years(2)));
    assert_eq!(wanted.digicert.as_ref().and_then(|more| more.options.comments.as_deref()), Some("please"));
}

#[test]
fn what_is_recorded_leaves_nothing_to_the_time_of_the_call() {
    let mut case = CertificateCase::new();
    case.certificate.spec.validity = Some(Validity::Days(90));
    let settled = |operation| {
        let wanted = wanted(&case).expect("a common name").settled(operation, Some(&order()), at(0)).expect("valid");
        let plan = Plan { wanted, ..plan(&case, operation, Some(&order())) };
        plan.request(&testing::stored_key('b', &[NAME]))
    };
    for operation in [Operation::Order, Operation::Reissue, Operation::Renew] {
        let request = settled(operation);
        let more = request.digicert.expect("what goes to CertCentral");
        assert_eq!(more.certificate_validity, Some(Validity::Days(90)), "{operation:?}");
        assert_eq!(more.options.skip_approval, Some(true), "{operation:?}");
        assert_eq!(request.order_validity.is_some(), operation != Operation::Reissue, "{operation:?}");
    }
}

#[test]
fn what_counts_from_the_next_operation_on_differs_from_nothing() {
    let case = CertificateCase::served();
    let request = Plan { ..plan(&case, Operation::Order, None) }.request(&testing::stored_key('a', &[NAME]));
    let spec = IssuanceSpec { request, ..testing::issuance_spec(Operation::Order) };
    let mut edited = wanted(&case).expect("a common name");
    let more = edited.digicert.as_mut().expect("what goes to CertCentral");
    more.options.comments = Some("please".to_owned());
    more.options.ca_cert_id = Some("A1".to_owned());
    more.options.server_platform = Some(2);
    more.contacts.clear();
    assert!(!edited.differs_from(&spec), "it buys and reissues nothing by itself");
}

#[test]
fn an_operation_does_not_differ_from_itself() {
    let issuer = testing::issuer();
    let case = CertificateCase::served();
    let observed = case.observed();
    let lineage = Lineage::of(&observed, account(&observed));
    for operation in [Operation::Order, Operation::Reissue, Operation::Renew] {
        let wanted = Wanted::resolve(&observed, &issuer, &lineage).expect("a common name");
        let parent = order();
        let plan = Plan::new(
            &observed,
            &lineage,
            wanted.clone(),
            testing::account(),
            Trigger::Requested,
            (operation, Cost::Free),
            Some(&parent),
        );
        let request = plan.request(&testing::stored_key('b', &[NAME]));
        assert_eq!(request.order_validity.is_some(), operation != Operation::Reissue, "a reissue stays in its order");
        let spec = IssuanceSpec { request, ..testing::issuance_spec(operation) };
        assert!(!wanted.differs_from(&spec), "{operation:?}");
        for edit in [
            |wanted: &mut Wanted| wanted.common_name.push('x'),
            |wanted: &mut Wanted| wanted.dns_names.push("www.example.com".to_owned()),
            |wanted: &mut Wanted| wanted.key = Key::Ours(KeyAlgorithm::Rsa, 256),
            |wanted: &mut Wanted| wanted.key = Key::Ours(KeyAlgorithm::Ecdsa, 384),
            |wanted: &mut Wanted| wanted.key = Key::Elsewhere(None),
            |wanted: &mut Wanted| wanted.signature_hash = SignatureHash::Sha384,
            |wanted: &mut Wanted| wanted.validity = Some(Validity::Days(1)),
            |wanted: &mut Wanted| wanted.organization_id = Some(1),
        ] {
            let mut edited = wanted.clone();
            edit(&mut edited);
            assert!(edited.differs_from(&spec), "{edited:?}");
        }
        let another = Wanted { product: "ssl_ev_basic".to_owned(), ..wanted };
        assert_eq!(another.differs_from(&spec), operation != Operation::Reissue, "a reissue stays in its product");
    }
}

#[test]
fn the_key_in_use_and_its_unexpired_serial_numbers_are_pinned() {
    assert_eq!(pinned(&CertificateCase::new(), None), None);
    let a = || (key_hash('a'), strings(&["a"]));
    assert_eq!(pinned(&CertificateCase::served(), Some(&order())), Some(a()));
    let lost = CertificateCase { secret: SecretView::Absent, ..CertificateCase::served() };
    assert_eq!(pinned(&lost, Some(&order())), Some(a()), "the Secret was deleted first");

    let newer = CertificateCase::served().with(issued(2, State::Installed, 'b'));
    assert_eq!(pinned(&newer, None), Some((key_hash('b'), strings(&["b"]))), "not what was replaced before");
    let again = |change: fn(&mut Issuance)| {
        let mut issuance = issued(2, State::Installed, 'a');
        issuance.status.get_or_insert_default().serial_number = Some("b".to_owned());
        change(&mut issuance);
        pinned(&CertificateCase { now: days(10), ..CertificateCase::served() }.with(issuance), None)
    };
    assert_eq!(again(|_| {}), Some((key_hash('a'), strings(&["a", "b"]))), "every certificate of the key");
    assert_eq!(again(|issuance| issuance.status.get_or_insert_default().not_after = Some(testing::time(0))), Some(a()));
    assert_eq!(again(|issuance| issuance.status.get_or_insert_default().serial_number = None), Some(a()));
}

#[test]
fn without_a_ledger_only_a_certificate_its_order_vouches_for_is_pinned() {
    let restored = CertificateCase { issuances: Vec::new(), ..CertificateCase::served() };
    assert_eq!(pinned(&restored, Some(&order())), Some((key_hash('a'), strings(&["a"]))));
    let other = OrderFacts { serial_number: Some("0B".to_owned()), ..order() };
    assert_eq!(pinned(&restored, Some(&other)), None);
    assert_eq!(pinned(&restored, None), None);
}

#[test]
fn a_plan_carries_the_token_it_will_have_handled() {
    let case = CertificateCase::served().asking("t", None);
    assert_eq!(plan(&case, Operation::Reissue, Some(&order())).token.as_deref(), Some("t"));
    let mut failed = testing::failed(2, FailureClass::Rejected, 0);
    failed.spec.request_token = Some("t".to_owned());
    let tried = plan(&case.clone().with(failed), Operation::Reissue, Some(&order()));
    assert_eq!((tried.token.as_deref(), tried.revision), (Some("t"), 3), "once more");
    let mut done = issued(2, State::Installed, 'b');
    done.spec.request_token = Some("t".to_owned());
    assert_eq!(plan(&case.with(done), Operation::Reissue, Some(&order())).token, None);
}

#[test]
fn a_key_serves_the_plan_it_was_made_for() {
    let case = CertificateCase::new().named(&[NAME, "www.example.com"]);
    let plan = plan(&case, Operation::Order, None);
    let key = testing::stored_key('b', &[NAME, "www.example.com"]);
    assert!(key.serves(&plan));
    assert!(!StoredKey { kind: KeyKind::Rsa2048, ..key.clone() }.serves(&plan));
    assert!(!StoredKey { common_name: "www.example.com".to_owned(), ..key.clone() }.serves(&plan));
    assert!(!StoredKey { dns_names: strings(&[NAME]), ..key }.serves(&plan));
}

#[test]
fn what_is_lost_or_nearly_expired_goes_first() {
    let (now, day) = (at(0), 24 * 3600);
    for (trigger, left, expected) in [
        (Trigger::FirstIssue, None, Urgency::Normal),
        (Trigger::Expiring, Some(8 * day), Urgency::Normal),
        (Trigger::Expiring, Some(6 * day), Urgency::Urgent),
        (Trigger::Requested, Some(-day), Urgency::Urgent),
        (Trigger::KeyLost, None, Urgency::Urgent),
        (Trigger::KeyCompromise, Some(100 * day), Urgency::Urgent),
    ] {
        assert_eq!(urgency(trigger, left.map(at), now), expected, "{trigger:?}, {left:?}");
    }
}

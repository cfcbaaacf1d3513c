use super::*;
use crate::{
    api::issuance::{FailureClass, State, Supersedes},
    lifecycle::{
        Step,
        certificate::{Effect, OrderView, SecretView, account},
        plan::StoredKey,
        testing::{self, CertificateCase, NAME, csr, days, issued, key_hash, leaf, order, revoked, stored_key},
        trigger::Due,
    },
    pki::Leaf,
};

/// Certified for the CSR of this key, and served without it.
fn served(key: char) -> CertificateCase {
    let mut case = CertificateCase::served().by_csr(key);
    case = case.edit_last(|issuance| {
        issuance.spec.request.public_key_sha256 = key_hash(key);
        issuance.spec.request.key_origin = KeyOrigin::Elsewhere;
    });
    hold(&mut case, Leaf { public_key_sha256: key_hash(key), ..leaf() });
    case
}

fn hold(case: &mut CertificateCase, leaf: Leaf) {
    if let SecretView::Ours(held) = &mut case.secret {
        (held.pair, held.public_key_sha256) = (Some(leaf), None);
    }
}

fn due(case: &CertificateCase) -> Due {
    let observed = case.observed();
    trigger::due(&observed, &Lineage::of(&observed, account(&observed)))
}

fn hindered(case: &CertificateCase) -> Option<&'static str> {
    case.decide().err().map(|hindrance| hindrance.reason)
}

fn does(case: &CertificateCase) -> Option<Effect> {
    match case.decide() {
        Ok(Step::Do(effect)) => Some(effect),
        _ => None,
    }
}

fn lost(case: CertificateCase) -> CertificateCase {
    CertificateCase { secret: SecretView::Absent, ..case }
}

#[test]
fn the_csr_is_read_before_anything_is_decided_by_it() {
    let unread = CertificateCase { csr: CsrView::Unread, ..CertificateCase::new().by_csr('b') };
    assert_eq!(does(&unread), Some(Effect::ReadCsr));
    assert_ne!(does(&CertificateCase::new()), Some(Effect::ReadCsr), "nobody names one");
}

#[test]
fn without_a_usable_csr_nothing_is_asked_for_and_a_person_hears_of_it_in_time() {
    for case in [CertificateCase::new().by_csr('b'), lost(served('b')), served('b')] {
        let case = CertificateCase { csr: CsrView::Unusable("no".to_owned()), ..case };
        let hindrance = case.decide().expect_err("a hindrance");
        assert_eq!((hindrance.reason, hindrance.person), (reason::CSR_UNUSABLE, true));
        assert_eq!(hindrance.again, Some(SOON));
    }
}

#[test]
fn what_is_stored_and_asked_for_is_the_csr_and_no_key_of_ours() {
    let mut case = CertificateCase::new().by_csr('b');
    case.key = crate::lifecycle::certificate::KeyView::Absent;
    let Some(Effect::StoreKey(plan)) = does(&case) else { panic!("{:?}", case.decide()) };
    assert_eq!(plan.key, plan::KeyChoice::Elsewhere);
    let given = csr(&key_hash('b'));
    let stored = StoredKey { csr: given.pem.clone(), origin: KeyOrigin::Elsewhere, ..stored_key('b', &[NAME]) };
    assert!(stored.serves(&plan));
    let other = StoredKey { csr: csr(&key_hash('c')).pem, ..stored.clone() };
    assert!(!other.serves(&plan), "the CSR has changed since");
    let request = plan.request(&stored);
    assert_eq!((request.csr, request.key_origin), (given.pem, KeyOrigin::Elsewhere));

    let mut ours = CertificateCase::new();
    ours.key = crate::lifecycle::certificate::KeyView::Absent;
    let Some(Effect::StoreKey(plan)) = does(&ours) else { panic!("{:?}", ours.decide()) };
    assert!(!stored.serves(&plan), "a CSR is no key");
}

#[test]
fn another_csr_is_another_wish_and_the_same_serves_again() {
    assert!(matches!(due(&served('b')), Due::At(_)));
    let mut changed = served('b');
    changed.csr = CsrView::Read(csr(&key_hash('c')));
    assert_eq!(due(&changed), Due::Now(Trigger::SpecChanged));
    let old = CertificateCase { now: days(190), ..served('b') };
    assert_eq!(due(&old), Due::Now(Trigger::Expiring));
    assert_eq!(hindered(&old), None, "the same CSR is used again");
}

#[test]
fn a_key_that_is_bad_is_not_used_again_until_its_holder_gives_another() {
    let compromised = || served('b').asking("t", Some("KeyCompromise"));
    assert_eq!(due(&compromised()), Due::Now(Trigger::KeyCompromise));
    assert_eq!(hindered(&compromised()), Some(reason::NEW_CSR_REQUIRED));
    assert_eq!(hindered(&lost(compromised())), Some(reason::NEW_CSR_REQUIRED), "the Secret was deleted first");
    let told = compromised().decide().expect_err("a hindrance").message;
    assert!(told.contains("Secret appliance") && told.contains("tls.csr"), "{told}");
    let mut given = compromised();
    given.csr = CsrView::Read(csr(&key_hash('c')));
    assert_eq!(hindered(&given), None);
    assert_eq!(due(&given), Due::Now(Trigger::KeyCompromise), "and the old one is revoked");

    let gone = CertificateCase { revoked: Some(revoked("a")), ..served('b') };
    assert_eq!(hindered(&gone), Some(reason::NEW_CSR_REQUIRED));

    // Brought back later, it is still bad; what was lost with a Secret is not.
    for (why, expected) in [
        (Trigger::KeyCompromise, Some(reason::NEW_CSR_REQUIRED)),
        (Trigger::KeyLost, None),
        (Trigger::SpecChanged, None),
    ] {
        let mut next = issued(2, State::Installed, 'c');
        next.spec.reason = why;
        next.spec.request.key_origin = KeyOrigin::Elsewhere;
        next.spec.supersedes = Some(Supersedes { public_key_sha256: key_hash('b'), serial_numbers: Vec::new() });
        let mut back = served('b').with(next);
        hold(&mut back, Leaf { public_key_sha256: key_hash('c'), ..leaf() });
        assert_eq!(hindered(&back), expected, "{why:?}");
    }
}

#[test]
fn a_certificate_that_is_lost_is_downloaded_again() {
    let collects = |case: &CertificateCase| does(case) == Some(Effect::Collect { issuance: "shop-1".to_owned() });
    assert!(collects(&lost(served('b'))));
    let mut other = served('b');
    hold(&mut other, leaf());
    assert!(collects(&other), "another certificate is in its place");
    assert!(!collects(&lost(CertificateCase::served())), "a key of ours is lost with it");
    assert!(!collects(&served('b')));
    let mut lacking = served('b');
    hold(&mut lacking, Leaf { public_key_sha256: key_hash('b'), dns_names: Default::default(), ..leaf() });
    assert_eq!(due(&lacking), Due::Now(Trigger::SpecChanged));
    assert!(!collects(&lacking), "it is there, and would be downloaded for ever");
    let moved = served('b').edit_last(|issuance| issuance.spec.request.key_origin = KeyOrigin::Ours);
    assert!(!collects(&lost(moved)), "it was made for a Secret with its key");
    for (what, change) in [
        ("not given again", (|case| case.uncollectable = true) as fn(&mut CertificateCase)),
        ("expired", |case| case.now = days(200)),
        ("another CSR", |case| case.csr = CsrView::Read(csr(&key_hash('c')))),
        ("other names", |case| case.certificate.spec.dns_names.push("www.example.com".to_owned())),
        ("revoked", |case| {
            let revoked = Some(revoked("a"));
            case.certificate.status = Some(crate::api::CertificateStatus { revoked, ..Default::default() });
        }),
    ] {
        let mut case = lost(served('b'));
        change(&mut case);
        assert!(!collects(&case), "{what}");
        assert!(matches!(does(&case), Some(Effect::ReadOrder { .. })), "{what}: it is reissued");
    }
}

#[test]
fn between_keys_here_and_elsewhere_nothing_is_installed_that_the_other_wants() {
    let ours = || issued(1, State::Issued, 'a');
    let theirs = || {
        let mut issuance = ours();
        issuance.spec.request.key_origin = KeyOrigin::Elsewhere;
        issuance
    };
    let supersede = Some(Effect::Supersede { issuance: "shop-1".to_owned() });
    assert_eq!(does(&CertificateCase::new().by_csr('b').with(ours())), supersede);
    assert_eq!(does(&CertificateCase::new().with(theirs())), supersede);
    assert_ne!(does(&CertificateCase::new().by_csr('a').with(theirs())), supersede);

    // What is served stays until the Secret may be made anew: its type cannot be changed.
    let to_theirs = CertificateCase { unwritable: Some("type".to_owned()), ..CertificateCase::served().by_csr('b') };
    assert_eq!(due(&to_theirs), Due::Now(Trigger::SpecChanged));
    assert_eq!(hindered(&to_theirs), Some(reason::SECRET_NOT_WRITABLE));
    assert_eq!(due(&lost(to_theirs)), Due::Now(Trigger::SpecChanged), "no key was lost");
    let mut to_ours = served('b');
    to_ours.certificate.spec.csr_secret_ref = None;
    assert_eq!(due(&lost(to_ours)), Due::Now(Trigger::SpecChanged));
}

#[test]
fn what_was_begun_differs_by_who_holds_the_key_and_by_the_csr() {
    let asked = |origin, key| {
        let mut spec = testing::issuance_spec(Operation::Order);
        (spec.request.key_origin, spec.request.public_key_sha256) = (origin, key_hash(key));
        spec
    };
    let (ours, theirs) = (asked(KeyOrigin::Ours, 'b'), asked(KeyOrigin::Elsewhere, 'b'));
    let made = Key::Ours(KeyAlgorithm::Ecdsa, 256);
    assert!(!made.differs_from(&ours) && made.differs_from(&theirs));
    let unread = Key::Elsewhere(None);
    assert!(unread.differs_from(&ours) && !unread.differs_from(&theirs));
    let read = |key| Key::Elsewhere(Some(csr(&key_hash(key))));
    assert!(!read('b').differs_from(&theirs) && read('c').differs_from(&theirs));
}

/// A certificate is public: without its key it proves nothing of an order that only the Secret names.
#[test]
fn a_certificate_without_its_key_vouches_for_no_order() {
    let restored =
        CertificateCase { issuances: Vec::new(), order: OrderView::Read(order()), now: days(190), ..served('a') };
    assert_eq!(hindered(&restored), Some(reason::PROVIDER_BLOCKED));
    let with_key = CertificateCase { order: OrderView::Read(order()), now: days(190), ..CertificateCase::served() };
    assert_eq!(hindered(&CertificateCase { issuances: Vec::new(), ..with_key }), None);
    let mut listed = restored.clone();
    if let crate::lifecycle::certificate::IssuerView::Ready { spec, .. } = &mut listed.issuer {
        spec.policy.get_or_insert_default().adoptable.push("100".to_owned());
    }
    assert_eq!(hindered(&listed), None, "the issuer says so");
}

#[test]
fn names_that_only_the_csr_has_are_told() {
    let mut case = CertificateCase::new().by_csr('b');
    let mut given = csr(&key_hash('b'));
    given.names.insert("hsm.internal".to_owned());
    case.csr = CsrView::Read(given);
    assert_eq!(unasked(&case.observed(), &case.certificate.spec.dns_names), ["hsm.internal"]);
    assert!(unasked(&CertificateCase::new().observed(), &[]).is_empty());
}

#[test]
fn a_failure_with_one_csr_says_nothing_of_the_next() {
    let mut failed = testing::failed(1, FailureClass::Rejected, 0);
    failed.spec.request.key_origin = KeyOrigin::Elsewhere;
    failed.spec.request.public_key_sha256 = key_hash('b');
    let waits = |key| hindered(&CertificateCase::new().by_csr(key).with(failed.clone()));
    assert_eq!(waits('b'), Some(reason::FAILED));
    assert_eq!(waits('c'), None);
}

use super::*;
use crate::{
    api::{
        CertificateStatus,
        certificate::{
            Day, KeyAlgorithm, KeyEncoding, Keystores, PrivateKey, Renewal, RotationPolicy, SecretTemplate,
            SignatureHash, Validity, Window,
        },
        issuance::{FailureClass, State},
    },
    lifecycle::{
        certificate::{IssuerView, account},
        testing::{CertificateCase, NAME, days, failed, foreign, issued, leaf, ours, revoked, strings},
        validity::DAY,
    },
    pki::KeyKind,
};

fn due(case: &CertificateCase) -> Due {
    let observed = case.observed();
    super::due(&observed, &Lineage::of(&observed, account(&observed)))
}

fn now(case: &CertificateCase) -> Option<Trigger> {
    match due(case) {
        Due::Now(trigger) => Some(trigger),
        Due::OnRequest | Due::At(_) => None,
    }
}

fn compromised(case: CertificateCase) -> CertificateCase {
    case.asking("t", Some(meta::REASON_KEY_COMPROMISE))
}

fn moved(case: CertificateCase) -> CertificateCase {
    case.edit_last(|issuance| issuance.spec.account.id = "8".to_owned())
}

fn late(case: CertificateCase) -> CertificateCase {
    CertificateCase { now: days(198), ..case }
}

fn heard(case: CertificateCase) -> CertificateCase {
    CertificateCase { revoked: Some(revoked("a")), ..case }
}

fn lost(case: CertificateCase) -> CertificateCase {
    CertificateCase { secret: SecretView::Absent, ..case }
}

#[test]
fn the_first_trigger_that_holds_counts() {
    let changed = |case: CertificateCase| case.named(&[NAME, "www.example.com"]);
    let requested = |case: CertificateCase| case.asking("t", None);
    let served = CertificateCase::served;
    let everything = late(changed(moved(lost(compromised(served())))));
    let table = [
        (CertificateCase::new(), Some(Trigger::FirstIssue)),
        (everything, Some(Trigger::KeyCompromise)),
        (late(changed(moved(lost(requested(served()))))), Some(Trigger::KeyLost)),
        (heard(late(changed(moved(requested(served()))))), Some(Trigger::Revoked)),
        (late(changed(moved(requested(served())))), Some(Trigger::SpecChanged)),
        (late(moved(requested(served()))), Some(Trigger::IssuerChanged)),
        (late(requested(served())), Some(Trigger::Requested)),
        (late(served()), Some(Trigger::Expiring)),
        (served(), None),
        // A key that never was cannot be compromised, a request without a certificate is a first issue.
        (compromised(CertificateCase::new()), Some(Trigger::FirstIssue)),
        (requested(CertificateCase::new()), Some(Trigger::FirstIssue)),
        (CertificateCase::new().with(failed(1, FailureClass::Rejected, 0)), Some(Trigger::FirstIssue)),
    ];
    for (case, expected) in table {
        assert_eq!(now(&case), expected, "{case:?}", case = case.certificate);
    }
}

#[test]
fn only_what_is_served_is_replaced_for_being_revoked_and_what_was_heard_is_kept() {
    let other = CertificateCase { revoked: Some(revoked("b")), ..CertificateCase::served() };
    assert_eq!(now(&other), None, "another serial number");
    let mut restarted = CertificateCase::served();
    restarted.certificate.status =
        Some(CertificateStatus { revoked: Some(revoked("a")), ..CertificateStatus::default() });
    assert_eq!(now(&restarted), Some(Trigger::Revoked));
    restarted.certificate.status =
        Some(CertificateStatus { revoked: Some(revoked("b")), ..CertificateStatus::default() });
    assert_eq!(now(&restarted), None, "it was replaced meanwhile");
}

#[test]
fn nothing_is_due_before_the_renewal_time() {
    let case = CertificateCase::served();
    let Due::At(time) = due(&case) else { panic!("due now") };
    assert!(time > days(199 - 67) && time < days(199));
    assert_eq!(now(&CertificateCase { now: time, ..case.clone() }), Some(Trigger::Expiring));
    assert_eq!(due(&CertificateCase { now: time - std::time::Duration::from_secs(1), ..case }), Due::At(time));
}

#[test]
fn by_hand_what_expires_waits_for_a_token_and_nothing_else_does() {
    let by_hand = |mut case: CertificateCase| {
        case.certificate.spec.renewal = Some(Renewal { policy: Some(RenewalPolicy::Manual), ..Renewal::default() });
        case
    };
    let served = || by_hand(CertificateCase::served());
    assert!(matches!(due(&served()), Due::At(_)));
    assert_eq!(due(&late(served())), Due::OnRequest);
    assert_eq!(due(&late(served().asking("t", None))), Due::Now(Trigger::Expiring), "as expiry would");
    assert_eq!(due(&served().asking("t", None)), Due::Now(Trigger::Requested));
    assert_eq!(due(&late(lost(served()))), Due::Now(Trigger::KeyLost));
    assert_eq!(due(&late(compromised(served()))), Due::Now(Trigger::KeyCompromise));
    assert_eq!(due(&late(served().named(&["www.example.com"]))), Due::Now(Trigger::SpecChanged));
    let automatic = late(CertificateCase::served().asking("t", None));
    assert_eq!(due(&automatic), Due::Now(Trigger::Requested));
}

#[test]
fn only_what_expires_waits_for_a_window() {
    let sunday = Window { days: vec![Day::Sun], from: "00:00".to_owned(), to: "04:00".to_owned(), time_zone: None };
    let mut case = CertificateCase::served();
    case.certificate.spec.renewal =
        Some(Renewal { before: Some(DAY.saturating_mul(61).into()), windows: vec![sunday], ..Renewal::default() });
    let Due::At(time) = due(&case) else { panic!("due now") };
    // Due on Saturday the 17th of October 2026, 138 days after the certificate was issued.
    assert!(time > days(139) && time < days(139) + std::time::Duration::from_secs(4 * 3600), "{time}");
    let closed = CertificateCase { now: days(141), ..case.clone() };
    assert!(matches!(due(&closed), Due::At(time) if time > days(146) && time < days(147)));
    assert_eq!(now(&CertificateCase { now: days(193), ..case.clone() }), Some(Trigger::Expiring), "the last moment");
    assert_eq!(now(&lost(closed.clone())), Some(Trigger::KeyLost));
    assert_eq!(now(&closed.clone().asking("t", None)), Some(Trigger::Requested));
    assert_eq!(now(&closed.named(&["www.example.com"])), Some(Trigger::SpecChanged));
}

#[test]
fn a_pair_that_cannot_be_used_is_lost() {
    let mut case = CertificateCase::served();
    if let SecretView::Ours(held) = &mut case.secret {
        held.pair = None;
    }
    assert_eq!(now(&case), Some(Trigger::KeyLost));
    for secret in [SecretView::Absent, foreign()] {
        let case = CertificateCase { secret, ..CertificateCase::served() };
        assert_eq!(now(&case), Some(Trigger::KeyLost));
    }
}

#[test]
fn each_field_of_the_request_counts_but_the_product_only_from_the_next_order_on() {
    type Edit = fn(&mut CertificateSpec);
    let edits: [(Edit, bool); 15] = [
        (|spec| spec.dns_names.push("www.example.com".to_owned()), true),
        (|spec| spec.dns_names = strings(&["www.example.com"]), true),
        (|spec| spec.dns_names = strings(&[NAME, NAME]), false),
        (|spec| spec.common_name = Some(NAME.to_owned()), false),
        (|spec| spec.private_key = Some(PrivateKey { algorithm: KeyAlgorithm::Rsa, ..PrivateKey::default() }), true),
        (
            |spec| {
                spec.private_key =
                    Some(PrivateKey { algorithm: KeyAlgorithm::Ecdsa, size: Some(384), ..PrivateKey::default() })
            },
            true,
        ),
        (
            |spec| {
                spec.private_key = Some(PrivateKey {
                    algorithm: KeyAlgorithm::Ecdsa,
                    size: Some(256),
                    encoding: Some(KeyEncoding::Pkcs1),
                    rotation_policy: Some(RotationPolicy::Never),
                })
            },
            false,
        ),
        (|spec| spec.signature_hash = Some(SignatureHash::Sha384), true),
        (|spec| spec.signature_hash = Some(SignatureHash::Sha256), false),
        (|spec| spec.validity = Some(Validity::Days(90)), true),
        (|spec| spec.digicert.get_or_insert_default().product = Some("ssl_ev_basic".to_owned()), false),
        (|spec| spec.renewal = Some(Default::default()), false),
        (|spec| spec.private_key.get_or_insert_default().encoding = Some(KeyEncoding::Pkcs1), false),
        (|spec| spec.secret_template = Some(SecretTemplate::default()), false),
        (|spec| spec.keystores = Some(Keystores::default()), false),
    ];
    for (n, (edit, counts)) in edits.into_iter().enumerate() {
        let mut case = CertificateCase::served();
        edit(&mut case.certificate.spec);
        assert_eq!(now(&case) == Some(Trigger::SpecChanged), counts, "edit {n}");
    }
}

#[test]
fn what_the_ca_added_or_chose_is_no_change() {
    let mut more = leaf();
    more.dns_names.insert("www.shop.example.com".to_owned());
    more.key_kind = Some(KeyKind::Rsa2048);
    assert_eq!(now(&CertificateCase { secret: ours(more), ..CertificateCase::served() }), None);
}

#[test]
fn a_wanted_name_that_is_not_in_the_certificate_is_asked_for_whatever_was_asked_before() {
    let mut other = leaf();
    other.dns_names = ["other.example.com".to_owned()].into();
    let case = CertificateCase { secret: ours(other), ..CertificateCase::served() };
    assert_eq!(now(&case), Some(Trigger::SpecChanged));
}

#[test]
fn a_spec_that_went_there_and_back_is_compared_with_what_the_ca_did_last() {
    let without = |state, class: Option<FailureClass>| {
        let mut issuance = issued(2, state, 'b');
        issuance.spec.request.dns_names = strings(&["www.example.com"]);
        issuance.status.get_or_insert_default().failure =
            class.map(|class| crate::lifecycle::testing::failure(class, 0));
        CertificateCase::served().with(issuance)
    };
    assert_eq!(now(&without(State::Superseded, None)), Some(Trigger::SpecChanged), "the CA revokes what is served");
    assert_eq!(now(&without(State::Failed, Some(FailureClass::InvalidCertificate))), Some(Trigger::SpecChanged));
    assert_eq!(now(&without(State::Failed, Some(FailureClass::Rejected))), None, "the CA did nothing");
}

#[test]
fn without_a_ledger_names_and_key_are_compared() {
    let restored = |change: fn(&mut Leaf)| {
        let mut leaf = leaf();
        change(&mut leaf);
        CertificateCase { secret: ours(leaf), ..CertificateCase::new() }
    };
    assert_eq!(now(&restored(|_| {})), None);
    assert_eq!(now(&restored(|leaf| leaf.dns_names.clear())), Some(Trigger::SpecChanged));
    for kind in [KeyKind::EcdsaP384, KeyKind::Rsa2048] {
        let mut case = restored(|_| {});
        case.secret = ours(Leaf { key_kind: Some(kind), ..leaf() });
        assert_eq!(now(&case), Some(Trigger::SpecChanged), "{kind}");
    }
    assert_eq!(now(&restored(|leaf| leaf.key_kind = None)), None, "a kind Evercert never makes was somebody's choice");
}

#[test]
fn a_token_asks_until_its_certificate_is_served_and_then_never_again() {
    let asked = |state| {
        let mut issuance = issued(2, state, 'b');
        issuance.spec.request_token = Some("t".to_owned());
        compromised(CertificateCase::served()).with(issuance)
    };
    assert_eq!(now(&asked(State::Installed)), None);
    assert_eq!(now(&asked(State::Denied)), None);
    assert_eq!(now(&asked(State::Failed)), Some(Trigger::KeyCompromise), "a compromise is not forgotten");
    let again = asked(State::Installed).asking("t2", None);
    assert_eq!(now(&again), Some(Trigger::KeyCompromise), "a new token");
    assert_eq!(now(&CertificateCase::served().asking("", None)), None, "an empty one is none");
}

#[test]
fn a_token_is_fresh_until_it_was_tried() {
    let case = CertificateCase::served().asking("t", None);
    let fresh = |case: &CertificateCase| {
        let observed = case.observed();
        let lineage = Lineage::of(&observed, account(&observed));
        (unhandled(observed.certificate, &lineage).is_some(), fresh(observed.certificate, &lineage).is_some())
    };
    assert_eq!(fresh(&case), (true, true));
    let mut tried = failed(2, FailureClass::Rejected, 0);
    tried.spec.request_token = Some("t".to_owned());
    assert_eq!(fresh(&case.clone().with(tried)), (true, false));
    let mut done = issued(2, State::Installed, 'b');
    done.spec.request_token = Some("t".to_owned());
    assert_eq!(fresh(&case.with(done)), (false, false));
}

#[test]
fn another_account_counts_once_it_is_known() {
    let at_another = || moved(CertificateCase::served());
    assert_eq!(now(&at_another()), Some(Trigger::IssuerChanged));
    for issuer in [IssuerView::Missing, IssuerView::NotReady("its key is missing".to_owned())] {
        assert_eq!(now(&CertificateCase { issuer, ..at_another() }), None, "waited for");
    }
    let mut renamed = CertificateCase::served();
    renamed.certificate.spec.issuer_ref.name = "another-object".to_owned();
    assert_eq!(now(&renamed), None, "of the same account");
}

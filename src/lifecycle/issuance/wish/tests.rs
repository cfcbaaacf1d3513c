use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::{
    api::{
        CertificateSpec,
        certificate::{Renewal, SignatureHash, Validity},
        issuance::Operation,
        issuer::{IssuerKind, OrderValidity},
    },
    lifecycle::testing::{CertificateCase, NAME, at, issuance_spec, issuer, outcome, strings, submission, validation},
};

fn wished(operation: Operation, edit: impl FnOnce(&mut CertificateSpec)) -> Wish {
    let mut certificate = CertificateCase::new().certificate;
    edit(&mut certificate.spec);
    wish(Some(&certificate), Some(&issuer()), &issuance_spec(operation), &IssuanceStatus::default())
}

#[test]
fn what_was_asked_for_is_compared_with_what_is_wanted_by_now() {
    use Operation::{Order, Reissue};
    type Edit = fn(&mut CertificateSpec);
    let year: Edit = |spec| spec.digicert.get_or_insert_default().order_validity = Some(OrderValidity::Days(90));
    let table: [(Operation, Edit, Wish); 11] = [
        (Order, |_| {}, Wish::Same),
        (Reissue, |_| {}, Wish::Same),
        (Order, |spec| spec.dns_names = strings(&[NAME, "www.example.com"]), Wish::Changed),
        (Order, |spec| spec.common_name = Some(NAME.to_owned()), Wish::Same),
        (Order, |spec| spec.signature_hash = Some(SignatureHash::Sha512), Wish::Changed),
        (Order, |spec| spec.validity = Some(Validity::Days(30)), Wish::Changed),
        (Order, year, Wish::Changed),
        (Reissue, year, Wish::Same),
        (Order, |spec| spec.issuer_ref.kind = IssuerKind::ClusterIssuer, Wish::Changed),
        (Order, |spec| spec.renewal = Some(Renewal::default()), Wish::Same),
        (Order, |spec| spec.suspend = Some(true), Wish::Rest),
    ];
    for (n, (operation, edit, expected)) in table.into_iter().enumerate() {
        assert_eq!(wished(operation, edit), expected, "row {n}");
    }
}

#[test]
fn what_nobody_wants_rests() {
    let mut certificate = CertificateCase::new().certificate;
    let (spec, status) = (issuance_spec(Operation::Order), IssuanceStatus::default());
    assert_eq!(wish(None, Some(&issuer()), &spec, &status), Wish::Gone);
    assert_eq!(wish(Some(&certificate), None, &spec, &status), Wish::Same, "not to be told");
    certificate.metadata.deletion_timestamp = Some(Time(at(0)));
    assert_eq!(wish(Some(&certificate), Some(&issuer()), &spec, &status), Wish::Gone);
}

#[test]
fn unsent_is_what_the_provider_has_certainly_not_carried_out() {
    use OutcomeClass::{Accepted, Ambiguous, Blocked, NotSent, RateLimited, Rejected};
    let table: [(usize, &[OutcomeClass], bool); 10] = [
        (0, &[], true),
        (1, &[], false),
        (1, &[NotSent], true),
        (1, &[Blocked], true),
        (1, &[RateLimited], true),
        (1, &[Ambiguous], false),
        (1, &[Accepted], false),
        (1, &[Rejected], false),
        (2, &[NotSent], false),
        (2, &[Ambiguous, NotSent], false),
    ];
    for (submissions, classes, expected) in table {
        let mut spec = issuance_spec(Operation::Order);
        spec.submissions = (1..).take(submissions).map(|n| submission(n, 0)).collect();
        let outcomes = (1..).zip(classes).map(|(n, class)| outcome(n, *class, 1)).collect();
        let mut status = IssuanceStatus { outcomes, ..IssuanceStatus::default() };
        assert_eq!(is_unsent(&spec, &status), expected, "{submissions} {classes:?}");
        status.order_id = Some("100".to_owned());
        assert!(!is_unsent(&spec, &status));
    }
}

#[test]
fn what_waits_for_a_name_that_nobody_wants_is_stuck() {
    use ValidationState::{Cleaned, Pending, Valid, Visible};
    let mut certificate = CertificateCase::new().certificate;
    let mut spec = issuance_spec(Operation::Reissue);
    spec.request.dns_names = strings(&[NAME, "www.typo.org"]);
    let table = [
        (vec![], Wish::Changed),
        (vec![validation("typo.org", Pending)], Wish::Stuck),
        (vec![validation("www.typo.org", Visible)], Wish::Stuck),
        (vec![validation("typo.org", Valid)], Wish::Changed),
        (vec![validation("typo.org", Cleaned)], Wish::Changed),
        (vec![validation("example.com", Pending)], Wish::Changed),
        (vec![validation(NAME, Pending), validation("ample.com", Pending)], Wish::Stuck),
    ];
    for (n, (validations, expected)) in table.into_iter().enumerate() {
        let status = IssuanceStatus { validations, ..IssuanceStatus::default() };
        assert_eq!(wish(Some(&certificate), Some(&issuer()), &spec, &status), expected, "row {n}");
    }
    certificate.spec.dns_names = spec.request.dns_names.clone();
    let status = IssuanceStatus { validations: vec![validation("typo.org", Pending)], ..IssuanceStatus::default() };
    assert_eq!(wish(Some(&certificate), Some(&issuer()), &spec, &status), Wish::Same);
}

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::{
    api::issuance::{Cost, FailureClass, KeyOrigin, Operation, Trigger},
    lifecycle::{
        Step,
        certificate::{Effect, IssuerView, OrderView, SecretView},
        testing::{CertificateCase, NAME, days, failed, key_hash, leaf, order, ours},
    },
    pki::Leaf,
};

fn never_issued() -> CertificateCase {
    CertificateCase::new().at_dnsimple("LetsEncrypt")
}

fn served() -> CertificateCase {
    CertificateCase::served().at_dnsimple("LetsEncrypt")
}

fn misfit(product: &str, own: Value) -> Option<&'static str> {
    let case = CertificateCase::new().at_dnsimple(product);
    let IssuerView::Ready { spec: issuer, .. } = &case.issuer else { return None };
    let mut spec = json!({"issuerRef": {"name": "dnsimple"}, "secretName": "shop-tls", "dnsNames": [NAME]});
    spec.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    super::misfit(&serde_json::from_value(spec).unwrap(), issuer)
}

#[test]
fn what_dnsimple_has_no_place_for_is_told() {
    let both = [
        json!({"csrSecretRef": {"name": "csr", "key": "tls.csr"}}),
        json!({"validity": {"days": 30}}),
        json!({"signatureHash": "sha384"}),
        json!({"adopt": {"orderId": "7"}}),
        json!({"deletionPolicy": "Revoke"}),
        json!({"digicert": {}}),
    ];
    for own in both {
        for product in ["LetsEncrypt", "Existing"] {
            assert!(misfit(product, own.clone()).is_some(), "{product}: {own}");
        }
    }
    for key in [json!({"algorithm": "RSA", "size": 4096}), json!({"algorithm": "ECDSA", "rotationPolicy": "Never"})] {
        assert!(misfit("LetsEncrypt", json!({"privateKey": key})).is_some(), "{key}");
        assert_eq!(misfit("Existing", json!({"privateKey": key})), None, "the key is ours");
    }
    for fits in [json!({}), json!({"privateKey": {"algorithm": "RSA"}}), json!({"deletionPolicy": "Delete"})] {
        assert_eq!(misfit("LetsEncrypt", fits.clone()), None, "{fits}");
    }
    assert!(
        misfit(
            "Existing",
            json!({"dnsimple": {"product": "LetsEncrypt"}, "privateKey": {"algorithm": "RSA", "size": 2048}})
        )
        .is_some()
    );
}

#[test]
fn a_purchase_is_free_and_promises_a_key() {
    let Ok(Step::Do(Effect::RecordIntent(plan, key))) = never_issued().decide() else {
        panic!("{:?}", never_issued().decide())
    };
    assert_eq!((plan.operation, plan.cost, plan.trigger), (Operation::Order, Cost::Free, Trigger::FirstIssue));
    assert_eq!((key.origin, key.public_key_sha256.as_str(), key.csr.as_str()), (KeyOrigin::Provider, "", ""));
    let request = plan.request(&key);
    assert_eq!(request.key_origin, KeyOrigin::Provider);
    assert!(request.dnsimple.is_some() && request.digicert.is_none() && request.sectigo.is_none());
}

/// Nothing is adopted there, so nothing is looked for either.
#[test]
fn no_purchase_is_looked_for_to_be_adopted() {
    let mut case = never_issued();
    if let IssuerView::Ready { spec, .. } = &mut case.issuer {
        spec.policy = Some(serde_json::from_value(json!({"adoptExisting": "Matching"})).unwrap());
    }
    assert!(matches!(case.decide(), Ok(Step::Do(Effect::RecordIntent(..)))), "{:?}", case.decide());
}

#[test]
fn what_expires_is_renewed_and_what_changed_is_bought_anew() {
    let read = |case: CertificateCase| CertificateCase { order: OrderView::Read(order()), ..case };
    let operation = |case: CertificateCase| match case.decide() {
        Ok(Step::Do(Effect::RecordIntent(plan, _))) => {
            (plan.operation, plan.cost, plan.parent.map(|parent| parent.order_id))
        }
        other => panic!("{other:?}"),
    };
    let expiring = CertificateCase { now: days(190), ..served() };
    assert_eq!(operation(read(expiring.clone())), (Operation::Renew, Cost::Free, Some("100".to_owned())));
    assert_eq!(operation(read(served().named(&[NAME, "www.example.com"]))), (Operation::Order, Cost::Free, None));
    assert_eq!(operation(read(served().asking("t", Some("KeyCompromise")))), (Operation::Order, Cost::Free, None));
    // The provider's own affair: nothing is waited for, since nothing costs.
    assert_eq!(operation(CertificateCase { order: OrderView::Absent, ..expiring.clone() }).0, Operation::Order);
    let mut refused = failed(2, FailureClass::Canceled, 0);
    refused.spec.operation = Operation::Renew;
    refused.spec.parent = Some(crate::api::issuance::Parent { order_id: "100".to_owned(), ..Default::default() });
    let mut again = read(expiring).with(refused).at_dnsimple("LetsEncrypt");
    again.issuances[1] = {
        let mut failed = again.issuances[1].as_ref().clone();
        failed.status.as_mut().unwrap().failure.as_mut().unwrap().at =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(days(190)));
        std::sync::Arc::new(failed)
    };
    assert_eq!(operation(again).0, Operation::Order, "what cannot be renewed is bought at once");
}

#[test]
fn what_is_lost_is_downloaded_again() {
    let lost = CertificateCase { secret: SecretView::Absent, ..served() };
    let collect = Ok(Step::Do(Effect::Collect { issuance: "shop-1".to_owned() }));
    assert_eq!(lost.decide(), collect);
    // Not what has expired, is revoked, is for other names, or is not given again.
    let not = |case: CertificateCase| assert!(matches!(case.decide(), Ok(Step::Do(Effect::ReadOrder { .. }))));
    not(CertificateCase { now: days(200), ..lost.clone() });
    not(lost.clone().named(&["other.example.com"]));
    not(CertificateCase { uncollectable: true, ..lost.clone() });
    let mut revoked = lost.clone();
    let heard = Some(crate::lifecycle::testing::revoked("a"));
    revoked.certificate.status = Some(crate::api::CertificateStatus { revoked: heard, ..Default::default() });
    not(revoked);
    let elsewhere = lost.clone().edit_last(|issuance| issuance.spec.account.id = "2020".to_owned());
    assert!(matches!(elsewhere.decide(), Ok(Step::Do(Effect::RecordIntent(..)))), "{:?}", elsewhere.decide());
    // A key of ours is nowhere else.
    let mut by_hand = CertificateCase { secret: SecretView::Absent, ..CertificateCase::served() };
    by_hand = by_hand.at_dnsimple("Existing").edit_last(|issuance| {
        issuance.spec.request.key_origin = KeyOrigin::Ours;
        issuance.spec.request.public_key_sha256 = key_hash('a');
        issuance.status.as_mut().unwrap().public_key_sha256 = None;
    });
    not(by_hand);
}

#[test]
fn a_key_of_dnsimple_is_known_once_it_is_there() {
    let case = served();
    let installed = &case.issuances[0];
    assert!(installed.spec.request.public_key_sha256.is_empty() && installed.has_providers_key());
    assert_eq!(installed.public_key_sha256(), key_hash('a'));
    assert!(matches!(case.decide(), Ok(Step::Wait(_))), "at rest: {:?}", case.decide());
    let other = Leaf { public_key_sha256: key_hash('b'), ..leaf() };
    let other = CertificateCase { secret: ours(other), order: OrderView::Read(order()), ..served() };
    assert!(matches!(other.decide(), Ok(Step::Wait(_))), "a pair is a pair");
}

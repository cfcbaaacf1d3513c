#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::{
    api::{
        conditions::{ACTION_REQUIRED, READY, condition},
        issuance::{FailureClass, State},
    },
    lifecycle::{
        present,
        testing::{self, CertificateCase, at, days, failed, issued, leaf, order, stored_key, strings},
    },
    pki::Leaf,
};

fn at_sectigo(case: CertificateCase, policy: Value) -> CertificateCase {
    case.at_sectigo(policy)
}

/// Its order is its certificate, and ends with it.
fn certificate_100() -> OrderFacts {
    OrderFacts { valid_till: order().certificate_valid_till, ..order() }
}

fn reading(case: CertificateCase) -> CertificateCase {
    CertificateCase { order: OrderView::Read(certificate_100()), key: KeyView::Absent, ..case }
}

fn chosen(case: &CertificateCase) -> Plan {
    match case.decide() {
        Ok(Step::Do(Effect::StoreKey(plan))) => *plan,
        other => panic!("{other:?}"),
    }
}

fn hindered(case: &CertificateCase) -> (&'static str, bool, String) {
    match case.decide() {
        Err(hindrance) => (hindrance.reason, hindrance.person, hindrance.message),
        other => panic!("{other:?}"),
    }
}

/// The certificate has ten days left.
fn expiring() -> CertificateCase {
    reading(CertificateCase { now: days(189), ..CertificateCase::served() })
}

#[test]
fn before_anything_is_recorded_the_provider_is_asked_whether_it_would_take_it() {
    for case in [CertificateCase::new(), at_sectigo(CertificateCase::new(), json!({}))] {
        let plan = chosen(&CertificateCase { key: KeyView::Absent, ..case.clone() });
        let key = stored_key('b', &[testing::NAME]);
        let with = |preflight| CertificateCase { key: KeyView::Stored(key.clone()), preflight, ..case.clone() };
        let asks = Effect::Preflight(Box::new(plan.clone()), key.clone());
        assert_eq!(with(Preflight::Unasked).decide(), Ok(Step::Do(asks)));
        let records = Effect::RecordIntent(Box::new(plan), key.clone());
        assert_eq!(with(Preflight::Passed).decide(), Ok(Step::Do(records)));
        let refused = with(Preflight::Refused("the profile offers no term of 199 days".to_owned()));
        let (reason, person, message) = hindered(&refused);
        assert_eq!((reason, person), (reason::PREFLIGHT_REFUSED, true));
        assert!(message.contains("no term of 199 days"), "{message}");
        let status = present::status(&refused.observed(), &refused.decide());
        for type_ in [READY, ACTION_REQUIRED] {
            assert_eq!(
                condition(&status.conditions, type_).map(|it| it.reason.as_str()),
                Some(reason::PREFLIGHT_REFUSED)
            );
        }
    }
}

#[test]
fn an_enrollment_is_asked_for_with_what_the_issuer_and_the_certificate_say() {
    let mut case = at_sectigo(CertificateCase { key: KeyView::Absent, ..CertificateCase::new() }, json!({}));
    case.certificate.spec.sectigo = Some(serde_json::from_value(json!({"term": 90})).unwrap());
    let plan = chosen(&case);
    assert_eq!((plan.operation, plan.cost), (Operation::Order, Cost::Paid));
    let request = plan.request(&stored_key('b', &[testing::NAME]));
    assert_eq!((request.product.as_str(), request.organization_id), ("5120", Some(42)));
    assert_eq!((request.order_validity, request.digicert), (None, None));
    assert_eq!(request.sectigo.and_then(|asked| asked.term), Some(90));
}

#[test]
fn what_expires_is_renewed_thirty_days_before_its_end() {
    let served = |day: i64| reading(CertificateCase { now: days(day), ..CertificateCase::served() });
    let case = at_sectigo(served(168), json!({})).edit_last(|issuance| {
        issuance.status.get_or_insert_default().order_valid_till = Some(testing::time(199 * 86_400));
    });
    assert!(matches!(case.decide(), Ok(Step::Wait(_))), "a third of its life is left, and nothing carries over");
    let due = CertificateCase { now: days(189), ..case };
    let plan = chosen(&due);
    assert_eq!((plan.operation, plan.cost, plan.trigger), (Operation::Renew, Cost::Paid, Trigger::Expiring));
    assert_eq!(plan.parent.map(|parent| parent.order_id).as_deref(), Some("100"));
}

#[test]
fn a_lost_key_is_replaced_free_under_the_same_id() {
    let mut case = at_sectigo(reading(CertificateCase::served()), json!({}));
    case.secret = crate::lifecycle::certificate::SecretView::Absent;
    let plan = chosen(&case);
    assert_eq!((plan.operation, plan.cost, plan.trigger), (Operation::Reissue, Cost::Free, Trigger::KeyLost));
    let compromised = at_sectigo(reading(CertificateCase::served()), json!({})).asking("t", Some("KeyCompromise"));
    let plan = chosen(&compromised);
    assert_eq!((plan.operation, plan.trigger), (Operation::Reissue, Trigger::KeyCompromise));
    assert_eq!(plan.supersedes.map(|old| old.serial_numbers), Some(strings(&["a"])), "revoked by its number later");
}

#[test]
fn a_forbidden_renewal_is_told_at_once_and_bought_where_the_policy_says_so() {
    let refused = |code: &str| {
        let mut refused = failed(2, FailureClass::Rejected, 0);
        refused.spec.operation = Operation::Renew;
        let asked = chosen(&at_sectigo(expiring(), json!({})));
        refused.spec.request = asked.request(&stored_key('b', &[testing::NAME]));
        refused.spec.parent = Some(crate::api::issuance::Parent { order_id: "100".to_owned(), ..Default::default() });
        let failure = refused.status.get_or_insert_default().failure.as_mut().unwrap();
        failure.code = Some(code.to_owned());
        failure.at = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(days(189)));
        refused
    };
    let case = |code: &str, policy: Value| at_sectigo(expiring().with(refused(code)), policy);
    let (reason, person, message) = hindered(&case("-180", json!({})));
    assert_eq!((reason, person), (reason::PROVIDER_BLOCKED, true));
    assert!(message.contains("policy.whenForbidden"), "{message}");
    let plan = chosen(&case("-180", json!({"whenForbidden": "Order"})));
    assert_eq!((plan.operation, plan.cost), (Operation::Order, Cost::Paid));
    let (reason, _, message) = hindered(&case("-37", json!({})));
    assert!(reason == reason::PROVIDER_BLOCKED && message.contains("this API admin"), "{message}");
    assert_eq!(chosen(&case("-37", json!({"whenForbidden": "Order"}))).operation, Operation::Order);
    assert_eq!(hindered(&case("-36", json!({}))).0, reason::FAILED, "any other refusal is waited out");
    let later = CertificateCase { now: days(190) + Duration::from_secs(60), ..case("-180", json!({})) };
    assert_eq!(chosen(&later).operation, Operation::Renew, "a profile can be changed");
}

#[test]
fn another_profile_is_bought_when_the_policy_lists_it_and_the_certificate_is_due() {
    let with = |policy: Value| {
        let mut case = at_sectigo(expiring(), policy);
        case.certificate.spec.sectigo = Some(serde_json::from_value(json!({"profileId": 5121})).unwrap());
        case
    };
    let (reason, _, message) = hindered(&with(json!({})));
    assert_eq!(reason, reason::POLICY_REFUSED);
    assert!(message.contains("product 5121"), "{message}");
    let plan = chosen(&with(json!({"rules": [{"name": "all", "products": ["5121"]}]})));
    assert_eq!((plan.operation, plan.wanted.product.as_str()), (Operation::Order, "5121"));
}

#[test]
fn what_the_provider_has_no_place_for_is_told_long_before_it_counts() {
    let mut served = at_sectigo(CertificateCase { now: at(10), ..CertificateCase::served() }, json!({}));
    served.certificate.spec.digicert = Some(Default::default());
    let (reason, person, message) = hindered(&served);
    assert_eq!((reason, person), (reason::INVALID_SPEC, true));
    assert!(message.contains("spec.digicert"), "{message}");
    let status = present::status(&served.observed(), &served.decide());
    assert!(condition(&status.conditions, READY).is_some_and(|ready| ready.status == "True"));
}

#[test]
fn names_removed_revoke_nothing_that_is_known_of() {
    let both = Leaf { dns_names: strings(&[testing::NAME, "www.example.com"]).into_iter().collect(), ..leaf() };
    let served = CertificateCase { secret: testing::ours(both), ..CertificateCase::served() };
    let served = served.edit_last(|issuance| {
        issuance.spec.request.dns_names = strings(&[testing::NAME, "www.example.com"]);
    });
    let plan = chosen(&at_sectigo(reading(served), json!({})));
    assert_eq!((plan.operation, plan.removes), (Operation::Reissue, Vec::new()));
    assert_eq!(issued(1, State::Installed, 'a').spec.account.provider, "digicert", "DigiCert's rule is its own");
}

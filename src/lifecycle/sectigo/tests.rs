#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::{
    api::{certificate::Validity, issuance::Request},
    lifecycle::{plan::Wanted, testing::issuance_spec},
};

fn names() -> BTreeSet<String> {
    BTreeSet::from(["shop.example.com".to_owned()])
}

fn issuer(changes: Value) -> IssuerSpec {
    let mut account = json!({
        "customerUri": "shop", "orgId": 42, "profileId": 5120, "term": 199,
        "auth": {"password": {"login": "admin", "passwordSecretRef": {"name": "scm", "key": "password"}}},
    });
    for (field, value) in changes.as_object().unwrap() {
        account[field] = value.clone();
    }
    IssuerSpec { sectigo: Some(serde_json::from_value(account).unwrap()), ..IssuerSpec::default() }
}

fn account(changes: Value) -> Sectigo {
    issuer(changes).sectigo.unwrap()
}

fn overrides(own: Value) -> SectigoOverrides {
    serde_json::from_value(own).unwrap()
}

fn certificate(own: Value) -> CertificateSpec {
    CertificateSpec {
        dns_names: vec!["shop.example.com".to_owned()],
        sectigo: Some(overrides(own)),
        ..CertificateSpec::default()
    }
}

fn wanted(own: Value) -> Wanted {
    Wanted::of(&certificate(own), &issuer(json!({})), None, None).unwrap()
}

/// As an operation recorded it.
fn asked(wanted: &Wanted, operation: Operation) -> Request {
    let settled = wanted.clone().settled(operation, None, jiff::Timestamp::UNIX_EPOCH).unwrap();
    let mut request = issuance_spec(operation).request;
    (request.product, request.organization_id) = (settled.product, settled.organization_id);
    (request.order_validity, request.sectigo) = (settled.order_validity, settled.sectigo);
    request
}

#[test]
fn a_certificates_own_words_come_before_the_issuers() {
    let account = account(json!({
        "comments": "for all", "externalRequester": "certs@example.com", "plusAddressing": true,
        "customFields": [{"name": "team", "value": "web"}],
    }));
    let resolved = |own| resolve(&IssuerSpec::default(), &account, &overrides(own), &names());
    let default = resolved(json!({}));
    assert_eq!((default.term, default.options.comments.as_deref()), (Some(199), Some("for all")));
    assert_eq!(
        (default.external_requester.as_deref(), default.plus_addressing),
        (Some("certs@example.com"), Some(true))
    );
    let field = |name: &str, value: &str| NamedField { name: name.to_owned(), value: value.to_owned() };
    let own = resolved(json!({
        "term": 90, "comments": "for the shop",
        "customFields": [{"name": "cost", "value": "7"}, {"name": "team", "value": "mine"}],
    }));
    assert_eq!((own.term, own.options.comments.as_deref()), (Some(90), Some("for the shop")));
    assert_eq!(own.options.custom_fields, [field("team", "web"), field("cost", "7")], "the issuer's stay");
}

#[test]
fn domains_are_proven_by_cname_unless_the_issuer_says_otherwise() {
    let resolved = |method: Value| {
        let issuer =
            IssuerSpec { dcv: serde_json::from_value(json!({"method": method})).unwrap(), ..issuer(json!({})) };
        resolve(&issuer, &account(json!({})), &SectigoOverrides::default(), &names()).dcv_method
    };
    for (method, expected) in [
        ("Auto", ValidationMethod::DnsCname),
        ("DnsCname", ValidationMethod::DnsCname),
        ("DnsTxt", ValidationMethod::DnsTxt),
        ("Http", ValidationMethod::Http),
    ] {
        assert_eq!(resolved(json!(method)), expected, "{method}");
    }
}

#[test]
fn each_endpoint_gets_what_it_takes() {
    let full = resolve(
        &IssuerSpec::default(),
        &account(json!({"comments": "why", "externalRequester": "certs@example.com",
                        "customFields": [{"name": "team", "value": "web"}]})),
        &SectigoOverrides::default(),
        &names(),
    );
    let of = |operation| for_endpoint(full.clone(), operation);
    assert_eq!(of(Operation::Order), full);
    let renewal = of(Operation::Renew);
    assert_eq!(
        (renewal.term, renewal.external_requester, renewal.options),
        (Some(199), None, SectigoOptions::default())
    );
    let replacement = of(Operation::Reissue);
    assert_eq!((replacement.term, replacement.options.comments.as_deref()), (None, Some("why")));
    assert!(replacement.options.custom_fields.is_empty() && replacement.external_requester.is_none());
}

#[test]
fn a_certificate_goes_no_further_than_the_issuer_lets_it() {
    let account = account(json!({"customFields": [{"name": "team", "value": "web"}]}));
    let rule = PolicyRule { organizations: vec![43], ..PolicyRule::default() };
    let table = [
        (json!({}), None),
        (json!({"orgId": 42, "term": 199}), None),
        (json!({"orgId": 43, "term": 30}), None),
        (json!({"orgId": 44}), Some("organization 44")),
        (json!({"term": 200}), Some("a term of 200 days, only of 199")),
        (json!({"customFields": [{"name": "team", "value": "web"}, {"name": "cost", "value": "7"}]}), None),
        (
            json!({"customFields": [{"name": "team", "value": "mine"}]}),
            Some("another value for custom field team, which it sets itself"),
        ),
    ];
    for (own, expected) in table {
        assert_eq!(refusal(&account, Some(&rule), &overrides(own.clone())).as_deref(), expected, "{own}");
    }
    assert_eq!(refusal(&account, None, &overrides(json!({"orgId": 43}))).as_deref(), Some("organization 43"));
}

#[test]
fn nothing_of_a_spec_is_silently_left_out() {
    let digicert = IssuerSpec { digicert: Some(Default::default()), ..IssuerSpec::default() };
    let at_digicert = |spec: &CertificateSpec| misfit(spec, &digicert);
    let at_sectigo = |spec: &CertificateSpec| misfit(spec, &issuer(json!({})));
    let plain = CertificateSpec::default();
    assert_eq!((at_digicert(&plain), at_sectigo(&plain)), (None, None));
    let for_scm = certificate(json!({}));
    assert_eq!(at_sectigo(&for_scm), None);
    assert!(at_digicert(&for_scm).unwrap().contains("spec.sectigo"));
    let for_digicert = CertificateSpec { digicert: Some(Default::default()), ..plain.clone() };
    assert_eq!(at_digicert(&for_digicert), None);
    assert!(at_sectigo(&for_digicert).unwrap().contains("spec.digicert"));
    let days = CertificateSpec { validity: Some(Validity::Days(90)), ..plain.clone() };
    assert!(at_sectigo(&days).unwrap().contains("spec.sectigo.term"));
    let hash = |hash| CertificateSpec { signature_hash: Some(hash), ..plain.clone() };
    assert_eq!(at_sectigo(&hash(SignatureHash::Sha256)), None);
    assert!(at_sectigo(&hash(SignatureHash::Sha384)).unwrap().contains("signatureHash"));
}

#[test]
fn another_profile_organization_or_term_is_another_purchase_and_no_other_operation() {
    let before = wanted(json!({}));
    for own in [json!({"profileId": 5121}), json!({"orgId": 43}), json!({"term": 90})] {
        let now = wanted(own.clone());
        for purchase in [Operation::Order, Operation::Renew] {
            assert!(now.buys_other_than(&asked(&before, purchase)), "{own} after {purchase:?}");
            assert!(!before.buys_other_than(&asked(&before, purchase)), "{purchase:?}");
        }
        // What was replaced says nothing of what was bought.
        let replaced = crate::api::IssuanceSpec {
            request: Request { product: before.product.clone(), ..asked(&before, Operation::Reissue) },
            ..issuance_spec(Operation::Reissue)
        };
        assert!(!wanted(json!({"orgId": 43, "term": 90})).differs_from(&replaced), "{own}");
    }
    // What an adopted certificate was enrolled with is not known.
    let adopted = Request { organization_id: None, sectigo: None, ..asked(&before, Operation::Order) };
    assert!(!wanted(json!({"orgId": 43, "term": 90})).buys_other_than(&adopted));
}

use jiff::civil::date;

use super::*;
use crate::{
    api::{
        issuance::ValidationMethod,
        issuer::{Contact, ContactType, Dcv, DcvMethod, PaymentMethod},
    },
    lifecycle::testing::{self, days, strings},
};

fn names() -> BTreeSet<String> {
    BTreeSet::from(["shop.example.com".to_owned()])
}

fn field(metadata_id: i64, value: &str) -> CustomField {
    CustomField { metadata_id, value: value.to_owned() }
}

/// Every option, told apart by one word.
fn options(word: &str, id: i64) -> DigiCertOptions {
    DigiCertOptions {
        container_id: Some(id),
        skip_approval: Some(false),
        disable_renewal_notifications: Some(true),
        ca_cert_id: Some(word.to_owned()),
        preferred_chain: Some(word.to_owned()),
        organization_units: strings(&[word]),
        server_platform: Some(45),
        comments: Some(word.to_owned()),
        custom_fields: vec![field(id, word)],
        additional_emails: strings(&[word]),
        custom_renewal_message: Some(word.to_owned()),
        locale: Some("de".to_owned()),
    }
}

fn issuer(options: DigiCertOptions) -> IssuerSpec {
    let contact = Contact {
        type_: ContactType::Technical,
        user_id: Some(9),
        first_name: None,
        last_name: None,
        email: None,
        job_title: None,
        telephone: None,
    };
    let mut issuer = testing::issuer();
    let account = issuer.digicert.get_or_insert_default();
    *account = DigiCert {
        organization_id: Some(5),
        order_validity: Some(OrderValidity::Years(2)),
        payment_method: Some(PaymentMethod::Card),
        contacts: vec![contact],
        options,
        ..account.clone()
    };
    issuer
}

fn own(options: DigiCertOptions) -> DigiCertOverrides {
    DigiCertOverrides { options, ..DigiCertOverrides::default() }
}

#[test]
fn the_certificate_s_word_counts_before_the_issuer_s() {
    let (theirs, mine) = (options("theirs", 1), options("mine", 2));
    let resolved = |default: &DigiCertOptions, over: &DigiCertOptions| {
        resolve(&issuer(default.clone()), &own(over.clone()), &names()).options
    };
    let none = DigiCertOptions::default();
    assert_eq!(resolved(&theirs, &none), theirs);
    assert_eq!(resolved(&none, &mine), mine);
    let both = DigiCertOptions { custom_fields: vec![field(1, "theirs"), field(2, "mine")], ..mine.clone() };
    assert_eq!(resolved(&theirs, &mine), both);
    assert_eq!(resolved(&none, &none), DigiCertOptions { skip_approval: Some(true), ..none });
    let same = DigiCertOptions { custom_fields: vec![field(1, "mine")], ..mine };
    assert_eq!(resolved(&theirs, &same).custom_fields, [field(1, "theirs")], "what the issuer sets stays");
}

#[test]
fn the_way_of_validation_is_settled() {
    let method = |method| {
        let dcv = Some(Dcv { method, ..Dcv::default() });
        resolve(&IssuerSpec { dcv, ..testing::issuer() }, &DigiCertOverrides::default(), &names()).dcv_method
    };
    assert_eq!(method(None), ValidationMethod::DnsTxt);
    assert_eq!(method(Some(DcvMethod::Auto)), ValidationMethod::DnsTxt);
    assert_eq!(method(Some(DcvMethod::DnsCname)), ValidationMethod::DnsCname);
}

#[test]
fn each_endpoint_gets_what_it_takes() {
    let everything = resolve(&issuer(options("all", 1)), &DigiCertOverrides::default(), &names());
    let two_years = Some(&OrderValidity::Years(2));
    for operation in [Operation::Order, Operation::Renew] {
        let sent = for_endpoint(everything.clone(), operation, (None, two_years), None, days(0));
        assert_eq!(sent, Ok(everything.clone()), "{operation:?}");
    }
    let reissue = DigiCertRequest {
        certificate_validity: None,
        dcv_method: ValidationMethod::DnsTxt,
        payment_method: None,
        contacts: Vec::new(),
        options: DigiCertOptions {
            container_id: None,
            disable_renewal_notifications: None,
            custom_fields: Vec::new(),
            additional_emails: Vec::new(),
            custom_renewal_message: None,
            locale: None,
            ..options("all", 1)
        },
    };
    let sent = for_endpoint(everything.clone(), Operation::Reissue, (None, None), None, days(0));
    assert_eq!(sent, Ok(reissue.clone()));
    let duplicate = DigiCertRequest {
        options: DigiCertOptions { ca_cert_id: None, organization_units: Vec::new(), ..reissue.options },
        ..reissue
    };
    let sent = for_endpoint(everything, Operation::Duplicate, (None, None), None, days(0));
    assert_eq!(sent, Ok(duplicate), "the rest is the original's");
}

#[test]
fn no_certificate_is_asked_for_that_outlasts_its_order() {
    let request = resolve(&testing::issuer(), &DigiCertOverrides::default(), &names());
    let parent = OrderFacts { valid_till: Some(date(2026, 7, 1)), ..testing::order() };
    let asked = |operation, validity: &Validity, length: Option<&OrderValidity>| {
        for_endpoint(request.clone(), operation, (Some(validity), length), Some(&parent), days(0))
            .map(|request| request.certificate_validity)
    };
    let (ninety, thirty) = (Validity::Days(90), Validity::Days(30));
    assert_eq!(asked(Operation::Reissue, &ninety, None), Ok(Some(thirty.clone())), "June has 30 days");
    assert_eq!(asked(Operation::Renew, &ninety, Some(&OrderValidity::Years(1))), Ok(Some(ninety.clone())));
    assert_eq!(asked(Operation::Order, &ninety, Some(&OrderValidity::Days(30))), Ok(Some(thirty.clone())));
    let until = |day: &str| OrderValidity::Until(day.to_owned());
    assert_eq!(asked(Operation::Order, &ninety, Some(&until("2026-07-01"))), Ok(Some(thirty)));
    assert_eq!(
        asked(Operation::Order, &ninety, Some(&until("2026-05-01"))),
        Err(ValidityError::OrderReached(date(2026, 5, 1)))
    );
    let past = Validity::Until("2026-05-01".to_owned());
    assert_eq!(asked(Operation::Reissue, &past, None), Err(ValidityError::Reached(date(2026, 5, 1))));
}

#[test]
fn money_and_identity_are_the_issuer_s_to_give() {
    let fixed = DigiCertOptions {
        container_id: Some(1),
        skip_approval: Some(false),
        custom_fields: vec![field(1, "cost centre 7")],
        ..DigiCertOptions::default()
    };
    let account = issuer(fixed).digicert.unwrap_or_default();
    let rule = PolicyRule { organizations: vec![6], containers: vec![2], ..PolicyRule::default() };
    let none = DigiCertOptions::default;
    let organization = |id| DigiCertOverrides { organization_id: Some(id), ..DigiCertOverrides::default() };
    let division = |id| own(DigiCertOptions { container_id: Some(id), ..none() });
    let approval = |skip| own(DigiCertOptions { skip_approval: Some(skip), ..none() });
    let custom = |id, value| own(DigiCertOptions { custom_fields: vec![field(id, value)], ..none() });
    let length = |length| DigiCertOverrides { order_validity: Some(length), ..DigiCertOverrides::default() };
    let until = |day: &str| OrderValidity::Until(day.to_owned());
    let table = [
        (organization(5), None),
        (organization(6), None),
        (organization(7), Some("organization 7")),
        (division(1), None),
        (division(2), None),
        (division(3), Some("division 3")),
        (approval(false), None),
        (approval(true), Some("to skip the approval at CertCentral")),
        (custom(1, "cost centre 7"), None),
        (custom(2, "anything"), None),
        (custom(1, "cost centre 8"), Some("another value for custom field 1, which it sets itself")),
        (length(OrderValidity::Years(1)), None),
        (length(OrderValidity::Days(730)), None),
        (length(OrderValidity::Years(3)), Some("an order until 2029-06-01, only until 2028-06-01")),
        (length(until("2028-06-01")), None),
        (length(until("2028-06-02")), Some("an order until 2028-06-02, only until 2028-06-01")),
        (own(DigiCertOptions { comments: Some("please".to_owned()), ..none() }), None),
    ];
    for (overrides, expected) in table {
        let refused = refusal(&account, Some(&rule), &overrides, days(0));
        assert_eq!(refused.as_deref(), expected, "{overrides:?}");
    }
    assert!(refusal(&account, None, &organization(6), days(0)).is_some(), "no rule lists nothing");
    assert!(refusal(&DigiCert::default(), None, &approval(true), days(0)).is_none(), "it is the default");
    let longer = length(OrderValidity::Years(2));
    assert!(refusal(&DigiCert::default(), None, &longer, days(0)).is_some(), "an issuer's default is a year");
}

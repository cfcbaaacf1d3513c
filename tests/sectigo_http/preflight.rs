use super::*;
use wiremock::matchers::query_param;

struct Account {
    profiles: Value,
    fields: (u16, Value),
    domains: (u16, Value),
}

fn account() -> Account {
    Account {
        profiles: json!([{
            "id": 5120,
            "name": "OV",
            "terms": [199, "90"],
            "keyTypes": { "RSA": ["2048", "3072"], "EC": ["P-256"] },
        }]),
        fields: (200, json!([{ "id": 1, "name": "Cost centre", "mandatory": false }])),
        domains: (200, json!([{ "id": 1, "name": "*.Example.com" }])),
    }
}

async fn verdict(account: Account, request: &Request) -> Result<(), (String, String)> {
    let server = MockServer::start().await;
    call("GET", "ssl/v2/types")
        .and(query_param("organizationId", "42"))
        .respond_with(status(200).set_body_json(account.profiles))
        .mount(&server)
        .await;
    let answer = |(http, body)| status(http).set_body_json::<Value>(body);
    call("GET", "ssl/v2/customFields").respond_with(answer(account.fields)).mount(&server).await;
    call("GET", "domain/v1").and(query_param("orgId", "42")).respond_with(answer(account.domains)).mount(&server).await;
    has_profile(&server).await;
    sectigo(&server).preflight(request).await.map_err(|error| match error {
        CallError::Blocked { code, message, action, .. } if !action.is_empty() => (code, message),
        other => panic!("{other:?}"),
    })
}

async fn has_profile(server: &MockServer) {
    let answer = status(200).set_body_json(details(73, "Issued", json!({})));
    call("GET", "ssl/v2/73").respond_with(answer).mount(server).await;
}

fn refused(code: &str, message: &str) -> Result<(), (String, String)> {
    Err((code.into(), message.into()))
}

#[tokio::test]
async fn what_scm_offers_goes_through() {
    for operation in [Operation::Order, renew(), reissue()] {
        assert_eq!(verdict(account(), &request(operation)).await, Ok(()));
    }
}

#[tokio::test]
async fn a_csr_names_nothing_that_is_not_asked_for() {
    let csr = csr::build(&OURS.private, Some("other.example.com"), &[NAMES[0].to_owned()], SignatureHash::Sha256);
    let csr = csr.unwrap();
    let expected = refused("csr_names", "the CSR is for other.example.com, which the Certificate does not name");
    for operation in [Operation::Order, renew(), reissue()] {
        assert_eq!(verdict(account(), &Request { csr: csr.clone(), ..request(operation) }).await, expected);
    }
}

#[tokio::test]
async fn a_profile_offers_terms_and_keys() {
    let order = request(Operation::Order);
    let term = Request { validity: Some(Validity::Days(365)), ..order.clone() };
    let expected = refused("unknown_product", "profile OV (5120) offers no term of 365 days, but of 199, 90");
    assert_eq!(verdict(account(), &term).await, expected);
    let days = Request { validity: Some(Validity::Days(90)), ..order.clone() };
    assert_eq!(verdict(account(), &days).await, Ok(()));

    let rsa = json!([{ "id": 5120, "name": "OV", "terms": [199], "keyTypes": { "RSA": ["2048"] } }]);
    let expected = refused("unknown_product", "profile OV (5120) takes no ECDSA P-256 key, but RSA 2048");
    assert_eq!(verdict(Account { profiles: rsa, ..account() }, &order).await, expected);

    // What is not told is no reason.
    let bare = json!([{ "id": "5120" }]);
    assert_eq!(verdict(Account { profiles: bare, ..account() }, &order).await, Ok(()));
    let none = json!([{ "id": 7 }]);
    let expected = refused("unknown_product", "organization 42 has no certificate profile 5120");
    assert_eq!(verdict(Account { profiles: none, ..account() }, &order).await, expected);
}

#[tokio::test]
async fn a_renewal_and_a_replacement_stay_in_their_profile() {
    let key = PrivateKey::generate(KeyKind::EcdsaP384).unwrap();
    let csr = csr::build(&key, Some(NAMES[0]), &NAMES.map(str::to_owned), SignatureHash::Sha384).unwrap();
    for operation in [renew(), reissue()] {
        let request = Request { csr: csr.clone(), ..request(operation) };
        let expected = refused("unknown_product", "profile OV (5120) takes no ECDSA P-384 key, but EC P-256");
        assert_eq!(verdict(account(), &request).await, expected);
    }
}

#[tokio::test]
async fn mandatory_fields_have_to_be_there() {
    let fields = json!([
        { "id": 1, "name": "Cost centre", "mandatory": true },
        { "id": 2, "name": "Owner", "mandatory": "true" },
        { "id": 3, "name": "Note", "mandatory": false },
    ]);
    let with = |fields: &[(&str, &str)]| {
        let named_fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request { details: Details { named_fields, ..Details::default() }, ..request(Operation::Order) }
    };
    let account = || Account { fields: (200, fields.clone()), ..account() };
    let missing = |names: &str| refused("custom_field", &format!("mandatory custom fields are missing: {names}"));
    assert_eq!(verdict(account(), &with(&[])).await, missing("Cost centre, Owner"));
    assert_eq!(verdict(account(), &with(&[("Cost centre", "4711"), ("Owner", "")])).await, missing("Owner"));
    assert_eq!(verdict(account(), &with(&[("Cost centre", "4711"), ("Owner", "web")])).await, Ok(()));
    let denied = Account { fields: (400, vendor_error(-3)), ..account() };
    assert_eq!(verdict(denied, &with(&[])).await, Ok(()));
}

#[tokio::test]
async fn names_need_a_domain_above_them() {
    let domains = |names: &[&str]| {
        let rows: Vec<Value> = names.iter().map(|name| json!({ "id": 1, "name": name })).collect();
        Account { domains: (200, json!(rows)), ..account() }
    };
    for operation in [Operation::Order, reissue()] {
        let request = request(operation);
        for names in [vec!["example.com"], vec!["shop.example.com"], vec!["a.org", "*.shop.example.com"], vec![]] {
            assert_eq!(verdict(domains(&names), &request).await, Ok(()), "{names:?}");
        }
        let expected = refused("unknown_domain", "no domain of organization 42 covers shop.example.com");
        for names in [vec!["a.org"], vec!["www.shop.example.com"], vec!["p.example.com"]] {
            assert_eq!(verdict(domains(&names), &request).await, expected, "{names:?}");
        }
        let denied = Account { domains: (403, vendor_error(-37)), ..account() };
        assert_eq!(verdict(denied, &request).await, Ok(()));
    }
}

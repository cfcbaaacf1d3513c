use super::certificates::certificate;
use super::*;
use evercert::provider::dnsimple::{LetsEncrypt, SignatureAlgorithm};

pub const AT: &str = "1010/domains/example.com/certificates/letsencrypt";

pub async fn purchase(account: &Account) -> Result<evercert::provider::dnsimple::wire::Purchase, CallError> {
    let wanted = LetsEncrypt { name: "www".into(), ..LetsEncrypt::default() };
    account.purchase_letsencrypt("example.com", &wanted, permit(account).await, SHORT).await
}

#[tokio::test]
async fn a_purchase_says_everything_it_is_for() {
    let server = MockServer::start().await;
    let answer = json!({ "data": { "id": 300, "certificate_id": 301, "state": "new", "auto_renew": false } });
    let body = json!({
        "auto_renew": false,
        "name": "",
        "alternate_names": ["www.example.com"],
        "signature_algorithm": "ECDSA",
    });
    takes(&server, AT, body, status(201).set_body_json(&answer)).await;
    let body = json!({ "auto_renew": true, "name": "*", "alternate_names": [], "signature_algorithm": "RSA" });
    takes(&server, AT, body, status(201).set_body_json(&answer)).await;
    let account = account(&server);
    let apex = LetsEncrypt { alternate_names: vec!["www.example.com".into()], ..LetsEncrypt::default() };
    let wildcard = LetsEncrypt {
        name: "*".into(),
        signature_algorithm: SignatureAlgorithm::Rsa,
        auto_renew: true,
        ..LetsEncrypt::default()
    };
    for wanted in [apex, wildcard] {
        let permit = permit(&account).await;
        let purchase = account.purchase_letsencrypt("example.com", &wanted, permit, SHORT).await.unwrap();
        assert_eq!((purchase.id.as_deref(), purchase.certificate_id.as_deref()), (Some("300"), Some("301")));
    }
}

#[tokio::test]
async fn what_is_bought_is_issued_without_a_body() {
    let server = MockServer::start().await;
    let requesting = certificate(301, "requesting", json!({ "csr": null, "expires_at": null, "expires_on": null }));
    for at in ["300/issue", "301/renewals/65082/issue"] {
        call("POST", &format!("{AT}/{at}"))
            .and(header("Content-Type", "application/json"))
            .and(header("Content-Length", "0"))
            .and(body_string(""))
            .respond_with(status(202).set_body_json(json!({ "data": requesting })))
            .expect(1)
            .mount(&server)
            .await;
    }
    let account = account(&server);
    let first = account.issue_letsencrypt("example.com", "300", permit(&account).await, SHORT).await.unwrap();
    let renewed = account.issue_letsencrypt_renewal("example.com", "301", "65082", permit(&account).await, SHORT).await;
    assert_eq!([first.id, renewed.unwrap().id], [Some("301".to_owned()), Some("301".to_owned())]);
}

#[tokio::test]
async fn a_renewal_names_the_certificate_after() {
    let server = MockServer::start().await;
    let answer = json!({ "data": {
        "id": 65082, "old_certificate_id": 301, "new_certificate_id": 302, "state": "new", "auto_renew": false,
    } });
    let body = json!({ "auto_renew": false, "signature_algorithm": "RSA" });
    takes(&server, &format!("{AT}/301/renewals"), body, status(201).set_body_json(answer)).await;
    let account = account(&server);
    let (permit, rsa) = (permit(&account).await, SignatureAlgorithm::Rsa);
    let renewal = account.purchase_letsencrypt_renewal("example.com", "301", false, rsa, permit, SHORT).await.unwrap();
    assert_eq!((renewal.id.as_deref(), renewal.new_certificate_id.as_deref()), (Some("65082"), Some("302")));
}

/// It could not be followed, and may be there.
#[tokio::test]
async fn an_answer_that_names_nothing_is_ambiguous() {
    for body in [json!({ "data": {} }), json!({ "data": null }), json!({}), json!([]), json!({ "data": { "id": 0 } })] {
        let server = MockServer::start().await;
        Mock::given(wiremock::matchers::any()).respond_with(status(201).set_body_json(&body)).mount(&server).await;
        let account = account(&server);
        let ecdsa = SignatureAlgorithm::Ecdsa;
        let errors = [
            purchase(&account).await.unwrap_err(),
            account.issue_letsencrypt("example.com", "300", permit(&account).await, SHORT).await.unwrap_err(),
            account
                .purchase_letsencrypt_renewal("example.com", "301", false, ecdsa, permit(&account).await, SHORT)
                .await
                .unwrap_err(),
            account
                .issue_letsencrypt_renewal("example.com", "301", "65082", permit(&account).await, SHORT)
                .await
                .unwrap_err(),
        ];
        assert_eq!(errors.each_ref().map(class), ["Ambiguous"; 4], "{body}");
    }
}

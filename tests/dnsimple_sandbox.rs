//! The client of DNSimple against the sandbox, which has read the vendor's documents by itself.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // shared with the clients that send a CSR, and so an intent
mod fixture;

use evercert::pki::{Leaf, PrivateKey};
use evercert::provider::dnsimple::wire::{Certificate, State};
use evercert::provider::dnsimple::{
    Account, AccountConfig, LetsEncrypt, NewRecord, PLAN, RecordType, SignatureAlgorithm,
};
use evercert::provider::limits::{Limiter, RateLimit};
use evercert::provider::{CallError, Urgency};
use fixture::Fixture;
use rcgen::{CertificateParams, KeyPair};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const DOMAIN: &str = "example.com";
const TIMEOUT: Duration = Duration::from_secs(20);

impl Fixture {
    fn account(&self) -> Account {
        self.account_of(&self.text("/dnsimple/token"))
    }

    fn account_of(&self, token: &str) -> Account {
        Account::new(&AccountConfig {
            base_url: self.text("/dnsimple/url"),
            account_id: self.number("/dnsimple/accountId"),
            token: token.into(),
            ca_bundle_pem: None,
            limiter: Arc::new(Limiter::new(RateLimit { burst: 200.try_into().unwrap(), ..RateLimit::DNSIMPLE })),
            observer: Arc::new(|_| ()),
            call_timeout: TIMEOUT,
        })
        .unwrap()
    }

    async fn settings(&self, settings: Value) {
        let account = self.number("/dnsimple/accountId");
        self.post(&format!("dnsimple/accounts/{account}"), json!({ "settings": settings })).await;
    }

    async fn fault(&self, operation: &str, kind: &str) {
        self.post("faults", json!({"match": {"operation": operation}, "kind": kind, "status": 502})).await;
    }
}

async fn purchase(account: &Account, wanted: &LetsEncrypt) -> Result<String, CallError> {
    let permit = account.permit(Urgency::Normal).await.unwrap();
    Ok(account.purchase_letsencrypt(DOMAIN, wanted, permit, TIMEOUT).await?.certificate_id.unwrap())
}

/// By the id of the purchase.
async fn issue(account: &Account, id: &str) -> Result<Certificate, CallError> {
    let permit = account.permit(Urgency::Normal).await.unwrap();
    account.issue_letsencrypt(DOMAIN, id, permit, TIMEOUT).await
}

fn shop() -> LetsEncrypt {
    LetsEncrypt { name: "shop".into(), alternate_names: vec!["api.example.com".into()], ..LetsEncrypt::default() }
}

/// What is downloaded, and the key that goes with it, both from DNSimple.
async fn pair(account: &Account, id: &str) -> (Leaf, PrivateKey) {
    let bundle = account.download(DOMAIN, id).await.unwrap().unwrap();
    let key = account.private_key(DOMAIN, id).await.unwrap().unwrap();
    (Leaf::from_pem(&bundle.pem().unwrap()).unwrap(), PrivateKey::from_pem(key.expose_secret()).unwrap())
}

#[tokio::test]
async fn a_certificate_is_bought_issued_and_renewed_with_keys_of_dnsimple() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let account = fixture.account();
    fixture.settings(json!({"issueSeconds": 1800})).await;
    let id = purchase(&account, &shop()).await.unwrap();
    assert_eq!(account.certificate(DOMAIN, &id).await.unwrap().state(), State::New);
    let requested = issue(&account, &id).await.unwrap();
    assert_eq!((requested.state(), requested.csr), (State::Requesting, None));
    assert!(account.download(DOMAIN, &id).await.unwrap().is_none());
    assert!(account.private_key(DOMAIN, &id).await.unwrap().is_none());
    fixture.post("clock", json!({"advance": "30m"})).await;
    let issued = account.certificate(DOMAIN, &id).await.unwrap();
    assert_eq!((issued.state(), issued.csr.is_some()), (State::Issued, true));

    let (leaf, key) = pair(&account, &id).await;
    assert_eq!(leaf.public_key_sha256, key.public_key_sha256());
    let names = ["api.example.com", "shop.example.com"].map(str::to_owned);
    assert_eq!((&leaf.dns_names, &issued.names()), (&BTreeSet::from(names.clone()), &BTreeSet::from(names)));
    assert_eq!(issued.expires_at.unwrap(), leaf.not_after);

    fixture.post("clock", json!({"advance": "60d"})).await;
    let permit = account.permit(Urgency::Normal).await.unwrap();
    let algorithm = SignatureAlgorithm::Ecdsa;
    let renewal = account.purchase_letsencrypt_renewal(DOMAIN, &id, false, algorithm, permit, TIMEOUT).await.unwrap();
    let permit = account.permit(Urgency::Normal).await.unwrap();
    let (renewed, renewal) = (renewal.new_certificate_id.unwrap(), renewal.id.unwrap());
    let requested = account.issue_letsencrypt_renewal(DOMAIN, &id, &renewal, permit, TIMEOUT).await.unwrap();
    assert_eq!(requested.id.as_deref(), Some(renewed.as_str()));
    fixture.post("clock", json!({"advance": "30m"})).await;
    let (new, new_key) = pair(&account, &renewed).await;
    assert_eq!(new.public_key_sha256, new_key.public_key_sha256());
    assert_eq!((&new.dns_names, new.not_after > leaf.not_after), (&leaf.dns_names, true));
    assert_ne!(new.public_key_sha256, leaf.public_key_sha256);
    assert_eq!(fixture.ledger().await, (vec!["order".into(), "renew".into()], 0));
}

#[tokio::test]
async fn a_purchase_may_have_an_id_of_its_own() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let account = fixture.account();
    fixture.settings(json!({"purchaseHasOwnId": true})).await;
    let permit = account.permit(Urgency::Normal).await.unwrap();
    let purchase = account.purchase_letsencrypt(DOMAIN, &shop(), permit, TIMEOUT).await.unwrap();
    assert_ne!(purchase.id, purchase.certificate_id);
    let requested = issue(&account, &purchase.id.unwrap()).await.unwrap();
    assert_eq!(requested.id, purchase.certificate_id);
}

#[tokio::test]
async fn either_form_of_a_key_can_be_read_and_a_root_may_be_missing() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let account = fixture.account();
    let mut ids = Vec::new();
    for signature_algorithm in [SignatureAlgorithm::Ecdsa, SignatureAlgorithm::Rsa] {
        let id = purchase(&account, &LetsEncrypt { signature_algorithm, ..shop() }).await.unwrap();
        issue(&account, &id).await.unwrap();
        ids.push(id);
    }
    for (pkcs8, blocks) in [(false, 2), (true, 3)] {
        fixture.settings(json!({"pkcs8Keys": pkcs8, "rootGiven": pkcs8})).await;
        for id in &ids {
            let (leaf, key) = pair(&account, id).await;
            assert_eq!(leaf.public_key_sha256, key.public_key_sha256());
            let bundle = account.download(DOMAIN, id).await.unwrap().unwrap();
            assert_eq!(Leaf::all_in(&bundle.pem().unwrap()).len(), blocks);
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_ambiguous_and_what_was_bought_is_in_the_list() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let account = fixture.account();
    for kind in ["errorAfterCommit", "resetAfterCommit", "truncateBody", "nonJson"] {
        fixture.fault("order", kind).await;
        let lost = purchase(&account, &shop()).await;
        assert!(matches!(lost, Err(CallError::Ambiguous { .. })), "{kind}: {lost:?}");
        let newest = account.certificates(DOMAIN).await.unwrap().remove(0);
        assert_eq!(newest.state(), State::New, "{kind}");
        fixture.fault("issue", kind).await;
        let lost = issue(&account, newest.id.as_ref().unwrap()).await;
        assert!(matches!(lost, Err(CallError::Ambiguous { .. })), "{kind}: {lost:?}");
        assert_eq!(account.certificates(DOMAIN).await.unwrap()[0].state(), State::Issued, "{kind}");
    }
    assert_eq!(fixture.ledger().await.0.len(), 4);
}

#[tokio::test]
async fn each_refusal_is_told_apart() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let account = fixture.account();
    let code = |result: Result<String, CallError>| match result {
        Err(CallError::Rejected { code, .. } | CallError::Blocked { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    fixture.settings(json!({"plan": "solo"})).await;
    assert_eq!(code(purchase(&account, &shop()).await), PLAN);
    fixture.settings(json!({"plan": "teams", "unpaidInvoices": true})).await;
    assert_eq!(code(purchase(&account, &shop()).await), "payment");
    fixture.settings(json!({"unpaidInvoices": false})).await;
    let elsewhere = LetsEncrypt { alternate_names: vec!["example.org".into()], ..shop() };
    assert_eq!(code(purchase(&account, &elsewhere).await), "invalid");
    assert_eq!(code(purchase(&fixture.account_of("nobody's"), &shop()).await), "bad_credentials");
    fixture.post("faults", json!({"match": {"operation": "order"}, "kind": "rateLimit", "retryAfter": 60})).await;
    let limited = purchase(&account, &shop()).await;
    let Err(CallError::RateLimited { after: Some(after), .. }) = limited else { panic!("{limited:?}") };
    assert!((1..=60).contains(&after.as_secs()), "{after:?}");
    assert_eq!(fixture.ledger().await.0.len(), 0);
}

#[tokio::test]
async fn what_a_person_orders_can_be_watched_and_downloaded() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let account = fixture.account();
    let key = KeyPair::generate().unwrap();
    let csr = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    fixture.post("dnsimple/certificates", json!({"domain": DOMAIN, "csr": csr})).await;
    let ordered = account.certificates(DOMAIN).await.unwrap().remove(0);
    assert_eq!((ordered.state(), ordered.authority_identifier.as_deref()), (State::Submitted, Some("comodo")));
    let id = ordered.id.unwrap();
    assert!(account.download(DOMAIN, &id).await.unwrap().is_none());
    fixture.post(&format!("dnsimple/certificates/{id}/approve"), Value::Null).await;
    let bundle = account.download(DOMAIN, &id).await.unwrap().unwrap();
    let ours = PrivateKey::from_pem(&key.serialize_pem()).unwrap().public_key_sha256();
    assert_eq!(Leaf::from_pem(&bundle.pem().unwrap()).unwrap().public_key_sha256, ours);
    assert!(account.private_key(DOMAIN, &id).await.unwrap().is_none());
    assert_eq!(fixture.ledger().await, (vec!["order".into()], 1));
}

#[tokio::test]
async fn whom_a_token_is_for_and_what_it_may_see() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    for token in ["/dnsimple/token", "/dnsimple/userToken"] {
        let facts = fixture.account_of(&fixture.text(token)).facts().await.unwrap();
        assert_eq!(facts.id, fixture.number("/dnsimple/accountId").to_string());
    }
    let account = fixture.account();
    assert_eq!(account.zones().await.unwrap().len(), 3);
    assert_eq!(account.domain_of("*.shop.example.com").await.unwrap().as_deref(), Some(DOMAIN));
    assert_eq!(account.domain_of("www.example.edu").await.unwrap(), None);
}

#[tokio::test]
async fn a_record_is_made_found_distributed_and_gone() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let account = fixture.account();
    let wanted = NewRecord { name: "_dnsauth", type_: RecordType::Txt, content: "one", ttl: 60 };
    let made = account.create_record(DOMAIN, &wanted).await.unwrap();
    let again = account.create_record(DOMAIN, &wanted).await;
    assert!(matches!(again, Err(CallError::Rejected { ref code, .. }) if code == "already_exists"), "{again:?}");
    let id = made.id.unwrap();
    let found = account.records(DOMAIN, "_dnsauth", Some(RecordType::Txt)).await.unwrap();
    assert_eq!((found.len(), found[0].id.as_ref()), (1, Some(&id)));
    assert!(account.is_distributed(DOMAIN, &id).await.unwrap());
    account.delete_record(DOMAIN, &id).await.unwrap();
    assert!(account.records(DOMAIN, "_dnsauth", Some(RecordType::Txt)).await.unwrap().is_empty());
}

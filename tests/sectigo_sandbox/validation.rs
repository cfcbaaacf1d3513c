//! Domains validated by a file and by mail, with a certificate and ahead of one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, http::Uri};
use base64::{Engine, engine::general_purpose::STANDARD};
use evercert::provider::{DcvRecord, Validation};
use hickory_net::{
    client::{Client, ClientHandle},
    runtime::TokioRuntimeProvider,
    udp::UdpClientStream,
};
use hickory_proto::{
    op::ResponseCode,
    rr::{Name, RData, Record, TSigner, rdata::tsig::TsigAlgorithm},
};
use tokio::net::TcpListener;

use super::*;

/// Content by path, whatever the host.
type Files = Arc<Mutex<BTreeMap<String, String>>>;

/// A web server for every host; returns its port.
async fn web(files: &Files) -> String {
    async fn file(State(files): State<Files>, uri: Uri) -> String {
        files.lock().unwrap().get(uri.path()).cloned().unwrap_or_default()
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let app = Router::new().fallback(file).with_state(files.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

fn put(files: &Files, record: &DcvRecord) {
    let (_, path) = record.name.strip_prefix("http://").unwrap().split_once('/').unwrap();
    files.lock().unwrap().insert(format!("/{path}"), record.value.clone());
}

fn fqdn(name: &str) -> Name {
    let mut name = Name::from_ascii(name).unwrap();
    name.set_fqdn(true);
    name
}

impl Fixture {
    /// Has these names point here, at the demo name server.
    async fn host(&self, names: &[&str]) {
        let secret = STANDARD.decode(self.text("/dns/tsig/secret")).unwrap();
        let key = fqdn(&self.text("/dns/tsig/name"));
        let signer = TSigner::new(secret, TsigAlgorithm::HmacSha256, key, 300).unwrap();
        let server = self.text("/dns/address").parse().unwrap();
        let udp = UdpClientStream::builder(server, TokioRuntimeProvider::new()).with_signer(Some(signer)).build();
        let (mut client, background) = Client::<TokioRuntimeProvider>::from_sender(udp);
        tokio::spawn(background);
        for name in names {
            let here = RData::A(std::net::Ipv4Addr::LOCALHOST.into());
            let record = Record::from_rdata(fqdn(name), 60, here);
            let answer = client.append(record, fqdn("example.com"), false).await.unwrap();
            assert_eq!(answer.response_code, ResponseCode::NoError);
        }
    }

    /// Follows the link in every mail; to whom they went.
    async fn answer_mails(&self) -> Vec<Value> {
        let url = |path: &str| format!("{}{path}", self.text("/url"));
        let mails: Value = self.http.get(url("/_sandbox/mails")).send().await.unwrap().json().await.unwrap();
        let mails = mails["mails"].as_array().unwrap().clone();
        for mail in &mails {
            let followed = self.http.get(url(mail["link"].as_str().unwrap())).send().await.unwrap();
            assert!(followed.status().is_success());
        }
        mails.into_iter().map(|mail| mail["to"].clone()).collect()
    }

    /// The customer whose domains are validated ahead.
    fn ahead(&self) -> Sectigo {
        let at = |name: &str| format!("/sectigo/prevalidated/{name}");
        Sectigo::new(SectigoConfig {
            base_url: self.text(&at("url")),
            credentials: Credentials::Password {
                login: self.text(&at("login")),
                password: self.text(&at("password")).into(),
            },
            customer_uri: self.text(&at("customerUri")),
            organization_id: self.number(&at("orgId")),
            profile_id: self.number(&at("profileId")),
            validation: ValidationModel::PerDomain,
            ..self.config()
        })
        .unwrap()
    }
}

fn open(validations: &[Validation]) -> Vec<&Validation> {
    validations.iter().filter(|validation| !validation.valid).collect()
}

#[tokio::test]
async fn a_certificate_is_validated_by_a_file_or_by_mail() {
    let files = Files::default();
    let port = web(&files).await;
    let fixture = Fixture::start(&["--dcv", "check", "--poll-seconds", "3600", "--http-port", &port]).await;
    fixture.host(&NAMES).await;
    for version in [ApiVersion::V2, ApiVersion::V1] {
        let sectigo = Sectigo::new(SectigoConfig { api_version: version, ..fixture.config() }).unwrap();
        for (number, method) in [(1, DcvMethod::HttpToken), (2, DcvMethod::Email)] {
            let mut order = Intent::new(&fixture, number, Operation::Order).await;
            order.request.product = fixture.number("/sectigo/profiles/dv").to_string();
            order.request.dcv_method = method;
            if method == DcvMethod::Email {
                let nobody = order.submit(&sectigo).await;
                assert!(matches!(nobody, Err(CallError::Rejected { .. })), "without an address: {nobody:?}");
                order.request.details.dcv_email = Some("admin@example.com".into());
            }
            let placed = accepted(order.submit(&sectigo).await);
            let placed_at = order.placed(&placed);
            let validations = sectigo.validations(&placed_at, method).await.unwrap();
            let open = open(&validations);
            assert!(!open.is_empty(), "{validations:?}");
            assert_eq!(sectigo.check_dcv(&placed_at, &[]).await, Ok(()), "not seen yet is no error");
            assert_eq!(order.progress(&sectigo, &placed).await, Progress::Validating);
            if method == DcvMethod::HttpToken {
                for validation in &open {
                    let record = validation.record.as_ref().unwrap();
                    assert!(record.method == method && record.name.contains(&validation.domain), "{record:?}");
                    put(&files, record);
                }
                assert_eq!(sectigo.check_dcv(&placed_at, &[]).await, Ok(()));
            } else {
                assert!(open.iter().all(|it| it.record.is_none() && it.emails == ["admin@example.com"]), "{open:?}");
                let mailed = fixture.answer_mails().await;
                assert!(mailed.len() == open.len() && mailed.iter().all(|to| *to == json!(["admin@example.com"])));
            }
            order.collect(&fixture, &sectigo, &placed).await;
            let told = sectigo.validations(&placed_at, method).await.unwrap();
            assert!(told.iter().all(|validation| validation.valid), "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_domain_is_validated_ahead_by_a_file_or_by_mail() {
    let files = Files::default();
    let port = web(&files).await;
    let fixture = Fixture::start(&["--dcv", "check", "--poll-seconds", "3600", "--http-port", &port]).await;
    fixture.host(&["example.com"]).await;
    let sectigo = fixture.ahead();
    let domains = sectigo.domain_validation().unwrap();
    let names: BTreeSet<String> = NAMES.map(str::to_owned).into();
    for method in [DcvMethod::HttpToken, DcvMethod::Email] {
        let told = domains.domains_of(&names, method).await.unwrap();
        let [validation] = open(&told)[..] else { panic!("{told:?}") };
        let asked = vec![validation.domain.clone()];
        if method == DcvMethod::HttpToken {
            assert_eq!(domains.check_domains(&asked, method).await, Ok(()), "not seen yet is no error");
            put(&files, validation.record.as_ref().unwrap());
        } else {
            assert_eq!(validation.emails.len(), 1, "{validation:?}");
            let again = domains.domains_of(&names, method).await.unwrap();
            assert_eq!(again[0].emails, validation.emails, "mailed once");
            assert_eq!(fixture.answer_mails().await, [json!(validation.emails)]);
        }
        assert_eq!(domains.check_domains(&asked, method).await, Ok(()));
        let told = domains.domains_of(&names, method).await.unwrap();
        assert!(told.iter().all(|validation| validation.valid), "{method:?}: {told:?}");
        // What is validated stays so when the order is cleared, and is forgotten when it is deleted.
        sectigo.clear_validation(&asked[0]).await.unwrap();
        assert!(open(&domains.domains_of(&names, method).await.unwrap()).is_empty());
        sectigo.delete_validation(&asked[0]).await.unwrap();
    }
}

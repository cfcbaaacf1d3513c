//! Password, client certificate, and tokens: asked for when needed, anew before they end, and once when one is refused.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};
use wiremock::matchers::body_string;

const SECRET: &str = "SECRET&of=a client";
const TOKEN: &str = "TOKEN-that-must-never-be-shown";

fn oauth(server: &MockServer) -> Sectigo {
    with(server, |config| {
        config.credentials = Credentials::OAuth2 {
            token_url: format!("{}/realms/apiclients/token", server.uri()),
            client_id: "evercert".into(),
            client_secret: SECRET.into(),
        };
    })
}

/// As many times as expected, with a token of that life.
async fn gives(server: &MockServer, token: &str, seconds: Value, times: u64) {
    let form = "grant_type=client_credentials&client_id=evercert&client_secret=SECRET%26of%3Da+client";
    let body = json!({ "access_token": token, "expires_in": seconds, "token_type": "Bearer" });
    Mock::given(method("POST"))
        .and(path("/realms/apiclients/token"))
        .and(header("Content-Type", "application/x-www-form-urlencoded"))
        .and(body_string(form))
        .respond_with(status(200).set_body_json(body))
        .up_to_n_times(times)
        .expect(times)
        .mount(server)
        .await;
}

fn bearing(token: &str, verb: &str, at: &str) -> MockBuilder {
    Mock::given(method(verb))
        .and(path(format!("/api/{at}")))
        .and(header("Authorization", format!("Bearer {token}").as_str()))
}

#[tokio::test]
async fn a_token_is_shared_by_the_calls_of_its_life() {
    let server = MockServer::start().await;
    gives(&server, TOKEN, json!(300), 1).await;
    let answer = status(200).set_body_json(details(55, "Requested", json!({})));
    bearing(TOKEN, "GET", "ssl/v2/55").respond_with(answer).expect(3).mount(&server).await;
    let sectigo = oauth(&server);
    for order in futures::future::join_all((0..3).map(|_| sectigo.order("55"))).await {
        order.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    let api = requests.iter().filter(|request| request.url.path().starts_with("/api"));
    for request in api {
        assert!(!request.headers.contains_key("customerUri") && !request.headers.contains_key("login"));
    }
}

#[tokio::test]
async fn a_token_is_not_used_near_its_end() {
    for (seconds, calls, tokens) in
        [(json!(0), 3, 3), (json!("300"), 3, 1), (json!(u64::MAX), 3, 1), (Value::Null, 3, 1)]
    {
        let server = MockServer::start().await;
        gives(&server, TOKEN, seconds, tokens).await;
        let answer = status(200).set_body_json(details(55, "Requested", json!({})));
        bearing(TOKEN, "GET", "ssl/v2/55").respond_with(answer).expect(calls).mount(&server).await;
        let sectigo = oauth(&server);
        for _ in 0..calls {
            sectigo.order("55").await.unwrap();
        }
    }
}

/// A tenth of its life before its end, and a minute at most.
#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    for (life, lasts) in [(100, 90), (3600, 3540)] {
        let server = MockServer::start().await;
        gives(&server, "first", json!(life), 1).await;
        let answer = || status(200).set_body_json(details(55, "Requested", json!({})));
        bearing("first", "GET", "ssl/v2/55").respond_with(answer()).expect(2).mount(&server).await;
        bearing("second", "GET", "ssl/v2/55").respond_with(answer()).expect(1).mount(&server).await;
        let sectigo = oauth(&server);
        let after = async |seconds| {
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(seconds)).await;
            tokio::time::resume();
            sectigo.order("55").await.unwrap();
        };
        after(0).await;
        after(lasts - 5).await;
        gives(&server, "second", json!(life), 1).await;
        after(6).await;
    }
}

/// A read is repeated once with a new token; a second refusal is the credential's.
#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let server = MockServer::start().await;
    gives(&server, "old", json!(300), 1).await;
    bearing("old", "GET", "ssl/v2/55").respond_with(status(401)).expect(1).mount(&server).await;
    gives(&server, "new", json!(300), 1).await;
    let answer = status(200).set_body_json(details(55, "Requested", json!({})));
    bearing("new", "GET", "ssl/v2/55").respond_with(answer).expect(2).mount(&server).await;
    let sectigo = oauth(&server);
    sectigo.order("55").await.unwrap();
    sectigo.order("55").await.unwrap();

    let server = MockServer::start().await;
    gives(&server, TOKEN, json!(300), 2).await;
    bearing(TOKEN, "GET", "ssl/v2/55").respond_with(status(401)).expect(2).mount(&server).await;
    let error = oauth(&server).order("55").await.unwrap_err();
    assert!(matches!(&error, CallError::Blocked { code, .. } if code == "bad_credentials"), "{error:?}");
}

/// A call has one time limit, its token included: a lease may end with it.
#[tokio::test]
async fn the_wait_for_a_token_counts() {
    let server = MockServer::start().await;
    let slow = status(200).set_delay(Duration::from_secs(60)).set_body_json(json!({ "access_token": TOKEN }));
    Mock::given(path("/realms/apiclients/token")).respond_with(slow).mount(&server).await;
    let sectigo = oauth(&server);
    let quick = async || {
        let permit = sectigo.permit(Urgency::Normal).await.expect("the account may be called");
        sectigo.submit(&request(Operation::Order), permit, Duration::from_millis(200)).await
    };
    // The second waits for the first, which asks.
    let (first, second) = tokio::join!(quick(), quick());
    for answer in [first, second] {
        assert!(matches!(answer, Err(CallError::NotSent { .. })), "{answer:?}");
    }
}

/// Not even for a token: nobody knows what stands between us and SCM.
#[tokio::test]
async fn what_can_cost_money_is_said_once() {
    let server = MockServer::start().await;
    gives(&server, "old", json!(300), 1).await;
    bearing("old", "POST", "ssl/v2/enroll").respond_with(status(401)).expect(1).mount(&server).await;
    let sectigo = oauth(&server);
    let answer = submit(&sectigo, Operation::Order).await;
    assert!(matches!(answer, Err(CallError::Ambiguous { .. })), "{answer:?}");
    // The next call comes with another one.
    gives(&server, "new", json!(300), 1).await;
    let answer = status(200).set_body_json(json!({ "sslId": 55 }));
    bearing("new", "POST", "ssl/v2/enroll").respond_with(answer).expect(1).mount(&server).await;
    assert_eq!(submit(&sectigo, Operation::Order).await, Ok(Some(accepted("55"))));
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let invalid = json!({ "error": "invalid_client", "error_description": format!("{SECRET} is wrong") });
    for (answer, blocked) in [
        (status(400).set_body_json(&invalid), true),
        (status(401).set_body_json(&invalid), true),
        (status(401), true),
        (status(503).set_body_string("upstream connect error"), false),
        (status(200).set_body_json(json!({ "expires_in": 300 })), false),
        (status(200).set_body_string("<html>"), false),
        (status(302).insert_header("Location", "/elsewhere"), false),
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/realms/apiclients/token")).respond_with(answer).expect(1).mount(&server).await;
        let error = submit(&oauth(&server), Operation::Order).await.unwrap_err();
        match blocked {
            true => {
                assert!(matches!(&error, CallError::Blocked { code, .. } if code == "bad_credentials"), "{error:?}")
            }
            false => assert!(matches!(error, CallError::NotSent { .. }), "{error:?}"),
        }
        assert!(!format!("{error} {error:?}").contains(SECRET));
    }
    let server = MockServer::start().await;
    let limited = status(429).insert_header("Retry-After", "7");
    Mock::given(path("/realms/apiclients/token")).respond_with(limited).mount(&server).await;
    let error = submit(&oauth(&server), Operation::Order).await.unwrap_err();
    assert!(matches!(error, CallError::RateLimited { after: Some(seven), .. } if seven.as_secs() == 7), "{error:?}");
}

#[tokio::test]
async fn no_error_shows_a_secret() {
    let server = MockServer::start().await;
    gives(&server, TOKEN, json!(300), 1).await;
    let echo = status(500).set_body_string(format!("{TOKEN} {SECRET}"));
    Mock::given(method("GET")).respond_with(echo).mount(&server).await;
    let error = oauth(&server).order("55").await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(TOKEN) && !format!("{error:?}").contains(SECRET), "{error}");

    let server = MockServer::start().await;
    let echo = status(400).set_body_json(json!({ "code": -36, "description": format!("{PASSWORD} has no such term") }));
    Mock::given(method("POST")).respond_with(echo).mount(&server).await;
    let error = submit(&sectigo(&server), Operation::Order).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(PASSWORD), "{error}");
}

#[test]
fn what_no_header_can_carry_is_no_credential() {
    let refused = |credentials, customer_uri: &str| {
        let base = config("http://localhost");
        let config = SectigoConfig { credentials, customer_uri: customer_uri.into(), ..base };
        Sectigo::new(config).map(drop).unwrap_err().to_string()
    };
    let password = |login: &str, password: &str| Credentials::Password {
        login: login.into(),
        password: password.to_owned().into(),
    };
    let oauth = |url: &str| Credentials::OAuth2 {
        token_url: url.into(),
        client_id: "evercert".into(),
        client_secret: SECRET.into(),
    };
    let certificate = Credentials::ClientCertificate {
        login: "evercert".into(),
        certificate_pem: "no certificate".into(),
        key_pem: "no key".into(),
    };
    for (credentials, customer_uri, words) in [
        (password("", PASSWORD), "acme", "the login"),
        (password("evercert", "line\nbreak"), "acme", "the password"),
        (password("evercert", PASSWORD), "", "the customer URI"),
        (oauth("ftp://example.com"), "acme", "URL"),
        (oauth("https://user@example.com/token"), "acme", "URL"),
        (certificate, "acme", "client certificate"),
    ] {
        let error = refused(credentials, customer_uri);
        assert!(error.contains(words) && !error.contains("line") && !error.contains(PASSWORD), "{error}");
    }
}

/// Serves one call over TLS to whoever has a certificate of the CA.
#[tokio::test]
async fn a_client_certificate_takes_the_place_of_the_password() {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let server_cert = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let client = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(client.cert.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap();
    let key = PrivatePkcs8KeyDer::from(server_cert.signing_key.serialize_der());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server_cert.cert.der().clone()], key.into())
        .unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(Arc::new(server)).accept(stream).await.unwrap();
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap();
        let body = details(55, "Requested", json!({})).to_string();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let sectigo = Sectigo::new(SectigoConfig {
        base_url: format!("{origin}/private/api"),
        credentials: Credentials::ClientCertificate {
            login: "evercert".into(),
            certificate_pem: client.cert.pem(),
            key_pem: SecretString::from(client.signing_key.serialize_pem()),
        },
        ca_bundle_pem: Some(server_cert.cert.pem()),
        ..config(&origin)
    })
    .unwrap();
    sectigo.order("55").await.unwrap();
    let request = served.await.unwrap().to_ascii_lowercase();
    assert!(request.starts_with("get /private/api/ssl/v2/55 http/1.1\r\n"), "{request}");
    assert!(request.contains("login: evercert\r\n") && request.contains("customeruri: acme\r\n"), "{request}");
    assert!(!request.contains("password"), "{request}");
}

#[tokio::test]
async fn clients_of_one_credential_are_known_as_such() {
    let server = MockServer::start().await;
    let other = with(&server, |config| config.customer_uri = "other".into());
    assert_eq!(sectigo(&server).credential(), sectigo(&server).credential());
    assert_ne!(sectigo(&server).credential(), other.credential());
    assert_ne!(sectigo(&server).credential(), oauth(&server).credential());
    assert!(!sectigo(&server).credential().contains(PASSWORD));
}

//! What happens below HTTP: refused, cut, endless, slow.

use super::wire::server;
use super::*;
use std::net::Ipv4Addr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto};

async fn order_at(origin: &str) -> CallError {
    submit(&DigiCert::new(config(origin)).unwrap(), Operation::Order).await.unwrap_err()
}

fn assert_ambiguous(error: &CallError) {
    assert!(matches!(error, CallError::Ambiguous { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains(API_KEY));
}

#[tokio::test]
async fn a_refused_connection_carried_nothing() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = order_at(&origin).await;
    assert!(matches!(error, CallError::NotSent { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unknown_host_carried_nothing() {
    let error = order_at("http://certcentral.invalid").await;
    assert!(matches!(error, CallError::NotSent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_carried_nothing() {
    let server = MockServer::start().await;
    let error = order_at(&server.uri().replace("http:", "https:")).await;
    assert!(matches!(error, CallError::NotSent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_is_ambiguous() {
    let origin = server(async |stream| {
        // Reset rather than closed.
        stream.set_zero_linger().unwrap();
    });
    assert_ambiguous(&order_at(&origin.await).await);
    let origin = server(async |mut stream| stream.shutdown().await.unwrap());
    assert_ambiguous(&order_at(&origin.await).await);
}

#[tokio::test]
async fn half_an_answer_is_ambiguous() {
    for half in [
        "HTTP/1.1 201 Created\r\nContent-Le",
        "HTTP/1.1 201 Created\r\nContent-Length: 400\r\n\r\n{\"id\":112233,",
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{\"id\":112233,\r\n",
        "HTTP/1.1 201 Created\r\nContent-Length: 13\r\n\r\n{\"id\":112233,",
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 400\r\n\r\n{\"errors\":[{\"code\":\"bad_request_format\"}]}",
        "no HTTP at all\r\n\r\n",
    ] {
        let origin = server(async |mut stream| stream.write_all(half.as_bytes()).await.unwrap());
        assert_ambiguous(&order_at(&origin.await).await);
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let origin = server(async |mut stream| {
        let head = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n{\"id\":1,\"x\":\"";
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(&[b'x'; 65536]).await.is_ok() {}
    });
    let error = order_at(&origin.await).await;
    assert_ambiguous(&error);
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[tokio::test]
async fn no_call_takes_longer_than_it_may() {
    let origin = server(async |_stream| std::future::pending().await).await;
    let digicert = DigiCert::new(config(&origin)).unwrap();
    let permit = digicert.permit(Urgency::Normal).await.unwrap();
    let error = digicert.submit(&request(Operation::Order), permit, Duration::from_millis(100)).await.unwrap_err();
    assert_ambiguous(&error);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = MockServer::start().await;
    let elsewhere = format!("{}/services/v2/elsewhere", server.uri());
    let redirect = ResponseTemplate::new(307).insert_header("Location", elsewhere.as_str());
    call("POST", "order/certificate/ssl_basic").respond_with(redirect).expect(1).mount(&server).await;
    assert_ambiguous(&submit(&digicert(&server), Operation::Order).await.unwrap_err());
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

/// Serves one order over TLS; its certificate is the CA that has to be trusted.
async fn tls_server() -> (String, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (pem, chain) = (certified.cert.pem(), vec![certified.cert.der().clone()]);
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(chain, key.into()).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(server)).accept(stream).await else { return };
        let _ = stream.read(&mut [0; 4096]).await;
        let answer = "HTTP/1.1 201 Created\r\nContent-Length: 13\r\n\r\n{\"id\":112233}";
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    (origin, pem)
}

#[tokio::test]
async fn only_the_bundle_is_trusted_when_there_is_one() {
    let (origin, pem) = tls_server().await;
    let trusting = DigiCertConfig { ca_bundle_pem: Some(pem), ..config(&origin) };
    let accepted = submit(&DigiCert::new(trusting).unwrap(), Operation::Order).await.unwrap();
    assert_eq!(accepted.order_id, "112233");

    let (_, other) = tls_server().await;
    for bundle in [Some(other), None] {
        let (origin, _) = tls_server().await;
        let trusting = DigiCertConfig { ca_bundle_pem: bundle, ..config(&origin) };
        let error = submit(&DigiCert::new(trusting).unwrap(), Operation::Order).await.unwrap_err();
        assert!(matches!(error, CallError::NotSent { .. }), "{error:?}");
    }
}

//! What happens below HTTP: refused, cut, endless, slow.

use super::wire::server;
use super::*;
use std::net::Ipv4Addr;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

async fn renewal_at(origin: &str) -> CallError {
    submit(&Sectigo::new(config(origin)).unwrap(), renew()).await.unwrap_err()
}

fn assert_ambiguous(error: &CallError) {
    assert!(matches!(error, CallError::Ambiguous { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains(PASSWORD));
}

#[tokio::test]
async fn what_was_never_connected_carried_nothing() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = MockServer::start().await;
    for origin in [origin, "http://scm.invalid".to_owned(), server.uri().replace("http:", "https:")] {
        let error = renewal_at(&origin).await;
        assert!(matches!(error, CallError::NotSent { .. }), "{origin}: {error:?}");
    }
}

#[tokio::test]
async fn half_an_answer_is_ambiguous() {
    for half in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{\"sslId\":74",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{\"sslId\":74\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"sslId\":74",
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 400\r\n\r\n{\"code\":-36,\"description\":\"\"}",
        "no HTTP at all\r\n\r\n",
    ] {
        let origin = server(async |mut stream| stream.write_all(half.as_bytes()).await.unwrap());
        assert_ambiguous(&renewal_at(&origin.await).await);
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let origin = server(async |mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"sslId\":74,\"x\":\"").await;
        while stream.write_all(&[b'x'; 65536]).await.is_ok() {}
    });
    let error = renewal_at(&origin.await).await;
    assert_ambiguous(&error);
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[tokio::test]
async fn no_call_takes_longer_than_it_may() {
    let origin = server(async |_stream| std::future::pending().await).await;
    let sectigo = Sectigo::new(config(&origin)).unwrap();
    let permit = sectigo.permit(Urgency::Normal).await.expect("the account may be called");
    let error = sectigo.submit(&request(renew()), permit, Duration::from_millis(100)).await.unwrap_err();
    assert_ambiguous(&error);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = MockServer::start().await;
    let redirect = status(307).insert_header("Location", format!("{}/api/elsewhere", server.uri()).as_str());
    call("POST", "ssl/v2/renewById/73").respond_with(redirect).expect(1).mount(&server).await;
    assert_ambiguous(&submit(&sectigo(&server), renew()).await.unwrap_err());
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

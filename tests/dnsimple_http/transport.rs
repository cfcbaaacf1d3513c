//! What happens below HTTP, of what may leave a certificate behind.

use super::letsencrypt::{AT, purchase};
use super::wire::server;
use super::*;
use std::net::Ipv4Addr;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

async fn purchase_at(origin: &str) -> CallError {
    purchase(&Account::new(&config(origin)).unwrap()).await.unwrap_err()
}

#[tokio::test]
async fn what_was_never_connected_carried_nothing() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for origin in [origin, "http://dnsimple.invalid".to_owned()] {
        assert_eq!(class(&purchase_at(&origin).await), "NotSent", "{origin}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_ambiguous() {
    for half in [
        "",
        "HTTP/1.1 201 Created\r\nContent-Le",
        "HTTP/1.1 201 Created\r\nContent-Length: 400\r\n\r\n{\"data\":{\"id\":1",
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 400\r\n\r\n{\"message\":\"Validation failed\"}",
        "no HTTP at all\r\n\r\n",
    ] {
        let origin = server(async |mut stream| stream.write_all(half.as_bytes()).await.unwrap());
        let error = purchase_at(&origin.await).await;
        assert_eq!(class(&error), "Ambiguous", "{half}: {error:?}");
        assert!(!format!("{error} {error:?}").contains(TOKEN));
    }
}

#[tokio::test]
async fn no_call_takes_longer_than_it_may() {
    let origin = server(async |_stream| std::future::pending().await).await;
    let account = Account::new(&config(&origin)).unwrap();
    let (permit, short) = (permit(&account).await, Duration::from_millis(100));
    let error = account.purchase_letsencrypt("example.com", &Default::default(), permit, short).await.unwrap_err();
    assert_eq!(class(&error), "Ambiguous");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = MockServer::start().await;
    let redirect = status(307).insert_header("Location", format!("{}/v2/elsewhere", server.uri()).as_str());
    call("POST", AT).respond_with(redirect).expect(1).mount(&server).await;
    assert_eq!(class(&purchase(&account(&server)).await.unwrap_err()), "Ambiguous");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

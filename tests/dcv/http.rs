//! What the check of a file looks at, and what it does not.

use std::net::{Ipv4Addr, SocketAddr};

use axum::{Router, http::StatusCode, response::Redirect, routing::get};
use evercert::dcv::{File, HttpCheck};
use hickory_proto::rr::RData;
use tokio::net::TcpListener;

use super::{add, server};

async fn serves(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn file(path: &str) -> File {
    File { url: format!("http://shop.example.com/{path}"), content: "abc123".to_owned() }
}

#[tokio::test]
async fn a_listed_address_is_asked_and_no_redirect_followed() {
    let dns = server().await;
    add(&dns, "shop.example.com", 60, RData::A(Ipv4Addr::LOCALHOST.into())).await;
    let app = Router::new()
        .route("/right", get(async || "abc123\n"))
        .route("/other", get(async || "another"))
        .route("/long", get(async || "x".repeat(5000) + "abc123"))
        .route("/gone", get(async || StatusCode::NOT_FOUND))
        .route("/moved", get(async || Redirect::temporary("/right")));
    let address = serves(app).await;
    let check = HttpCheck::new(&[dns.address()], &[address]).unwrap();
    assert_eq!(check.check(&file("right")).await, Ok(()));
    for (path, why) in [
        ("other", "does not contain"),
        ("long", "is longer than"),
        ("gone", "answers 404"),
        ("moved", "redirects are not followed"),
    ] {
        let told = check.check(&file(path)).await.unwrap_err();
        assert!(told.contains(why), "{path}: {told}");
    }
    let nameless = File { url: "http://nobody.example.com/right".into(), content: "abc123".into() };
    assert!(check.check(&nameless).await.unwrap_err().contains("cannot be resolved"));
    let secure = File { url: "https://shop.example.com/right".into(), content: "abc123".into() };
    assert!(check.check(&secure).await.unwrap_err().contains("no plain HTTP URL"));
}

#[tokio::test]
async fn an_address_of_ones_own_network_is_not_asked_unless_listed() {
    let dns = server().await;
    add(&dns, "shop.example.com", 60, RData::A(Ipv4Addr::LOCALHOST.into())).await;
    let address = serves(Router::new().route("/right", get(async || "abc123"))).await;
    let elsewhere = SocketAddr::from(([127, 0, 0, 2], address.port()));
    for listed in [&[][..], &[elsewhere]] {
        let check = HttpCheck::new(&[dns.address()], listed).unwrap();
        let told = check.check(&file("right")).await.unwrap_err();
        assert!(told.contains("127.0.0.1, which is not public") && told.contains("--http-check-addresses"), "{told}");
    }
}

//! Validation against the demo name server and a real HTTP server.

use std::net::SocketAddr;

use crate::admin::{Admin, cname, txt};
use axum::Router;
use axum::routing::get;
use evercert_sandbox::dcv::{Failure, check_cname, check_http, check_txt};
use evercert_sandbox::dns::{DemoDns, DnsConfig};
use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::A;

const ZONE: &str = "example.com";

async fn server() -> (DemoDns, Admin, SocketAddr) {
    let dns = DemoDns::start(DnsConfig::default()).await.unwrap();
    let admin = Admin::of(&dns);
    let address = dns.address();
    (dns, admin, address)
}

#[tokio::test]
async fn txt_is_found_at_the_name_or_a_parent_and_not_from_a_cache() {
    let (_dns, mut admin, at) = server().await;
    let name = "*.shop.example.com";
    let nothing = Failure::NotFound { seen: vec![] };
    assert_eq!(check_txt(at, name, "token").await, Err(nothing));

    admin.add(ZONE, ZONE, txt("token2")).await.unwrap();
    let seen = vec!["token2".to_owned()];
    let other = Failure::NotFound { seen };
    assert_eq!(check_txt(at, name, "token").await, Err(other));

    admin.add(ZONE, ZONE, txt("token")).await.unwrap();
    assert_eq!(check_txt(at, name, "token").await.unwrap(), ZONE);

    let host = "shop.example.com";
    admin.add(ZONE, host, txt("token")).await.unwrap();
    assert_eq!(check_txt(at, name, "token").await.unwrap(), host);
}

#[tokio::test]
async fn cname_points_to_the_value_at_the_ca() {
    let (_dns, mut admin, at) = server().await;
    let host = "shop.example.com";
    let foreign = cname("other.dcv.digicert.com");
    admin.add(ZONE, "_dnsauth.shop.example.com", foreign).await.unwrap();
    let seen = vec!["other.dcv.digicert.com".to_owned()];
    let missed = check_cname(at, host, "token").await;
    assert_eq!(missed, Err(Failure::NotFound { seen }));

    let ours = cname("TOKEN.dcv.digicert.com");
    admin.add(ZONE, "_dnsauth.example.com", ours).await.unwrap();
    assert_eq!(check_cname(at, host, "token").await.unwrap(), ZONE);
}

#[tokio::test]
async fn the_file_is_fetched_where_the_name_server_says() {
    let (_dns, mut admin, at) = server().await;
    let path = "/.well-known/pki-validation/fileauth.txt";
    let site = Router::new().route(path, get(|| async { "\ntoken\n" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move { axum::serve(listener, site).await });

    let host = "shop.example.com";
    let homeless = check_http(at, host, port, "token").await;
    assert!(matches!(homeless, Err(Failure::Lookup(_))));

    let address = RData::A(A::new(127, 0, 0, 1));
    admin.add(ZONE, host, address).await.unwrap();
    assert_eq!(check_http(at, host, port, "token").await.unwrap(), host);
    let other = check_http(at, host, port, "another").await;
    assert!(matches!(other, Err(Failure::NotFound { .. })));
    let wildcard = check_http(at, "*.example.com", port, "token").await;
    assert!(matches!(wildcard, Err(Failure::Unsuitable(_))));
    serving.abort();
}

#[tokio::test]
async fn a_refused_question_is_a_failed_lookup() {
    let (_dns, _admin, at) = server().await;
    let failed = check_txt(at, "shop.example.edu", "token").await;
    assert!(matches!(failed, Err(Failure::Lookup(_))));
}

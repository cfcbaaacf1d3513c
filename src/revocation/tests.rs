#![allow(clippy::unwrap_used)]

use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_bytes, header, method, path},
};

use super::*;

async fn serving(response: ResponseTemplate) -> (MockServer, Fetcher, String) {
    let server = MockServer::start().await;
    Mock::given(method("GET")).and(path("/x.crl")).respond_with(response).mount(&server).await;
    let fetcher = Fetcher::new(vec![server.address().to_string()]).unwrap();
    let url = format!("{}/x.crl", server.uri());
    (server, fetcher, url)
}

#[tokio::test]
async fn a_list_is_fetched_from_where_it_may_be() {
    let (_server, fetcher, url) = serving(ResponseTemplate::new(200).set_body_bytes(*b"list")).await;
    assert_eq!(fetcher.list(&url).await, Ok(b"list".to_vec()));
    let strict = Fetcher::new(Vec::new()).unwrap();
    assert_eq!(strict.list(&url).await, Err(FetchError::NotAllowed(url)));
}

#[tokio::test]
async fn a_name_that_is_listed_is_called_wherever_it_leads() {
    let (server, _, _) = serving(ResponseTemplate::new(200).set_body_bytes(*b"list")).await;
    let here = format!("localhost:{}", server.address().port());
    let fetcher = Fetcher::new(vec![here.clone()]).unwrap();
    assert_eq!(fetcher.list(&format!("http://{here}/x.crl")).await, Ok(b"list".to_vec()));
}

/// The name says nothing: what it resolves to is judged.
#[tokio::test]
async fn a_name_that_leads_inside_is_not_called() {
    let fetcher = Fetcher::new(Vec::new()).unwrap();
    let refused = fetcher.list("http://localhost/x.crl").await;
    assert!(matches!(&refused, Err(FetchError::NoAnswer(_, why)) if why.contains("no public address")), "{refused:?}");
}

#[tokio::test]
async fn neither_errors_nor_redirects_nor_endless_answers_are_taken() {
    let elsewhere = ResponseTemplate::new(302).insert_header("Location", "http://169.254.169.254/");
    let (_server, fetcher, url) = serving(elsewhere).await;
    assert!(matches!(fetcher.list(&url).await, Err(FetchError::NoAnswer(..))));
    let (_server, fetcher, url) = serving(ResponseTemplate::new(404)).await;
    assert!(matches!(fetcher.list(&url).await, Err(FetchError::NoAnswer(..))));
    let long = ResponseTemplate::new(200).set_body_bytes(vec![0; LONGEST_LIST + 1]);
    let (_server, fetcher, url) = serving(long).await;
    assert_eq!(fetcher.list(&url).await, Err(FetchError::TooLong(url, LONGEST_LIST)));
}

#[tokio::test]
async fn a_responder_is_asked_as_documented() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/ocsp"))
        .and(header("Content-Type", "application/ocsp-request"))
        .and(body_bytes(*b"request"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(*b"answer"))
        .mount(&server)
        .await;
    let fetcher = Fetcher::new(vec![server.address().to_string()]).unwrap();
    let url = format!("{}/ocsp", server.uri());
    assert_eq!(fetcher.status(&url, b"request".to_vec()).await, Ok(b"answer".to_vec()));
    let strict = Fetcher::new(Vec::new()).unwrap();
    assert_eq!(strict.status(&url, b"request".to_vec()).await, Err(FetchError::NotAllowed(url)));
}

use super::*;
use evercert::provider::{Changed, ChangedTo};
use wiremock::matchers::query_param;

const AT: &str = "order/certificate/status-changes";
const WINDOW: Duration = Duration::from_secs(65);

async fn changes(server: &MockServer) -> Result<Vec<Changed>, CallError> {
    digicert(server).changes(WINDOW).await.map(|changed| changed.expect("CertCentral has such a call"))
}

fn changed(order: &str, to: ChangedTo) -> Changed {
    Changed { order_id: order.into(), to }
}

#[tokio::test]
async fn one_call_names_all_that_changed_within_the_window() {
    let server = MockServer::start().await;
    let rows = json!({ "orders": [
        { "order_id": 1, "certificate_id": 11, "status": "needs_approval" },
        { "order_id": "2", "certificate_id": 12, "status": "pending" },
        { "id": 3, "status": "reissue_pending" },
        { "order_id": 4, "status": "processing" },
        { "order_id": 5, "status": "issued" },
        { "order_id": 6, "status": "revoked" },
        { "order_id": 7, "status": "a_status_of_tomorrow" },
        { "order_id": 8 },
        { "status": "issued" },
        "no object",
    ]});
    let once = ResponseTemplate::new(200).set_body_json(rows);
    call("GET", AT).and(query_param("seconds", "65")).respond_with(once).expect(1).mount(&server).await;
    use ChangedTo::{AwaitingApproval, Pending, Settled};
    let expected = [
        changed("1", AwaitingApproval),
        changed("2", Pending),
        changed("3", Pending),
        changed("4", Pending),
        changed("5", Settled),
        changed("6", Settled),
        changed("7", Settled),
        changed("8", Settled),
    ];
    assert_eq!(changes(&server).await, Ok(expected.to_vec()));
    let url = &server.received_requests().await.unwrap()[0].url;
    assert_eq!(url.query(), Some("seconds=65"), "nothing else is asked");
}

#[tokio::test]
async fn nothing_changed_is_an_empty_object() {
    for body in [json!({}), json!({ "orders": [] }), json!({ "orders": {} })] {
        let server = MockServer::start().await;
        answers(&server, "GET", AT, 200, body).await;
        assert_eq!(changes(&server).await, Ok(Vec::new()));
    }
}

#[tokio::test]
async fn further_pages_are_read_when_there_are_some() {
    let server = MockServer::start().await;
    let page =
        |id: u64| json!({ "orders": [{ "order_id": id, "status": "issued" }], "page": { "total": 2, "limit": 0 } });
    let second = ResponseTemplate::new(200).set_body_json(page(2));
    call("GET", AT).and(query_param("offset", "1")).respond_with(second).expect(1).mount(&server).await;
    let first = ResponseTemplate::new(200).set_body_json(page(1));
    call("GET", AT).respond_with(first).expect(1).mount(&server).await;
    let expected = vec![changed("1", ChangedTo::Settled), changed("2", ChangedTo::Settled)];
    assert_eq!(changes(&server).await, Ok(expected));
}

#[tokio::test]
async fn a_list_without_an_end_is_no_answer() {
    let server = MockServer::start().await;
    let body = json!({ "orders": [{ "order_id": 1, "status": "issued" }], "page": { "total": 1_000_000 } });
    answers(&server, "GET", AT, 200, body).await;
    assert!(matches!(changes(&server).await, Err(CallError::Ambiguous { .. })));
}

#[tokio::test]
async fn clients_of_one_credential_know_each_other_and_show_no_key() {
    let server = MockServer::start().await;
    let (one, same) = (digicert(&server), digicert(&server));
    assert_eq!(one.credential(), same.credential());
    let other = DigiCertConfig { api_key: SecretString::from("another"), ..config(&server.uri()) };
    assert_ne!(one.credential(), DigiCert::new(other).unwrap().credential());
    assert_ne!(one.credential(), DigiCert::new(config("https://elsewhere.example")).unwrap().credential());
    assert!(!one.credential().contains(API_KEY));
}

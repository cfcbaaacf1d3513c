use super::*;
use evercert::provider::{AutoRenewal, OrderStatus, Progress, Standing};

async fn standing(server: &MockServer, placed: &Placed) -> Standing {
    digicert(server).progress(placed).await.unwrap()
}

async fn order_is(server: &MockServer, info: Value) {
    answers(server, "GET", "order/certificate/112233", 200, info).await;
}

async fn reissues_are(server: &MockServer, rows: Value) {
    answers(server, "GET", "order/certificate/112233/reissue", 200, json!({ "certificates": rows })).await;
}

fn issued(id: &str) -> Progress {
    Progress::Issued { certificate_id: id.into() }
}

async fn calls(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn an_issued_order_takes_one_call_and_tells_its_end() {
    for operation in [Operation::Order, renew(), reissue()] {
        let server = MockServer::start().await;
        order_is(&server, order_info("issued", &OURS.csr)).await;
        let order_valid_till = Some("2027-11-24".parse().unwrap());
        let expected = Standing { progress: issued("5501"), order_valid_till, delivered: None };
        assert_eq!(standing(&server, &placed(operation)).await, expected);
        assert_eq!(calls(&server).await, 1);
    }
}

#[tokio::test]
async fn a_csr_is_known_again_without_its_line_breaks() {
    let echoed = OURS.csr.replace(['\n', '\r'], "");
    for csr in [echoed, OURS.csr.replace('\n', "\r\n"), OURS.csr.replace('\n', "\\n")] {
        let server = MockServer::start().await;
        order_is(&server, order_info("issued", &csr)).await;
        assert_eq!(standing(&server, &placed(reissue())).await.progress, issued("5501"));
    }
}

#[tokio::test]
async fn every_status_of_an_order_has_its_meaning() {
    let table = [
        ("pending", Progress::Validating),
        ("needs_approval", Progress::AwaitingApproval { request_id: Some("9".into()) }),
        ("processing", Progress::Processing { status: "processing".into() }),
        ("waiting_pickup", Progress::Processing { status: "waiting_pickup".into() }),
        ("needs_csr", Progress::Processing { status: "needs_csr".into() }),
        ("a_status_of_tomorrow", Progress::Processing { status: "a_status_of_tomorrow".into() }),
        ("issued", issued("5501")),
        ("approved", issued("5501")),
        ("reissue_pending", issued("5501")),
    ];
    for (status, expected) in table {
        let server = MockServer::start().await;
        let mut info = order_info(status, &OURS.csr);
        info["requests"] = json!([{ "id": 8, "status": "approved" }, { "id": 9, "status": "pending" }]);
        order_is(&server, info).await;
        assert_eq!(standing(&server, &placed(Operation::Order)).await.progress, expected, "{status}");
    }
}

#[tokio::test]
async fn a_pending_order_with_an_open_request_waits_for_a_person() {
    let server = MockServer::start().await;
    let mut info = order_info("pending", &OURS.csr);
    info["has_pending_request"] = json!("1");
    order_is(&server, info).await;
    let placed = Placed { request_id: Some("44".into()), ..placed(Operation::Order) };
    let expected = Progress::AwaitingApproval { request_id: Some("44".into()) };
    assert_eq!(standing(&server, &placed).await.progress, expected);
}

#[tokio::test]
async fn an_order_that_ended_says_who_ended_it_and_why() {
    for status in ["canceled", "rejected", "denied"] {
        let server = MockServer::start().await;
        order_is(&server, order_info(status, &OURS.csr)).await;
        let request = json!({ "id": 9, "status": "rejected", "processor_comment": "not in the budget",
            "processor": { "first_name": "Ada", "last_name": "Lovelace" } });
        answers(&server, "GET", "request/9", 200, request).await;
        let placed = Placed { request_id: Some("9".into()), ..placed(Operation::Order) };
        let reason = format!("order 112233 is {status}, by Ada Lovelace: not in the budget");
        assert_eq!(standing(&server, &placed).await.progress, Progress::Refused { reason });
    }
}

#[tokio::test]
async fn an_order_that_ended_is_told_without_reasons_when_there_are_none() {
    let server = MockServer::start().await;
    let mut info = order_info("canceled", &OURS.csr);
    info["requests"] = json!([{ "id": 9 }]);
    order_is(&server, info).await;
    let reason = "order 112233 is canceled".to_owned();
    assert_eq!(standing(&server, &placed(Operation::Order)).await.progress, Progress::Refused { reason });
}

#[tokio::test]
async fn an_order_that_is_over_has_no_certificate_to_wait_for() {
    for status in ["expired", "revoked"] {
        for operation in [Operation::Order, reissue()] {
            let server = MockServer::start().await;
            order_is(&server, order_info(status, &OTHER.csr)).await;
            let reason = format!("order 112233 is {status}");
            assert_eq!(standing(&server, &placed(operation)).await.progress, Progress::Refused { reason });
            assert_eq!(calls(&server).await, 1);
        }
    }
}

#[tokio::test]
async fn our_certificate_is_found_behind_somebody_elses_reissue() {
    let server = MockServer::start().await;
    order_is(&server, order_info("issued", &OTHER.csr)).await;
    let known = Placed { certificate_id: Some("5500".into()), ..placed(Operation::Order) };
    assert_eq!(standing(&server, &known).await.progress, issued("5500"));
    assert_eq!(calls(&server).await, 1);

    reissues_are(&server, json!([{ "id": 5501, "csr": OTHER.csr }, { "id": 5499, "csr": OURS.csr }])).await;
    assert_eq!(standing(&server, &placed(Operation::Order)).await.progress, issued("5499"));
}

#[tokio::test]
async fn an_order_for_another_key_is_refused() {
    let server = MockServer::start().await;
    order_is(&server, order_info("issued", &OTHER.csr)).await;
    reissues_are(&server, json!({})).await;
    let progress = standing(&server, &placed(Operation::Order)).await.progress;
    assert!(matches!(progress, Progress::Refused { .. }), "{progress:?}");
}

#[tokio::test]
async fn a_reissue_is_issued_only_in_the_row_of_our_csr() {
    let row = |id: u64, status: &str, csr: &str| json!({ "id": id, "status": status, "csr": csr });
    let pending_order = order_info("reissue_pending", &OTHER.csr);
    let issued_order = order_info("issued", &OTHER.csr);
    let table = [
        (&pending_order, json!([row(1, "issued", &OTHER.csr), row(2, "pending", &OURS.csr)]), Progress::Validating),
        (&issued_order, json!([row(1, "issued", &OTHER.csr), row(2, "issued", &OURS.csr)]), issued("2")),
        // Rows of a known bug: the primary certificate again and again.
        (&issued_order, json!([row(5502, "issued", &OTHER.csr)]), Progress::Processing { status: "issued".into() }),
        (&issued_order, json!([{ "id": 5502, "status": "issued" }]), issued("5502")),
        (&issued_order, json!([row(2, "odd", &OURS.csr)]), Progress::Processing { status: "odd".into() }),
        (&pending_order, json!({}), Progress::Validating),
        (&issued_order, json!([]), Progress::Processing { status: "issued".into() }),
    ];
    for (info, rows, expected) in table {
        let server = MockServer::start().await;
        order_is(&server, info.clone()).await;
        reissues_are(&server, rows.clone()).await;
        let placed = Placed { certificate_id: Some("5502".into()), ..placed(reissue()) };
        assert_eq!(standing(&server, &placed).await.progress, expected, "{rows}");
    }
}

#[tokio::test]
async fn an_earlier_certificate_for_the_same_key_is_not_the_reissue() {
    let row = |id: u64, status: &str| json!({ "id": id, "status": status, "csr": OURS.csr });
    for (info, rows, expected) in [
        ("reissue_pending", json!([row(5501, "issued"), row(2, "pending")]), Progress::Validating),
        ("issued", json!([row(5501, "issued"), row(2, "issued")]), issued("2")),
        ("issued", json!([row(5501, "issued")]), Progress::Processing { status: "issued".into() }),
    ] {
        let server = MockServer::start().await;
        order_is(&server, order_info(info, &OURS.csr)).await;
        reissues_are(&server, rows.clone()).await;
        let placed = Placed { earlier: ["5501".to_owned()].into(), ..placed(reissue()) };
        assert_eq!(standing(&server, &placed).await.progress, expected, "{rows}");
    }
}

#[tokio::test]
async fn a_reissue_waits_for_approval_and_is_refused_with_words() {
    let server = MockServer::start().await;
    let mut info = order_info("issued", &OTHER.csr);
    info["has_pending_request"] = json!(true);
    order_is(&server, info).await;
    reissues_are(&server, json!([{ "id": 5502, "status": "pending", "csr": OURS.csr }])).await;
    let placed = Placed { request_id: Some("12".into()), ..placed(reissue()) };
    let expected = Progress::AwaitingApproval { request_id: Some("12".into()) };
    assert_eq!(standing(&server, &placed).await.progress, expected);

    let request = json!({ "status": "rejected", "comments": "what we asked", "processor_comment": "no" });
    for rows in [json!([{ "id": 5502, "status": "rejected", "csr": OURS.csr }]), json!([])] {
        server.reset().await;
        order_is(&server, order_info("issued", &OTHER.csr)).await;
        reissues_are(&server, rows).await;
        answers(&server, "GET", "request/12", 200, request.clone()).await;
        let reason = "the reissue on order 112233 was rejected: no".to_owned();
        assert_eq!(standing(&server, &placed).await.progress, Progress::Refused { reason });
    }
}

#[tokio::test]
async fn the_facts_of_an_order() {
    let server = MockServer::start().await;
    let mut info = order_info("reissue_pending", &OURS.csr);
    info["id"] = json!("112233");
    info["auto_renew"] = json!("1");
    info["renewed_order_id"] = json!(445566);
    info["certificate"]["serial_number"] = json!("0A1B");
    order_is(&server, info).await;
    let facts = digicert(&server).order("112233").await.unwrap();
    assert_eq!(facts.order_id, "112233");
    assert_eq!(facts.status, OrderStatus::Active);
    assert_eq!(facts.valid_till, Some("2027-11-24".parse().unwrap()));
    assert_eq!(facts.renewed_by.as_deref(), Some("445566"));
    assert!(facts.pending && facts.auto_renew == AutoRenewal::Scheduled);
    assert_eq!(facts.certificate_id.as_deref(), Some("5501"));
    assert_eq!(facts.serial_number.as_deref(), Some("0A1B"));
    assert!(!facts.certificate_revoked);

    server.reset().await;
    let mut info = order_info("issued", &OURS.csr);
    info["certificate"]["status"] = json!("revoked");
    order_is(&server, info).await;
    let facts = digicert(&server).order("112233").await.unwrap();
    assert!(facts.certificate_revoked && facts.status == OrderStatus::Active);
}

#[tokio::test]
async fn the_status_of_an_order() {
    use OrderStatus::{Active, Canceled, Expired, Pending, Revoked, Unknown};
    let table = [
        (json!("needs_approval"), Pending),
        (json!("pending"), Pending),
        (json!("processing"), Pending),
        (json!("waiting_pickup"), Pending),
        (json!("issued"), Active),
        (json!("expired"), Expired),
        (json!("revoked"), Revoked),
        (json!("canceled"), Canceled),
        (json!("rejected"), Canceled),
        (json!("denied"), Canceled),
        (json!("new"), Unknown),
        (json!(7), Unknown),
        (Value::Null, Unknown),
    ];
    for (status, expected) in table {
        let server = MockServer::start().await;
        order_is(&server, json!({ "id": 112233, "status": status })).await;
        let facts = digicert(&server).order("112233").await.unwrap();
        assert_eq!(facts.status, expected, "{status}");
        assert!(
            !facts.pending
                && facts.auto_renew == AutoRenewal::Off
                && facts.valid_till.is_none()
                && facts.renewed_by.is_none()
        );
    }
}

use super::*;
use evercert::provider::{AutoRenewal, OrderContent, OrderFacts, OrderStatus, Progress, Standing};
use std::collections::BTreeSet;

async fn standing(server: &MockServer, placed: &Placed) -> Standing {
    sectigo(server).progress(placed).await.unwrap()
}

#[tokio::test]
async fn what_is_not_issued_is_told_by_its_status() {
    let awaits = || Progress::AwaitingApproval { request_id: Some("55".into()) };
    let processing = |status: &str| Progress::Processing { status: status.into() };
    let refused = |reason: &str| Progress::Refused { reason: reason.into() };
    for (status, others, expected) in [
        ("Requested", json!({}), awaits()),
        ("SA Approved", json!({}), awaits()),
        ("SAApproved", json!({}), awaits()),
        ("SA_APPROVED", json!({}), awaits()),
        ("Init", json!({}), processing("Init")),
        ("Approved", json!({}), processing("Approved")),
        ("Applied", json!({}), Progress::Validating),
        ("applied", json!({}), Progress::Validating),
        ("Unmanaged", json!({}), processing("Unmanaged")),
        ("Something new", json!({}), processing("Something new")),
        (
            "Declined",
            json!({ "declined": "11/25/2026" }),
            refused("certificate 55 is Declined by an administrator, 11/25/2026"),
        ),
        ("Rejected", json!({}), refused("certificate 55 is Rejected by the CA")),
        ("Invalid", json!({}), refused("certificate 55 is Invalid: SCM takes it for wrong")),
        ("Revoked", json!({ "revoked": "11/25/2026" }), refused("certificate 55 is Revoked, 11/25/2026")),
        ("Expired", json!({ "expires": "06/11/2027" }), refused("certificate 55 is Expired, 06/11/2027")),
    ] {
        let server = MockServer::start().await;
        has(&server, 55, status, others).await;
        assert_eq!(standing(&server, &placed(Operation::Order, "55")).await.progress, expected, "{status}");
    }
}

#[tokio::test]
async fn where_scm_validates_no_domain_nothing_is_published() {
    for validation in [ValidationModel::PerDomain, ValidationModel::Prevalidated] {
        let server = MockServer::start().await;
        has(&server, 55, "Applied", json!({})).await;
        let sectigo = with(&server, |config| config.validation = validation);
        let standing = sectigo.progress(&placed(Operation::Order, "55")).await.unwrap();
        assert_eq!(standing.progress, Progress::Processing { status: "Applied".into() });
    }
}

#[tokio::test]
async fn what_is_issued_is_told_by_its_key() {
    let ours = OURS.chain(0x1001);
    for (state, root_first) in [("Issued", true), ("Replaced", true), ("Issued", false)] {
        let server = MockServer::start().await;
        has(&server, 55, state, json!({ "expires": "06/11/2027", "serialNumber": "10:01" })).await;
        let mut blocks: Vec<&str> = ours.split_inclusive("-----END CERTIFICATE-----\n").collect();
        if !root_first {
            blocks.reverse();
        }
        let pem = blocks.concat();
        collects(&server, 55, file(&pem)).await;
        let expected = Standing {
            progress: Progress::Issued { certificate_id: "55".into() },
            order_valid_till: Some("2027-06-11".parse().unwrap()),
            delivered: Some(pem),
        };
        assert_eq!(standing(&server, &placed(Operation::Order, "55")).await, expected);
    }
}

/// Codes and bodies that clients have met before a certificate is there.
pub fn not_there_yet() -> Vec<ResponseTemplate> {
    let too_early = |http, code| status(http).set_body_json(vendor_error(code));
    vec![
        too_early(400, 0),
        too_early(400, -1400),
        too_early(400, -183),
        too_early(404, -103),
        too_early(404, -109),
        status(200),
        status(200).set_body_string(" \n"),
        status(200).set_body_string("not yet"),
    ]
}

#[tokio::test]
async fn what_is_issued_may_not_be_there_yet() {
    for answer in not_there_yet() {
        let server = MockServer::start().await;
        has(&server, 55, "Issued", json!({})).await;
        collects(&server, 55, answer).await;
        let standing = standing(&server, &placed(Operation::Order, "55")).await;
        assert_eq!(standing.progress, Progress::Processing { status: "Issued".into() });
        assert_eq!(standing.delivered, None);
    }
}

#[tokio::test]
async fn a_replacement_is_there_when_its_key_is() {
    let before = BTreeSet::from([serial(0x1001)]);
    let other_key = Progress::Refused { reason: "certificate 73 was issued for another key".into() };
    let waits = Progress::Processing { status: "Issued".into() };
    let issued = Progress::Issued { certificate_id: "73".into() };
    for (collected, earlier, expected) in [
        (OURS.chain(0x1002), before.clone(), issued.clone()),
        // The certificate before it.
        (OTHER.chain(0x1001), before.clone(), waits.clone()),
        // The same, where the key stays.
        (OURS.chain(0x1001), before.clone(), waits.clone()),
        (OURS.chain(0x1001), BTreeSet::from(["73".to_owned()]), issued),
        // Somebody else's.
        (OTHER.chain(0x1003), before, other_key),
        // Nobody knows which one that is.
        (OTHER.chain(0x1001), BTreeSet::new(), waits),
    ] {
        let server = MockServer::start().await;
        has(&server, 73, "Issued", json!({})).await;
        collects(&server, 73, file(collected)).await;
        let placed = Placed { earlier, ..placed(reissue(), "73") };
        assert_eq!(standing(&server, &placed).await.progress, expected);
    }
}

#[tokio::test]
async fn another_key_under_our_id_is_no_certificate_of_ours() {
    let server = MockServer::start().await;
    has(&server, 55, "Issued", json!({})).await;
    collects(&server, 55, file(OTHER.chain(0x1001))).await;
    let expected = Progress::Refused { reason: "certificate 55 was issued for another key".into() };
    assert_eq!(standing(&server, &placed(Operation::Order, "55")).await.progress, expected);
}

fn facts(status: OrderStatus) -> OrderFacts {
    OrderFacts {
        order_id: "55".into(),
        status,
        valid_till: None,
        renewed_by: None,
        pending: false,
        auto_renew: AutoRenewal::Off,
        certificate_id: Some("55".into()),
        serial_number: None,
        certificate_revoked: false,
        certificate_valid_till: None,
        certificates: None,
        content: Box::new(OrderContent {
            product: Some("5120".into()),
            common_name: Some(NAMES[0].into()),
            names: NAMES.map(str::to_owned).into(),
            ..OrderContent::default()
        }),
    }
}

#[tokio::test]
async fn a_record_is_an_order() {
    let end = Some("2027-06-11".parse().unwrap());
    let scheduled = json!({ "autoRenewDetails": { "state": "Scheduled", "daysBeforeExpiration": 30 } });
    let was = json!({ "issued": "11/24/2026", "serialNumber": "0A:1B", "expires": "2027-06-11T00:00:00.000+00:00" });
    let in_flight = OrderFacts {
        pending: true,
        serial_number: Some("a1b".into()),
        valid_till: end,
        certificate_valid_till: end,
        ..facts(OrderStatus::Active)
    };
    let started = OrderFacts { auto_renew: AutoRenewal::Started, ..facts(OrderStatus::Pending) };
    let marked =
        |content: OrderContent| Box::new(OrderContent { idempotency_key: Some(IDEMPOTENCY_KEY.into()), ..content });
    for (status, others, mut expected) in [
        ("Requested", json!({}), facts(OrderStatus::Pending)),
        ("Applied", json!({}), facts(OrderStatus::Pending)),
        ("Applied", was, in_flight),
        ("Expired", json!({}), facts(OrderStatus::Expired)),
        ("Revoked", json!({}), OrderFacts { certificate_revoked: true, ..facts(OrderStatus::Revoked) }),
        ("Declined", json!({}), facts(OrderStatus::Canceled)),
        ("Rejected", json!({}), facts(OrderStatus::Canceled)),
        ("Invalid", json!({}), facts(OrderStatus::Canceled)),
        ("New", json!({}), facts(OrderStatus::Unknown)),
        ("Requested", json!({ "autoRenewDetails": { "state": "STARTED" } }), started),
        ("Requested", scheduled, OrderFacts { auto_renew: AutoRenewal::Scheduled, ..facts(OrderStatus::Pending) }),
        (
            "Requested",
            json!({ "comments": format!("for the shop {MARK}") }),
            OrderFacts { content: marked(*facts(OrderStatus::Pending).content), ..facts(OrderStatus::Pending) },
        ),
    ] {
        let server = MockServer::start().await;
        has(&server, 55, status, others).await;
        expected.content.amendable = matches!(status, "Requested" | "Declined" | "Rejected" | "Invalid");
        assert_eq!(sectigo(&server).order("55").await, Ok(expected), "{status}");
    }
}

#[tokio::test]
async fn what_is_issued_shows_its_key() {
    let server = MockServer::start().await;
    has(&server, 55, "Issued", json!({ "renewed": true })).await;
    collects(&server, 55, file(OTHER.chain(0x1001))).await;
    let facts = sectigo(&server).order("55").await.unwrap();
    assert_eq!(facts.status, OrderStatus::Active);
    assert_eq!(facts.content.public_key_sha256, Some(OTHER.key.clone()));
    assert!(facts.content.renewed_unseen);
}

#[tokio::test]
async fn an_answer_about_nothing_says_nothing() {
    for body in [json!({}), json!([]), json!({ "status": "Issued" }), json!("Issued")] {
        let server = MockServer::start().await;
        answers(&server, "GET", "ssl/v2/55", 200, body).await;
        let answer = sectigo(&server).order("55").await;
        assert!(matches!(answer, Err(CallError::Ambiguous { .. })), "{answer:?}");
    }
}

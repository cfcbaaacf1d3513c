use super::*;
use evercert::provider::sectigo::wire::{AutoRenewDetails, CustomField, FieldValue, Profile, Row};
use evercert::provider::sectigo::{AutoRenewalWanted, Filter, ReportDate, ReportQuery, Update};
use wiremock::Request as Sent;

/// Every filter there is.
fn filter() -> Filter {
    let text = |text: &str| Some(text.to_owned());
    Filter {
        common_name: text("shop.example.com"),
        subject_alternative_name: text("www.shop.example.com"),
        status: text("SA Approved"),
        ssl_type_id: Some(5120),
        discovery_status: text("NotDeployed"),
        vendor: text("Sectigo"),
        org_id: Some(42),
        install_status: text("Server restart required"),
        renewal_status: text("Not scheduled"),
        issuer: text("CN=a b"),
        serial_number: text("0A:1B"),
        requester: text("evercert"),
        external_requester: text("a+b@example.com"),
        signature_algorithm: text("SHA-256"),
        key_algorithm: text("EC"),
        key_size: Some(256),
        key_param: text("P-256"),
        sha1_hash: text("aa"),
        md5_hash: text("bb"),
        sha256_hash: text("cc"),
        key_usage: text("Digital Signature"),
        extended_key_usage: text("1.3.6.1.5.5.7.3.1"),
        requested_via: text("REST API"),
    }
}

async fn asked(version: ApiVersion, filter: &Filter) -> String {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(status(200).set_body_json(json!([]))).expect(1).mount(&server).await;
    let sectigo = with(&server, |config| config.api_version = version);
    assert_eq!(sectigo.list(filter).await, Ok(vec![]));
    let [sent]: [Sent; 1] = server.received_requests().await.unwrap().try_into().unwrap();
    format!("{} {}?{}", sent.method, sent.url.path(), sent.url.query().unwrap())
}

#[tokio::test]
async fn every_filter_is_sent_as_each_version_spells_it() {
    assert_eq!(
        asked(ApiVersion::V2, &filter()).await,
        "GET /api/ssl/v2?size=200&position=0&commonName=shop.example.com&subjectAlternativeName=www.shop.example.com\
         &status=SA+Approved&sslTypeId=5120&discoveryStatus=NotDeployed&vendor=Sectigo&orgId=42\
         &installStatus=Server+restart+required&renewalStatus=Not+scheduled&issuer=CN%3Da+b&serialNumber=0A%3A1B\
         &requester=evercert&externalRequester=a%2Bb%40example.com&signatureAlgorithm=SHA-256&keyAlgorithm=EC\
         &keySize=256&keyParam=P-256&sha1Hash=aa&md5Hash=bb&sha256Hash=cc&keyUsage=Digital+Signature\
         &extendedKeyUsage=1.3.6.1.5.5.7.3.1&requestedVia=REST+API"
    );
    let v1 = asked(ApiVersion::V1, &filter()).await;
    for spelled in
        ["/api/ssl/v1?", "&status=SAApproved&", "&installStatus=NEED_SERVER_RESTART&", "&renewalStatus=NOT_SCHEDULED&"]
    {
        assert!(v1.contains(spelled), "{v1}");
    }
    assert!(v1.ends_with("&requestedVia=REST"), "{v1}");
    assert_eq!(asked(ApiVersion::V2, &Filter::default()).await, "GET /api/ssl/v2?size=200&position=0");
}

#[tokio::test]
async fn a_row_may_lack_what_is_empty() {
    let server = MockServer::start().await;
    let rows = json!([
        { "sslId": 58, "commonName": "a.example.com" },
        { "sslId": "59", "commonName": null, "subjectAlternativeNames": "b.example.com", "serialNumber": "0A:1B" },
    ]);
    let answer = status(200).insert_header("X-Total-Count", "2").set_body_json(rows);
    call("GET", "ssl/v2").respond_with(answer).mount(&server).await;
    let expected = [
        Row { ssl_id: Some("58".into()), common_name: Some("a.example.com".into()), ..Row::default() },
        Row {
            ssl_id: Some("59".into()),
            subject_alternative_names: vec!["b.example.com".into()],
            serial_number: Some("0A:1B".into()),
            ..Row::default()
        },
    ];
    assert_eq!(sectigo(&server).list(&Filter::default()).await, Ok(expected.to_vec()));
}

#[tokio::test]
async fn details_are_read_whole() {
    let server = MockServer::start().await;
    let others = json!({
        "backendCertId": "7344326",
        "comments": "for the shop",
        "requested": "11/24/2026",
        "reasonCode": 4,
        "serialNumber": "0A:1B",
        "customFields": [{ "name": "Owner", "value": "web" }, 7],
        "autoRenewDetails": { "state": "Scheduled", "daysBeforeExpiration": "30" },
        "somethingNew": { "a": [1] },
        "renewed": "true",
    });
    has(&server, 55, "Issued", others).await;
    let details = sectigo(&server).details("55").await.unwrap();
    assert_eq!(details.id(), Some("55"));
    assert_eq!(details.org_id.as_deref(), Some("42"));
    assert_eq!(details.term, Some(199));
    assert_eq!(details.reason_code.as_deref(), Some("4"));
    assert!(details.renewed);
    let scheduled = AutoRenewDetails { state: Some("Scheduled".into()), days_before_expiration: Some(30) };
    assert_eq!(details.auto_renew_details, scheduled);
    assert_eq!(details.custom_fields, [FieldValue { name: Some("Owner".into()), value: Some("web".into()) }]);
    assert_eq!(details.cert_type.key_types["EC"], ["P-256"]);
}

#[tokio::test]
async fn everything_that_can_be_changed_is_sent() {
    let server = MockServer::start().await;
    let update = Update {
        term: Some(199),
        cert_type_id: Some(5120),
        org_id: Some(42),
        common_name: Some(NAMES[0].into()),
        csr: Some(OURS.csr.clone()),
        subject_alternative_names: Some(NAMES.map(str::to_owned).to_vec()),
        external_requester: Some("certs@example.com".into()),
        comments: Some("for the shop".into()),
        custom_fields: Some(vec![("Owner".into(), "web".into())]),
        auto_renewal: Some(AutoRenewalWanted::DaysBeforeExpiration(30)),
        suspend_notifications: Some(true),
        requester: Some("evercert".into()),
        requester_admin_id: Some(7),
        approver_admin_id: Some(-1),
    };
    let body = json!({
        "sslId": 55,
        "term": 199,
        "certTypeId": 5120,
        "orgId": 42,
        "commonName": NAMES[0],
        "csr": OURS.csr,
        "subjectAlternativeNames": NAMES,
        "externalRequester": "certs@example.com",
        "comments": "for the shop",
        "customFields": [{ "name": "Owner", "value": "web" }],
        "autoRenewDetails": { "state": "Scheduled", "daysBeforeExpiration": 30 },
        "suspendNotifications": true,
        "requester": "evercert",
        "requesterAdminId": 7,
        "approverAdminId": -1,
    });
    let answer = status(200).set_body_json(details(55, "Requested", json!({})));
    takes(&server, "PUT", "ssl/v2", body, answer).await;
    assert_eq!(sectigo(&server).update("55", &update).await.unwrap().id(), Some("55"));
    let refused = sectigo(&server).update("fifty", &update).await;
    assert!(matches!(refused, Err(CallError::Rejected { .. })), "{refused:?}");
}

#[tokio::test]
async fn scm_is_kept_from_renewing_by_itself() {
    for (state, stopped) in [("Not scheduled", true), ("NOT_SCHEDULED", true), ("Scheduled", false), ("Started", false)]
    {
        let server = MockServer::start().await;
        let body = json!({ "sslId": 55, "autoRenewDetails": { "state": "Not scheduled" } });
        let after = details(55, "Issued", json!({ "autoRenewDetails": { "state": state } }));
        takes(&server, "PUT", "ssl/v2", body, status(200).set_body_json(after)).await;
        let answer = sectigo(&server).stop_auto_renewal("55").await;
        assert_eq!(answer.is_ok(), stopped, "{answer:?}");
    }
}

#[tokio::test]
async fn a_record_is_deleted() {
    let server = MockServer::start().await;
    call("DELETE", "ssl/v2/53").respond_with(status(204)).expect(1).mount(&server).await;
    assert_eq!(sectigo(&server).delete("53").await, Ok(()));
}

#[tokio::test]
async fn a_report_is_asked_for_as_each_version_of_the_codes_is() {
    let query = ReportQuery {
        from: Some("2026-11-24T00:00:00Z".parse().unwrap()),
        to: Some("2026-11-25T00:00:00Z".parse().unwrap()),
        by: Some(ReportDate::Requested),
        organization_ids: vec![42],
        common_name: Some(NAMES[0].into()),
        external_requester: Some("certs@example.com".into()),
        status: Some(1),
        request_source: Some(12),
        include_ip_addresses: Some(false),
    };
    for (version, code) in [(ApiVersion::V2, json!("4")), (ApiVersion::V1, json!(4))] {
        let number = |n: u8| if version == ApiVersion::V1 { json!(n) } else { json!(n.to_string()) };
        let server = MockServer::start().await;
        let body = json!({
            "from": "2026-11-24T00:00:00.000Z",
            "to": "2026-11-25T00:00:00.000Z",
            "certificateDateAttribute": code,
            "organizationIds": [42],
            "commonName": NAMES[0],
            "externalRequester": "certs@example.com",
            "certificateStatus": number(1),
            "certificateRequestSource": number(12),
            "includeIpAddresses": false,
        });
        let row =
            json!({ "id": 55, "commonName": NAMES[0], "comments": MARK, "requested": "2026-11-24T07:34:10.000Z" });
        let answer = status(200).set_body_json(json!({ "statusCode": 0, "reports": [row] }));
        takes(&server, "POST", "report/v1/ssl-certificates", body, answer).await;
        let rows = with(&server, |config| config.api_version = version).report(&query).await.unwrap();
        assert_eq!((rows.len(), rows[0].id.as_deref(), rows[0].comments.as_deref()), (1, Some("55"), Some(MARK)));
    }
}

#[tokio::test]
async fn profiles_and_custom_fields_are_listed() {
    let server = MockServer::start().await;
    let profile = json!([{ "id": 5120, "name": "OV", "terms": [90, "199"], "keyTypes": { "RSA": ["2048"] } }]);
    answers(&server, "GET", "ssl/v2/types", 200, profile).await;
    let expected = Profile {
        id: Some("5120".into()),
        name: Some("OV".into()),
        terms: vec!["90".into(), "199".into()],
        key_types: [("RSA".to_owned(), vec!["2048".to_owned()])].into(),
        ..Profile::default()
    };
    assert_eq!(sectigo(&server).profiles(None).await, Ok(vec![expected]));
    answers(&server, "GET", "ssl/v2/customFields", 200, json!([{ "id": 1, "name": "Owner", "mandatory": true }])).await;
    let expected = CustomField { id: Some("1".into()), name: Some("Owner".into()), mandatory: true };
    assert_eq!(sectigo(&server).custom_fields().await, Ok(vec![expected]));
}

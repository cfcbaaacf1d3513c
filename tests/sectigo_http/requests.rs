use super::*;
use evercert::provider::sectigo::{Import, KeyHolder, KeygenRequest, KeystoreFormat, Marked};

fn keygen(key_holder: KeyHolder) -> KeygenRequest {
    KeygenRequest {
        org_id: 42,
        profile_id: 5120,
        term: 199,
        common_name: NAMES[0].into(),
        dns_names: NAMES.map(str::to_owned).to_vec(),
        algorithm: "EC".into(),
        key_param: "P-256".into(),
        key_holder,
        comments: Some("for the shop".into()),
        external_requester: Some("certs@example.com".into()),
        custom_fields: vec![("Owner".into(), "web".into())],
        dcv_method: Some(DcvMethod::Email),
        dcv_email: Some("admin@example.com".into()),
    }
}

fn keygen_body(holder: Value) -> Value {
    let mut body = json!({
        "orgId": 42,
        "certType": 5120,
        "term": 199,
        "commonName": NAMES[0],
        "subjAltNames": "shop.example.com,www.shop.example.com",
        "algorithm": "EC",
        "keyParam": "P-256",
        "comments": "for the shop",
        "externalRequester": "certs@example.com",
        "customFields": [{ "name": "Owner", "value": "web" }],
        "dcvMode": "EMAIL",
        "dcvEmail": "admin@example.com",
    });
    body.as_object_mut().unwrap().extend(holder.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_key_may_be_made_elsewhere() {
    let agent = KeyHolder::PrivateKeyAgent { pass_phrase: Some("correct horse".into()) };
    let vault = KeyHolder::AzureKeyVault {
        account_id: 7,
        vault_key: "/subscriptions/a".into(),
        reuse_key: false,
        exportable_key: true,
        hsm_only: false,
    };
    for (holder, body) in [
        (agent, json!({ "keyGenerationMethod": "PK_AGENT", "passPhrase": "correct horse" })),
        (
            vault,
            json!({
                "keyGenerationMethod": "AZURE_KEY_VAULT",
                "azureKeyVault": { "azureAccountId": 7, "vaultKey": "/subscriptions/a" },
                "reuseKey": false,
                "exportableKey": true,
                "hsmOnly": false,
            }),
        ),
    ] {
        let server = MockServer::start().await;
        let answer = status(200).set_body_json(json!({ "sslId": 55, "renewId": "gu03-W6WENt7_TvDTuOP" }));
        takes(&server, "POST", "ssl/v2/enroll-keygen", keygen_body(body), answer).await;
        let sectigo = sectigo(&server);
        let permit = sectigo.permit(Urgency::Normal).await.expect("the account may be called");
        let request = keygen(holder);
        assert!(!format!("{request:?}").contains("correct horse"));
        let enrolled = sectigo.enroll_with_generated_key(&request, permit, Duration::from_secs(5)).await.unwrap();
        assert_eq!(enrolled.ssl_id.as_deref(), Some("55"));
        assert_eq!(enrolled.renew_id.as_deref(), Some("gu03-W6WENt7_TvDTuOP"));
    }
}

#[tokio::test]
async fn no_error_shows_a_passphrase() {
    let server = MockServer::start().await;
    let quoted = json!({ "code": -7, "description": "passPhrase: correct horse has invalid value" });
    Mock::given(method("POST")).respond_with(status(400).set_body_json(quoted)).expect(2).mount(&server).await;
    let sectigo = sectigo(&server);
    let passphrase = SecretString::from("correct horse");
    let linked = sectigo.keystore_link("55", KeystoreFormat::P12, &passphrase).await.unwrap_err();
    let permit = sectigo.permit(Urgency::Normal).await.expect("the account may be called");
    let request = keygen(KeyHolder::PrivateKeyAgent { pass_phrase: Some(passphrase) });
    let enrolled = sectigo.enroll_with_generated_key(&request, permit, Duration::from_secs(5)).await.unwrap_err();
    for error in [linked, enrolled] {
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("has invalid value") && !shown.contains("correct horse"), "{shown}");
    }
}

#[tokio::test]
async fn a_renew_id_renews_without_an_answer() {
    for (csr, dcv, body) in [
        (None, None, json!({})),
        (
            Some(OURS.csr.as_str()),
            Some((DcvMethod::Email, Some("admin@example.com"))),
            json!({ "csr": OURS.csr, "dcvMode": "EMAIL", "dcvEmail": "admin@example.com" }),
        ),
    ] {
        let server = MockServer::start().await;
        takes(&server, "POST", "ssl/v2/renew/gu03-W6WENt7_TvDTuOP", body, status(204)).await;
        let sectigo = sectigo(&server);
        let permit = sectigo.permit(Urgency::Normal).await.expect("the account may be called");
        let renewed = sectigo.renew_by_renew_id("gu03-W6WENt7_TvDTuOP", csr, dcv, permit, Duration::from_secs(5)).await;
        assert_eq!(renewed, Ok(()));
    }
}

#[tokio::test]
async fn records_are_marked() {
    let server = MockServer::start().await;
    takes(&server, "POST", "ssl/v2/renew/manual/75", json!({ "id": 76 }), status(204)).await;
    assert_eq!(sectigo(&server).mark_renewed("75", Some("76"), None).await, Ok(()));
    let server = MockServer::start().await;
    takes(&server, "POST", "ssl/v2/renew/manual/75", json!({ "orderNumber": "9" }), status(204)).await;
    assert_eq!(sectigo(&server).mark_renewed("75", None, Some("9")).await, Ok(()));

    let at = "2026-11-24T12:24:27Z".parse().unwrap();
    for (which, version, body) in [
        (Marked::Id("143"), ApiVersion::V1, json!({ "certId": 143, "reasonCode": 4 })),
        (
            Marked::Serial { serial_number: "0A:1B", issuer: "CN=x" },
            ApiVersion::V2,
            json!({ "serialNumber": "0A:1B", "issuer": "CN=x", "reasonCode": "4" }),
        ),
    ] {
        let server = MockServer::start().await;
        let sectigo = with(&server, |config| config.api_version = version);
        let mut body = body;
        body["revokeDate"] = json!("2026-11-24T12:24:27.000+00:00");
        let path = if version == ApiVersion::V1 { "ssl/v1/revoke/manual" } else { "ssl/v2/revoke/manual" };
        takes(&server, "POST", path, body, status(204)).await;
        assert_eq!(sectigo.mark_revoked(&which, at, 4).await, Ok(()));
    }
}

#[tokio::test]
async fn requests_are_approved_and_declined() {
    let server = MockServer::start().await;
    takes(&server, "POST", "ssl/v2/approve/88", json!({ "message": "fine" }), status(204)).await;
    takes(&server, "POST", "ssl/v2/decline/89", json!({ "message": "not fine" }), status(204)).await;
    assert_eq!(sectigo(&server).approve("88", "fine").await, Ok(()));
    assert_eq!(sectigo(&server).decline("89", "not fine").await, Ok(()));
    for code in [-1112, -1113, -1140] {
        let server = MockServer::start().await;
        answers(&server, "POST", "ssl/v2/approve/88", 400, vendor_error(code)).await;
        let refused = sectigo(&server).approve("88", "fine").await;
        assert!(matches!(refused, Err(CallError::Rejected { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn certificates_are_imported_and_each_answers_for_itself() {
    let import = Import {
        org_id: 42,
        certificate: vec![0x30, 0x03, 0xff],
        csr: Some("MIIC".into()),
        custom_fields: vec![("Owner".into(), "web".into())],
        owner: Some("admin@example.com".into()),
        external_requester: Some("certs@example.com".into()),
        backend_cert_id: Some("1234567890".into()),
        comments: Some("from before".into()),
    };
    let body = json!([
        {
            "orgID": 42,
            "cert": "MAP/",
            "csr": "MIIC",
            "customFields": [{ "name": "Owner", "value": "web" }],
            "owner": "admin@example.com",
            "externalRequester": "certs@example.com",
            "backendCertId": "1234567890",
            "comments": "from before",
        },
        { "orgID": 43, "cert": "" },
    ]);
    let answer = json!([
        { "cert": { "id": 159, "subject": "CN=a", "serialNumber": "E1" }, "created": true },
        { "errorMessage": "not a certificate" },
    ]);
    let server = MockServer::start().await;
    takes(&server, "POST", "ssl/v2/import", body, status(200).set_body_json(answer)).await;
    let imported =
        sectigo(&server).import(&[import.clone(), Import { org_id: 43, ..Import::default() }]).await.unwrap();
    assert_eq!((imported[0].cert.id.as_deref(), imported[0].created), (Some("159"), true));
    assert_eq!(imported[1].error_message.as_deref(), Some("not a certificate"));

    let v1 = with(&server, |config| config.api_version = ApiVersion::V1);
    assert!(matches!(v1.import(&[import]).await, Err(CallError::Rejected { .. })));
}

#[tokio::test]
async fn an_archive_is_imported_as_a_form() {
    let server = MockServer::start().await;
    call("POST", "ssl/v1/import")
        .and(wiremock::matchers::query_param("orgId", "42"))
        .respond_with(status(200).set_body_json(json!({ "processedCount": 2, "errors": ["one was no certificate"] })))
        .expect(1)
        .mount(&server)
        .await;
    let v1 = with(&server, |config| config.api_version = ApiVersion::V1);
    let report = v1.import_zip(42, b"PK\x03\x04").await.unwrap();
    assert_eq!((report.processed_count, report.errors.len()), (Some(2), 1));
    let sent = server.received_requests().await.unwrap().remove(0);
    let boundary = "5e3a0f2c9b7d48c1a6e4f18d72b9c350";
    assert_eq!(sent.headers["content-type"], format!("multipart/form-data; boundary={boundary}"));
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"certificates.zip\"\r\n\
         Content-Type: application/zip\r\n\r\nPK\u{3}\u{4}\r\n--{boundary}--\r\n"
    );
    assert_eq!(String::from_utf8(sent.body).unwrap(), expected);
}

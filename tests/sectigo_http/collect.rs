use super::*;
use evercert::provider::sectigo::{Format, KeystoreFormat};
use wiremock::matchers::query_param;

#[tokio::test]
async fn every_format_is_asked_for_by_its_name() {
    let names = ["base64", "bin", "x509", "x509R", "x509CO", "x509IO", "x509IOR", "pem", "pemco", "pemia"];
    for (format, name) in Format::ALL.into_iter().zip(names) {
        let server = MockServer::start().await;
        call("GET", "ssl/v2/collect/55")
            .and(query_param("format", name))
            .and(header("Accept", "*/*"))
            .respond_with(status(200).set_body_bytes([0x30, 0x80, 0xff]))
            .expect(1)
            .mount(&server)
            .await;
        let collected = sectigo(&server).collect("55", format).await;
        assert_eq!(collected, Ok(Some(vec![0x30, 0x80, 0xff])), "{name}");
    }
}

#[tokio::test]
async fn what_is_not_there_yet_is_no_certificate() {
    for answer in progress::not_there_yet() {
        let server = MockServer::start().await;
        collects(&server, 55, answer).await;
        let error = sectigo(&server).download("55").await.unwrap_err();
        assert!(matches!(error, CallError::Ambiguous { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn what_never_will_be_there_is_said() {
    for code in [-110, -126, -1450] {
        let server = MockServer::start().await;
        collects(&server, 55, status(400).set_body_json(vendor_error(code))).await;
        let error = sectigo(&server).download("55").await.unwrap_err();
        assert!(matches!(error, CallError::Rejected { .. }), "{error:?}");
    }
    for answer in [status(503).set_body_string("upstream connect error"), status(400), status(404)] {
        let server = MockServer::start().await;
        collects(&server, 55, answer).await;
        let error = sectigo(&server).download("55").await.unwrap_err();
        assert!(matches!(error, CallError::Ambiguous { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_download_is_what_was_collected() {
    let server = MockServer::start().await;
    let chain = OURS.chain(0x1001);
    collects(&server, 55, file(&chain)).await;
    assert_eq!(sectigo(&server).download("55").await, Ok(chain));
}

#[tokio::test]
async fn a_key_is_linked_to() {
    let answer = || status(200).set_body_json(json!({ "link": "https://cert-manager.com/download?token=x" }));
    let formats = [
        (KeystoreFormat::Key, "key"),
        (KeystoreFormat::P12, "p12"),
        (KeystoreFormat::P12Aes, "p12aes"),
        (KeystoreFormat::Jks, "jks"),
        (KeystoreFormat::Pem, "pem"),
    ];
    let passphrase = SecretString::from("correct horse");
    for (format, name) in formats {
        let server = MockServer::start().await;
        let body = json!({ "passphrase": "correct horse" });
        takes(&server, "POST", &format!("ssl/v2/keystore/55/{name}"), body, answer()).await;
        let link = sectigo(&server).keystore_link("55", format, &passphrase).await;
        assert_eq!(link.as_deref(), Ok("https://cert-manager.com/download?token=x"), "{name}");
    }
    let server = MockServer::start().await;
    call("GET", "ssl/v1/keystore/55/p12").respond_with(answer()).expect(1).mount(&server).await;
    let v1 = with(&server, |config| config.api_version = ApiVersion::V1);
    v1.keystore_link("55", KeystoreFormat::P12, &passphrase).await.unwrap();
}

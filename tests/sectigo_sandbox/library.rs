//! What nothing of the operator calls: keys made elsewhere, imports, renewal by the id that only an enrollment tells.

use std::io::{Cursor, Write};

use evercert::provider::sectigo::{Filter, Format, Import, KeyHolder, KeygenRequest, KeystoreFormat, Marked};
use evercert::provider::{Details, plus_addressed};
use rcgen::{CertificateParams, DnType, KeyPair};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

fn keygen(fixture: &Fixture) -> KeygenRequest {
    KeygenRequest {
        org_id: fixture.number("/sectigo/orgId"),
        profile_id: fixture.number("/sectigo/profileId"),
        term: 90,
        common_name: NAMES[0].into(),
        dns_names: NAMES.map(str::to_owned).to_vec(),
        algorithm: "EC".into(),
        key_param: "P-256".into(),
        key_holder: KeyHolder::PrivateKeyAgent { pass_phrase: Some("correct horse".into()) },
        comments: Some("for the shop".into()),
        external_requester: Some("certs@example.com".into()),
        custom_fields: Vec::new(),
        dcv_method: Some(DcvMethod::DnsCname),
        dcv_email: None,
    }
}

async fn permit(sectigo: &Sectigo) -> evercert::provider::Permit {
    sectigo.permit(Urgency::Normal).await.expect("the account may be called")
}

const TIMEOUT: Duration = Duration::from_secs(20);

/// SCM makes the key; it is linked to, and the enrollment alone tells the id it is renewed by.
#[tokio::test]
async fn a_key_is_made_elsewhere_linked_to_and_renewed_by_its_own_id() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    let request = keygen(&fixture);
    let enrolled = sectigo.enroll_with_generated_key(&request, permit(&sectigo).await, TIMEOUT).await.unwrap();
    let (id, renew_id) = (enrolled.ssl_id.unwrap(), enrolled.renew_id.unwrap());
    let details = sectigo.details(&id).await.unwrap();
    assert_eq!(details.comments.as_deref(), Some("for the shop"));
    let pem = sectigo.download(&id).await.unwrap();
    let leaf = Leaf::all_in(&pem).into_iter().find(|leaf| !leaf.dns_names.is_empty()).unwrap();
    assert_eq!(leaf.dns_names, NAMES.map(str::to_owned).into());
    let older = Sectigo::new(SectigoConfig { api_version: ApiVersion::V1, ..fixture.config() }).unwrap();
    for client in [&sectigo, &older] {
        let link = client.keystore_link(&id, KeystoreFormat::P12, &"a passphrase".into()).await.unwrap();
        assert!(link.starts_with("https://") && link.contains("p12"), "{link}");
    }
    for format in Format::ALL {
        assert!(sectigo.collect(&id, format).await.unwrap().is_some_and(|file| !file.is_empty()), "{format:?}");
    }
    let short = KeygenRequest {
        key_holder: KeyHolder::PrivateKeyAgent { pass_phrase: Some("short".into()) },
        ..keygen(&fixture)
    };
    let refused = sectigo.enroll_with_generated_key(&short, permit(&sectigo).await, TIMEOUT).await;
    assert!(matches!(refused, Err(CallError::Rejected { .. })), "{refused:?}");

    // The answer to a renewal by renew id names nothing: it is found by its key.
    let renewal = Intent::new(&fixture, 1, Operation::Renew { order_id: id.clone() }).await;
    let dcv = Some((DcvMethod::DnsCname, None));
    let csr = Some(renewal.request.csr.as_str());
    assert_eq!(sectigo.renew_by_renew_id(&renew_id, csr, dcv, permit(&sectigo).await, TIMEOUT).await, Ok(()));
    let found = ours(renewal.find(&sectigo).await);
    assert_ne!(found.order_id, id);
    renewal.collect(&fixture, &sectigo, &found).await;
    assert!(sectigo.order(&id).await.unwrap().content.renewed_unseen);
    let unknown = sectigo.renew_by_renew_id("nobody", csr, dcv, permit(&sectigo).await, TIMEOUT).await;
    assert!(matches!(unknown, Err(CallError::Rejected { .. })), "{unknown:?}");
    assert!(sectigo.keystore_link(&found.order_id, KeystoreFormat::Key, &"a passphrase".into()).await.is_err());
    assert_eq!(fixture.ledger().await, (["enroll", "renew"].map(str::to_owned).to_vec(), 2));
}

/// Somebody else's certificate, DER.
fn foreign(name: &str) -> Vec<u8> {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in files {
        zip.start_file(*name, packed).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// What was bought elsewhere is only shown: marked by hand, and deleted again.
#[tokio::test]
async fn certificates_of_others_are_imported_marked_and_deleted() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    let org_id = fixture.number("/sectigo/orgId");
    let import = |certificate: Vec<u8>| Import {
        org_id,
        certificate,
        comments: Some("bought elsewhere".into()),
        backend_cert_id: Some("x7".into()),
        ..Import::default()
    };
    let list = [import(foreign("one.test")), import(b"no certificate".to_vec())];
    let told = sectigo.import(&list).await.unwrap();
    assert!(told[0].created && told[1].error_message.is_some(), "{told:?}");
    let id = told[0].cert.id.clone().unwrap();
    assert!(!sectigo.import(&list[..1]).await.unwrap()[0].created, "it is there");
    assert_eq!(sectigo.details(&id).await.unwrap().comments.as_deref(), Some("bought elsewhere"));

    let second = foreign("two.test");
    let files: [(&str, &[u8]); 2] = [("two.cer", &second), ("readme.txt", b"nothing")];
    let older = Sectigo::new(SectigoConfig { api_version: ApiVersion::V1, ..fixture.config() }).unwrap();
    for client in [&older, &sectigo] {
        let report = client.import_zip(org_id, &archive(&files)).await.unwrap();
        assert_eq!(report.processed_count, Some(2));
        assert!(report.errors.iter().any(|error| error.contains("readme.txt")), "{:?}", report.errors);
    }
    let by_name = Filter { common_name: Some("two.test".into()), ..Filter::default() };
    let rows = sectigo.list(&by_name).await.unwrap();
    assert_eq!(rows.len(), 1, "once: {rows:?}");

    sectigo.mark_renewed(&id, None, None).await.unwrap();
    assert!(sectigo.details(&id).await.unwrap().renewed);
    let now = fixture.now().await;
    sectigo.mark_revoked(&Marked::Id(&id), now, 1).await.unwrap();
    assert_eq!(sectigo.order(&id).await.unwrap().status, OrderStatus::Revoked);
    sectigo.delete(&id).await.unwrap();
    assert!(sectigo.details(&id).await.is_err(), "it is gone");
    assert_eq!(fixture.ledger().await.1, 0, "nothing of it costs");
}

/// SCM can be searched for an address, and for no comment.
#[tokio::test]
async fn a_plus_addressed_requester_tells_one_enrollment_from_all_others() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    let mut requesters = Vec::new();
    for number in [1, 2] {
        let mut order = Intent::new(&fixture, number, Operation::Order).await;
        let requester = plus_addressed("certs@example.com", &order.request.idempotency_key).unwrap();
        order.request.details = Details { external_requester: Some(requester.clone()), ..Details::default() };
        fixture.post("faults", json!({ "kind": "resetAfterCommit", "match": { "operation": "enroll" } })).await;
        assert!(matches!(order.submit(&sectigo).await, Err(CallError::Ambiguous { .. })));
        let by_requester = Filter { external_requester: Some(requester.clone()), ..Filter::default() };
        let rows = sectigo.list(&by_requester).await.unwrap();
        let wanted = evercert::provider::Wanted {
            external_requester: Some(requester.clone()),
            // Even where the list by name shows it no more.
            common_name: "elsewhere.example.com".into(),
            ..order.wanted()
        };
        let found = fixture::ours(sectigo.find(&wanted).await.unwrap());
        assert_eq!(rows.iter().map(|row| row.ssl_id.clone()).collect::<Vec<_>>(), [Some(found.order_id.clone())]);
        order.collect(&fixture, &sectigo, &found).await;
        requesters.push(requester);
    }
    assert_ne!(requesters[0], requesters[1]);
    assert_eq!(fixture.ledger().await, (vec!["enroll".to_owned(); 2], 2));
}

#[tokio::test]
async fn an_administrator_approves_by_the_api() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    let mut order = Intent::new(&fixture, 1, Operation::Order).await;
    order.request.product = fixture.number("/sectigo/profiles/approved").to_string();
    let placed = accepted(order.submit(&sectigo).await);
    sectigo.approve(&placed.order_id, "as ordered").await.unwrap();
    order.collect(&fixture, &sectigo, &placed).await;
}

#[tokio::test]
async fn the_calls_that_are_made_by_hand_alone_answer_as_described() {
    let fixture = Fixture::start(&["--dcv", "instant"]).await;
    let sectigo = fixture.sectigo();
    let order = Intent::new(&fixture, 1, Operation::Order).await;
    let placed = accepted(order.submit(&sectigo).await);
    order.collect(&fixture, &sectigo, &placed).await;
    let id = placed.order_id.as_str();
    assert_eq!(sectigo.organization_trouble(&order.placed(&placed)).await, Ok(None));

    let details = |rack: &str| [("rack".to_owned(), rack.to_owned())].into();
    let location = sectigo.create_location(id, &details("7")).await.unwrap();
    sectigo.update_location(id, &location, &details("8")).await.unwrap();
    assert_eq!(sectigo.certificate_location(id, &location).await.unwrap().details["rack"], ["8"]);
    sectigo.delete_location(id, &location).await.unwrap();
    assert!(sectigo.certificate_location(id, &location).await.is_err());

    for _ in 0..2 {
        assert_eq!(sectigo.revoke_order(id, RevocationReason::Superseded).await, Ok(Revoked::Done));
    }
    assert_eq!(sectigo.order(id).await.unwrap().status, OrderStatus::Revoked);

    let listed = sectigo.domains(None).await.unwrap();
    let domain = listed.iter().find_map(|row| row.id.clone()).unwrap();
    let names: Vec<_> = listed.iter().filter_map(|row| row.name.clone()).collect();
    assert!(names.contains(&sectigo.domain(&domain).await.unwrap().name.unwrap()));
}

//! The calls, in an order in which each of them succeeds, and those that find nothing.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Exchange, Recorder};
use crate::client::{Client, Key};

pub async fn play() -> Vec<Exchange> {
    let client = Client::start(&["--dcv", "check", "--poll-seconds", "86400"]).await;
    client.settings(json!({"isoDates": true})).await;
    let mut recorder = Recorder::default();
    certificates(&mut recorder, &client, &V1).await;
    certificates(&mut recorder, &client, &V2).await;
    let client = client.prevalidated();
    client.settings(json!({"isoDates": true})).await;
    validations(&mut recorder, &client).await;
    domains(&mut recorder, &client).await;
    organizations(&mut recorder, &client).await;
    recorder.exchanges
}

macro_rules! paths {
    ($version:literal) => {
        Paths {
            all: concat!("/api/ssl/", $version),
            types: concat!("/api/ssl/", $version, "/types"),
            custom_fields: concat!("/api/ssl/", $version, "/customFields"),
            enroll: concat!("/api/ssl/", $version, "/enroll"),
            keygen: concat!("/api/ssl/", $version, "/enroll-keygen"),
            import: concat!("/api/ssl/", $version, "/import"),
            approve: concat!("/api/ssl/", $version, "/approve/{id}"),
            decline: concat!("/api/ssl/", $version, "/decline/{id}"),
            renew_by_id: concat!("/api/ssl/", $version, "/renewById/{sslId}"),
            renew: concat!("/api/ssl/", $version, "/renew/{renewId}"),
            renew_manual: concat!("/api/ssl/", $version, "/renew/manual/{id}"),
            replace: concat!("/api/ssl/", $version, "/replace/{sslId}"),
            revoke: concat!("/api/ssl/", $version, "/revoke/{id}"),
            revoke_serial: concat!("/api/ssl/", $version, "/revoke/serial/{serialNumber}"),
            revoke_manual: concat!("/api/ssl/", $version, "/revoke/manual"),
            collect: concat!("/api/ssl/", $version, "/collect/{sslId}"),
            keystore: concat!("/api/ssl/", $version, "/keystore/{sslId}/{formatType}"),
            one: concat!("/api/ssl/", $version, "/{sslId}"),
            dcv: concat!("/api/ssl/", $version, "/{sslId}/dcv"),
            recheck: concat!("/api/ssl/", $version, "/{sslId}/dcv/recheck"),
            locations: concat!("/api/ssl/", $version, "/{sslId}/location"),
            location: concat!("/api/ssl/", $version, "/{sslId}/location/{locationId}"),
        }
    };
}

struct Paths {
    all: &'static str,
    types: &'static str,
    custom_fields: &'static str,
    enroll: &'static str,
    keygen: &'static str,
    import: &'static str,
    approve: &'static str,
    decline: &'static str,
    renew_by_id: &'static str,
    renew: &'static str,
    renew_manual: &'static str,
    replace: &'static str,
    revoke: &'static str,
    revoke_serial: &'static str,
    revoke_manual: &'static str,
    collect: &'static str,
    keystore: &'static str,
    one: &'static str,
    dcv: &'static str,
    recheck: &'static str,
    locations: &'static str,
    location: &'static str,
}

const V1: Paths = paths!("v1");
const V2: Paths = paths!("v2");

async fn certificates(recorder: &mut Recorder, client: &Client, paths: &Paths) {
    let csr = || Key::new("www.example.com").csr;
    let enrolment = |profile: &str| {
        let mut body = client.enrolment(&["www.example.com"], &csr());
        body["certType"] = client.scm["profiles"][profile].clone();
        body
    };
    let id = |value: &Value| value["sslId"].to_string();
    let issue = async |id: &str| client.admin("POST", &format!("/scm/ssl/{id}/validate"), json!({})).await;

    recorder.call(client, "GET", paths.types, &[], "", None).await;
    let field = json!({"name": paths.all, "mandatories": []});
    client.call("POST", "/customField/v2", Some(field)).await;
    recorder.call(client, "GET", paths.custom_fields, &[], "", None).await;

    let requested = recorder.call(client, "POST", paths.enroll, &[], "", Some(enrolment("approved"))).await.json();
    let message = Some(json!({"message": "a test"}));
    recorder.call(client, "POST", paths.approve, &[&id(&requested)], "", message.clone()).await;
    let declined = recorder.call(client, "POST", paths.enroll, &[], "", Some(enrolment("approved"))).await.json();
    recorder.call(client, "POST", paths.decline, &[&id(&declined)], "", message).await;
    let change =
        json!({"sslId": declined["sslId"], "csr": csr(), "comments": "again", "externalRequester": "a@example.com"});
    recorder.call(client, "PUT", paths.all, &[], "", Some(change)).await;

    let enrolled = recorder.call(client, "POST", paths.enroll, &[], "", Some(enrolment("ov"))).await.json();
    let one = id(&enrolled);
    recorder.call(client, "GET", paths.dcv, &[&one], "", None).await;
    recorder.call(client, "POST", paths.recheck, &[&one], "", None).await;
    recorder.call(client, "GET", paths.collect, &[&one], "", None).await;
    recorder.call(client, "GET", paths.one, &[&one], "", None).await;
    issue(&one).await;
    recorder.call(client, "GET", paths.one, &[&one], "", None).await;
    recorder.call(client, "GET", paths.collect, &[&one], "?format=x509", None).await;
    recorder.call(client, "GET", paths.all, &[], "?size=10&position=0&status=Issued", None).await;

    let serial = client.get(&format!("ssl/{one}")).await["serialNumber"].as_str().unwrap().to_owned();
    let replacement = json!({"csr": csr(), "reason": "a test", "subjectAlternativeNames": ["www.example.com"]});
    recorder.call(client, "POST", paths.replace, &[&one], "", Some(replacement)).await;
    issue(&one).await;
    let reason = Some(json!({"reasonCode": "4", "reason": "a test"}));
    recorder.call(client, "POST", paths.revoke_serial, &[&serial], "", reason.clone()).await;
    let renewed =
        recorder.call(client, "POST", paths.renew_by_id, &[&one], "", Some(json!({"csr": csr()}))).await.json();
    let renew_id = enrolled["renewId"].as_str().unwrap().to_owned();
    recorder.call(client, "POST", paths.renew, &[&renew_id], "", Some(json!({}))).await;
    let mark = json!({"id": renewed["sslId"], "orderNumber": ""});
    recorder.call(client, "POST", paths.renew_manual, &[&one], "", Some(mark)).await;
    recorder.call(client, "POST", paths.revoke, &[&one], "", reason).await;
    recorder.call(client, "GET", paths.one, &[&one], "", None).await;
    let mark = json!({"certId": renewed["sslId"], "reasonCode": "1", "revokeDate": "2026-05-21T12:24:27Z"});
    recorder.call(client, "POST", paths.revoke_manual, &[], "", Some(mark)).await;

    let mut keygen = enrolment("ov");
    keygen.as_object_mut().unwrap().remove("csr");
    keygen["commonName"] = json!("a.example.com");
    (keygen["algorithm"], keygen["keyParam"]) = (json!("EC"), json!("P-256"));
    (keygen["keyGenerationMethod"], keygen["passPhrase"]) = (json!("PK_AGENT"), json!("a long one"));
    let made = recorder.call(client, "POST", paths.keygen, &[], "", Some(keygen)).await.json();
    let passphrase = Some(json!({"passphrase": "secret"}));
    recorder.call(client, "POST", paths.keystore, &[&id(&made), "p12"], "", passphrase).await;

    let details = json!({"details": {"cluster": "a", "secret": "web/tls"}});
    let created = recorder.call(client, "POST", paths.locations, &[&one], "", Some(details.clone())).await;
    let location = created.header("location").rsplit('/').next().unwrap().to_owned();
    recorder.call(client, "GET", paths.locations, &[&one], "", None).await;
    recorder.call(client, "GET", paths.location, &[&one, &location], "", None).await;
    recorder.call(client, "PUT", paths.location, &[&one, &location], "", Some(details)).await;
    recorder.call(client, "DELETE", paths.location, &[&one, &location], "", None).await;
    imports(recorder, client, paths).await;

    for path in [paths.one, paths.collect, paths.dcv, paths.locations] {
        recorder.call(client, "GET", path, &["7"], "", None).await;
    }
    recorder.call(client, "GET", paths.location, &[&one, "7"], "", None).await;
    recorder.call(client, "DELETE", paths.one, &["7"], "", None).await;
    recorder.call(client, "POST", paths.recheck, &["7"], "", None).await;
}

/// In v1 an archive, and this makes none: only the list of v2, twice so that one is new and one is known.
async fn imports(recorder: &mut Recorder, client: &Client, paths: &Paths) {
    let own = rcgen::KeyPair::generate().unwrap();
    let foreign = rcgen::CertificateParams::new(vec!["other.test".to_owned()]).unwrap().self_signed(&own).unwrap();
    let row = json!({"orgID": client.scm["orgId"], "cert": STANDARD.encode(foreign.der())});
    let id = if paths.import == V2.import {
        let rows = json!([row, row, {"orgID": 7, "cert": row["cert"]}]);
        recorder.call(client, "POST", paths.import, &[], "", Some(rows)).await.json()[0]["cert"]["id"].to_string()
    } else {
        let path = format!("{}?orgId={}", paths.import.strip_prefix("/api").unwrap(), client.scm["orgId"]);
        let body = super::super::imports::archive(&[("one.cer", foreign.der())]);
        let answer = client.upload(&path, "multipart/form-data; boundary=line", body).await;
        recorder.exchanges.push(Exchange { method: "POST", path: paths.import, request: None, answer });
        let known = client.get("ssl?requestedVia=Imported").await;
        known[0]["sslId"].to_string()
    };
    recorder.call(client, "DELETE", paths.one, &[&id], "", None).await;
}

async fn validations(recorder: &mut Recorder, client: &Client) {
    let domain = |name: &str| Some(json!({"domain": name}));
    for path in [
        "/api/dcv/v2/validation/start/domain/cname",
        "/api/dcv/v2/validation/submit/domain/cname",
        "/api/dcv/v2/validation/status",
        "/api/dcv/v2/validation/sync",
        "/api/dcv/v2/validation/start/domain/http",
        "/api/dcv/v2/validation/submit/domain/http",
        "/api/dcv/v2/validation/status",
        "/api/dcv/v2/validation/start/domain/https",
        "/api/dcv/v2/validation/submit/domain/https",
        "/api/dcv/v2/validation/start/domain/txt",
        "/api/dcv/v2/validation/submit/domain/txt",
        "/api/dcv/v2/validation/start/domain/email",
        "/api/dcv/v2/validation/clear",
        "/api/dcv/v2/validation/delete",
    ] {
        recorder.call(client, "POST", path, &[], "", domain("example.com")).await;
        if path.ends_with("/status") || path.ends_with("/cname") {
            recorder.call(client, "POST", path, &[], "", domain("elsewhere.test")).await;
        }
    }
    let mail = json!({"domain": "example.com", "email": "admin@example.com"});
    recorder.call(client, "POST", "/api/dcv/v2/validation/submit/domain/email", &[], "", Some(mail)).await;
    recorder.call(client, "POST", "/api/dcv/v2/validation/status", &[], "", domain("example.com")).await;
    let bulk = json!({"domains": ["example.com", "example.org"], "email": "registrant@sandbox.example"});
    recorder.call(client, "POST", "/api/dcv/v2/validation/submit-bulk/domain/email", &[], "", Some(bulk)).await;
    client.admin("POST", "/scm/domains", json!({"name": "example.net", "validated": true})).await;
    recorder.call(client, "GET", "/api/dcv/v2/validation", &[], "?size=10", None).await;
    let between =
        json!({"from": "2026-01-01", "to": "2027-01-01", "certificateStatus": "0", "certificateDateAttribute": "4"});
    client.post("ssl/enroll", client.enrolment(&["www.example.net"], &Key::new("www.example.net").csr)).await;
    recorder.call(client, "POST", "/api/report/v1/ssl-certificates", &[], "", Some(between)).await;
}

async fn domains(recorder: &mut Recorder, client: &Client) {
    let (all, one) = ("/api/domain/v1", "/api/domain/v1/{id}");
    let delegation =
        json!({"orgId": client.scm["orgId"], "certTypes": ["SSL"], "domainCertificateRequestPrivileges": ["DOMAIN"]});
    let body = json!({"name": "shop.test", "delegations": [delegation]});
    let created = recorder.call(client, "POST", all, &[], "", Some(body)).await;
    let id = created.header("location").rsplit('/').next().unwrap().to_owned();
    recorder.call(client, "GET", all, &[], "?state=active&status=approved", None).await;
    recorder.call(client, "GET", one, &[&id], "", None).await;
    let known = client.get("/domain/v1?name=example.net").await[0]["id"].to_string();
    recorder.call(client, "GET", one, &[&known], "", None).await;
    let department = json!({"orgId": client.scm["departmentId"], "certTypes": ["SSL"]});
    let path = "/api/domain/v1/{id}/delegation";
    for decision in ["/api/domain/v1/{id}/delegation/approve", "/api/domain/v1/{id}/delegation/reject"] {
        recorder.call(client, "POST", path, &[&id], "", Some(department.clone())).await;
        let request = json!({"name": "shop.test", "requestedBy": client.scm["departmentId"]});
        client.admin("POST", "/scm/domains", request).await;
        recorder.call(client, "POST", decision, &[&id], "", Some(json!({"orgId": client.scm["departmentId"]}))).await;
    }
    recorder.call(client, "DELETE", path, &[&id], "", Some(delegation)).await;
    recorder.call(client, "DELETE", one, &[&id], "", None).await;
    recorder.call(client, "GET", one, &["7"], "", None).await;
    recorder.call(client, "DELETE", one, &["7"], "", None).await;
}

async fn organizations(recorder: &mut Recorder, client: &Client) {
    let (all, one) = ("/api/organization/v1", "/api/organization/v1/{id}");
    let body = json!({"name": "New", "city": "Ghent", "country": "BE", "alias": "new", "sslCertsApiEnabled": true,
        "clientCertificate": {"allowKeyRecoveryByOrgAdmins": false}});
    let created = recorder.call(client, "POST", all, &[], "", Some(body)).await;
    let id = created.header("location").rsplit('/').next().unwrap().to_owned();
    recorder.call(client, "GET", all, &[], "", None).await;
    recorder.call(client, "GET", one, &[&id], "", None).await;
    let department = client.scm["departmentId"].to_string();
    recorder.call(client, "GET", one, &[&department], "", None).await;
    recorder.call(client, "PUT", one, &[&id], "", Some(json!({"city": "Bruges"}))).await;
    recorder.call(client, "DELETE", one, &[&id], "", None).await;
    recorder.call(client, "GET", one, &["7"], "", None).await;
}

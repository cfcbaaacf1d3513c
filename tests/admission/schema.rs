//! What Certificates and issuers may say.

use evercert::api::{Certificate, ClusterIssuer, Issuer};
use kube::CustomResourceExt;
use kube::api::{Api, DynamicObject};
use serde_json::{Value, json};

use crate::{Verdicts, certificate, issuer, plane, try_out, with};

/// Everything that a Certificate and an issuer may say alike.
fn options() -> Value {
    json!({
        "orderValidity": {"days": 180}, "containerId": 5, "organizationId": 1, "skipApproval": false,
        "disableRenewalNotifications": true, "caCertId": "A1B2", "preferredChain": "Root CA 1 (G2)",
        "organizationUnits": ["Shop & Co"], "serverPlatform": -1, "comments": "für den Laden",
        "customFields": [field(1), field(2)], "additionalEmails": ["a@example.com", "b@example.com"],
        "customRenewalMessage": "Keep it.", "locale": "zh_CN",
    })
}

fn field(id: i64) -> Value {
    json!({"metadataId": id, "value": "CC 7"})
}

fn named(name: &str) -> Value {
    json!({"name": name, "value": "CC 7"})
}

/// An account of Sectigo instead of DigiCert's.
fn scm(patch: Value) -> Value {
    let account = json!({
        "customerUri": "example", "orgId": 42, "profileId": 5120, "term": 199,
        "auth": {"password": {"login": "admin", "passwordSecretRef": {"name": "scm", "key": "password"}}},
    });
    json!({"spec": {"digicert": null, "sectigo": with(account, patch)}})
}

/// An account of DNSimple instead.
fn at_dnsimple(patch: Value) -> Value {
    let account = json!({
        "accountId": 1010, "tokenSecretRef": {"name": "dnsimple", "key": "token"}, "product": "LetsEncrypt",
    });
    json!({"spec": {"digicert": null, "dnsimple": with(account, patch)}})
}

fn person(patch: Value) -> Value {
    let person = json!({"type": "Verified", "firstName": "Ada", "lastName": "Byron", "email": "ada@example.com",
        "jobTitle": "Engineer", "telephone": "555-0100"});
    with(person, patch)
}

#[tokio::test]
async fn certificates() {
    let plane = plane().await;
    let api: Api<DynamicObject> = Api::default_namespaced_with(plane.client(), &Certificate::api_resource());
    let names = |n: usize| (0..n).map(|i| format!("host-{i}.example.com")).collect::<Vec<_>>();
    let longest = format!("{0}.{0}.{0}.{1}.com", "a".repeat(63), "a".repeat(57));
    let longest = |n: usize| (0..n).map(|i| format!("{i:03}{}", &longest[3..])).collect::<Vec<_>>();
    let spec = |patch: Value| json!({"spec": patch});
    let renewal = |patch: Value| json!({"spec": {"renewal": patch}});
    let window = |patch: Value| {
        with(json!({"days": ["Sat", "Sun"], "from": "01:00", "to": "05:00", "timeZone": "Europe/Berlin"}), patch)
    };
    let by_csr = |patch: Value| {
        with(json!({"spec": {"csrSecretRef": {"name": "appliance-csr", "key": "tls.csr"}}}), spec(patch))
    };
    let template = |patch: Value| json!({"spec": {"secretTemplate": patch}});
    let duplicate = |patch: Value| json!({"spec": {"digicert": patch}});
    let notes = |n: usize| -> Value { (0..n).map(|i| (format!("note-{i}"), json!("x"))).collect() };
    let keystore = |kind: &str, patch: Value| {
        let password = json!({"spec": {"keystores": {kind: {"passwordSecretRef": {"name": "pw", "key": "password"}}}}});
        with(password, json!({"spec": {"keystores": {kind: patch}}}))
    };
    let workload = |kind: &str, name: &str| json!({"kind": kind, "name": name});
    let mut verdicts = Verdicts::default();
    for (expected, patch) in [
        ("", json!({})),
        ("", json!({"metadata": {"name": "a".repeat(200)}})),
        ("at most 200 characters", json!({"metadata": {"name": "a".repeat(201)}})),
        ("", spec(json!({"dnsNames": names(250)}))),
        ("", spec(json!({"dnsNames": longest(250)}))),
        ("Too many", spec(json!({"dnsNames": names(251)}))),
        ("should have at least 1 items", spec(json!({"dnsNames": []}))),
        ("Required value", spec(json!({"dnsNames": null}))),
        ("Duplicate value", spec(json!({"dnsNames": ["a.example.com", "a.example.com"]}))),
        ("", spec(json!({"dnsNames": ["*.example.com", "example.com", "xn--bcher-kva.example"]}))),
        ("should match", spec(json!({"dnsNames": ["Shop.example.com"]}))),
        ("should match", spec(json!({"dnsNames": ["www.*.example.com"]}))),
        ("should match", spec(json!({"dnsNames": ["w*.example.com"]}))),
        ("should match", spec(json!({"dnsNames": ["example.com."]}))),
        ("should match", spec(json!({"dnsNames": ["localhost"]}))),
        ("should match", spec(json!({"dnsNames": ["-a.example.com"]}))),
        ("Too long", spec(json!({"dnsNames": [format!("a{}", longest(1)[0])]}))),
        ("", spec(json!({"commonName": "shop.example.com"}))),
        ("commonName must be one of dnsNames", spec(json!({"commonName": "www.example.com"}))),
        ("Too long", spec(json!({"commonName": longest(1)[0], "dnsNames": longest(1)}))),
        ("", spec(json!({"issuerRef": {"kind": "ClusterIssuer"}}))),
        ("Unsupported value", spec(json!({"issuerRef": {"kind": "Cluster"}}))),
        ("should match", spec(json!({"secretName": "Shop"}))),
        ("Required value", spec(json!({"secretName": null}))),
        ("", spec(json!({"privateKey": {"algorithm": "ECDSA"}}))),
        ("", spec(json!({"privateKey": {"algorithm": "ECDSA", "size": 384}}))),
        ("", spec(json!({"privateKey": {"algorithm": "RSA", "size": 4096}}))),
        ("size is 256 or 384 for ECDSA", spec(json!({"privateKey": {"algorithm": "ECDSA", "size": 2048}}))),
        ("size is 256 or 384 for ECDSA", spec(json!({"privateKey": {"algorithm": "RSA", "size": 256}}))),
        ("size is 256 or 384 for ECDSA", spec(json!({"privateKey": {"algorithm": "RSA", "size": 2049}}))),
        ("Required value", spec(json!({"privateKey": {"size": 256}}))),
        ("Unsupported value", spec(json!({"privateKey": {"algorithm": "Ed25519"}}))),
        ("", spec(json!({"rolloutRestart": [workload("Deployment", "a"), workload("DaemonSet", "a")]}))),
        (
            "Duplicate value",
            spec(json!({"rolloutRestart": [workload("Deployment", "a"), workload("Deployment", "a")]})),
        ),
        ("Unsupported value", spec(json!({"rolloutRestart": [workload("Pod", "a")]}))),
        ("should match", spec(json!({"rolloutRestart": [workload("Deployment", "A")]}))),
        (
            "Too many",
            spec(
                json!({"rolloutRestart": (0..17).map(|n| workload("Deployment", &format!("a{n}"))).collect::<Vec<_>>()}),
            ),
        ),
        ("", by_csr(json!({"signatureHash": "sha384", "renewal": {"before": "720h"}, "adopt": {"orderId": "1"}}))),
        ("", by_csr(json!({"additionalOutputFormats": []}))),
        ("leave privateKey out", by_csr(json!({"privateKey": {"algorithm": "RSA"}}))),
        ("leave privateKey out", by_csr(json!({"privateKey": {"algorithm": "ECDSA", "rotationPolicy": "Never"}}))),
        ("leave keystores and", by_csr(json!({"additionalOutputFormats": [{"type": "CombinedPEM"}]}))),
        ("leave keystores and", with(keystore("pkcs12", json!({})), by_csr(json!({})))),
        ("leave keystores and", with(keystore("jks", json!({})), by_csr(json!({})))),
        ("secretName is another Secret", by_csr(json!({"secretName": "appliance-csr"}))),
        ("Required value", spec(json!({"csrSecretRef": {"name": "appliance-csr"}}))),
        ("should match", by_csr(json!({"csrSecretRef": {"key": "../tls.csr"}}))),
        (
            "",
            spec(
                json!({"sectigo": {"profileId": 5120, "orgId": 42, "term": 90, "comments": "c", "customFields": [named("a")]}}),
            ),
        ),
        ("greater than or equal to 1", spec(json!({"sectigo": {"term": 0}}))),
        ("Duplicate value", spec(json!({"sectigo": {"customFields": [named("a"), named("a")]}}))),
        ("overrides are for the issuer's provider", spec(json!({"sectigo": {}, "digicert": {}}))),
        ("", spec(json!({"dnsimple": {"product": "Existing"}, "deletionPolicy": "Delete"}))),
        ("overrides are for the issuer's provider", spec(json!({"sectigo": {}, "dnsimple": {}}))),
        ("chooses life and signature", spec(json!({"dnsimple": {}, "validity": {"days": 30}}))),
        ("chooses life and signature", spec(json!({"dnsimple": {}, "signatureHash": "sha384"}))),
        ("chooses life and signature", spec(json!({"dnsimple": {}, "adopt": {"orderId": "7"}}))),
        ("chooses life and signature", by_csr(json!({"dnsimple": {}}))),
        ("revokes nothing", spec(json!({"dnsimple": {}, "deletionPolicy": "Revoke"}))),
        ("Unsupported value", spec(json!({"dnsimple": {"product": "Sectigo"}}))),
        ("", spec(json!({"signatureHash": "sha512"}))),
        ("Unsupported value", spec(json!({"signatureHash": "sha1"}))),
        ("", spec(json!({"validity": {"days": 199}}))),
        ("", spec(json!({"validity": {"until": "2027-06-30"}}))),
        ("exactly one of days and until", spec(json!({"validity": {"days": 199, "until": "2027-06-30"}}))),
        ("exactly one of days and until", spec(json!({"validity": {}}))),
        ("should match", spec(json!({"validity": {"until": "30.06.2027"}}))),
        ("greater than or equal to 1", spec(json!({"validity": {"days": 0}}))),
        ("", spec(json!({"renewal": {"before": "720h"}}))),
        ("", spec(json!({"renewal": {"before": "1h"}}))),
        ("before is at least 1h", spec(json!({"renewal": {"before": "59m59s"}}))),
        ("should match", spec(json!({"renewal": {"before": "30d"}}))),
        ("", spec(json!({"renewal": {"beforePercentage": 33}}))),
        ("less than or equal to 99", spec(json!({"renewal": {"beforePercentage": 100}}))),
        ("greater than or equal to 1", spec(json!({"renewal": {"beforePercentage": 0}}))),
        ("only one of before and beforePercentage", renewal(json!({"before": "720h", "beforePercentage": 33}))),
        ("", renewal(json!({"policy": "Manual", "before": "720h"}))),
        ("Unsupported value", renewal(json!({"policy": "Never"}))),
        ("", renewal(json!({"windows": [window(json!({}))]}))),
        ("", renewal(json!({"windows": [{"from": "22:00", "to": "04:00"}]}))),
        ("Too many", renewal(json!({"windows": vec![window(json!({})); 15]}))),
        ("Duplicate value", renewal(json!({"windows": [window(json!({"days": ["Sat", "Sat"]}))]}))),
        ("Unsupported value", renewal(json!({"windows": [window(json!({"days": ["Saturday"]}))]}))),
        ("should match", renewal(json!({"windows": [window(json!({"from": "1:00"}))]}))),
        ("should match", renewal(json!({"windows": [window(json!({"to": "24:00"}))]}))),
        ("should match", renewal(json!({"windows": [window(json!({"timeZone": "Europe/Berlin; "}))]}))),
        ("windows are for policy Automatic", renewal(json!({"policy": "Manual", "windows": [window(json!({}))]}))),
        ("", spec(json!({"suspend": true}))),
        ("", spec(json!({"takeOverSecret": true}))),
        ("", spec(json!({"deletionPolicy": "Revoke"}))),
        ("Unsupported value", spec(json!({"deletionPolicy": "Forget"}))),
        ("", duplicate(json!({"duplicateOf": {"certificate": "other"}}))),
        ("", duplicate(json!({"duplicateOf": {"orderId": "112233"}}))),
        ("exactly one of certificate and orderId", duplicate(json!({"duplicateOf": {}}))),
        (
            "exactly one of certificate and orderId",
            duplicate(json!({"duplicateOf": {"certificate": "other", "orderId": "112233"}})),
        ),
        ("should match", duplicate(json!({"duplicateOf": {"orderId": "1/2"}}))),
        (
            "leave product, orderValidity and organizationId out",
            duplicate(json!({"product": "p", "duplicateOf": {"orderId": "1"}})),
        ),
        (
            "leave product, orderValidity and organizationId out",
            duplicate(json!({"orderValidity": {"years": 1}, "duplicateOf": {"orderId": "1"}})),
        ),
        ("leave validity out", spec(json!({"validity": {"days": 90}, "digicert": {"duplicateOf": {"orderId": "1"}}}))),
        (
            "a duplicate is of another Certificate",
            json!({"metadata": {"name": "self"}, "spec": {"digicert": {"duplicateOf": {"certificate": "self"}}}}),
        ),
        ("", spec(json!({"privateKey": {"algorithm": "RSA", "encoding": "PKCS1"}}))),
        ("Unsupported value", spec(json!({"privateKey": {"algorithm": "RSA", "encoding": "SEC1"}}))),
        ("", spec(json!({"privateKey": {"algorithm": "ECDSA", "rotationPolicy": "Never"}}))),
        ("Unsupported value", spec(json!({"privateKey": {"algorithm": "ECDSA", "rotationPolicy": "Sometimes"}}))),
        ("", template(json!({"labels": {"team": "shop", "example.com/tier": ""}, "annotations": {"note": "a b"}}))),
        ("labels of evercert.dev are", template(json!({"labels": {"evercert.dev/managed": "false"}}))),
        ("annotations of evercert.dev are", template(json!({"annotations": {"evercert.dev/certificate": "x"}}))),
        ("labels has a key", template(json!({"labels": {"no spaces": "x"}}))),
        ("labels has a key", template(json!({"labels": {(longest(1)[0].clone() + "/" + &"a".repeat(64)): "x"}}))),
        ("annotations has a key", template(json!({"annotations": {"a/b/c": "x"}}))),
        ("should match", template(json!({"labels": {"team": "no spaces"}}))),
        ("Too long", template(json!({"labels": {"team": "a".repeat(64)}}))),
        ("Too long", template(json!({"annotations": {"note": "a".repeat(4097)}}))),
        ("", template(json!({"annotations": notes(32)}))),
        ("Too many", template(json!({"annotations": notes(33)}))),
        ("", spec(json!({"additionalOutputFormats": [{"type": "CombinedPEM"}, {"type": "DER"}]}))),
        ("Duplicate value", spec(json!({"additionalOutputFormats": [{"type": "DER"}, {"type": "DER"}]}))),
        ("Unsupported value", spec(json!({"additionalOutputFormats": [{"type": "PEM"}]}))),
        ("", keystore("pkcs12", json!({"profile": "LegacyRC2", "alias": "shop"}))),
        ("", keystore("pkcs12", json!({"profile": "LegacyDES"}))),
        ("", keystore("jks", json!({}))),
        ("Unsupported value", keystore("pkcs12", json!({"profile": "Modern2026"}))),
        ("should match", keystore("jks", json!({"alias": "no spaces"}))),
        ("Required value", keystore("jks", json!({"passwordSecretRef": null}))),
        ("", spec(json!({"revisionHistoryLimit": 0}))),
        ("less than or equal to 1000", spec(json!({"revisionHistoryLimit": 1001}))),
        ("", spec(json!({"adopt": {"orderId": "112233"}}))),
        ("Required value", spec(json!({"adopt": {}}))),
        ("should match", spec(json!({"adopt": {"orderId": "112233/reissue"}}))),
        ("", spec(json!({"digicert": {"product": "ssl_basic", "orderValidity": {"days": 90}}}))),
        (
            "exactly one of days, until and years",
            spec(json!({"digicert": {"orderValidity": {"days": 90, "years": 1}}})),
        ),
        ("", spec(json!({"digicert": options()}))),
        ("should match", spec(json!({"digicert": {"additionalEmails": ["nobody"]}}))),
        ("Duplicate value", spec(json!({"digicert": {"customFields": [field(1), field(1)]}}))),
        ("should match", spec(json!({"digicert": {"locale": "german"}}))),
    ] {
        let object = with(certificate(), patch.clone());
        verdicts.check(&patch.to_string(), expected, try_out(&api, object).await);
    }

    let mut with_null = certificate();
    with_null["spec"]["signatureHash"] = Value::Null;
    let stored = try_out(&api, with_null).await.unwrap();
    assert!(stored.data["spec"].get("signatureHash").is_none(), "null is taken away");
    verdicts.hold();
}

#[tokio::test]
async fn issuers() {
    let plane = plane().await;
    let namespaced: Api<DynamicObject> = Api::default_namespaced_with(plane.client(), &Issuer::api_resource());
    let cluster: Api<DynamicObject> = Api::all_with(plane.client(), &ClusterIssuer::api_resource());
    let spec = |patch: Value| json!({"spec": patch});
    let digicert = |patch: Value| json!({"spec": {"digicert": patch}});
    let publisher = |patch: Value| json!({"spec": {"dcv": {"publishers": [patch]}}});
    let limited = |name: &str, count: i32| json!({"name": name, "namespaceSelector": {}, "maxPaid": {"count": count, "per": "24h"}});
    let rule = |patch: Value| {
        let mut rule = json!({"name": "a", "namespaceSelector": {}});
        rule.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        spec(json!({"policy": {"rules": [rule]}}))
    };
    let tsig = json!({"keyName": "evercert.", "secretRef": {"name": "tsig", "key": "secret"}});
    let rfc2136 = |nameserver: &str| json!({"nameserver": nameserver, "tsig": tsig});
    let mut verdicts = Verdicts::default();
    for (expected, patch) in [
        ("", json!({})),
        ("exactly one provider block", spec(json!({"digicert": null}))),
        ("Required value", digicert(json!({"product": null}))),
        ("Required value", digicert(json!({"apiKeySecretRef": null}))),
        ("", digicert(json!({"url": "http://127.0.0.1:8080/services/v2"}))),
        ("should match", digicert(json!({"url": "ftp://www.digicert.com"}))),
        ("should match", digicert(json!({"url": "https://user@www.digicert.com/services/v2"}))),
        (
            "",
            digicert(json!({"organizationId": 1, "containerId": 5, "skipApproval": true, "paymentMethod": "balance"})),
        ),
        ("Unsupported value", digicert(json!({"paymentMethod": "cash"}))),
        ("greater than or equal to 1", digicert(json!({"organizationId": 0}))),
        ("", digicert(json!({"orderValidity": {"years": 3}}))),
        ("less than or equal to 3", digicert(json!({"orderValidity": {"years": 4}}))),
        ("exactly one of days, until and years", digicert(json!({"orderValidity": {}}))),
        ("", digicert(json!({"orderValidity": {"until": "2028-02-29"}}))),
        ("should match", digicert(json!({"orderValidity": {"until": "next year"}}))),
        ("", digicert(options())),
        (
            "",
            digicert(json!({"organizationId": 1, "contacts": [{"type": "Technical", "userId": 7}, person(json!({}))]})),
        ),
        ("organizationId is missing", digicert(json!({"contacts": [person(json!({}))]}))),
        ("a contact is", digicert(json!({"organizationId": 1, "contacts": [{"type": "Technical"}]}))),
        ("a contact is", digicert(json!({"organizationId": 1, "contacts": [person(json!({"userId": 7}))]}))),
        ("a contact is", digicert(json!({"organizationId": 1, "contacts": [person(json!({"email": null}))]}))),
        ("Unsupported value", digicert(json!({"organizationId": 1, "contacts": [person(json!({"type": "Sales"}))]}))),
        ("", spec(json!({"rateLimit": {"requests": 900, "per": "180s", "burst": 90}}))),
        ("per is between 1s and 24h", spec(json!({"rateLimit": {"requests": 900, "per": "0s"}}))),
        ("per is between 1s and 24h", spec(json!({"rateLimit": {"requests": 900, "per": "25h"}}))),
        ("", spec(json!({"dcv": {"method": "DnsTxt", "selfCheck": "None"}}))),
        ("", spec(json!({"dcv": {"method": "Http"}}))),
        ("", spec(json!({"dcv": {"method": "Email"}}))),
        ("Unsupported value", spec(json!({"dcv": {"method": "Letter"}}))),
        ("", publisher(json!({"zones": ["example.com"], "rfc2136": rfc2136("10.0.0.53:53")}))),
        ("", publisher(json!({"rfc2136": rfc2136("[2001:db8::53]:53")}))),
        ("", publisher(json!({"rfc2136": rfc2136("ns1.example.com")}))),
        ("should match", publisher(json!({"rfc2136": rfc2136("udp://ns1.example.com")}))),
        ("", publisher(json!({"dnsimple": {"accountId": 1010, "tokenSecretRef": {"name": "zones", "key": "token"}}}))),
        ("accountId", publisher(json!({"dnsimple": {"tokenSecretRef": {"name": "zones", "key": "token"}}}))),
        (
            "greater than or equal to 1",
            publisher(json!({"dnsimple": {"accountId": 0, "tokenSecretRef": {"name": "zones", "key": "token"}}})),
        ),
        ("", publisher(json!({"manual": {}}))),
        ("", publisher(json!({"externalDns": {}}))),
        ("", publisher(json!({"externalDns": {"labels": {"external-dns": "public"}}}))),
        ("should match", publisher(json!({"externalDns": {"labels": {"external-dns": "for all"}}}))),
        (
            "exactly one of certManagerWebhook, dnsimple, externalDns, http, manual and rfc2136",
            publisher(json!({"zones": ["example.com"]})),
        ),
        (
            "exactly one of certManagerWebhook, dnsimple, externalDns, http, manual and rfc2136",
            publisher(json!({"manual": {}, "rfc2136": rfc2136("10.0.0.53")})),
        ),
        ("should match", publisher(json!({"zones": ["*.example.com"], "manual": {}}))),
        (
            "Duplicate value",
            spec(
                json!({"policy": {"rules": [{"name": "a", "namespaceSelector": {}}, {"name": "a", "namespaceSelector": {}}]}}),
            ),
        ),
        (
            "should match",
            spec(
                json!({"policy": {"rules": [{"name": "a", "namespaceSelector": {}, "allowedDomains": ["example.*"]}]}}),
            ),
        ),
        ("", rule(json!({"maxPaid": {"count": 20, "per": "24h"}}))),
        ("", rule(json!({"requireApproval": ["Paid", "MayCharge"]}))),
        ("Unsupported value", rule(json!({"requireApproval": ["Free"]}))),
        ("should be greater than or equal to 1", rule(json!({"maxPaid": {"count": 0, "per": "24h"}}))),
        ("per is between 1m and 9600h", rule(json!({"maxPaid": {"count": 1, "per": "59s"}}))),
        ("per is between 1m and 9600h", rule(json!({"maxPaid": {"count": 1, "per": "9601h"}}))),
        ("at most 1000", spec(json!({"policy": {"rules": [limited("a", 600), limited("b", 401)]}}))),
        ("", spec(json!({"policy": {"rules": [limited("a", 600), limited("b", 400)]}}))),
        ("", spec(json!({"policy": {"ambiguousPaid": "RepeatWhenAbsent"}}))),
        ("", spec(json!({"policy": {"whenForbidden": "Order"}}))),
        ("Unsupported value", spec(json!({"policy": {"whenForbidden": "Buy"}}))),
        ("exactly one provider block", spec(json!({"sectigo": scm(json!({}))["spec"]["sectigo"]}))),
        ("", at_dnsimple(json!({"product": "Existing", "url": "https://api.sandbox.dnsimple.com/v2"}))),
        ("exactly one provider block", spec(json!({"dnsimple": at_dnsimple(json!({}))["spec"]["dnsimple"]}))),
        ("leave dcv out", with(at_dnsimple(json!({})), spec(json!({"dcv": {"method": "DnsTxt"}})))),
        ("Unsupported value", at_dnsimple(json!({"product": "Sectigo"}))),
        ("greater than or equal to 1", at_dnsimple(json!({"accountId": 0}))),
        ("", scm(json!({}))),
        ("", scm(json!({"apiVersion": "v1", "validation": "Prevalidated", "url": "http://127.0.0.1:8080/api"}))),
        ("", scm(json!({"externalRequester": "certs@example.com", "plusAddressing": true, "comments": "c"}))),
        ("", scm(json!({"customFields": [named("a"), named("b")], "recordLocations": true}))),
        ("Duplicate value", scm(json!({"customFields": [named("a"), named("a")]}))),
        ("externalRequester, which is missing", scm(json!({"plusAddressing": true}))),
        ("should match", scm(json!({"externalRequester": "nobody"}))),
        ("Required value", scm(json!({"term": null}))),
        ("Required value", scm(json!({"profileId": null}))),
        ("Required value", scm(json!({"customerUri": null}))),
        ("Required value", scm(json!({"auth": null}))),
        ("exactly one of", scm(json!({"auth": {"password": null}}))),
        ("exactly one of", scm(json!({"auth": {"clientCertificate": {"login": "a", "secretName": "b"}}}))),
        ("", scm(json!({"auth": {"password": null, "clientCertificate": {"login": "a", "secretName": "b"}}}))),
        (
            "",
            scm(
                json!({"auth": {"password": null, "oauth2": {"clientId": "a", "clientSecretRef": {"name": "b", "key": "c"}}}}),
            ),
        ),
        ("Unsupported value", scm(json!({"validation": "PerDomain"}))),
        ("validation by mail is for digicert", with(scm(json!({})), spec(json!({"dcv": {"method": "Email"}})))),
        ("", with(scm(json!({})), spec(json!({"dcv": {"method": "Http"}})))),
        ("Unsupported value", spec(json!({"policy": {"ambiguousPaid": "Repeat"}}))),
    ] {
        for (kind, api) in [("Issuer", &namespaced), ("ClusterIssuer", &cluster)] {
            let object = with(issuer(kind), patch.clone());
            verdicts.check(&format!("{kind} {patch}"), expected, try_out(api, object).await);
        }
    }
    let gateway = json!({"name": "web", "namespace": "infra", "sectionName": "http", "port": 80});
    for (expected, http) in [
        ("", json!({"parentRefs": [gateway]})),
        ("", json!({"ingress": {}})),
        ("", json!({"ingress": {"className": "nginx", "annotations": {"example.com/redirect": "false"}}})),
        ("exactly one of ingress and parentRefs", json!({})),
        ("exactly one of ingress and parentRefs", json!({"parentRefs": [gateway], "ingress": {}})),
        ("should have at least 1 items", json!({"parentRefs": []})),
        ("must have at most 8 items", json!({"parentRefs": vec![gateway.clone(); 9]})),
        ("less than or equal to 65535", json!({"parentRefs": [{"name": "web", "port": 65536}]})),
        ("Required value", json!({"parentRefs": [{"namespace": "infra"}]})),
    ] {
        let object = with(issuer("ClusterIssuer"), publisher(json!({"http": http})));
        verdicts.check(&format!("http: {http}"), expected, try_out(&cluster, object).await);
    }
    let object = with(issuer("Issuer"), publisher(json!({"http": {"parentRefs": [gateway]}})));
    verdicts.check("http: Issuer", "publisher http is for a ClusterIssuer", try_out(&namespaced, object).await);
    for (expected, policy) in [
        ("at least one entry in policy.rules", Value::Null),
        ("at least one entry in policy.rules", json!({"rules": null})),
        ("at least one entry in policy.rules", json!({"rules": []})),
        ("needs a namespaceSelector", json!({"rules": [{"name": "everybody"}]})),
    ] {
        let patch = spec(json!({"policy": policy}));
        let (of_cluster, of_namespace) = (with(issuer("ClusterIssuer"), patch.clone()), with(issuer("Issuer"), patch));
        verdicts.check(&format!("ClusterIssuer {policy}"), expected, try_out(&cluster, of_cluster).await);
        verdicts.check(&format!("Issuer {policy}"), "", try_out(&namespaced, of_namespace).await);
    }
    let webhook = json!({"groupName": "acme.example.com", "solverName": "example", "config": {"any": [{"thing": 1}]}});
    for (of_cluster, of_namespace, patch) in [
        ("", "is for a ClusterIssuer", publisher(json!({"certManagerWebhook": webhook}))),
        ("Required value", "Required value", publisher(json!({"certManagerWebhook": {"groupName": "a"}}))),
        ("", "", spec(json!({"dcv": {"publishers": []}}))),
    ] {
        verdicts.check(
            "ClusterIssuer",
            of_cluster,
            try_out(&cluster, with(issuer("ClusterIssuer"), patch.clone())).await,
        );
        verdicts.check("Issuer", of_namespace, try_out(&namespaced, with(issuer("Issuer"), patch)).await);
    }
    verdicts.hold();
}

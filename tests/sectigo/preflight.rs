//! What SCM would refuse is told before it is asked for, and no call is made that could cost.

use anyhow::{Result, ensure};
use harness::{Scene, World, condition, scene};
use serde_json::{Value, json};

use crate::account::{accepted, ask, issuer, ready, scm};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    vec![
        scene("a term", refused(world, "term", json!({"term": 91}), json!({}), "no term of 91 days")),
        scene("a domain", domain(world)),
        scene("a key", key(world)),
        scene("overrides of another provider", foreign(world)),
        scene("a profile that nobody has", unknown_profile(world)),
        scene("a mandatory custom field", field(world)),
        scene("an account by OAuth 2.0", oauth2(world)),
        scene("an account by client certificate", client_certificate(world)),
    ]
}

/// What is told of a Certificate, for which nothing was recorded and nothing asked.
async fn told(world: &World, name: &str, reason: &str, part: &str) -> Result<()> {
    let so = |object: &Value| condition(object, "ActionRequired").is_some_and(|found| found["reason"] == reason);
    let object = world.objects.until("Certificate", name, &format!("{reason} is told"), so).await?;
    let message = condition(&object, "ActionRequired").map(|found| found["message"].to_string()).unwrap_or_default();
    ensure!(message.contains(part), "{name}: {message}");
    ensure!(world.objects.names("Issuance").await?.iter().all(|issuance| *issuance != format!("{name}-1")));
    ensure!(accepted(world, name).await? == [0, 0, 0], "{name}");
    Ok(())
}

async fn refused(world: &World, name: &str, account: Value, certificate: Value, part: &str) -> Result<()> {
    world.objects.create("Issuer", name, issuer(world, account)).await?;
    let mut spec = certificate;
    spec["issuerRef"] = json!({"name": name});
    ask(world, name, spec).await?;
    told(world, name, "PreflightRefused", part).await
}

async fn domain(world: &World) -> Result<()> {
    ask(world, "domain", json!({"dnsNames": ["shop.elsewhere.invalid"]})).await?;
    told(world, "domain", "PreflightRefused", "covers shop.elsewhere.invalid").await
}

/// A profile for ECDSA keys only, and then for both.
async fn key(world: &World) -> Result<()> {
    let id = scm(world)["profiles"]["dv"].clone();
    let change = format!("/_sandbox/scm/profiles/{id}");
    world.sandbox.post(&change, &json!({"keyTypes": {"RSA": ["2048"]}})).await?;
    refused(world, "key", json!({"profileId": id}), json!({}), "takes no ").await?;
    world.sandbox.post(&change, &json!({"keyTypes": {"EC": ["P-256"]}})).await?;
    world.objects.patch("Certificate", "key", json!({"metadata": {"labels": {"look": "again"}}})).await?;
    ready(world, "key", 1).await?;
    Ok(())
}

/// A customer who asks for a field, which the issuer leaves to each Certificate.
async fn field(world: &World) -> Result<()> {
    let customer = world.sandbox.post("/_sandbox/scm/customers", &json!({"uri": "fields"})).await?;
    let text = |name: &str| customer[name].as_str().unwrap_or_default();
    let field =
        json!({"name": "team", "certType": "SSL", "input": {"type": "TEXT_SINGLE_LINE"}, "mandatories": ["REST_API"]});
    let call = reqwest::Client::new().post(format!("{}/customField/v2", text("url"))).json(&field);
    let call = ["login", "password", "customerUri"].iter().fold(call, |call, name| call.header(*name, text(name)));
    call.send().await?.error_for_status()?;
    world.objects.create_secret("fields-password", "password", text("password")).await?;
    let login =
        json!({"login": customer["login"], "passwordSecretRef": {"name": "fields-password", "key": "password"}});
    let account = json!({
        "customerUri": "fields", "orgId": customer["orgId"], "profileId": customer["profileId"], "auth": {"password": login},
    });
    refused(world, "field", account, json!({}), "mandatory custom fields are missing: team").await?;
    let given = json!({"spec": {"sectigo": {"customFields": [{"name": "team", "value": "web"}]}}});
    world.objects.patch("Certificate", "field", given).await?;
    ready(world, "field", 1).await.map(drop)
}

async fn foreign(world: &World) -> Result<()> {
    ask(world, "foreign", json!({"digicert": {"comments": "for CertCentral"}})).await?;
    told(world, "foreign", "InvalidSpec", "spec.digicert").await
}

async fn unknown_profile(world: &World) -> Result<()> {
    world.objects.create("Issuer", "unknown", issuer(world, json!({"profileId": 4711}))).await?;
    let not_ready = |object: &Value| {
        condition(object, "Ready").is_some_and(|ready| {
            ready["status"] == "False" && ready["message"].as_str().is_some_and(|told| told.contains("profile 4711"))
        })
    };
    world.objects.until("Issuer", "unknown", "the profile is missing", not_ready).await.map(drop)
}

async fn oauth2(world: &World) -> Result<()> {
    let customer = scm(world);
    let auth = json!({"oauth2": {
        "tokenUrl": customer["tokenUrl"], "clientId": customer["clientId"],
        "clientSecretRef": {"name": "scm-client", "key": "secret"},
    }});
    world.objects.create("Issuer", "oauth2", issuer(world, json!({"auth": auth}))).await?;
    ask(world, "oauth2", json!({"issuerRef": {"name": "oauth2"}})).await?;
    ready(world, "oauth2", 1).await?;
    ensure!(accepted(world, "oauth2").await? == [1, 0, 0]);
    Ok(())
}

async fn client_certificate(world: &World) -> Result<()> {
    let login = &scm(world)["clientCertificate"];
    let text = |name: &str| login[name].as_str().unwrap_or_default();
    let secret = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "scm-login"}, "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": text("certificate"), "tls.key": text("key")},
    }))?;
    world.objects.secrets().create(&Default::default(), &secret).await?;
    let auth = json!({"clientCertificate": {"login": scm(world)["login"], "secretName": "scm-login"}});
    let mut spec = issuer(world, json!({"url": login["url"], "auth": auth}));
    spec["caBundle"] = world.sandbox.ready()["ca"].clone();
    world.objects.create("Issuer", "client-certificate", spec).await?;
    ask(world, "by-certificate", json!({"issuerRef": {"name": "client-certificate"}})).await?;
    ready(world, "by-certificate", 1).await?;
    ensure!(accepted(world, "by-certificate").await? == [1, 0, 0]);
    Ok(())
}

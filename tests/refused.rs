//! What is refused buys nothing and changes nothing, and the condition says why.

use anyhow::{Context, Result, ensure};
use harness::{Objects, World, WorldOptions, condition};
use kube::ResourceExt;
use serde_json::{Value, json};

fn certificate(secret: &str, name: &str) -> Value {
    json!({"issuerRef": {"name": "digicert"}, "secretName": secret, "dnsNames": [name]})
}

async fn until_reason(objects: &Objects, kind: &str, name: &str, reason: &str) -> Result<Value> {
    let what = format!("Ready is False because of {reason}");
    objects
        .until(kind, name, &what, |object| {
            condition(object, "Ready").is_some_and(|ready| ready["status"] == "False" && ready["reason"] == reason)
        })
        .await
}

/// Changes with every write.
async fn version(objects: &Objects, secret: &str) -> Result<String> {
    objects.secret(secret).await?.and_then(|secret| secret.resource_version()).context("a Secret")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_others_and_a_name_outside_the_policy_buy_nothing() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let objects = &world.objects;
    objects.create_secret("foreign-tls", "theirs", "untouched").await?;
    let foreign = version(objects, "foreign-tls").await?;
    let rules = json!([{"name": "com", "allowedDomains": ["*.example.com"]}]);
    objects.patch("Issuer", "digicert", json!({"spec": {"policy": {"rules": rules}}})).await?;
    let _operator = world.operator().await?;

    objects.create("Certificate", "elder", certificate("shared-tls", "elder.example.com")).await?;
    objects.until_ready("elder", 1).await?;
    let shared = version(objects, "shared-tls").await?;
    objects.create("Certificate", "younger", certificate("shared-tls", "younger.example.com")).await?;
    objects.create("Certificate", "foreign", certificate("foreign-tls", "foreign.example.com")).await?;
    objects.create("Certificate", "outside", certificate("outside-tls", "outside.example.org")).await?;

    for (name, reason) in
        [("younger", "SecretOwnedByOther"), ("foreign", "SecretNotOurs"), ("outside", "PolicyRefused")]
    {
        let refused = until_reason(objects, "Certificate", name, reason).await?;
        ensure!(
            condition(&refused, "ActionRequired").is_some_and(|required| required["reason"] == reason),
            "{refused}"
        );
    }
    let ledger = world.sandbox.ledger().await?;
    ensure!(ledger.operations.len() == 1, "only elder's order was placed: {:?}", ledger.operations);
    ensure!(version(objects, "shared-tls").await? == shared, "the elder's Secret was written");
    ensure!(version(objects, "foreign-tls").await? == foreign, "a foreign Secret was written");

    objects.patch("Certificate", "foreign", json!({"spec": {"takeOverSecret": true}})).await?;
    objects.until_ready("foreign", 1).await?;
    let data = objects.secret("foreign-tls").await?.and_then(|secret| secret.data).unwrap_or_default();
    ensure!(data.contains_key("tls.crt") && data.contains_key("theirs"), "taken over, and what was there stays");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_why_an_account_does_not_serve_is_told_apart() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let objects = &world.objects;
    objects.create_secret("wrong", "api-key", "0000000000").await?;
    let view_only = world.sandbox.ready()["digicert"]["viewOnlyApiKey"].as_str().context("a key that may only view")?;
    objects.create_secret("view-only", "api-key", view_only).await?;
    let _operator = world.operator().await?;

    let key = |name| json!({"apiKeySecretRef": {"name": name, "key": "api-key"}});
    let cases = [
        ("no-secret", key("absent"), "CredentialsNotFound", "absent does not exist"),
        ("bad-key", key("wrong"), "InvalidCredentials", "Automation > API keys"),
        ("may-only-view", key("view-only"), "PermissionDenied", "Orders, Domains, Organizations"),
        ("no-organization", json!({"organizationId": 999}), "UnknownOrganization", "Certificates > Organizations"),
        ("no-product", json!({"product": "ssl_nothing"}), "ProviderBlocked", "Product settings"),
        ("elsewhere", json!({"url": "http://192.0.2.1/services/v2"}), "HostNotAllowed", "--allowed-provider-hosts"),
    ];
    for (name, change, _, _) in &cases {
        let mut spec = world.issuer();
        let digicert = spec["digicert"].as_object_mut().context("a digicert block")?;
        digicert.extend(change.as_object().cloned().unwrap_or_default());
        objects.create("Issuer", name, spec).await?;
    }
    for (name, _, reason, hint) in cases {
        let issuer = until_reason(objects, "Issuer", name, reason).await?;
        let message = condition(&issuer, "Ready").map(|ready| ready["message"].to_string()).unwrap_or_default();
        ensure!(message.contains(hint), "{name}: {message}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ca_delivers_is_served_only_when_it_is_right() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let objects = &world.objects;
    let _operator = world.operator().await?;
    let cases = [
        ("other-key", "otherKey", "none of the delivered certificates is for our key"),
        ("wrong-names", "wrongNames", "lacks"),
        ("expired", "expired", "expired"),
    ];
    let all = || cases.iter().map(|(name, _, _)| *name).chain(["unordered"]);
    for name in all() {
        objects.create("Certificate", name, certificate(name, &format!("{name}.example.com"))).await?;
    }
    for name in all() {
        objects.until_ready(name, 1).await?;
    }
    let reissue = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "1"}}});
    for (name, fault, why) in cases {
        let before = version(objects, name).await?;
        world.sandbox.fault(&json!({"kind": fault, "match": {"operation": "reissue"}})).await?;
        objects.patch("Certificate", name, reissue.clone()).await?;
        let what = format!("the reissue is not believed: {why}");
        let seen = objects
            .until("Certificate", name, &what, |certificate| {
                condition(certificate, "Issuing").is_some_and(|issuing| issuing["message"].to_string().contains(why))
            })
            .await?;
        ensure!(condition(&seen, "Ready").is_some_and(|ready| ready["status"] == "True"), "the old pair is served");
        ensure!(version(objects, name).await? == before, "the Secret was written");
    }
    world.sandbox.fault(&json!({"kind": "chainUnordered", "match": {"operation": "reissue"}})).await?;
    objects.patch("Certificate", "unordered", reissue).await?;
    objects.until_ready("unordered", 2).await?;
    Ok(())
}

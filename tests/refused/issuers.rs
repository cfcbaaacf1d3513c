//! An account that cannot serve: why, told apart in the Issuer's condition.

use anyhow::{Result, ensure};
use harness::{Scene, World, scene};
use serde_json::{Value, json};

use super::{nothing_bought, said};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    let digicert = &world.sandbox.ready()["digicert"];
    let key = |name: &str| json!({"apiKeySecretRef": {"name": format!("{name}-key"), "key": "api-key"}});
    let plain = json!({"url": "http://127.0.0.1:9/services/v2"});
    let other = json!({"url": "https://elsewhere.example/services/v2"});
    let (none, view_only) = (Value::Null, digicert["viewOnlyApiKey"].clone());
    let cases = [
        ("wrong", key("wrong"), json!("00FF00"), "InvalidCredentials", "Automation > API keys"),
        ("viewer", key("viewer"), view_only, "PermissionDenied", "Orders, Domains, Organizations"),
        (
            "stranger",
            json!({"organizationId": 999}),
            none.clone(),
            "UnknownOrganization",
            "Certificates > Organizations",
        ),
        ("unsold", json!({"product": "ssl_nothing"}), none.clone(), "ProviderBlocked", "Product settings"),
        ("keyless", key("keyless"), none.clone(), "CredentialsNotFound", "keyless-key does not exist"),
        ("hollow", key("hollow"), json!(" "), "CredentialsNotFound", "has no text under api-key"),
        ("loopback", plain, none.clone(), "HostNotAllowed", "--allowed-provider-hosts"),
        ("elsewhere", other, none, "HostNotAllowed", "a ClusterIssuer may call it"),
    ];
    let refused = cases.map(|(name, changes, secret, reason, hint)| {
        scene(name, refused(world, name, changes, secret, (reason, hint)))
    });
    refused.into_iter().chain([scene("no issuer", nobody(world))]).collect()
}

async fn refused(world: &World, name: &str, changes: Value, secret: Value, (reason, hint): (&str, &str)) -> Result<()> {
    let objects = &world.objects;
    if let Some(value) = secret.as_str() {
        objects.create_secret(&format!("{name}-key"), "api-key", value).await?;
    }
    let good = world.issuer();
    let mut spec = good.clone();
    for (key, value) in changes.as_object().into_iter().flatten() {
        spec["digicert"][key] = value.clone();
    }
    objects.create("Issuer", name, spec).await?;
    let message = said(objects, "Issuer", name, "Ready", reason, |ready| ready["reason"] == reason).await?;
    ensure!(message.contains(hint), "{message}");
    ensure!(secret.as_str().is_none_or(|key| key == " " || !message.contains(key)), "{message}");

    objects.ask(name, json!({"issuerRef": {"name": name}})).await?;
    super::reason(objects, name, "Ready", "IssuerNotReady").await?;
    nothing_bought(world, name).await?;

    // Corrected, it serves.
    objects.patch("Issuer", name, json!({"spec": good})).await?;
    objects.until_ready(name, 1).await.map(drop)
}

async fn nobody(world: &World) -> Result<()> {
    world.objects.ask("nobody", json!({"issuerRef": {"kind": "ClusterIssuer", "name": "nobody"}})).await?;
    let message = super::reason(&world.objects, "nobody", "ActionRequired", "IssuerNotFound").await?;
    ensure!(message.contains("ClusterIssuer/nobody"), "{message}");
    nothing_bought(world, "nobody").await
}

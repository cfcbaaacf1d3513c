//! An account that cannot serve: why, told apart in the Issuer's condition.

use anyhow::{Result, ensure};
use harness::World;
use serde_json::{Value, json};

use super::{Scene, ask, nothing_bought, reason, said, scene};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    let digicert = &world.sandbox.ready()["digicert"];
    let key = |name: &str| json!({"apiKeySecretRef": {"name": format!("{name}-key"), "key": "api-key"}});
    let unlisted = json!({"url": "http://127.0.0.1:9/services/v2"});
    let foreign = json!({"url": "https://elsewhere.example/services/v2"});
    vec![
        scene("bad key", refused(world, "wrong", key("wrong"), json!("00FF00"), "InvalidCredentials")),
        scene(
            "missing permission",
            refused(world, "viewer", key("viewer"), digicert["viewOnlyApiKey"].clone(), "PermissionDenied"),
        ),
        scene(
            "unknown organization",
            refused(world, "stranger", json!({"organizationId": 999_999}), Value::Null, "UnknownOrganization"),
        ),
        scene("no Secret", refused(world, "keyless", key("keyless"), Value::Null, "CredentialsNotFound")),
        scene("empty Secret", refused(world, "hollow", key("hollow"), json!(" "), "CredentialsNotFound")),
        scene("loopback", refused(world, "loopback", unlisted, Value::Null, "HostNotAllowed")),
        scene("another's host", refused(world, "elsewhere", foreign, Value::Null, "HostNotAllowed")),
        scene("no issuer", nobody(world)),
    ]
}

async fn refused(world: &World, name: &str, changes: Value, secret: Value, why: &str) -> Result<()> {
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
    let message = said(objects, "Issuer", name, "Ready", why, |ready| ready["reason"] == why).await?;
    ensure!(!message.is_empty() && secret.as_str().is_none_or(|key| key == " " || !message.contains(key)), "{message}");

    ask(objects, name, json!({"issuerRef": {"name": name}})).await?;
    reason(objects, name, "Ready", "IssuerNotReady").await?;
    nothing_bought(world, name).await?;

    // Corrected, it serves.
    objects.patch("Issuer", name, json!({"spec": good})).await?;
    objects.until_ready(name, 1).await.map(drop)
}

async fn nobody(world: &World) -> Result<()> {
    ask(&world.objects, "nobody", json!({"issuerRef": {"kind": "ClusterIssuer", "name": "nobody"}})).await?;
    let message = reason(&world.objects, "nobody", "ActionRequired", "IssuerNotFound").await?;
    ensure!(message.contains("ClusterIssuer/nobody"), "{message}");
    nothing_bought(world, "nobody").await
}

//! Secrets that belong to others.

use anyhow::{Context, Result, ensure};
use evercert::pki::payload::read_pair;
use harness::{Scene, World, scene};
use k8s_openapi::api::core::v1::Secret;
use kube::{ResourceExt, api::PostParams};
use serde_json::{Value, json};

use super::{nothing_bought, reason};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    vec![
        scene("a younger Certificate", younger(world)),
        scene("another's Secret", foreign(world)),
        scene("a Secret of another type", opaque(world)),
    ]
}

/// Of two Certificates that name one Secret, the older has it; from the first moment, and when it is there.
async fn younger(world: &World) -> Result<()> {
    let objects = &world.objects;
    objects.ask("elder", json!({})).await?;
    for name in ["younger", "youngest"] {
        objects.ask(name, json!({"secretName": "elder"})).await?;
        let message = reason(objects, name, "Ready", "SecretOwnedByOther").await?;
        ensure!(message.contains("Certificate elder"), "{message}");
        objects.until_ready("elder", 1).await?;
    }
    for name in ["younger", "youngest"] {
        reason(objects, name, "ActionRequired", "SecretOwnedByOther").await?;
        nothing_bought(world, name).await?;
        ensure!(!objects.names("Issuance").await?.contains(&format!("{name}-1")), "an Issuance of {name}");
    }
    let secret = objects.secret("elder").await?.context("no Secret")?;
    ensure!(secret.annotations()["evercert.dev/certificate"] == "elder");
    Ok(())
}

async fn foreign(world: &World) -> Result<()> {
    let objects = &world.objects;
    let before = make(world, "foreign", "kubernetes.io/tls").await?;
    objects.ask("foreign", json!({})).await?;
    let message = reason(objects, "foreign", "Ready", "SecretNotOurs").await?;
    ensure!(message.contains("takeOverSecret"), "{message}");
    reason(objects, "foreign", "ActionRequired", "SecretNotOurs").await?;
    nothing_bought(world, "foreign").await?;
    ensure!(objects.secret("foreign").await?.as_ref() == Some(&before), "it was touched");

    objects.patch("Certificate", "foreign", json!({"spec": {"takeOverSecret": true}})).await?;
    objects.until_ready("foreign", 1).await?;
    let after = objects.secret("foreign").await?.context("no Secret")?;
    ensure!(after.uid() == before.uid(), "it was made anew");
    ensure!(after.labels()["tool"] == "theirs" && after.annotations()["note"] == "theirs");
    let data = after.data.context("no data")?;
    ensure!(data["extra"].0 == b"theirs");
    read_pair(&data["tls.crt"].0, &data["tls.key"].0)?;
    Ok(())
}

/// Its type cannot be changed, so nothing is bought for it either.
async fn opaque(world: &World) -> Result<()> {
    let objects = &world.objects;
    let before = make(world, "opaque", "Opaque").await?;
    objects.ask("opaque", json!({"takeOverSecret": true})).await?;
    let message = reason(objects, "opaque", "Ready", "SecretNotOurs").await?;
    ensure!(message.contains("Opaque"), "{message}");
    nothing_bought(world, "opaque").await?;
    ensure!(objects.secret("opaque").await?.as_ref() == Some(&before), "it was touched");
    Ok(())
}

async fn make(world: &World, name: &str, type_: &str) -> Result<Secret> {
    let secret: Value = json!({
        "apiVersion": "v1", "kind": "Secret", "type": type_,
        "metadata": {"name": name, "labels": {"tool": "theirs"}, "annotations": {"note": "theirs"}},
        "stringData": {"tls.crt": "theirs", "tls.key": "theirs", "extra": "theirs"},
    });
    let secret = serde_json::from_value(secret)?;
    Ok(world.objects.secrets().create(&PostParams::default(), &secret).await?)
}

//! `deletionPolicy: Revoke`: what waits for approval is declined, and what was enrolled is revoked.

use anyhow::{Context, Result, ensure};
use harness::{Scene, World, scene};
use serde_json::json;

use crate::{
    account::{accepted, ask, issuer, placed, ready, scm},
    inventory::{admin, gone},
};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    vec![scene("a request is taken back", taken_back(world)), scene("a certificate is revoked", revoked(world))]
}

async fn status(world: &World, id: &str) -> Result<String> {
    let details = admin(world, reqwest::Method::GET, id, None).await?;
    details["status"].as_str().map(str::to_owned).context("no status")
}

async fn taken_back(world: &World) -> Result<()> {
    let spec = issuer(world, json!({"profileId": scm(world)["profiles"]["approved"]}));
    world.objects.create("Issuer", "approving", spec).await?;
    ask(world, "unwanted", json!({"issuerRef": {"name": "approving"}, "deletionPolicy": "Revoke"})).await?;
    let id = placed(world, "unwanted-1").await?;
    world.objects.delete("Certificate", "unwanted").await?;
    gone(world, "unwanted")?;
    ensure!(status(world, &id).await? == "Declined");
    ensure!(accepted(world, "unwanted").await? == [1, 0, 0]);
    Ok(())
}

async fn revoked(world: &World) -> Result<()> {
    ask(world, "revoked", json!({"deletionPolicy": "Revoke"})).await?;
    ready(world, "revoked", 1).await?;
    let id = placed(world, "revoked-1").await?;
    world.objects.delete("Certificate", "revoked").await?;
    gone(world, "revoked")?;
    ensure!(status(world, &id).await? == "Revoked");
    ensure!(world.objects.secret("revoked").await?.is_none(), "the Secret goes with it");
    Ok(())
}

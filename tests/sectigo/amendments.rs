//! A request is amended, and the answer is lost, or the operator dies around the call: the mark in the request tells.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use harness::World;
use serde_json::{Value, json};

use crate::account::{accepted, act, ask, issuer, placed, scm};

/// An Issuer whose enrollments an administrator approves.
async fn approved(world: &World) -> Result<()> {
    let spec = issuer(world, json!({"profileId": scm(world)["profiles"]["approved"]}));
    world.objects.create("Issuer", "amending", spec).await.map(drop)
}

/// Enrolled, and waiting for approval: the id.
async fn enrolled(world: &World, name: &str) -> Result<String> {
    ask(world, name, json!({"issuerRef": {"name": "amending"}})).await?;
    let waits = |object: &Value| object["status"]["state"] == "AwaitingProvider";
    world.objects.until("Issuance", &format!("{name}-1"), "it waits for approval", waits).await?;
    placed(world, &format!("{name}-1")).await
}

async fn edit(world: &World, name: &str) -> Result<()> {
    let names = json!([format!("{name}.example.com"), format!("www.{name}.example.com")]);
    world.objects.patch("Certificate", name, json!({"spec": {"dnsNames": names}})).await
}

/// Under the id it had, for the names of the edit, and bought once.
async fn ends_well(world: &World, name: &str, id: &str) -> Result<()> {
    ensure!(placed(world, &format!("{name}-2")).await? == id, "{name}: another id");
    act(world, id, "approve").await?;
    world.objects.until_ready(name, 2).await?;
    let issuance = world.objects.get("Issuance", &format!("{name}-2")).await?;
    ensure!(issuance["spec"]["operation"] == "Amend", "{}", issuance["spec"]);
    ensure!(accepted(world, name).await? == [1, 0, 0], "{name}: {:#}", issuance["status"]);
    Ok(())
}

pub async fn lost(world: &World) -> Result<()> {
    approved(world).await?;
    let faults = [
        ("amend-reset", json!({"kind": "resetAfterCommit"})),
        ("amend-silent", json!({"kind": "hangAfterCommit"})),
        ("amend-unsent", json!({"kind": "resetBeforeCommit"})),
        ("amend-failed", json!({"kind": "errorBeforeCommit", "status": 503})),
    ];
    let scenes = faults.into_iter().map(async |(name, mut fault)| {
        let id = enrolled(world, name).await?;
        fault["match"] = json!({"operation": "update", "commonName": harness::common_name(name)});
        world.sandbox.fault(&fault).await?;
        edit(world, name).await?;
        ends_well(world, name, &id).await
    });
    try_join_all(scenes).await.map(drop)
}

pub async fn killed(world: &World) -> Result<()> {
    approved(world).await?;
    for (point, name) in [("submit.before", "amend-calling"), ("submit.after", "amend-called")] {
        let mut operator = world.operator().await?;
        let id = enrolled(world, name).await?;
        ensure!(operator.terminate().await? == 0);
        let place = format!("{point}@{name}-2");
        let mut operator = world.operator_with(&[("EVERCERT_DIE_AT", &place)]).await?;
        edit(world, name).await?;
        let code = operator.ended().await?;
        ensure!(code == 128 + 9, "{place}: ended with {code}");
        world.drop_lease().await?;
        let mut operator = world.operator().await?;
        ends_well(world, name, &id).await?;
        ensure!(operator.terminate().await? == 0);
    }
    Ok(())
}

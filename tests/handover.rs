//! The end of a process, and the next one: asked to stop, killed, or robbed of its lease in the middle of a paid call.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{Operator, World, WorldOptions};
use serde_json::{Value, json};
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_asked_to_stop_finishes_its_call() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;

    // Answered late, and not at all.
    for (name, fault) in
        [("late", json!({"kind": "latency", "milliseconds": 1500})), ("never", json!({"kind": "hangAfterCommit"}))]
    {
        let mut operator = world.operator().await?;
        call(&world, name, fault).await?;
        let code = operator.terminate().await?;
        ensure!(code == 0, "ended with {code}: {}", operator.log());
        ensure!(world.leader().await?.is_none_or(|leader| leader.is_empty()), "the lease is not released");
        let issuance = world.objects.get("Issuance", &format!("{name}-1")).await?;
        ensure!(issuance["status"]["orderId"].is_string(), "{name}: {:#}", issuance["status"]);

        let mut next = world.operator().await?;
        finished_once(&world, name).await?;
        next.terminate().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_leads_and_the_other_follows_without_saying_anything_twice() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let mut first = world.operator().await?;
    let leader = world.leader().await?;
    let mut second = world.standby().await?;
    call(&world, "killed", json!({"kind": "hangAfterCommit"})).await?;
    ensure!(world.leader().await? == leader && !leads(&second), "two lead at once");
    first.kill().await?;
    finished_once(&world, "killed").await?;
    ensure!(leads(&second) && world.leader().await? != leader, "nobody has followed: {}", second.log());

    let mut third = world.standby().await?;
    call(&world, "robbed", json!({"kind": "hangAfterCommit"})).await?;
    world.steal_lease().await?;
    let code = second.ended().await?;
    ensure!(code != 0, "lost its lease and ended with {code}");
    finished_once(&world, "robbed").await?;
    ensure!(leads(&third), "nobody has followed: {}", third.log());
    ensure!(third.terminate().await? == 0);
    Ok(())
}

fn leads(operator: &Operator) -> bool {
    operator.log().contains("holding the lease")
}

/// Has a Certificate ordered, with this happening to the call, and returns when the call is under way.
async fn call(world: &World, name: &str, mut fault: Value) -> Result<()> {
    fault["match"] = json!({"operation": "order"});
    let id = world.sandbox.fault(&fault).await?["id"].clone();
    let spec = json!({"issuerRef": {"name": "digicert"}, "secretName": name, "dnsNames": [common_name(name)]});
    world.objects.create("Certificate", name, spec).await?;
    loop {
        let faults = world.sandbox.faults().await?;
        let mut faults = faults["faults"].as_array().into_iter().flatten();
        if faults.any(|fault| fault["id"] == id && fault["hits"] == 1) {
            return Ok(());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn finished_once(world: &World, name: &str) -> Result<()> {
    world.objects.until_ready(name, 1).await?;
    let ledger = world.sandbox.ledger().await?;
    ensure!(ledger.paid(&common_name(name)) == 1, "{name}: {:?}", ledger.operations);
    Ok(())
}

fn common_name(name: &str) -> String {
    format!("{name}.example.com")
}

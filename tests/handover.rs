//! The end of a process, and the next one: asked to stop, killed, or robbed of its lease in the middle of a paid call.

use anyhow::{Result, ensure};
use harness::{Operator, World, WorldOptions};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_asked_to_stop_finishes_its_call() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;

    // Answered late, and not at all.
    for (name, fault) in
        [("late", json!({"kind": "latency", "milliseconds": 1500})), ("never", json!({"kind": "hangAfterCommit"}))]
    {
        let mut operator = world.operator().await?;
        world.ordering(name, fault).await?;
        let code = operator.terminate().await?;
        ensure!(code == 0, "ended with {code}: {}", operator.log());
        ensure!(world.leader().await?.is_none_or(|leader| leader.is_empty()), "the lease is not released");
        let issuance = world.objects.get("Issuance", &format!("{name}-1")).await?;
        ensure!(issuance["status"]["orderId"].is_string(), "{name}: {:#}", issuance["status"]);

        let mut next = world.operator().await?;
        world.ready_and_paid_once(name).await?;
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
    world.ordering("killed", json!({"kind": "hangAfterCommit"})).await?;
    ensure!(world.leader().await? == leader && !leads(&second), "two lead at once");
    first.kill().await?;
    world.ready_and_paid_once("killed").await?;
    ensure!(leads(&second) && world.leader().await? != leader, "nobody has followed: {}", second.log());

    let mut third = world.standby().await?;
    world.ordering("robbed", json!({"kind": "hangAfterCommit"})).await?;
    world.steal_lease().await?;
    let code = second.ended().await?;
    ensure!(code != 0, "lost its lease and ended with {code}");
    world.ready_and_paid_once("robbed").await?;
    ensure!(leads(&third), "nobody has followed: {}", third.log());
    ensure!(third.terminate().await? == 0);
    Ok(())
}

fn leads(operator: &Operator) -> bool {
    operator.log().contains("holding the lease")
}

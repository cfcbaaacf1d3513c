//! A leader that lives, and cannot reach the API server any more.

use anyhow::{Result, ensure};
use harness::{World, WorldOptions};
use serde_json::json;

use crate::link::Link;

/// It is cut off in the middle of a paid call, whose answer it gets and cannot record.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_in_its_call_is_followed_and_nothing_is_said_twice() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let link = Link::to_apiserver(&world).await?;
    let kubeconfig = link.kubeconfig();
    let mut first = world.operator_with(&[("KUBECONFIG", &kubeconfig.to_string_lossy())]).await?;
    let leader = world.leader().await?;
    let mut second = world.standby().await?;
    world.ordering("shop", json!({"kind": "latency", "milliseconds": 1500})).await?;
    link.cut();

    ensure!(first.ended().await? != 0, "cut off, and ended well");
    world.ready_and_paid_once("shop").await?;
    ensure!(world.leader().await? != leader, "nobody has followed: {}", second.log());
    ensure!(second.terminate().await? == 0);
    Ok(())
}

/// As a Deployment is updated: the next process is there before the last one is asked to stop, again and again.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_in_the_middle_of_calls_doubles_nothing() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let mut running = world.operator().await?;
    for version in ["one", "two", "three"] {
        let mut next = world.standby().await?;
        world.ordering(version, json!({"kind": "latency", "milliseconds": 1000})).await?;
        ensure!(running.terminate().await? == 0, "{}", running.log());
        next.until("it works", |log| log.contains("all watches are synced")).await?;
        world.ready_and_paid_once(version).await?;
        running = next;
    }
    Ok(())
}

//! The API server is away for longer than a request waits for it.

use anyhow::{Result, ensure};
use harness::{Times, World, WorldOptions};
use serde_json::json;
use tokio::time::{Duration, sleep};

/// Longer than the operator waits for one answer, and than the call at the CA takes.
const AWAY: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ends_while_the_api_server_is_away_is_not_repeated_and_work_goes_on() -> Result<()> {
    let times = Times { lease: 120, ..Times::default() };
    let world = World::start(WorldOptions { times, ..WorldOptions::default() }).await?;
    let operator = world.operator().await?;
    world.ordering("under-way", json!({"kind": "latency", "milliseconds": 1500})).await?;
    world.plane.freeze_apiserver()?;
    sleep(AWAY).await;
    world.plane.resume_apiserver()?;

    world.ready_and_paid_once("under-way").await?;
    world.objects.ask("later", json!({})).await?;
    world.ready_and_paid_once("later").await?;
    ensure!(!operator.has_ended(), "{}", operator.log());
    Ok(())
}

//! More is logged for a while.

use anyhow::{Result, ensure};
use harness::{World, WorldOptions};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_log_level_changes_while_it_runs() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let operator = world.operator().await?;
    let detailed = |name: &str| {
        let log = operator.log();
        log.lines().any(|line| line.contains("DEBUG") && line.contains("RecordIntent") && line.contains(name))
    };
    for (name, level, details) in [("quiet", "info", false), ("loud", "debug", true), ("quiet-again", "info", false)] {
        operator.set_log_level(level).await?;
        world.objects.ask(name, json!({})).await?;
        world.ready_and_paid_once(name).await?;
        ensure!(detailed(name) == details, "{name}:\n{}", operator.log());
    }
    Ok(())
}

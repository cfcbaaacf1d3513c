//! A year in which every certificate is replaced several times. Minutes: `make verify` runs it.

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use harness::{Operator, SandboxOptions, World, WorldOptions};
use serde_json::json;

use crate::certificate;

const CERTIFICATES: usize = 100;
/// At a time.
const REVISIONS: i64 = 5;
/// What may be added between the first replacement of all and the last, history included.
const MOST: f64 = 1.25;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes"]
async fn memory_stays_flat_over_a_year_of_replacements() -> Result<()> {
    let args = vec!["--rate-limit".to_owned(), "off".to_owned()];
    let sandbox = SandboxOptions { args, ..SandboxOptions::default() };
    let world = World::start(WorldOptions { sandbox, ..WorldOptions::default() }).await?;
    let hasty = json!({"spec": {"rateLimit": {"requests": 10_000, "per": "1s", "burst": 10_000}}});
    world.objects.patch("Issuer", "digicert", hasty).await?;
    let operator = world.operator().await?;
    let names: Vec<String> = (0..CERTIFICATES).map(|n| format!("c{n}")).collect();
    try_join_all(names.iter().map(|name| world.objects.create("Certificate", name, certificate(name)))).await?;
    let mut used = Vec::new();
    for revision in 1..=REVISIONS {
        for name in &names {
            world.objects.until_ready(name, revision).await?;
        }
        used.push(resident(&operator)?);
        // Each is due: within the order, or at its end.
        world.sandbox.advance_days(if revision % 2 == 1 { 170 } else { 190 }).await?;
    }
    let (first, last) = (used[1], used[used.len() - 1]);
    ensure!(last < first * MOST, "resident memory by revision, KiB: {used:?}");
    Ok(())
}

/// KiB.
fn resident(operator: &Operator) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", operator.pid()?))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

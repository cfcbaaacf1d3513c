//! A year of reissues leaves nothing behind in memory.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, ensure};
use harness::{Operator, World, WorldOptions};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

const CERTIFICATES: usize = 24;
/// Between two reissues of each.
const DAYS: u32 = 40;
const ROUNDS: u32 = 9;
/// By then everything has been done at least twice: what grows from here on grows for ever.
const SETTLED: u32 = 2;
/// What is gone is forgotten within a minute.
const PATIENCE: Duration = Duration::from_secs(90);
/// Of the resident memory, over what it was once settled: an allocator returns little, and late.
const GROWTH: f64 = 1.2;

#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_reissues_leaves_nothing_behind() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let issuer = json!({"spec": {
        "digicert": {"product": "ssl_dv_geotrust_flex", "orderValidity": {"years": 3}},
        "rateLimit": {"requests": 100_000, "per": "1s", "burst": 100_000},
    }});
    world.objects.patch("Issuer", "digicert", issuer).await?;
    let operator = world.operator().await?;
    let names: Vec<String> = (0..CERTIFICATES).map(|n| format!("c{n}")).collect();
    for name in &names {
        world.objects.ask(name, json!({"revisionHistoryLimit": 1})).await?;
    }
    for name in &names {
        world.objects.until_ready(name, 1).await?;
    }

    let mut settled = None;
    for round in 1..=ROUNDS {
        world.sandbox.advance_days(DAYS).await?;
        let token = format!("round-{round}");
        let annotations = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": token}}});
        for name in &names {
            world.objects.patch("Certificate", name, annotations.clone()).await?;
        }
        for name in &names {
            reissued(&world, name, &token).await?;
        }
        if round == SETTLED {
            settled = Some((at_rest(&operator, None).await?, resident(&operator)?));
        }
    }
    let (then, memory_then) = settled.context("never settled")?;
    let now = at_rest(&operator, Some(&then)).await?;
    ensure!(now == then, "entries after {SETTLED} rounds: {then:?}, after {ROUNDS}: {now:?}");
    let memory = resident(&operator)?;
    ensure!(memory <= memory_then * GROWTH, "{memory_then} KiB have become {memory}");

    let ledger = world.sandbox.ledger().await?;
    let reissues = ledger.operations.iter().filter(|operation| operation.kind == "reissue").count();
    ensure!(reissues >= CERTIFICATES * ROUNDS as usize, "only {reissues} reissues");
    Ok(())
}

async fn reissued(world: &World, name: &str, token: &str) -> Result<()> {
    let handled = |certificate: &Value| {
        let status = &certificate["status"];
        status["lastHandledReissueRequest"] == token && status["issuance"].is_null()
    };
    world.objects.until("Certificate", name, &format!("{token} is handled"), handled).await?;
    world.objects.until_ready(name, 2).await.map(drop)
}

/// Entries by what they are, once they are as expected, or have not changed for a while.
async fn at_rest(operator: &Operator, expected: Option<&Entries>) -> Result<Entries> {
    let deadline = Instant::now() + PATIENCE;
    let mut before = entries(operator).await?;
    let mut since = Instant::now();
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = entries(operator).await?;
        if now != before {
            (before, since) = (now, Instant::now());
        }
        let rests = match expected {
            Some(expected) => before == *expected,
            None => since.elapsed() > Duration::from_secs(5) && before.values().sum::<u64>() > 0,
        };
        if rests || Instant::now() > deadline {
            return Ok(before);
        }
    }
}

type Entries = BTreeMap<String, u64>;

/// What is remembered beside the watches, and what the watches keep.
async fn entries(operator: &Operator) -> Result<Entries> {
    let metrics = operator.metrics().await?;
    let mut entries = Entries::new();
    for (family, label) in [("evercert_remembered", "what"), ("evercert_watch_objects", "kind")] {
        let family = metrics.families.get(family).with_context(|| format!("no {family}"))?;
        entries.extend(family.samples.iter().map(|sample| (sample.labels[label].clone(), sample.value as u64)));
    }
    Ok(entries)
}

/// KiB.
fn resident(operator: &Operator) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", operator.pid()?))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

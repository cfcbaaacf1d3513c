//! The same against the CA's real rate limit: how much of it is used, and that it is never exceeded.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::{
    report::Limited,
    stage::{Stage, end},
};

/// CertCentral Services API, *Rate limits*.
const LIMIT: &str = "1000/180,100/5";
const SUSTAINED: f64 = 1000.0 / 180.0;
/// The burst at the start is no rate.
const WARM_UP: Duration = Duration::from_secs(10);
/// Longer than the longest window of the limit.
const LONGEST: Duration = Duration::from_secs(200);
/// More than can be issued in that time.
const MOST: usize = 600;
const GLANCE: Duration = Duration::from_millis(500);

pub async fn measure(size: usize) -> Result<Limited> {
    let size = size.min(MOST);
    let mut stage = Stage::set(LIMIT).await?;
    stage.check_account().await?;
    stage.create((0..size).map(|n| format!("c{n}"))).await?;
    let mut readiness = stage.watch();
    let mut operator = stage.operator()?;
    operator.until("it works", |log| log.contains("all watches are synced")).await?;

    sleep(WARM_UP).await;
    let (before, started) = (count(&operator, None).await?, Instant::now());
    let all = readiness.until(size);
    tokio::pin!(all);
    let (mut calls, mut took) = (before, Duration::ZERO);
    while took < LONGEST - WARM_UP {
        tokio::select! {
            done = &mut all => { done?; break }
            () = sleep(GLANCE) => (calls, took) = (count(&operator, None).await?, started.elapsed()),
        }
    }
    let refused = count(&operator, Some("rate_limited")).await?;
    end(operator).await?;
    Ok(Limited { share: (calls - before) / took.as_secs_f64() / SUSTAINED, refused })
}

/// Calls to the CA so far, of one class or all.
async fn count(operator: &harness::Operator, class: Option<&str>) -> Result<f64> {
    let metrics = operator.metrics().await?;
    let samples = metrics.families.get("evercert_ca_calls").map(|family| family.samples.as_slice()).unwrap_or_default();
    let wanted = samples.iter().filter(|sample| class.is_none_or(|class| sample.labels["class"] == class));
    Ok(wanted.map(|sample| sample.value).fold(0.0, |sum, value| sum + value))
}

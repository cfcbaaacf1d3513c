//! One size, without a rate limit: how fast, and what it costs.

use std::time::Duration;

use anyhow::{Context, Result};
use harness::World;
use tokio::time::{Instant, sleep};

use crate::{
    process::{Process, Servers},
    reference::{self, Mix},
    report::Figures,
    stage::{Stage, end, rest},
};

/// How long writes at rest are counted.
const AT_REST: Duration = Duration::from_secs(30);
/// Between two looks at the operator's connections.
const GLANCE: Duration = Duration::from_millis(500);

pub async fn measure(size: usize) -> Result<Figures> {
    let mut stage = Stage::set("off").await?;
    let secrets_per_second = reference::secrets_per_second(&stage.world).await?;
    stage.unlimited().await?;
    stage.check_account().await?;
    stage.create((0..size).map(|n| format!("c{n}"))).await?;

    let mut readiness = stage.watch();
    let mut operator = stage.operator()?;
    operator.until("it works", |log| log.contains("all watches are synced")).await?;
    let servers = Servers::of(&stage.world.plane)?;
    let (started, idle) = (Instant::now(), servers.cpu_seconds()?);
    let process = Process(operator.pid()?);
    let port = api_port(&stage.world).await?;
    let mut connections = 0;
    let all = readiness.until(size);
    tokio::pin!(all);
    let finished = loop {
        tokio::select! {
            finished = &mut all => break finished?,
            () = sleep(GLANCE) => connections = connections.max(process.connections(port)?),
        }
    };
    let took = finished - started;
    let (cpu, control_plane) = (process.cpu_seconds()?, servers.cpu_seconds()? - idle);
    let peak = process.peak_rss()?;
    // What comes after Ready belongs to the certificate as well.
    let mut writes = stage.audit.read()?;
    sleep(Duration::from_secs(3)).await;
    writes.add(&stage.audit.read()?);
    rest(&mut stage.audit).await?;
    sleep(AT_REST).await;
    let at_rest = stage.audit.read()?.total();
    let resting = process.rss()?;
    let calls = calls(&operator).await?;

    end(operator).await?;
    let restart = restart(&stage).await?;

    let each = |verb: &str, resource: &str| {
        let count = writes.0.get(&(verb.to_owned(), resource.to_owned())).copied().unwrap_or_default();
        (count + size as u64 / 2) / size as u64
    };
    let mix = Mix::of(&stage.world, "c0", each).await?;
    let (same_mix, same_mix_control_plane) = mix.per_second(&stage.world, connections.max(1)).await?;
    Ok(Figures {
        certificates_per_second: size as f64 / took.as_secs_f64(),
        secrets_per_second,
        same_mix,
        connections,
        writes: writes.0.into_iter().map(|(what, count)| (what, count as f64 / size as f64)).collect(),
        calls: calls / size as f64,
        cpu_seconds: cpu / size as f64,
        control_plane: control_plane / size as f64,
        same_mix_control_plane,
        peak_rss: peak,
        resting_rss: resting,
        restart: restart.as_secs_f64(),
        writes_per_minute_at_rest: at_rest as f64 * 60.0 / AT_REST.as_secs_f64(),
        limited: None,
    })
}

/// From the start of a process to its first decision on a Certificate that nobody has looked at yet.
async fn restart(stage: &Stage) -> Result<Duration> {
    stage.create(std::iter::once("late".to_owned())).await?;
    let mut readiness = stage.watch();
    let started = Instant::now();
    let operator = stage.operator()?;
    let issued = async {
        loop {
            if readiness.next().await?.name == "late" && decided(&stage.world).await? {
                return anyhow::Ok(started.elapsed());
            }
        }
    };
    let took = issued.await?;
    end(operator).await?;
    Ok(took)
}

async fn decided(world: &World) -> Result<bool> {
    Ok(world.objects.get("Certificate", "late").await?["status"]["conditions"].is_array())
}

/// Calls to the CA so far.
async fn calls(operator: &harness::Operator) -> Result<f64> {
    let metrics = operator.metrics().await?;
    let family = metrics.families.get("evercert_ca_calls").context("calls are not counted")?;
    Ok(family.samples.iter().map(|sample| sample.value).sum())
}

async fn api_port(world: &World) -> Result<u16> {
    let config = std::fs::read_to_string(world.plane.kubeconfig())?;
    let config: serde_json::Value = serde_json::from_str(&config)?;
    let server = config["clusters"][0]["cluster"]["server"].as_str().context("no server")?;
    server.rsplit(':').next().context("no port")?.parse().context("the API server's port")
}

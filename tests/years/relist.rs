//! Watches that cannot go on where they were: everything is listed anew, in several pages.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use harness::{Times, World, WorldOptions, common_name, condition};
use serde_json::{Value, json};

/// More than the operator lists at once.
const FILLERS: usize = 230;

/// While the operator sees nothing, Certificates come, change and go, etcd forgets what was, and the API server that
/// remembered is replaced.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_after_a_compaction_loses_and_doubles_nothing() -> Result<()> {
    let times = Times { lease: 600, ..Times::default() };
    let mut world = World::start(WorldOptions { times, ..WorldOptions::default() }).await?;
    let objects = world.objects.clone();
    // They are refused, and cheap.
    let filler = |n: usize| {
        let (objects, name) = (objects.clone(), format!("filler-{n}"));
        async move { objects.ask(&name, json!({"issuerRef": {"name": "nobody"}})).await }
    };
    try_join_all((0..FILLERS).map(filler)).await?;
    let operator = world.operator().await?;
    for name in ["kept", "changed", "deleted"] {
        objects.ask(name, json!({})).await?;
    }
    for name in ["kept", "changed", "deleted"] {
        objects.until_ready(name, 1).await?;
    }

    operator.signal("-STOP")?;
    let more = json!({"spec": {"dnsNames": [common_name("changed"), "www.changed.example.com"]}});
    objects.patch("Certificate", "changed", more).await?;
    objects.delete("Certificate", "deleted").await?;
    objects.ask("new", json!({})).await?;
    filler(FILLERS).await?;
    let etcd = world.plane.etcd().to_owned();
    world.plane.restart_apiserver(async move { compact(&etcd).await }).await?;
    operator.signal("-CONT")?;

    objects.until_ready("new", 1).await?;
    objects.until_ready("changed", 2).await?;
    let told = |filler: &Value| condition(filler, "Ready").is_some();
    objects.until("Certificate", &format!("filler-{FILLERS}"), "it is looked at", told).await?;
    ensure!(operator.log().contains("watch failed"), "no watch had to begin anew:\n{}", operator.log());
    let ledger = world.sandbox.ledger().await?;
    for (name, orders, reissues) in [("kept", 1, 0), ("changed", 1, 1), ("deleted", 1, 0), ("new", 1, 0)] {
        let name = common_name(name);
        let counted = (ledger.count("order", &name), ledger.count("reissue", &name));
        ensure!(counted == (orders, reissues), "{name}: {counted:?}");
    }
    Ok(())
}

/// Forgets every revision but the newest.
async fn compact(etcd: &str) -> Result<()> {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let post = async |path: &str, body: Value| {
        let answer = http.post(format!("{etcd}/v3/kv/{path}")).json(&body).send().await?.error_for_status()?;
        anyhow::Ok(answer.json::<Value>().await?)
    };
    let newest = post("range", json!({"key": "Lw=="})).await?["header"]["revision"].clone();
    let newest = newest.as_str().context("a revision")?;
    post("compaction", json!({"revision": newest, "physical": true})).await.map(drop)
}

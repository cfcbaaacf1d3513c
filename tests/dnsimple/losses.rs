//! The answer to one of the calls is lost, garbled or a refusal, or the operator dies around it: looked for by names and
//! time, since nothing of ours goes along with a purchase.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use harness::World;
use serde_json::{Value, json};

use crate::account::{accepted, ask, number, ready};

/// The calls that leave something behind, as the sandbox names them.
const CALLS: [&str; 4] = ["order", "issue", "renew", "issueRenewal"];

fn renews(call: &str) -> bool {
    matches!(call, "renew" | "issueRenewal")
}

fn revision(call: &str) -> i64 {
    if renews(call) { 2 } else { 1 }
}

fn name(call: &str, what: &str) -> String {
    format!("{}-{what}", call.to_lowercase())
}

async fn prepare(world: &World, names: &[(&'static str, String)]) -> Result<()> {
    let before = || names.iter().filter(|(call, _)| renews(call));
    for (_, name) in before() {
        ask(world, "letsencrypt", name, json!({"renewal": {"before": "1h"}})).await?;
    }
    try_join_all(before().map(|(_, name)| ready(world, name, 1))).await?;
    // So that they can be made due, and what follows them is not.
    world.sandbox.advance_days(2).await
}

async fn begin(world: &World, call: &str, name: &str) -> Result<()> {
    match renews(call) {
        false => ask(world, "letsencrypt", name, json!({"renewal": {"before": "1h"}})).await,
        true => {
            // Not so what it brings, which begins with its day.
            let due = json!({"spec": {"renewal": {"before": "2135h"}}});
            world.objects.patch("Certificate", name, due).await
        }
    }
}

/// Served, and bought as often as was recorded. A renewal whose number is lost with its answer is bought anew.
async fn ends_well(world: &World, call: &str, name: &str, bought: &[[usize; 3]]) -> Result<()> {
    let first = revision(call);
    let installed =
        |object: &Value| object["status"]["revision"].as_i64() >= Some(first) && object["status"]["issuance"].is_null();
    world.objects.until("Certificate", name, "it is issued", installed).await?;
    let counts = accepted(world, name).await?;
    let mut recorded = 0;
    for issuance in world.objects.list("Issuance").await? {
        if issuance["spec"]["certificateRef"]["name"] == name {
            recorded += issuance["spec"]["submissions"].as_array().map_or(0, Vec::len);
        }
    }
    ensure!(counts.iter().sum::<usize>() <= recorded, "I2: {name}: {counts:?} of {recorded}");
    ensure!(bought.contains(&counts), "{name}: {counts:?}");
    Ok(())
}

/// What may have been bought in the end, of purchases and renewals.
fn expected(call: &str, committed: bool) -> &'static [[usize; 3]] {
    match (call, committed) {
        ("order" | "issue", _) => &[[1, 0, 0]],
        ("renew", true) => &[[2, 1, 0]],
        _ => &[[1, 1, 0]],
    }
}

pub async fn play(world: &World) -> Result<()> {
    let faults = [
        ("reset", true, json!({"kind": "resetAfterCommit"})),
        ("error", true, json!({"kind": "errorAfterCommit", "status": 503})),
        ("garbled", true, json!({"kind": "nonJson"})),
        ("silent", true, json!({"kind": "hangAfterCommit"})),
        ("unsent", false, json!({"kind": "resetBeforeCommit"})),
        ("failed", false, json!({"kind": "errorBeforeCommit", "status": 503})),
        ("limited", false, json!({"kind": "rateLimit", "retryAfter": 2})),
    ];
    let cases: Vec<(&str, String)> =
        faults.iter().flat_map(|(what, ..)| CALLS.map(|call| (call, name(call, what)))).collect();
    prepare(world, &cases).await?;
    let told_apart = CALLS.into_iter().filter(|call| *call != "issue");
    let scenes = told_apart.flat_map(|call| {
        faults
            .iter()
            .map(move |(what, committed, fault)| scene(world, call, name(call, what), *committed, fault.clone()))
    });
    try_join_all(scenes).await?;
    // Nothing tells beforehand which certificate will be issued.
    for (what, committed, fault) in faults {
        scene(world, "issue", name("issue", what), committed, fault).await?;
    }
    Ok(())
}

async fn scene(world: &World, call: &str, name: String, committed: bool, mut fault: Value) -> Result<()> {
    fault["match"] = json!({"operation": call});
    match call {
        "order" => fault["match"]["commonName"] = json!(harness::common_name(&name)),
        "issue" => {}
        _ => {
            let id = number(&world.objects.get("Certificate", &name).await?)?;
            fault["match"]["path"] = json!(format!("*/letsencrypt/{id}/renewals*"));
        }
    }
    world.sandbox.fault(&fault).await?;
    begin(world, call, &name).await?;
    ends_well(world, call, &name, expected(call, committed)).await
}

/// The operator is killed with -9 around each call, and started again.
pub async fn kills(world: &World) -> Result<()> {
    let points = [
        ("submit.before", false, [true, false, true, false]),
        ("submit.after", true, [true, false, true, false]),
        ("record.after", true, [true, false, false, false]),
        ("issue.before", false, [false, true, false, true]),
        ("issue.after", false, [false, true, false, true]),
        ("key.kept", false, [false, true, false, true]),
    ];
    let deaths: Vec<(&str, &'static str, String, bool)> = points
        .iter()
        .flat_map(|(point, lost, at)| {
            let calls = CALLS.into_iter().zip(at).filter(|(_, at)| **at);
            calls.map(|(call, _)| (*point, call, name(call, &point.replace('.', "-")), *lost))
        })
        .collect();
    let mut operator = world.operator().await?;
    let cases: Vec<(&str, String)> = deaths.iter().map(|(_, call, name, _)| (*call, name.clone())).collect();
    prepare(world, &cases).await?;
    ensure!(operator.terminate().await? == 0);
    for (point, call, name, _) in &deaths {
        let place = format!("{point}@{name}-{}", revision(call));
        let mut operator = world.operator_with(&[("EVERCERT_DIE_AT", &place)]).await?;
        begin(world, call, name).await?;
        let code = operator.ended().await?;
        ensure!(code == 128 + 9, "{place}: ended with {code}");
        world.drop_lease().await?;
    }
    let _operator = world.operator().await?;
    let ends = deaths.iter().map(|(_, call, name, lost)| ends_well(world, call, name, expected(call, *lost)));
    try_join_all(ends).await.map(drop)
}

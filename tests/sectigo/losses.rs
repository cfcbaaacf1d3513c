//! The answer to the one call is lost, garbled, or a refusal; or it is an acceptance that does not say of what.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use harness::World;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::{accepted, ask, ready, reissue};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Enroll,
    Replace,
    Renew,
}

pub const OPERATIONS: [Operation; 3] = [Operation::Enroll, Operation::Replace, Operation::Renew];

impl Operation {
    /// As the sandbox calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enroll => "enroll",
            Self::Replace => "replace",
            Self::Renew => "renew",
        }
    }

    pub fn revision(self) -> i64 {
        if self == Self::Enroll { 1 } else { 2 }
    }

    /// Enrollments, renewals and replacements in all, when it was accepted once.
    pub fn once(self) -> [usize; 3] {
        match self {
            Self::Enroll => [1, 0, 0],
            Self::Replace => [1, 0, 1],
            Self::Renew => [1, 1, 0],
        }
    }
}

/// A Certificate to which this happens.
pub fn name(operation: Operation, what: &str) -> String {
    format!("{}-{what}", operation.word())
}

/// Enrolled before, where the operation needs it.
pub async fn prepare(world: &World, names: &[(Operation, String)]) -> Result<()> {
    let before = || names.iter().filter(|(operation, _)| *operation != Operation::Enroll);
    for (_, name) in before() {
        ask(world, name, json!({"renewal": {"before": "1h"}})).await?;
    }
    try_join_all(before().map(|(_, name)| ready(world, name, 1))).await?;
    // So that they can be made due, and what follows them is not.
    world.sandbox.advance_days(2).await
}

pub async fn begin(world: &World, operation: Operation, name: &str) -> Result<()> {
    match operation {
        Operation::Enroll => ask(world, name, json!({"renewal": {"before": "1h"}})).await,
        Operation::Replace => reissue(world, name, "now", None).await,
        Operation::Renew => {
            let due = json!({"spec": {"renewal": {"before": "2159h"}}});
            world.objects.patch("Certificate", name, due).await
        }
    }
}

/// Ready, accepted once, and nothing more is due.
pub async fn ends_well(world: &World, operation: Operation, name: &str) -> Result<Value> {
    if operation == Operation::Renew {
        // What it brings would be due at once.
        let installed = |object: &Value| object["status"]["revision"] == operation.revision();
        world.objects.until("Certificate", name, "it is renewed", installed).await?;
    }
    ready(world, name, operation.revision()).await?;
    let counts = accepted(world, name).await?;
    let issuance = world.objects.get("Issuance", &format!("{name}-{}", operation.revision())).await?;
    ensure!(counts == operation.once(), "{name}: {counts:?}: {:#}", issuance["status"]);
    Ok(issuance)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    Accepted,
    Doubtful,
    Refused,
}

fn faults() -> [(&'static str, Truth, Value); 7] {
    [
        ("reset", Truth::Accepted, json!({"kind": "resetAfterCommit"})),
        ("error", Truth::Accepted, json!({"kind": "errorAfterCommit", "status": 503})),
        ("garbled", Truth::Accepted, json!({"kind": "nonJson"})),
        ("silent", Truth::Accepted, json!({"kind": "hangAfterCommit"})),
        ("unsent", Truth::Doubtful, json!({"kind": "resetBeforeCommit"})),
        ("failed", Truth::Doubtful, json!({"kind": "errorBeforeCommit", "status": 503})),
        ("limited", Truth::Refused, json!({"kind": "rateLimit", "retryAfter": 2})),
    ]
}

pub async fn play(world: &World) -> Result<()> {
    let cases: Vec<(Operation, String)> =
        faults().iter().flat_map(|(what, ..)| OPERATIONS.map(|operation| (operation, name(operation, what)))).collect();
    prepare(world, &cases).await?;
    let scenes = faults().into_iter().flat_map(|(what, truth, fault)| {
        OPERATIONS.map(|operation| scene(world, operation, name(operation, what), truth, fault.clone()))
    });
    try_join_all(scenes).await?;
    without_id(world).await
}

async fn scene(world: &World, operation: Operation, name: String, truth: Truth, fault: Value) -> Result<()> {
    let mut fault = fault;
    fault["match"] = json!({"operation": operation.word(), "commonName": harness::common_name(&name)});
    world.sandbox.fault(&fault).await?;
    begin(world, operation, &name).await?;
    if truth == Truth::Doubtful && operation != Operation::Replace {
        let issuance = format!("{name}-{}", operation.revision());
        world.objects.until_issuance(&issuance, "NeedsAttention").await?;
        resolve(world, &issuance, "NotPlaced", "looked in SCM: there is none")?;
    }
    ends_well(world, operation, &name).await.map(drop)
}

/// What a person says who has looked at SCM.
pub fn resolve(world: &World, issuance: &str, reason: &str, message: &str) -> Result<()> {
    let now = Timestamp::now().round(jiff::Unit::Second)?;
    let condition =
        json!({"type": "Resolved", "status": "True", "reason": reason, "message": message, "lastTransitionTime": now});
    let patch = json!([{"op": "add", "path": "/status/conditions/-", "value": condition}]).to_string();
    let namespace = &world.objects.namespace;
    let words = ["patch", "evisn", issuance, "-n", namespace, "--subresource=status", "--type=json", "-p", &patch];
    world.kubectl(&words).map(drop)
}

/// A renewal is accepted with 204, which names no certificate: it is looked for, and found by its key.
async fn without_id(world: &World) -> Result<()> {
    let cases = [(Operation::Renew, "renew-unnamed".to_owned())];
    prepare(world, &cases).await?;
    let id = crate::account::scm(world)["customerId"].clone();
    let settings = json!({"settings": {"renewalWithholdsId": true}});
    world.sandbox.post(&format!("/_sandbox/scm/customers/{id}"), &settings).await?;
    let [(operation, name)] = &cases;
    begin(world, *operation, name).await?;
    let issuance = ends_well(world, *operation, name).await?;
    ensure!(issuance["spec"]["submissions"].as_array().is_some_and(|made| made.len() == 1), "called once");
    Ok(())
}

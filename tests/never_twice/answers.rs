//! The answer to the one call is lost, garbled, late, or a refusal.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::stage::{Case, OPERATIONS, Stage, outcomes};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    /// The CA has it: a look finds it, and nothing is said again.
    Accepted,
    /// The CA does not have it, but nobody can know.
    Doubtful,
    /// The CA has said that it does not have it.
    Refused,
}

fn faults() -> [(&'static str, Truth, Value); 15] {
    [
        ("reset", Truth::Accepted, json!({"kind": "resetAfterCommit"})),
        ("error", Truth::Accepted, json!({"kind": "errorAfterCommit", "status": 502})),
        ("truncated", Truth::Accepted, json!({"kind": "truncateBody"})),
        ("garbled", Truth::Accepted, json!({"kind": "nonJson"})),
        ("silent", Truth::Accepted, json!({"kind": "hangAfterCommit"})),
        ("unsent", Truth::Doubtful, json!({"kind": "resetBeforeCommit"})),
        ("failed", Truth::Doubtful, json!({"kind": "errorBeforeCommit", "status": 503})),
        ("limited", Truth::Refused, json!({"kind": "rateLimit", "retryAfter": 2})),
        ("hushed", Truth::Refused, json!({"kind": "rateLimit"})),
        ("kept-reset", Truth::Accepted, json!({"kind": "resetAfterCommit"})),
        ("kept-silent", Truth::Accepted, json!({"kind": "hangAfterCommit"})),
        ("kept-unsent", Truth::Doubtful, json!({"kind": "resetBeforeCommit"})),
        ("csr-reset", Truth::Accepted, json!({"kind": "resetAfterCommit"})),
        ("csr-silent", Truth::Accepted, json!({"kind": "hangAfterCommit"})),
        ("csr-unsent", Truth::Doubtful, json!({"kind": "resetBeforeCommit"})),
    ]
}

pub fn cases() -> Vec<Case> {
    let each = |(name, ..): (&'static str, Truth, Value)| OPERATIONS.map(|operation| Case { operation, name });
    faults().into_iter().flat_map(each).collect()
}

pub async fn play(stage: &Stage) -> Result<()> {
    let scenes = faults().into_iter().flat_map(|(name, truth, fault)| {
        OPERATIONS.map(|operation| scene(stage, Case { operation, name }, truth, fault.clone()))
    });
    try_join_all(scenes).await.map(drop)
}

async fn scene(stage: &Stage, case: Case, truth: Truth, fault: Value) -> Result<()> {
    stage.fault(&case, &fault).await?;
    stage.begin(&case).await?;
    if truth == Truth::Doubtful && case.operation.is_paid() {
        stage.asks(&case).await?;
        ensure!(stage.accepted(&case).await? == 0, "{case:?}: placed, although the fault is {fault}");
        stage.resolve(&case, "NotPlaced", "looked in the console: there is none")?;
    }
    let issuance = stage.ends_well(&case).await?;
    let expected: &[&str] = match truth {
        // The look's finding takes the place of the answer.
        Truth::Accepted => &["Accepted"],
        Truth::Doubtful => &["Ambiguous", "Accepted"],
        Truth::Refused => &["RateLimited", "Accepted"],
    };
    ensure!(outcomes(&issuance) == expected, "{case:?}: {:#}", issuance["status"]["outcomes"]);
    ensure!(stage.has_hit(&case).await?, "{case:?}: {fault} never happened");
    Ok(())
}

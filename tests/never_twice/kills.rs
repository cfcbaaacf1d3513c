//! The operator is killed with -9 at every point of the way, and started again.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use harness::Operator;

use crate::stage::{Case, OPERATIONS, Operation, Stage};

/// What the next process can know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// No intent is recorded: there was no call.
    Nothing,
    /// An intent, and there was no call.
    Intent,
    /// The CA has it.
    Accepted,
}

/// Where it dies, under the name of the Certificate that dies there.
const POINTS: [(&str, &str, Left); 8] = [
    ("key.after", "keyed", Left::Nothing),
    ("intent.before", "meant", Left::Nothing),
    ("intent.after", "recorded", Left::Intent),
    ("submit.before", "calling", Left::Intent),
    ("submit.after", "called", Left::Accepted),
    ("record.after", "told", Left::Accepted),
    ("install.before", "fetched", Left::Accepted),
    ("install.after", "installed", Left::Accepted),
];

/// The same where the key that is served is used again.
const KEPT: [(&str, &str, Left); 4] = [
    ("key.after", "kept-keyed", Left::Nothing),
    ("submit.before", "kept-calling", Left::Intent),
    ("submit.after", "kept-called", Left::Accepted),
    ("install.before", "kept-fetched", Left::Accepted),
];

/// The same where the key is held elsewhere, and its CSR used again.
const BY_CSR: [(&str, &str, Left); 4] = [
    ("key.after", "csr-keyed", Left::Nothing),
    ("submit.before", "csr-calling", Left::Intent),
    ("submit.after", "csr-called", Left::Accepted),
    ("install.before", "csr-fetched", Left::Accepted),
];

/// Each operation at each point.
fn deaths() -> impl Iterator<Item = (&'static str, Case, Left)> {
    let at = |points: &'static [(&'static str, &'static str, Left)]| {
        move |operation| points.iter().map(move |&(point, name, left)| (point, Case { operation, name }, left))
    };
    let again = [Operation::Reissue, Operation::Renew];
    let bought = [Operation::Order, Operation::Reissue, Operation::Renew];
    let by_csr = bought.into_iter().flat_map(at(&BY_CSR));
    OPERATIONS.into_iter().flat_map(at(&POINTS)).chain(again.into_iter().flat_map(at(&KEPT))).chain(by_csr)
}

pub fn cases() -> Vec<Case> {
    deaths().map(|(_, case, _)| case).collect()
}

pub async fn play(stage: &Stage, mut operator: Operator) -> Result<()> {
    let code = operator.terminate().await?;
    ensure!(code == 0, "ended with {code}");
    let mut begun_anew: Option<Case> = None;
    for (point, case, left) in deaths() {
        let place = format!("{point}@{}", case.issuance());
        let mut operator = stage.world.operator_with(&[("EVERCERT_DIE_AT", &place)]).await?;
        if let Some(before) = begun_anew.take() {
            // Or this death would be its death too, at some other point.
            stage.ends_well(&before).await?;
        }
        stage.begin(&case).await?;
        let code = operator.ended().await?;
        ensure!(code == 128 + 9, "{place}: ended with {code}");
        stage.world.drop_lease().await?;
        begun_anew = Some(case).filter(|_| left == Left::Nothing);
    }
    let _operator = stage.world.operator().await?;
    try_join_all(deaths().map(|(_, case, left)| end(stage, case, left))).await.map(drop)
}

async fn end(stage: &Stage, case: Case, left: Left) -> Result<()> {
    if case.operation.is_paid() && left == Left::Intent {
        // Nobody alive knows that the call was never made.
        stage.asks(&case).await?;
        ensure!(stage.accepted(&case).await? == 0, "{case:?}: it died before the call");
        stage.resolve(&case, "NotPlaced", "looked in the console: there is none")?;
    }
    stage.ends_well(&case).await.map(drop)
}

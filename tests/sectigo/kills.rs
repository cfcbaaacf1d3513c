//! The operator is killed with -9 around each call, and started again.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use harness::World;

use crate::losses::{OPERATIONS, Operation, begin, ends_well, name, prepare, resolve};

/// What the next process can know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    Intent,
    Accepted,
}

const POINTS: [(&str, &str, Left); 3] = [
    ("submit.before", "calling", Left::Intent),
    ("submit.after", "called", Left::Accepted),
    ("record.after", "told", Left::Accepted),
];

fn deaths() -> impl Iterator<Item = (&'static str, Operation, String, Left)> {
    let at = |(point, what, left)| OPERATIONS.map(move |operation| (point, operation, name(operation, what), left));
    POINTS.into_iter().flat_map(at)
}

pub async fn play(world: &World) -> Result<()> {
    let mut operator = world.operator().await?;
    let cases: Vec<(Operation, String)> = deaths().map(|(_, operation, name, _)| (operation, name)).collect();
    prepare(world, &cases).await?;
    ensure!(operator.terminate().await? == 0);
    for (point, operation, name, _) in deaths() {
        let place = format!("{point}@{name}-{}", operation.revision());
        let mut operator = world.operator_with(&[("EVERCERT_DIE_AT", &place)]).await?;
        begin(world, operation, &name).await?;
        let code = operator.ended().await?;
        ensure!(code == 128 + 9, "{place}: ended with {code}");
        world.drop_lease().await?;
    }
    let _operator = world.operator().await?;
    try_join_all(deaths().map(|(_, operation, name, left)| end(world, operation, name, left))).await.map(drop)
}

async fn end(world: &World, operation: Operation, name: String, left: Left) -> Result<()> {
    if left == Left::Intent && operation != Operation::Replace {
        // Nobody alive knows that the call was never made.
        let issuance = format!("{name}-{}", operation.revision());
        world.objects.until_issuance(&issuance, "NeedsAttention").await?;
        resolve(world, &issuance, "NotPlaced", "looked in SCM: there is none")?;
    }
    ends_well(world, operation, &name).await.map(drop)
}

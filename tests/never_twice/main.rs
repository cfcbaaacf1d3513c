//! Never twice: whatever becomes of the one call of an order, a reissue or a renewal, the CA has accepted it once, and
//! the Certificate becomes Ready with the key that was asked for, or stops and says what a person has to look at.

mod answers;
mod away;
mod hidden;
mod kills;
mod stage;

use anyhow::Result;
use harness::{Times, WorldOptions};

use crate::{away::Door, stage::Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_for_and_nothing_is_bought_again() -> Result<()> {
    let door = Door::open().await?;
    let cases: Vec<_> = answers::cases().into_iter().chain(hidden::cases()).collect();
    let options = WorldOptions {
        times: Times { call: 5, lease: 20, settle: 5 },
        operator: vec!["--allowed-provider-hosts".into(), door.address()],
        ..WorldOptions::default()
    };
    let (stage, _operator) = Stage::set(&cases, options).await?;
    tokio::try_join!(answers::play(&stage), hidden::play(&stage), away::play(&stage, door)).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_point_is_recovered_from_and_nothing_is_bought_again() -> Result<()> {
    let options = WorldOptions { times: Times { call: 3, lease: 11, settle: 3 }, ..WorldOptions::default() };
    let (stage, operator) = Stage::set(&kills::cases(), options).await?;
    kills::play(&stage, operator).await
}

//! Certificates of Sectigo Certificate Manager, on a real API server and the sandbox: a life, people who decide, what is
//! found out before money is spent, and answers that are lost.

mod account;
mod kills;
mod life;
mod losses;
mod people;
mod preflight;

use anyhow::Result;
use harness::{Times, play};

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_enrolled_replaced_free_and_renewed_once() -> Result<()> {
    let world = account::world(Times::default()).await?;
    let _operator = world.operator().await?;
    life::play(&world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_decide_and_profiles_allow_is_told_and_costs_nothing_more() -> Result<()> {
    let world = account::world(Times::default()).await?;
    let _operator = world.operator().await?;
    play(people::scenes(&world).into_iter().chain(preflight::scenes(&world))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_for_and_nothing_is_bought_again() -> Result<()> {
    let world = account::world(Times { call: 5, lease: 20, settle: 5 }).await?;
    let _operator = world.operator().await?;
    losses::play(&world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_point_is_recovered_from_and_nothing_is_bought_again() -> Result<()> {
    let world = account::world(Times { call: 3, lease: 11, settle: 3 }).await?;
    kills::play(&world).await
}

//! Certificates of Sectigo Certificate Manager, on a real API server and the sandbox: a life, people who decide, what is
//! found out before money is spent, answers that are lost, and where SCM's inventory has them.

mod account;
mod amendments;
mod deletion;
mod inventory;
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
    play(people::scenes(&world).into_iter().chain(preflight::scenes(&world)).chain(deletion::scenes(&world))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_for_and_nothing_is_bought_again() -> Result<()> {
    let world = account::world(Times { call: 5, lease: 20, settle: 5 }).await?;
    let _operator = world.operator().await?;
    losses::play(&world).await?;
    amendments::lost(&world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_point_is_recovered_from_and_nothing_is_bought_again() -> Result<()> {
    let world = account::world(Times { call: 3, lease: 11, settle: 3 }).await?;
    kills::play(&world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn scm_s_inventory_follows_a_certificate() -> Result<()> {
    let world = account::world(Times::default()).await?;
    let _operator = world.operator().await?;
    inventory::follows(&world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_that_refuses_is_in_nobody_s_way() -> Result<()> {
    let world = account::world_with(Times::default(), &["--give-up-after", "3s"]).await?;
    let _operator = world.operator().await?;
    inventory::refuses(&world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_before_a_death_is_known_after_it() -> Result<()> {
    let world = account::world(Times::default()).await?;
    inventory::dies(&world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_around_an_amendment_changes_the_request_once() -> Result<()> {
    let world = account::world(Times { call: 3, lease: 11, settle: 3 }).await?;
    amendments::killed(&world).await
}

//! Certificates of DNSimple, on a real API server and the sandbox: Let's Encrypt by the API, free, with DNSimple's own
//! keys; and those that only people can have issued, asked for, reminded of and collected.

mod account;
mod by_hand;
mod life;
mod losses;

use anyhow::Result;
use harness::{Times, play};

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_bought_renewed_and_downloaded_again() -> Result<()> {
    let world = account::world(Times::default()).await?;
    let _operator = world.operator().await?;
    play(life::scenes(&world)).await?;
    life::renewal(&world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_have_issued_is_asked_for_and_collected() -> Result<()> {
    let world = account::world(Times::default()).await?;
    let _operator = world.operator().await?;
    play(by_hand::scenes(&world)).await?;
    by_hand::reminders(&world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_for_and_nothing_is_bought_twice() -> Result<()> {
    let world = account::world(Times { call: 5, lease: 20, settle: 5 }).await?;
    let _operator = world.operator().await?;
    losses::play(&world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_point_is_recovered_from_and_nothing_is_bought_twice() -> Result<()> {
    let world = account::world(Times { call: 3, lease: 11, settle: 3 }).await?;
    losses::kills(&world).await
}

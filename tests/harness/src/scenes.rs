//! Many short stories in one world, told at the same time.

use anyhow::{Result, ensure};
use futures::{
    FutureExt,
    future::{LocalBoxFuture, join_all},
};

/// A story under its name.
pub type Scene<'a> = (&'static str, LocalBoxFuture<'a, Result<()>>);

pub fn scene<'a>(name: &'static str, play: impl Future<Output = Result<()>> + 'a) -> Scene<'a> {
    (name, play.boxed_local())
}

/// Plays them all to their end, and reports every one that failed.
pub async fn play<'a>(scenes: impl IntoIterator<Item = Scene<'a>>) -> Result<()> {
    let played = join_all(scenes.into_iter().map(async |(name, scene)| (name, scene.await))).await;
    let failed = played.into_iter().filter_map(|(name, result)| Some(format!("{name}: {:#}", result.err()?)));
    let failed: Vec<String> = failed.collect();
    ensure!(failed.is_empty(), "{}", failed.join("\n\n"));
    Ok(())
}

//! The helm that renders the chart and is tested with it: built when it is missing, then run with these arguments.

use std::{env, os::unix::process::CommandExt, process::Command};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Err(Command::new(control_plane::helm().await?).args(env::args_os().skip(1)).exec().into())
}

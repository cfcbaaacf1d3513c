//! `evercert-sandbox`: one process that plays the providers.

use std::io::Write;

use clap::Parser;
use evercert_sandbox::start::{Options, Sandbox};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let sandbox = Sandbox::start(Options::parse()).await?;
    println!("{}", sandbox.ready());
    std::io::stdout().flush()?;
    tokio::select! {
        served = sandbox.serve() => Ok(served?),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

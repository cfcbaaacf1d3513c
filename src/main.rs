//! The operator binary: arguments and start.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use evercert::api::manifests;

/// Keeps commercial TLS certificates alive in Kubernetes.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the custom resource definitions and admission policies.
    Crds {
        /// Write one file each into this directory instead.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    match Args::parse().command {
        Command::Crds { dir: Some(dir) } => manifests::write(&dir)?,
        Command::Crds { dir: None } => print!("{}", manifests::print()),
    }
    Ok(())
}

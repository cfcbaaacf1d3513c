//! Starts a control plane for use by hand: prints the path of its kubeconfig and stays until interrupted.

use std::process::ExitCode;

use clap::Parser;
use control_plane::{ControlPlane, Options};
use tokio::signal::unix::{SignalKind, signal};

/// A real Kubernetes control plane on loopback, gone when this command ends.
#[derive(Parser)]
struct Args {
    /// Leave logs and data behind
    #[arg(long)]
    keep_dir: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("control-plane: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Args { keep_dir }: Args) -> anyhow::Result<()> {
    let plane = ControlPlane::start(Options { keep_dir }).await?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    println!("{}", plane.kubeconfig().display());
    eprintln!("The control plane is up until Ctrl-C. In another terminal:");
    eprintln!("    export KUBECONFIG={}", plane.kubeconfig().display());
    eprintln!("    {} get namespaces", plane.kubectl().display());
    eprintln!("Logs and the audit log are in {}", plane.dir().display());
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    plane.stop().await;
    Ok(())
}

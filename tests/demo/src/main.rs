//! `make demo`: certificates ordered, validated, issued, reissued, renewed and revoked before one's eyes, on a real
//! control plane and the sandbox CA, and in the end every operation checked against the CA's ledger.

mod account;
mod dns;
mod keep;
mod observer;
mod served;
mod stage;
mod story;
mod tale;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

use crate::{stage::Stage, story::Story, tale::Tale};

/// Plays two years of certificates in a minute. Leaves nothing behind.
#[derive(Parser)]
struct Args {
    /// Leave all running at the end, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

/// As a shell reports a process that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    Runtime::new()?.block_on(async {
        let tale = Tale::begin();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        // What the demo has started ends with it: when this future is dropped, all of it is.
        tokio::select! {
            code = play(&tale, args.keep) => Ok(code),
            _ = interrupt.recv() => Ok(interrupted(&tale)),
            _ = terminate.recv() => Ok(interrupted(&tale)),
        }
    })
}

fn interrupted(tale: &Tale) -> ExitCode {
    tale.note("interrupted: all that was started is stopped");
    ExitCode::from(INTERRUPTED)
}

async fn play(tale: &Tale, keep: bool) -> ExitCode {
    let stage = match Stage::set(tale).await {
        Ok(stage) => stage,
        Err(error) => {
            tale.fail(&format!("{error:#}"), "");
            return ExitCode::FAILURE;
        }
    };
    let outcome = Story::new(tale, &stage).tell().await;
    if let Err(error) = &outcome {
        tale.fail(&format!("{error:#}"), &stage.operator.log());
    }
    if keep {
        tale.note(&keep::instructions(&stage));
        std::future::pending::<()>().await;
    }
    drop(stage);
    if outcome.is_err() {
        return ExitCode::FAILURE;
    }
    tale.note("The demo is over and has left nothing behind. `make demo KEEP=1` leaves it running.");
    ExitCode::SUCCESS
}

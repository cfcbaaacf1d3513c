//! `make demo`: certificates ordered, validated, issued, reissued, renewed and revoked before one's eyes, on a real
//! control plane and the sandbox CA, and in the end every operation checked against the CA's ledger.

mod account;
mod adoption;
mod dns;
mod dnsimple;
mod keep;
mod observer;
mod rules;
mod sectigo;
mod served;
mod stage;
mod story;
mod tale;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::{stage::Stage, story::Story, tale::Tale};

/// Plays a year of four certificates from two CAs, the purchase of two more, the adoption of one and two of DNSimple's, in
/// about a minute.
/// Leaves nothing behind.
#[derive(Parser)]
struct Args {
    /// Leave all running at the end, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

/// As a shell reports a process that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

fn main() -> Result<ExitCode> {
    let Args { keep } = Args::parse();
    Runtime::new()?.block_on(async {
        let tale = Tale::begin();
        let mut stop = Stop::new()?;
        // What the demo has started ends with it: when the future is dropped, or the stage, all of it is.
        let outcome = tokio::select! {
            outcome = play(&tale, keep) => outcome,
            () = stop.asked() => {
                tale.note("Interrupted. All that was started is gone.");
                return Ok(ExitCode::from(INTERRUPTED));
            }
        };
        let code = if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if let Ok(Some(stage)) | Err(Some(stage)) = outcome {
            tale.note(&keep::instructions(&stage));
            stop.asked().await;
        }
        tale.note("The demo is over and has left nothing behind.");
        Ok(code)
    })
}

/// Tells how it ended; `keep` hands out the stage in either case, if there ever was one.
async fn play(tale: &Tale, keep: bool) -> Result<Option<Stage>, Option<Stage>> {
    let stage = match Stage::set(tale).await {
        Ok(stage) => stage,
        Err(error) => {
            tale.fail(&error, "");
            return Err(None);
        }
    };
    let told = Story::new(tale, &stage).tell().await;
    if let Err(error) = &told {
        tale.fail(error, &stage.operator.log());
    }
    let stage = keep.then_some(stage);
    if told.is_ok() { Ok(stage) } else { Err(stage) }
}

/// Ctrl-C, `kill`, a terminal that is closed.
struct Stop([Signal; 3]);

impl Stop {
    fn new() -> Result<Self> {
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }

    async fn asked(&mut self) {
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

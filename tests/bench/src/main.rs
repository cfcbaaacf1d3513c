//! `make bench`: the operator on a real API server and the sandbox CA, at several sizes, beside plain clients that do
//! the same on the same machine in the same minutes.

mod audit;
mod limited;
mod process;
mod reference;
mod report;
mod run;
mod stage;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use crate::report::Report;

/// Measures the operator and prints ratios to what this machine can do.
#[derive(Parser)]
struct Args {
    /// How many Certificates at once; several sizes, one after another
    #[arg(default_values_t = [100, 1_000, 10_000])]
    sizes: Vec<usize>,
    /// Where the figures are written as JSON
    #[arg(long, default_value = "target/bench/report.json")]
    report: PathBuf,
    /// Leave out the run against the CA's real rate limit, which takes three minutes a size
    #[arg(long)]
    without_limit: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let mut report = Report::default();
    for size in args.sizes {
        eprintln!("{size} certificates, no rate limit");
        let mut figures = run::measure(size).await?;
        if !args.without_limit {
            eprintln!("{size} certificates, the CA's real rate limit");
            figures.limited = Some(limited::measure(size).await?);
        }
        report.add(size, figures);
        report.write(&args.report)?;
    }
    print!("{}", report.table());
    Ok(())
}

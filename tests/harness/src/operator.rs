//! The operator as a process.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use control_plane::Supervisor;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{Sandbox, metrics::Scrape};

/// How long the operator may take to say that it is ready on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Times of the paid-call protocol, short enough to watch, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub call: u32,
    pub lease: u32,
    pub settle: u32,
}

impl Default for Times {
    fn default() -> Self {
        Self { call: 3, lease: 10, settle: 6 }
    }
}

/// Killed when dropped, and when this process ends in whatever way.
pub struct Operator {
    supervisor: Supervisor,
    dir: TempDir,
}

const NAME: &str = "evercert";

impl Operator {
    /// Arguments for one whose accounts are at this sandbox.
    pub fn arguments(sandbox: &Sandbox, namespace: &str, log: &str, times: Times) -> Vec<String> {
        let clock = format!("{}/_sandbox/clock", sandbox.url());
        let (host, dns) = (sandbox.host(), sandbox.dns_address());
        let [call, lease, settle] = [times.call, times.lease, times.settle].map(|seconds| format!("{seconds}s"));
        let flags = [
            ("--namespace", namespace),
            ("--allowed-provider-hosts", host),
            ("--allowed-name-servers", dns),
            ("--dns-servers", dns),
            ("--sandbox-clock", &clock),
            ("--listen", "127.0.0.1:0"),
            ("--log", log),
            ("--log-format", "human"),
            ("--call-timeout", &call),
            ("--lease-duration", &lease),
            ("--lease-renewal", "1s"),
            ("--settle-time", &settle),
        ];
        let flags = flags.into_iter().flat_map(|(flag, value)| [flag, value]);
        std::iter::once("run").chain(flags).map(str::to_owned).collect()
    }

    /// Starts it with these arguments and environment and waits until its watches are synced, or, when it is told to
    /// die early, until it has.
    pub async fn start(args: &[String], environment: &[(&str, &str)]) -> Result<Self> {
        let mut operator = Self::spawn(args, environment)?;
        operator.until("it is ready", |log| log.contains("all watches are synced")).await?;
        Ok(operator)
    }

    /// Starts it and waits for nothing.
    pub fn spawn(args: &[String], environment: &[(&str, &str)]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("evercert-").tempdir()?;
        let mut supervisor = Supervisor::new(dir.path(), true)?;
        let mut words: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        words.push(binary(NAME)?.to_string_lossy().into_owned());
        words.extend_from_slice(args);
        supervisor.run(NAME, Path::new("env"), &words)?;
        Ok(Self { supervisor, dir })
    }

    /// Waits until its log says so, or it has ended.
    pub async fn until(&mut self, what: &str, holds: impl Fn(&str) -> bool) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if holds(&self.log()) || self.has_ended() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the operator did not get so far that {what}:\n{}", self.log());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the process has ended and returns its exit code, 128 and more for a signal.
    pub async fn ended(&mut self) -> Result<i32> {
        self.until("it ends", |_| false).await?;
        self.supervisor.exit_code(NAME).context("it has ended without an exit code")
    }

    pub fn has_ended(&self) -> bool {
        self.supervisor.has_ended(NAME)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.supervisor.log(NAME)
    }

    /// What it counts.
    pub async fn metrics(&self) -> Result<Scrape> {
        Scrape::parse(&self.metrics_text().await?).context("the operator's metrics")
    }

    pub async fn metrics_text(&self) -> Result<String> {
        let url = format!("http://{}/metrics", self.address()?);
        Ok(reqwest::get(url).await?.error_for_status()?.text().await?)
    }

    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub async fn set_log_level(&self, level: &str) -> Result<()> {
        let url = format!("http://{}/log-level", self.address()?);
        reqwest::Client::new().put(url).body(level.to_owned()).send().await?.error_for_status()?;
        Ok(())
    }

    /// Where probes and metrics are served.
    fn address(&self) -> Result<String> {
        let log = self.log();
        let served = log.lines().find(|line| line.contains("probes and metrics are served"));
        let address =
            served.and_then(|line| line.split_once("address=")).context("it does not say where it listens")?.1;
        Ok(address.split_whitespace().next().unwrap_or_default().to_owned())
    }

    /// The file that `log` reads.
    pub fn log_file(&self) -> PathBuf {
        self.dir.path().join(format!("{NAME}.log"))
    }

    /// As `kill -9` does.
    pub async fn kill(&mut self) -> Result<()> {
        self.signal("-KILL")?;
        self.ended().await.map(drop)
    }

    /// As Kubernetes does at first. Returns the exit code.
    pub async fn terminate(&mut self) -> Result<i32> {
        self.signal("-TERM")?;
        self.ended().await
    }

    /// Sends it a signal, e.g. `-TERM`.
    pub fn signal(&self, signal: &str) -> Result<()> {
        let pid = self.pid()?.to_string();
        ensure!(Command::new("kill").args([signal, &pid]).status()?.success(), "kill {signal} {pid}");
        Ok(())
    }

    pub fn pid(&self) -> Result<u32> {
        let pid = std::fs::read_to_string(self.dir.path().join(format!("{NAME}.pid"))).context("the operator's pid")?;
        pid.trim().parse().context("the operator's pid")
    }
}

/// A binary of this workspace, built beside the test that runs.
fn binary(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let mut folders = this.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    folders.find(|path| path.is_file()).with_context(|| {
        format!(
            "{name} is not built: run `cargo build -p {name} --features evercert/sandbox-clock,evercert/fault-points`"
        )
    })
}

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

use crate::Sandbox;

/// How long the operator may take to say that it is ready on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Killed when dropped, and when this process ends in whatever way.
pub struct Operator {
    supervisor: Supervisor,
    dir: TempDir,
}

const NAME: &str = "evercert";

impl Operator {
    /// Arguments for one whose accounts are at this sandbox, with times short enough to watch.
    pub fn arguments(sandbox: &Sandbox, namespace: &str, log: &str) -> Vec<String> {
        let clock = format!("{}/_sandbox/clock", sandbox.url());
        let (host, dns) = (sandbox.host(), sandbox.dns_address());
        let flags = [
            ("--namespace", namespace),
            ("--allowed-provider-hosts", host),
            ("--allowed-name-servers", dns),
            ("--dns-servers", dns),
            ("--sandbox-clock", &clock),
            ("--listen", "127.0.0.1:0"),
            ("--log", log),
            ("--log-format", "human"),
            ("--call-timeout", "3s"),
            ("--lease-duration", "10s"),
            ("--lease-renewal", "1s"),
            ("--settle-time", "6s"),
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

    fn spawn(args: &[String], environment: &[(&str, &str)]) -> Result<Self> {
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

    /// Waits until the process has ended.
    pub async fn ended(&mut self) -> Result<()> {
        self.until("it ends", |_| false).await
    }

    pub fn has_ended(&self) -> bool {
        self.supervisor.has_ended(NAME)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.supervisor.log(NAME)
    }

    /// The file that `log` reads.
    pub fn log_file(&self) -> PathBuf {
        self.dir.path().join(format!("{NAME}.log"))
    }

    /// As `kill -9` does.
    pub async fn kill(&mut self) -> Result<()> {
        self.signal("-KILL")?;
        self.ended().await
    }

    /// As Kubernetes does at first.
    pub async fn terminate(&mut self) -> Result<()> {
        self.signal("-TERM")?;
        self.ended().await
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let pid = std::fs::read_to_string(self.dir.path().join(format!("{NAME}.pid"))).context("the operator's pid")?;
        ensure!(Command::new("kill").args([signal, pid.trim()]).status()?.success(), "kill {signal} {}", pid.trim());
        Ok(())
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

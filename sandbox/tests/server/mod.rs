//! A sandbox of a test's own: served within the test, or the program itself, which can be killed.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use clap::Parser;
use evercert_sandbox::start::{Options, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::timeout};

/// The day on which every test begins: limits of validity depend on the date.
pub const TODAY: &str = "2026-06-01";

/// What never comes fails a test rather than to hang it. Much longer than anything takes.
pub async fn in_time<T>(awaited: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), awaited).await.expect("it never comes")
}

/// Gone with the test, and its state with it.
pub struct Server {
    pub ready: Value,
    served: JoinHandle<()>,
    _state: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl Server {
    /// At noon of `TODAY`.
    pub async fn start(arguments: &[&str]) -> Self {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().to_str().unwrap();
        let first = ["evercert-sandbox", "--listen", "127.0.0.1:0", "--state", path];
        let options = Options::parse_from(first.iter().chain(arguments));
        let sandbox = Sandbox::start(options).await.unwrap();
        let ready = sandbox.ready().clone();
        let served = tokio::spawn(async move { sandbox.serve().await.unwrap() });
        let server = Self { ready, served, _state: state };
        let clock = format!("{}/_sandbox/clock", server.ready["url"].as_str().unwrap());
        let noon = json!({"set": format!("{TODAY}T12:00:00Z")});
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.put(clock).json(&noon).send().await.unwrap().error_for_status().unwrap();
        server
    }
}

pub struct Process {
    pub ready: Value,
    child: Child,
}

impl Drop for Process {
    /// SIGKILL
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Process {
    pub fn start(state: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_evercert-sandbox"))
            .args(["--listen", "127.0.0.1:0", "--dcv", "instant", "--state"])
            .arg(state)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { ready: serde_json::from_str(&line).unwrap(), child }
    }
}

//! The chart, with the real helm on a real API server: what it renders and refuses, that it installs, upgrades and
//! leaves the ledger behind, and that the operator needs no right beyond those it gives.
#![allow(clippy::unwrap_used)]

mod files;
mod install;
mod life;
mod publishers;
mod restart;
mod values;

use std::{
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use control_plane::ControlPlane;
use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
const CHART: &str = "charts/evercert";
/// A value other than the default for everything there is.
const EVERYTHING: &str = "tests/chart/everything.yaml";

/// helm with a home of its own, against this cluster or none.
struct Helm {
    binary: std::path::PathBuf,
    home: TempDir,
    kubeconfig: std::path::PathBuf,
}

impl Helm {
    async fn offline() -> Result<Self> {
        let home = tempfile::tempdir()?;
        let kubeconfig = home.path().join("none");
        Ok(Self { binary: control_plane::helm().await?, home, kubeconfig })
    }

    async fn on(plane: &ControlPlane) -> Result<Self> {
        Ok(Self { kubeconfig: plane.kubeconfig(), ..Self::offline().await? })
    }

    fn output(&self, args: &[&str]) -> Result<Output> {
        let homes = ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"];
        Command::new(&self.binary)
            .args(args)
            .current_dir(root())
            .env("KUBECONFIG", &self.kubeconfig)
            .envs(homes.map(|name| (name, self.home.path().join(name))))
            .output()
            .context("starting helm")
    }

    /// What it prints.
    fn run(&self, args: &[&str]) -> Result<String> {
        let output = self.output(args)?;
        ensure!(output.status.success(), "helm {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// What it says when it refuses.
    fn refused(&self, args: &[&str]) -> Result<String> {
        let output = self.output(args)?;
        ensure!(!output.status.success(), "helm {args:?} was not refused");
        Ok(String::from_utf8(output.stderr)?)
    }

    /// The objects that release `evercert` in namespace `evercert` has with these arguments.
    fn template(&self, args: &[&str]) -> Result<Vec<Value>> {
        let all = [&["template", "evercert", CHART, "--namespace", "evercert"], args].concat();
        let text = self.run(&all)?;
        let documents =
            text.split("\n---\n").map(|document| serde_saphyr::from_str(document).context(document.to_owned()));
        documents.filter(|document| !matches!(document, Ok(Value::Null))).collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| format!("reading {path}"))
}

fn yaml(path: &str) -> Result<Value> {
    serde_saphyr::from_str(&read(path)?).with_context(|| format!("{path} is YAML"))
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Result<&'a Value> {
    objects.iter().find(|object| object["kind"] == kind).with_context(|| format!("there is no {kind}"))
}

fn kubectl(plane: &ControlPlane, args: &[&str]) -> Result<String> {
    let output = Command::new(plane.kubectl())
        .arg("--kubeconfig")
        .arg(plane.kubeconfig())
        .args(args)
        .current_dir(root())
        .output()?;
    ensure!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

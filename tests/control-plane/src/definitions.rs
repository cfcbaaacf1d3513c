//! Resource definitions that others publish, from the Go module that `go/gateway-api/go.mod` pins.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The folder of the Gateway API's definitions, those of its standard channel: in Go's module cache, verified.
pub fn gateway_api() -> Result<PathBuf> {
    let work = tempfile::tempdir()?;
    fs::write(work.path().join("go.mod"), include_str!("../go/gateway-api/go.mod"))?;
    fs::write(work.path().join("go.sum"), include_str!("../go/gateway-api/go.sum"))?;
    let go = Command::new("go")
        .args(["mod", "download", "-json", "sigs.k8s.io/gateway-api"])
        .current_dir(&work)
        .env("GOWORK", "off")
        .output()
        .context("starting go, which downloads the Gateway API")?;
    ensure!(go.status.success(), "go mod download: {}", String::from_utf8_lossy(&go.stderr));
    let module: Value = serde_json::from_slice(&go.stdout)?;
    let dir = module["Dir"].as_str().context("go mod download names no folder")?;
    Ok(PathBuf::from(dir).join("config/crd/standard"))
}

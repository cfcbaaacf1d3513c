//! Install, upgrade, uninstall, and install again.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use control_plane::{ControlPlane, Options};
use harness::Objects;
use kube::api::PostParams;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{CHART, EVERYTHING, Helm, PATIENCE, kubectl};

const RELEASE: [&str; 4] = ["evercert", CHART, "--namespace", "evercert"];
const CRDS: [&str; 4] = ["certificates", "clusterissuers", "issuances", "issuers"];

#[tokio::test(flavor = "multi_thread")]
async fn an_uninstall_leaves_the_ledger_and_the_next_install_goes_on_with_it() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let helm = Helm::on(&plane).await?;
    let install = [&["install"], &RELEASE[..], &["--create-namespace"]].concat();
    let upgrade = [&["upgrade"], &RELEASE[..]].concat();
    let uninstall = ["uninstall", "evercert", "--namespace", "evercert"];

    let notes = helm.run(&install)?;
    ensure!(notes.contains("create secret generic digicert-api-key"), "{notes}");
    kubectl(&plane, &["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])?;
    let objects = Objects { client: plane.client(), namespace: "default".into() };
    objects.create("Certificate", "shop", certificate()).await?;
    let uid = objects.get("Certificate", "shop").await?["metadata"]["uid"].clone();
    meddling_is_refused(&plane).await?;

    helm.run(&[&upgrade[..], &["--values", EVERYTHING, "--set", "serviceMonitor.create=false"]].concat())?;
    let get = |what: &[&str]| kubectl(&plane, &[&["--namespace", "evercert", "get"], what].concat());
    let deployment =
        get(&["deployment", "certs", "--output=jsonpath={.spec.replicas} {.spec.template.spec.containers[0].env}"])?;
    ensure!(deployment.starts_with("2 ") && deployment.contains("EVERCERT_SETTLE_TIME"), "{deployment}");
    ensure!(get(&["poddisruptionbudget", "certs", "--output=name"])?.contains("certs"));
    ensure!(get(&["deployment", "evercert"]).is_err(), "it has another name now");
    ensure!(kubectl(&plane, &["get", "crd", "--output=yaml"])?.contains("example.com/owner: platform"));

    helm.run(&upgrade)?;
    helm.run(&uninstall)?;
    ensure!(get(&["deployments,services,roles,serviceaccounts", "--output=name"])?.trim() == "serviceaccount/default");
    ensure!(!kubectl(&plane, &["get", "clusterroles", "--output=name"])?.contains("evercert"));
    ensure!(objects.get("Certificate", "shop").await?["metadata"]["uid"] == uid, "the Certificate is still there");
    meddling_is_refused(&plane).await?;

    helm.run(&install)?;
    ensure!(objects.get("Certificate", "shop").await?["metadata"]["uid"] == uid, "the next install goes on with it");

    helm.run(&[&upgrade[..], &["--set", "crds.keep=false"]].concat())?;
    helm.run(&uninstall)?;
    // The API server takes its time to remove what they define.
    let left: Value = serde_json::from_str(&kubectl(&plane, &["get", "crd", "--output=json"])?)?;
    let left = left["items"].as_array().context("a list")?;
    ensure!(left.iter().all(|crd| !crd["metadata"]["deletionTimestamp"].is_null()), "{left:#?}");
    Ok(())
}

/// Who began with `kubectl apply` can go on with helm.
#[tokio::test(flavor = "multi_thread")]
async fn resources_applied_by_hand_are_taken_over() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let helm = Helm::on(&plane).await?;
    kubectl(&plane, &["apply", "--server-side", "-f", "crds/"])?;
    kubectl(&plane, &["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])?;
    let objects = Objects { client: plane.client(), namespace: "default".into() };
    objects.create("Certificate", "shop", certificate()).await?;

    let install = [&["install"], &RELEASE[..], &["--create-namespace"]].concat();
    let said = helm.refused(&install)?;
    ensure!(said.contains("cannot be imported"), "{said}");
    helm.run(&[&install[..], &["--take-ownership", "--force-conflicts"]].concat())?;
    let releases = "--output=jsonpath={.items[*].metadata.annotations.meta\\.helm\\.sh/release-name}";
    ensure!(kubectl(&plane, &["get", "crd", releases])?.split(' ').count() == CRDS.len());
    objects.get("Certificate", "shop").await.context("it is still there")?;
    Ok(())
}

fn certificate() -> Value {
    json!({"issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": ["shop.example.com"]})
}

/// The admission policy is in force: the verb `create` alone writes no Issuance.
async fn meddling_is_refused(plane: &ControlPlane) -> Result<()> {
    if kubectl(plane, &["get", "clusterrole", "meddle"]).is_err() {
        kubectl(plane, &["create", "clusterrole", "meddle", "--verb=create", "--resource=issuances.evercert.dev"])?;
        kubectl(plane, &["create", "clusterrolebinding", "meddle", "--clusterrole=meddle", "--user=meddler"])?;
    }
    let issuance = json!({
        "apiVersion": "evercert.dev/v1alpha1", "kind": "Issuance", "metadata": {"name": "shop-1"},
        "spec": {
            "certificateRef": {"name": "shop", "uid": "4b6d"}, "issuerRef": {"name": "digicert"},
            "account": {"provider": "digicert", "host": "www.digicert.com", "id": "77"},
            "revision": 1, "operation": "Order", "cost": "Paid", "reason": "FirstIssue",
            "request": {
                "commonName": "shop.example.com", "dnsNames": ["shop.example.com"], "csr": "-----BEGIN…",
                "publicKeySha256": "ab".repeat(32), "keyOrigin": "Ours", "keyAlgorithm": "ECDSA", "keySize": 256,
                "product": "ssl_basic", "signatureHash": "sha256", "orderValidity": {"years": 1},
            },
            "idempotencyKey": "00000000-0000-8000-8000-000000000000",
            "submissions": [{"n": 1, "at": "2026-01-01T00:00:00Z", "installation": "i", "holder": "h"}],
        },
    });
    let issuance = serde_json::from_value(issuance)?;
    let meddler = Objects { client: plane.client_for("meddler", &[]).await?, namespace: "default".into() };
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    // The API server's own watches see roles and policies a moment later.
    let refused = async {
        loop {
            match meddler.api("Issuance").create(&dry, &issuance).await {
                Err(error) if error.to_string().contains("Issuances are written by Evercert only") => return,
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    };
    timeout(PATIENCE, refused).await.context("nobody writes the ledger by hand")
}

//! Restarting workloads is a right of its own.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use control_plane::{ControlPlane, Options};
use harness::{Objects, Sandbox, SandboxOptions, condition};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    CHART, Helm, PATIENCE, kubectl,
    life::{install, name_the_account, operator},
};

#[tokio::test(flavor = "multi_thread")]
async fn workloads_are_restarted_where_the_chart_lets_evercert_do_so() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let helm = Helm::on(&plane).await?;
    let sandbox = Sandbox::start(&SandboxOptions { check_dcv: true, ..SandboxOptions::default() }).await?;
    install(&helm, &plane, &sandbox)?;
    let _operator = operator(&plane, &sandbox).await?;
    let shop = Objects { client: plane.client(), namespace: plane.namespace("shop").await? };
    name_the_account(&shop, &sandbox).await?;
    kubectl(&plane, &["--namespace", &shop.namespace, "create", "deployment", "shop", "--image=shop"])?;
    let spec = json!({
        "issuerRef": {"name": "own"}, "secretName": "shop-tls", "dnsNames": ["shop.example.com"],
        "rolloutRestart": [{"kind": "Deployment", "name": "shop"}],
    });
    shop.create("Certificate", "shop", spec).await?;
    shop.until_ready("shop", 1).await?;

    shop.patch("Certificate", "shop", annotation("reissue-requested", "one")).await?;
    let told = |shop: &Value, reason: &str| condition(shop, "Restarted").is_some_and(|told| told["reason"] == reason);
    let refused = shop.until("Certificate", "shop", "the refusal is told", |shop| told(shop, "RestartRefused")).await?;
    let message = condition(&refused, "Restarted").context("Restarted")?["message"].as_str().context("why")?.to_owned();
    ensure!(message.starts_with("Deployment shop: ") && message.contains("rolloutRestart.enabled"), "{message}");
    ensure!(condition(&refused, "Ready").context("Ready")?["status"] == "True", "nothing else suffers from it");
    ensure!(refused["status"]["issuance"].is_null() && refused["status"]["revision"] == 2, "{refused:#}");

    let upgrade = ["upgrade", "evercert", CHART, "--namespace", "evercert", "--reuse-values", "--set"];
    let here = format!("rolloutRestart.enabled=true,rolloutRestart.namespaces={{{}}}", shop.namespace);
    helm.run(&[&upgrade[..], &[&here]].concat())?;
    // It would try again by itself some minutes later. The authorizer sees the binding in a moment.
    let looked_at = async {
        for n in 0.. {
            shop.patch("Certificate", "shop", annotation("looked-at", &n.to_string())).await?;
            let now = shop.get("Certificate", "shop").await?;
            if told(&now, "Restarted") {
                return Ok(now);
            }
            sleep(Duration::from_millis(200)).await;
        }
        bail!("no number is left")
    };
    let certificate = timeout(PATIENCE, looked_at).await.context("it stays refused")??;
    let fingerprint = certificate["status"]["fingerprintSha256"].as_str().context("a fingerprint")?;
    let template = "--output=jsonpath={.spec.template.metadata.annotations}";
    let deployment = kubectl(&plane, &["--namespace", &shop.namespace, "get", "deployment", "shop", template])?;
    ensure!(deployment.contains(fingerprint), "{deployment}");

    let elsewhere = ["auth", "can-i", "patch", "deployments.apps", "--namespace=default"];
    let account = "--as=system:serviceaccount:evercert:evercert";
    let said = kubectl(&plane, &[&elsewhere[..], &[account]].concat());
    ensure!(said.is_err(), "it may restart workloads of other namespaces: {said:?}");
    Ok(())
}

fn annotation(name: &str, value: &str) -> Value {
    json!({"metadata": {"annotations": {format!("evercert.dev/{name}"): value}}})
}

//! Through cert-manager's webhook server.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use control_plane::Supervisor;
use harness::{
    Objects, World,
    bind::{Bind, Server, UPDATE_KEY},
};
use hickory_proto::rr::{RData, rdata::TXT};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    NAME, certificate, free_port, hold, publisher, release, token, until_ready, until_texts, until_told, world,
};

const GROUP: &str = "acme.example.com";
const OPERATOR_NAMESPACE: &str = "default";

/// Stops when dropped.
struct Webhook {
    supervisor: Supervisor,
    _dir: TempDir,
}

/// Serves the API group in this world's API server.
async fn start(world: &World) -> Result<Webhook> {
    let program = control_plane::cert_manager_webhook().await?;
    let dir = tempfile::tempdir()?;
    let mut supervisor = Supervisor::new(dir.path(), true)?;
    let (port, kubeconfig) = (free_port()?, world.plane.kubeconfig());
    let words = [
        format!("GROUP_NAME={GROUP}"),
        program.to_string_lossy().into_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", dir.path().join("serving").display()),
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--authentication-kubeconfig={}", kubeconfig.display()),
        format!("--authorization-kubeconfig={}", kubeconfig.display()),
    ];
    supervisor.run("webhook", Path::new("env"), &words)?;
    // No pod serves it and no proxy leads to one: the Service is a name that leads here.
    let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "webhook", "namespace": OPERATOR_NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": format!("v1alpha1.{GROUP}")},
            "spec": {
                "group": GROUP, "version": "v1alpha1", "groupPriorityMinimum": 1000, "versionPriority": 15,
                "insecureSkipTLSVerify": true,
                "service": {"name": "webhook", "namespace": OPERATOR_NAMESPACE, "port": port},
            },
        },
    ]});
    let file = dir.path().join("objects.json");
    std::fs::write(&file, objects.to_string())?;
    world.kubectl(&["apply", "-f", &file.to_string_lossy()])?;
    let wait = ["wait", "--for=condition=Available", "--timeout=60s", &format!("apiservice/v1alpha1.{GROUP}")];
    world.kubectl(&wait).with_context(|| supervisor.log("webhook"))?;
    Ok(Webhook { supervisor, _dir: dir })
}

/// A ClusterIssuer `webhook`, the Secrets of which are the operator's.
async fn cluster_issuer(world: &World, bind: &Bind, account: &Value, keeps_other_values: Option<bool>) -> Result<()> {
    let system = Objects { namespace: OPERATOR_NAMESPACE.to_owned(), ..world.objects.clone() };
    system.create_secret("digicert-api-key", "api-key", account["apiKey"].as_str().context("no API key")?).await?;
    system.create_secret("tsig", "secret", UPDATE_KEY.secret).await?;
    let mut spec = world.issuer();
    spec["digicert"]["organizationId"] = account["organizationId"].clone();
    let mut webhook = json!({
        "groupName": GROUP, "solverName": "rfc2136",
        "config": {
            "nameserver": bind.address(Server::Primary).to_string(),
            "tsigKeyName": UPDATE_KEY.name, "tsigAlgorithm": "HMACSHA256",
            "tsigSecretSecretRef": {"name": "tsig", "key": "secret"},
        },
    });
    if let Some(keeps) = keeps_other_values {
        webhook["keepsOtherValues"] = json!(keeps);
    }
    spec["dcv"] = json!({"publishers": [{"zones": ["example.com"], "certManagerWebhook": webhook}]});
    spec["policy"] = json!({"rules": [{"name": "all", "namespaceSelector": {}}]});
    system.create("ClusterIssuer", "webhook", spec).await.map(drop)
}

fn issuer() -> Value {
    json!({"kind": "ClusterIssuer", "name": "webhook"})
}

fn theirs() -> RData {
    RData::TXT(TXT::new(vec!["theirs".into()]))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_validated_and_nothing_stays() -> Result<()> {
    let (bind, world) = world().await?;
    cluster_issuer(&world, &bind, &world.sandbox.ready()["digicert"], None).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    objects.create("Certificate", "shop", certificate(&issuer(), NAME)).await?;
    until_told(objects, "shop-1", "its APIService is missing").await?;

    let webhook = start(&world).await?;
    objects.until_ready("shop", 1).await.with_context(|| webhook.supervisor.log("webhook"))?;
    ensure!(publisher(&objects.get("Issuance", "shop-1").await?) == "certManagerWebhook");
    until_texts(&bind, NAME, &[]).await?;

    // Another value might be lost with a webhook that is not known to keep it.
    bind.put("example.com", "www.example.com", theirs()).await?;
    objects.create("Certificate", "www", certificate(&issuer(), "www.example.com")).await?;
    until_told(objects, "www-1", "keepsOtherValues").await?;
    ensure!(bind.texts(Server::Primary, "www.example.com").await? == ["theirs"]);
    bind.take("example.com", "www.example.com", theirs()).await?;
    objects.until_ready("www", 1).await?;
    until_texts(&bind, "www.example.com", &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_share_a_name() -> Result<()> {
    let (bind, ours) = world().await?;
    let others = ours.beside().await?;
    bind.put("example.com", NAME, theirs()).await?;
    hold(&ours, NAME, 2).await?;
    let mut running = Vec::new();
    // What is validated for one account is not for another.
    let another = ours.sandbox.post("/_sandbox/accounts", &json!({})).await?;
    for (world, account) in [(&ours, &ours.sandbox.ready()["digicert"]), (&others, &another)] {
        cluster_issuer(world, &bind, account, Some(true)).await?;
        running.push((start(world).await?, world.operator().await?));
        world.objects.create("Certificate", "shop", certificate(&issuer(), NAME)).await?;
    }
    let (mine, other) = (token(&ours, "shop-1").await?, token(&others, "shop-1").await?);
    let mut all = vec!["theirs", &mine, &other];
    all.sort();
    all.dedup();
    until_texts(&bind, NAME, &all).await?;

    release(&ours, "shop-1").await?;
    until_ready(&ours, "shop").await?;
    let mut left = vec!["theirs", &other];
    left.sort();
    until_texts(&bind, NAME, &left).await?;
    release(&others, "shop-1").await?;
    until_ready(&others, "shop").await?;
    until_texts(&bind, NAME, &["theirs"]).await
}

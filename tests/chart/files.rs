//! Answering validation files, and leading to them, is a right of its own.

use std::{net::TcpListener, time::Duration};

use anyhow::{Context, Result, ensure};
use control_plane::{ControlPlane, Options};
use harness::{Objects, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    CHART, Helm, PATIENCE, kubectl,
    life::{install, name_the_account, operator},
};

const FILE: &str = "/.well-known/pki-validation/fileauth.txt";

/// Nobody can look the names up, so an order stays where its file is looked for.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_led_to_where_the_chart_lets_evercert_do_so() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let helm = Helm::on(&plane).await?;
    let sandbox = Sandbox::start(&SandboxOptions { check_dcv: true, ..SandboxOptions::default() }).await?;
    install(&helm, &plane, &sandbox)?;
    let published = control_plane::gateway_api()?;
    for plural in ["httproutes", "referencegrants"] {
        let file = published.join(format!("gateway.networking.k8s.io_{plural}.yaml"));
        kubectl(&plane, &["apply", "--server-side", "-f", &file.to_string_lossy()])?;
    }
    for namespace in ["infra", "elsewhere"] {
        kubectl(&plane, &["create", "namespace", namespace])?;
    }
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let upgrade = ["upgrade", "evercert", CHART, "--namespace", "evercert", "--reuse-values", "--set"];
    let files = format!(
        "validationFiles.enabled=true,validationFiles.listen=127.0.0.1:{port},validationFiles.gatewayNamespaces={{infra}}"
    );
    helm.run(&[&upgrade[..], &[&files]].concat())?;
    kubectl(&plane, &["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])?;
    let _operator = operator(&plane, &sandbox).await?;
    let shop = Objects { client: plane.client(), namespace: plane.namespace("shop").await? };
    name_the_account(&shop, &sandbox).await?;
    let account = shop.get("ClusterIssuer", "digicert").await?["spec"].clone();

    let gateway = |namespace: &str| json!({"parentRefs": [{"namespace": namespace, "name": "web"}]});
    let ways = [
        ("infra", gateway("infra"), "no Gateway's controller has taken it up"),
        ("own", gateway("evercert"), "no Gateway's controller has taken it up"),
        ("ingress", json!({"ingress": {}}), "cannot be resolved"),
        ("elsewhere", gateway("elsewhere"), "(HTTPRoutes in namespace elsewhere) refused with Forbidden"),
    ];
    for (name, http, _) in &ways {
        let mut spec = account.clone();
        spec["dcv"] = json!({"publishers": [{"http": http}]});
        shop.create("ClusterIssuer", name, spec).await?;
        shop.ask(name, json!({"issuerRef": {"kind": "ClusterIssuer", "name": name}})).await?;
    }
    for (name, _, told) in &ways {
        let lacks = |object: &Value| {
            object["status"]["validations"][0]["message"].as_str().is_some_and(|message| message.contains(told))
        };
        let issuance = shop.until("Issuance", &format!("{name}-1"), told, lacks).await?;
        let token = issuance["status"]["validations"][0]["record"]["value"].as_str().context("a token")?;
        let request = reqwest::Client::new().get(format!("http://127.0.0.1:{port}{FILE}"));
        let answer = request.header("Host", format!("{name}.example.com")).send().await?;
        ensure!(answer.status().is_success() == (*name != "elsewhere"), "{name}: {}", answer.status());
        ensure!(*name == "elsewhere" || answer.text().await? == token, "{name}: another file");
    }
    // What leads there, leads to the Service of the chart.
    let service = "--output=jsonpath={.metadata.name}:{.spec.ports[0].port}";
    let service = kubectl(&plane, &["--namespace=evercert", "get", "service", "evercert-files", service])?;
    let routes = kubectl(&plane, &["get", "httproutes", "--all-namespaces", "--output=json"])?;
    let routes: Value = serde_json::from_str(&routes)?;
    let routes = routes["items"].as_array().context("routes")?;
    ensure!(routes.len() == 2, "{routes:#?}");
    for route in routes {
        let backend = &route["spec"]["rules"][0]["backendRefs"][0];
        ensure!(
            format!("{}:{}", backend["name"].as_str().unwrap_or_default(), backend["port"]) == service,
            "{backend}"
        );
        ensure!(backend["namespace"] == "evercert", "{backend}");
    }

    // With an Issuance goes what led to its file.
    for name in ["infra", "own", "ingress"] {
        shop.delete("Certificate", name).await?;
        shop.delete("Issuance", &format!("{name}-1")).await?;
    }
    let left = ["get", "httproutes,referencegrants,ingresses", "--all-namespaces", "--output=name"];
    let gone = async {
        while !kubectl(&plane, &left)?.is_empty() {
            sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    };
    timeout(PATIENCE, gone).await.context("something is left")?
}

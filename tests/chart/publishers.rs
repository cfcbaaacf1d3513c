//! Publishing through the API server is a right of its own, given publisher by publisher.

use anyhow::{Context, Result, bail, ensure};
use control_plane::{ControlPlane, Options};
use harness::{Objects, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep, timeout};

use crate::{
    CHART, Helm, PATIENCE, kubectl,
    life::{install, name_the_account, operator},
};

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_made_and_webhooks_called_where_the_chart_lets_evercert_do_so() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let helm = Helm::on(&plane).await?;
    let sandbox = Sandbox::start(&SandboxOptions { check_dcv: true, ..SandboxOptions::default() }).await?;
    install(&helm, &plane, &sandbox)?;
    let (_, definition) = control_plane::external_dns().await?;
    kubectl(&plane, &["apply", "--server-side", "--filename", &definition.to_string_lossy()])?;
    kubectl(&plane, &["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])?;
    let _operator = operator(&plane, &sandbox).await?;
    let shop = Objects { client: plane.client(), namespace: plane.namespace("shop").await? };
    name_the_account(&shop, &sandbox).await?;

    // What nobody looks at is published at once, so that nothing but the right is missing.
    let webhook = json!({"groupName": "acme.example.com", "solverName": "example"});
    for (kind, name, publisher) in [
        ("Issuer", "own", json!({"externalDns": {}})),
        ("ClusterIssuer", "digicert", json!({"zones": ["example.com"], "certManagerWebhook": webhook})),
    ] {
        let dcv = json!({"spec": {"dcv": {"selfCheck": "None", "publishers": [publisher]}}});
        shop.patch(kind, name, dcv).await?;
    }
    for (kind, issuer, name) in [("Issuer", "own", "objects"), ("ClusterIssuer", "digicert", "called")] {
        shop.ask(name, json!({"issuerRef": {"kind": kind, "name": issuer}})).await?;
    }
    until_told(&shop, "objects-1", "refused with Forbidden").await?;
    until_told(&shop, "called-1", "refused with 403").await?;

    let values = [
        format!("externalDns.enabled=true,externalDns.namespaces={{{}}}", shop.namespace),
        "certManagerWebhooks[0].groupName=acme.example.com,certManagerWebhooks[0].solverName=example".to_owned(),
    ];
    let upgrade = ["upgrade", "evercert", CHART, "--namespace", "evercert", "--reuse-values"];
    helm.run(&[&upgrade[..], &["--set", &values[0], "--set", &values[1]]].concat())?;
    // It is called, and nobody is there.
    until_told(&shop, "called-1", "refused with 404").await?;
    let made = async {
        loop {
            let list = ["--namespace", &shop.namespace, "get", "dnsendpoints", "--output=json"];
            let listed: Value = serde_json::from_str(&kubectl(&plane, &list)?)?;
            match listed["items"].as_array().map(Vec::as_slice) {
                Some([made]) => return Ok(made.clone()),
                Some([]) => sleep(Duration::from_millis(100)).await,
                _ => bail!("{listed}"),
            }
        }
    };
    let made = timeout(PATIENCE, made).await.context("no DNSEndpoint is made")??;
    ensure!(made["spec"]["endpoints"][0]["dnsName"] == "objects.example.com", "{made}");

    let account = "--as=system:serviceaccount:evercert:evercert";
    for (namespace, resource) in
        [("default", "dnsendpoints.externaldns.k8s.io"), ("default", "others.acme.example.com")]
    {
        let said = kubectl(&plane, &["auth", "can-i", "create", resource, "--namespace", namespace, account]);
        ensure!(said.is_err(), "it may create {resource} in {namespace}: {said:?}");
    }
    Ok(())
}

async fn until_told(shop: &Objects, issuance: &str, what: &str) -> Result<()> {
    let told = |object: &Value| {
        object["status"]["validations"][0]["message"].as_str().is_some_and(|message| message.contains(what))
    };
    shop.until("Issuance", issuance, &format!("{what:?} is told"), told).await.map(drop)
}

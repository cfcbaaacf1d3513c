//! The operator as the chart starts it, with the chart's rights and no others: the whole life of a certificate, and
//! afterwards each right it has was used, or there is a reason.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, ensure};
use control_plane::{ControlPlane, Options};
use harness::{Objects, Operator, Sandbox, SandboxOptions, condition};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{CHART, Helm, PATIENCE, kubectl};

const NAMESPACE: &str = "evercert";
const ACCOUNT: &str = "system:serviceaccount:evercert:evercert";

/// Rights that this life does not use, and who does.
const BESIDE: [(&str, &str); 2] = [
    ("operate issuances.evercert.dev", "no request: the admission policy asks for it"),
    ("get issuers.evercert.dev", "a budget is read once more before it is spent, here the ClusterIssuer's"),
];

#[tokio::test(flavor = "multi_thread")]
async fn with_the_rights_of_the_chart_alone_a_certificate_lives() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let helm = Helm::on(&plane).await?;
    let sandbox = Sandbox::start(&SandboxOptions { check_dcv: true, ..SandboxOptions::default() }).await?;
    install(&helm, &plane, &sandbox)?;

    let mut operator = operator(&plane, &sandbox).await?;
    ensure!(!operator.has_ended(), "the operator ended at once:\n{}", operator.log());
    let shop = Objects { client: plane.client(), namespace: plane.namespace("shop").await? };
    name_the_account(&shop, &sandbox).await?;
    a_life(&shop, &sandbox).await?;
    ensure!(operator.terminate().await? == 0, "{}", operator.log());
    ensure!(holder(&plane)?.is_empty(), "it gives the lease back");

    let (used, forbidden) = requests(&plane)?;
    ensure!(forbidden.is_empty(), "what the operator wanted and may not: {forbidden:#?}");
    let given = given(&helm.template(&[])?)?;
    let beside: BTreeSet<String> = BESIDE.iter().map(|(right, _)| (*right).to_owned()).collect();
    let idle: Vec<_> = given.difference(&used).filter(|right| !beside.contains(*right)).collect();
    ensure!(idle.is_empty(), "rights that nothing uses: {idle:#?}");
    let stale: Vec<_> = beside.iter().filter(|right| used.contains(*right) || !given.contains(*right)).collect();
    ensure!(stale.is_empty(), "rights whose excuse is none any more: {stale:#?}");
    Ok(())
}

/// The chart, for an operator whose accounts are at the sandbox.
pub fn install(helm: &Helm, plane: &ControlPlane, sandbox: &Sandbox) -> Result<()> {
    let dns = sandbox.dns_address();
    let values = json!({"operator": {
        "allowedProviderHosts": [sandbox.host()], "allowedNameServers": [dns], "dnsServers": [dns],
        "callTimeout": "3s", "leaseDuration": "10s", "leaseRenewal": "1s", "settleTime": "6s", "logFormat": "human",
    }});
    let file = helm.home.path().join("values.yaml");
    std::fs::write(&file, values.to_string())?;
    let install = ["install", "evercert", CHART, "--namespace", NAMESPACE, "--create-namespace", "--values"];
    helm.run(&[&install[..], &[&file.to_string_lossy()]].concat())?;
    kubectl(plane, &["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])?;
    Ok(())
}

/// What the Deployment says, but listening on loopback, and on the sandbox's clock.
pub async fn operator(plane: &ControlPlane, sandbox: &Sandbox) -> Result<Operator> {
    let deployment = ["--namespace", NAMESPACE, "get", "deployment", "evercert", "--output=json"];
    let deployment: Value = serde_json::from_str(&kubectl(plane, &deployment)?)?;
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut args: Vec<String> = container["args"].as_array().context("args")?.iter().map(text).collect();
    args.push(format!("--sandbox-clock={}/_sandbox/clock", sandbox.url()));

    let account = pod["serviceAccountName"].as_str().context("a service account")?;
    let kubeconfig = plane.kubeconfig_for_account(NAMESPACE, account).await?;
    let mut environment = vec![("KUBECONFIG".to_owned(), kubeconfig.to_string_lossy().into_owned())];
    for set in container["env"].as_array().context("env")? {
        let value = match set["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
            Some("metadata.namespace") => NAMESPACE.to_owned(),
            Some(other) => anyhow::bail!("no kubelet knows {other}"),
            None => text(&set["value"]),
        };
        environment.push((text(&set["name"]), value));
    }
    environment.push(("EVERCERT_LISTEN".to_owned(), "127.0.0.1:0".to_owned()));
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Operator::start(&args, &environment).await
}

/// For the cluster, and for the namespace alone.
pub async fn name_the_account(shop: &Objects, sandbox: &Sandbox) -> Result<()> {
    let ready = sandbox.ready();
    let (digicert, dns) = (&ready["digicert"], &ready["dns"]);
    let system = Objects { namespace: NAMESPACE.to_owned(), ..shop.clone() };
    for objects in [&system, shop] {
        objects.create_secret("digicert-api-key", "api-key", digicert["apiKey"].as_str().context("a key")?).await?;
        objects.create_secret("dns-update-key", "secret", dns["tsig"]["secret"].as_str().context("a key")?).await?;
    }
    let mut spec = json!({
        "digicert": {
            "url": digicert["url"], "organizationId": digicert["organizationId"], "product": "ssl_basic",
            "apiKeySecretRef": {"name": "digicert-api-key", "key": "api-key"},
        },
        "dcv": {"publishers": [{
            "zones": dns["zones"],
            "rfc2136": {
                "nameserver": dns["address"],
                "tsig": {"keyName": dns["tsig"]["name"], "algorithm": "HmacSha256",
                         "secretRef": {"name": "dns-update-key", "key": "secret"}},
            },
        }]},
    });
    shop.create("Issuer", "own", spec.clone()).await?;
    let budget = json!({"count": 20, "per": "24h"});
    let rule = json!({"name": "all", "namespaceSelector": {}, "allowedDomains": ["*.example.com"], "maxPaid": budget});
    spec["policy"] = json!({"rules": [rule]});
    shop.create("ClusterIssuer", "digicert", spec).await?;
    let ready = |issuer: &Value| condition(issuer, "Ready").is_some_and(|ready| ready["status"] == "True");
    shop.until("Issuer", "own", "it is ready", ready).await?;
    shop.until("ClusterIssuer", "digicert", "it is ready", ready).await?;
    Ok(())
}

/// Order, validation, reissues of both kinds, one of them said twice, a lost Secret, a renewal, and an end.
async fn a_life(shop: &Objects, sandbox: &Sandbox) -> Result<()> {
    let spec = json!({
        "issuerRef": {"kind": "ClusterIssuer", "name": "digicert"}, "secretName": "shop-tls",
        "dnsNames": ["shop.example.com"], "deletionPolicy": "Revoke",
    });
    shop.create("Certificate", "shop", spec).await?;
    shop.until_ready("shop", 1).await?;
    let reissue = |token: &str, reason: Option<&str>| {
        json!({"metadata": {"annotations": {
            "evercert.dev/reissue-requested": token, "evercert.dev/reissue-reason": reason,
        }}})
    };
    sandbox.fault(&json!({"kind": "rateLimit", "retryAfter": 1, "match": {"operation": "reissue"}})).await?;
    shop.patch("Certificate", "shop", reissue("first", None)).await?;
    shop.until_ready("shop", 2).await?;
    shop.patch("Certificate", "shop", reissue("second", Some("KeyCompromise"))).await?;
    shop.until_ready("shop", 3).await?;
    shop.secrets().delete("shop-tls", &Default::default()).await?;
    for revision in [4, 5, 6] {
        let certificate = shop.until_ready("shop", revision).await?;
        sandbox.set_clock(certificate["status"]["renewalTime"].as_str().context("a plan")?).await?;
    }
    shop.until_ready("shop", 7).await?;
    let ledger = sandbox.ledger().await?;
    let counted = ["order", "reissue", "renew"].map(|kind| ledger.count(kind, "shop.example.com"));
    ensure!(counted == [1, 5, 1], "order, reissue, renew: {counted:?}");
    shop.delete("Certificate", "shop").await?;
    let gone = async {
        while shop.api("Certificate").get_opt("shop").await?.is_some() {
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    };
    timeout(PATIENCE, gone).await.context("what it obtained is revoked, and it goes")?
}

fn holder(plane: &ControlPlane) -> Result<String> {
    let lease = ["--namespace", NAMESPACE, "get", "lease", "evercert", "--output=jsonpath={.spec.holderIdentity}"];
    kubectl(plane, &lease)
}

/// From the audit log: the rights that the operator's requests needed, and the requests that were forbidden.
fn requests(plane: &ControlPlane) -> Result<(BTreeSet<String>, Vec<String>)> {
    let (mut used, mut forbidden) = (BTreeSet::new(), Vec::new());
    for line in std::fs::read_to_string(plane.audit_log())?.lines() {
        let event: Value = serde_json::from_str(line)?;
        let Some(object) = event.get("objectRef").filter(|_| event["user"]["username"] == ACCOUNT) else { continue };
        let text = |name: &str| object[name].as_str().unwrap_or_default();
        let right = right(&event["verb"], text("apiGroup"), text("resource"), text("subresource"));
        if event["annotations"]["authorization.k8s.io/decision"] == "forbid" {
            forbidden.push(right.clone());
        }
        used.insert(right);
    }
    Ok((used, forbidden))
}

/// Every right in the roles of the operator, one verb on one resource each.
fn given(objects: &[Value]) -> Result<BTreeSet<String>> {
    let own = |object: &&Value| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        ["ClusterRole", "Role"].contains(&object["kind"].as_str().unwrap_or_default())
            && ["evercert", "evercert-lease"].contains(&name)
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut given = BTreeSet::new();
    for rule in objects.iter().filter(own).flat_map(|role| list(&role["rules"])) {
        for (group, resource) in list(&rule["apiGroups"])
            .iter()
            .flat_map(|group| list(&rule["resources"]).into_iter().map(move |resource| (group.clone(), resource)))
        {
            let resource = resource.as_str().context("a resource")?;
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let group = group.as_str().context("a group")?;
            given.extend(list(&rule["verbs"]).iter().map(|verb| right(verb, group, resource, subresource)));
        }
    }
    ensure!(!given.is_empty(), "no role of the operator is rendered");
    Ok(given)
}

/// `update issuances.evercert.dev/status`
fn right(verb: &Value, group: &str, resource: &str, subresource: &str) -> String {
    let group = if group.is_empty() { String::new() } else { format!(".{group}") };
    let subresource = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
    format!("{} {resource}{group}{subresource}", verb.as_str().unwrap_or_default())
}

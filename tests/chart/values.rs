//! Values: each is described, checked and has an effect; each flag of the operator is one.

use std::{collections::BTreeSet, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{CHART, EVERYTHING, Helm, of_kind, read, yaml};

#[tokio::test]
async fn bad_values_are_refused() -> Result<()> {
    let helm = Helm::offline().await?;
    let bad = [
        ("nosuch=1", "additional properties 'nosuch'"),
        ("operator.callTimout=60s", "additional properties 'callTimout'"),
        ("operator.callTimeout=60", "/operator/callTimeout"),
        ("operator.callTimeout=a minute", "/operator/callTimeout"),
        ("operator.log=loud", "/operator/log"),
        ("operator.listen=8080", "/operator/listen"),
        ("operator.listen=null", "missing property 'listen'"),
        ("operator.allowedProviderHosts={https://ca.example.com}", "/operator/allowedProviderHosts/0"),
        ("operator.allowedProviderHosts=ca.example.com", "/operator/allowedProviderHosts"),
        ("image.digest=1234", "/image/digest"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("image.repository=", "/image/repository"),
        ("replicaCount=-1", "/replicaCount"),
        ("crds.keep=yes", "/crds/keep"),
        ("terminationGracePeriodSeconds=5", "/terminationGracePeriodSeconds"),
        ("podDisruptionBudget.maxUnavailable=half", "/podDisruptionBudget/maxUnavailable"),
        ("dnsimpleWebhook.listen=8081", "/dnsimpleWebhook/listen"),
        ("validationFiles.listen=8081", "/validationFiles/listen"),
        ("validationFiles.servicePort=0", "/validationFiles/servicePort"),
        ("extraEnv={A=b}", "/extraEnv/0"),
        ("externalDns.namespaces={Shop}", "/externalDns/namespaces/0"),
        ("certManagerWebhooks[0].groupName=acme.example.com", "missing property 'solverName'"),
        ("fullnameOverride=Has_Capitals", "/fullnameOverride"),
    ];
    for (set, why) in bad {
        let said = helm.refused(&["template", CHART, "--set", set])?;
        ensure!(said.contains(why), "{set}: {said}");
    }
    let said = helm.refused(&["template", CHART, "--set", "serviceMonitor.create=true,service.create=false"])?;
    ensure!(said.contains("serviceMonitor.create needs service.create"), "{said}");
    let said = helm.refused(&["template", CHART, "--kube-version", "1.32.9"])?;
    ensure!(said.contains("kubeVersion"), "{said}");
    Ok(())
}

/// values.yaml, the schema, README and the test's own file of everything name the same values.
#[test]
fn every_value_is_described_and_tried() -> Result<()> {
    let schema: Value = serde_json::from_str(&read("charts/evercert/values.schema.json")?)?;
    let mut described = BTreeSet::new();
    properties(&schema, "", &mut described);
    described.remove("global");
    let readme = read("charts/evercert/README.md")?;
    for path in &described {
        ensure!(readme.contains(&format!("`{path}`")), "README.md does not tell of {path}");
    }
    let (defaults, everything) = (yaml("charts/evercert/values.yaml")?, yaml(EVERYTHING)?);
    for path in &described {
        let pointer = format!("/{}", path.replace('.', "/"));
        let default = defaults.pointer(&pointer).with_context(|| format!("values.yaml does not have {path}"))?;
        let tried = everything.pointer(&pointer).with_context(|| format!("{EVERYTHING} does not have {path}"))?;
        // What is on by default has a test of its own, switched off.
        ensure!(default != tried || default.is_boolean(), "{EVERYTHING} tries {path} with its default");
    }
    Ok(())
}

/// Each leaf, or what is passed on as it is.
fn properties(schema: &Value, above: &str, found: &mut BTreeSet<String>) {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match schema.get("properties") {
            Some(_) => properties(schema, &path, found),
            None => drop(found.insert(path)),
        }
    }
}

#[tokio::test]
async fn every_flag_of_the_operator_is_a_value() -> Result<()> {
    let help = Command::new(env!("CARGO_BIN_EXE_evercert")).args(["run", "--help"]).output()?;
    let help = String::from_utf8(help.stdout)?;
    let flags: BTreeSet<&str> = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next()).collect();
    ensure!(flags.len() > 10, "{help}");

    let objects = Helm::offline().await?.template(&["--values", EVERYTHING])?;
    let container = &of_kind(&objects, "Deployment")?["spec"]["template"]["spec"]["containers"][0];
    let environment: BTreeSet<&str> =
        container["env"].as_array().context("env")?.iter().filter_map(|set| set["name"].as_str()).collect();
    let missing: Vec<_> =
        flags.difference(&environment).filter(|flag| !flag.starts_with("EVERCERT_SANDBOX_")).collect();
    ensure!(missing.is_empty(), "operator.* of charts/evercert (values, schema, README.md) lacks {missing:?}");
    let unknown: Vec<_> = environment.difference(&flags).filter(|name| name.starts_with("EVERCERT_")).collect();
    ensure!(unknown.is_empty(), "the operator knows no {unknown:?}");
    Ok(())
}

/// Nothing that was given is lost on the way.
#[tokio::test]
async fn every_value_has_an_effect() -> Result<()> {
    let objects = Helm::offline().await?.template(&["--values", EVERYTHING])?;
    let all = serde_json::to_string(&objects)?;
    let mut values = Vec::new();
    leaves(&yaml(EVERYTHING)?, &mut values);
    for value in values {
        // The digest counts instead of the tag; the list is one variable; the rest is what it says.
        let shown = value == "1.2.3" || value == "ever" || all.contains(&value);
        ensure!(shown, "{value} does not appear in what is rendered");
    }
    ensure!(all.contains("registry.example.com/evercert@sha256:0123456789abcdef"), "the digest counts");
    ensure!(all.contains("ca.example.com,ca.example.com:8443"), "a list is one variable");
    let deployment = of_kind(&objects, "Deployment")?;
    let spread = &deployment["spec"]["template"]["spec"]["topologySpreadConstraints"][0];
    ensure!(spread["labelSelector"]["matchLabels"] == deployment["spec"]["selector"]["matchLabels"], "{spread}");
    let service = of_kind(&objects, "Service")?;
    let scraped = &of_kind(&objects, "ServiceMonitor")?["spec"]["selector"]["matchLabels"];
    for (label, value) in scraped.as_object().context("labels")? {
        ensure!(service["metadata"]["labels"][label] == *value, "the Service is not the one that is scraped");
    }
    Ok(())
}

fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| leaves(value, found)),
        Value::Array(items) => items.iter().for_each(|value| leaves(value, found)),
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Bool(_) | Value::Null => {}
    }
}

#[tokio::test]
async fn what_is_switched_off_is_not_rendered() -> Result<()> {
    let helm = Helm::offline().await?;
    let kinds = |set: &str| -> Result<BTreeSet<String>> {
        let objects = helm.template(&["--set", set])?;
        Ok(objects.iter().map(|object| object["kind"].as_str().unwrap_or_default().to_owned()).collect())
    };
    let all = kinds("replicaCount=1")?;
    let off = kinds("crds.install=false,rbac.create=false,rbac.userRoles=false,service.create=false")?;
    let gone: Vec<&str> = all.difference(&off).map(String::as_str).collect();
    ensure!(
        gone == [
            "ClusterRole",
            "ClusterRoleBinding",
            "CustomResourceDefinition",
            "Role",
            "RoleBinding",
            "Service",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding"
        ],
        "{gone:?}"
    );
    ensure!(kinds("serviceAccount.create=false")?.contains("Deployment"));
    ensure!(!kinds("serviceAccount.create=false")?.contains("ServiceAccount"));
    Ok(())
}

#[tokio::test]
async fn its_version_is_the_operators() -> Result<()> {
    let chart = yaml("charts/evercert/Chart.yaml")?;
    ensure!(chart["appVersion"] == env!("CARGO_PKG_VERSION"), "{chart}");
    let objects = Helm::offline().await?.template(&[])?;
    let image = &of_kind(&objects, "Deployment")?["spec"]["template"]["spec"]["containers"][0]["image"];
    ensure!(*image == concat!("evercert:", env!("CARGO_PKG_VERSION")), "{image}");
    Ok(())
}

//! What the story plays on: a cluster with Evercert installed as `deploy/` does it, and an account at the sandbox CA.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use control_plane::ControlPlane;
use harness::{Objects, Operator, Sandbox, SandboxOptions, Times};
use serde_json::{Value, json};

use crate::tale::Tale;

/// The operator's, as `deploy/` names it.
const SYSTEM: &str = "evercert";
/// Where the certificates live.
const NAMESPACE: &str = "demo";

/// Fields end in this order: the operator first, so that it misses nothing.
pub struct Stage {
    pub operator: Operator,
    pub sandbox: Sandbox,
    pub objects: Objects,
    pub plane: ControlPlane,
}

impl Stage {
    pub async fn set(tale: &Tale) -> Result<Self> {
        tale.act("The stage");
        tale.say("starting a Kubernetes control plane");
        let plane = ControlPlane::start(control_plane::Options::default()).await?;
        let version: Value = serde_json::from_str(&kubectl(&plane, &["version", "--output=json"])?)?;
        let version = version["serverVersion"]["gitVersion"].as_str().unwrap_or_default();
        tale.say(&format!("Kubernetes {version} serves: etcd, kube-apiserver, controllers"));

        let sandbox = Sandbox::start(&SandboxOptions { check_dcv: true, ..SandboxOptions::default() }).await?;
        tale.say(&format!(
            "the sandbox CA speaks CertCentral, Sectigo Certificate Manager and DNSimple's API at {}",
            sandbox.url()
        ));
        tale.say(&format!("its name server, {}, is where it looks before it issues", sandbox.dns_address()));

        install(&plane, tale)?;
        let kubeconfig = plane.kubeconfig_for_account(SYSTEM, SYSTEM).await?;
        let kubeconfig = kubeconfig.to_string_lossy();
        let operator = Operator::start(
            &Operator::arguments(&sandbox, SYSTEM, "info", Times::default()),
            &[("KUBECONFIG", &kubeconfig)],
        )
        .await?;
        ensure!(!operator.has_ended(), "the operator ended at once:\n{}", operator.log());
        tale.say(&format!("the operator runs with the rights of its service account {SYSTEM}/{SYSTEM}"));

        kubectl(&plane, &["create", "namespace", NAMESPACE])?;
        kubectl(&plane, &["config", "set-context", "--current", "--namespace", NAMESPACE])?;
        let objects = Objects { client: plane.client(), namespace: NAMESPACE.to_owned() };
        let stage = Self { operator, sandbox, objects, plane };
        for namespace in [SYSTEM, NAMESPACE] {
            stage.give_credentials(namespace).await?;
        }
        tale.say(&format!(
            "namespaces {SYSTEM} and {NAMESPACE} have Secrets with an API key, a password, an access token and a DNS update key"
        ));
        Ok(stage)
    }

    /// What the samples' issuers name.
    async fn give_credentials(&self, namespace: &str) -> Result<()> {
        let ready = self.sandbox.ready();
        let objects = Objects { namespace: namespace.to_owned(), ..self.objects.clone() };
        let api_key = ready["digicert"]["apiKey"].as_str().context("the sandbox gives no API key")?;
        objects.create_secret("digicert-api-key", "api-key", api_key).await?;
        let token = ready["dnsimple"]["token"].as_str().context("the sandbox gives no token")?;
        objects.create_secret("dnsimple", "token", token).await?;
        let password = ready["sectigo"]["password"].as_str().context("the sandbox gives no password")?;
        objects.create_secret("scm-password", "password", password).await?;
        let update_key = ready["dns"]["tsig"]["secret"].as_str().context("the sandbox gives no TSIG key")?;
        objects.create_secret("dns-update-key", "secret", update_key).await
    }

    /// Applies samples, what the sandbox has in place of their placeholders.
    pub fn apply(&self, files: &[String]) -> Result<String> {
        let mut samples = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(root().join(file)).with_context(|| format!("reading {file}"))?;
            let sample = serde_saphyr::from_str(&text).with_context(|| format!("{file} is no YAML"))?;
            samples.push(self.furnished(sample));
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": samples});
        run(&self.plane, &["apply", "--filename=-"], &list.to_string())
    }

    /// Applies a sample Certificate under another name, with a name and a Secret of its own.
    pub fn apply_as(&self, file: &str, name: &str) -> Result<String> {
        self.apply_edited(file, |sample| {
            sample["metadata"]["name"] = name.into();
            sample["spec"]["secretName"] = format!("{name}-tls").into();
            sample["spec"]["dnsNames"] = json!([format!("{name}.example.com")]);
        })
    }

    pub fn apply_edited(&self, file: &str, edit: impl FnOnce(&mut Value)) -> Result<String> {
        let text = std::fs::read_to_string(root().join(file)).with_context(|| format!("reading {file}"))?;
        let mut sample: Value = serde_saphyr::from_str(&text).with_context(|| format!("{file} is no YAML"))?;
        edit(&mut sample);
        run(&self.plane, &["apply", "--filename=-"], &sample.to_string())
    }

    /// Runs a line as the administrator's shell does, with the kubectl at hand.
    pub fn shell(&self, line: &str) -> Result<String> {
        let kubectl = self.plane.kubectl();
        let path =
            format!("{}:{}", kubectl.parent().unwrap_or(kubectl).display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("sh")
            .args(["-c", line])
            .env("KUBECONFIG", self.plane.kubeconfig())
            .env("PATH", path)
            .env("USER", "you")
            .output()
            .context("starting a shell")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{line}: {}", errors.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn furnished(&self, mut sample: Value) -> Value {
        let ready = self.sandbox.ready();
        if let Some(account) = sample.pointer_mut("/spec/digicert") {
            account["url"] = ready["digicert"]["url"].clone();
            account["organizationId"] = ready["digicert"]["organizationId"].clone();
        }
        if sample.pointer("/spec/dnsimple/accountId").is_some() {
            let account = &mut sample["spec"]["dnsimple"];
            for field in ["url", "accountId"] {
                account[field] = ready["dnsimple"][field].clone();
            }
        }
        if sample.pointer("/spec/sectigo/auth").is_some() {
            let account = &mut sample["spec"]["sectigo"];
            for field in ["url", "customerUri", "orgId", "profileId"] {
                account[field] = ready["sectigo"][field].clone();
            }
            account["auth"]["password"]["login"] = ready["sectigo"]["login"].clone();
            account["customFields"] = json!([]);
        }
        let publishers = sample.pointer_mut("/spec/dcv/publishers").and_then(Value::as_array_mut);
        for publisher in publishers.into_iter().flatten().filter_map(|publisher| publisher.get_mut("rfc2136")) {
            publisher["nameserver"] = ready["dns"]["address"].clone();
            publisher["tsig"]["keyName"] = ready["dns"]["tsig"]["name"].clone();
        }
        sample
    }

    pub fn kubectl(&self, args: &[&str]) -> Result<String> {
        kubectl(&self.plane, args)
    }

    /// Lets the viewer see what a user types and sees.
    pub fn show(&self, tale: &Tale, command: &str) -> Result<String> {
        let args: Vec<_> = command.split(' ').collect();
        let output = self.kubectl(&args)?;
        tale.command(&format!("kubectl {command}"), &output);
        Ok(output)
    }
}

/// As a cluster's administrator does. The Deployment is left out: there is no node, the demo is its kubelet.
fn install(plane: &ControlPlane, tale: &Tale) -> Result<()> {
    let file = |path: &str| root().join(path).to_string_lossy().into_owned();
    kubectl(plane, &["apply", "--server-side", "--filename", &file("crds")])?;
    kubectl(plane, &["wait", "--for=condition=Established", "crd", "--all"])?;
    tale.say("installed crds/: four kinds, and the policies that guard the ledger");
    for manifest in ["namespace", "rbac", "roles"] {
        kubectl(plane, &["apply", "--filename", &file(&format!("deploy/{manifest}.yaml"))])?;
    }
    tale.say("installed deploy/: the namespace, the operator's rights, roles for people");
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn kubectl(plane: &ControlPlane, args: &[&str]) -> Result<String> {
    run(plane, args, "")
}

/// Runs kubectl as the administrator.
fn run(plane: &ControlPlane, args: &[&str], input: &str) -> Result<String> {
    let mut kubectl = Command::new(plane.kubectl())
        .env("KUBECONFIG", plane.kubeconfig())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting kubectl")?;
    kubectl.stdin.take().context("kubectl has no input")?.write_all(input.as_bytes())?;
    let output = kubectl.wait_with_output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "kubectl {}: {}", args.join(" "), errors.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

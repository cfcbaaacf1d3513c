//! Everything together.

use std::{path::Path, process::Command, sync::Arc};

use anyhow::{Context, Result, ensure};
use control_plane::ControlPlane;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep, timeout};

use crate::{
    Objects, Operator, Sandbox, SandboxOptions, Times,
    bind::{Bind, Key, OTHER_KEY, Server, UPDATE_KEY},
    common_name,
    objects::PATIENCE,
};

const OPERATOR_NAMESPACE: &str = "default";
const LEASE: &str = "evercert";

#[derive(Clone, Debug, Default)]
pub struct WorldOptions {
    pub sandbox: SandboxOptions,
    /// The DNS that operator and CA see, in place of the sandbox's own.
    pub bind: Option<Arc<Bind>>,
    /// Neither the sandbox nor an issuer of [`World::issuer`] limits the rate of calls.
    pub unlimited: bool,
    /// Log level of the operator; default `info`.
    pub log: Option<String>,
    /// Further arguments of the operator.
    pub operator: Vec<String>,
    pub times: Times,
}

/// A cluster with Evercert installed, an account at the sandbox, and an Issuer `digicert` for it in one namespace.
pub struct World {
    pub plane: ControlPlane,
    pub sandbox: Arc<Sandbox>,
    pub objects: Objects,
    options: WorldOptions,
}

impl World {
    /// Everything but the operator.
    pub async fn start(mut options: WorldOptions) -> Result<Self> {
        if options.unlimited {
            options.sandbox.args.extend(["--rate-limit", "off"].map(str::to_owned));
        }
        if let Some(bind) = &options.bind {
            options.sandbox.check_dcv = true;
            options.sandbox.args.extend(["--resolver".to_owned(), bind.address(Server::Resolver).to_string()]);
        }
        let sandbox = Arc::new(Sandbox::start(&options.sandbox).await?);
        Self::around(sandbox, options).await
    }

    /// Another cluster, with the same names in it and an Issuer for the same account.
    pub async fn beside(&self) -> Result<Self> {
        Self::around(self.sandbox.clone(), self.options.clone()).await
    }

    async fn around(sandbox: Arc<Sandbox>, options: WorldOptions) -> Result<Self> {
        let plane = ControlPlane::start(control_plane::Options::default()).await?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        kubectl(&plane, &["apply", "-f", &root.join("crds").to_string_lossy()])?;
        kubectl(&plane, &["wait", "--for=condition=Established", "crd", "--all"])?;
        let namespace = plane.namespace("world").await?;
        let objects = Objects { client: plane.client(), namespace };
        let api_key = sandbox.ready()["digicert"]["apiKey"].as_str().context("no API key")?.to_owned();
        objects.create_secret("digicert-api-key", "api-key", &api_key).await?;
        if options.bind.is_some() {
            objects.create_secret("dns-update-key", "secret", UPDATE_KEY.secret).await?;
            objects.create_secret("dns-other-key", "secret", OTHER_KEY.secret).await?;
        } else if options.sandbox.check_dcv {
            let update_key = sandbox.ready()["dns"]["tsig"]["secret"].as_str().context("no TSIG key")?;
            objects.create_secret("dns-update-key", "secret", update_key).await?;
        }
        let world = Self { plane, sandbox, objects, options };
        world.objects.create("Issuer", "digicert", world.issuer()).await?;
        Ok(world)
    }

    /// The spec of an issuer for the sandbox's first account.
    pub fn issuer(&self) -> Value {
        let digicert = &self.sandbox.ready()["digicert"];
        let mut spec = json!({
            "digicert": {
                "url": digicert["url"],
                "apiKeySecretRef": {"name": "digicert-api-key", "key": "api-key"},
                "organizationId": digicert["organizationId"],
                "product": "ssl_basic",
            },
        });
        if self.options.unlimited {
            spec["rateLimit"] = json!({"requests": 100_000, "per": "60s", "burst": 10_000});
        }
        if let Some(bind) = &self.options.bind {
            spec["dcv"] = json!({"publishers": [
                publisher(bind, Server::Primary, UPDATE_KEY, "dns-update-key"),
                publisher(bind, Server::Other, OTHER_KEY, "dns-other-key"),
            ]});
        } else if self.options.sandbox.check_dcv {
            let dns = &self.sandbox.ready()["dns"];
            spec["dcv"] = json!({"publishers": [{
                "zones": dns["zones"],
                "rfc2136": {
                    "nameserver": dns["address"],
                    "tsig": {"keyName": dns["tsig"]["name"], "algorithm": "HmacSha256",
                             "secretRef": {"name": "dns-update-key", "key": "secret"}},
                },
            }]});
        }
        spec
    }

    /// Opens another account at the sandbox. Returns the spec of an issuer for it, whose key is in Secret `<name>-key`.
    pub async fn issuer_of_another(&self, name: &str, account: &Value) -> Result<Value> {
        let account = self.sandbox.post("/_sandbox/accounts", account).await?;
        let secret = format!("{name}-key");
        self.objects.create_secret(&secret, "api-key", account["apiKey"].as_str().context("no key")?).await?;
        let mut spec = self.issuer();
        spec["digicert"]["apiKeySecretRef"]["name"] = json!(secret);
        spec["digicert"]["organizationId"] = account["organizationId"].clone();
        Ok(spec)
    }

    /// Has a Certificate ordered, with this happening to the call, and returns when the call is under way.
    pub async fn ordering(&self, name: &str, mut fault: Value) -> Result<()> {
        fault["match"] = json!({"operation": "order"});
        let id = self.sandbox.fault(&fault).await?["id"].clone();
        self.objects.ask(name, json!({})).await?;
        let under_way = async {
            loop {
                let faults = self.sandbox.faults().await?;
                let mut faults = faults["faults"].as_array().into_iter().flatten();
                if faults.any(|fault| fault["id"] == id && fault["hits"] == 1) {
                    return Ok(());
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, under_way).await.with_context(|| format!("{name} is not ordered"))?
    }

    /// Waits until a Certificate is Ready, and counts what was bought for it.
    pub async fn ready_and_paid_once(&self, name: &str) -> Result<()> {
        self.objects.until_ready(name, 1).await?;
        let ledger = self.sandbox.ledger().await?;
        ensure!(ledger.paid(&common_name(name)) == 1, "{name}: {:?}", ledger.operations);
        Ok(())
    }

    /// Starts the operator, with times short enough for a test.
    pub async fn operator(&self) -> Result<Operator> {
        self.operator_with(&[]).await
    }

    /// The same, in this environment, which may name another kubeconfig.
    pub async fn operator_with(&self, environment: &[(&str, &str)]) -> Result<Operator> {
        let kubeconfig = self.plane.kubeconfig();
        let kubeconfig = kubeconfig.to_string_lossy();
        let environment: Vec<_> = [("KUBECONFIG", &*kubeconfig)].iter().chain(environment).copied().collect();
        Operator::start(&self.operator_args(), &environment).await
    }

    /// Starts one more operator, which waits for the lease of another.
    pub async fn standby(&self) -> Result<Operator> {
        self.standby_with(&[]).await
    }

    /// The same, in this environment.
    pub async fn standby_with(&self, environment: &[(&str, &str)]) -> Result<Operator> {
        let kubeconfig = self.plane.kubeconfig();
        let kubeconfig = kubeconfig.to_string_lossy();
        let environment: Vec<_> = [("KUBECONFIG", &*kubeconfig)].iter().chain(environment).copied().collect();
        let mut operator = Operator::spawn(&self.operator_args(), &environment)?;
        operator.until("it waits", |log| log.contains("waiting for the lease")).await?;
        Ok(operator)
    }

    fn operator_args(&self) -> Vec<String> {
        let log = self.options.log.as_deref().unwrap_or("info");
        let mut args = Operator::arguments(&self.sandbox, OPERATOR_NAMESPACE, log, self.options.times);
        if let Some(bind) = &self.options.bind {
            let resolvers = args.iter().position(|arg| arg == "--dns-servers").map(|flag| flag + 1);
            if let Some(resolver) = resolvers.and_then(|value| args.get_mut(value)) {
                *resolver = bind.address(Server::Resolver).to_string();
            }
            args.extend(["--sandbox-dns-port".to_owned(), bind.port().to_string()]);
            for server in [Server::Primary, Server::Other] {
                args.extend(["--allowed-name-servers".to_owned(), bind.address(server).to_string()]);
            }
        }
        args.extend_from_slice(&self.options.operator);
        args
    }

    /// Spares the next operator the wait for the end of a lease whose holder is known to be dead.
    pub async fn drop_lease(&self) -> Result<()> {
        self.leases().delete(LEASE, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Gives the lease to somebody else.
    pub async fn steal_lease(&self) -> Result<()> {
        let theft = json!({"spec": {"holderIdentity": "somebody else"}});
        self.leases().patch(LEASE, &PatchParams::default(), &Patch::Merge(&theft)).await?;
        Ok(())
    }

    /// Who holds the lease.
    pub async fn leader(&self) -> Result<Option<String>> {
        Ok(self.leases().get(LEASE).await?.spec.and_then(|spec| spec.holder_identity))
    }

    fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.objects.client.clone(), OPERATOR_NAMESPACE)
    }

    /// Runs kubectl as the administrator and returns what it prints.
    pub fn kubectl(&self, args: &[&str]) -> Result<String> {
        kubectl(&self.plane, args)
    }
}

/// An issuer's publisher for the zones of one of these servers.
fn publisher(bind: &Bind, server: Server, key: Key, secret: &str) -> Value {
    json!({
        "zones": server.zones(),
        "rfc2136": {
            "nameserver": bind.address(server).to_string(),
            "tsig": {"keyName": key.name, "algorithm": key.algorithm, "secretRef": {"name": secret, "key": "secret"}},
        },
    })
}

fn kubectl(plane: &ControlPlane, args: &[&str]) -> Result<String> {
    let output = Command::new(plane.kubectl()).arg("--kubeconfig").arg(plane.kubeconfig()).args(args).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "kubectl {}: {errors}", args.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

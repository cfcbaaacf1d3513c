//! A cluster, an account at the sandbox, many Certificates, and an operator whose requests the audit log can tell.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use harness::{Operator, SandboxOptions, Times, World, WorldOptions, condition};
use kube::{ResourceExt, runtime::watcher};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::audit::Audit;

/// The operator's name in the audit log.
pub const USER: &str = "bench-operator";
/// Requests at a time of whatever is not measured.
const HANDS: usize = 32;
/// The operator's own defaults, unlike those of tests.
const TIMES: Times = Times { call: 60, lease: 90, settle: 900 };
const NAMESPACE: &str = "default";
/// Without a certificate for so long, something is wrong.
const STALL: Duration = Duration::from_secs(120);

pub struct Stage {
    pub world: World,
    pub audit: Audit,
}

impl Stage {
    /// `rate_limit` of the sandbox's account, as its flag takes it.
    pub async fn set(rate_limit: &str) -> Result<Self> {
        let args = vec!["--rate-limit".to_owned(), rate_limit.to_owned()];
        let sandbox = SandboxOptions { args, ..SandboxOptions::default() };
        let world = World::start(WorldOptions { sandbox, ..WorldOptions::default() }).await?;
        let audit = Audit::open(&world.plane.audit_log(), USER);
        Ok(Self { world, audit })
    }

    /// Lifts the issuer's own limit.
    pub async fn unlimited(&self) -> Result<()> {
        let limit = json!({"requests": 100_000, "per": "1s", "burst": 100_000});
        self.world.objects.patch("Issuer", "digicert", json!({"spec": {"rateLimit": limit}})).await
    }

    /// Starts the operator and waits for nothing.
    pub fn operator(&self) -> Result<Operator> {
        let kubeconfig = self.world.plane.kubeconfig_for(USER, &["system:masters"])?;
        let args = Operator::arguments(&self.world.sandbox, NAMESPACE, "info", TIMES);
        Operator::spawn(&args, &[("KUBECONFIG", &kubeconfig.to_string_lossy())])
    }

    /// Lets the operator see that the account serves, and ends it.
    pub async fn check_account(&mut self) -> Result<()> {
        let operator = self.operator()?;
        let serves = |issuer: &Value| condition(issuer, "Ready").is_some_and(|ready| ready["status"] == "True");
        self.world.objects.until("Issuer", "digicert", "it is Ready", serves).await?;
        end(operator).await?;
        self.audit.read().map(drop)
    }

    pub async fn create(&self, names: impl Iterator<Item = String>) -> Result<()> {
        let create = |name: String| async move {
            self.world.objects.create("Certificate", &name, certificate(&name)).await.map(drop)
        };
        stream::iter(names.map(create)).buffer_unordered(HANDS).try_collect().await
    }

    /// A watch on Certificates that tells their names as they become Ready.
    pub fn watch(&self) -> Readiness {
        let events = watcher(self.world.objects.api("Certificate"), watcher::Config::default());
        let ready = events.filter_map(async |event| match event {
            Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                let ready = condition(&object.data, "Ready").is_some_and(|ready| ready["status"] == "True");
                Some(Seen { name: object.name_any(), ready })
            }
            _ => None,
        });
        Readiness { events: ready.boxed(), ready: HashSet::new() }
    }
}

/// As Kubernetes ends it.
pub async fn end(mut operator: Operator) -> Result<()> {
    ensure!(operator.terminate().await? == 0, "the operator ended badly:\n{}", operator.log());
    Ok(())
}

fn certificate(name: &str) -> Value {
    json!({
        "issuerRef": {"name": "digicert"},
        "secretName": format!("{name}-tls"),
        "dnsNames": [format!("{name}.example.com"), format!("www.{name}.example.com")],
    })
}

/// A Certificate that has changed.
pub struct Seen {
    pub name: String,
    pub ready: bool,
}

pub struct Readiness {
    events: stream::BoxStream<'static, Seen>,
    ready: HashSet<String>,
}

impl Readiness {
    pub async fn next(&mut self) -> Result<Seen> {
        let seen = timeout(STALL, self.events.next()).await;
        seen.context("no Certificate has changed for two minutes")?.context("the watch has ended")
    }

    /// Waits until so many are Ready and says when the last of them was.
    pub async fn until(&mut self, count: usize) -> Result<Instant> {
        let started = Instant::now();
        while self.ready.len() < count {
            let seen = self.next().await.with_context(|| {
                format!("{} of {count} Certificates are Ready after {:?}", self.ready.len(), started.elapsed())
            })?;
            if seen.ready {
                self.ready.insert(seen.name);
            }
        }
        Ok(Instant::now())
    }
}

/// Waits until the operator has written nothing for three seconds.
pub async fn rest(audit: &mut Audit) -> Result<()> {
    let deadline = Instant::now() + STALL;
    let mut quiet = 0;
    while quiet < 3 {
        if Instant::now() > deadline {
            bail!("the operator does not come to rest");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        quiet = if audit.read()?.total() == 0 { quiet + 1 } else { 0 };
    }
    Ok(())
}

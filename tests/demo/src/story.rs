//! The story, act by act. Every act says what has to happen; anything else ends it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use harness::condition;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    account::{self, Planned},
    dns,
    observer::Observer,
    sectigo::PORTAL,
    served::{self, Served},
    stage::Stage,
    tale::Tale,
};

/// How long one step may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
const GLANCE: Duration = Duration::from_millis(100);
/// What falls due within this time is watched together.
const TOGETHER: SignedDuration = SignedDuration::from_hours(20 * 24);
/// Nothing is left so late that it expires.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);
/// More rounds than an order of one year ever needs, also with certificates of 47 days.
const MAX_ROUNDS: usize = 15;

/// Names of the samples' Certificates.
const SINGLE: &str = "shop";
const MULTI: &str = "www";
const WILDCARD: &str = "wildcard";

pub struct Story<'a> {
    pub tale: &'a Tale,
    pub stage: &'a Stage,
    pub observer: Observer,
    /// Every operation that has to happen, in order.
    pub plot: Vec<Planned>,
    /// What each Certificate's Secret serves.
    served: BTreeMap<String, Served>,
}

impl<'a> Story<'a> {
    pub fn new(tale: &'a Tale, stage: &'a Stage) -> Self {
        Self { tale, stage, observer: Observer::default(), plot: Vec::new(), served: BTreeMap::new() }
    }

    pub async fn tell(mut self) -> Result<()> {
        self.first_issue().await?;
        self.sectigo_replaces().await?;
        self.a_year_passes().await?;
        self.a_key_is_lost().await?;
        self.a_key_is_compromised().await?;
        self.rules().await?;
        self.adoption().await?;
        self.dnsimple().await?;
        self.the_account().await
    }

    async fn first_issue(&mut self) -> Result<()> {
        self.tale.act("One certificate, its domain validated by DNS");
        self.apply(&["issuer", "cluster-issuer", "certificate-single-name"])?;
        self.plan(SINGLE, "Order", "FirstIssue");
        self.until("a validation record is published", |observer| !observer.records.is_empty()).await?;
        self.stage.show(self.tale, "get evcert,evisn")?;
        self.until_ready(&[SINGLE]).await?;

        self.tale.act("Several names and an RSA key; a wildcard from the ClusterIssuer; a certificate from Sectigo");
        self.apply(&["certificate-multi-name", "certificate-wildcard"])?;
        self.plan(MULTI, "Order", "FirstIssue");
        self.plan(WILDCARD, "Order", "FirstIssue");
        self.enroll_at_sectigo()?;
        self.until_ready(&[MULTI, WILDCARD, PORTAL]).await?;
        self.stage.show(self.tale, "get evcert,evisn").map(drop)
    }

    pub fn apply(&self, samples: &[&str]) -> Result<()> {
        let files: Vec<_> = samples.iter().map(|sample| format!("deploy/samples/{sample}.yaml")).collect();
        let applied = self.stage.apply(&files)?;
        self.tale.command(&format!("kubectl apply -f {}", files.join(" -f ")), &applied);
        Ok(())
    }

    /// The clock moves from one planned operation to the next until the first order has been renewed.
    async fn a_year_passes(&mut self) -> Result<()> {
        self.tale.act(
            "A year passes: free reissues while an order lasts, one purchase at its end or, at Sectigo, each time",
        );
        for _ in 0..MAX_ROUNDS {
            let (due, until) = self.round()?;
            let named: Vec<_> = due.iter().map(|(name, operation)| format!("{operation} of {name}")).collect();
            self.tale.say(&format!("the clock moves to {}: due {}", until.strftime("%Y-%m-%d"), named.join(", ")));
            let last = due.get(SINGLE).is_some_and(|operation| operation == "Renew");
            if last {
                self.lose_an_answer().await?;
            }
            self.stage.sandbox.set_clock(&until.to_string()).await?;
            for (certificate, operation) in &due {
                self.plan(certificate, operation, "Expiring");
            }
            let names: Vec<_> = due.keys().map(String::as_str).collect();
            self.until_ready(&names).await?;
            if last {
                self.tell_lost_answer()?;
                let reissued = self.plot.iter().any(|planned| planned.is(SINGLE, "Reissue"));
                ensure!(reissued, "{SINGLE} was renewed without having been reissued on its first order");
                self.sectigo_has_renewed()?;
                return self.stage.show(self.tale, "get evcert,evisn").map(drop);
            }
        }
        bail!("{SINGLE} was not renewed in {MAX_ROUNDS} rounds")
    }

    /// Whoever asks again after this, instead of looking, buys twice.
    async fn lose_an_answer(&self) -> Result<()> {
        let fault = json!({"kind": "resetAfterCommit", "match": {"operation": "renew"}});
        self.stage.sandbox.fault(&fault).await?;
        self.tale.say("from now on the CA accepts the next purchase, but its answer is lost on the way");
        Ok(())
    }

    fn tell_lost_answer(&self) -> Result<()> {
        let fields = "jsonpath={.items[*].involvedObject.name}";
        let lost = self.stage.kubectl(&["get", "events", "--field-selector=reason=OutcomeUnknown", "-o", fields])?;
        ensure!(!lost.is_empty(), "no answer was lost, or no Event tells it");
        self.tale.about(&lost, "got no answer, looked, found its order at the CA and went on with it");
        Ok(())
    }

    /// What falls due next, by name the operation that `status.next` announces, and the moment to move the clock to.
    fn round(&self) -> Result<(BTreeMap<String, String>, Timestamp)> {
        let mut announced = Vec::new();
        let mut ends = Vec::new();
        for (name, certificate) in &self.observer.certificates {
            let status = &certificate["status"];
            let operation =
                status["next"]["operation"].as_str().with_context(|| format!("{name} has no next operation"))?;
            announced.push((time(&status["next"]["at"], name)?, name, operation));
            ends.push(time(&status["notAfter"], name)?);
        }
        let first = announced.iter().map(|(at, ..)| *at).min().context("there is no Certificate")?;
        let end = ends.into_iter().min().unwrap_or(first);
        announced.retain(|(at, ..)| at.duration_since(first) <= TOGETHER && end.duration_since(*at) > A_DAY);
        let last = announced.iter().map(|(at, ..)| *at).max().unwrap_or(first);
        let due = announced.into_iter().map(|(_, name, operation)| (name.clone(), operation.to_owned())).collect();
        // Announced times are whole minutes.
        Ok((due, last + SignedDuration::from_mins(1)))
    }

    async fn a_key_is_lost(&mut self) -> Result<()> {
        self.tale.act("A Secret is deleted, and its private key with it");
        self.stage.show(self.tale, &format!("delete secret {MULTI}-tls"))?;
        self.plan(MULTI, "Reissue", "KeyLost");
        self.until_ready(&[MULTI]).await
    }

    async fn a_key_is_compromised(&mut self) -> Result<()> {
        self.tale.act("A private key is in the wrong hands");
        let old = self.served.get(SINGLE).context("nothing is served")?.serial.clone();
        ensure!(!served::is_revoked(&self.stage.sandbox, &old).await?, "serial {old} is revoked too early");
        let request = "evercert.dev/reissue-requested=incident-7 evercert.dev/reissue-reason=KeyCompromise";
        self.stage.show(self.tale, &format!("annotate evcert {SINGLE} {request}"))?;
        self.plan(SINGLE, "Reissue", "KeyCompromise");
        self.until_ready(&[SINGLE]).await?;

        let deadline = Instant::now() + PATIENCE;
        while !served::is_revoked(&self.stage.sandbox, &old).await? {
            ensure!(Instant::now() < deadline, "serial {old} did not come into the CA's revocation list");
            self.look().await?;
        }
        self.tale.about(SINGLE, &format!("the old serial {old} is in the CA's revocation list"));
        let new = &self.served.get(SINGLE).context("nothing is served")?.serial;
        ensure!(!served::is_revoked(&self.stage.sandbox, new).await?, "the new certificate {new} is revoked as well");
        let events = self.stage.show(self.tale, &format!("events --for evcert/{SINGLE}"))?;
        ensure!(events.contains(&old) && events.contains(new), "the Events of {SINGLE} do not tell both serials");
        Ok(())
    }

    async fn the_account(&mut self) -> Result<()> {
        self.tale.act("The account");
        self.records_are_gone().await?;
        let ledger = self.stage.sandbox.ledger().await?;
        self.observer.look(&self.stage.objects, self.tale).await?;
        let table = account::settle(&self.plot, &self.observer, &self.served, &ledger, SINGLE)?;
        let paid = ledger.operations.iter().filter(|operation| operation.paid);
        let (ours, by_hand): (Vec<_>, Vec<_>) = paid.partition(|operation| !account::is_by_hand(operation));
        self.tale.say(&format!(
            "the CA's ledger has {} operations, {} of them paid by Evercert and {} by hand: exactly those that were due",
            ledger.operations.len(),
            ours.len(),
            by_hand.len(),
        ));
        self.tale.note(&table);
        Ok(())
    }

    async fn records_are_gone(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let records = self.observer.records.clone();
        ensure!(!records.is_empty(), "no domain was validated by DNS");
        for (name, kind) in &records {
            while dns::exists(self.stage.sandbox.dns_address(), name, kind).await? {
                ensure!(Instant::now() < deadline, "the validation record {name} {kind} is still published");
                sleep(GLANCE).await;
            }
        }
        self.tale.say(&format!("none of the {} validation records is left in the DNS", records.len()));
        Ok(())
    }

    pub fn plan(&mut self, certificate: &str, operation: &str, reason: &str) {
        self.plot.push(Planned::new(certificate, operation, reason));
    }

    /// Waits until each of these Certificates has come to rest with what the plot says, and nothing more.
    pub async fn until_ready(&mut self, names: &[&str]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut awaited: BTreeSet<_> = names.iter().copied().collect();
        while !awaited.is_empty() {
            self.look().await?;
            for name in awaited.clone() {
                if self.rests(name)? {
                    awaited.remove(name);
                    self.has_arrived(name).await?;
                }
            }
            if Instant::now() > deadline {
                bail!("{}", awaited.into_iter().map(|name| self.lateness(name)).collect::<Vec<_>>().join("; "));
            }
        }
        Ok(())
    }

    /// Waits until the cluster is as `holds` says; `what` names that in the failure.
    pub async fn until(&mut self, what: &str, holds: impl Fn(&Observer) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !holds(&self.observer) {
            ensure!(Instant::now() < deadline, "it did not happen that {what}");
            self.look().await?;
        }
        Ok(())
    }

    /// A glance at the cluster, not too soon after the last one.
    async fn look(&mut self) -> Result<()> {
        self.alive()?;
        sleep(GLANCE).await;
        self.observer.look(&self.stage.objects, self.tale).await
    }

    fn alive(&self) -> Result<()> {
        ensure!(!self.stage.operator.has_ended(), "the operator has ended");
        Ok(())
    }

    fn rests(&self, name: &str) -> Result<bool> {
        let planned = self.plot.iter().filter(|planned| planned.certificate == name).count();
        let Some(certificate) = self.observer.certificates.get(name) else { return Ok(false) };
        let status = &certificate["status"];
        let revision = status["revision"].as_u64().unwrap_or(0);
        ensure!(revision <= planned as u64, "{name} has had {revision} operations where {planned} were due");
        Ok(revision == planned as u64
            && condition(certificate, "Ready").is_some_and(|ready| ready["status"] == "True")
            && status["issuance"].is_null()
            && status["next"]["at"].is_string()
            && status["observedGeneration"] == certificate["metadata"]["generation"])
    }

    /// Compares what is served with what is wanted, and tells.
    async fn has_arrived(&mut self, name: &str) -> Result<()> {
        let certificate = &self.observer.certificates[name];
        let (spec, status) = (&certificate["spec"], &certificate["status"]);
        let secret = spec["secretName"].as_str().unwrap_or_default();
        let served = served::certificate(&self.stage.objects, secret).await?;
        let wanted = &spec["privateKey"];
        // Where the provider makes the key, it chooses the size.
        let algorithm = wanted["algorithm"].as_str().unwrap_or("ECDSA");
        let key = match wanted["size"].as_i64() {
            Some(size) => format!("{algorithm} {size}"),
            None => served.key.clone(),
        };
        ensure!(key.starts_with(algorithm), "Secret {secret} serves {key}, not {algorithm}");
        let names: BTreeSet<_> = spec["dnsNames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        ensure!(served.key == key, "Secret {secret} serves {}, not {key}", served.key);
        ensure!(names.iter().copied().eq(served.names.iter().map(String::as_str)), "Secret {secret} has other names");
        ensure!(
            status["serialNumber"] == served.serial,
            "Secret {secret} serves serial {}, not the status's",
            served.serial
        );
        let previous = self.served.get(name).map(|served| served.serial.as_str());
        ensure!(previous != Some(&served.serial), "Secret {secret} still serves serial {}", served.serial);

        let Served { serial, expires, .. } = &served;
        self.tale.about(name, &format!("ready: {key} in Secret {secret}, serial {serial}, expires {expires}"));
        self.served.insert(name.to_owned(), served);
        Ok(())
    }

    /// How far a Certificate is that should be further.
    fn lateness(&self, name: &str) -> String {
        let Some(certificate) = self.observer.certificates.get(name) else { return format!("{name} does not exist") };
        let conditions = certificate["status"]["conditions"].as_array().into_iter().flatten();
        let conditions = conditions.map(|condition| {
            let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
            format!("{}={} ({}: {})", text("type"), text("status"), text("reason"), text("message"))
        });
        format!("{name} was not ready after {} s: {}", PATIENCE.as_secs(), conditions.collect::<Vec<_>>().join(", "))
    }
}

fn time(value: &Value, name: &str) -> Result<Timestamp> {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .with_context(|| format!("{name} does not say when it is due or ends"))
}

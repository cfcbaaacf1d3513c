//! The Lease: one process at a time calls providers and writes, and knows how much longer it may.
//!
//! Modelled on client-go's `leaderelection`. Every write is a replace guarded by resourceVersion. No clock of
//! another machine is trusted: a holder counts from before it asked, a candidate from when it saw the record change,
//! both on the monotonic clock, so the holder always stops first.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tracing::{debug, error, info, warn};

use super::error::{Error, kube};

#[derive(Debug, Clone)]
pub struct LeaseConfig {
    pub namespace: String,
    pub name: String,
    /// Identity of this process: no other, past or present, has the same.
    pub holder: String,
    /// How long it is ours without renewal. Written in whole seconds, rounded up.
    pub duration: Duration,
    /// Much shorter than `duration`.
    pub renew_every: Duration,
}

impl LeaseConfig {
    /// 90 s, renewed every 10 s, for a process named after its host and chance.
    pub fn new(namespace: String) -> Self {
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "evercert".into());
        Self {
            namespace,
            name: "evercert".into(),
            holder: format!("{host}_{}", uuid::Uuid::new_v4()),
            duration: Duration::from_secs(90),
            renew_every: Duration::from_secs(10),
        }
    }

    /// How long a candidate, or a holder whose renewal failed, waits: spread, so that candidates do not collide.
    fn retry_after(&self) -> Duration {
        self.renew_every.mul_f64(0.2 * (1.0 + fastrand::f64()))
    }
}

/// Waits until the Lease is ours. Errors are logged and tried again.
pub async fn acquire(client: Client, config: LeaseConfig) -> Held {
    let record = Record { api: Api::namespaced(client, &config.namespace), config };
    let mut seen = Seen::default();
    loop {
        match record.take(&mut seen).await {
            Ok(Some((lease, until))) => {
                info!(holder = record.config.holder, "holding the lease");
                return Held::new(record, lease, until);
            }
            Ok(None) | Err(Error::Conflict { .. }) => debug!("the lease is another's"),
            Err(error) => warn!(error = &error as &dyn std::error::Error, "cannot take the lease"),
        }
        sleep(record.config.retry_after()).await;
    }
}

/// The Lease while it is ours. Dropped without [`Self::release`] it is no longer renewed, as if the process had died.
#[derive(Debug)]
pub struct Held {
    handle: LeaseHandle,
    release: oneshot::Sender<()>,
    renewals: JoinHandle<()>,
}

impl Held {
    fn new(record: Record, lease: Lease, until: Instant) -> Self {
        let (sender, until) = watch::channel(Some(until));
        let (release, released) = oneshot::channel();
        let holder = record.config.holder.as_str().into();
        let renewals = tokio::spawn(record.keep(lease, sender, released));
        Self { handle: LeaseHandle { holder, until }, release, renewals }
    }

    pub fn handle(&self) -> LeaseHandle {
        self.handle.clone()
    }

    /// Gives it up, so that the next process need not wait for its end. Call when nothing runs that relies on it.
    pub async fn release(self) {
        // A receiver that is gone has lost the lease already.
        let _ = self.release.send(());
        let _ = self.renewals.await;
    }
}

/// What work that relies on the Lease sees of it.
#[derive(Debug, Clone)]
pub struct LeaseHandle {
    holder: Arc<str>,
    /// `None` once it is lost or released.
    until: watch::Receiver<Option<Instant>>,
}

#[cfg(test)]
impl LeaseHandle {
    /// One that is nobody's to renew.
    pub fn until(until: Instant) -> Self {
        Self { holder: "test".into(), until: watch::channel(Some(until)).1 }
    }
}

impl LeaseHandle {
    /// How long it is certainly still ours, whatever happens to the API server; zero when it is not.
    pub fn remaining(&self) -> Duration {
        self.until.borrow().map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// The identity of this process in the Lease.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// Resolves when it is no longer ours, or no longer renewed.
    pub async fn lost(&self) {
        // An error means that the task that renews it is gone.
        let _ = self.until.clone().wait_for(Option::is_none).await;
    }
}

/// The record in the cluster, as one process reads and writes it.
#[derive(Debug)]
struct Record {
    api: Api<Lease>,
    config: LeaseConfig,
}

/// Why a renewal did not happen.
enum NotRenewed {
    Taken,
    Ended,
    Failed(Error),
}

impl Record {
    /// One try. The lease as written and when it ends, or `None` when it is another's.
    async fn take(&self, seen: &mut Seen) -> Result<Option<(Lease, Instant)>, Error> {
        let found = kube("reading the lease", self.api.get_opt(&self.config.name)).await?;
        let asked = Instant::now();
        let written = match found {
            None => {
                let name = Some(self.config.name.clone());
                let lease = Lease { metadata: ObjectMeta { name, ..Default::default() }, spec: Some(self.taken(None)) };
                kube("creating the lease", self.api.create(&PostParams::default(), &lease)).await?
            }
            Some(lease) => {
                let spec = lease.spec.as_ref();
                if !seen.is_free(spec, &self.config, asked) {
                    return Ok(None);
                }
                let spec = Some(self.taken(spec));
                self.replace("taking the lease", &Lease { spec, ..lease }).await?
            }
        };
        Ok(Some((written, asked + self.config.duration)))
    }

    fn taken(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = Some(MicroTime(Timestamp::now()));
        LeaseSpec {
            holder_identity: Some(self.config.holder.clone()),
            lease_duration_seconds: Some(whole_seconds(self.config.duration)),
            acquire_time: now.clone(),
            renew_time: now,
            lease_transitions: Some(before.and_then(|spec| spec.lease_transitions).map_or(0, |n| n.saturating_add(1))),
            ..Default::default()
        }
    }

    /// Renews until told to release it, or until it is lost.
    async fn keep(self, mut lease: Lease, until: watch::Sender<Option<Instant>>, mut release: oneshot::Receiver<()>) {
        let mut next = Instant::now() + self.config.renew_every;
        loop {
            let Some(end) = *until.borrow() else { return };
            tokio::select! {
                told = &mut release => {
                    if told.is_ok() {
                        until.send_replace(None);
                        self.release(lease).await;
                    }
                    return;
                }
                () = sleep_until(next.min(end)) => {}
            }
            let renewed = timeout_at(end, self.renew(&mut lease)).await.unwrap_or(Err(NotRenewed::Ended));
            next = Instant::now() + self.config.renew_every;
            match renewed {
                Ok(end) => {
                    until.send_replace(Some(end));
                }
                Err(NotRenewed::Failed(error)) => {
                    warn!(error = &error as &dyn std::error::Error, "cannot renew the lease");
                    next = Instant::now() + self.config.retry_after();
                }
                Err(NotRenewed::Ended) => {
                    error!("the lease ended without renewal");
                    until.send_replace(None);
                }
                Err(NotRenewed::Taken) => {
                    error!("the lease was taken from us");
                    until.send_replace(None);
                }
            }
        }
    }

    /// One try, that leaves `lease` as the cluster has it. When the lease ends now.
    async fn renew(&self, lease: &mut Lease) -> Result<Instant, NotRenewed> {
        let asked = Instant::now();
        let renew_time = Some(MicroTime(Timestamp::now()));
        let spec = lease.spec.clone().map(|spec| LeaseSpec { renew_time, ..spec });
        match self.replace("renewing the lease", &Lease { spec, ..lease.clone() }).await {
            Ok(written) => {
                *lease = written;
                Ok(asked + self.config.duration)
            }
            Err(refused) => {
                // Somebody else wrote it, or an earlier write of ours arrived without an answer.
                let found = kube("reading the lease", self.api.get_opt(&self.config.name)).await;
                match found.map_err(NotRenewed::Failed)? {
                    Some(current) if holder(current.spec.as_ref()) == Some(&self.config.holder) => *lease = current,
                    _ => return Err(NotRenewed::Taken),
                }
                Err(NotRenewed::Failed(refused))
            }
        }
    }

    async fn release(&self, lease: Lease) {
        let spec = lease.spec.clone().map(|spec| LeaseSpec { holder_identity: None, ..spec });
        match self.replace("releasing the lease", &Lease { spec, ..lease }).await {
            Ok(_) => info!("released the lease"),
            Err(error) => warn!(error = &error as &dyn std::error::Error, "the lease ends by itself"),
        }
    }

    /// Guarded by the uid and the resourceVersion that `lease` carries.
    async fn replace(&self, call: &'static str, lease: &Lease) -> Result<Lease, Error> {
        kube(call, self.api.replace(&self.config.name, &PostParams::default(), lease)).await
    }
}

/// What a candidate last saw another holder write, and when.
#[derive(Default)]
struct Seen(Option<(LeaseSpec, Instant)>);

impl Seen {
    /// Whether it may be taken: nobody's, ours by an answer that was lost, or unchanged for its whole duration.
    fn is_free(&mut self, spec: Option<&LeaseSpec>, config: &LeaseConfig, now: Instant) -> bool {
        let (Some(spec), Some(holder)) = (spec, holder(spec)) else { return true };
        if *holder == config.holder {
            return true;
        }
        if self.0.as_ref().is_none_or(|(seen, _)| seen != spec) {
            info!(holder, "waiting for the lease");
            self.0 = Some((spec.clone(), now));
        }
        let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let duration = seconds.map_or(config.duration, Duration::from_secs);
        self.0.as_ref().is_some_and(|(_, since)| now.saturating_duration_since(*since) >= duration)
    }
}

fn holder(spec: Option<&LeaseSpec>) -> Option<&String> {
    spec?.holder_identity.as_ref().filter(|holder| !holder.is_empty())
}

fn whole_seconds(duration: Duration) -> i32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

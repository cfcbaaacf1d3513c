//! One circuit for each credential, between the clients of its account and the account: hears of every call, and lets
//! none through while it is open. `lifecycle/circuit.rs` decides.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::Notify;

use super::{
    context::Context,
    watch::{Queue, Woken},
};
use crate::{
    api::{
        ClusterIssuer, Issuer,
        conditions::{CIRCUIT_OPEN, is_true},
    },
    lifecycle::circuit::{Circuit, Outage},
    provider::{Called, limits::Gate},
};

pub struct Breaker {
    circuit: Mutex<Circuit>,
    /// Told when it opens or closes.
    news: Arc<Notify>,
}

impl Breaker {
    pub fn new(news: Arc<Notify>) -> Self {
        Self { circuit: Mutex::default(), news }
    }

    pub fn hear(&self, called: &Called<'_>) {
        if self.circuit().heard(called, Timestamp::now()) {
            self.news.notify_one();
        }
    }

    pub fn outage(&self) -> Option<Outage> {
        self.circuit().outage().cloned()
    }

    /// The next look at the account need not wait any longer.
    pub fn hurry(&self) {
        self.circuit().hurry(Timestamp::now());
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate for Breaker {
    fn shut(&self, probe: bool) -> Option<String> {
        let mut circuit = self.circuit();
        if circuit.admits(probe, Timestamp::now()) {
            return None;
        }
        Some("the account answers with errors and is not called just now".to_owned())
    }
}

/// Wakes each issuer whose status says other of its circuit than is so. Runs for the life of the process.
pub async fn follow(context: Arc<Context>, issuers: Queue<Issuer>, cluster_issuers: Queue<ClusterIssuer>) {
    loop {
        context.accounts.circuits.notified().await;
        for issuer in context.stores.every_issuer() {
            let open = context.accounts.outage(&issuer.uid).is_some();
            if open == is_true(&issuer.status.conditions, CIRCUIT_OPEN) {
                continue;
            }
            // A queue without a reader is that of a process that ends.
            let _ = match &issuer.namespace {
                Some(namespace) => {
                    let name = ObjectRef::new(&issuer.name).within(namespace);
                    issuers.send(Woken::now(name)).is_ok()
                }
                None => cluster_issuers.send(Woken::now(ObjectRef::new(&issuer.name))).is_ok(),
            };
        }
    }
}

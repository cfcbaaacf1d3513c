//! What is counted: names, units and labels are in docs/metrics.md, which a test compares with this.
//!
//! Labels take their values from our own lists and from objects that exist, never from what others answer.

mod labels;
mod objects;
mod reconciles;
#[cfg(test)]
mod tests;
mod writes;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

pub use self::{
    labels::IssuerLabels,
    objects::Observed,
    reconciles::{Meter, WatchMeter},
    writes::client,
};
use self::{
    labels::{ControllerLabels, EndedLabels, EndpointLabels, KindLabels, ReconcileLabels, WriteLabels},
    objects::Objects,
};
use crate::{
    api::{Issuance, IssuanceStatus, issuance::OutcomeClass},
    lifecycle::issuance::is_paid,
    provider::{CallError, CallObserver, Called},
};

/// From an answer of the next room to the longest wait for one call.
const CALL_BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// From a look that changes nothing to the deadline of a reconcile.
const RECONCILE_BUCKETS: [f64; 9] = [0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0];

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

pub struct Metrics {
    ca_calls: Family<labels::CallLabels, Counter>,
    ca_call_duration: Histograms<EndpointLabels>,
    issuances: Family<EndedLabels, Counter>,
    reconciles: Family<ReconcileLabels, Counter>,
    reconcile_duration: Histograms<ControllerLabels>,
    running: Family<ControllerLabels, Gauge>,
    queued: Family<ControllerLabels, Gauge>,
    writes: Family<WriteLabels, Counter>,
    watch_errors: Family<KindLabels, Counter>,
    watch_events: Family<KindLabels, Gauge>,
    objects: Arc<Objects>,
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self {
            ca_calls: Family::default(),
            ca_call_duration: Family::new_with_constructor(|| Histogram::new(CALL_BUCKETS)),
            issuances: Family::default(),
            reconciles: Family::default(),
            reconcile_duration: Family::new_with_constructor(|| Histogram::new(RECONCILE_BUCKETS)),
            running: Family::default(),
            queued: Family::default(),
            writes: Family::default(),
            watch_errors: Family::default(),
            watch_events: Family::default(),
            objects: Arc::default(),
        };
        registry.register("ca_calls", "Calls made to providers", metrics.ca_calls.clone());
        registry.register_with_unit(
            "ca_call_duration",
            "From the first byte of a call to a provider to the last of its answer",
            Unit::Seconds,
            metrics.ca_call_duration.clone(),
        );
        registry.register("issuances", "Issuances that came to an end", metrics.issuances.clone());
        registry.register("reconciles", "Reconciles that came to an end", metrics.reconciles.clone());
        registry.register_with_unit(
            "reconcile_duration",
            "From the start of a reconcile to its end",
            Unit::Seconds,
            metrics.reconcile_duration.clone(),
        );
        registry.register("reconciles_running", "Reconciles under way", metrics.running.clone());
        registry.register(
            "reconciles_queued",
            "Objects that changed and wait for their reconcile to begin",
            metrics.queued.clone(),
        );
        registry.register("kube_writes", "Writes sent to the API server", metrics.writes.clone());
        registry.register("watch_errors", "Watches that failed and began again", metrics.watch_errors.clone());
        registry.register_with_unit(
            "watch_last_event_timestamp",
            "When a watch last brought an object",
            Unit::Seconds,
            metrics.watch_events.clone(),
        );
        registry.register_collector(Box::new(metrics.objects.clone()));
        Arc::new(metrics)
    }

    /// From now on objects are shown as these stores have them, and the lease as it is.
    pub fn observe(&self, observed: Observed) {
        self.objects.observe(observed);
    }

    /// Counts the calls made for one issuer.
    pub fn call_observer(self: &Arc<Self>, issuer: IssuerLabels) -> CallObserver {
        let metrics = self.clone();
        Arc::new(move |called| metrics.called(&issuer, called))
    }

    fn called(&self, issuer: &IssuerLabels, called: &Called<'_>) {
        let endpoint =
            EndpointLabels { provider: called.provider, method: called.method.into(), endpoint: called.endpoint };
        self.ca_call_duration.get_or_create(&endpoint).observe(called.took.as_secs_f64());
        self.ca_calls.get_or_create(&endpoint.with(class(called.result))).inc();
        if let Err(CallError::RateLimited { .. }) = called.result {
            self.objects.refused(issuer, Timestamp::now() + called.pause.unwrap_or(Duration::ZERO));
        }
    }

    /// Counts what a write to the ledger says: an operation that was placed and costs money, and an end.
    pub fn recorded(&self, before: Option<&IssuanceStatus>, stored: &Issuance) {
        let (spec, after) = (&stored.spec, stored.status.as_ref());
        let placed = orders(after).saturating_sub(orders(before));
        if is_paid(spec.operation) && placed > 0 {
            self.objects.paid(&IssuerLabels::of(stored), spec.operation, placed);
        }
        let state = |status: Option<&IssuanceStatus>| status.and_then(|status| status.state);
        if let Some(result) = state(after).filter(|end| end.is_final() && state(before) != Some(*end)) {
            let labels = EndedLabels::new(spec.operation, spec.reason, result);
            self.issuances.get_or_create(&labels).inc();
        }
    }

    pub fn meter(&self, controller: &'static str) -> Meter {
        Meter::new(self, controller)
    }

    pub fn watch_meter(&self, kind: &str) -> WatchMeter {
        WatchMeter::new(self, kind)
    }
}

/// How many orders an Issuance has placed: one, unless a second was accepted beside it.
fn orders(status: Option<&IssuanceStatus>) -> u64 {
    let Some(status) = status else { return 0 };
    let second = |class: OutcomeClass, code: &Option<String>| class == OutcomeClass::Accepted && code.is_some();
    let seconds = status.outcomes.iter().filter(|outcome| second(outcome.class, &outcome.code)).count();
    u64::from(status.order_id.is_some()) + seconds as u64
}

fn class(result: Result<(), &CallError>) -> &'static str {
    match result {
        Ok(()) => "ok",
        Err(CallError::Rejected { .. }) => "rejected",
        Err(CallError::RateLimited { .. }) => "rate_limited",
        Err(CallError::NotSent { .. }) => "not_sent",
        Err(CallError::Blocked { .. }) => "blocked",
        Err(CallError::Ambiguous { .. }) => "ambiguous",
    }
}

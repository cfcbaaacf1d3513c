//! One series for each object that exists, read from the stores when somebody scrapes: what is deleted is gone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Resource, ResourceExt};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet},
    metrics::MetricType,
    registry::Unit,
};

use super::labels::{
    ActionLabels, BudgetLabels, CertificateLabels, IssuerLabels, KindLabels, PaidLabels, RememberedLabels, StateLabels,
    UseLabels,
};
use crate::{
    api::{
        Certificate, CertificateStatus,
        conditions::{ACTION_REQUIRED, CIRCUIT_OPEN, READY, condition, is_true},
        issuance::{Operation, State},
        issuer::PolicyRule,
    },
    controller::{any_issuer::AnyIssuer, clock::Clock, context::Stores, lease::LeaseHandle, store::Store},
    lifecycle::budget::Budget,
};

/// What is shown once this process works.
pub struct Observed {
    pub stores: Stores,
    pub lease: LeaseHandle,
    pub clock: Clock,
    /// Entries of what is remembered beside the watches, by what they are.
    pub remembered: Box<dyn Fn() -> Vec<(&'static str, usize)> + Send + Sync>,
}

#[derive(Default)]
pub(super) struct Objects {
    observed: OnceLock<Observed>,
    /// Kept here and not in a family, so that an issuer's counts go away with it.
    issuers: Mutex<BTreeMap<IssuerLabels, OfIssuer>>,
}

#[derive(Default)]
struct OfIssuer {
    /// By operation.
    paid: BTreeMap<String, u64>,
    refusals: u64,
    paused_until: Option<Timestamp>,
}

impl Objects {
    pub fn observe(&self, observed: Observed) {
        // Once in the life of a process.
        let _ = self.observed.set(observed);
    }

    pub fn paid(&self, issuer: &IssuerLabels, operation: Operation, placed: u64) {
        let mut issuers = self.issuers();
        *issuers.entry(issuer.clone()).or_default().paid.entry(format!("{operation:?}")).or_default() += placed;
    }

    pub fn refused(&self, issuer: &IssuerLabels, until: Timestamp) {
        let mut issuers = self.issuers();
        let of_this = issuers.entry(issuer.clone()).or_default();
        of_this.refusals += 1;
        of_this.paused_until = of_this.paused_until.max(Some(until));
    }

    fn issuers(&self) -> MutexGuard<'_, BTreeMap<IssuerLabels, OfIssuer>> {
        self.issuers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

impl Collector for Objects {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        let held = self.observed.get().is_some_and(|observed| !observed.lease.remaining().is_zero());
        out.0
            .encode_descriptor(
                "lease_held",
                "Whether this process holds the Lease and works.",
                None,
                MetricType::Gauge,
            )?
            .encode_gauge(&i64::from(held))?;
        let Some(Observed { stores, clock, remembered, .. }) = self.observed.get() else { return Ok(()) };
        let shown: Vec<Shown> = stores.certificates.each().map(|certificate| Shown::of(&certificate)).collect();
        certificates(&mut out, &shown)?;
        self.issuers_of(&mut out, stores, clock.now())?;
        issuances(&mut out, stores)?;
        let sizes = [
            size(&stores.certificates),
            size(&stores.issuances),
            size(&stores.issuers),
            size(&stores.cluster_issuers),
            size(&stores.secrets),
            size(&stores.namespaces),
        ];
        out.gauges("watch_objects", "Objects that a watch keeps in memory", sizes)?;
        let entries = |(what, count)| (RememberedLabels { what }, i64::try_from(count).unwrap_or(i64::MAX));
        out.gauges("remembered", "Entries in memory beside the watches", remembered().into_iter().map(entries))
    }
}

/// What is shown of a Certificate: the series of one metric stand together, and thousands of whole ones take room.
struct Shown {
    labels: CertificateLabels,
    issuer_kind: String,
    issuer_name: String,
    ready: bool,
    expiration: Option<i64>,
    renewal: Option<i64>,
    order_expiration: Option<i64>,
    /// For what a person is asked, and since when.
    action: Option<(String, i64)>,
}

impl Shown {
    fn of(certificate: &Certificate) -> Self {
        let status = certificate.status.as_ref();
        let time = |time: fn(&CertificateStatus) -> Option<&Time>| status.and_then(time).map(second);
        let asked = status.and_then(|status| condition(&status.conditions, ACTION_REQUIRED));
        Self {
            labels: CertificateLabels {
                namespace: certificate.namespace().unwrap_or_default(),
                name: certificate.name_any(),
            },
            issuer_kind: format!("{:?}", certificate.spec.issuer_ref.kind),
            issuer_name: certificate.spec.issuer_ref.name.clone(),
            ready: status.is_some_and(|status| is_true(&status.conditions, READY)),
            expiration: time(|status| status.not_after.as_ref()),
            renewal: time(|status| status.renewal_time.as_ref()),
            order_expiration: time(|status| status.order.as_ref()?.valid_till.as_ref()),
            action: asked
                .filter(|asked| asked.status == "True")
                .map(|asked| (asked.reason.clone(), second(&asked.last_transition_time))),
        }
    }
}

fn certificates(out: &mut Out<'_>, certificates: &[Shown]) -> fmt::Result {
    let times = |time: fn(&Shown) -> Option<i64>| {
        certificates.iter().filter_map(move |shown| Some((shown.labels.clone(), time(shown)?)))
    };
    let uses = certificates.iter().map(|shown| {
        let CertificateLabels { namespace, name } = shown.labels.clone();
        let (issuer_kind, issuer_name) = (shown.issuer_kind.clone(), shown.issuer_name.clone());
        (UseLabels { namespace, name, issuer_kind, issuer_name }, 1)
    });
    out.gauges("certificate_issuer", "The issuer of a Certificate, always 1", uses)?;
    let ready = certificates.iter().map(|shown| (shown.labels.clone(), i64::from(shown.ready)));
    out.gauges("certificate_ready", "Whether a Certificate is Ready", ready)?;
    out.times(
        "certificate_expiration_timestamp",
        "When the certificate in the Secret expires",
        times(|shown| shown.expiration),
    )?;
    out.times(
        "certificate_renewal_timestamp",
        "When the replacement of the certificate begins",
        times(|shown| shown.renewal),
    )?;
    out.times(
        "certificate_order_expiration_timestamp",
        "When the order behind the certificate ends, and with it free reissues",
        times(|shown| shown.order_expiration),
    )?;
    let waiting = certificates.iter().filter_map(|shown| {
        let (reason, since) = shown.action.clone()?;
        let CertificateLabels { namespace, name } = shown.labels.clone();
        Some((ActionLabels { namespace, name, reason }, since))
    });
    out.times("certificate_action_required_since_timestamp", "Since when a Certificate waits for a person", waiting)
}

impl Objects {
    fn issuers_of(&self, out: &mut Out<'_>, stores: &Stores, now: Timestamp) -> fmt::Result {
        let namespaced = stores.issuers.each().map(|issuer| AnyIssuer::from(issuer.as_ref()));
        let cluster = stores.cluster_issuers.each().map(|issuer| AnyIssuer::from(issuer.as_ref()));
        let all: Vec<AnyIssuer> = namespaced.chain(cluster).collect();
        budgets(out, &all, now)?;
        let whether = |type_| {
            let all = all.iter();
            all.map(move |issuer| (IssuerLabels::from(issuer), i64::from(is_true(&issuer.status.conditions, type_))))
        };
        out.gauges("issuer_ready", "Whether an issuer is Ready", whether(READY))?;
        out.gauges(
            "circuit_open",
            "Whether the account of an issuer is left alone because it answers with errors",
            whether(CIRCUIT_OPEN),
        )?;
        let existing: BTreeSet<IssuerLabels> = all.iter().map(IssuerLabels::from).collect();
        let mut issuers = self.issuers();
        issuers.retain(|issuer, _| existing.contains(issuer));
        let paid = issuers.iter().flat_map(|(issuer, counts)| {
            let labels = |operation: &String| PaidLabels { issuer: issuer.clone(), operation: operation.clone() };
            counts.paid.iter().map(move |(operation, count)| (labels(operation), *count))
        });
        out.counters("paid_operations", "Orders and renewals that a provider accepted", paid)?;
        let refusals = issuers.iter().map(|(issuer, counts)| (issuer.clone(), counts.refusals));
        out.counters("rate_limit_refusals", "Calls that an account refused for its rate limit", refusals)?;
        let pauses =
            issuers.iter().filter_map(|(issuer, counts)| Some((issuer.clone(), counts.paused_until?.as_second())));
        out.times("rate_limit_pause_end_timestamp", "Until when an account that refused is left alone", pauses)
    }
}

fn budgets(out: &mut Out<'_>, issuers: &[AnyIssuer], now: Timestamp) -> fmt::Result {
    let left = issuers.iter().flat_map(|issuer| {
        let rules = issuer.spec.policy.as_ref().map_or(&[][..], |policy| &policy.rules);
        let of = move |rule: &PolicyRule| Budget::of(rules, &rule.name, &issuer.status.reservations, now);
        rules.iter().filter_map(of).map(move |budget| {
            (BudgetLabels { issuer: issuer.into(), rule: budget.rule.to_owned() }, i64::from(budget.left()))
        })
    });
    out.gauges("budget_left", "Operations that may cost and that a policy rule still allows in its period", left)
}

fn issuances(out: &mut Out<'_>, stores: &Stores) -> fmt::Result {
    let mut states: BTreeMap<String, i64> = BTreeMap::new();
    for issuance in stores.issuances.each() {
        let state = issuance.status.as_ref().and_then(|status| status.state).unwrap_or(State::Pending);
        *states.entry(format!("{state:?}")).or_default() += 1;
    }
    let states = states.into_iter().map(|(state, count)| (StateLabels { state }, count));
    out.gauges("issuance_objects", "Issuances that exist", states)
}

fn second(time: &Time) -> i64 {
    time.0.as_second()
}

fn size<K: Resource<DynamicType = ()>>(store: &Store<K>) -> (KindLabels, i64) {
    (KindLabels { kind: K::kind(&()).into_owned() }, i64::try_from(store.count()).unwrap_or(i64::MAX))
}

/// Writes families whose series are not kept.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, i64)>,
    ) -> fmt::Result {
        let help = format!("{help}.");
        let mut family = self.0.encode_descriptor(name, &help, None, MetricType::Gauge)?;
        series.into_iter().try_for_each(|(labels, value)| family.encode_family(&labels)?.encode_gauge(&value))
    }

    /// Seconds since the epoch.
    fn times<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, i64)>,
    ) -> fmt::Result {
        let help = format!("{help}.");
        let mut family = self.0.encode_descriptor(name, &help, Some(&Unit::Seconds), MetricType::Gauge)?;
        series.into_iter().try_for_each(|(labels, value)| family.encode_family(&labels)?.encode_gauge(&value))
    }

    fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let help = format!("{help}.");
        let mut family = self.0.encode_descriptor(name, &help, None, MetricType::Counter)?;
        series.into_iter().try_for_each(|(labels, value)| {
            family.encode_family(&labels)?.encode_counter::<[(&str, &str); 0], _, f64>(&value, None)
        })
    }
}

//! The operator put together: watches, reconcilers, and an orderly end.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Client, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{reflector::ObjectRef, watcher},
};
use tokio::sync::{RwLock, Semaphore, mpsc, watch as signal};
use tracing::{info, warn};

use super::{
    accounts::Accounts,
    any_issuer::AnyIssuer,
    certificate::CertificateReconciler,
    changes, circuit,
    clock::Clock,
    context::{Context, Stores},
    dependents::Dependents,
    driver::drive,
    endpoint::Network,
    events::Events,
    issuance::{IssuanceReconciler, neighbours},
    issuer::IssuerReconciler,
    keys,
    lease::LeaseHandle,
    ledger,
    metrics::{Metrics, Observed},
    news::{Heard, News},
    own::Own,
    revoked::{self, Revocations},
    store::Store,
    sweep::sweep,
    watch::{Queue, Watch, Woken, queue},
    webhook,
};
use crate::{
    api::{Certificate, ClusterIssuer, Issuance, Issuer, issuance::State, issuer::IssuerRef, meta},
    dcv::{
        HttpCheck,
        http_routes::Service as FileService,
        selfcheck::{SelfCheck, SelfCheckConfig},
    },
    lifecycle::Times,
    revocation::Fetcher,
};

/// Reconciles of one kind at a time.
const CONCURRENCY: u16 = 32;
/// Longest wait at the end for a paid call to finish and be recorded.
const LAST_WAIT: Duration = Duration::from_secs(75);
/// Everything is looked at again this often, whatever the watches said.
const RESYNC: Duration = Duration::from_secs(600);

pub struct Config {
    pub client: Client,
    pub lease: LeaseHandle,
    pub metrics: Arc<Metrics>,
    pub installation: String,
    /// The operator's own namespace.
    pub namespace: String,
    pub times: Times,
    pub network: Network,
    pub file_service: Option<FileService>,
    pub clock: Clock,
    /// Changes when the clock of the world jumped: everything is decided anew.
    pub jumps: signal::Receiver<u64>,
    /// Fetches revocation lists.
    pub fetcher: Fetcher,
    /// How often each.
    pub revocation_period: Duration,
    /// Gets the ids of certificates that DNSimple says are worth a look, when it can.
    pub named: Option<mpsc::Receiver<String>>,
}

/// Runs until `stop` turns true, then finishes what has begun.
pub async fn run(config: Config, mut stop: signal::Receiver<bool>, ready: impl FnOnce() + Send + 'static) {
    let Config {
        client,
        lease,
        metrics,
        installation,
        namespace,
        times,
        network,
        file_service,
        clock,
        jumps,
        fetcher,
        revocation_period,
        named,
    } = config;
    let (certificates, certificate_queue) = queue::<Certificate>();
    let (issuances, issuance_queue) = queue::<Issuance>();
    let (issuers, issuer_queue) = queue::<Issuer>();
    let (cluster_issuers, cluster_issuer_queue) = queue::<ClusterIssuer>();
    let (stores, (own_certificates, own_issuances)) = watch(
        &client,
        &Queues {
            certificates: certificates.clone(),
            issuances: issuances.clone(),
            issuers: issuers.clone(),
            cluster_issuers: cluster_issuers.clone(),
        },
        &metrics,
    );
    let mut self_check = SelfCheckConfig { resolvers: network.resolvers.clone(), ..SelfCheckConfig::default() };
    self_check.port = network.authorities_port.unwrap_or(self_check.port);
    let context = Arc::new(Context {
        events: Events::new(client.clone(), lease.holder()),
        accounts: Accounts::new(client.clone(), namespace, network.clone(), times.call, metrics.clone()),
        intents: Default::default(),
        paces: Default::default(),
        changes: Default::default(),
        reservations: Default::default(),
        unwritten: Default::default(),
        certificate_queue: certificates.clone(),
        revocations: Revocations::new(fetcher, revocation_period),
        dependents: Dependents::new(certificates.clone()),
        own_certificates,
        own_issuances,
        self_check: SelfCheck::new(&self_check)
            .map(Arc::new)
            .map_err(|error| format!("the system's resolvers cannot be used: {error}")),
        http_check: HttpCheck::new(&network.resolvers, &network.http_check_addresses)
            .map_err(|error| format!("the system's resolvers cannot be used: {error}")),
        file_service,
        keygen: Arc::new(Semaphore::new(spare_cores())),
        adopting: Default::default(),
        paying: Arc::new(RwLock::new(())),
        stores: stores.clone(),
        metrics: metrics.clone(),
        client,
        lease,
        clock,
        installation,
        times,
        network,
    });
    let shown = context.clone();
    metrics.observe(Observed {
        stores: stores.clone(),
        lease: context.lease.clone(),
        clock: context.clock.clone(),
        remembered: Box::new(move || shown.remembered().to_vec()),
    });
    synced(&stores).await;
    ready();
    info!("all watches are synced");
    tokio::spawn(revoked::follow(context.clone(), certificates.clone()));
    tokio::spawn(changes::follow(context.clone(), issuances.clone()));
    if let Some(named) = named {
        tokio::spawn(webhook::follow(context.clone(), named, issuances.clone(), certificates.clone()));
    }
    tokio::spawn(sweep(context.clone(), jumps.clone()));
    tokio::spawn(circuit::follow(context.clone(), issuers.clone(), cluster_issuers.clone()));
    tokio::spawn(look_again(stores.clone(), Queues { certificates, issuances, issuers, cluster_issuers }, jumps));

    let stopped = || {
        let mut stop = stop.clone();
        async move {
            let _ = stop.wait_for(|stop| *stop).await;
        }
    };
    let issuer = Arc::new(IssuerReconciler { context: context.clone() });
    tokio::join!(
        drive(issuer.clone(), stores.issuers.clone(), issuer_queue, CONCURRENCY, &metrics, stopped()),
        drive(issuer, stores.cluster_issuers.clone(), cluster_issuer_queue, CONCURRENCY, &metrics, stopped()),
        drive(
            Arc::new(CertificateReconciler { context: context.clone() }),
            stores.certificates.clone(),
            certificate_queue,
            CONCURRENCY,
            &metrics,
            stopped()
        ),
        drive(
            Arc::new(IssuanceReconciler { context: context.clone() }),
            stores.issuances.clone(),
            issuance_queue,
            CONCURRENCY,
            &metrics,
            stopped()
        ),
    );
    let _ = stop.wait_for(|stop| *stop).await;
    if tokio::time::timeout(LAST_WAIT, context.paying.write()).await.is_err() {
        warn!("a call to a provider is still under way; its outcome will be looked for after the next start");
    }
}

struct Queues {
    certificates: Queue<Certificate>,
    issuances: Queue<Issuance>,
    issuers: Queue<Issuer>,
    cluster_issuers: Queue<ClusterIssuer>,
}

/// Starts the watches and says whom each of them wakes. A queue whose reader is gone belongs to a process that ends.
fn watch(client: &Client, queues: &Queues, metrics: &Metrics) -> (Stores, Written) {
    // By the Secrets it names.
    let mut certificates = Watch::<Certificate>::new(client.clone(), |certificate| {
        let csr = certificate.spec.csr_secret_ref.iter().map(|csr| &csr.name);
        csr.chain([&certificate.spec.secret_name]).cloned().collect()
    });
    let own_certificates = Arc::new(Own::new(certificates.store()));
    let (queue, under_way, own) = (queues.certificates.clone(), queues.issuances.clone(), own_certificates.clone());
    let known = certificates.store();
    let all = known.clone();
    certificates.on_change(move |certificate| {
        own.shown(certificate);
        let name = ObjectRef::from_obj(certificate);
        let _ = queue.send(if certificate.status.is_none() { Woken::next(name) } else { Woken::now(name) });
        if let Some(issuance) = under_way_of(certificate)
            && (edited(certificate) || !all.has(&ObjectRef::from_obj(certificate)))
        {
            send(&under_way, issuance);
        }
    });

    let mut issuances = Watch::<Issuance>::new(client.clone(), neighbours::keys).trimmed(ledger::trim);
    let own_issuances = Arc::new(Own::new(issuances.store()));
    let (queue, owners, own) = (queues.issuances.clone(), queues.certificates.clone(), own_issuances.clone());
    issuances.on_change(move |issuance| {
        own.shown(issuance);
        send(&queue, ObjectRef::from_obj(issuance));
        let owner = ObjectRef::new(&issuance.spec.certificate_ref.name);
        send(&owners, owner.within(&issuance.namespace().unwrap_or_default()));
    });

    let users = Users {
        certificates: (queues.certificates.clone(), known.clone()),
        issuances: (queues.issuances.clone(), issuances.store()),
        news: News::default(),
    };
    let users = Arc::new(users);
    let mut issuers = Watch::<Issuer>::new(client.clone(), |_| Vec::new());
    let (queue, all, concerned) = (queues.issuers.clone(), issuers.store(), users.clone());
    issuers.on_change(move |issuer| {
        send(&queue, ObjectRef::from_obj(issuer));
        concerned.wake(&issuer.into(), all.has(&ObjectRef::from_obj(issuer)));
    });

    let mut cluster_issuers = Watch::<ClusterIssuer>::new(client.clone(), |_| Vec::new());
    let (queue, all) = (queues.cluster_issuers.clone(), cluster_issuers.store());
    cluster_issuers.on_change(move |issuer| {
        send(&queue, ObjectRef::from_obj(issuer));
        users.wake(&issuer.into(), all.has(&ObjectRef::from_obj(issuer)));
    });

    // Only Secrets with our label, which Evercert made or a user wants to be followed: others never reach its memory.
    let managed = watcher::Config::default().labels(&format!("{}=true", meta::MANAGED));
    let mut secrets =
        Watch::<PartialObjectMeta<Secret>>::metadata(client.clone(), managed, keys::certificate_of).trimmed(keys::trim);
    let (users, all) = (queues.certificates.clone(), known);
    secrets.on_change(move |secret| wake_owner(&users, &all, secret));

    let namespaces =
        Watch::<PartialObjectMeta<Namespace>>::metadata(client.clone(), watcher::Config::default(), |_| Vec::new());
    let stores = Stores {
        certificates: certificates.spawn(metrics),
        issuances: issuances.spawn(metrics),
        issuers: issuers.spawn(metrics),
        cluster_issuers: cluster_issuers.spawn(metrics),
        secrets: secrets.spawn(metrics),
        namespaces: namespaces.spawn(metrics),
    };
    (stores, (own_certificates, own_issuances))
}

/// Our own writes that the watches may not have shown yet.
type Written = (Arc<Own<Certificate>>, Arc<Own<Issuance>>);

/// The Issuance that an edit or the end of its Certificate may concern.
fn under_way_of(certificate: &Certificate) -> Option<ObjectRef<Issuance>> {
    let issuance = certificate.status.as_ref()?.issuance.as_deref()?;
    Some(ObjectRef::new(issuance).within(&certificate.namespace().unwrap_or_default()))
}

fn edited(certificate: &Certificate) -> bool {
    let observed = certificate.status.as_ref().and_then(|status| status.observed_generation);
    observed != certificate.metadata.generation
}

/// Who uses issuers: Certificates, and Issuances under way.
struct Users {
    certificates: (Queue<Certificate>, Store<Certificate>),
    issuances: (Queue<Issuance>, Store<Issuance>),
    news: News,
}

impl Users {
    fn wake(&self, issuer: &AnyIssuer, exists: bool) {
        let Some(news) = self.news.of(issuer, exists) else { return };
        let wanted = IssuerRef { kind: issuer.kind(), name: issuer.name.clone() };
        let uses = |reference: &IssuerRef, namespace: Option<String>| {
            *reference == wanted && issuer.namespace.as_ref().is_none_or(|own| namespace.as_ref() == Some(own))
        };
        let (queue, all) = &self.certificates;
        // What is at rest need not hear that nothing is called for a while.
        let concerned = |known: &Certificate| news != Heard::Opened && uses(&known.spec.issuer_ref, known.namespace());
        for certificate in all.state_filter(concerned) {
            news.send(queue, certificate.as_ref());
        }
        let (queue, all) = &self.issuances;
        let ended =
            |known: &Issuance| known.status.as_ref().and_then(|status| status.state).is_some_and(State::is_final);
        for issuance in all.state_filter(|known| !ended(known) && uses(&known.spec.issuer_ref, known.namespace())) {
            news.send(queue, issuance.as_ref());
        }
    }
}

/// A Secret that changed or went away concerns its Certificate, and every other that names it.
fn wake_owner(queue: &Queue<Certificate>, all: &Store<Certificate>, secret: &PartialObjectMeta<Secret>) {
    let (name, namespace) = (secret.name_any(), secret.namespace().unwrap_or_default());
    for certificate in all.of(&namespace, &name) {
        send(queue, ObjectRef::from_obj(certificate.as_ref()));
    }
    if let Some((certificate, _)) = keys::issuance_of(&name).and_then(|issuance| issuance.rsplit_once('-')) {
        send(queue, ObjectRef::new(certificate).within(&namespace));
    }
}

fn send<K: Resource<DynamicType = ()>>(queue: &Queue<K>, name: ObjectRef<K>) {
    let _ = queue.send(Woken::now(name));
}

/// Decisions on half-filled stores would be wrong: nothing starts before all are complete.
async fn synced(stores: &Stores) {
    let _ = tokio::join!(
        stores.certificates.wait_until_complete(),
        stores.issuances.wait_until_complete(),
        stores.issuers.wait_until_complete(),
        stores.cluster_issuers.wait_until_complete(),
        stores.secrets.wait_until_complete(),
        stores.namespaces.wait_until_complete(),
    );
}

/// Wakes everything from time to time, and at once when the clock of the world has jumped.
async fn look_again(stores: Stores, queues: Queues, mut jumps: signal::Receiver<u64>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(RESYNC) => {}
            jumped = jumps.changed() => if jumped.is_err() { std::future::pending::<()>().await },
        }
        stores.certificates.names().into_iter().for_each(|name| send(&queues.certificates, name));
        stores.issuances.names().into_iter().for_each(|name| send(&queues.issuances, name));
        stores.issuers.names().into_iter().for_each(|name| send(&queues.issuers, name));
        stores.cluster_issuers.names().into_iter().for_each(|name| send(&queues.cluster_issuers, name));
    }
}

/// RSA keys are computed on all cores but one, at least one.
fn spare_cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}

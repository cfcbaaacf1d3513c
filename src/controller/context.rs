//! What all reconcilers share.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{Api, Client, ResourceExt, core::PartialObjectMeta, runtime::reflector::ObjectRef};

use super::{
    accounts::Accounts,
    any_issuer::AnyIssuer,
    changes::Changes,
    clock::Clock,
    dependents::Dependents,
    endpoint::Network,
    error::{Error, kube},
    events::Events,
    intents::Intents,
    lease::LeaseHandle,
    metrics::Metrics,
    own::{Own, is_newer},
    pace::Paces,
    reservations::Reservations,
    revoked::Revocations,
    store::Store,
    unwritten::Unwritten,
    watch::Queue,
};
use crate::{
    api::{
        Certificate, ClusterIssuer, Issuance, Issuer,
        issuer::{IssuerKind, IssuerRef},
    },
    dcv::{HttpCheck, SelfCheck, http_routes::Service as FileService},
    lifecycle::Times,
};

pub struct Context {
    pub client: Client,
    pub stores: Stores,
    /// Read before every call that can cost money and every write of the ledger's intents.
    pub lease: LeaseHandle,
    pub clock: Clock,
    /// Id of this installation of Evercert: other installations' ledgers are never touched.
    pub installation: String,
    pub times: Times,
    pub accounts: Accounts,
    /// Submissions this process has recorded and not yet called.
    pub intents: Intents,
    pub paces: Paces,
    pub changes: Changes,
    pub reservations: Reservations,
    pub unwritten: Unwritten,
    pub revocations: Revocations,
    pub dependents: Dependents,
    pub own_certificates: Arc<Own<Certificate>>,
    pub own_issuances: Arc<Own<Issuance>>,
    /// Wakes a Certificate whose Issuance is more than what is written of it.
    pub certificate_queue: Queue<Certificate>,
    pub events: Events,
    pub metrics: Arc<Metrics>,
    pub network: Network,
    /// Or why the system's resolvers cannot be used.
    pub self_check: Result<Arc<SelfCheck>, String>,
    pub http_check: Result<HttpCheck, String>,
    /// Where the replicas answer for files, if they do.
    pub file_service: Option<FileService>,
    /// One key at a time less than there are cores: RSA keys take seconds of computing.
    pub keygen: Arc<tokio::sync::Semaphore>,
    /// Held while an order is taken over.
    pub adopting: tokio::sync::Mutex<()>,
    /// Held for reading while a paid call is made and recorded: shutdown waits for it.
    pub paying: Arc<tokio::sync::RwLock<()>>,
}

/// Read-only copies, kept by watches.
#[derive(Clone)]
pub struct Stores {
    /// Also by the Secret they name.
    pub certificates: Store<Certificate>,
    /// Also by their Certificate.
    pub issuances: Store<Issuance>,
    pub issuers: Store<Issuer>,
    pub cluster_issuers: Store<ClusterIssuer>,
    /// Metadata of the Secrets Evercert made, also by their Certificate.
    pub secrets: Store<PartialObjectMeta<Secret>>,
    pub namespaces: Store<PartialObjectMeta<Namespace>>,
}

impl Context {
    /// The machine's own clock.
    pub fn machine_now(&self) -> Timestamp {
        Timestamp::now()
    }

    pub fn issuances(&self, namespace: &str) -> Api<Issuance> {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub fn certificates(&self, namespace: &str) -> Api<Certificate> {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub fn secrets(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Every Issuance of one Certificate's name, by revision.
    pub fn issuances_of(&self, namespace: &str, certificate: &str) -> Vec<Arc<Issuance>> {
        let of_this = |issuance: &Issuance| {
            issuance.spec.certificate_ref.name == certificate && issuance.namespace().as_deref() == Some(namespace)
        };
        // In this order: what is forgotten there has been shown here before.
        let own = self.own_issuances.find(of_this);
        let watched = self.stores.issuances.of(namespace, certificate).into_iter();
        let mut known: BTreeMap<i64, _> = watched.map(|issuance| (issuance.spec.revision, issuance)).collect();
        for own in own {
            let watched = known.get(&own.spec.revision);
            if watched.is_none_or(|watched| is_newer(own.as_ref(), watched.as_ref())) {
                known.insert(own.spec.revision, own);
            }
        }
        known.into_values().map(|issuance| self.unwritten.shown(issuance, self.machine_now())).collect()
    }

    /// The issuer as the API server has it now.
    pub async fn read_issuer(&self, reference: &IssuerRef, namespace: &str) -> Result<Option<AnyIssuer>, Error> {
        let (name, client) = (reference.name.as_str(), self.client.clone());
        Ok(match reference.kind {
            IssuerKind::Issuer => {
                let api = Api::<Issuer>::namespaced(client, namespace);
                kube("read an Issuer", api.get_opt(name)).await?.map(|issuer| (&issuer).into())
            }
            IssuerKind::ClusterIssuer => {
                let api = Api::<ClusterIssuer>::all(client);
                kube("read a ClusterIssuer", api.get_opt(name)).await?.map(|issuer| (&issuer).into())
            }
        })
    }

    /// Entries of what is remembered beside the watches, by what they are.
    pub fn remembered(&self) -> [(&'static str, usize); 8] {
        [
            ("own_certificates", self.own_certificates.count()),
            ("own_issuances", self.own_issuances.count()),
            ("intents", self.intents.count()),
            ("paces", self.paces.count()),
            ("waiting", self.changes.count()),
            ("unwritten", self.unwritten.count()),
            ("served", self.revocations.count()),
            ("dependents", self.dependents.count()),
        ]
    }

    /// Whether the lease outlasts `call` with a margin.
    pub fn may_call(&self, call: Duration) -> bool {
        self.lease.remaining() > call + LEASE_MARGIN
    }
}

/// What must be left of the lease when a call ends: time to record its outcome.
pub const LEASE_MARGIN: Duration = Duration::from_secs(5);

impl Stores {
    pub fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        let namespace = self.namespaces.get(&ObjectRef::new(namespace))?;
        namespace.metadata.deletion_timestamp.is_none().then(|| namespace.labels().clone())
    }

    pub fn every_issuer(&self) -> Vec<AnyIssuer> {
        let namespaced = self.issuers.each().map(|issuer| AnyIssuer::from(issuer.as_ref()));
        namespaced.chain(self.cluster_issuers.each().map(|issuer| AnyIssuer::from(issuer.as_ref()))).collect()
    }

    pub fn issuer(&self, reference: &IssuerRef, namespace: &str) -> Option<AnyIssuer> {
        match reference.kind {
            IssuerKind::Issuer => {
                let issuer = self.issuers.get(&ObjectRef::new(&reference.name).within(namespace))?;
                Some(issuer.as_ref().into())
            }
            IssuerKind::ClusterIssuer => {
                let issuer = self.cluster_issuers.get(&ObjectRef::new(&reference.name))?;
                Some(issuer.as_ref().into())
            }
        }
    }
}

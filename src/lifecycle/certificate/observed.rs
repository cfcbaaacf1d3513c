//! What is known of a Certificate when it is decided on, as plain facts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use crate::{
    api::{
        Certificate, Issuance, IssuerSpec,
        certificate::RevokedCertificate,
        issuance::{Account, KeyOrigin},
        issuer::{IssuerKind, Reservation},
    },
    lifecycle::{Times, location::Told, restart::Restarts},
    pki::{Csr, KeyKind, Leaf},
    provider::OrderFacts,
};

/// What is known of a Certificate at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    pub certificate: &'a Certificate,
    pub issuer: &'a IssuerView,
    /// Since when the issuer's account is not called, because it answers with errors.
    pub outage: Option<Timestamp>,
    /// `None`: the namespace is going away, or not known yet.
    pub namespace_labels: Option<&'a BTreeMap<String, String>>,
    pub secret: &'a SecretView,
    /// Why the Secret cannot be written: what it is, or what the API server has answered just now.
    pub unwritable: Option<&'a str>,
    /// An older Certificate that names the same Secret.
    pub rival: Option<&'a str>,
    /// Another Secret of this Certificate that holds the last installed pair: it was named before.
    pub elsewhere: Option<&'a str>,
    /// All of this Certificate's name, by revision.
    pub issuances: &'a [Arc<Issuance>],
    /// Id of this installation.
    pub installation: &'a str,
    /// The key stored for the next revision.
    pub key: &'a KeyView,
    /// What spec.csrSecretRef names.
    pub csr: &'a CsrView,
    /// The provider does not give a certificate again that the Secret has lost.
    pub uncollectable: bool,
    /// Whether the provider would take what is asked for with that key.
    pub preflight: &'a Preflight,
    /// Key Secrets of this Certificate whose Issuance needs them no more.
    pub spent_keys: &'a [String],
    pub order: &'a OrderView,
    /// Why the provider could not be kept from renewing that order by itself.
    pub renewal_stays: Option<&'a str>,
    /// What was heard just now against a certificate that this one served.
    pub revoked: Option<&'a RevokedCertificate>,
    /// Where a duplicate is asked for.
    pub source: &'a SourceView,
    /// Orders of its Issuances on which another Certificate's are too; known when it is to be deleted.
    pub shared_orders: &'a BTreeSet<String>,
    pub times: Times,
    /// What became of the workloads that are to be restarted.
    pub restarts: &'a Restarts,
    /// What became of places that the provider's inventory was told in this reconcile.
    pub told: &'a [Told],
    /// Orders of exactly the names wanted; `None`: not looked for.
    pub existing: Option<&'a [OrderFacts]>,
    /// Of the orders just read, those that another Certificate has: by whom, in words.
    pub claims: &'a BTreeMap<String, String>,
    /// How the idempotency keys of this installation begin.
    pub mark: &'a str,
    /// On the clock of the world.
    pub now: Timestamp,
    /// On the machine's own clock.
    pub machine_now: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub enum IssuerView {
    Missing,
    NotReady(String),
    Ready {
        spec: Box<IssuerSpec>,
        account: Account,
        kind: IssuerKind,
        /// What counts against the budgets of its policy.
        reservations: Vec<Reservation>,
    },
}

/// The Secret a Certificate names, as a quorum read showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretView {
    Unread,
    Absent,
    /// Another tool's.
    Foreign {
        type_: String,
        held: Box<Held>,
    },
    OwnedBy(String),
    Ours(Box<Held>),
}

/// What a Secret holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// The certificate, when it can be read and matches the key beside it, or, held elsewhere, the one noted; else why
    /// not.
    pub pair: Option<Leaf>,
    pub problem: Option<String>,
    /// Of the private key, when it can be read.
    pub public_key_sha256: Option<String>,
    /// How what is beside the pair compares with the spec.
    pub outputs: Outputs,
    pub order_id: Option<String>,
    pub certificate_id: Option<String>,
    pub revision: Option<i64>,
    pub handled_token: Option<String>,
}

/// Labels, further forms and keystores of a Secret with a pair: none of it concerns the CA.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Outputs {
    #[default]
    AsWanted,
    Differ,
    /// A keystore's password is missing or unfit.
    Unmakeable(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyView {
    Unread,
    Absent,
    Stored(StoredKey),
    /// Something else has that name.
    Foreign,
}

/// The CSR of a key that is held elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CsrView {
    Unread,
    /// Why it cannot be used.
    Unusable(String),
    Read(Csr),
}

/// What the provider shows of what it would take, before anything is asked for that may cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Preflight {
    #[default]
    Unasked,
    Passed,
    /// What it would refuse, and what a person can do.
    Refused(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderView {
    Unread,
    /// Unknown to the provider, or not visible to this account.
    Absent,
    Read(OrderFacts),
}

/// What `duplicateOf` refers to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SourceView {
    /// No duplicate is asked for.
    #[default]
    None,
    /// Why there is no order yet.
    Missing(String),
    Order {
        order_id: String,
        /// An Issuance of this namespace is on it, at this account.
        vouched: bool,
        /// End of the certificate that the Certificate referred to has now.
        not_after: Option<Timestamp>,
    },
}

/// A key, or the CSR of one that is held elsewhere, that is in its Secret already. Made only from what the API server
/// returned, never from a key in memory: no CSR leaves whose key could be lost. Or the promise of a key that the provider
/// makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    pub csr: String,
    pub public_key_sha256: String,
    /// What the CSR was made for.
    pub common_name: String,
    pub dns_names: Vec<String>,
    pub kind: KeyKind,
    pub origin: KeyOrigin,
}

/// Whether a certificate is its order's primary one.
pub(in crate::lifecycle) fn is_of(leaf: &Leaf, order: &OrderFacts) -> bool {
    order.serial_number.as_deref().is_some_and(|serial| crate::pki::normalise_serial(serial) == leaf.serial)
}

//! What is known of an Issuance when it is decided on, as plain facts.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    api::{
        issuance::{IssuanceSpec, IssuanceStatus},
        issuer::AmbiguousPaid,
    },
    lifecycle::{Times, certificate::IssuerView, issuance::Wish},
    provider::{ByHand, Found, Standing, Validation},
};

/// What is known of an Issuance at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    pub spec: &'a IssuanceSpec,
    pub status: &'a IssuanceStatus,
    /// Since when it is to be deleted.
    pub deleted: Option<Timestamp>,
    /// Whether our finalizer is on the object.
    pub finalizer: bool,
    /// This process recorded the last submission and has not made its call yet.
    pub fresh: bool,
    /// Identity of this process in the lease.
    pub holder: &'a str,
    /// Id of this installation.
    pub installation: &'a str,
    /// How the idempotency keys of this installation begin.
    pub mark: &'a str,
    /// What the issuer says about paid submissions that cannot be found.
    pub ambiguous_paid: AmbiguousPaid,
    pub self_check: bool,
    /// What its Certificate wants of it by now.
    pub wish: Wish,
    pub seen: &'a Seen,
    /// Until the provider may be polled again.
    pub next_poll: Duration,
    /// Until the provider may be asked to look at published records.
    pub next_ask: Duration,
    pub namespace: &'a str,
    /// `None`: the namespace is going away, or not known yet.
    pub namespace_labels: Option<&'a BTreeMap<String, String>>,
    pub issuer: &'a IssuerView,
    /// Since when the issuer's account is not called, because it answers with errors.
    pub outage: Option<Timestamp>,
    /// On the machine's own clock.
    pub now: Timestamp,
    /// On the clock of the world.
    pub world_now: Timestamp,
    pub times: Times,
}

/// What this reconcile has learnt so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub found: Option<Found>,
    pub standing: Option<Standing>,
    /// The certificate that came with the answer to the call.
    pub delivered: Option<String>,
    /// The certificate was asked for without asking where it stands, and is not there.
    pub not_there: bool,
    pub validations: Option<Vec<Validation>>,
    /// What keeps the organization from being validated, once it was asked for.
    pub organization: Option<Option<String>>,
    /// Domains whose record was looked for.
    pub checked: BTreeSet<String>,
    /// Domains whose record could not be published or removed just now.
    pub stuck: BTreeSet<String>,
    /// The provider was asked to look at the records.
    pub asked: bool,
    /// Downloads in a row that were not believed, this reconcile's included.
    pub unbelieved: u32,
    /// What people have had issued on the provider's pages.
    pub by_hand: Option<ByHand>,
    /// The provider was asked to issue what was bought.
    pub issue_asked: bool,
    /// What it said, when it would not: somebody else may have asked before.
    pub issue_refused: Option<String>,
    /// The provider was asked to take it back.
    pub canceled: bool,
    /// A download of this reconcile was not believed.
    pub refused_download: bool,
}

//! The operator of this world: the real decisions, and effects as the controllers carry them out, one write at a time.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::world::World;
use crate::{
    api::{
        issuance::Submission,
        issuer::{AmbiguousPaid, IssuerKind},
    },
    lifecycle::{Times, certificate::IssuerView, invariants::Violation, testing},
};

/// What a controller did with its turn.
#[derive(Debug)]
pub enum Turn {
    /// One write, or a call on its way.
    Acted(&'static str),
    /// Nothing to do before then.
    Rests(Timestamp),
}

/// The rules of the house, and which of them this operator breaks: a search that finds nothing when a rule is broken
/// would prove nothing.
#[derive(Debug, Clone)]
pub struct House {
    pub times: Times,
    pub ambiguous_paid: AmbiguousPaid,
    pub broken: Option<Broken>,
    pub issuer: IssuerView,
    /// Whether the Certificate's status is written: nothing is decided by it while the ledger is there.
    pub status: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A submission without an outcome is called, whoever recorded it.
    UnfreshIsFresh,
    /// The call is made without lease and without a look at the newest copy.
    NoFence,
    /// A person's answer stays after it was used.
    AnswerStays,
    /// An order that answers with another key is taken for absent.
    OtherKeyForgotten,
    /// What is served is replaced by whatever came.
    AnythingInstalled,
}

pub type Result<T> = std::result::Result<T, Violation>;

pub const POLL: SignedDuration = SignedDuration::from_secs(300);
pub const SOON: SignedDuration = SignedDuration::from_secs(1);

impl House {
    pub fn new(times: Times, ambiguous_paid: AmbiguousPaid) -> Self {
        let issuer = IssuerView::Ready {
            spec: Box::new(testing::issuer()),
            account: testing::account(),
            kind: IssuerKind::Issuer,
        };
        Self { times, ambiguous_paid, broken: None, issuer, status: false }
    }

    pub fn breaks(&self, rule: Broken) -> bool {
        self.broken == Some(rule)
    }
}

pub fn submission(world: &World, process: usize, n: i32) -> Submission {
    let (installation, holder) = (testing::INSTALLATION.to_owned(), world.processes[process].holder());
    Submission { n, at: Time(world.now), installation, holder }
}

//! The operator of this world: the real decisions, and effects as the controllers carry them out, one write at a time.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::world::{Told, World};
use crate::{
    api::{
        Certificate, IssuanceSpec,
        issuance::Submission,
        issuer::{AmbiguousPaid, CostToApprove, MaxPaid, Policy, PolicyRule},
    },
    lifecycle::{
        Times,
        budget::{self, Budget, Claim},
        certificate::{IssuerView, SourceView},
        invariants::{self, Violation},
        testing,
    },
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
    /// Where a duplicate is asked for.
    pub source: SourceView,
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
    /// Nobody asks whether the provider buys by itself.
    BoughtBeside,
    /// The budget is not asked.
    NothingReserved,
}

pub type Result<T> = std::result::Result<T, Violation>;

pub const POLL: SignedDuration = SignedDuration::from_secs(300);
pub const SOON: SignedDuration = SignedDuration::from_secs(1);

impl House {
    pub fn new(times: Times, ambiguous_paid: AmbiguousPaid) -> Self {
        Self {
            times,
            ambiguous_paid,
            broken: None,
            issuer: testing::issuer_view(),
            source: SourceView::None,
            status: false,
        }
    }

    /// At most so many operations that may cost in a day.
    pub fn allowing(mut self, count: u32) -> Self {
        let max_paid = Some(MaxPaid { count, per: std::time::Duration::from_secs(86_400).into() });
        let rule = PolicyRule { name: "all".to_owned(), max_paid, ..PolicyRule::default() };
        if let IssuerView::Ready { spec, .. } = &mut self.issuer {
            spec.policy = Some(Policy { rules: vec![rule], ..Policy::default() });
        }
        self
    }

    /// A person approves what costs money, before it is submitted.
    pub fn asking(mut self) -> Self {
        if let IssuerView::Ready { spec, .. } = &mut self.issuer
            && let Some(rule) = spec.policy.iter_mut().flat_map(|policy| &mut policy.rules).next()
        {
            rule.require_approval = vec![CostToApprove::Paid];
        }
        self
    }

    /// The issuer as it is now.
    pub fn issuer(&self, world: &World) -> IssuerView {
        let mut issuer = self.issuer.clone();
        if let IssuerView::Ready { reservations, .. } = &mut issuer {
            reservations.clone_from(&world.reservations.value);
        }
        issuer
    }

    /// The issuer as this operator sees it.
    pub fn seen_issuer(&self, world: &World) -> IssuerView {
        let mut issuer = self.issuer(world);
        if let IssuerView::Ready { spec, .. } = &mut issuer
            && self.breaks(Broken::NothingReserved)
        {
            spec.policy = None;
        }
        issuer
    }

    /// Whether a submission that is about to be called counts against the budget of its rule.
    pub fn reserved(&self, world: &World, spec: &IssuanceSpec) -> Result<()> {
        invariants::reserved(spec, "web", Some(&Default::default()), &self.issuer(world), world.now)
    }

    pub fn reserve(&self, world: &mut World, claim: &Claim) -> Option<&'static str> {
        let next = budget::reserve(&self.budget(world)?, claim)?;
        let new = next != *world.reservations.value;
        world.reservations = Told::new(next);
        new.then_some("reserves")
    }

    fn budget<'a>(&'a self, world: &'a World) -> Option<Budget<'a>> {
        let IssuerView::Ready { spec, .. } = &self.issuer else { return None };
        Budget::of(&spec.policy.as_ref()?.rules, "all", &world.reservations.value, world.now)
    }

    pub fn breaks(&self, rule: Broken) -> bool {
        self.broken == Some(rule)
    }
}

pub fn at_rest_nothing_is_asked_for(certificate: &Certificate) -> Result<()> {
    match certificate.spec.suspend {
        Some(true) => Err(Violation { rule: "suspend", what: "a suspended Certificate asks for something".to_owned() }),
        _ => Ok(()),
    }
}

pub fn submission(world: &World, process: usize, n: i32) -> Submission {
    let (installation, holder) = (testing::INSTALLATION.to_owned(), world.processes[process].holder());
    Submission { n, at: Time(world.now), installation, holder }
}

//! How many operations that may cost a policy rule still allows, and which submission each reservation is for.
//!
//! A reservation belongs to one submission, known by its Issuance, Certificate, key and number: names come again when a
//! namespace is deleted and made anew, and that refills nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{
    IssuanceSpec, IssuanceStatus,
    issuance::{Cost, OutcomeClass},
    issuer::{MaxPaid, PolicyRule, Reservation},
    meta,
};

/// What the schema of an issuer's status takes. Rules allow half as many together, so that what a rule of another
/// name left behind has room.
const MOST: usize = 2048;
/// A reservation older than this is made anew before its call: it counts from when the money may have been spent.
/// Nothing waits between the two but looks at the provider.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// A submission that may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// `<namespace>/<name>`.
    pub issuance: String,
    pub certificate_uid: String,
    pub public_key_sha256: String,
    pub n: i32,
    /// Earlier submissions that certainly were not executed: their reservations serve this one.
    pub unspent: Vec<i32>,
}

/// A rule's limit, and what counts against the rules of its issuer.
#[derive(Debug, Clone, Copy)]
pub struct Budget<'a> {
    pub rule: &'a str,
    pub limit: MaxPaid,
    /// Every rule of the issuer.
    pub rules: &'a [PolicyRule],
    pub reservations: &'a [Reservation],
    /// On the clock of the world.
    pub now: Timestamp,
}

/// How a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is reserved: the call may be made.
    Held,
    /// It can be reserved.
    Free,
    /// Not before then.
    Exhausted(Timestamp),
}

impl<'a> Budget<'a> {
    /// `None`: the rule sets no limit.
    pub fn of(rules: &'a [PolicyRule], rule: &str, reservations: &'a [Reservation], now: Timestamp) -> Option<Self> {
        let rule = rules.iter().find(|known| known.name == rule)?;
        Some(Self { rule: &rule.name, limit: rule.max_paid?, rules, reservations, now })
    }

    /// Without a claim: of one that is still to be made.
    pub fn standing(&self, claim: Option<&Claim>) -> Standing {
        if self.reservations.iter().any(|reservation| claim.is_some_and(|claim| self.covers(reservation, claim))) {
            return Standing::Held;
        }
        let owned = |reservation: &Reservation| claim.is_some_and(|claim| claim.owns(reservation));
        let others: Vec<&Reservation> = self.counted().filter(|reservation| !owned(reservation)).collect();
        let period = period(self.limit);
        let of_rule = others.iter().filter(|reservation| reservation.rule == self.rule);
        let mut ends: Vec<Timestamp> = of_rule.map(|reservation| end(reservation, period)).collect();
        ends.sort_unstable();
        let count = usize::try_from(self.limit.count).unwrap_or(usize::MAX);
        match ends.len().checked_sub(count).and_then(|over| ends.get(over)) {
            Some(next) => Standing::Exhausted(*next),
            None if others.len() < MOST => Standing::Free,
            // Nothing is pushed out to make room.
            None => Standing::Exhausted(self.now.saturating_add(FRESH).unwrap_or(Timestamp::MAX)),
        }
    }

    fn counted(&self) -> impl Iterator<Item = &'a Reservation> {
        let (rules, now) = (self.rules, self.now);
        self.reservations.iter().filter(move |reservation| counts(rules, reservation, now))
    }

    fn covers(&self, reservation: &Reservation, claim: &Claim) -> bool {
        claim.is_of(reservation)
            && reservation.n == claim.n
            && reservation.rule == self.rule
            && self.now.duration_since(reservation.at.0).abs() < FRESH
    }

    /// How many more can be reserved now.
    pub fn left(&self) -> u32 {
        let used = self.counted().filter(|reservation| reservation.rule == self.rule).count();
        self.limit.count.saturating_sub(used.try_into().unwrap_or(u32::MAX))
    }

    /// For people: how many, in what time, when the next is free.
    pub fn exhausted(&self, next: Timestamp) -> String {
        let (count, per) = (self.limit.count, period(self.limit));
        let next = next.round(jiff::Unit::Second).unwrap_or(next);
        format!(
            "policy rule {} of the issuer allows {count} operations that may cost in {per:#}, and as many were made; the \
             next is free at {next}",
            self.rule
        )
    }
}

impl Claim {
    /// The next submission of an Issuance.
    pub fn next(namespace: &str, spec: &IssuanceSpec, status: &IssuanceStatus) -> Self {
        let unspent = status.outcomes.iter().filter(|outcome| is_unspent(outcome.class)).map(|outcome| outcome.n);
        let last = Self::last(namespace, spec);
        Self { n: last.n + 1, unspent: unspent.collect(), ..last }
    }

    /// The submission that is about to be called.
    pub fn last(namespace: &str, spec: &IssuanceSpec) -> Self {
        Self {
            issuance: format!("{namespace}/{}", meta::issuance_name(&spec.certificate_ref.name, spec.revision)),
            certificate_uid: spec.certificate_ref.uid.clone(),
            public_key_sha256: spec.request.public_key_sha256.clone(),
            n: spec.submissions.last().map_or(0, |last| last.n),
            unspent: Vec::new(),
        }
    }

    fn owns(&self, reservation: &Reservation) -> bool {
        self.is_of(reservation) && (reservation.n == self.n || self.unspent.contains(&reservation.n))
    }

    /// Whether a reservation is for a submission of the same Issuance.
    fn is_of(&self, reservation: &Reservation) -> bool {
        reservation.issuance == self.issuance
            && reservation.certificate_uid == self.certificate_uid
            && reservation.public_key_sha256 == self.public_key_sha256
    }
}

/// Every reservation that counts once this claim has its own, in place of what it may reuse. `None`: there is no room.
pub fn reserve(budget: &Budget, claim: &Claim) -> Option<Vec<Reservation>> {
    let standing = budget.standing(Some(claim));
    if let Standing::Exhausted(_) = standing {
        return None;
    }
    let mut reservations: Vec<Reservation> = budget.counted().cloned().collect();
    if standing == Standing::Free {
        reservations.retain(|reservation| !claim.owns(reservation));
        reservations.push(Reservation {
            issuance: claim.issuance.clone(),
            n: claim.n,
            rule: budget.rule.to_owned(),
            at: Time(budget.now),
            certificate_uid: claim.certificate_uid.clone(),
            public_key_sha256: claim.public_key_sha256.clone(),
        });
    }
    Some(reservations)
}

/// As long as the period of its rule; when that is gone, as long as the longest of those that are there.
fn counts(rules: &[PolicyRule], reservation: &Reservation, now: Timestamp) -> bool {
    let periods = || rules.iter().filter_map(|rule| Some((&rule.name, period(rule.max_paid?))));
    let own = periods().find(|(name, _)| **name == reservation.rule).map(|(_, period)| period);
    let longest = own.or_else(|| periods().map(|(_, period)| period).max());
    longest.is_some_and(|period| end(reservation, period) > now)
}

fn period(limit: MaxPaid) -> SignedDuration {
    SignedDuration::try_from(Duration::from(limit.per)).unwrap_or(SignedDuration::MAX)
}

fn end(reservation: &Reservation, period: SignedDuration) -> Timestamp {
    reservation.at.0.saturating_add(period).unwrap_or(Timestamp::MAX)
}

/// Whether it may cost money.
pub fn may_cost(cost: Cost) -> bool {
    cost != Cost::Free
}

/// Whether an outcome proves that nothing was bought.
fn is_unspent(class: OutcomeClass) -> bool {
    match class {
        OutcomeClass::Rejected | OutcomeClass::NotSent | OutcomeClass::RateLimited | OutcomeClass::Blocked => true,
        OutcomeClass::Accepted | OutcomeClass::Ambiguous => false,
    }
}

#[cfg(test)]
mod decisions;
#[cfg(test)]
mod tests;

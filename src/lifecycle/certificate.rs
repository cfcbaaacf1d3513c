//! The next step towards what a Certificate asks for: whether an operation is due, which one, and when its
//! result is installed.

pub mod observed;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use observed::is_of;
pub use observed::{Held, IssuerView, KeyView, Observed, OrderView, Outputs, SecretView};

use super::{
    Step, backoff,
    lineage::{self, Lineage},
    operation::{self, Situation},
    plan::{self, Plan, Wanted},
    policy::{self, Asked, Verdict},
    remaining,
    trigger::{self, Due},
    validity,
};
use crate::{
    api::{
        Issuance, IssuerSpec,
        certificate::Validity,
        conditions::{ACTION_REQUIRED, condition, is_true, reason},
        issuance::{Account, Cost, Operation, State, Trigger},
        issuer::IssuerKind,
        meta,
    },
    provider::OrderFacts,
};

/// Longest time between two looks at a Certificate: timers die with the process, clocks are set.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);
/// The type of every Secret we write. A Secret's type cannot be changed.
pub const TLS_SECRET: &str = "kubernetes.io/tls";

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    ReadSecret,
    ReadOrder {
        order_id: String,
    },
    ReadKey {
        issuance: String,
    },
    StoreKey(Box<Plan>),
    /// Removes a key whose Issuance was never created or needs it no more.
    DeleteKey {
        secret: String,
    },
    RecordIntent(Box<Plan>, plan::StoredKey),
    /// Puts the pair of another Secret of this Certificate into the one it names by now.
    Copy {
        from: String,
    },
    /// Writes the verified pair of an Issuance into the Secret.
    Install {
        issuance: String,
    },
    /// Keeps with an Issuance under way that the key it replaces was reported as compromised.
    NoteCompromise {
        issuance: String,
        token: String,
    },
    MarkInstalled {
        issuance: String,
    },
    /// Brings what is beside the pair to what the spec asks for.
    Rewrite,
}

/// Why nothing can be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hindrance {
    pub reason: &'static str,
    pub message: String,
    /// Only a person can help.
    pub person: bool,
    /// When to look again; without it, when something changes.
    pub again: Option<Duration>,
}

impl Hindrance {
    fn person(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), person: true, again: Some(LOOK_AGAIN) }
    }

    fn wait(reason: &'static str, message: impl Into<String>, again: Duration) -> Self {
        Self { reason, message: message.into(), person: false, again: Some(again) }
    }
}

pub fn decide(o: &Observed) -> Result<Step<Effect>, Hindrance> {
    if o.certificate.metadata.deletion_timestamp.is_some() {
        return Ok(Step::Done);
    }
    own_the_secret(o)?;
    if *o.secret == SecretView::Unread {
        return Ok(Step::Do(Effect::ReadSecret));
    }
    same_installation(o)?;
    outputs(o, progress(o))
}

/// What is beside the pair is kept in sync whatever else is waited for.
fn outputs(o: &Observed, next: Result<Step<Effect>, Hindrance>) -> Result<Step<Effect>, Hindrance> {
    let (SecretView::Ours(held), false) = (o.secret, matches!(next, Ok(Step::Do(_)))) else { return next };
    match &held.outputs {
        Outputs::AsWanted => next,
        Outputs::Differ => match writable(o) {
            Ok(()) => Ok(Step::Do(Effect::Rewrite)),
            Err(hindrance) => next.and(Err(hindrance)),
        },
        Outputs::Unmakeable(why) => next.and_then(|_| {
            let missing = Hindrance::person(reason::KEYSTORE_PASSWORD, why);
            Err(Hindrance { again: Some(Duration::from_secs(60)), ..missing })
        }),
    }
}

/// Nothing is bought for a Secret that cannot take it.
fn writable(o: &Observed) -> Result<(), Hindrance> {
    o.unwritable.map_or(Ok(()), |why| Err(Hindrance::person(reason::SECRET_NOT_WRITABLE, why)))
}

fn progress(o: &Observed) -> Result<Step<Effect>, Hindrance> {
    let lineage = Lineage::of(o, account(o));
    if let Some(issuance) = lineage.unresolved {
        return match trigger::compromised_before(o, &lineage, issuance) {
            Some(token) => Ok(Step::Do(Effect::NoteCompromise {
                issuance: issuance.metadata.name.clone().unwrap_or_default(),
                token: token.to_owned(),
            })),
            None => finish(o, issuance),
        };
    }
    if let Some(secret) = o.spent_keys.first() {
        return Ok(Step::Do(Effect::DeleteKey { secret: secret.clone() }));
    }
    match trigger::due(o, &lineage) {
        Due::Now(Trigger::KeyLost) if let Some(from) = o.elsewhere => {
            writable(o)?;
            Ok(Step::Do(Effect::Copy { from: from.to_owned() }))
        }
        Due::Now(trigger) => begin(o, &lineage, trigger),
        Due::At(time) => Ok(Step::Wait(until(time, o.now).min(LOOK_AGAIN))),
    }
}

/// A Secret is written only by the Certificate that owns it.
fn own_the_secret(o: &Observed) -> Result<(), Hindrance> {
    let name = &o.certificate.spec.secret_name;
    let taken = |owner: &str| {
        let message = format!("Secret {name} belongs to Certificate {owner}; nothing is issued for this one");
        Err(Hindrance::person(reason::SECRET_OWNED_BY_OTHER, message))
    };
    match o.secret {
        SecretView::OwnedBy(owner) => taken(owner),
        SecretView::Foreign { .. } if o.certificate.spec.take_over_secret != Some(true) => Err(Hindrance::person(
            reason::SECRET_NOT_OURS,
            format!("Secret {name} was made by another tool and is left alone; set takeOverSecret: true to replace it"),
        )),
        SecretView::Foreign { type_ } if type_ != TLS_SECRET => Err(Hindrance::person(
            reason::SECRET_NOT_OURS,
            format!(
                "Secret {name} is of type {type_}, which cannot be changed to {TLS_SECRET}: delete it, or name another"
            ),
        )),
        SecretView::Absent | SecretView::Foreign { .. } => o.rival.map_or(Ok(()), taken),
        SecretView::Unread | SecretView::Ours(_) => Ok(()),
    }
}

fn same_installation(o: &Observed) -> Result<(), Hindrance> {
    let other = |issuance: &&Arc<Issuance>| {
        issuance.spec.submissions.iter().any(|submission| submission.installation != o.installation)
    };
    match o.issuances.iter().find(other) {
        None => Ok(()),
        Some(issuance) => Err(Hindrance::person(
            reason::INSTALLATION_CHANGED,
            format!(
                "Issuance {} was recorded by another installation of Evercert. If this cluster was restored from a \
                 backup of it, start the operator with --installation-id set to the installation recorded there",
                issuance.metadata.name.as_deref().unwrap_or_default()
            ),
        )),
    }
}

/// An Issuance is under way: install what it brought.
fn finish(o: &Observed, issuance: &Issuance) -> Result<Step<Effect>, Hindrance> {
    let name = issuance.metadata.name.clone().unwrap_or_default();
    let status = issuance.status.as_ref();
    if status.and_then(|status| status.state) != Some(State::Issued) {
        return Ok(Step::Wait(LOOK_AGAIN));
    }
    if let SecretView::Ours(held) = o.secret
        && held.pair.as_ref().is_some_and(|served| served.public_key_sha256 == issuance.spec.request.public_key_sha256)
    {
        return Ok(Step::Do(Effect::MarkInstalled { issuance: name }));
    }
    writable(o)?;
    Ok(Step::Do(Effect::Install { issuance: name }))
}

/// An operation is due: which one, and may it be done?
fn begin(o: &Observed, lineage: &Lineage, trigger: Trigger) -> Result<Step<Effect>, Hindrance> {
    writable(o)?;
    let (spec, account, kind) = match o.issuer {
        IssuerView::Ready { spec, account, kind } => (spec, account, *kind),
        IssuerView::Missing => {
            let message = format!("{} does not exist", o.certificate.spec.issuer_ref);
            return Err(Hindrance::person(reason::ISSUER_NOT_FOUND, message));
        }
        IssuerView::NotReady(why) => {
            let message = format!("{}: {why}", o.certificate.spec.issuer_ref);
            return Err(Hindrance::wait(reason::ISSUER_NOT_READY, message, Duration::from_secs(300)));
        }
    };
    let Some(wanted) = Wanted::resolve(o, spec, lineage) else {
        let message = "no name has at most 64 characters, which a common name needs: add a shorter one";
        return Err(Hindrance::person(reason::INVALID_SPEC, message));
    };
    permitted(o, spec, kind, &wanted)?;
    wait_out_failures(o, lineage, &wanted)?;
    let facts = match (&lineage.order, o.order) {
        (None, _) => None,
        (Some(order), OrderView::Unread) => {
            return Ok(Step::Do(Effect::ReadOrder { order_id: order.order_id.clone() }));
        }
        (Some(_), OrderView::Absent) if trigger::fresh(o.certificate, lineage).is_some() => None,
        (Some(order), OrderView::Absent) => {
            let message = format!(
                "order {} is not known to account {} at {}, or not visible to its credential; nothing is bought in \
                 its place, unless the annotation {} is set to a new token",
                order.order_id,
                account.id,
                account.provider,
                meta::REISSUE_REQUESTED
            );
            return Err(Hindrance::person(reason::PROVIDER_BLOCKED, message));
        }
        (Some(order), OrderView::Read(facts)) if order.hearsay && !vouched(o, order, facts) => {
            let message = format!(
                "the Secret names order {}, but does not hold that order's certificate; remove its annotation {} to \
                 order anew",
                order.order_id,
                meta::secret::ORDER_ID
            );
            return Err(Hindrance::person(reason::PROVIDER_BLOCKED, message));
        }
        (Some(_), OrderView::Read(facts)) => Some(facts),
    };
    let chosen = operation::plan(&situation(o, lineage, facts, &wanted, trigger)?);
    let (operation, cost) = match &chosen {
        // The order that renewed ours: bought already, so it is read and reissued on.
        operation::Plan::Adopt { order_id } => return Ok(Step::Do(Effect::ReadOrder { order_id: order_id.clone() })),
        operation::Plan::WaitUntil { at, why } => {
            return Err(Hindrance::wait(reason::PENDING, why, until(*at, o.now).min(LOOK_AGAIN)));
        }
        operation::Plan::ActionRequired { why, .. } => return Err(Hindrance::person(reason::PROVIDER_BLOCKED, why)),
        operation::Plan::Order => (Operation::Order, Cost::Paid),
        operation::Plan::Reissue { cost, .. } => (Operation::Reissue, *cost),
        operation::Plan::Renew { .. } => (Operation::Renew, Cost::Paid),
    };
    let parent = facts.filter(|_| operation != Operation::Order);
    let plan = Plan::new(o, lineage, wanted, account.clone(), trigger, (operation, cost), parent);
    let issuance = plan.issuance_name();
    Ok(Step::Do(match o.key {
        KeyView::Unread => Effect::ReadKey { issuance },
        KeyView::Absent => Effect::StoreKey(Box::new(plan)),
        KeyView::Stored(key) if key.serves(&plan) => Effect::RecordIntent(Box::new(plan), key.clone()),
        KeyView::Stored(_) => Effect::DeleteKey { secret: meta::key_secret_name(&issuance) },
        KeyView::Foreign => {
            let message = format!("Secret {} is in the way and not ours", meta::key_secret_name(&issuance));
            return Err(Hindrance::person(reason::SECRET_NOT_OURS, message));
        }
    }))
}

fn permitted(o: &Observed, issuer: &IssuerSpec, kind: IssuerKind, wanted: &Wanted) -> Result<(), Hindrance> {
    let Some(namespace_labels) = o.namespace_labels else {
        let message = "the namespace is not known yet, or is going away";
        return Err(Hindrance::wait(reason::PENDING, message, Duration::from_secs(10)));
    };
    let rules = issuer.policy.as_ref().map_or(&[][..], |policy| &policy.rules);
    let names = wanted.dns_names.iter().cloned().collect();
    let own = issuer.digicert.as_ref().map(|digicert| digicert.product.as_str());
    let asked = Asked {
        namespace: o.certificate.metadata.namespace.as_deref().unwrap_or_default(),
        namespace_labels,
        names: &names,
        product: Some(wanted.product.as_str()).filter(|product| Some(*product) != own),
    };
    match policy::judge(kind, rules, &asked) {
        Verdict::Allowed(_) => Ok(()),
        Verdict::Refused(why) => Err(Hindrance::person(reason::POLICY_REFUSED, why)),
    }
}

/// A failed Issuance is not repeated at once, unless something else is asked for now.
fn wait_out_failures(o: &Observed, lineage: &Lineage, wanted: &Wanted) -> Result<(), Hindrance> {
    let Some(last) = lineage.failed.first() else { return Ok(()) };
    if trigger::fresh(o.certificate, lineage).is_some() || wanted.differs_from(&last.spec) {
        return Ok(());
    }
    let failure = last.status.as_ref().and_then(|status| status.failure.as_ref());
    let since = failure.and_then(|failure| failure.at.as_ref()).or(last.metadata.creation_timestamp.as_ref());
    let pause = backoff::after_failures(lineage.failed.len().try_into().unwrap_or(u32::MAX));
    let Some(left) = since.and_then(|since| remaining(since.0, pause, o.machine_now)) else { return Ok(()) };
    let name = last.metadata.name.as_deref().unwrap_or_default();
    let message = failure.map(|failure| failure.message.as_str()).unwrap_or("no reason recorded");
    Err(Hindrance::wait(reason::FAILED, format!("Issuance {name} failed: {message}"), left))
}

/// An order named only by the Secret counts when its certificate is the one in the Secret; so does what renewed it.
fn vouched(o: &Observed, order: &lineage::Order, facts: &OrderFacts) -> bool {
    order.order_id != facts.order_id || trigger::served(o).is_some_and(|leaf| is_of(leaf, facts))
}

pub(super) fn situation<'a>(
    o: &Observed,
    lineage: &Lineage,
    order: Option<&'a OrderFacts>,
    wanted: &Wanted,
    trigger: Trigger,
) -> Result<Situation<'a>, Hindrance> {
    let asked = lineage.installed.map(|issuance| &issuance.spec.request);
    let served = trigger::served(o);
    let has = |name: &String| {
        served.is_some_and(|leaf| leaf.dns_names.contains(name))
            || asked.is_some_and(|asked| asked.dns_names.contains(name))
    };
    let installed_until = lineage.installed.and_then(|issuance| issuance.status.as_ref()?.not_after.as_ref());
    let spec = &o.certificate.spec;
    let cap = validity::cap(spec.validity.as_ref())
        .map_err(|error| Hindrance::person(reason::INVALID_SPEC, error.to_string()))?;
    Ok(Situation {
        trigger,
        order,
        not_after: served.map(|leaf| leaf.not_after).or(installed_until.map(|time| time.0)),
        requested: trigger::fresh(o.certificate, lineage).is_some(),
        adds_names: wanted.dns_names.iter().any(|name| !has(name)),
        product_changed: asked.is_some_and(|asked| asked.product != wanted.product),
        days: match spec.validity {
            Some(Validity::Days(days)) => days.try_into().ok(),
            _ => None,
        },
        cap,
        now: o.now,
    })
}

pub(super) fn account<'a>(o: &Observed<'a>) -> Option<&'a Account> {
    match o.issuer {
        IssuerView::Ready { account, .. } => Some(account),
        _ => None,
    }
}

fn until(time: Timestamp, now: Timestamp) -> Duration {
    let left: SignedDuration = time.duration_since(now);
    Duration::try_from(left).unwrap_or(Duration::ZERO).max(Duration::from_secs(1))
}

/// Whether an Issuance waits for a person, and for what.
pub fn action_required(issuance: &Issuance) -> Option<(&str, &str)> {
    let conditions = &issuance.status.as_ref()?.conditions;
    let required = condition(conditions, ACTION_REQUIRED).filter(|_| is_true(conditions, ACTION_REQUIRED))?;
    Some((required.reason.as_str(), required.message.as_str()))
}

#[cfg(test)]
mod tests;

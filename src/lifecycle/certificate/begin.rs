//! An operation is due: which one, and may it be done?

use std::{collections::BTreeSet, time::Duration};

use super::{
    Effect, Hindrance, IssuerView, KeyView, LOOK_AGAIN, Observed, OrderView, Preflight, adopt, amend, duplicate,
    observed::is_of, until, writable,
};
use crate::{
    api::{
        Issuance, IssuerSpec,
        certificate::Validity,
        conditions::{CIRCUIT_OPEN, reason},
        issuance::{Account, Cost, Operation, Trigger},
        issuer::{AdoptExisting, DcvMethod, IssuerKind, PolicyRule, Reservation, Vendor, WhenForbidden},
        meta,
    },
    lifecycle::{
        Step, approval, backoff,
        budget::{Budget, Claim, Standing, may_cost},
        circuit, csr, digicert, dnsimple,
        issuance::is_paid,
        lineage::{self, Lineage},
        operation::{self, Refused, Situation},
        plan::{KeyChoice, Plan, StoredKey, Wanted},
        policy::{self, Asked, Verdict},
        remaining, sectigo, trigger, validity,
    },
    provider::OrderFacts,
};

pub(super) fn begin(o: &Observed, lineage: &Lineage, trigger: Trigger) -> Result<Step<Effect>, Hindrance> {
    writable(o)?;
    csr::usable(o, lineage, trigger)?;
    let (spec, account, kind, reservations) = issuer(o)?;
    fits(o)?;
    let Some(wanted) = Wanted::resolve(o, spec, lineage) else { return Err(no_common_name()) };
    let rule = permitted(o, spec, kind, &wanted)?;
    provable(o, spec, &wanted)?;
    wait_out_failures(o, lineage, &wanted)?;
    let (operation, cost, parent) = match chosen(o, lineage, &wanted, trigger)? {
        Chosen::Ask(operation, cost, parent) => (operation, cost, parent),
        Chosen::First(step) => return Ok(step),
    };
    let invalid = |error: validity::ValidityError| Hindrance::person(reason::INVALID_SPEC, error.to_string());
    let mut wanted = wanted.settled(operation, parent, o.now).map_err(invalid)?;
    if let Some(product) = kept_product(o, operation, parent) {
        wanted.product = product.to_owned();
    }
    let mut plan = Plan::new(o, lineage, wanted, account.clone(), trigger, (operation, cost), parent);
    if let Some(denied) = approval::still_denied(o, lineage, &plan.wanted, cost) {
        return Err(not_again(denied));
    }
    plan.awaits_approval =
        rules(spec).iter().any(|known| Some(known.name.as_str()) == rule && approval::required(known, cost));
    let issuance = plan.issuance_name();
    // Reserved once it is approved.
    let counted = may_cost(plan.cost) && !plan.awaits_approval;
    let budget = rule.filter(|_| counted).and_then(|rule| Budget::of(rules(spec), rule, reservations, o.now));
    let promised = KeyView::Stored(StoredKey::promised(&plan));
    let key = if plan.key == KeyChoice::Provider { &promised } else { o.key };
    Ok(Step::Do(match key {
        KeyView::Unread => Effect::ReadKey { issuance },
        KeyView::Absent => {
            affordable(o, budget.as_ref(), None)?;
            Effect::StoreKey(Box::new(plan))
        }
        KeyView::Stored(key) if key.serves(&plan) && *o.preflight == Preflight::Unasked => {
            Effect::Preflight(Box::new(plan), key.clone())
        }
        KeyView::Stored(key) if key.serves(&plan) => {
            if let Preflight::Refused(why) = o.preflight {
                return Err(Hindrance::person(reason::PREFLIGHT_REFUSED, why));
            }
            let claim = Claim {
                issuance: format!("{}/{issuance}", o.certificate.metadata.namespace.as_deref().unwrap_or_default()),
                certificate_uid: o.certificate.metadata.uid.clone().unwrap_or_default(),
                public_key_sha256: key.public_key_sha256.clone(),
                n: 1,
                unspent: Vec::new(),
            };
            match affordable(o, budget.as_ref(), Some(&claim))? {
                Some(rule) => Effect::Reserve { rule: rule.to_owned(), claim, urgency: plan.urgency },
                None => Effect::RecordIntent(Box::new(plan), key.clone()),
            }
        }
        KeyView::Stored(_) => Effect::DeleteKey { secret: meta::key_secret_name(&issuance) },
        KeyView::Foreign => {
            let message = format!("Secret {} is in the way and not ours", meta::key_secret_name(&issuance));
            return Err(Hindrance::person(reason::SECRET_NOT_OURS, message));
        }
    }))
}

/// The product that an operation leaves as it is: that of its order.
fn kept_product<'a>(o: &Observed<'a>, operation: Operation, parent: Option<&'a OrderFacts>) -> Option<&'a str> {
    let order = parent.filter(|_| !is_paid(operation))?;
    lineage::product_of(o.issuances, &order.order_id).or(order.content.product.as_deref())
}

fn not_again(denied: &Issuance) -> Hindrance {
    let why = denied.status.as_ref().and_then(|status| status.failure.as_ref()).map(|failure| failure.message.as_str());
    let message = format!(
        "Issuance {}: {}. It is asked again when the spec changes, or the annotation {} is set to a new token",
        denied.metadata.name.as_deref().unwrap_or_default(),
        why.unwrap_or("it was denied"),
        meta::REISSUE_REQUESTED
    );
    Hindrance::person(reason::DENIED, message)
}

/// The operation, or what comes before it.
enum Chosen<'a> {
    Ask(Operation, Cost, Option<&'a OrderFacts>),
    First(Step<Effect>),
}

fn chosen<'a>(o: &Observed<'a>, lineage: &Lineage, wanted: &Wanted, trigger: Trigger) -> Result<Chosen<'a>, Hindrance> {
    let (spec, account, kind, _) = issuer(o)?;
    if duplicate::asked(&o.certificate.spec).is_some() {
        return Ok(match duplicate::parent(o, spec, wanted, trigger)? {
            Ok(order) => Chosen::Ask(Operation::Duplicate, Cost::Free, Some(order)),
            Err(order_id) => Chosen::First(Step::Do(Effect::ReadOrder { order_id })),
        });
    }
    let facts = match (&lineage.order, o.order) {
        (None, _) => None,
        (Some(order), OrderView::Unread) => {
            return Ok(Chosen::First(Step::Do(Effect::ReadOrder { order_id: order.order_id.clone() })));
        }
        (Some(_), OrderView::Absent) if trigger::fresh(o.certificate, lineage).is_some() => None,
        // Nothing costs there.
        (Some(_), OrderView::Absent) if spec.vendor() == Vendor::DnSimple => None,
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
        (Some(order), OrderView::Read(facts)) if order.hearsay && !vouched(o, spec, order, facts) => {
            let message = format!(
                "the Secret names order {}, but does not hold that order's certificate and its key, and the issuer's \
                 policy.adoptable does not list it; remove its annotation {} to order anew",
                order.order_id,
                meta::secret::ORDER_ID
            );
            return Err(Hindrance::person(reason::PROVIDER_BLOCKED, message));
        }
        (Some(order), OrderView::Read(facts)) => {
            if order.hearsay {
                adopt::nobody_elses(o, spec, kind, facts)?;
            }
            Some(facts)
        }
    };
    let chosen = operation::plan(&situation(o, spec, lineage, facts, wanted, trigger)?);
    let (operation, cost) = match &chosen {
        // The order that renewed ours: bought already, so it is read and reissued on.
        operation::Plan::Adopt { order_id } => {
            return Ok(Chosen::First(Step::Do(Effect::ReadOrder { order_id: order_id.clone() })));
        }
        operation::Plan::StopAutoRenewal { order_id, .. } => {
            return Ok(Chosen::First(Step::Do(Effect::StopAutoRenewal { order_id: order_id.clone() })));
        }
        operation::Plan::WaitUntil { at, why } => {
            return Err(Hindrance::wait(reason::PENDING, why, until(*at, o.now).min(LOOK_AGAIN)));
        }
        operation::Plan::ActionRequired { why, .. } => return Err(Hindrance::person(reason::PROVIDER_BLOCKED, why)),
        operation::Plan::Order => (Operation::Order, operation::price(spec.vendor(), Cost::Paid)),
        operation::Plan::Collect => (Operation::Collect, Cost::Free),
        operation::Plan::Reissue { cost, .. } => (Operation::Reissue, *cost),
        operation::Plan::Renew { .. } => (Operation::Renew, operation::price(spec.vendor(), Cost::Paid)),
        operation::Plan::Amend { cost, .. } => (Operation::Amend, *cost),
    };
    if operation == Operation::Order
        && looks_for_existing(spec, lineage)
        && let Some(step) = adopt::matching(o, lineage, wanted)?
    {
        return Ok(Chosen::First(step));
    }
    Ok(Chosen::Ask(operation, cost, facts.filter(|_| operation != Operation::Order)))
}

/// Nothing of a spec is silently left out.
pub(super) fn fits(o: &Observed) -> Result<(), Hindrance> {
    let IssuerView::Ready { spec, .. } = o.issuer else { return Ok(()) };
    let asked = &o.certificate.spec;
    let misfit = sectigo::misfit(asked, spec).or_else(|| dnsimple::misfit(asked, spec));
    misfit.map_or(Ok(()), |why| Err(Hindrance::person(reason::INVALID_SPEC, why)))
}

/// A file proves one name and no wildcard: CertCentral refuses the order, so nothing is asked for.
fn provable(o: &Observed, issuer: &IssuerSpec, wanted: &Wanted) -> Result<(), Hindrance> {
    let by_file = issuer.dcv.as_ref().and_then(|dcv| dcv.method) == Some(DcvMethod::Http);
    let wildcard = wanted.dns_names.iter().find(|name| name.starts_with("*."));
    match wildcard.filter(|_| by_file && duplicate::asked(&o.certificate.spec).is_none()) {
        None => Ok(()),
        Some(name) => Err(Hindrance::person(
            reason::INVALID_SPEC,
            format!("{name} cannot be validated by file: use an issuer with another dcv.method than Http"),
        )),
    }
}

/// The rule to reserve under, when that is still to be done.
fn affordable<'a>(
    o: &Observed,
    budget: Option<&Budget<'a>>,
    claim: Option<&Claim>,
) -> Result<Option<&'a str>, Hindrance> {
    let Some(budget) = budget else { return Ok(None) };
    match budget.standing(claim) {
        Standing::Held => Ok(None),
        Standing::Free => Ok(Some(budget.rule)),
        Standing::Exhausted(next) => {
            let again = until(next, o.now).min(LOOK_AGAIN);
            Err(Hindrance::wait(reason::BUDGET_EXHAUSTED, budget.exhausted(next), again))
        }
    }
}

type Usable<'a> = (&'a IssuerSpec, &'a Account, IssuerKind, &'a [Reservation]);

/// The issuer, when its account can be used.
pub(super) fn issuer<'a>(o: &Observed<'a>) -> Result<Usable<'a>, Hindrance> {
    match o.issuer {
        IssuerView::Ready { spec, account, kind, reservations } => match o.outage {
            None => Ok((spec, account, *kind, reservations)),
            Some(since) => {
                let message = circuit::rests(&o.certificate.spec.issuer_ref, since);
                Err(Hindrance::wait(CIRCUIT_OPEN, message, LOOK_AGAIN))
            }
        },
        IssuerView::Missing => {
            let message = format!("{} does not exist", o.certificate.spec.issuer_ref);
            Err(Hindrance::person(reason::ISSUER_NOT_FOUND, message))
        }
        IssuerView::NotReady(why) => {
            let message = format!("{}: {why}", o.certificate.spec.issuer_ref);
            Err(Hindrance::wait(reason::ISSUER_NOT_READY, message, Duration::from_secs(300)))
        }
    }
}

pub(super) fn no_common_name() -> Hindrance {
    let message = "no name has at most 64 characters, which a common name needs: add a shorter one";
    Hindrance::person(reason::INVALID_SPEC, message)
}

/// Only a first order: what follows an order that is known is bought on purpose.
fn looks_for_existing(issuer: &IssuerSpec, lineage: &Lineage) -> bool {
    let asked = issuer.policy.as_ref().and_then(|policy| policy.adopt_existing).unwrap_or_default();
    asked == AdoptExisting::Matching && lineage.order.is_none() && issuer.vendor() != Vendor::DnSimple
}

fn rules(issuer: &IssuerSpec) -> &[PolicyRule] {
    issuer.policy.as_ref().map_or(&[], |policy| &policy.rules)
}

/// Returns the name of the rule that allows it; none when an Issuer has no rules.
fn permitted<'a>(
    o: &Observed,
    issuer: &'a IssuerSpec,
    kind: IssuerKind,
    wanted: &Wanted,
) -> Result<Option<&'a str>, Hindrance> {
    let own = match (&issuer.digicert, &issuer.sectigo, &issuer.dnsimple) {
        (_, Some(sectigo), _) => Some(sectigo.profile_id.to_string()),
        (_, _, Some(dnsimple)) => Some(dnsimple.product.as_str().to_owned()),
        (digicert, None, None) => digicert.as_ref().map(|digicert| digicert.product.clone()),
    };
    let product = Some(wanted.product.as_str()).filter(|product| own.as_deref() != Some(*product));
    allowed(o, issuer, kind, &wanted.dns_names.iter().cloned().collect(), product)
}

/// The same for any names.
pub(super) fn allowed<'a>(
    o: &Observed,
    issuer: &'a IssuerSpec,
    kind: IssuerKind,
    names: &BTreeSet<String>,
    product: Option<&str>,
) -> Result<Option<&'a str>, Hindrance> {
    let Some(namespace_labels) = o.namespace_labels else {
        let message = "the namespace is not known yet, or is going away";
        return Err(Hindrance::wait(reason::PENDING, message, Duration::from_secs(10)));
    };
    let asked = Asked {
        namespace: o.certificate.metadata.namespace.as_deref().unwrap_or_default(),
        namespace_labels,
        names,
        product,
    };
    let rule = match policy::judge(kind, rules(issuer), &asked) {
        Verdict::Allowed(rule) => rule,
        Verdict::Refused(why) => return Err(Hindrance::person(reason::POLICY_REFUSED, why)),
    };
    let name = rule.map(|rule| rule.name.as_str());
    let wanted = &o.certificate.spec;
    let refusal = match (&issuer.digicert, &wanted.digicert, &issuer.sectigo, &wanted.sectigo) {
        (Some(account), Some(overrides), ..) => digicert::refusal(account, rule, overrides, o.now),
        (.., Some(account), Some(overrides)) => sectigo::refusal(account, rule, overrides),
        _ => None,
    };
    match refusal {
        None => Ok(name),
        Some(what) => {
            Err(Hindrance::person(reason::POLICY_REFUSED, format!("the issuer does not allow a Certificate {what}")))
        }
    }
}

/// A failed Issuance is not repeated at once, unless something else is asked for now.
fn wait_out_failures(o: &Observed, lineage: &Lineage, wanted: &Wanted) -> Result<(), Hindrance> {
    let waits = |last: &&&Issuance| !adopt::useless(last) && !lineage::is_forbidden(last);
    let Some(last) = lineage.failed.first().filter(waits) else { return Ok(()) };
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

/// An order named only by the Secret counts when its certificate is the one in the Secret, with its key, since a
/// certificate is public; or when the issuer lists it. So does what renewed it.
fn vouched(o: &Observed, issuer: &IssuerSpec, order: &lineage::Order, facts: &OrderFacts) -> bool {
    order.order_id != facts.order_id
        || adopt::held_leaf(o).is_some_and(|leaf| is_of(leaf, facts))
        || adopt::is_listed(issuer, &facts.order_id)
}

pub(in crate::lifecycle) fn situation<'a>(
    o: &Observed<'a>,
    issuer: &IssuerSpec,
    lineage: &Lineage,
    order: Option<&'a OrderFacts>,
    wanted: &Wanted,
    trigger: Trigger,
) -> Result<Situation<'a>, Hindrance> {
    let asked = lineage.installed.map(|issuance| &issuance.spec.request);
    let served = trigger::served(o);
    // What is amended has no certificate yet.
    let unissued = order.filter(|order| order.content.amendable).map(|order| &order.content.names);
    let has = |name: &String| match unissued {
        Some(names) => names.contains(name),
        None => {
            served.is_some_and(|leaf| leaf.dns_names.contains(name))
                || asked.is_some_and(|asked| asked.dns_names.contains(name))
        }
    };
    let installed_until = lineage.installed.and_then(|issuance| issuance.status.as_ref()?.not_after.as_ref());
    let spec = &o.certificate.spec;
    let cap = validity::cap(spec.validity.as_ref())
        .map_err(|error| Hindrance::person(reason::INVALID_SPEC, error.to_string()))?;
    Ok(Situation {
        vendor: issuer.vendor(),
        by_hand: dnsimple::is_by_hand(wanted),
        trigger,
        order,
        not_after: served.map(|leaf| leaf.not_after).or(installed_until.map(|time| time.0)),
        requested: trigger::fresh(o.certificate, lineage).is_some(),
        adds_names: wanted.dns_names.iter().any(|name| !has(name)),
        refused: order.map(|order| refused(o, lineage, order)).unwrap_or_default(),
        product_changed: order
            .and_then(|order| lineage::purchase_of(o.issuances, &order.order_id))
            .or(asked)
            .is_some_and(|bought| wanted.buys_other_than(bought)),
        forbidden: order
            .map(|order| lineage::forbidden(o.issuances, &order.order_id, o.machine_now))
            .unwrap_or_default(),
        orders_anew: issuer.policy.as_ref().and_then(|policy| policy.when_forbidden) == Some(WhenForbidden::Order),
        renewal_stays: o.renewal_stays,
        days: match spec.validity {
            Some(Validity::Days(days)) => days.try_into().ok(),
            _ => None,
        },
        cap,
        now: o.now,
    })
}

/// The newest failure counts, when it is one of that order.
fn refused(o: &Observed, lineage: &Lineage, order: &OrderFacts) -> Refused {
    let of_order = |failed: &&Issuance| {
        let placed = failed.status.as_ref().and_then(|status| status.order_id.as_ref());
        let amended = failed.spec.parent.as_ref().filter(|_| failed.spec.operation == Operation::Amend);
        placed.or(amended.map(|parent| &parent.order_id)) == Some(&order.order_id)
    };
    let last = lineage.failed.first().copied().filter(of_order);
    last.map_or_else(Refused::default, |last| Refused {
        changed: amend::asks_otherwise(o, last),
        amended: last.spec.operation == Operation::Amend,
    })
}

#[cfg(test)]
mod tests;

//! Orders that Evercert did not place: which may be taken over. An order id that a user gives is a hint.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Effect, Hindrance, Observed, OrderView, SecretView, begin, observed::is_of};
use crate::{
    api::{
        IssuerSpec,
        certificate::KeyAlgorithm,
        conditions::reason,
        issuance::{Account, KeyOrigin, Operation, Parent, Request, State, Trigger},
        issuer::{IssuerKind, Vendor},
        meta,
    },
    lifecycle::{Step, csr, lineage::Lineage, plan::Wanted, validity},
    pki::{KeyKind, Leaf},
    provider::{AutoRenewal, OrderFacts, OrderStatus, is_idempotency_key},
};

/// An adoption, ready to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Adoption {
    pub certificate: String,
    pub account: Account,
    pub revision: i64,
    pub trigger: Trigger,
    /// What the Certificate names.
    pub asked: Option<String>,
    pub parent: Parent,
    /// What the order holds.
    pub request: Request,
}

impl Adoption {
    pub fn issuance_name(&self) -> String {
        meta::issuance_name(&self.certificate, self.revision)
    }
}

/// The order that spec.adopt names, until it was taken over.
pub fn asked<'a>(o: &Observed<'a>, lineage: &Lineage) -> Option<&'a str> {
    let asked = o.certificate.spec.adopt.as_ref().map(|adopt| adopt.order_id.as_str())?;
    let has = lineage.order.as_ref().is_some_and(|order| order.order_id == asked && !order.hearsay);
    let taken = o
        .issuances
        .iter()
        .any(|issuance| issuance.spec.operation == Operation::Adopt && issuance.spec.adopt.as_deref() == Some(asked));
    (!has && !taken).then_some(asked)
}

/// Takes over the order that the Certificate names, or that has renewed it.
pub(super) fn adopt(o: &Observed, lineage: &Lineage, asked: &str) -> Result<Step<Effect>, Hindrance> {
    super::writable(o)?;
    csr::readable(o)?;
    let (spec, account, kind, _) = begin::issuer(o)?;
    let facts = match o.order {
        OrderView::Unread => return Ok(Step::Do(Effect::ReadOrder { order_id: asked.to_owned() })),
        OrderView::Absent => {
            let (id, provider) = (&account.id, &account.provider);
            return Err(refused(
                asked,
                format!("is not known to account {id} at {provider}, or not visible to its credential"),
            ));
        }
        OrderView::Read(facts) => facts,
    };
    // Bought already, and what counts from now on.
    if let Some(successor) = facts.renewed_by.as_ref().filter(|id| **id != facts.order_id) {
        return Ok(Step::Do(Effect::ReadOrder { order_id: successor.clone() }));
    }
    let public_key = adoptable(o, spec, kind, facts)?;
    if let Some(first) = buys_nothing_itself(o, spec, facts)? {
        return Ok(first);
    }
    record(o, lineage, spec, account, facts, public_key, Some(asked))
}

/// Instead of a first purchase: an issued order of exactly these names that may be taken over.
pub(super) fn matching(o: &Observed, lineage: &Lineage, wanted: &Wanted) -> Result<Option<Step<Effect>>, Hindrance> {
    let (spec, account, kind, _) = begin::issuer(o)?;
    let Some(found) = o.existing else {
        return Ok(Some(Step::Do(Effect::FindExisting { names: wanted.dns_names.clone() })));
    };
    for facts in found.iter().filter(|facts| facts.renewed_by.is_none()) {
        if let Ok(public_key) = adoptable(o, spec, kind, facts) {
            let first = buys_nothing_itself(o, spec, facts)?;
            return first.map_or_else(|| record(o, lineage, spec, account, facts, public_key, None), Ok).map(Some);
        }
    }
    Ok(None)
}

/// Whether an order may be taken over by this Certificate, and its public key.
fn adoptable(o: &Observed, issuer: &IssuerSpec, kind: IssuerKind, facts: &OrderFacts) -> Result<String, Hindrance> {
    let (id, content) = (facts.order_id.as_str(), &facts.content);
    match facts.status {
        OrderStatus::Active | OrderStatus::Pending => {}
        OrderStatus::Expired => return Err(refused(id, "has expired")),
        OrderStatus::Revoked => return Err(refused(id, "was revoked")),
        OrderStatus::Canceled => return Err(refused(id, "was canceled or rejected")),
        OrderStatus::Unknown => return Err(refused(id, "has a status that Evercert does not know")),
    }
    if content.renewed_unseen {
        return Err(refused(id, "was renewed by an order that this API key does not see: name that one"));
    }
    nobody_elses(o, issuer, kind, facts)?;
    let proof = held_leaf(o).filter(|leaf| is_of(leaf, facts)).map(|leaf| leaf.public_key_sha256.clone());
    let Some(public_key) = content.public_key_sha256.clone().or_else(|| proof.clone()) else {
        return Err(refused(id, "shows no CSR, so nobody can tell whose key it is for"));
    };
    if !is_listed(issuer, id) && proof.is_none() && held_key(o) != Some(public_key.as_str()) {
        let secret = &o.certificate.spec.secret_name;
        let why = format!(
            "is for a key that Secret {secret} does not hold, and the issuer's policy.adoptable does not list it"
        );
        return Err(refused(id, why));
    }
    Ok(public_key)
}

pub(super) fn is_listed(issuer: &IssuerSpec, order_id: &str) -> bool {
    issuer.policy.as_ref().is_some_and(|policy| policy.adoptable.iter().any(|listed| listed == order_id))
}

/// Another team's order, or another installation's, is never touched, however its id became known.
pub(super) fn nobody_elses(
    o: &Observed,
    issuer: &IssuerSpec,
    kind: IssuerKind,
    facts: &OrderFacts,
) -> Result<(), Hindrance> {
    let (id, content) = (facts.order_id.as_str(), &facts.content);
    if let Some(owner) = o.claims.get(id) {
        return Err(refused(id, format!("belongs to {owner}")));
    }
    if content.idempotency_key.as_deref().is_some_and(|key| is_marked_by_others(key, o.mark)) {
        let why = "was placed by another installation of Evercert (after a restore of that one, start the operator with \
                   --installation-id set to its id)";
        return Err(refused(id, why));
    }
    if content.names.is_empty() {
        return Err(refused(id, "does not show the names it is for"));
    }
    begin::allowed(o, issuer, kind, &content.names, None)
        .map(drop)
        .map_err(|hindrance| Hindrance { message: format!("order {id}: {}", hindrance.message), ..hindrance })
}

/// What the provider would buy beside Evercert is switched off first, where that can be done: CertCentral's API has no
/// call for it (Services API, *Orders*).
fn buys_nothing_itself(
    o: &Observed,
    issuer: &IssuerSpec,
    facts: &OrderFacts,
) -> Result<Option<Step<Effect>>, Hindrance> {
    match facts.auto_renew {
        AutoRenewal::Off => Ok(None),
        AutoRenewal::Scheduled if issuer.vendor() == Vendor::Sectigo && o.renewal_stays.is_none() => {
            Ok(Some(Step::Do(Effect::StopAutoRenewal { order_id: facts.order_id.clone() })))
        }
        AutoRenewal::Scheduled | AutoRenewal::Started => Err(refused(
            &facts.order_id,
            "renews automatically at the provider, which would buy beside Evercert: switch its automatic renewal off there",
        )),
    }
}

fn refused(order_id: &str, why: impl std::fmt::Display) -> Hindrance {
    let message = format!("order {order_id} {why}; it is not adopted, and nothing is bought");
    Hindrance { again: Some(Duration::from_secs(600)), ..Hindrance::person(reason::ADOPTION_REFUSED, message) }
}

fn record(
    o: &Observed,
    lineage: &Lineage,
    issuer: &IssuerSpec,
    account: &Account,
    facts: &OrderFacts,
    public_key_sha256: String,
    asked: Option<&str>,
) -> Result<Step<Effect>, Hindrance> {
    let Some(wanted) = Wanted::resolve(o, issuer, lineage) else { return Err(begin::no_common_name()) };
    let content = &facts.content;
    let leaf = held_leaf(o).filter(|leaf| leaf.public_key_sha256 == public_key_sha256);
    let (key_algorithm, key_size) = kind_of(leaf.map_or(wanted.key.kind(), |leaf| leaf.key_kind));
    let shown = content.common_name.clone().filter(|name| name.len() <= 64);
    Ok(Step::Do(Effect::RecordAdoption(Box::new(Adoption {
        certificate: o.certificate.metadata.name.clone().unwrap_or_default(),
        account: account.clone(),
        revision: lineage.revision + 1,
        trigger: if lineage.exists { Trigger::Requested } else { Trigger::FirstIssue },
        asked: asked.map(str::to_owned),
        parent: Parent {
            order_id: facts.order_id.clone(),
            certificate_id: facts.certificate_id.clone(),
            order_valid_till: facts.valid_till.map(|till| Time(validity::end_of(till))),
        },
        request: Request {
            common_name: shown.unwrap_or(wanted.common_name),
            dns_names: content.names.iter().cloned().collect(),
            csr: content.csr.clone().unwrap_or_default(),
            public_key_sha256,
            key_origin: KeyOrigin::Elsewhere,
            key_algorithm,
            key_size,
            validity: wanted.validity,
            product: content.product.clone().unwrap_or(wanted.product),
            signature_hash: wanted.signature_hash,
            organization_id: wanted.organization_id,
            order_validity: None,
            digicert: None,
            sectigo: None,
            dnsimple: None,
        },
    }))))
}

/// A kind that nobody can ask for differs from every spec.
fn kind_of(kind: Option<KeyKind>) -> (KeyAlgorithm, i32) {
    kind.map_or((KeyAlgorithm::Rsa, 0), csr::kind_of)
}

/// What an Adopt has brought is installed where the Secret holds its key, or the CSR is for it; else a reissue follows.
pub(super) fn finish(o: &Observed, name: String, public_key_sha256: &str) -> Result<Step<Effect>, Hindrance> {
    if !has_key(o, public_key_sha256) {
        return Ok(Step::Do(Effect::MarkInstalled { issuance: name }));
    }
    super::writable(o)?;
    Ok(Step::Do(Effect::Install { issuance: name }))
}

/// Whether the adoption has failed for what the order holds, and not for the order: it is reissued on.
pub(super) fn useless(issuance: &crate::api::Issuance) -> bool {
    let status = issuance.status.as_ref();
    issuance.spec.operation == Operation::Adopt
        && status.is_some_and(|status| status.state == Some(State::Failed) && status.order_id.is_some())
}

/// Whether a certificate for this key can be served: the key is in the Secret or, held elsewhere, the one of the CSR.
pub fn has_key(o: &Observed, public_key_sha256: &str) -> bool {
    match o.certificate.spec.csr_secret_ref {
        Some(_) => csr::known(o).is_some_and(|csr| csr.public_key_sha256 == public_key_sha256),
        None => held_key(o) == Some(public_key_sha256),
    }
}

/// The private key in the Secret, by its public half: whoever has it may have its certificate.
fn held_key<'a>(o: &Observed<'a>) -> Option<&'a str> {
    held(o)?.public_key_sha256.as_deref()
}

/// The certificate in the Secret whose key is there too.
pub(super) fn held_leaf<'a>(o: &Observed<'a>) -> Option<&'a Leaf> {
    let held = held(o)?;
    held.pair.as_ref().filter(|leaf| held.public_key_sha256.as_ref() == Some(&leaf.public_key_sha256))
}

fn held<'a>(o: &Observed<'a>) -> Option<&'a super::Held> {
    match o.secret {
        SecretView::Ours(held) | SecretView::Foreign { held, .. } => Some(held),
        _ => None,
    }
}

/// Whether an order carries the idempotency key of another installation, which begins with another mark.
pub(super) fn is_marked_by_others(key: &str, mark: &str) -> bool {
    is_idempotency_key(key) && !key.to_ascii_lowercase().starts_with(mark)
}

#[cfg(test)]
mod tests;

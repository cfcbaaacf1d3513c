//! What is known of a Certificate's past: from its Issuances, its Secret and its status, in that order of trust.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{
    budget::may_cost,
    certificate::{
        duplicate,
        observed::{Held, Observed, SecretView},
    },
    operation::Forbidden,
    record,
};
use crate::api::{
    CertificateStatus, Issuance, IssuanceSpec,
    issuance::{Account, FailureClass, Operation, Request, State},
    issuer::Vendor,
};

/// The past of one Certificate, at the account it uses now.
#[derive(Debug, Clone, Default)]
pub struct Lineage<'a> {
    /// The Issuance under way.
    pub unresolved: Option<&'a Issuance>,
    /// The newest Issuance whose certificate was installed.
    pub installed: Option<&'a Issuance>,
    /// The newest Issuance whose request the CA has fulfilled, installed or not.
    pub fulfilled: Option<&'a Issuance>,
    /// The order that certificates can be reissued on.
    pub order: Option<Order>,
    /// The order of the last duplicate: another certificate's, never to be reissued or renewed.
    pub duplicated: Option<Order>,
    /// The last order at another account: it is left as it is, and remembered.
    left: Option<String>,
    /// The highest revision that was ever used.
    pub revision: i64,
    /// Reissue tokens that were handled: what they asked for is in the Secret, or was denied.
    pub tokens: BTreeSet<&'a str>,
    /// Issuances that failed since the last one that did not, newest first.
    pub failed: Vec<&'a Issuance>,
    /// The newest that a person denied since the last one that may have cost.
    pub denied: Option<&'a Issuance>,
    /// Something was issued before, here or at another account.
    pub exists: bool,
    /// The last certificate came from another account.
    pub other_account: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub order_id: String,
    pub certificate_id: Option<String>,
    pub valid_till: Option<Timestamp>,
    pub previous: Option<String>,
    /// Known only from the Secret's annotations, which a user may have written: to be checked first.
    pub hearsay: bool,
}

impl<'a> Lineage<'a> {
    pub fn of(o: &Observed<'a>, account: Option<&Account>) -> Self {
        let mut lineage = Self::default();
        let here = |issuance: &Issuance| account.is_none_or(|account| issuance.spec.account == *account);
        for issuance in o.issuances.iter().map(Arc::as_ref) {
            lineage.add(issuance, here(issuance));
        }
        if let SecretView::Ours(held) = o.secret {
            lineage.add_secret(held);
        }
        if let Some(status) = &o.certificate.status {
            let duplicate = duplicate::asked(&o.certificate.spec).is_some();
            lineage.add_status(status, o.issuances.is_empty(), duplicate);
        }
        lineage
    }

    /// The order behind the certificate that is served.
    pub fn behind(&self) -> Option<&Order> {
        match self.installed.map(|installed| installed.spec.operation) {
            Some(Operation::Duplicate) => self.duplicated.as_ref(),
            _ => self.order.as_ref(),
        }
    }

    /// Issuances come in the order of their revisions.
    fn add(&mut self, issuance: &'a Issuance, here: bool) {
        self.revision = self.revision.max(issuance.spec.revision);
        let status = issuance.status.as_ref();
        let token = issuance.spec.request_token.as_deref();
        match status.and_then(|status| status.state) {
            Some(State::Installed) => {
                self.installed = Some(issuance);
                self.fulfilled = Some(issuance);
                self.other_account = !here;
                self.failed.clear();
                self.denied = self.denied.filter(|_| !may_cost(issuance.spec.cost));
                self.tokens.extend(token);
                self.tokens.extend(status.and_then(record::compromised));
                self.exists = true;
            }
            Some(State::Superseded) if status.is_some_and(|status| status.serial_number.is_some()) => {
                self.fulfilled = Some(issuance);
            }
            // Never sent, or amended before anything came of it.
            Some(State::Superseded) => {}
            Some(State::Denied) => {
                self.tokens.extend(token);
                self.denied = Some(issuance);
            }
            // Nothing failed: nobody wanted it any more.
            Some(State::Failed) if failure(issuance) == Some(FailureClass::Withdrawn) => {}
            Some(State::Failed) => {
                self.failed.insert(0, issuance);
                if matches!(failure(issuance), Some(FailureClass::InvalidCertificate | FailureClass::KeyMissing)) {
                    self.fulfilled = Some(issuance);
                }
            }
            _ => self.unresolved = Some(issuance),
        }
        let duplicate = issuance.spec.operation == Operation::Duplicate;
        match order_of(issuance) {
            Some(order) if here && duplicate => self.duplicated = Some(order),
            Some(order) if here => {
                let known = self.order.take().filter(|known| known.order_id == order.order_id);
                let previous = order.previous.clone().or_else(|| self.left.take());
                let order =
                    known.map_or_else(|| Order { previous, ..order.clone() }, |known| known.updated(order.clone()));
                self.order = Some(order);
            }
            Some(order) if !duplicate => self.left = Some(order.order_id),
            Some(_) | None => {}
        }
    }

    fn add_secret(&mut self, held: &'a Held) {
        self.revision = self.revision.max(held.revision.unwrap_or(0));
        self.tokens.extend(held.handled_token.as_deref());
        self.exists = true;
        if self.installed.is_none() && self.order.is_none() {
            self.order = held.order_id.clone().map(|order_id| Order {
                order_id,
                certificate_id: held.certificate_id.clone(),
                valid_till: None,
                previous: None,
                hearsay: true,
            });
        }
    }

    /// Its order counts when the ledger is lost: what that knows belongs to an account, which this does not tell.
    fn add_status(&mut self, status: &'a CertificateStatus, ledger_lost: bool, duplicate: bool) {
        // What was under way is begun again under its own name: what it placed answers to that.
        let begun = status.issuance.as_ref().and_then(|name| name.rsplit('-').next()?.parse::<i64>().ok());
        let known = status.revision.max(begun.map(|revision| revision.saturating_sub(1)));
        self.revision = self.revision.max(known.unwrap_or(0));
        self.tokens.extend(status.last_handled_reissue_request.as_deref());
        self.exists |= status.revision.is_some();
        let known = status.order.as_ref().filter(|_| ledger_lost && !duplicate);
        if let Some(order) = known.filter(|known| self.order.as_ref().is_none_or(|o| o.order_id == known.order_id)) {
            self.order = Some(Order {
                order_id: order.order_id.clone(),
                certificate_id: order.certificate_id.clone(),
                valid_till: order.valid_till.as_ref().map(|till| till.0),
                previous: order.previous_order_id.clone(),
                hearsay: false,
            });
        }
    }
}

/// Whether this installation recorded an operation: told by its submissions or, without any, by its idempotency key.
pub fn is_ours(operation: &IssuanceSpec, installation: &str, mark: &str) -> bool {
    let submitted_here = operation.submissions.iter().all(|submission| submission.installation == installation);
    submitted_here && (!operation.submissions.is_empty() || operation.idempotency_key.starts_with(mark))
}

/// Ids and serial numbers of the certificates there were before an operation: where a key stays, it does not tell them
/// from the new one.
pub fn earlier(issuances: &[Arc<Issuance>], operation: &IssuanceSpec) -> BTreeSet<String> {
    let before = issuances.iter().filter(|other| other.spec.revision < operation.revision);
    let serials = before.clone().filter_map(|other| other.status.as_ref()?.serial_number.clone());
    // Found again by its mark, an order shows the certificate it has by now, which may be what this operation brought.
    let same_key = before.filter(|other| other.spec.request.public_key_sha256 == operation.request.public_key_sha256);
    let ids = same_key.filter_map(|other| other.status.as_ref()?.certificate_id.clone());
    let served = operation.parent.as_ref().and_then(|parent| parent.certificate_id.clone());
    let superseded = operation.supersedes.iter().flat_map(|old| old.serial_numbers.iter().cloned());
    serials.chain(ids).chain(served).chain(superseded).collect()
}

/// As which product an order was placed or taken over: a reissue stays in it, whatever is wanted by then.
pub fn product_of<'a>(issuances: &'a [Arc<Issuance>], order_id: &str) -> Option<&'a str> {
    purchase_of(issuances, order_id).map(|purchase| purchase.product.as_str())
}

/// What an order was placed for, or taken over with.
pub fn purchase_of<'a>(issuances: &'a [Arc<Issuance>], order_id: &str) -> Option<&'a Request> {
    let placed = issuances.iter().find(|issuance| {
        matches!(issuance.spec.operation, Operation::Order | Operation::Renew | Operation::Adopt | Operation::Collect)
            && issuance.status.as_ref().and_then(|status| status.order_id.as_deref()) == Some(order_id)
    });
    placed.map(|issuance| &issuance.spec.request)
}

/// What the provider has refused to do with an order because of its product, within a day: a product can be changed.
pub fn forbidden(issuances: &[Arc<Issuance>], order_id: &str, now: Timestamp) -> Forbidden {
    let of_order = issuances.iter().filter(|issuance| {
        issuance.spec.parent.as_ref().is_some_and(|parent| parent.order_id == order_id) && is_forbidden(issuance)
    });
    let mut forbidden = Forbidden::default();
    for refused in of_order.filter(|refused| {
        failed_since(refused, now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN))
    }) {
        forbidden.renewal |= refused.spec.operation == Operation::Renew;
        forbidden.replacement |= refused.spec.operation == Operation::Reissue;
    }
    forbidden
}

/// Certificate Manager REST API, *Errors*: "Access denied", "This SSL Certificate Profile doesn't allow renew", "Replace is
/// forbidden for autoinstalled certificates".
pub fn is_forbidden(issuance: &Issuance) -> bool {
    let failure = issuance.status.as_ref().and_then(|status| status.failure.as_ref());
    if issuance.spec.account.provider == Vendor::DnSimple.as_str() {
        // A new purchase is as free as a renewal, whatever keeps that one from being made.
        return issuance.spec.operation == Operation::Renew && failure.is_some();
    }
    let code = failure.filter(|failure| failure.class == FailureClass::Rejected).and_then(|it| it.code.as_deref());
    issuance.spec.account.provider == Vendor::Sectigo.as_str()
        && match issuance.spec.operation {
            Operation::Renew => matches!(code, Some("-37" | "-180")),
            Operation::Reissue => matches!(code, Some("-37" | "-1148")),
            Operation::Order | Operation::Adopt | Operation::Duplicate | Operation::Collect | Operation::Amend => false,
        }
}

fn failed_since(issuance: &Issuance, since: Timestamp) -> bool {
    let failure = issuance.status.as_ref().and_then(|status| status.failure.as_ref());
    failure.and_then(|failure| failure.at.as_ref()).is_some_and(|at| at.0 >= since)
}

fn failure(issuance: &Issuance) -> Option<FailureClass> {
    Some(issuance.status.as_ref()?.failure.as_ref()?.class)
}

impl Order {
    /// What was learnt later counts, what was not told again stays.
    fn updated(self, later: Self) -> Self {
        Self {
            certificate_id: later.certificate_id.or(self.certificate_id),
            valid_till: later.valid_till.or(self.valid_till),
            previous: later.previous.or(self.previous),
            ..later
        }
    }
}

/// The order an Issuance leaves behind, whatever became of it: the provider is asked before anything is bought in its
/// place. What placed none, or a renewal that was refused, leaves the order it was to reissue or follow.
fn order_of(issuance: &Issuance) -> Option<Order> {
    let status = issuance.status.clone().unwrap_or_default();
    let ended = failure(issuance).filter(|_| status.state == Some(State::Failed));
    let refused = ended == Some(FailureClass::Canceled) && issuance.spec.operation == Operation::Renew;
    // What we canceled ourselves is no reason to ask anybody.
    let withdrawn = ended == Some(FailureClass::Withdrawn);
    let placed = status.order_id.filter(|_| !refused && !withdrawn);
    let parent = issuance.spec.parent.as_ref();
    let Some(order_id) = placed else {
        return parent.map(|parent| Order {
            order_id: parent.order_id.clone(),
            certificate_id: parent.certificate_id.clone(),
            valid_till: None,
            previous: None,
            hearsay: false,
        });
    };
    Some(Order {
        previous: parent.map(|parent| parent.order_id.clone()).filter(|parent| *parent != order_id),
        order_id,
        certificate_id: status.certificate_id,
        valid_till: status.order_valid_till.map(|till| till.0),
        hearsay: false,
    })
}

#[cfg(test)]
mod tests;

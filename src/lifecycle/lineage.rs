//! What is known of a Certificate's past: from its Issuances, its Secret and its status, in that order of trust.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::certificate::{Held, Observed, SecretView};
use crate::api::{
    Issuance,
    issuance::{Account, FailureClass, State},
};

/// The past of one Certificate, at the account it uses now.
#[derive(Debug, Clone, Default)]
pub struct Lineage<'a> {
    /// The Issuance under way.
    pub unresolved: Option<&'a Issuance>,
    /// The newest Issuance whose certificate was installed.
    pub installed: Option<&'a Issuance>,
    /// The order that certificates can be reissued on.
    pub order: Option<Order>,
    /// The highest revision that was ever used.
    pub revision: i64,
    /// Reissue tokens that were handled.
    pub tokens: BTreeSet<&'a str>,
    /// Issuances that failed since the last one that did not, newest first.
    pub failed: Vec<&'a Issuance>,
    /// Something was issued or tried before, here or at another account.
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
            lineage.revision = lineage.revision.max(issuance.spec.revision);
            lineage.tokens.extend(issuance.spec.request_token.as_deref());
            lineage.add(issuance, here(issuance));
        }
        let status = o.certificate.status.as_ref();
        lineage.tokens.extend(status.and_then(|status| status.last_handled_reissue_request.as_deref()));
        lineage.revision = lineage.revision.max(status.and_then(|status| status.revision).unwrap_or(0));
        if let SecretView::Ours(held) = o.secret {
            lineage.add_secret(held);
        }
        lineage.exists |= lineage.revision > 0;
        lineage
    }

    /// Issuances come in the order of their revisions.
    fn add(&mut self, issuance: &'a Issuance, here: bool) {
        let status = issuance.status.as_ref();
        match status.and_then(|status| status.state) {
            Some(State::Installed) => {
                self.installed = Some(issuance);
                self.other_account = !here;
                self.failed.clear();
            }
            Some(State::Failed) => self.failed.insert(0, issuance),
            Some(State::Denied | State::Superseded) => {}
            _ => self.unresolved = Some(issuance),
        }
        if !here {
            self.order = None;
        } else if let Some(order) = order_of(issuance) {
            self.order = Some(order);
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
}

/// The order an Issuance leaves behind, unless the provider refused or ended it.
fn order_of(issuance: &Issuance) -> Option<Order> {
    let status = issuance.status.as_ref()?;
    let lives = match status.state? {
        State::Failed => status.failure.as_ref().is_some_and(|failure| {
            matches!(failure.class, FailureClass::InvalidCertificate | FailureClass::KeyMissing)
        }),
        State::Denied => false,
        _ => true,
    };
    let order_id = status.order_id.clone().filter(|_| lives)?;
    let parent = issuance.spec.parent.as_ref().map(|parent| parent.order_id.clone());
    Some(Order {
        previous: parent.filter(|parent| *parent != order_id),
        order_id,
        certificate_id: status.certificate_id.clone(),
        valid_till: status.order_valid_till.as_ref().map(|till| till.0),
        hearsay: false,
    })
}

//! Orders: as the provider shows them, kept from renewing by themselves, and whose they are, told by the Issuances there
//! are.

use std::collections::BTreeSet;

use kube::ResourceExt;

use super::Work;
use crate::{
    api::{
        Issuance,
        certificate::DuplicateOf,
        issuance::{Operation, State},
    },
    controller::error::Error,
    lifecycle::certificate::{IssuerView, OrderView, SourceView, duplicate},
    provider::CallError,
};

impl Work {
    pub(super) async fn read_order(&mut self, order_id: &str) -> Result<(), Error> {
        self.order = match self.provider().await?.order(order_id).await {
            Ok(facts) => OrderView::Read(facts),
            Err(CallError::Rejected { code, .. }) if code.starts_with("not_found") => OrderView::Absent,
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }

    /// What was read before says nothing any more. A refusal is told, and tried again at the next look.
    pub(super) async fn stop_auto_renewal(&mut self, order_id: String) -> Result<(), Error> {
        self.renewal_stays = match self.provider().await?.stop_auto_renewal(&order_id).await {
            Ok(()) => {
                let note = format!("order {order_id}: the provider does not renew it by itself any more");
                self.context.events.over(&self.certificate, "Issue", "AutoRenewalStopped", note).await;
                Some("the provider shows it as scheduled all the same".to_owned())
            }
            Err(error @ (CallError::Rejected { .. } | CallError::Blocked { .. })) => Some(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        (self.order, self.existing) = (OrderView::Unread, None);
        Ok(())
    }

    /// What `duplicateOf` refers to: a Certificate of this namespace by its newest certificate, or an order.
    pub(super) fn source(&self) -> SourceView {
        match duplicate::asked(&self.certificate.spec) {
            None => SourceView::None,
            Some(DuplicateOf::Certificate(name)) => {
                self.context.dependents.wait(&self.namespace, name, &self.certificate.name_any());
                let issuances = self.context.issuances_of(&self.namespace, name);
                let newest = issuances.iter().rev().find(|issuance| self.is_installed(issuance));
                let order_id = newest.and_then(|issuance| issuance.status.as_ref()?.order_id.clone());
                let Some(order_id) = order_id else {
                    return SourceView::Missing(format!("Certificate {name} has no certificate of this account"));
                };
                let not_after = newest.and_then(|issuance| issuance.status.as_ref()?.not_after.as_ref());
                SourceView::Order { order_id, vouched: true, not_after: not_after.map(|end| end.0) }
            }
            Some(DuplicateOf::OrderId(order_id)) => {
                let on_it = |issuance: &Issuance| {
                    issuance.namespace().as_deref() == Some(&self.namespace)
                        && issuance.spec.operation != Operation::Duplicate
                        && issuance.status.as_ref().and_then(|status| status.order_id.as_ref()) == Some(order_id)
                        && self.is_installed(issuance)
                };
                let vouched = self.context.stores.issuances.each().any(|issuance| on_it(&issuance));
                SourceView::Order { order_id: order_id.clone(), vouched, not_after: None }
            }
        }
    }

    /// By this installation, at the account in use.
    fn is_installed(&self, issuance: &Issuance) -> bool {
        let here = matches!(&self.issuer, IssuerView::Ready { account, .. } if *account == issuance.spec.account);
        here && issuance.status.as_ref().and_then(|status| status.state) == Some(State::Installed)
            && issuance.spec.submissions.iter().all(|made| made.installation == self.context.installation)
    }

    /// Orders of this Certificate on which another one's Issuances are too; asked for only when it is deleted.
    pub(super) fn shared_orders(&self) -> BTreeSet<String> {
        if self.certificate.metadata.deletion_timestamp.is_none() {
            return BTreeSet::new();
        }
        let own: BTreeSet<&str> = self.issuances.iter().flat_map(|issuance| orders_of(issuance)).collect();
        let other = |issuance: &Issuance| {
            issuance.namespace().as_deref() != Some(&self.namespace)
                || issuance.spec.certificate_ref.name != self.certificate.name_any()
        };
        let others = self.context.stores.issuances.state_filter(other);
        let shared = others.iter().flat_map(|issuance| orders_of(issuance)).filter(|order| own.contains(order));
        shared.map(str::to_owned).collect()
    }
}

/// The order an Issuance is on, and the one it came from.
fn orders_of(issuance: &Issuance) -> impl Iterator<Item = &str> {
    let placed = issuance.status.as_ref().and_then(|status| status.order_id.as_deref());
    placed.into_iter().chain(issuance.spec.parent.as_ref().map(|parent| parent.order_id.as_str()))
}

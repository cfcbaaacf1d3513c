//! What it takes to take over an order: who else has it, what else there is, and the record.

use std::{collections::BTreeMap, sync::Arc};

use kube::{Api, ResourceExt, api::ListParams};

use super::Work;
use crate::{
    api::{Certificate, Issuance},
    controller::{
        error::{Error, kube},
        ledger,
    },
    lifecycle::certificate::{Adoption, IssuerView, OrderView},
};

/// Issuances read at once.
const PAGE: u32 = 500;

impl Work {
    /// Who else has one of the orders just read; told only where an order is to be taken over.
    pub(super) fn claims(&self) -> BTreeMap<String, String> {
        let read = match &self.order {
            OrderView::Read(facts) => Some(facts),
            _ => None,
        };
        let hint = self.certificate.spec.adopt.is_some() || self.issuances.is_empty();
        let orders = read.filter(|_| hint).into_iter().chain(self.existing.iter().flatten());
        orders.filter_map(|facts| Some((facts.order_id.clone(), self.owner(&facts.order_id)?))).collect()
    }

    /// By the ledger, and by the status of a Certificate whose ledger is lost.
    fn owner(&self, order_id: &str) -> Option<String> {
        let stores = &self.context.stores;
        let recorded = |issuance: &Issuance| self.has(issuance, order_id);
        let status = |certificate: &Certificate| {
            let order = certificate.status.as_ref().and_then(|status| status.order.as_ref());
            order.is_some_and(|order| order.order_id == order_id) && certificate.uid() != self.certificate.uid()
        };
        let own = self.context.own_issuances.find(recorded);
        let issuances = stores.issuances.state_filter(recorded).into_iter();
        let mut owners = issuances
            .chain(own)
            .map(|issuance| (issuance.namespace().unwrap_or_default(), issuance.spec.certificate_ref.name.clone()));
        let certificates = stores.certificates.state_filter(status).into_iter();
        let named = certificates.map(|other| (other.namespace().unwrap_or_default(), other.name_any()));
        let (namespace, name) = owners.next().or_else(|| named.into_iter().next())?;
        // What other namespaces have is not told.
        Some(match namespace == self.namespace {
            true => format!("Certificate {name}"),
            false => "a Certificate of another namespace".to_owned(),
        })
    }

    /// Whether an Issuance of another Certificate is for this order.
    fn has(&self, issuance: &Issuance, order_id: &str) -> bool {
        let spec = &issuance.spec;
        let here = matches!(&self.issuer, IssuerView::Ready { account, .. } if spec.account == *account);
        let placed = issuance.status.as_ref().and_then(|status| status.order_id.as_deref());
        let parent = spec.parent.as_ref().map(|parent| parent.order_id.as_str());
        let mine = issuance.namespace().as_deref() == Some(&self.namespace)
            && spec.certificate_ref.name == self.certificate.name_any();
        here && !mine && (placed == Some(order_id) || parent == Some(order_id))
    }

    pub(super) async fn find_existing(&mut self, names: Vec<String>) -> Result<(), Error> {
        self.existing = Some(self.provider().await?.matching(&names.into_iter().collect()).await?);
        Ok(())
    }

    /// One at a time, and only after a look at all there is: of two Certificates, one gets the order.
    pub(super) async fn record_adoption(&mut self, adoption: &Adoption) -> Result<(), Error> {
        let context = self.context.clone();
        let _alone = context.adopting.lock().await;
        let now = self.confirmed("record an adoption").await?;
        let api: Api<Issuance> = Api::all(context.client.clone());
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let known = kube("list Issuances", api.list(&page)).await?;
            if known.items.iter().any(|issuance| self.has(issuance, &adoption.parent.order_id)) {
                return Err(Error::Conflict { call: "adopt an order" });
            }
            match known.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => break,
            }
        }
        let created = ledger::adopt(&context, &now, adoption).await?;
        self.issuances.push(Arc::new(created));
        Ok(())
    }
}

//! A request that waits for a person's approval at Sectigo, while its Certificate wants something else by now: it is changed
//! there, under its id, instead of being followed, replaced and paid for as it is.

use super::{Effect, Observed, OrderView, begin::begin};
use crate::{
    api::{
        Issuance,
        issuance::{Operation, State},
        issuer::Vendor,
    },
    lifecycle::{
        Step,
        certificate::IssuerView,
        csr,
        lineage::Lineage,
        trigger::{self, Due},
    },
    provider::OrderStatus,
};

/// The next step towards that; `None`: it is followed as it is. The Issuance under way ends last, when its successor only
/// has to be recorded: what becomes of it at the provider is the successor's to follow.
pub(super) fn instead(o: &Observed, lineage: &Lineage, issuance: &Issuance) -> Option<Step<Effect>> {
    let order_id = waiting(issuance)?;
    let IssuerView::Ready { spec, account, .. } = o.issuer else { return None };
    let ours = spec.vendor() == Vendor::Sectigo && *account == issuance.spec.account && o.outage.is_none();
    if !ours || !asks_otherwise(o, issuance) {
        return None;
    }
    match o.order {
        OrderView::Unread => return Some(Step::Do(Effect::ReadOrder { order_id: order_id.clone() })),
        OrderView::Read(facts) if facts.status == OrderStatus::Pending && facts.content.amendable => {}
        OrderView::Read(_) | OrderView::Absent => return None,
    }
    let mut after = lineage.clone();
    after.unresolved = None;
    let Due::Now(trigger) = trigger::due(o, &after) else { return None };
    match begin(o, &after, trigger) {
        Ok(Step::Do(Effect::RecordIntent(..))) => {
            Some(Step::Do(Effect::MakeWay { issuance: issuance.metadata.name.clone().unwrap_or_default() }))
        }
        Ok(Step::Do(effect)) => Some(Step::Do(effect)),
        // What cannot be asked for now is asked for once this one has ended.
        Ok(_) | Err(_) => None,
    }
}

/// Whether another CSR or other names are wanted than an Issuance asked for; profile, organization and term count from the
/// next purchase on.
pub(super) fn asks_otherwise(o: &Observed, issuance: &Issuance) -> bool {
    let (spec, asked) = (&o.certificate.spec, &issuance.spec.request);
    let other_csr = csr::known(o).is_some_and(|csr| csr.public_key_sha256 != asked.public_key_sha256);
    other_csr || csr::switched(spec, &issuance.spec) || trigger::differs(spec, asked)
}

fn waiting(issuance: &Issuance) -> Option<&String> {
    let status = issuance.status.as_ref()?;
    let places = matches!(issuance.spec.operation, Operation::Order | Operation::Renew | Operation::Amend);
    status.order_id.as_ref().filter(|_| places && status.state == Some(State::AwaitingProvider))
}

#[cfg(test)]
mod tests;

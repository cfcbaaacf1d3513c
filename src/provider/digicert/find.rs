//! What an earlier submission may have left: looked for by our idempotency key, then by name and time, and believed
//! for its public key. A look that may have missed something is an error, never `Absent`.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::client::Call;
use super::endpoints::{LIST_ORDERS, ORDERS_BY_ALTERNATIVE_ID};
use super::progress::{names_of, order_facts, order_status};
use super::wire::{self, AlternativeOrders, Certificate, Order, Orders};
use super::{DigiCert, is_ours, key_of};
use crate::provider::{Accepted, CallError, Found, Operation, OrderFacts, OrderStatus, Wanted, is_idempotency_key};

/// Between our clock and the provider's.
const SKEW: SignedDuration = SignedDuration::from_mins(10);
const PAGE: usize = 200;
const MOST_PAGES: usize = 10;
/// Order infos read in one look.
const MOST_CANDIDATES: usize = 30;

impl DigiCert {
    pub(super) async fn look_for(&self, wanted: &Wanted) -> Result<Found, CallError> {
        match &wanted.operation {
            Operation::Order => match self.by_idempotency_key(wanted).await? {
                Found::Absent => self.by_name_and_time(wanted).await,
                found => Ok(found),
            },
            Operation::Renew { order_id } => self.renewal(wanted, order_id).await,
            Operation::Reissue { order_id } => self.reissue(wanted, order_id).await,
            Operation::Duplicate { order_id } => self.duplicate(wanted, order_id).await,
            Operation::Amend { .. } => Ok(Found::Absent),
        }
    }

    /// The id is not unique at CertCentral (*Get orders by alternative order ID* answers a list).
    async fn by_idempotency_key(&self, wanted: &Wanted) -> Result<Found, CallError> {
        let call = Call::of(&ORDERS_BY_ALTERNATIVE_ID, &wanted.idempotency_key);
        let orders = match self.client.call(call).await {
            Ok(answer) => answer.read::<AlternativeOrders>()?.orders,
            // What is answered when nothing has that id is not documented; one client has met this.
            Err(CallError::Rejected { code, .. }) if code.starts_with("not_found") => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut ids: Vec<String> = orders.into_iter().filter_map(|order| order.order_id).collect();
        ids.sort_by_key(|id| (id.len(), id.clone()));
        ids.dedup();
        self.bounded(ids.len())?;
        let mut other: Option<(bool, Accepted)> = None;
        for id in ids {
            let order = self.order_info(&id).await?;
            let ended = ended(&order);
            // Without a CSR shown, the key that only we could have made speaks for itself.
            let ours = key_of(&order.certificate).is_none_or(|key| key == wanted.public_key_sha256);
            let accepted = accepted(order, &id);
            if ours {
                return Ok(Found::Ours(accepted));
            }
            // The oldest that still runs, else the oldest.
            if other.as_ref().is_none_or(|(other_ended, _)| *other_ended && !ended) {
                other = Some((ended, accepted));
            }
        }
        Ok(other.map_or(Found::Absent, |(_, accepted)| Found::OtherKey(accepted)))
    }

    async fn by_name_and_time(&self, wanted: &Wanted) -> Result<Found, CallError> {
        let candidates = self.candidates(wanted).await?;
        self.bounded(candidates.len())?;
        for id in candidates {
            let order = self.order_info(&id).await?;
            if is_ours(&order.certificate, &wanted.public_key_sha256, &wanted.earlier) && !is_anothers(&order, wanted) {
                return Ok(Found::Ours(accepted(order, &id)));
            }
        }
        Ok(Found::Absent)
    }

    /// Orders for the common name since the intent, newest first, of any status: rows show no CSR.
    async fn candidates(&self, wanted: &Wanted) -> Result<Vec<String>, CallError> {
        let horizon = wanted.since.checked_sub(SKEW).unwrap_or(Timestamp::MIN);
        let rows = self.orders_with(&wanted.common_name, horizon).await?;
        let ours = rows.into_iter().filter(|row| since(row, horizon) && named(row, &wanted.common_name));
        Ok(ours.filter_map(|row| row.id).collect())
    }

    /// Whose certificate is issued and has exactly these names.
    pub(super) async fn orders_for(&self, names: &BTreeSet<String>) -> Result<Vec<OrderFacts>, CallError> {
        let Some(name) = names.first() else { return Ok(Vec::new()) };
        let rows = self.orders_with(name, Timestamp::MIN).await?;
        let issued = rows.into_iter().filter(|row| order_status(row.status.as_deref()) == OrderStatus::Active);
        // A row that does not show its names is looked at.
        let ids = issued.filter(|row| row.certificate.dns_names.is_empty() || names_of(&row.certificate) == *names);
        let ids: Vec<String> = ids.filter_map(|row| row.id).collect();
        self.bounded(ids.len())?;
        let mut orders = Vec::new();
        for id in ids {
            let facts = order_facts(self.order_info(&id).await?, &id);
            if facts.content.names == *names && facts.status == OrderStatus::Active {
                orders.push(facts);
            }
        }
        Ok(orders)
    }

    /// Rows of orders with this name, newest first, as far back as the horizon.
    async fn orders_with(&self, name: &str, horizon: Timestamp) -> Result<Vec<Order>, CallError> {
        let mut rows = Vec::new();
        for _ in 0..MOST_PAGES {
            let call = Call::new(&LIST_ORDERS)
                .query("filters[domain_name]", name)
                .query("sort", "-date_created")
                .query("limit", PAGE.to_string())
                .query("offset", rows.len().to_string());
            let Orders { orders, page } = self.client.call(call).await?.read()?;
            let seen = rows.len() + orders.len();
            let newest_first = orders.is_sorted_by_key(|row| std::cmp::Reverse(created(row)));
            let past = newest_first && orders.last().is_some_and(|row| !since(row, horizon));
            let last = orders.is_empty() || page.total.map_or(orders.len() < PAGE, |total| seen as u64 >= total);
            rows.extend(orders);
            if past || last {
                return Ok(rows);
            }
        }
        Err(too_many(LIST_ORDERS.name))
    }

    async fn renewal(&self, wanted: &Wanted, renewed: &str) -> Result<Found, CallError> {
        match self.by_idempotency_key(wanted).await? {
            Found::Absent => {}
            found => return Ok(found),
        }
        let old = self.order_info(renewed).await?;
        if let Some(id) = &old.renewed_order_id {
            let order = self.order_info(id).await?;
            let ours = is_ours(&order.certificate, &wanted.public_key_sha256, &wanted.earlier);
            let accepted = accepted(order, id);
            return Ok(if ours { Found::Ours(accepted) } else { Found::OtherKey(accepted) });
        }
        match self.by_name_and_time(wanted).await? {
            Found::Absent if old.is_renewed => Err(CallError::Blocked {
                call: LIST_ORDERS.name,
                code: "renewed_unseen".into(),
                message: format!("order {renewed} is marked as renewed, by an order this API key does not see"),
                action: format!("Look at order {renewed} in CertCentral: name the order that renewed it, or unmark it"),
            }),
            found => Ok(found),
        }
    }

    async fn reissue(&self, wanted: &Wanted, order_id: &str) -> Result<Found, CallError> {
        let order = self.order_info(order_id).await?;
        let ours = |certificate: &wire::Certificate| is_ours(certificate, &wanted.public_key_sha256, &wanted.earlier);
        if ours(&order.certificate) {
            return Ok(Found::Ours(accepted(order, order_id)));
        }
        let rows = self.reissues(order_id).await?;
        let of_row =
            |id: Option<String>| Accepted { order_id: order_id.into(), certificate_id: id, ..Accepted::default() };
        let mut pending = None;
        for row in rows {
            if ours(&row) {
                return Ok(Found::Ours(of_row(row.id)));
            }
            if row.status.as_deref() == Some("pending") {
                pending = Some(row);
            }
        }
        match pending {
            Some(row) => Ok(Found::OtherKey(of_row(row.id))),
            None if order.has_pending_request || order.status.as_deref() == Some("reissue_pending") => {
                Err(CallError::Blocked {
                    call: super::endpoints::LIST_REISSUES.name,
                    code: "request_pending".into(),
                    message: format!("order {order_id} has a pending request whose CSR is not shown"),
                    action: format!("Approve or reject the pending request of order {order_id} in CertCentral"),
                })
            }
            None => Ok(Found::Absent),
        }
    }

    /// Others' duplicates are no obstacle: only the public key counts.
    async fn duplicate(&self, wanted: &Wanted, order_id: &str) -> Result<Found, CallError> {
        let ours = |row: &Certificate| is_ours(row, &wanted.public_key_sha256, &wanted.earlier);
        let found = self.duplicates(order_id).await?.into_iter().find(ours);
        Ok(found.map_or(Found::Absent, |row| {
            Found::Ours(Accepted { order_id: order_id.into(), certificate_id: row.id, ..Accepted::default() })
        }))
    }

    fn bounded(&self, candidates: usize) -> Result<(), CallError> {
        if candidates > MOST_CANDIDATES { Err(too_many("order info")) } else { Ok(()) }
    }
}

fn too_many(call: &'static str) -> CallError {
    CallError::Ambiguous { call, message: "more orders match than are looked through".into() }
}

fn accepted(order: Order, id: &str) -> Accepted {
    let request_id = order.requests.into_iter().rev().find_map(|request| request.id);
    Accepted { order_id: id.into(), certificate_id: order.certificate.id, request_id, delivered: None }
}

/// Whether another operation's idempotency key is on it: two Certificates may have the CSR of one key.
fn is_anothers(order: &Order, wanted: &Wanted) -> bool {
    let id = order.alternative_order_id.as_deref().filter(|id| is_idempotency_key(id));
    id.is_some_and(|id| !id.eq_ignore_ascii_case(&wanted.idempotency_key))
}

fn ended(order: &Order) -> bool {
    let status = order_status(order.status.as_deref());
    matches!(status, OrderStatus::Expired | OrderStatus::Revoked | OrderStatus::Canceled)
}

fn created(row: &Order) -> Option<Timestamp> {
    row.date_created.as_deref().and_then(wire::timestamp)
}

/// A row without a readable date is looked at.
fn since(row: &Order, horizon: Timestamp) -> bool {
    created(row).is_none_or(|created| created >= horizon)
}

fn named(row: &Order, common_name: &str) -> bool {
    row.certificate.common_name.as_deref().is_none_or(|name| name.eq_ignore_ascii_case(common_name))
}

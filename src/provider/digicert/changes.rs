//! Which orders have changed, for a whole account at once.

use std::time::Duration;

use super::DigiCert;
use super::client::Call;
use super::endpoints::STATUS_CHANGES;
use super::progress::order_status;
use super::wire::{StatusChange, StatusChanges};
use crate::provider::{CallError, Changed, ChangedTo, OrderStatus};

/// No page is documented; should there be some, this many are read.
const MOST_PAGES: usize = 20;

impl DigiCert {
    /// CertCentral Services API, *Status change list*.
    pub(super) async fn changed_orders(&self, window: Duration) -> Result<Vec<Changed>, CallError> {
        let mut changed = Vec::new();
        let mut seen = 0;
        for _ in 0..MOST_PAGES {
            let mut call = Call::new(&STATUS_CHANGES).query("seconds", window.as_secs().to_string());
            if seen > 0 {
                call = call.query("offset", seen.to_string());
            }
            let StatusChanges { orders, page } = self.client.call(call).await?.read()?;
            let rows = orders.len();
            seen += rows;
            changed.extend(orders.into_iter().filter_map(change));
            if rows == 0 || page.total.is_none_or(|total| seen as u64 >= total) {
                return Ok(changed);
            }
        }
        Err(CallError::Ambiguous { call: STATUS_CHANGES.name, message: "more orders changed than are read".into() })
    }
}

fn change(row: StatusChange) -> Option<Changed> {
    let status = row.status.as_deref();
    let to = match (status, order_status(status)) {
        (Some("needs_approval"), _) => ChangedTo::AwaitingApproval,
        (Some("reissue_pending"), _) | (_, OrderStatus::Pending) => ChangedTo::Pending,
        _ => ChangedTo::Settled,
    };
    Some(Changed { order_id: row.order_id?, to })
}

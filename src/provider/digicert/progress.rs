//! Where an operation stands: told by the public key, never by a status alone, since an order holds the certificates
//! of all its reissues.

use std::collections::BTreeSet;

use super::client::Call;
use super::endpoints::{LIST_DUPLICATES, LIST_REISSUES, ORDER_INFO, REQUEST_INFO};
use super::wire::{self, Approval, Certificate, Order, Reissues};
use super::{DigiCert, is_ours, key_of};
use crate::provider::{
    AutoRenewal, CallError, Operation, OrderContent, OrderFacts, OrderStatus, Placed, Progress, Standing,
};

/// CertCentral Services API, *Glossary – Order status*, and what clients have met beyond it.
pub(super) fn order_status(word: Option<&str>) -> OrderStatus {
    match word.unwrap_or_default() {
        "needs_approval" | "pending" | "processing" | "needs_csr" | "waiting_pickup" => OrderStatus::Pending,
        "issued" | "approved" | "reissue_pending" => OrderStatus::Active,
        "expired" => OrderStatus::Expired,
        "revoked" => OrderStatus::Revoked,
        "canceled" | "rejected" | "denied" => OrderStatus::Canceled,
        _ => OrderStatus::Unknown,
    }
}

pub(super) fn order_facts(order: Order, order_id: &str) -> OrderFacts {
    let content = Box::new(content(&order));
    let status = order.status.as_deref();
    let certificates = order.reissues_count.zip(order.duplicates_count);
    OrderFacts {
        order_id: order.id.unwrap_or_else(|| order_id.to_owned()),
        status: order_status(status),
        valid_till: order.order_valid_till.as_deref().and_then(wire::date),
        pending: order.has_pending_request || status == Some("reissue_pending"),
        renewed_by: order.renewed_order_id,
        auto_renew: if order.auto_renew { AutoRenewal::Scheduled } else { AutoRenewal::Off },
        certificate_revoked: order.certificate.status.as_deref() == Some("revoked"),
        certificate_id: order.certificate.id,
        serial_number: order.certificate.serial_number,
        certificate_valid_till: order.certificate.valid_till.as_deref().and_then(wire::date),
        certificates: certificates.map(|(reissues, duplicates)| reissues.saturating_add(duplicates).saturating_add(1)),
        content,
    }
}

/// Every name of a certificate, in lower case.
pub(super) fn names_of(certificate: &Certificate) -> BTreeSet<String> {
    certificate.dns_names.iter().chain(&certificate.common_name).map(|name| name.to_ascii_lowercase()).collect()
}

fn content(order: &Order) -> OrderContent {
    let certificate = &order.certificate;
    OrderContent {
        product: order.product.name_id.clone(),
        common_name: certificate.common_name.as_ref().map(|name| name.to_ascii_lowercase()),
        names: names_of(certificate),
        csr: certificate.csr.clone(),
        public_key_sha256: key_of(certificate),
        idempotency_key: order.alternative_order_id.clone(),
        renewed_unseen: order.is_renewed && order.renewed_order_id.is_none(),
        amendable: false,
    }
}

impl DigiCert {
    pub(super) async fn order_info(&self, order_id: &str) -> Result<Order, CallError> {
        self.client.call(Call::of(&ORDER_INFO, order_id)).await?.read()
    }

    pub(super) async fn reissues(&self, order_id: &str) -> Result<Vec<Certificate>, CallError> {
        Ok(self.client.call(Call::of(&LIST_REISSUES, order_id)).await?.read::<Reissues>()?.certificates)
    }

    /// One call when the order shows our certificate, as it does for an undisturbed operation.
    pub(super) async fn standing(&self, placed: &Placed) -> Result<Standing, CallError> {
        let order = self.order_info(&placed.order_id).await?;
        let order_valid_till = order.order_valid_till.as_deref().and_then(wire::date);
        let progress = match &placed.operation {
            Operation::Order | Operation::Renew { .. } | Operation::Amend { .. } => {
                self.order_progress(placed, &order).await?
            }
            Operation::Reissue { .. } => self.reissue_progress(placed, &order).await?,
            Operation::Duplicate { .. } => self.duplicate_progress(placed, &order).await?,
        };
        Ok(Standing { progress, order_valid_till, delivered: None })
    }

    async fn order_progress(&self, placed: &Placed, order: &Order) -> Result<Progress, CallError> {
        let status = order.status.clone().unwrap_or_default();
        match order_status(Some(&status)) {
            OrderStatus::Active => self.issued(placed, order, status).await,
            OrderStatus::Pending if status == "needs_approval" || order.has_pending_request => {
                Ok(awaiting_approval(placed, order))
            }
            OrderStatus::Pending if status == "pending" => Ok(Progress::Validating),
            OrderStatus::Pending | OrderStatus::Unknown => Ok(Progress::Processing { status }),
            ended => {
                let last = order.requests.last().and_then(|request| request.id.as_ref());
                let request = match ended {
                    OrderStatus::Canceled => self.request(placed.request_id.as_ref().or(last)).await,
                    _ => None,
                };
                Ok(refused(&format!("order {} is {status}", placed.order_id), &request.unwrap_or_default()))
            }
        }
    }

    async fn issued(&self, placed: &Placed, order: &Order, status: String) -> Result<Progress, CallError> {
        let primary = &order.certificate;
        let ours = key_of(primary).is_none_or(|key| key == placed.public_key_sha256);
        // A reissue by somebody else took our place as the primary certificate; ours is still there.
        let certificate_id = match (ours, &placed.certificate_id) {
            (true, _) => primary.id.clone(),
            (false, Some(id)) => Some(id.clone()),
            (false, None) => match self.our_row(placed).await? {
                Some(row) => row.id,
                None => {
                    let reason = format!("order {} holds a certificate for another key", placed.order_id);
                    return Ok(Progress::Refused { reason });
                }
            },
        };
        Ok(match certificate_id {
            Some(certificate_id) => Progress::Issued { certificate_id },
            None => Progress::Processing { status },
        })
    }

    async fn reissue_progress(&self, placed: &Placed, order: &Order) -> Result<Progress, CallError> {
        let status = order.status.clone().unwrap_or_default();
        let ours = is_ours(&order.certificate, &placed.public_key_sha256, &placed.earlier);
        if let (true, "issued", Some(id)) = (ours, status.as_str(), &order.certificate.id) {
            return Ok(Progress::Issued { certificate_id: id.clone() });
        }
        if matches!(order_status(Some(&status)), OrderStatus::Expired | OrderStatus::Revoked | OrderStatus::Canceled) {
            return Ok(refused(&format!("order {} is {status}", placed.order_id), &Approval::default()));
        }
        let row = self.our_row(placed).await?;
        let row_status = row.as_ref().and_then(|row| row.status.as_deref());
        Ok(match (row_status, row.as_ref().and_then(|row| row.id.clone())) {
            (Some("issued" | "approved"), Some(certificate_id)) => Progress::Issued { certificate_id },
            (Some("rejected" | "canceled" | "denied"), _) => {
                let last = order.requests.last().and_then(|request| request.id.as_ref());
                let request = self.request(placed.request_id.as_ref().or(last)).await;
                refused(&rejected_reissue(placed), &request.unwrap_or_default())
            }
            _ if order.has_pending_request => awaiting_approval(placed, order),
            // A rejected request may take its row along.
            (None, _) if status != "reissue_pending" => match self.request(placed.request_id.as_ref()).await {
                Some(request) if request.status.as_deref() == Some("rejected") => {
                    refused(&rejected_reissue(placed), &request)
                }
                _ => Progress::Processing { status },
            },
            (Some("pending") | None, _) => Progress::Validating,
            (Some(other), _) => Progress::Processing { status: other.to_owned() },
        })
    }

    /// A duplicate is issued at once, or waits for approval; the order's status does not tell of it.
    async fn duplicate_progress(&self, placed: &Placed, order: &Order) -> Result<Progress, CallError> {
        let status = order.status.clone().unwrap_or_default();
        let row = ours(self.duplicates(&placed.order_id).await?, placed);
        let row_status = row.as_ref().and_then(|row| row.status.as_deref());
        Ok(match (row_status, row.as_ref().and_then(|row| row.id.clone())) {
            (Some("issued" | "approved"), Some(certificate_id)) => Progress::Issued { certificate_id },
            (Some("rejected" | "canceled" | "denied"), _) => {
                let request = self.request(placed.request_id.as_ref()).await;
                refused(&rejected_duplicate(placed), &request.unwrap_or_default())
            }
            _ if order.has_pending_request => awaiting_approval(placed, order),
            (Some(other), _) => Progress::Processing { status: other.to_owned() },
            // A rejected request may take its row along.
            (None, _) => match self.request(placed.request_id.as_ref()).await {
                Some(request) if request.status.as_deref() == Some("rejected") => {
                    refused(&rejected_duplicate(placed), &request)
                }
                _ => Progress::Processing { status },
            },
        })
    }

    pub(super) async fn duplicates(&self, order_id: &str) -> Result<Vec<Certificate>, CallError> {
        Ok(self.client.call(Call::of(&LIST_DUPLICATES, order_id)).await?.read::<Reissues>()?.certificates)
    }

    /// The row of *List reissues* with our public key, or with our certificate id when no CSR is shown.
    pub(super) async fn our_row(&self, placed: &Placed) -> Result<Option<Certificate>, CallError> {
        Ok(ours(self.reissues(&placed.order_id).await?, placed))
    }

    /// Who decided, and why. A courtesy: a failure to read it changes nothing.
    async fn request(&self, id: Option<&String>) -> Option<Approval> {
        self.client.call(Call::of(&REQUEST_INFO, id?)).await.ok()?.read().ok()
    }
}

fn ours(rows: Vec<Certificate>, placed: &Placed) -> Option<Certificate> {
    rows.into_iter().find(|row| match key_of(row) {
        Some(_) => is_ours(row, &placed.public_key_sha256, &placed.earlier),
        None => row.id.is_some() && row.id == placed.certificate_id,
    })
}

fn awaiting_approval(placed: &Placed, order: &Order) -> Progress {
    let open =
        order.requests.iter().rfind(|request| matches!(request.status.as_deref(), Some("pending" | "submitted")));
    let request_id = open.and_then(|request| request.id.clone()).or_else(|| placed.request_id.clone());
    Progress::AwaitingApproval { request_id }
}

fn rejected_duplicate(placed: &Placed) -> String {
    format!("the duplicate on order {} was rejected", placed.order_id)
}

fn rejected_reissue(placed: &Placed) -> String {
    format!("the reissue on order {} was rejected", placed.order_id)
}

/// Ended without a certificate, with the words of who ended it where CertCentral has them.
fn refused(what: &str, request: &Approval) -> Progress {
    let person = [&request.processor, &request.reviewer].into_iter().find_map(|person| {
        let names = [person.first_name.as_deref(), person.last_name.as_deref()];
        let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
        (!name.is_empty()).then_some(name)
    });
    let mut reason = what.to_owned();
    if let Some(person) = person {
        reason += &format!(", by {person}");
    }
    // `comments` are the requester's, ours: only the answer says why.
    if let Some(words) = &request.processor_comment {
        reason += &format!(": {words}");
    }
    Progress::Refused { reason: reason.chars().take(256).collect() }
}

//! Where an operation stands. A status is about the record, which a replacement keeps: whose certificate is behind it is
//! told by the public key of what *Collect* returns.

use super::submission::key_in;
use super::wire::{Details, Profile, Status, date};
use super::{Sectigo, ValidationModel, collect};
use crate::pki::normalise_serial;
use crate::provider::{CallError, Operation, OrderContent, OrderFacts, OrderStatus, Placed, Progress, Standing};

impl Sectigo {
    /// One call, and one more once something is issued.
    pub(super) async fn standing(&self, placed: &Placed) -> Result<Standing, CallError> {
        let details = self.details(&placed.order_id).await?;
        let order_valid_till = details.expires.as_deref().and_then(date);
        let standing = |progress| Standing { progress, order_valid_till, delivered: None };
        let said = details.status.clone().unwrap_or_default();
        Ok(match details.status() {
            Status::Issued | Status::Replaced => {
                let delivered = self.collected(&placed.order_id).await?;
                let progress = issued(placed, &details, delivered.as_deref());
                Standing { progress, order_valid_till, delivered }
            }
            Status::Requested | Status::SaApproved => {
                standing(Progress::AwaitingApproval { request_id: Some(placed.order_id.clone()) })
            }
            // Domains are what mostly holds it up there, where it validates them at all.
            Status::Applied if self.validation == ValidationModel::PerCertificate => standing(Progress::Validating),
            Status::Init | Status::Approved | Status::Applied | Status::Unknown => {
                standing(Progress::Processing { status: said })
            }
            Status::Declined | Status::Rejected | Status::Invalid | Status::Revoked | Status::Expired => {
                standing(Progress::Refused { reason: refusal(placed, &details) })
            }
        })
    }

    /// *Get SSL certificate details*, and the key of the certificate, which only *Collect* shows.
    pub(super) async fn facts_of(&self, order_id: &str) -> Result<OrderFacts, CallError> {
        let details = self.details(order_id).await?;
        let pem = match details.status() {
            Status::Issued | Status::Replaced => self.collected(order_id).await?,
            _ => None,
        };
        let key = pem.as_deref().and_then(collect::leaf).map(|leaf| leaf.public_key_sha256);
        Ok(order_facts(details, order_id, key))
    }
}

/// What a replacement leaves collectable until it is done is the certificate before it.
fn issued(placed: &Placed, details: &Details, pem: Option<&str>) -> Progress {
    let waits = || Progress::Processing { status: details.status.clone().unwrap_or_default() };
    let Some(pem) = pem else { return waits() };
    if collect::ours(pem, &placed.public_key_sha256, &placed.earlier).is_some() {
        return Progress::Issued { certificate_id: placed.order_id.clone() };
    }
    let replaces = matches!(placed.operation, Operation::Reissue { .. });
    let stranger = collect::leaf(pem).is_some_and(|leaf| !placed.earlier.contains(&leaf.serial));
    match stranger && (!replaces || !placed.earlier.is_empty()) {
        true => Progress::Refused { reason: format!("certificate {} was issued for another key", placed.order_id) },
        false => waits(),
    }
}

/// SCM tells who has to be asked, not why.
fn refusal(placed: &Placed, details: &Details) -> String {
    let (id, said) = (&placed.order_id, details.status.as_deref().unwrap_or_default());
    let by = match details.status() {
        Status::Declined => " by an administrator",
        Status::Rejected => " by the CA",
        Status::Invalid => ": SCM takes it for wrong",
        _ => "",
    };
    let at = match details.status() {
        Status::Declined => details.declined.as_deref(),
        Status::Revoked => details.revoked.as_deref(),
        Status::Expired => details.expires.as_deref(),
        _ => None,
    };
    let at = at.map(|at| format!(", {at}")).unwrap_or_default();
    format!("certificate {id} is {said}{by}{at}").chars().take(256).collect()
}

pub(super) fn order_facts(details: Details, order_id: &str, public_key_sha256: Option<String>) -> OrderFacts {
    let status = details.status();
    let was_issued = details.was_issued();
    let under_way =
        matches!(status, Status::Init | Status::Requested | Status::SaApproved | Status::Approved | Status::Applied);
    let valid_till = details.expires.as_deref().and_then(date);
    OrderFacts {
        order_id: order_id.to_owned(),
        status: match status {
            Status::Issued | Status::Replaced => OrderStatus::Active,
            _ if under_way && was_issued => OrderStatus::Active,
            _ if under_way => OrderStatus::Pending,
            Status::Expired => OrderStatus::Expired,
            Status::Revoked => OrderStatus::Revoked,
            Status::Declined | Status::Rejected | Status::Invalid => OrderStatus::Canceled,
            _ => OrderStatus::Unknown,
        },
        valid_till,
        // No link to it is shown: `renewed_unseen`.
        renewed_by: None,
        pending: under_way && was_issued,
        auto_renew: details.auto_renew_details.read(),
        certificate_id: details.id().map(str::to_owned),
        serial_number: details.serial_number.as_deref().map(normalise_serial),
        certificate_revoked: status == Status::Revoked,
        certificate_valid_till: valid_till,
        certificates: None,
        content: Box::new(content(&details, public_key_sha256)),
    }
}

fn content(details: &Details, public_key_sha256: Option<String>) -> OrderContent {
    let Profile { id: product, .. } = details.cert_type.clone();
    OrderContent {
        product,
        common_name: details.common_name.as_ref().map(|name| name.to_ascii_lowercase()),
        names: details.names(),
        csr: None,
        public_key_sha256,
        idempotency_key: key_in(details.comments.as_deref()),
        renewed_unseen: details.renewed,
        amendable: details.is_amendable(),
    }
}

//! An order as its provider shows it.

use std::collections::BTreeSet;

use jiff::civil::Date;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFacts {
    pub order_id: String,
    pub status: OrderStatus,
    /// End of what was paid for. Exclusive of nothing: the last day counts.
    pub valid_till: Option<Date>,
    /// The order that renewed this one.
    pub renewed_by: Option<String>,
    /// A reissue or another request is under way.
    pub pending: bool,
    pub auto_renew: AutoRenewal,
    /// The primary certificate.
    pub certificate_id: Option<String>,
    pub serial_number: Option<String>,
    /// The primary certificate is revoked.
    pub certificate_revoked: bool,
    /// Last day of the primary certificate.
    pub certificate_valid_till: Option<Date>,
    /// How many certificates were ever asked for on the order, by whomever; `None` when the provider does not say.
    pub certificates: Option<u64>,
    pub content: Box<OrderContent>,
}

/// Whether the provider buys the next order by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AutoRenewal {
    #[default]
    Off,
    /// It will.
    Scheduled,
    /// It has begun to, and nothing stops it any more.
    Started,
}

/// What an order is for, as far as the provider shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderContent {
    pub product: Option<String>,
    pub common_name: Option<String>,
    /// Every name of the primary certificate, the common name included, in lower case.
    pub names: BTreeSet<String>,
    /// Of the primary certificate: PEM.
    pub csr: Option<String>,
    pub public_key_sha256: Option<String>,
    /// The idempotency key it was ordered with, by whomever.
    pub idempotency_key: Option<String>,
    /// It was renewed, by an order that this credential does not see.
    pub renewed_unseen: bool,
    /// Nothing was issued for it, and what it asks for may still be changed.
    pub amendable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderStatus {
    /// Not issued yet; approval and validation included.
    Pending,
    /// Issued, or issued with a reissue under way.
    Active,
    Expired,
    Revoked,
    /// Canceled or rejected: never issued.
    Canceled,
    /// Something this version does not know: wait and report, never order.
    Unknown,
}

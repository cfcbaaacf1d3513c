//! Certificates that people have issued on a provider's pages, where its API cannot.

use jiff::Timestamp;

/// What there is for the names that are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    /// The certificate that lasts longest, of those that are for our key or whose key the provider gives out, and that
    /// are no earlier ones.
    pub collectable: Option<Collectable>,
    /// Where people find the domain's certificates; each has a page below, by its id.
    pub page: String,
    /// The newest certificate for these names: its id, and where it stands.
    pub newest: Option<(String, Stage)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collectable {
    /// As an order id.
    pub order_id: String,
    pub public_key_sha256: String,
    pub not_after: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Issued, until then: it can be re-issued.
    Issued(Option<Timestamp>),
    /// On its way; the provider's own word.
    UnderWay(String),
    /// Over, and not to be re-issued; the provider's own word.
    Ended(String),
}

//! What every handler can reach.

use crate::{ca::Ca, calls::Calls, dnsimple, faults::Faults, limits::RateLimits, state::Store, validation::DcvCheck};

pub struct App {
    /// Origin that others reach this process by.
    pub url: String,
    /// The same over TLS.
    pub tls_url: String,
    /// Of the demo name server; everybody's domains.
    pub zones: Vec<String>,
    pub store: Store,
    pub ca: Ca,
    pub dcv: DcvCheck,
    pub faults: Faults,
    pub limits: RateLimits,
    pub calls: Calls,
    /// For how many seconds a token for Sectigo's API is good.
    pub token_seconds: i64,
    pub dnsimple: dnsimple::Runtime,
}

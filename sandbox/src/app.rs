//! What every handler can reach.

use crate::{ca::Ca, calls::Calls, faults::Faults, limits::RateLimits, state::Store, validation::DcvCheck};

pub struct App {
    pub store: Store,
    pub ca: Ca,
    pub dcv: DcvCheck,
    pub faults: Faults,
    pub limits: RateLimits,
    pub calls: Calls,
}

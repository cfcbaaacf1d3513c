//! One token bucket per credential, shared by all work on it.

/// Room for one call in an account's rate limit; spent by making the call.
#[derive(Debug)]
pub struct Permit(());

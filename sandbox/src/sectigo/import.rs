//! *Import certificates to SCM*.

/// How an imported certificate came, in its details.
pub const REQUESTED_VIA: &str = "Imported";

//! What a provider's client tells of each call, for whoever counts them.

use std::{sync::Arc, time::Duration};

use super::CallError;

/// One call as it went. Nothing here grows with what is asked or answered, but for the error's words.
#[derive(Debug)]
pub struct Called<'a> {
    /// Which provider, e.g. `digicert`.
    pub provider: &'static str,
    /// Of HTTP, in capitals.
    pub method: &'a str,
    /// The path below the API's base, with `{…}` where an id goes.
    pub endpoint: &'static str,
    /// From the first byte of the request to the last of the answer.
    pub took: Duration,
    pub result: Result<(), &'a CallError>,
    /// How long the whole account rests now that it has refused a call for its rate limit.
    pub pause: Option<Duration>,
}

/// Hears of every call that was made, right after it. Must not block.
pub type CallObserver = Arc<dyn Fn(&Called<'_>) + Send + Sync>;

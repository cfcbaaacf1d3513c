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
    pub account: Health,
    /// How long the whole account rests now that it has refused a call for its rate limit.
    pub pause: Option<Duration>,
}

/// What a call tells of the whole account, whatever it was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answers, be it to refuse what was asked.
    Serves,
    /// No answer, none of the provider's own, or one that no call gets past: a 5xx, a key that is refused.
    Fails,
    /// A refusal for its rate limit, which has pauses of its own.
    Untold,
}

/// Hears of every call that was made, right after it. Must not block.
pub type CallObserver = Arc<dyn Fn(&Called<'_>) + Send + Sync>;

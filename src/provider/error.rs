//! What a failed provider call proves. There is no catch-all: every class has one reaction.

use std::time::Duration;

/// Messages hold the provider's own code and at most 256 characters of its words, never a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Refused for certain: nothing was placed. Only for codes listed as certain for the operation.
    #[error("{call} was refused: {code}: {message}")]
    Rejected { call: &'static str, code: String, message: String },

    /// Not executed; the whole account has to wait.
    #[error("{call} hit the account's rate limit")]
    RateLimited { call: &'static str, after: Option<Duration> },

    /// The connection never carried the request.
    #[error("{call} could not reach the provider: {message}")]
    NotSent { call: &'static str, message: String },

    /// Not executed, and only a person can change that.
    #[error("{call} is blocked: {code}: {message}. {action}")]
    Blocked { call: &'static str, code: String, message: String, action: String },

    /// Everything else. The provider may or may not have acted.
    #[error("{call} has no certain outcome: {message}")]
    Ambiguous { call: &'static str, message: String },
}

/// Something only a person can change.
pub(super) struct Block {
    /// Ours, stable: conditions tell them apart by it.
    pub code: &'static str,
    pub action: &'static str,
}

impl Block {
    pub fn error(&self, call: &'static str, message: String) -> CallError {
        // What follows it in a sentence brings its own stop.
        let message = message.trim_end_matches('.').to_owned();
        CallError::Blocked { call, code: self.code.into(), message, action: self.action.into() }
    }

    pub fn is(&self, error: &CallError) -> bool {
        matches!(error, CallError::Blocked { code, .. } if code == self.code)
    }
}

//! What DNSimple's refusals prove.
//!
//! DNSimple API v2, *Response codes*: `{"message": "…"}`, with `errors` by field where a validation failed. There are no
//! codes, so the status counts, together with a message; a status alone anybody could have made.

use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::Value;
use std::time::Duration;

use super::endpoints::{Endpoint, Kind};
use crate::provider::error::Block;
use crate::provider::transport::Refusal;
use crate::provider::{CallError, Health};

/// Code of a [`CallError::Rejected`]: what should be made is there.
pub const ALREADY_EXISTS: &str = "already_exists";
/// It is not there, or the token may not see it.
pub const NOT_FOUND: &str = "not_found";
/// There is no certificate to download yet, or no key that DNSimple holds.
pub const NOT_AVAILABLE: &str = "not_available";
/// Code of a [`CallError::Blocked`]: the account's plan lacks a feature.
pub const PLAN: &str = "plan";

/// `presentable` shortens the provider's words and takes secrets out.
pub(super) fn classify(
    endpoint: &'static Endpoint,
    refusal: &Refusal,
    presentable: impl Fn(&str) -> String,
) -> CallError {
    let (call, status) = (endpoint.name, refusal.status);
    if status == StatusCode::TOO_MANY_REQUESTS {
        return CallError::RateLimited { call, after: refusal.retry_after.or_else(|| until_reset(refusal)) };
    }
    let Some(said) = Said::read(&refusal.body) else {
        // A proxy may answer the same; for a call that leaves nothing behind the reaction is the same.
        return match status {
            StatusCode::UNAUTHORIZED if !endpoint.kind.submits() => BAD_TOKEN.error(call, status.to_string()),
            // Without a body (*Response codes*).
            StatusCode::METHOD_NOT_ALLOWED if !endpoint.kind.submits() => WRONG_URL.error(call, status.to_string()),
            _ => endpoint.ambiguous(presentable(&format!("{status}: no message of DNSimple"))),
        };
    };
    let words = presentable(&format!("{status}: {}", said.words));
    let rejected = |code: &str| CallError::Rejected { call, code: code.into(), message: words.clone() };
    match status.as_u16() {
        400 if said.already_exists() => rejected(ALREADY_EXISTS),
        400 => rejected("invalid"),
        401 if said.is_its_own(endpoint, "Authentication failed") => BAD_TOKEN.error(call, words),
        402 => PAYMENT.error(call, words),
        403 if said.is_its_own(endpoint, "Permission Denied") => MISSING_SCOPE.error(call, words),
        404 if said.words.ends_with("` not found") => rejected(NOT_FOUND),
        412 => PLAN_LACKS.error(call, words),
        428 => rejected(NOT_AVAILABLE),
        _ => endpoint.ambiguous(words),
    }
}

/// A message of DNSimple is about what was asked, unless it is about the token; anybody may have made the rest.
pub(super) fn tells(endpoint: &Endpoint, refusal: &Refusal, error: &CallError) -> Health {
    // A zone that cannot be asked about is no account that fails (*checkZoneRecordDistribution*, 504).
    let expected = refusal.status.is_client_error() || endpoint.kind == Kind::Distribution;
    match error {
        CallError::RateLimited { .. } => Health::Untold,
        _ if BAD_TOKEN.is(error) => Health::Fails,
        _ if expected && Said::read(&refusal.body).is_some() => Health::Serves,
        _ => Health::Fails,
    }
}

/// `X-RateLimit-Reset` is in seconds since 1970 (*Rate limits*).
fn until_reset(refusal: &Refusal) -> Option<Duration> {
    let reset = refusal.headers.get("X-RateLimit-Reset")?.to_str().ok()?.trim().parse().ok()?;
    let reset = Timestamp::from_second(reset).ok()?;
    reset.duration_since(Timestamp::now()).try_into().ok()
}

/// A body of the documented shape.
struct Said {
    /// On one line, the errors of fields included.
    words: String,
}

impl Said {
    fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let mut words = body.get("message")?.as_str()?.trim().to_owned();
        let mut details = Vec::new();
        texts("", body.get("errors").unwrap_or(&Value::Null), &mut details);
        if !details.is_empty() {
            words = format!("{words}: {}", details.join("; "));
        }
        Some(Self { words })
    }

    /// Gateways refuse logins and routes in the same form: of what may leave something behind only its own words count.
    fn is_its_own(&self, endpoint: &Endpoint, words: &str) -> bool {
        !endpoint.kind.submits() || self.words.contains(words)
    }

    /// "Matching record already exists for this zone", of a record (*batchChangeZoneRecords*).
    fn already_exists(&self) -> bool {
        self.words.contains("already exists")
    }
}

/// Every text below, with the field it is about: `{"base": ["…"]}`, and lists of such by index.
fn texts(field: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if matches!(field, "" | "base") => found.push(text.clone()),
        Value::String(text) => found.push(format!("{field} {text}")),
        Value::Array(values) => values.iter().for_each(|value| texts(field, value, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| texts(name, value, found)),
        _ => {}
    }
}

/// Nothing was sent: what should be an id would have changed the path.
pub(super) fn bad_id(call: &'static str) -> CallError {
    CallError::Rejected { call, code: "invalid_id".into(), message: "not an id or name of DNSimple".into() }
}

pub(super) fn other_account(call: &'static str, message: String) -> CallError {
    OTHER_ACCOUNT.error(call, message)
}

/// Whether this is what DNSimple answers about what is not there.
pub(super) fn is_not_found(error: &CallError) -> bool {
    matches!(error, CallError::Rejected { code, .. } if code == NOT_FOUND)
}

pub(super) fn is_missing_permission(error: &CallError) -> bool {
    MISSING_SCOPE.is(error)
}

const BAD_TOKEN: Block = Block {
    code: "bad_credentials",
    action: "Create an API access token in DNSimple under Account > Access tokens and put it into the Secret",
};
const MISSING_SCOPE: Block = Block {
    code: "missing_permission",
    action: "Give the token the scope that is named, or use one that has it: a token's scopes are set when it is made",
};
const PAYMENT: Block = Block {
    code: "payment",
    action: "In DNSimple under Account > Billing, subscribe the account and pay its open invoices",
};
const PLAN_LACKS: Block = Block {
    code: PLAN,
    action: "Change to a plan of DNSimple that has the feature, or do without it: names other than www and its apex, \
             further names and wildcards need one for teams",
};
const OTHER_ACCOUNT: Block = Block {
    code: "unknown_account",
    action: "Set the id of an account that the token is for: the number in the URLs of DNSimple's site",
};
const WRONG_URL: Block = Block { code: "wrong_url", action: "Check the URL: that of DNSimple's API ends in /v2" };

//! Requests per hour, shared by all tokens of an account, and told in every answer (*Rate limiting*). Real time.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::{
    http::{HeaderValue, header::HeaderMap},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};

use super::errors::ApiError;

/// "For unauthenticated requests, you can make up to 30 requests per hour."
pub const STRANGER: u32 = 30;

#[derive(Default)]
pub struct Quota(Mutex<HashMap<u64, Hour>>);

struct Hour {
    ends: Timestamp,
    used: u32,
}

/// What an answer says of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub limit: u32,
    pub remaining: u32,
    /// Unix seconds.
    pub reset: i64,
}

impl Quota {
    /// Counts one request of an account. Err: one too many.
    pub fn take(&self, account: u64, limit: u32, now: Timestamp) -> Result<Left, Left> {
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = hours.entry(account).or_insert(Hour { ends: now, used: 0 });
        if hour.ends <= now {
            *hour = Hour { ends: now + SignedDuration::from_hours(1), used: 0 };
        }
        let admitted = hour.used < limit;
        hour.used += u32::from(admitted);
        let left = Left { limit, remaining: limit.saturating_sub(hour.used), reset: hour.ends.as_second() };
        if admitted { Ok(left) } else { Err(left) }
    }
}

impl Left {
    pub fn write(self, headers: &mut HeaderMap) {
        headers.insert("x-ratelimit-limit", HeaderValue::from(self.limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(self.remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(self.reset));
    }
}

/// The answer to one request too many; `seconds` until there may be more.
pub fn rate_limited(seconds: u64) -> Response {
    let mut response = ApiError::quota().into_response();
    let reset = Timestamp::now().as_second().saturating_add_unsigned(seconds);
    Left { limit: 2400, remaining: 0, reset }.write(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_begins_with_its_first_request() {
        let quota = Quota::default();
        let start = Timestamp::UNIX_EPOCH;
        let at = |seconds| quota.take(1, 2, start + SignedDuration::from_secs(seconds));
        let left = |remaining, reset| Left { limit: 2, remaining, reset };
        assert_eq!(at(0), Ok(left(1, 3600)));
        assert_eq!(at(1), Ok(left(0, 3600)));
        assert_eq!(at(3599), Err(left(0, 3600)));
        assert_eq!(quota.take(2, 2, start).map(|left| left.remaining), Ok(1), "another account has its own");
        assert_eq!(at(3600), Ok(left(1, 7200)));
    }
}

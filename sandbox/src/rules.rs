//! What may be issued, for how long, and for how long a validation is good.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
};
use serde::{Deserialize, Serialize};

use crate::clock::{day, days_after, days_between};

/// Length of a plan or a certificate, as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Validity {
    Years(i16),
    Days(i32),
    Until(Date),
}

impl Validity {
    /// The last day of something that begins on `from`.
    pub fn end(self, from: Date) -> Date {
        match self {
            Self::Years(years) => from.saturating_add(years.years()),
            Self::Days(days) => days_after(from, days),
            Self::Until(day) => day,
        }
    }
}

/// Days that hold for certificates issued from `since` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    since: Date,
    /// Longest validity of a certificate.
    pub certificate: i32,
    /// Reuse of a domain's validation, OV and EV.
    pub domain: i32,
    /// Reuse of an organization's validation.
    pub organization: i32,
}

/// Baseline Requirements, SC-081v3, and the vendor's dates. The vendor announced "early" 2027 and 2029 only; the day of 2026 is assumed for both.
const LIMITS: [Limits; 4] = [
    Limits { since: date(1990, 1, 1), certificate: 397, domain: 397, organization: 825 },
    Limits { since: date(2026, 2, 24), certificate: 199, domain: 199, organization: 397 },
    Limits { since: date(2027, 2, 24), certificate: 99, domain: 99, organization: 397 },
    Limits { since: date(2029, 2, 24), certificate: 46, domain: 9, organization: 397 },
];

pub fn limits(on: Date) -> Limits {
    let reached = LIMITS.iter().rev().find(|limits| limits.since <= on);
    *reached.unwrap_or(&LIMITS[0])
}

/// Whether something validated at `validated` may still be used at `now`, when it is good for `days`.
pub fn reusable(validated: Option<Timestamp>, days: i32, now: Timestamp) -> bool {
    validated.is_some_and(|at| days_between(day(at), day(now)) < days)
}

/// Last day of a certificate issued `today`: the shortest of what was asked, what is allowed, and the end of the order.
pub fn certificate_end(asked: Option<Validity>, today: Date, order_end: Date) -> Date {
    let longest = days_after(today, limits(today).certificate).min(order_end);
    asked.map_or(longest, |asked| asked.end(today).min(longest))
}

/// A renewal can be ordered this many days before the order ends.
pub const RENEWAL_WINDOW_DAYS: i32 = 90;
/// Older certificates live on for so long after names were removed by a reissue.
pub const REMOVED_NAMES_GRACE_HOURS: i64 = 72;
/// Lifetime of a random value.
pub const RANDOM_VALUE_DAYS: i64 = 30;

/// Lower-case form of a DNS name a public certificate may carry (RFC 1035 §2.3.1, wildcard in the leftmost label only).
pub fn dns_name(name: &str) -> Option<String> {
    let name = name.trim().to_ascii_lowercase();
    let base = name.strip_prefix("*.").unwrap_or(&name);
    let labels: Vec<&str> = base.split('.').collect();
    let numeric_end = labels.last()?.bytes().all(|byte| byte.is_ascii_digit());
    let fine = labels.len() >= 2 && name.len() <= 253 && !numeric_end && labels.iter().all(|label| is_label(label));
    fine.then_some(name)
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The name whose control is shown: a wildcard is validated at its parent.
pub fn base_name(name: &str) -> &str {
    name.strip_prefix("*.").unwrap_or(name)
}

/// Whether control over `domain` shows control over `name`.
pub fn covers(domain: &str, name: &str) -> bool {
    let name = base_name(name);
    name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_that_of_the_day_of_issue() {
        let days = |y, m, d| limits(date(y, m, d)).certificate;
        assert_eq!(days(2026, 2, 23), 397);
        assert_eq!(days(2026, 2, 24), 199);
        assert_eq!(days(2027, 2, 24), 99);
        assert_eq!(days(2030, 1, 1), 46);
        assert_eq!(days(1980, 1, 1), 397);
    }

    #[test]
    fn a_certificate_ends_at_the_first_of_three_limits() {
        let today = date(2026, 11, 24);
        let plan = date(2027, 11, 24);
        let end = |asked, plan| certificate_end(asked, today, plan);
        assert_eq!(end(None, plan), date(2027, 6, 11));
        assert_eq!(end(Some(Validity::Days(30)), plan), date(2026, 12, 24));
        assert_eq!(end(Some(Validity::Years(1)), plan), date(2027, 6, 11));
        assert_eq!(end(None, date(2026, 12, 1)), date(2026, 12, 1));
    }

    #[test]
    fn names() {
        for good in ["a.example.test", "*.example.test", "xn--bcher-kva.example"] {
            assert_eq!(dns_name(good).as_deref(), Some(good));
        }
        assert_eq!(dns_name("A.Example.TEST").as_deref(), Some("a.example.test"));
        for bad in ["", "*", "*.", "a", "*.*.a.b", "a.*.b.c", "-a.b", "a..b", "10.0.0.1", "ä.example", "a b.c"] {
            assert_eq!(dns_name(bad), None, "{bad}");
        }
        assert!(covers("example.test", "*.www.example.test"));
        assert!(!covers("example.test", "badexample.test"));
    }
}

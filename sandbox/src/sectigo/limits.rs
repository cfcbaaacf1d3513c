//! How long a public certificate may live and a domain's validation may be used, by the day (Sectigo, *SSL/TLS
//! lifetime*; SC-081v3). Sectigo told its own day and a day less for 2026 only; the same is assumed for later steps.

use jiff::civil::{Date, date};

use crate::{clock::days_after, state::scm::Profile};

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    since: Date,
    pub certificate: i32,
    pub domain: i32,
}

const LIMITS: [Limits; 4] = [
    Limits { since: date(1990, 1, 1), certificate: 398, domain: 398 },
    Limits { since: date(2026, 3, 12), certificate: 199, domain: 198 },
    Limits { since: date(2027, 3, 12), certificate: 99, domain: 98 },
    Limits { since: date(2029, 3, 12), certificate: 46, domain: 9 },
];

pub fn on(day: Date) -> Limits {
    let reached = LIMITS.iter().rev().find(|limits| limits.since <= day);
    *reached.unwrap_or(&LIMITS[0])
}

/// What a profile offers: its terms as far as the day allows, and the longest that is allowed in place of the others.
pub fn terms(profile: &Profile, today: Date) -> Vec<i32> {
    let longest = on(today).certificate;
    let mut terms: Vec<i32> = profile.terms.iter().map(|term| (*term).min(longest)).collect();
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// The last day of a certificate issued `today`.
pub fn end(term: i32, until: Option<Date>, today: Date) -> Date {
    let longest = days_after(today, term.min(on(today).certificate));
    until.map_or(longest, |until| until.min(longest)).max(today)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_ends_with_what_it_replaces_and_within_the_limit() {
        let today = date(2026, 6, 1);
        assert_eq!(end(365, None, today), date(2026, 12, 17));
        assert_eq!(end(30, None, today), date(2026, 7, 1));
        assert_eq!(end(199, Some(date(2026, 8, 1)), today), date(2026, 8, 1));
        assert_eq!(end(199, None, date(2027, 3, 12)), date(2027, 6, 19));
    }
}

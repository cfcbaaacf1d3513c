//! How long certificates may be valid.

use std::time::Duration;

use jiff::{
    Timestamp,
    civil::{Date, date},
    tz::TimeZone,
};

use crate::api::certificate::Validity;

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Days a certificate may last that is issued from that date on (UTC), newest first.
///
/// CA/Browser Forum ballot SC-081v3 allows 200 days from 2026-03-15, 100 from 2027-03-15 and 47 from 2029-03-15.
/// DigiCert gives a day less, since 2026-02-24, and has announced the later steps for "early" 2027 and 2029 (DigiCert
/// blog, *TLS certificate rule changes*, March 2026). No day is known, so the first possible one counts: to ask for
/// less than is allowed is never refused.
const LIMITS: [(Date, u32); 3] = [(date(2029, 1, 1), 46), (date(2027, 1, 1), 99), (date(2026, 2, 24), 199)];
/// Before all of them: DigiCert's limit since 2020, a day less than the 398 of the Baseline Requirements §6.3.2.
const EARLIEST_LIMIT: u32 = 397;

/// Most days a certificate issued at `issued` can last.
pub fn longest_validity(issued: Timestamp) -> u32 {
    let issued = utc_date(issued);
    LIMITS.iter().find(|(from, _)| *from <= issued).map_or(EARLIEST_LIMIT, |&(_, days)| days)
}

/// When a certificate issued at `now` can last to at most: `days` bounds it by the spec, `order_end` by its order.
pub fn reach(now: Timestamp, days: Option<u32>, order_end: Option<Timestamp>) -> Timestamp {
    let longest = longest_validity(now).min(days.unwrap_or(u32::MAX));
    let reach = now.saturating_add(DAY * longest).unwrap_or(Timestamp::MAX);
    order_end.map_or(reach, |end| reach.min(end))
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidityError {
    #[error("spec.validity.until {0:?} is not a date")]
    NotADate(String),
    #[error("spec.validity.until {0} has come")]
    Reached(Date),
}

/// Days to ask for now; `None` asks for the longest the provider gives.
///
/// Never more than may be issued now, nor than is left of the order (CertCentral refuses with
/// `cert_validity_exceeds_order_validity`).
pub fn requested_days(
    validity: Option<&Validity>,
    order_end: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<u32>, ValidityError> {
    let wanted = match validity {
        None => return Ok(None),
        Some(Validity::Days(days)) => u32::try_from(*days).unwrap_or(1),
        Some(Validity::Until(until)) => {
            let until = parse(until)?;
            // Whole calendar days, so that the last day is inside however the provider counts.
            match utc_date(now).until(until).map(|span| u32::try_from(span.get_days()).unwrap_or(0)) {
                Ok(days @ 1..) => days,
                _ => return Err(ValidityError::Reached(until)),
            }
        }
    };
    let left = order_end.map_or(u32::MAX, |end| whole_days(now, end));
    Ok(Some(wanted.min(longest_validity(now)).min(left).max(1)))
}

/// When a certificate of this spec may at the latest expire: the end of `validity.until`.
pub fn cap(validity: Option<&Validity>) -> Result<Option<Timestamp>, ValidityError> {
    match validity {
        Some(Validity::Until(until)) => Ok(Some(end_of(parse(until)?))),
        _ => Ok(None),
    }
}

/// The moment a date that still counts has passed (UTC): how an order's `valid_till` is meant.
pub fn end_of(last_day: Date) -> Timestamp {
    let next_day = last_day.saturating_add(jiff::Span::new().days(1));
    next_day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

fn parse(until: &str) -> Result<Date, ValidityError> {
    until.parse().map_err(|_| ValidityError::NotADate(until.to_owned()))
}

fn utc_date(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

fn whole_days(from: Timestamp, to: Timestamp) -> u32 {
    u32::try_from((to.as_second() - from.as_second()).div_euclid(DAY.as_secs() as i64)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn limits_are_keyed_on_the_issue_date() {
        let table = [
            ("2020-09-01T00:00:00Z", 397),
            ("2026-02-23T23:59:59Z", 397),
            ("2026-02-24T00:00:00Z", 199),
            ("2026-12-31T23:59:59Z", 199),
            ("2027-01-01T00:00:00Z", 99),
            ("2028-12-31T23:59:59Z", 99),
            ("2029-01-01T00:00:00Z", 46),
            ("2040-01-01T00:00:00Z", 46),
        ];
        for (issued, days) in table {
            assert_eq!(longest_validity(at(issued)), days, "{issued}");
        }
    }

    #[test]
    fn no_limit_exceeds_what_the_forum_allows() {
        let ballot = [("2026-03-15", 200), ("2027-03-15", 100), ("2029-03-15", 47)];
        for (from, days) in ballot {
            assert!(longest_validity(at(&format!("{from}T00:00:00Z"))) <= days);
        }
    }

    #[test]
    fn what_is_asked_for_fits_the_limit_and_the_order() {
        let now = at("2026-11-24T10:00:00Z");
        let days = |days| Some(Validity::Days(days));
        let until = |date: &str| Some(Validity::Until(date.to_owned()));
        let table = [
            (None, None, Ok(None)),
            (None, Some("2026-12-01T00:00:00Z"), Ok(None)),
            (days(90), None, Ok(Some(90))),
            (days(398), None, Ok(Some(199))),
            (days(90), Some("2027-01-24T09:00:00Z"), Ok(Some(60))),
            (days(90), Some("2026-11-24T20:00:00Z"), Ok(Some(1))),
            (until("2026-12-24"), None, Ok(Some(30))),
            (until("2028-01-01"), None, Ok(Some(199))),
            (until("2026-11-25"), None, Ok(Some(1))),
            (until("2026-11-24"), None, Err(ValidityError::Reached(date(2026, 11, 24)))),
            (until("2025-01-01"), None, Err(ValidityError::Reached(date(2025, 1, 1)))),
            (until("2026-02-30"), None, Err(ValidityError::NotADate("2026-02-30".to_owned()))),
        ];
        for (validity, order_end, expected) in table {
            assert_eq!(
                requested_days(validity.as_ref(), order_end.map(at), now),
                expected,
                "{validity:?} {order_end:?}"
            );
        }
    }

    #[test]
    fn the_last_day_counts() {
        assert_eq!(end_of(date(2026, 12, 31)), at("2027-01-01T00:00:00Z"));
        assert_eq!(cap(Some(&Validity::Until("2026-12-31".to_owned()))), Ok(Some(at("2027-01-01T00:00:00Z"))));
        assert_eq!(cap(Some(&Validity::Days(90))), Ok(None));
        let _ = end_of(Date::MAX);
    }

    #[test]
    fn reach_is_the_nearest_of_limit_wish_and_order() {
        let now = at("2026-11-24T00:00:00Z");
        assert_eq!(reach(now, None, None), at("2027-06-11T00:00:00Z"));
        assert_eq!(reach(now, Some(30), None), at("2026-12-24T00:00:00Z"));
        assert_eq!(reach(now, Some(30), Some(at("2026-12-01T00:00:00Z"))), at("2026-12-01T00:00:00Z"));
        assert_eq!(reach(now, Some(398), None), at("2027-06-11T00:00:00Z"));
    }

    proptest! {
        #[test]
        fn longer_is_never_asked_than_given(now in 1_500_000_000_i64..2_500_000_000, days in 1..398_i32, left in 1..400_i64) {
            let now = Timestamp::from_second(now).unwrap();
            let end = now + Duration::from_secs(left as u64 * 86_400 + 5);
            let asked = requested_days(Some(&Validity::Days(days)), Some(end), now).unwrap().unwrap();
            prop_assert!(asked >= 1 && asked <= longest_validity(now) && asked <= days as u32);
            prop_assert!(reach(now, Some(asked), None) <= end);
            prop_assert!(longest_validity(now) >= longest_validity(end));
        }

        #[test]
        fn an_until_is_kept_however_days_are_counted(now in 1_700_000_000_i64..1_900_000_000, ahead in 1_u32..600) {
            let now = Timestamp::from_second(now).unwrap();
            let until = utc_date(now + DAY * ahead);
            let asked = requested_days(Some(&Validity::Until(until.to_string())), None, now).unwrap().unwrap();
            // Counted from the moment of issue, or to the end of the last day.
            prop_assert!(reach(now, Some(asked), None) <= end_of(until));
            prop_assert!(end_of(utc_date(now + DAY * asked)) <= end_of(until));
        }
    }
}

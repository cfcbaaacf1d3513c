//! How long certificates may be valid.

use std::time::Duration;

use jiff::{
    Span, Timestamp,
    civil::{Date, date},
    tz::TimeZone,
};

use crate::api::{certificate::Validity, issuer::OrderValidity};

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
    #[error("orderValidity.until {0:?} is not a date")]
    OrderNotADate(String),
    #[error("orderValidity.until {0} has come, so no order can be placed: change it")]
    OrderReached(Date),
}

/// What to ask for now; `None` asks for the longest the provider gives.
///
/// Never more than may be issued now, nor than is left of the order (CertCentral refuses with
/// `cert_validity_exceeds_order_validity`).
pub fn requested(
    validity: Option<&Validity>,
    order_end: Option<Date>,
    now: Timestamp,
) -> Result<Option<Validity>, ValidityError> {
    let today = utc_date(now);
    let most = longest_validity(now).min(order_end.map_or(u32::MAX, |end| days_between(today, end))).max(1);
    let (days, until) = match validity {
        None => return Ok(None),
        Some(Validity::Days(days)) => (u32::try_from(*days).unwrap_or(1), None),
        Some(Validity::Until(until)) => {
            let until = parse(until)?;
            // Whole calendar days, so that the last day is inside however the provider counts.
            match days_between(today, until) {
                0 => return Err(ValidityError::Reached(until)),
                days => (days, Some(until)),
            }
        }
    };
    Ok(Some(match until {
        Some(until) if days <= most => Validity::Until(until.to_string()),
        _ => Validity::Days(i32::try_from(days.min(most)).unwrap_or(i32::MAX)),
    }))
}

/// The last day of an order that is placed now.
pub fn order_end(length: &OrderValidity, now: Timestamp) -> Result<Date, ValidityError> {
    let today = utc_date(now);
    Ok(match length {
        OrderValidity::Years(years) => today.saturating_add(Span::new().years(years.clamp(&0, &100).to_owned())),
        OrderValidity::Days(days) => today.saturating_add(Span::new().days(days.clamp(&0, &36_500).to_owned())),
        OrderValidity::Until(until) => {
            let end = until.parse().map_err(|_| ValidityError::OrderNotADate(until.clone()))?;
            if end <= today {
                return Err(ValidityError::OrderReached(end));
            }
            end
        }
    })
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
    let next_day = last_day.saturating_add(Span::new().days(1));
    next_day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

fn parse(until: &str) -> Result<Date, ValidityError> {
    until.parse().map_err(|_| ValidityError::NotADate(until.to_owned()))
}

fn utc_date(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// Zero when the second day is not after the first.
fn days_between(from: Date, to: Date) -> u32 {
    from.until(to).map_or(0, |span| u32::try_from(span.get_days()).unwrap_or(0))
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
            (None, Some("2026-12-01"), Ok(None)),
            (days(90), None, Ok(days(90))),
            (days(398), None, Ok(days(199))),
            (days(90), Some("2027-01-23"), Ok(days(60))),
            (days(90), Some("2026-11-24"), Ok(days(1))),
            (until("2026-12-24"), None, Ok(until("2026-12-24"))),
            (until("2026-12-24"), Some("2026-12-24"), Ok(until("2026-12-24"))),
            (until("2026-12-24"), Some("2026-12-23"), Ok(days(29))),
            (until("2028-01-01"), None, Ok(days(199))),
            (until("2026-11-25"), None, Ok(until("2026-11-25"))),
            (until("2026-11-24"), None, Err(ValidityError::Reached(date(2026, 11, 24)))),
            (until("2025-01-01"), None, Err(ValidityError::Reached(date(2025, 1, 1)))),
            (until("2026-02-30"), None, Err(ValidityError::NotADate("2026-02-30".to_owned()))),
        ];
        for (validity, order_end, expected) in table {
            let end = order_end.map(|end| end.parse().unwrap());
            assert_eq!(requested(validity.as_ref(), end, now), expected, "{validity:?} {order_end:?}");
        }
    }

    #[test]
    fn an_order_ends_after_its_length_or_on_its_day() {
        let now = at("2026-11-24T23:59:00Z");
        let until = |day: &str| OrderValidity::Until(day.to_owned());
        let table = [
            (OrderValidity::Years(1), Ok(date(2027, 11, 24))),
            (OrderValidity::Years(3), Ok(date(2029, 11, 24))),
            (OrderValidity::Days(30), Ok(date(2026, 12, 24))),
            (until("2028-02-29"), Ok(date(2028, 2, 29))),
            (until("2026-11-24"), Err(ValidityError::OrderReached(date(2026, 11, 24)))),
            (until("2027-02-29"), Err(ValidityError::OrderNotADate("2027-02-29".to_owned()))),
            (OrderValidity::Years(i32::MAX), Ok(date(2126, 11, 24))),
        ];
        for (length, expected) in table {
            assert_eq!(order_end(&length, now), expected, "{length:?}");
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
            let end = utc_date(now).saturating_add(Span::new().days(left));
            let asked = match requested(Some(&Validity::Days(days)), Some(end), now) {
                Ok(Some(Validity::Days(asked))) => asked as u32,
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            };
            prop_assert!(asked >= 1 && asked <= longest_validity(now) && asked <= days as u32);
            prop_assert!(reach(now, Some(asked), None) <= end_of(end));
            prop_assert!(longest_validity(now) >= longest_validity(end_of(end)));
        }

        #[test]
        fn an_until_is_kept_however_days_are_counted(now in 1_700_000_000_i64..1_900_000_000, ahead in 1_u32..600) {
            let now = Timestamp::from_second(now).unwrap();
            let until = utc_date(now + DAY * ahead);
            match requested(Some(&Validity::Until(until.to_string())), None, now).unwrap().unwrap() {
                Validity::Until(asked) => prop_assert_eq!(asked, until.to_string()),
                Validity::Days(asked) => {
                    // Counted from the moment of issue, or to the end of the last day.
                    prop_assert!(reach(now, Some(asked as u32), None) <= end_of(until));
                    prop_assert!(end_of(utc_date(now + DAY * asked as u32)) <= end_of(until));
                }
            }
        }
    }
}

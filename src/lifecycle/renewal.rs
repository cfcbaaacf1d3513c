//! When a certificate is due to be replaced.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    spread::spread,
    validity::{DAY, longest_validity},
};

/// The moment, always inside the certificate's life.
///
/// `before` is kept as written, unless it is longer than the whole life. By default a third of the life is left,
/// less when waiting saves a reissue: at DigiCert a reissue lasts no longer than the order, so one made too early has
/// to be repeated before the order ends (CertCentral, *Annual plans*: 199-day certificates on a 365-day plan are
/// reissued 32 days or less before expiry). Certificates due at the same time are spread by their uid, later only.
pub fn renewal_time(
    not_before: Timestamp,
    not_after: Timestamp,
    order_end: Option<Timestamp>,
    before: Option<Duration>,
    uid: &str,
) -> Timestamp {
    let life = Life { start: not_before.as_second(), end: not_after.as_second() };
    if life.length() <= 0 {
        return not_before;
    }
    let due = match before.map(seconds) {
        Some(before) if before < life.length() => life.end - before,
        _ => spread_out(life.by_default(order_end), &life, uid),
    };
    Timestamp::from_second(due.clamp(life.start, life.end - 1)).unwrap_or(not_before)
}

/// In seconds since the epoch.
struct Life {
    start: i64,
    end: i64,
}

impl Life {
    fn length(&self) -> i64 {
        self.end - self.start
    }

    /// What is never waited for: a week, a tenth of lives shorter than a month.
    fn margin(&self) -> i64 {
        let week = 7 * seconds(DAY);
        if self.length() < 30 * seconds(DAY) { self.length() / 10 } else { week }
    }

    fn by_default(&self, order_end: Option<Timestamp>) -> i64 {
        let third = self.end - self.length() / 3;
        order_end.map_or(third, |end| third.max(self.fewest_reissues(end.as_second())))
    }

    /// The earliest moment from which the order's end is reached with no more reissues than from the latest one.
    fn fewest_reissues(&self, order_end: i64) -> i64 {
        let latest = self.end - self.margin();
        let uncovered = order_end - self.end;
        if uncovered <= 0 {
            return self.start;
        }
        // Each reissue but the last is replaced a margin before it expires. A certificate shorter than the limit was
        // wanted so, and its successors are as short.
        let days = Timestamp::from_second(latest).map_or(1, longest_validity);
        let gain = (i64::from(days) * seconds(DAY)).min(self.length()) - self.margin();
        let reissues = (uncovered + gain - 1).div_euclid(gain);
        // CAs count whole days.
        order_end - self.margin() - reissues * gain + seconds(DAY)
    }
}

/// A part of the way to the safety margin, at most a twentieth of the life.
fn spread_out(due: i64, life: &Life, uid: &str) -> i64 {
    let latest = life.end - life.margin();
    let due = due.min(latest);
    let width = (latest - due).min(life.length() / 20).unsigned_abs();
    due + seconds(spread(uid, Duration::from_secs(width)))
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    const UID: &str = "0b1ee6b0-7b54-4b7a-9d4e-2f0a6f3c1d11";

    fn day(n: i64) -> Timestamp {
        "2026-03-01T00:00:00Z".parse::<Timestamp>().unwrap() + DAY * u32::try_from(n).unwrap()
    }

    fn days_before_expiry(lifetime: i64, order: Option<i64>, before: Option<u32>) -> f64 {
        let before = before.map(|days| DAY * days);
        let due = renewal_time(day(0), day(lifetime), order.map(day), before, UID);
        (day(lifetime).as_second() - due.as_second()) as f64 / 86_400.0
    }

    #[test]
    fn what_is_written_is_kept() {
        for before in [1, 30, 198] {
            assert_eq!(days_before_expiry(199, Some(365), Some(before)), f64::from(before));
        }
        assert!(days_before_expiry(199, None, Some(199)) < 70.0, "longer than the life: as by default");
        assert_eq!(renewal_time(day(0), day(199), None, Some(Duration::ZERO), UID), day(199) - Duration::from_secs(1));
    }

    #[test]
    fn a_third_is_left_when_no_order_says_otherwise() {
        for (lifetime, order) in [(199, None), (199, Some(199)), (99, None), (46, None), (10, None)] {
            let left = days_before_expiry(lifetime, order, None);
            let third = lifetime as f64 / 3.0;
            assert!(left <= third && left > third - lifetime as f64 / 20.0 - 0.1, "{lifetime}: {left}");
        }
    }

    #[test]
    fn waits_until_one_reissue_reaches_the_end_of_the_order() {
        let left = days_before_expiry(199, Some(365), None);
        assert!((7.0..=32.0).contains(&left), "{left}");
        // Reissuing a third before expiry reaches the end of this order anyway.
        let left = days_before_expiry(199, Some(330), None);
        assert!(left > 56.0, "{left}");
    }

    #[test]
    fn uids_spread_what_is_due_together() {
        let due: std::collections::BTreeSet<_> =
            (0..50).map(|n| renewal_time(day(0), day(199), Some(day(365)), None, &format!("uid-{n}"))).collect();
        assert!(due.len() > 40);
        let earliest = day(199) - DAY * 32;
        assert!(due.iter().all(|due| *due >= earliest), "a day earlier would leave a day of the order uncovered");
    }

    /// How many reissues it takes from `at` to the order's end, each but the last replaced `margin` before expiry.
    fn reissues(at: i64, order_end: i64, length: i64, margin: i64) -> u32 {
        let (mut count, mut end) = (1, at + length);
        while end < order_end {
            end = end - margin + length;
            count += 1;
        }
        count
    }

    proptest! {
        #[test]
        fn always_inside_the_life_and_before_the_margin(
            start in 1_500_000_000_i64..2_500_000_000, length in 1_i64..400 * 86_400, order in proptest::option::of(-1000_i64..2000), before in proptest::option::of(0_u64..500 * 86_400), uid in ".{0,40}",
        ) {
            let life = Life { start, end: start + length };
            let [not_before, not_after] = [start, life.end].map(|second| Timestamp::from_second(second).unwrap());
            let order_end = order.map(|days| Timestamp::from_second(life.end + days * 86_400).unwrap());
            let due = renewal_time(not_before, not_after, order_end, before.map(Duration::from_secs), &uid);
            prop_assert!(not_before <= due && due < not_after);
            prop_assert_eq!(due, renewal_time(not_before, not_after, order_end, before.map(Duration::from_secs), &uid));
            if before.is_none() {
                prop_assert!(due.as_second() <= (life.end - life.margin()).max(life.start), "margin");
                prop_assert!(due.as_second() >= life.end - length / 3 - 1, "not before its time");
            }
        }

        #[test]
        fn no_reissue_is_made_that_waiting_would_have_saved(length in 30_i64..=46, beyond in 1_i64..400, uid in "[0-9a-f]{8}") {
            // In 2029 every certificate is as short as the limit, or shorter because it was wanted so.
            let start = "2029-06-01T00:00:00Z".parse::<Timestamp>().unwrap().as_second();
            let length = length * 86_400;
            let life = Life { start, end: start + length };
            let order_end = life.end + beyond * 86_400;
            let [not_before, not_after, end] = [start, life.end, order_end].map(|second| Timestamp::from_second(second).unwrap());
            let due = renewal_time(not_before, not_after, Some(end), None, &uid).as_second();
            let latest = life.end - life.margin();
            prop_assert_eq!(reissues(due, order_end, length, life.margin()), reissues(latest, order_end, length, life.margin()));
        }

        #[test]
        fn degenerate_lives_do_not_panic(start: i32, end: i32, uid in ".{0,8}") {
            let [not_before, not_after] = [start, end].map(|second| Timestamp::from_second(i64::from(second)).unwrap());
            let due = renewal_time(not_before, not_after, Some(not_before), None, &uid);
            prop_assert!(due >= not_before && due < not_after.max(not_before + Duration::from_secs(1)));
        }
    }
}

//! When a certificate is due to be replaced.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    spread::spread,
    validity::{DAY, longest_validity},
};
use crate::api::certificate::Renewal;

/// Time enough for validations and for who has to approve a purchase; a certificate's last third is less when it is
/// shorter than 90 days.
const BEFORE_A_PURCHASE: Duration = DAY.saturating_mul(30);

/// The moment, always inside the certificate's life.
///
/// `before` is kept as written, unless it is longer than the whole life. By default a third of the life is left,
/// less when waiting saves a reissue: at DigiCert a reissue lasts no longer than the order, so one made too early has
/// to be repeated before the order ends (CertCentral, *Annual plans*: 199-day certificates on a 365-day plan are
/// reissued 32 days or less before expiry). The last certificate of an order is replaced by a purchase, which takes no
/// days over from the order before it: 30 days before its end. Certificates due at the same time are spread by their uid, later only.
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

/// Until when a window may be waited for: a week before the end, a tenth of lives shorter than a month; at least half of
/// what is left when it is due.
pub fn latest(not_before: Timestamp, not_after: Timestamp, due: Timestamp) -> Timestamp {
    let life = Life { start: not_before.as_second(), end: not_after.as_second() };
    let half = due.as_second() + (life.end - due.as_second()) / 2;
    Timestamp::from_second(half.max(life.end - life.margin())).unwrap_or(not_after)
}

/// How long before its end a spec wants a certificate of that life to be replaced.
pub fn wanted_before(renewal: &Renewal, not_before: Timestamp, not_after: Timestamp) -> Option<Duration> {
    let life = Duration::try_from(not_after.duration_since(not_before)).unwrap_or_default();
    let share = renewal.before_percentage.map(|percent| life / 100 * percent.clamp(1, 99).unsigned_abs());
    renewal.before.map(Into::into).or(share)
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
        match order_end.map(|end| end.as_second()) {
            None => third,
            Some(end) if self.is_last_of(end) => third.max(self.end - seconds(BEFORE_A_PURCHASE)),
            Some(end) => third.max(self.fewest_reissues(end)),
        }
    }

    /// Whether what follows is bought: a reissue would gain less than a seventh, as when the operation is chosen.
    fn is_last_of(&self, order_end: i64) -> bool {
        order_end - self.end < self.full_length() / 7
    }

    /// A certificate shorter than the limit was wanted so, and its successors are as short.
    fn full_length(&self) -> i64 {
        let latest = self.end - self.margin();
        let days = Timestamp::from_second(latest).map_or(1, longest_validity);
        (i64::from(days) * seconds(DAY)).min(self.length())
    }

    /// The earliest moment from which the order's end is reached with no more reissues than from the latest one.
    fn fewest_reissues(&self, order_end: i64) -> i64 {
        let uncovered = order_end - self.end;
        // Each reissue but the last is replaced a margin before it expires.
        let gain = self.full_length() - self.margin();
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
    fn a_share_of_the_life_is_as_good_as_a_time() {
        let before = |renewal: Renewal| wanted_before(&renewal, day(0), day(200));
        let percent = |percent| before(Renewal { before_percentage: Some(percent), ..Renewal::default() });
        assert_eq!(before(Renewal::default()), None);
        assert_eq!(percent(25), Some(DAY * 50));
        assert_eq!(percent(1), Some(DAY * 2));
        assert_eq!(percent(99), Some(DAY * 198));
        let hours = Renewal { before: Some(DAY.into()), ..Renewal::default() };
        assert_eq!(before(hours), Some(DAY));
    }

    #[test]
    fn a_window_is_waited_for_until_a_margin_is_left() {
        assert_eq!(latest(day(0), day(199), day(133)), day(192), "a week");
        assert_eq!(latest(day(0), day(10), day(6)), day(9), "a tenth of a short life");
        assert_eq!(latest(day(0), day(199), day(197)), day(198), "half of what the spec leaves");
    }

    #[test]
    fn a_third_is_left_when_no_order_says_otherwise() {
        for (lifetime, order) in [(199, None), (60, Some(60)), (99, None), (46, None), (46, Some(46)), (10, None)] {
            let left = days_before_expiry(lifetime, order, None);
            let third = lifetime as f64 / 3.0;
            assert!(left <= third && left > third - lifetime as f64 / 20.0 - 0.1, "{lifetime}: {left}");
        }
    }

    #[test]
    fn a_purchase_waits_so_that_no_paid_month_is_lost() {
        // To the order's end, or so near it that a reissue would gain less than a seventh.
        for order in [150, 199, 200, 227] {
            let left = days_before_expiry(199, Some(order), None);
            assert!((20.0..=30.0).contains(&left), "{order}: {left}");
        }
        assert!(days_before_expiry(199, Some(228), None) > 50.0, "a reissue is free");
        assert_eq!(days_before_expiry(199, Some(199), Some(60)), 60.0, "what is written is kept");
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

//! How long to wait before trying or asking again.

use std::time::Duration;

use super::spread::spread;

const FIRST_RETRY: Duration = Duration::from_secs(10 * 60);
const LONGEST_RETRY: Duration = Duration::from_secs(24 * 60 * 60);
const FIRST_POLL: Duration = Duration::from_secs(5);
const FIRST_ASK: Duration = Duration::from_secs(60);
const LONGEST_ASK: Duration = Duration::from_secs(60 * 60);
const LONGEST_POLL: Duration = Duration::from_secs(10 * 60);

/// From the last of `consecutive` failed Issuances to the next: ten minutes, doubling to a day.
pub fn after_failures(consecutive: u32) -> Duration {
    match consecutive {
        0 => Duration::ZERO,
        n => doubling(FIRST_RETRY, n, LONGEST_RETRY),
    }
}

/// From the `n`-th poll of an operation at its provider to the next (0: from its acceptance to the first poll):
/// seconds at first, minutes in the end, up to a quarter later by the hash of the uid.
pub fn poll(n: u32, uid: &str) -> Duration {
    let pause = doubling(FIRST_POLL, n.saturating_add(1), LONGEST_POLL);
    pause + spread(uid, pause / 4)
}

/// From the `n`-th request (1, 2, …) that the provider look at published records to the next: it looks by itself too.
pub fn ask(n: u32) -> Duration {
    doubling(FIRST_ASK, n, LONGEST_ASK)
}

/// `first`, doubled with every `n` after 1, at most `longest`.
pub fn doubling(first: Duration, n: u32, longest: Duration) -> Duration {
    let doublings = n.saturating_sub(1).min(31);
    first.saturating_mul(1 << doublings).min(longest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;

    #[test]
    fn failures_wait_ten_minutes_doubling_to_a_day() {
        let expected =
            [0, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 80 * MINUTE, 160 * MINUTE, 320 * MINUTE, 640 * MINUTE];
        for (failures, seconds) in (0..).zip(expected) {
            assert_eq!(after_failures(failures), Duration::from_secs(seconds), "{failures}");
        }
        for failures in [8, 9, 100, u32::MAX] {
            let expected = if failures == 8 { 1280 * MINUTE } else { 24 * HOUR };
            assert_eq!(after_failures(failures), Duration::from_secs(expected), "{failures}");
        }
    }

    #[test]
    fn polls_go_from_seconds_to_minutes() {
        let unspread = |n: u32| doubling(FIRST_POLL, n + 1, LONGEST_POLL).as_secs();
        assert_eq!([0, 1, 2, 6, 7, 8].map(unspread), [5, 10, 20, 320, 600, 600]);
    }

    proptest! {
        #[test]
        fn waits_never_shrink(n in 0..u32::MAX, uid in "[0-9a-f-]{0,36}") {
            prop_assert!(after_failures(n) <= after_failures(n + 1));
            prop_assert!(poll(n, &uid) <= poll(n + 1, &uid));
            let pause = doubling(FIRST_POLL, n.saturating_add(1), LONGEST_POLL);
            prop_assert!(pause <= poll(n, &uid) && poll(n, &uid) < pause.mul_f64(1.25));
        }
    }
}

//! The time in which certificates live: real time plus an offset that a test can move.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};

/// Offset between the sandbox's clock and the real one. It runs on with real time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    pub offset_seconds: i64,
}

impl Clock {
    pub fn now(self) -> Timestamp {
        let real = Timestamp::now();
        real.checked_add(SignedDuration::from_secs(self.offset_seconds)).unwrap_or(real)
    }

    /// Moves the clock by `seconds`; refused when the result leaves the years a certificate can state.
    pub fn advance(&mut self, seconds: i64) -> Result<(), String> {
        let offset = self.offset_seconds.checked_add(seconds);
        let moved = offset.and_then(|offset| {
            let then = Timestamp::now().checked_add(SignedDuration::from_secs(offset)).ok()?;
            (1990..2045).contains(&day(then).year()).then_some(offset)
        });
        self.offset_seconds = moved.ok_or("the clock runs from 1990 to 2044")?;
        Ok(())
    }

    pub fn set(&mut self, to: Timestamp) -> Result<(), String> {
        self.advance(to.as_second().saturating_sub(self.now().as_second()))
    }
}

/// The UTC day of a moment.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// 00:00:00 UTC of a day.
pub fn start_of(day: Date) -> Timestamp {
    day.at(0, 0, 0, 0).to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// 23:59:59 UTC of a day: the last second of a certificate or an order.
pub fn end_of(day: Date) -> Timestamp {
    day.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// `from` plus `days`, saturating.
pub fn days_after(from: Date, days: i32) -> Date {
    from.saturating_add(i64::from(days).days())
}

/// Whole days between two days, negative when `to` lies before `from`.
pub fn days_between(from: Date, to: Date) -> i32 {
    (start_of(to).duration_since(start_of(from)).as_hours() / 24) as i32
}

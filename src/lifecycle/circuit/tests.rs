use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::lifecycle::testing::at;

fn called(account: Health, took: u64, error: Option<&CallError>) -> Called<'_> {
    Called {
        provider: "digicert",
        method: "GET",
        endpoint: "user/me",
        took: Duration::from_secs(took),
        result: error.map_or(Ok(()), Err),
        account,
        pause: None,
    }
}

fn error(message: &str) -> CallError {
    CallError::Ambiguous { call: "order info", message: message.to_owned() }
}

/// A circuit and what it hears, by the second.
#[derive(Default)]
struct Story(Circuit);

impl Story {
    fn fails(&mut self, second: i64) -> bool {
        self.0.heard(&called(Health::Fails, 0, Some(&error(&format!("at {second}")))), at(second))
    }

    fn serves(&mut self, second: i64) -> bool {
        self.0.heard(&called(Health::Serves, 0, None), at(second))
    }

    fn refuses(&mut self, second: i64) -> bool {
        let refusal = CallError::RateLimited { call: "order info", after: None };
        self.0.heard(&called(Health::Untold, 0, Some(&refusal)), at(second))
    }

    fn probes(&mut self, second: i64) -> bool {
        self.0.admits(true, at(second))
    }

    fn lets_through(&mut self, second: i64) -> bool {
        self.0.admits(false, at(second))
    }

    fn is_open(&self) -> bool {
        self.0.outage().is_some()
    }

    /// Opened at second 8.
    fn open() -> Self {
        let mut story = Self::default();
        let opened = [-7, -2, 3, 5, 8].map(|second| story.fails(second));
        assert_eq!(opened, [false, false, false, false, true]);
        story
    }

    /// How long after `second`, when it was refused last, the next probe is let through.
    fn pause_after(&mut self, second: i64) -> i64 {
        let pause = (0..=700).find(|wait| self.probes(second + wait));
        pause.expect("a probe at last")
    }
}

#[test]
fn opens_after_errors_in_a_row_that_are_no_single_moment() {
    let table: [(&str, &[i64], bool); 4] = [
        ("too few, however long", &[0, 100, 200, 300], false),
        ("one broken connection", &[0, 0, 0, 0, 1, 1, 1, 1], false),
        ("the same, and it goes on", &[0, 0, 0, 0, 1, 1, 1, 1, 15], true),
        ("slow and steady", &[0, 100, 200, 300, 400], true),
    ];
    for (what, failures, open) in table {
        let mut story = Story::default();
        for second in failures {
            assert!(story.lets_through(*second), "{what}");
            story.fails(*second);
        }
        assert_eq!(story.is_open(), open, "{what}");
    }
}

#[test]
fn calls_that_hang_for_their_whole_time_count_from_their_beginning() {
    let mut circuit = Circuit::default();
    for second in 60..64 {
        assert!(!circuit.heard(&called(Health::Fails, 60, Some(&error("timed out"))), at(second)));
    }
    assert!(circuit.heard(&called(Health::Fails, 60, Some(&error("timed out"))), at(64)));
}

#[test]
fn a_good_answer_in_between_begins_anew_and_a_rate_limit_is_neither() {
    let mut story = Story::default();
    for second in [0, 2, 4, 6] {
        story.fails(second);
    }
    story.serves(7);
    for second in [8, 12, 16, 20] {
        assert!(!story.fails(second));
        assert!(!story.refuses(second));
    }
    assert!(story.fails(24), "429s have not interrupted the row");
    assert!(!story.refuses(25) && story.is_open(), "nor closed it");
}

#[test]
fn while_it_is_open_one_probe_is_let_through_when_it_is_time() {
    let mut story = Story::open();
    assert!(!story.lets_through(8) && !story.lets_through(10_000));
    assert!(!story.probes(8) && !story.probes(12));
    assert!(story.probes(13), "after five seconds");
    assert!(!story.probes(13) && !story.probes(100), "one is under way");
    assert!(story.probes(133), "one that nobody hears of was never made");
    assert!(!story.lets_through(133), "for all others it is not time");
    assert!(story.serves(134) && story.lets_through(134) && !story.is_open());
    assert!(!story.serves(135), "told once");
}

#[test]
fn probes_that_fail_come_further_and_further_apart() {
    let (mut story, mut second, mut pauses) = (Story::open(), 8, Vec::new());
    for _ in 0..10 {
        let pause = story.pause_after(second);
        pauses.push(pause);
        second += pause;
        assert!(!story.fails(second), "no news");
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600, 600]);
}

#[test]
fn what_opens_again_soon_goes_on_with_its_pauses_and_later_with_short_ones() {
    let reopened = |calm: i64| {
        let mut story = Story::open();
        for (at, answer) in [(13, false), (23, false), (43, true)] {
            assert!(story.probes(at), "{at}");
            if answer {
                story.serves(at)
            } else {
                story.fails(at)
            };
        }
        let begin = 43 + calm;
        for second in [0, 4, 8, 12, 16] {
            story.fails(begin + second);
        }
        story.pause_after(begin + 16)
    };
    assert_eq!(reopened(1), 40);
    assert_eq!(reopened(1000), 5);
}

#[test]
fn late_answers_of_calls_that_were_under_way_are_heard_and_put_nothing_off() {
    let mut story = Story::open();
    story.fails(9);
    let outage = story.0.outage().expect("open");
    assert_eq!((outage.errors, outage.since, outage.next_probe), (6, at(8), at(13)));
    assert_eq!(outage.last, error("at 9"));
    assert!(story.serves(10), "a good answer is one");
}

#[test]
fn a_probe_that_is_refused_for_the_rate_limit_is_made_again() {
    let mut story = Story::open();
    assert!(story.probes(13));
    story.refuses(13);
    assert_eq!(story.pause_after(13), 10);
}

#[test]
fn who_changes_how_it_is_reached_need_not_wait() {
    let mut story = Story::open();
    story.0.hurry(at(9));
    assert!(story.probes(9));
    Story::default().0.hurry(at(9));
}

#[test]
fn says_since_when_how_often_what_last_and_when_next() {
    let story = Story::open();
    let told = story.0.outage().expect("open").describe();
    let expected = format!(
        "nothing is asked of the account since {}: 5 calls in a row have failed, the last: order info has no certain \
         outcome: at 8. The next look at it is at {}",
        at(8),
        at(13)
    );
    assert_eq!(told, expected);
}

#[test]
fn those_who_waited_begin_again_over_a_part_of_the_time() {
    let seconds = [0, 8, 400, 86_400].map(|away| spread_over(Duration::from_secs(away)).as_secs());
    assert_eq!(seconds, [0, 2, 100, 120]);
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Fails,
    Serves,
    Refuses,
    Asks,
}

proptest! {
    /// Calls, whenever they are wanted: the account that only fails is called at most as often as the pauses allow, and
    /// the one that serves is always found out.
    #[test]
    fn calls_to_an_account_that_fails_are_bounded_and_one_that_serves_is_found(
        events in proptest::collection::vec((0..4_u8, 0..30_i64), 0..300),
    ) {
        let (mut story, mut now, mut probes) = (Story::default(), 0, Vec::new());
        for (event, later) in events {
            now += later;
            let event = [Event::Fails, Event::Serves, Event::Refuses, Event::Asks][usize::from(event)];
            match event {
                Event::Fails => drop(story.fails(now)),
                Event::Refuses => drop(story.refuses(now)),
                Event::Serves => drop(story.serves(now)),
                Event::Asks => {
                    prop_assert_eq!(story.lets_through(now), !story.is_open());
                    if story.is_open() && story.probes(now) {
                        probes.push(now);
                    }
                }
            }
        }
        prop_assert!(probes.windows(2).all(|pair| pair[1] - pair[0] >= 5), "{:?}", probes);
        // Whatever happened, a probe is let through within its longest pause, and closes it.
        let later = now + i64::try_from((LONGEST_PAUSE + LOST).as_secs()).unwrap_or_default();
        if story.is_open() {
            prop_assert!(story.probes(later));
            prop_assert!(story.serves(later));
        }
        prop_assert!(story.lets_through(later));
    }

    /// A clock that is set back delays a probe by no more than its pause.
    #[test]
    fn a_clock_that_is_set_back_stops_nothing(back in 1..100_000_i64) {
        let mut story = Story::open();
        let now = at(8) - SignedDuration::from_secs(back);
        prop_assert!(!story.0.admits(true, now));
        prop_assert!(story.0.admits(true, now + SignedDuration::from_secs(600)));
    }
}

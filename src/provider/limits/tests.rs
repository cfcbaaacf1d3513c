#![allow(clippy::unwrap_used)]

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

fn limit(requests: u32, per: u64, burst: u32) -> RateLimit {
    RateLimit {
        requests: NonZeroU32::new(requests).unwrap(),
        per: Duration::from_secs(per),
        burst: NonZeroU32::new(burst).unwrap(),
    }
}

/// When each of `calls` permits was given, in seconds from the start.
async fn times(limiter: &Limiter, calls: usize) -> Vec<f64> {
    let start = Instant::now();
    let mut times = Vec::new();
    for _ in 0..calls {
        limiter.permit(Urgency::Normal).await.unwrap();
        times.push(start.elapsed().as_secs_f64());
    }
    times
}

#[tokio::test(start_paused = true)]
async fn certcentrals_windows_are_never_exceeded() {
    let times = times(&Limiter::new(RateLimit::CERTCENTRAL), 3000).await;
    let most_within = |window: f64| {
        (0..times.len()).map(|first| times[first..].iter().take_while(|at| **at < times[first] + window).count()).max()
    };
    assert!(most_within(5.0).unwrap() < 100, "{:?}", most_within(5.0));
    assert!(most_within(180.0).unwrap() < 1000, "{:?}", most_within(180.0));
    assert!(*times.last().unwrap() < 600.0, "slower than the limit allows: {:?}", times.last());
}

#[tokio::test(start_paused = true)]
async fn urgent_callers_go_first_and_equals_in_order() {
    let limiter = Arc::new(Limiter::new(limit(1, 1, 1)));
    limiter.permit(Urgency::Normal).await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let wait = |name: &'static str, urgency| {
        let (limiter, order) = (limiter.clone(), order.clone());
        tokio::spawn(async move {
            limiter.permit(urgency).await.unwrap();
            order.lock().unwrap().push(name);
        })
    };
    let normal = [wait("first", Urgency::Normal), wait("second", Urgency::Normal)];
    tokio::task::yield_now().await;
    let urgent = [wait("urgent", Urgency::Urgent), wait("also urgent", Urgency::Urgent)];
    for task in normal.into_iter().chain(urgent) {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), ["urgent", "also urgent", "first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn what_has_begun_is_finished_before_more_begins_and_still_more_begins() {
    let limiter = Arc::new(Limiter::new(limit(1, 1, 1)));
    limiter.follow_up().await.unwrap();
    let start = Instant::now();
    let new = [limiter.clone(), limiter.clone()].map(|limiter| {
        tokio::spawn(async move {
            limiter.permit(Urgency::Normal).await.unwrap();
            start.elapsed().as_secs_f64()
        })
    });
    tokio::task::yield_now().await;
    let begun: Vec<_> = (0..15)
        .map(|_| limiter.clone())
        .map(|limiter| {
            tokio::spawn(async move {
                limiter.follow_up().await.unwrap();
                start.elapsed().as_secs_f64()
            })
        })
        .collect();
    let mut finished = Vec::new();
    for task in begun {
        finished.push(task.await.unwrap());
    }
    assert!(finished[..9].iter().zip(1..).all(|(at, nth)| (at - f64::from(nth)).abs() < 0.1), "{finished:?}");
    let [first, second] = new;
    let first = first.await.unwrap();
    assert!((10.0..13.0).contains(&first), "the head lets others pass for ten seconds: {first}");
    assert!(second.await.unwrap() > *finished.last().unwrap(), "the next begins when all others are through");
}

#[tokio::test(start_paused = true)]
async fn an_urgent_caller_that_gives_up_holds_nobody() {
    let limiter = Limiter::new(limit(1, 1, 1));
    limiter.permit(Urgency::Normal).await.unwrap();
    let gave_up = tokio::time::timeout(Duration::from_millis(10), limiter.permit(Urgency::Urgent)).await;
    assert!(gave_up.is_err());
    assert_eq!(times(&limiter, 1).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_stops_everybody_for_as_long_as_told() {
    let limiter = Arc::new(Limiter::new(limit(100, 1, 100)));
    limiter.pause(Some(Duration::from_secs(42)));
    let start = Instant::now();
    let through = Arc::new(AtomicUsize::new(0));
    let tasks = [Urgency::Urgent, Urgency::Normal, Urgency::Normal].map(|urgency| {
        let (limiter, through) = (limiter.clone(), through.clone());
        tokio::spawn(async move {
            limiter.permit(urgency).await.unwrap();
            through.fetch_add(1, Ordering::Relaxed);
        })
    });
    sleep(Duration::from_secs(41)).await;
    assert_eq!(through.load(Ordering::Relaxed), 0);
    for task in tasks {
        task.await.unwrap();
    }
    assert!(start.elapsed() >= Duration::from_secs(42));
}

#[tokio::test(start_paused = true)]
async fn refusals_without_a_time_double_and_an_answer_ends_them() {
    let limiter = Limiter::new(limit(100, 1, 100));
    let mut pauses = Vec::new();
    for _ in 0..9 {
        limiter.pause(None);
        // Refused together with the call before: counts once.
        limiter.pause(None);
        pauses.push(limiter.paused_for().unwrap().as_secs_f64());
        limiter.permit(Urgency::Normal).await.unwrap();
    }
    let expected = [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0];
    for (pause, expected) in pauses.iter().zip(expected) {
        assert!((expected..expected * 1.2 + 0.1).contains(pause), "{pauses:?}");
    }
    limiter.answered();
    limiter.pause(None);
    assert!(limiter.paused_for().unwrap() <= Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_silenced_for_longer_than_an_hour() {
    let limiter = Limiter::new(limit(1, 1, 1));
    limiter.pause(Some(Duration::MAX));
    assert_eq!(limiter.paused_for(), Some(LONGEST_ASKED_PAUSE));
}

#[test]
fn one_limiter_per_credential_and_host() {
    let limiters = PerCredential::default();
    let make = || Limiter::new(RateLimit::CERTCENTRAL);
    let get = |url, key: &str| limiters.of(url, &SecretString::from(key), make);
    assert!(Arc::ptr_eq(&get("https://a/v2", "key"), &get("https://a/v2/", "key")));
    assert!(!Arc::ptr_eq(&get("https://a/v2", "key"), &get("https://b/v2", "key")));
    assert!(!Arc::ptr_eq(&get("https://a/v2", "key"), &get("https://a/v2", "other")));
}

/// Lets nobody through but probes.
struct OnlyProbes;

impl Gate for OnlyProbes {
    fn shut(&self, probe: bool) -> Option<String> {
        (!probe).then(|| "shut".to_owned())
    }
}

#[derive(Default)]
struct Door(std::sync::atomic::AtomicBool);

impl Gate for Door {
    fn shut(&self, _: bool) -> Option<String> {
        self.0.load(Ordering::Relaxed).then(|| "shut".to_owned())
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_before_a_gate_that_is_shut_and_a_probe_goes_before_all() {
    let limiter = Limiter::behind(limit(1, 1, 1), Arc::new(OnlyProbes));
    let shut = Err(Shut("shut".to_owned()));
    assert_eq!(limiter.open(), shut);
    for urgency in [Urgency::Normal, Urgency::Urgent] {
        assert_eq!(limiter.permit(urgency).await.map(drop), shut);
    }
    assert!(limiter.probe().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_when_the_gate_shuts_get_no_permit() {
    let door = Arc::new(Door::default());
    let limiter = Arc::new(Limiter::behind(limit(1, 10, 1), door.clone()));
    limiter.permit(Urgency::Normal).await.unwrap();
    let waiting: Vec<_> = (0..100)
        .map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move { limiter.permit(Urgency::Normal).await.map(drop) })
        })
        .collect();
    tokio::task::yield_now().await;
    door.0.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    for task in waiting {
        assert!(task.await.unwrap().is_err());
    }
    assert!(begun.elapsed() <= Duration::from_secs(10), "all of them at the next turn");
}

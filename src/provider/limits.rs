//! One token bucket per credential, shared by all work on it.

use aws_lc_rs::digest;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::Urgency;

/// How long an account rests after a refusal that names no time; doubles while refusals go on.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// A provider may ask for more patience than we would show by ourselves, but not for silence.
const LONGEST_ASKED_PAUSE: Duration = Duration::from_secs(3600);
/// How long the head of those who want to begin something lets others pass: an account that is busy all the time with
/// what has begun still begins more.
const PATIENCE: Duration = Duration::from_secs(10);

/// A token bucket: `requests` in every `per`, and at most `burst` at once.
///
/// In any window T the bucket lets through at most `burst` + `requests` · T / `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    pub requests: NonZeroU32,
    pub per: Duration,
    pub burst: NonZeroU32,
}

impl RateLimit {
    /// CertCentral Services API, *Rate limits*: 1000 requests in 3 minutes and 100 in 5 seconds, both rolling.
    /// This bucket stays at 990 and 57: a burst is paid for by what is left for the rest of the 3 minutes.
    pub const CERTCENTRAL: Self = Self {
        requests: NonZeroU32::new(960).expect("not zero"),
        per: Duration::from_secs(180),
        burst: NonZeroU32::new(30).expect("not zero"),
    };

    /// Sectigo publishes no limit for SCM: a pace that no one will mind.
    pub const SECTIGO: Self = Self {
        requests: NonZeroU32::new(300).expect("not zero"),
        per: Duration::from_secs(60),
        burst: NonZeroU32::new(20).expect("not zero"),
    };

    /// DNSimple API v2, *Rate limits*: 2400 requests an hour, shared by all tokens of the account. Some of them are left
    /// to others.
    pub const DNSIMPLE: Self = Self {
        requests: NonZeroU32::new(2000).expect("not zero"),
        per: Duration::from_secs(3600),
        burst: NonZeroU32::new(60).expect("not zero"),
    };

    fn quota(self) -> Quota {
        let every = (self.per / self.requests.get()).max(Duration::from_nanos(1));
        Quota::with_period(every).expect("not zero").allow_burst(self.burst)
    }
}

/// Room for one call in an account's rate limit; spent by making the call.
#[derive(Debug)]
pub struct Permit(());

/// Says whether an account is to be called at all, whatever room its rate limit has.
pub trait Gate: Send + Sync {
    /// Why not, for a sentence of its own; `None` lets the caller through. `probe`: for the free call that finds out
    /// whether the account serves again; to be let through is to make it.
    fn shut(&self, probe: bool) -> Option<String>;
}

/// Why there is no permit, however long one waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shut(pub String);

/// The rate limit of one credential.
pub struct Limiter {
    bucket: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
    rest: Mutex<Rest>,
    /// How many wait of each rank: lower ranks let them pass.
    waiting: watch::Sender<[usize; 3]>,
    /// First come, first served among equals: only the head of each queue looks at the bucket.
    queues: [tokio::sync::Mutex<()>; 3],
    gate: Option<Arc<dyn Gate>>,
}

/// Who goes first. What has begun is finished before more begins: otherwise a thousand certificates are all begun, and
/// none is there, while one could be there every second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    Urgent,
    Begun,
    New,
}

/// When the account may be called again, and how often in a row it refused.
struct Rest {
    until: Instant,
    refusals: u32,
}

impl Limiter {
    pub fn new(limit: RateLimit) -> Self {
        Self {
            bucket: RateLimiter::direct_with_clock(limit.quota(), TokioClock { start: Instant::now() }),
            rest: Mutex::new(Rest { until: Instant::now(), refusals: 0 }),
            waiting: watch::Sender::new([0; 3]),
            queues: Default::default(),
            gate: None,
        }
    }

    pub fn behind(limit: RateLimit, gate: Arc<dyn Gate>) -> Self {
        Self { gate: Some(gate), ..Self::new(limit) }
    }

    /// Waits for room to begin something. Urgent callers go before all others; dropping the future gives up the place.
    /// Nobody waits before a gate that is shut.
    pub async fn permit(&self, urgency: Urgency) -> Result<Permit, Shut> {
        let rank = match urgency {
            Urgency::Urgent => Rank::Urgent,
            Urgency::Normal => Rank::New,
        };
        self.room(rank, false).await
    }

    /// The same for a call about what has begun.
    pub async fn follow_up(&self) -> Result<Permit, Shut> {
        self.room(Rank::Begun, false).await
    }

    /// For the one call that may be let through a gate that is shut.
    pub async fn probe(&self) -> Result<Permit, Shut> {
        self.room(Rank::Urgent, true).await
    }

    /// Once more right before a call: the gate may have shut since its permit was given.
    pub fn open(&self) -> Result<(), Shut> {
        self.pass(false)
    }

    fn pass(&self, probe: bool) -> Result<(), Shut> {
        let shut = self.gate.as_ref().and_then(|gate| gate.shut(probe));
        shut.map_or(Ok(()), |why| Err(Shut(why)))
    }

    async fn room(&self, rank: Rank, probe: bool) -> Result<Permit, Shut> {
        let _counted = Waiting::new(&self.waiting, rank);
        let _head = self.queues[rank as usize].lock().await;
        let patience = Instant::now() + PATIENCE;
        loop {
            if !probe {
                self.open()?;
            }
            self.let_pass(rank, patience).await;
            let until = self.rest().until;
            if Instant::now() < until {
                sleep_until(until).await;
                continue;
            }
            match self.bucket.check() {
                Ok(()) if probe => return self.pass(true).map(|()| Permit(())),
                Ok(()) => return Ok(Permit(())),
                Err(full) => sleep(full.wait_time_from(self.bucket.clock().now())).await,
            }
        }
    }

    /// Until nobody of a higher rank waits. Waiting cannot fail: the sender lives as long as `self`.
    async fn let_pass(&self, rank: Rank, patience: Instant) {
        let mut waiting = self.waiting.subscribe();
        if rank != Rank::Urgent {
            let _ = waiting.wait_for(|of| of[Rank::Urgent as usize] == 0).await;
        }
        if rank == Rank::New {
            let _ = timeout_at(patience, waiting.wait_for(|of| of[..Rank::New as usize] == [0; 2])).await;
        }
    }

    /// The account refused a call: nobody calls it for `after`, or for a time that doubles while refusals go on.
    pub fn pause(&self, after: Option<Duration>) {
        let mut rest = self.rest();
        let now = Instant::now();
        // Calls that were under way together are refused together: one refusal, not many.
        if now >= rest.until {
            rest.refusals = rest.refusals.saturating_add(1);
        }
        let pause = match after {
            Some(asked) => asked.min(LONGEST_ASKED_PAUSE),
            None => {
                let doubled = FIRST_PAUSE.saturating_mul(1 << rest.refusals.saturating_sub(1).min(10));
                // Others may use the same key: do not come back all at once.
                doubled.min(LONGEST_PAUSE).mul_f64(1.0 + fastrand::f64() / 5.0)
            }
        };
        rest.until = rest.until.max(now + pause);
    }

    /// The account answered a call that was made after the last pause: refusals are over.
    pub fn answered(&self) {
        let mut rest = self.rest();
        if Instant::now() >= rest.until {
            rest.refusals = 0;
        }
    }

    /// How long the account still rests.
    pub fn paused_for(&self) -> Option<Duration> {
        let left = self.rest().until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a caller for as long as it waits.
struct Waiting<'a> {
    counts: &'a watch::Sender<[usize; 3]>,
    rank: Rank,
}

impl<'a> Waiting<'a> {
    fn new(counts: &'a watch::Sender<[usize; 3]>, rank: Rank) -> Self {
        counts.send_modify(|of| of[rank as usize] += 1);
        Self { counts, rank }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.counts.send_modify(|of| of[self.rank as usize] -= 1);
    }
}

/// Tokio's clock, so that the bucket and the pauses keep one time, also in tests that stop it.
#[derive(Clone)]
struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// What this process keeps of each credential, e.g. its limiter: issuers that share a key share its limit.
pub struct PerCredential<T>(Mutex<HashMap<[u8; 32], Arc<T>>>);

impl<T> Default for PerCredential<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> PerCredential<T> {
    /// That of a credential at an API's host. Made for the first who asks; later ones share it.
    pub fn of(&self, url: &str, credential: &SecretString, make: impl FnOnce() -> T) -> Arc<T> {
        let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(key(host.as_deref().unwrap_or(url), credential)).or_insert_with(|| Arc::new(make())).clone()
    }
}

/// A hash, so that no map holds a credential.
fn key(host: &str, credential: &SecretString) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(host.as_bytes());
    hash.update(&[0]);
    hash.update(credential.expose_secret().as_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(hash.finish().as_ref());
    key
}

#[cfg(test)]
mod tests;

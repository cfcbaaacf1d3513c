//! Rate limits of a key, in real time over rolling windows (*Rate limits*).

use std::{
    collections::{HashMap, VecDeque},
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So many requests in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    requests: usize,
    time: Duration,
}

/// Windows that all hold at once; none at all means no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows(Vec<Window>);

impl FromStr for Windows {
    type Err = String;

    /// `1000/180,100/5` (requests per seconds), or `off`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(Vec::new()));
        }
        let window = |part: &str| {
            let (requests, seconds) = part.split_once('/')?;
            let time = Duration::from_secs(seconds.parse().ok()?);
            Some(Window { requests: requests.parse().ok()?, time })
        };
        let windows: Option<Vec<Window>> = text.split(',').map(window).collect();
        windows.map(Self).ok_or_else(|| "expected REQUESTS/SECONDS[,…] or off".into())
    }
}

pub struct RateLimits {
    windows: Windows,
    seen: Mutex<HashMap<u64, VecDeque<Instant>>>,
}

impl RateLimits {
    pub fn new(windows: Windows) -> Self {
        Self { windows, seen: Mutex::default() }
    }

    /// Counts one request of a key, unless that exceeds a window. What is refused is not counted.
    pub fn admit(&self, key: u64, now: Instant) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let times = seen.entry(key).or_default();
        let longest = self.windows.0.iter().map(|window| window.time).max().unwrap_or_default();
        while times.front().is_some_and(|time| now.duration_since(*time) >= longest) {
            times.pop_front();
        }
        let full = self.windows.0.iter().any(|window| {
            let recent = times.iter().rev().take_while(|time| now.duration_since(**time) < window.time);
            recent.count() >= window.requests
        });
        if !full && !self.windows.0.is_empty() {
            times.push_back(now);
        }
        !full
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_windows_hold() {
        let limits = RateLimits::new("3/10,2/1".parse().unwrap());
        let start = Instant::now();
        let at = |seconds| limits.admit(1, start + Duration::from_secs(seconds));
        assert_eq!([at(0), at(0), at(0)], [true, true, false]);
        assert_eq!([at(1), at(2)], [true, false]);
        assert!(limits.admit(2, start + Duration::from_secs(2)), "another key has its own window");
        assert_eq!([at(10), at(10), at(10)], [true, true, false]);
    }

    #[test]
    fn off() {
        let limits = RateLimits::new("off".parse().unwrap());
        let now = Instant::now();
        assert!((0..5000).all(|_| limits.admit(1, now)));
        assert!("5".parse::<Windows>().is_err());
    }
}

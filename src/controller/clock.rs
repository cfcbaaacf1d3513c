//! The clock of the world: what certificate life, renewal and budgets are measured on.
//!
//! Lease, fence, settle time and time-outs use the machine's own clock, never this one.

use jiff::Timestamp;

#[derive(Clone, Default)]
pub struct Clock {
    #[cfg(feature = "sandbox-clock")]
    sandbox: Option<std::sync::Arc<sandbox::Offset>>,
}

impl Clock {
    #[cfg(not(feature = "sandbox-clock"))]
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[cfg(feature = "sandbox-clock")]
    pub fn now(&self) -> Timestamp {
        match &self.sandbox {
            Some(offset) => offset.now(),
            None => Timestamp::now(),
        }
    }
}

#[cfg(feature = "sandbox-clock")]
pub mod sandbox {
    //! Follows the clock of the sandbox CA, so that a year of a certificate's life plays in a minute.

    use std::{
        sync::{
            Arc,
            atomic::{AtomicI64, Ordering},
        },
        time::Duration,
    };

    use jiff::{SignedDuration, Timestamp};
    use serde::Deserialize;

    use super::Clock;

    pub(super) struct Offset {
        milliseconds: AtomicI64,
    }

    impl Offset {
        pub(super) fn now(&self) -> Timestamp {
            let ahead = SignedDuration::from_millis(self.milliseconds.load(Ordering::Relaxed));
            Timestamp::now().saturating_add(ahead).unwrap_or(Timestamp::MAX)
        }
    }

    #[derive(Deserialize)]
    struct Answer {
        now: Timestamp,
    }

    impl Clock {
        /// Takes the time from `url` and keeps following it; `moved` is called after every jump.
        pub async fn follow(url: String, moved: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
            let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
            let offset = Arc::new(Offset { milliseconds: AtomicI64::new(ahead(&client, &url).await?) });
            let clock = Clock { sandbox: Some(offset.clone()) };
            tokio::spawn(async move {
                let mut tick = tokio::time::interval(Duration::from_millis(200));
                loop {
                    tick.tick().await;
                    let Ok(ahead) = ahead(&client, &url).await else { continue };
                    let before = offset.milliseconds.load(Ordering::Relaxed);
                    // Less than a second is the round trip, not a jump.
                    if (ahead - before).abs() > 1000 {
                        offset.milliseconds.store(ahead, Ordering::Relaxed);
                        moved();
                    }
                }
            });
            Ok(clock)
        }
    }

    async fn ahead(client: &reqwest::Client, url: &str) -> anyhow::Result<i64> {
        let answer: Answer = client.get(url).send().await?.error_for_status()?.json().await?;
        Ok(answer.now.duration_since(Timestamp::now()).as_millis().try_into()?)
    }
}

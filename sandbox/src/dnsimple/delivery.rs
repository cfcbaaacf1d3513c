//! Delivers events: at least once, in no order that could be relied on, again and again until the answer is 200
//! (*Delivery attempts and retries*). Real time.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Certificate, Client, Url};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    app::App,
    state::{
        World,
        dnsimple::{Delivery, Settings},
    },
};

/// "up to 10 attempts"
const ATTEMPTS: u32 = 10;
/// "has not responded with a 200 HTTP status code consistently for up to 15 attempts"
const FAILURES: u32 = 15;
const TIMEOUT: Duration = Duration::from_secs(5);

pub struct Hooks {
    /// Plain HTTP to loopback addresses is taken too.
    plain: bool,
    changed: Notify,
}

impl Hooks {
    pub fn new(plain: bool) -> Self {
        Self { plain, changed: Notify::new() }
    }

    /// There may be something to deliver.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    pub fn takes(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        let loopback = ["127.0.0.1", "[::1]", "localhost"].contains(&url.host_str().unwrap_or_default());
        url.scheme() == "https" || (self.plain && url.scheme() == "http" && loopback)
    }
}

/// Delivers whatever is due, for as long as it is polled.
pub async fn run(app: Arc<App>) {
    let client = match client(&app) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "no webhook will be called");
            return std::future::pending().await;
        }
    };
    loop {
        let (due, next) = due(&app.store.lock(), Timestamp::now());
        if due.is_empty() {
            let wait = next.map_or(Duration::MAX, |at| Timestamp::now().duration_until(at).unsigned_abs());
            let _ = tokio::time::timeout(wait, app.dnsimple.hooks.changed.notified()).await;
            continue;
        }
        let sent = join_all(due.iter().map(|(delivery, url)| send(&client, delivery, url))).await;
        let mut world = app.store.lock();
        for ((delivery, _), sent) in due.iter().zip(sent) {
            note(&mut world, delivery, sent);
        }
    }
}

/// Trusts the sandbox's own CA beside the public ones.
fn client(app: &App) -> reqwest::Result<Client> {
    let root = Certificate::from_pem(app.ca.root_pem().as_bytes())?;
    let agent = "DNSimple-Webhook-Notifier/8fd98a84516b72d5b863b27f93fcbaef61f06c03";
    Client::builder().no_proxy().timeout(TIMEOUT).user_agent(agent).tls_certs_merge([root]).build()
}

/// What is due with its address, else when something will be.
fn due(world: &World, now: Timestamp) -> (Vec<(Delivery, String)>, Option<Timestamp>) {
    let (ready, waiting): (Vec<_>, Vec<_>) = world.dnsimple.deliveries.iter().partition(|row| row.due <= now);
    let url = |row: &Delivery| world.dnsimple.webhooks.get(row.webhook).map(|webhook| webhook.url.clone());
    let ready = ready.into_iter().map(|row| (row.clone(), url(row).unwrap_or_default())).collect();
    (ready, waiting.iter().map(|row| row.due).min())
}

async fn send(client: &Client, delivery: &Delivery, url: &str) -> bool {
    let request = client.post(url).header("x-request-id", Uuid::new_v4().to_string()).json(&delivery.payload);
    request.send().await.is_ok_and(|answer| answer.status() == StatusCode::OK)
}

fn note(world: &mut World, delivery: &Delivery, acknowledged: bool) {
    let now = world.now();
    let Some(webhook) = world.dnsimple.webhooks.edit(delivery.webhook) else {
        return world.dnsimple.deliveries.remove(delivery.id);
    };
    webhook.failures = if acknowledged { 0 } else { webhook.failures + 1 };
    if webhook.failures >= FAILURES {
        webhook.suppressed.get_or_insert(now);
    }
    let (account, suppressed) = (webhook.account, webhook.suppressed.is_some());
    let settings = world.dnsimple.accounts.get(account).map(|account| account.settings).unwrap_or_default();
    let attempts = delivery.attempts + 1;
    if acknowledged || suppressed || attempts >= ATTEMPTS {
        return world.dnsimple.deliveries.remove(delivery.id);
    }
    if let Some(row) = world.dnsimple.deliveries.edit(delivery.id) {
        row.attempts = attempts;
        row.due = Timestamp::now() + pause(&settings, attempts);
    }
}

/// After so many attempts; with the default, the tenth comes two hours after the first.
fn pause(settings: &Settings, attempts: u32) -> SignedDuration {
    let first = i64::try_from(settings.webhook_retry_milliseconds).unwrap_or(i64::MAX);
    SignedDuration::from_millis(first.saturating_mul(1 << (attempts - 1)).min(7_200_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_take_up_to_two_hours() {
        let settings = Settings::default();
        let all: SignedDuration = (1..ATTEMPTS).map(|attempts| pause(&settings, attempts)).sum();
        assert!((115..=120).contains(&all.as_mins()), "{all}");
    }

    #[test]
    fn only_https_unless_it_is_for_tests() {
        let (strict, plain) = (Hooks::new(false), Hooks::new(true));
        for (url, taken) in [
            ("https://example.com/x", [true, true]),
            ("http://127.0.0.1:1/x", [false, true]),
            ("http://example.com/x", [false, false]),
            ("example.com", [false, false]),
        ] {
            assert_eq!([strict.takes(url), plain.takes(url)], taken, "{url}");
        }
    }
}

//! Where DNSimple tells that something has happened to a certificate (DNSimple API v2, *Webhooks*). It signs nothing, so
//! nothing it says is believed but which certificate is worth a look.

use std::{io, sync::Arc, time::Duration};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc, time::timeout};

use super::strangers::Strangers;

/// An event with a certificate of a hundred names is 20 KiB.
const LONGEST_BODY: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(10);
/// Ids that wait to be looked at; more are left to the polls.
pub const MOST_WAITING: usize = 256;

/// Who knows the path is heard, and nobody is told whether there is one.
pub struct Webhook {
    /// Without the first slash.
    pub path: SecretString,
    /// Gets the ids of certificates.
    pub named: mpsc::Sender<String>,
}

/// Answers on `listener` until `stop` resolves: 200 to whatever is posted to the path, 404 to everything else.
pub async fn serve(
    listener: TcpListener,
    webhook: Webhook,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new().fallback(told).with_state(Arc::new(webhook));
    axum::serve(Strangers::at(listener), router).with_graceful_shutdown(stop).await
}

async fn told(State(webhook): State<Arc<Webhook>>, request: Request) -> StatusCode {
    if request.method() != Method::POST || !webhook.is_at(request.uri().path()) {
        return StatusCode::NOT_FOUND;
    }
    if let Some(id) = certificate(request.into_body()).await {
        // Whoever sends more than can be looked at is not waited for.
        let _ = webhook.named.try_send(id);
    }
    StatusCode::OK
}

impl Webhook {
    /// How long it takes says nothing of the path, not even its length.
    fn is_at(&self, path: &str) -> bool {
        let hash = |path: &str| digest(&SHA256, path.as_bytes());
        let called = hash(path.strip_prefix('/').unwrap_or_default());
        verify_slices_are_equal(called.as_ref(), hash(self.path.expose_secret()).as_ref()).is_ok()
    }
}

/// `data.certificate.id` of an event, a number.
async fn certificate(body: Body) -> Option<String> {
    let body = timeout(PATIENCE, to_bytes(body, LONGEST_BODY)).await.ok()?.ok()?;
    let event: Value = serde_json::from_slice(&body).ok()?;
    Some(event.pointer("/data/certificate/id")?.as_u64()?.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reqwest::Client;
    use serde_json::json;
    use tokio::sync::oneshot;

    use super::*;

    const PATH: &str = "hook-0123456789abcdef0123456789abcdef";

    struct Served {
        url: String,
        named: mpsc::Receiver<String>,
        _stop: oneshot::Sender<()>,
    }

    async fn served(room: usize) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let (sender, named) = mpsc::channel(room);
        let webhook = Webhook { path: PATH.into(), named: sender };
        tokio::spawn(serve(listener, webhook, async { drop(stopped.await) }));
        Served { url, named, _stop: stop }
    }

    impl Served {
        async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> u16 {
            Client::new().post(format!("{}/{path}", self.url)).body(body).send().await.unwrap().status().as_u16()
        }
    }

    fn event(id: Value) -> String {
        json!({ "name": "certificate.issue", "data": { "certificate": { "id": id, "state": "issued" } } }).to_string()
    }

    #[tokio::test]
    async fn only_the_id_of_a_certificate_is_taken() {
        let mut served = served(8).await;
        assert_eq!(served.post(PATH, event(json!(101967))).await, 200);
        assert_eq!(served.named.recv().await.as_deref(), Some("101967"));
        let garbage = [
            event(json!("101967")),
            event(json!(-1)),
            event(json!(1.5)),
            event(Value::Null),
            json!({ "name": "zone_record.create", "data": { "zone_record": { "id": 7 } } }).to_string(),
            "[".repeat(10_000),
            format!("{{\"x\":\"{}\"}}", "x".repeat(LONGEST_BODY)),
            String::new(),
        ];
        for body in garbage {
            assert_eq!(served.post(PATH, body).await, 200);
        }
        assert!(served.named.try_recv().is_err());
    }

    #[tokio::test]
    async fn whoever_does_not_know_the_path_finds_nothing() {
        let mut served = served(8).await;
        for path in ["", "metrics", "livez", "hook", &PATH[1..], &format!("{PATH}/"), &format!("{PATH}0")] {
            assert_eq!(served.post(path, event(json!(1))).await, 404, "{path}");
        }
        let url = format!("{}/{PATH}", served.url);
        for request in [Client::new().get(&url), Client::new().put(&url).body(event(json!(1)))] {
            assert_eq!(request.send().await.unwrap().status().as_u16(), 404);
        }
        assert!(served.named.try_recv().is_err());
    }

    #[tokio::test]
    async fn more_than_can_be_looked_at_is_not_waited_for() {
        let mut served = served(1).await;
        for id in 1..=3 {
            assert_eq!(served.post(PATH, event(json!(id))).await, 200);
        }
        assert_eq!(served.named.recv().await.as_deref(), Some("1"));
        assert!(served.named.try_recv().is_err());
    }
}

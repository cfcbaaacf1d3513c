#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use reqwest::{Client, StatusCode};
use tokio::{net::TcpListener, sync::oneshot};
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt;

use super::{Health, Shown, registry, serve, telemetry};

/// A server of its own, that ends with the test.
struct Server {
    url: String,
    health: Health,
    _stop: oneshot::Sender<()>,
}

impl Server {
    async fn start(log_level: telemetry::LogLevel) -> Self {
        let health = Health::awaiting(["caches", "lease"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let shown = Shown { health: health.clone(), registry: Arc::new(registry()), log_level };
        tokio::spawn(serve(listener, shown, async { drop(stopped.await) }));
        Self { url, health, _stop: stop }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = Client::new().get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn put(&self, path: &str, body: &'static str) -> StatusCode {
        Client::new().put(format!("{}{path}", self.url)).body(body).send().await.unwrap().status()
    }
}

#[tokio::test]
async fn ready_when_every_part_is() {
    let server = Server::start(telemetry::reloadable(Level::INFO).1).await;
    assert_eq!(server.get("/livez").await.0, StatusCode::OK);
    assert_eq!(server.get("/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, "waiting for caches, lease".into()));
    server.health.set("caches", true);
    assert_eq!(server.get("/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, "waiting for lease".into()));
    server.health.set("lease", true);
    assert_eq!(server.get("/readyz").await, (StatusCode::OK, "ok".into()));
    server.health.set("caches", false);
    assert_eq!(server.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn metrics_name_the_version() {
    let server = Server::start(telemetry::reloadable(Level::INFO).1).await;
    let (status, text) = server.get("/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains(concat!("evercert_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1")), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn the_level_changes_for_our_own_lines_only() {
    let (filter, level) = telemetry::reloadable(Level::INFO);
    let server = Server::start(level).await;
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(filter));
    let detailed = || tracing::enabled!(target: "evercert::controller", Level::DEBUG);
    assert!(!detailed());
    assert_eq!(server.put("/log-level", "debug\n").await, StatusCode::OK);
    assert!(detailed());
    assert!(!tracing::enabled!(target: "hyper_util::client", Level::DEBUG));
    assert_eq!(server.put("/log-level", "evercert=trace").await, StatusCode::BAD_REQUEST);
    assert!(detailed());
    assert_eq!(server.put("/log-level", "error").await, StatusCode::OK);
    assert!(!tracing::enabled!(target: "evercert::controller", Level::WARN));
}

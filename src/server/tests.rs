#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use reqwest::{Client, Method, StatusCode, header};
use tokio::{net::TcpListener, sync::oneshot};
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt;

use super::{Health, Shown, files, registry, serve, telemetry};

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

#[tokio::test]
async fn a_file_is_answered_by_host_and_path_and_nothing_else_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let path = "/.well-known/pki-validation/fileauth.txt";
    let lookup =
        move |host: &str, asked: &str| (host == "shop.example.com" && asked == path).then(|| "token".to_owned());
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(files::serve(listener, Arc::new(lookup), async { drop(stopped.await) }));

    let ask = async |method: Method, host: &str, path: &str| {
        let request = Client::new().request(method, format!("{url}{path}")).header(header::HOST, host);
        let answer = request.send().await.unwrap();
        let kept = answer.headers().get(header::CACHE_CONTROL).map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), kept.unwrap_or_default(), answer.text().await.unwrap())
    };
    let told = |status: u16, kept: &str, text: &str| (status, kept.to_owned(), text.to_owned());
    let host = "shop.example.com";
    assert_eq!(ask(Method::GET, host, path).await, told(200, "no-store", "token"));
    assert_eq!(ask(Method::GET, host, &format!("{path}?a=b")).await, told(200, "no-store", "token"));
    assert_eq!(ask(Method::HEAD, host, path).await, told(200, "no-store", ""));
    for (host, path) in [("www.example.com", path), (host, "/.well-known/pki-validation/other.txt")] {
        assert_eq!(ask(Method::GET, host, path).await, told(404, "no-store", ""), "{host} {path}");
    }
    for path in ["/", "/.well-known/pki-validation/", "/.well-known/pki-validation/a/fileauth.txt", "/metrics"] {
        assert_eq!(ask(Method::GET, host, path).await, told(404, "", ""), "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        assert_eq!(ask(method.clone(), host, path).await, told(405, "", ""), "{method}");
    }
}

//! One HTTP exchange with a provider: sent once, bounded in time and size, told to whoever counts.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{ACCEPT, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Identity, Method, Response, StatusCode, Url, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::debug;

use super::lenient::is_id;
use super::limits::{Limiter, Shut};
use super::{CallError, CallObserver, Called, Health, Permit, Urgency};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than servers keep an idle connection, so that no order is lost on one just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// A page of a thousand orders is about 1 MiB.
const LONGEST_BODY: usize = 4 << 20;
/// Of the provider's words in an error.
const LONGEST_MESSAGE: usize = 256;
pub(super) const JSON: &str = "application/json";

/// What keeps a configuration from being used. Never tells a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("the API's URL cannot be used: {0}")]
    Url(String),
    #[error("{0} is empty or has characters no HTTP header can carry")]
    Credential(&'static str),
    #[error("the client certificate or its key cannot be read: both in PEM are needed")]
    ClientCertificate,
    #[error("the CA bundle holds no certificate in PEM")]
    CaBundle,
    #[error("the TLS client cannot be set up: {0}")]
    Tls(String),
}

/// One call of an API.
#[derive(Debug)]
pub(super) struct Endpoint<K> {
    /// As errors name it.
    pub name: &'static str,
    pub method: Method,
    /// Below the base URL, with `{…}` where an id goes.
    pub path: &'static str,
    /// What a call does: decides which error codes are certain.
    pub kind: K,
}

impl<K> Endpoint<K> {
    /// The path with its ids. They come from users and providers: `None` when one could change the path.
    pub fn path_with(&self, ids: &[&str]) -> Option<String> {
        let mut path = String::new();
        let (mut rest, mut ids) = (self.path, ids.iter());
        while let Some((before, hole)) = rest.split_once('{') {
            let id = ids.next().filter(|id| is_id(id) || is_serial(id) || is_name(id))?;
            path = path + before + id;
            rest = hole.split_once('}').map_or("", |(_, after)| after);
        }
        Some(path + rest)
    }

    pub fn not_sent(&self, message: impl Into<String>) -> CallError {
        CallError::NotSent { call: self.name, message: message.into() }
    }

    pub fn ambiguous(&self, message: impl Into<String>) -> CallError {
        CallError::Ambiguous { call: self.name, message: message.into() }
    }
}

/// Of a domain: labels that are ids, with dots between them.
fn is_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_id)
}

/// As some vendors write it: `0A:1B:…`.
fn is_serial(text: &str) -> bool {
    text.len() <= 128
        && text.split(':').all(|byte| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// A base URL that holds scheme, host and path alone.
pub(super) fn base_url(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|error| ConfigError::Url(error.to_string()))?;
    if url.host_str().is_none() {
        return Err(ConfigError::Url("no host".into()));
    }
    if !matches!(url.scheme(), "https" | "http") {
        return Err(ConfigError::Url("neither https nor http".into()));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(ConfigError::Url("only scheme, host and path belong here".into()));
    }
    Ok(url)
}

/// With the port when it is not the default.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What tells one credential from another, and tells nothing of it.
pub(super) fn fingerprint(parts: &[&str]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, parts.join("\n").as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What no error may show, should the other side echo it.
pub(super) struct Secrets(pub Vec<SecretString>);

impl Secrets {
    /// Fit for an error: short, on one line, and without a secret.
    pub fn presentable(&self, text: &str) -> String {
        let secrets = self.0.iter().flat_map(|secret| written(secret.expose_secret()));
        let secrets = secrets.filter(|secret| !secret.is_empty());
        let text = secrets.fold(text.to_owned(), |text, secret| text.replace(&secret, "[redacted]"));
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_MESSAGE).collect()
    }
}

/// As it is, and as it stands in JSON and in a form, which an answer may quote.
fn written(secret: &str) -> [String; 3] {
    let json = serde_json::Value::from(secret).to_string();
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default();
    let form = Url::parse_with_params("https://form.invalid", [("", secret)]).ok();
    let form = form.as_ref().and_then(Url::query).and_then(|query| query.strip_prefix('=')).unwrap_or_default();
    [secret, json, form].map(str::to_owned)
}

/// A 2xx.
pub(super) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Somebody else's page where JSON is due, as a gateway shows it.
    is_foreign: bool,
}

/// An answer that is not 2xx. A body that broke off is as good as none: the class falls to Ambiguous.
pub(super) struct Refusal {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

pub(super) struct Transport {
    provider: &'static str,
    http: reqwest::Client,
    limiter: Arc<Limiter>,
    observer: CallObserver,
    pub timeout: Duration,
}

/// What a transport is made of.
pub(super) struct Setup<'a> {
    /// As metrics name it.
    pub provider: &'static str,
    /// The only roots trusted, instead of the system's.
    pub ca_bundle_pem: Option<&'a str>,
    pub identity: Option<Identity>,
    pub limiter: Arc<Limiter>,
    pub observer: CallObserver,
    /// Of one call, from connecting to the last byte.
    pub call_timeout: Duration,
}

impl Transport {
    pub fn new(setup: Setup<'_>) -> Result<Self, ConfigError> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("evercert/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(setup.call_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT);
        if let Some(pem) = setup.ca_bundle_pem {
            let roots = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| ConfigError::CaBundle)?;
            if roots.is_empty() {
                return Err(ConfigError::CaBundle);
            }
            http = http.tls_certs_only(roots);
        }
        if let Some(identity) = setup.identity {
            http = http.identity(identity);
        }
        Ok(Self {
            provider: setup.provider,
            http: http.build().map_err(|error| ConfigError::Tls(causes(&error)))?,
            limiter: setup.limiter,
            observer: setup.observer,
            timeout: setup.call_timeout,
        })
    }

    pub async fn permit(&self, urgency: Urgency) -> Result<Permit, CallError> {
        self.limiter.permit(urgency).await.map_err(|shut| not_sent("submission", shut))
    }

    /// Room for a call that may be repeated, waited for no longer than for an answer.
    pub async fn room(&self, call: &'static str) -> Result<Permit, CallError> {
        self.within(call, self.limiter.follow_up()).await
    }

    /// The same for a call that finds out whether an account serves again.
    pub async fn probe(&self, call: &'static str) -> Result<Permit, CallError> {
        self.within(call, self.limiter.probe()).await
    }

    /// Whether a call may still be made: its permit may be older than the last of the errors that ended all calls.
    pub fn open(&self, call: &'static str) -> Result<(), CallError> {
        self.limiter.open().map_err(|shut| not_sent(call, shut))
    }

    async fn within(
        &self,
        call: &'static str,
        permit: impl Future<Output = Result<Permit, Shut>>,
    ) -> Result<Permit, CallError> {
        let limited = |after| CallError::RateLimited { call, after };
        if let Some(pause) = self.limiter.paused_for().filter(|pause| *pause > self.timeout) {
            return Err(limited(Some(pause)));
        }
        match tokio::time::timeout(self.timeout, permit).await {
            Ok(permit) => permit.map_err(|shut| not_sent(call, shut)),
            Err(_) => Err(limited(self.limiter.paused_for())),
        }
    }

    pub fn request(&self, method: &Method, url: impl reqwest::IntoUrl) -> reqwest::RequestBuilder {
        self.http.request(method.clone(), url)
    }

    /// The exchange itself, which nothing below repeats. `good` is what a 2xx tells of the account, and `classify` says
    /// what a refusal tells of it and proves.
    pub async fn exchange<K>(
        &self,
        endpoint: &'static Endpoint<K>,
        request: reqwest::RequestBuilder,
        secrets: &Secrets,
        good: Health,
        classify: impl FnOnce(&Refusal) -> (Health, CallError),
    ) -> Result<Reply, CallError> {
        let request = request.build().map_err(|error| endpoint.not_sent(causes(&error.without_url())))?;
        let started = Instant::now();
        let (account, result) = match self.send(endpoint, request, secrets, classify).await {
            Ok(reply) if reply.is_foreign => (Health::Fails, Ok(reply)),
            Ok(reply) => (good, Ok(reply)),
            Err((account, error)) => (account, Err(error)),
        };
        let took = started.elapsed();
        debug!(millis = took.as_millis(), "ended");
        let refused = matches!(result, Err(CallError::RateLimited { .. }));
        (self.observer)(&Called {
            provider: self.provider,
            method: endpoint.method.as_str(),
            endpoint: endpoint.path,
            took,
            result: result.as_ref().map(drop),
            account,
            pause: refused.then(|| self.limiter.paused_for()).flatten(),
        });
        result
    }

    async fn send<K>(
        &self,
        endpoint: &'static Endpoint<K>,
        request: reqwest::Request,
        secrets: &Secrets,
        classify: impl FnOnce(&Refusal) -> (Health, CallError),
    ) -> Result<Reply, (Health, CallError)> {
        let json = request.headers().get(ACCEPT).is_some_and(|accept| accept == JSON);
        let response = self.http.execute(request).await.map_err(|error| {
            let never_left = error.is_connect() || error.is_builder();
            let message = secrets.presentable(&causes(&error.without_url()));
            (Health::Fails, if never_left { endpoint.not_sent(message) } else { endpoint.ambiguous(message) })
        })?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        debug!(status = status.as_u16(), "answered");
        let headers = response.headers().clone();
        let body = body(response).await;
        if status.is_success() {
            self.limiter.answered();
            let broken = |message: String| (Health::Fails, endpoint.ambiguous(secrets.presentable(&message)));
            let body = body.map_err(broken)?;
            let is_foreign = json && !matches!(body.trim_ascii_start().first(), None | Some(b'{' | b'['));
            return Ok(Reply { status, headers, body, is_foreign });
        }
        let refusal = Refusal { status, headers, retry_after, body: body.unwrap_or_default() };
        let (account, error) = classify(&refusal);
        match &error {
            CallError::RateLimited { after, .. } => self.limiter.pause(*after),
            _ => self.limiter.answered(),
        }
        Err((account, error))
    }
}

fn not_sent(call: &'static str, Shut(message): Shut) -> CallError {
    CallError::NotSent { call, message }
}

async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST_BODY => {
                return Err(format!("the answer is longer than {LONGEST_BODY} bytes"));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(causes(&error.without_url())),
        }
    }
}

/// Seconds or a date (RFC 9110 §10.2.3).
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| {
        let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        date.duration_since(Timestamp::now()).try_into().ok()
    })
}

/// An error with what caused it: reqwest's own words stop at "error sending request".
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_secret_is_presentable() {
        let secrets = Secrets(vec!["S3CRET \\\"&".into(), "".into()]);
        for (said, shown) in [
            ("wrong: S3CRET \\\"&, again", "wrong: [redacted], again"),
            (r#"{"password":"S3CRET \\\"&"}"#, r#"{"password":"[redacted]"}"#),
            ("secret=S3CRET+%5C%22%26&id=1", "secret=[redacted]&id=1"),
            ("none  of\nit", "none of it"),
        ] {
            assert_eq!(secrets.presentable(said), shown);
        }
    }
}

//! One HTTP exchange with CertCentral: sent once, bounded in time and size, its failure classified.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Response, Url, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{Instrument, debug, debug_span};

use super::endpoints::Endpoint;
use super::errors::{self, Refusal};
use super::wire::is_id;
use super::{ConfigError, DigiCertConfig};
use crate::provider::limits::Limiter;
use crate::provider::{CallError, CallObserver, Called, Permit, Urgency};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than servers keep an idle connection, so that no order is lost on one just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// A page of a thousand orders is about 1 MiB.
const LONGEST_BODY: usize = 4 << 20;
/// Of the provider's words in an error.
const LONGEST_MESSAGE: usize = 256;

pub(super) struct Client {
    http: reqwest::Client,
    /// Without a final slash.
    base: String,
    pub host: String,
    key: SecretString,
    /// A hash of base URL and key.
    pub credential: String,
    limiter: Arc<Limiter>,
    observer: CallObserver,
    timeout: Duration,
}

/// What to send where.
pub(super) struct Call<'a> {
    endpoint: &'static Endpoint,
    /// Fills the `{…}` of the endpoint's path.
    id: Option<&'a str>,
    query: Vec<(&'static str, String)>,
    /// JSON.
    body: Option<serde_json::Value>,
    accept: &'static str,
}

impl<'a> Call<'a> {
    pub fn new(endpoint: &'static Endpoint) -> Self {
        Self { endpoint, id: None, query: Vec::new(), body: None, accept: "application/json" }
    }

    pub fn of(endpoint: &'static Endpoint, id: &'a str) -> Self {
        Self { id: Some(id), ..Self::new(endpoint) }
    }

    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub fn json(mut self, body: serde_json::Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn accept(mut self, types: &'static str) -> Self {
        self.accept = types;
        self
    }
}

/// A 2xx.
pub(super) struct Answer {
    call: &'static str,
    pub body: Vec<u8>,
}

impl Answer {
    /// An empty body reads as an empty object; anything that is not JSON leaves the outcome open.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        let bytes = if self.body.trim_ascii().is_empty() { b"{}" } else { self.body.as_slice() };
        // By way of a value: a repeated key is no reason to distrust the rest.
        serde_json::from_slice::<serde_json::Value>(bytes)
            .and_then(serde_json::from_value)
            .map_err(|_| self.unreadable("the answer is not the JSON that was expected"))
    }

    pub fn unreadable(&self, message: impl Into<String>) -> CallError {
        CallError::Ambiguous { call: self.call, message: message.into() }
    }
}

/// What tells one credential from another.
fn credential(url: &Url, key: &SecretString) -> String {
    let text = format!("{url}\n{}", key.expose_secret());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Client {
    pub fn new(config: &DigiCertConfig) -> Result<Self, ConfigError> {
        let url = Url::parse(&config.base_url).map_err(|error| ConfigError::Url(error.to_string()))?;
        let host = url.host_str().ok_or_else(|| ConfigError::Url("no host".into()))?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        if !matches!(url.scheme(), "https" | "http") {
            return Err(ConfigError::Url("neither https nor http".into()));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(ConfigError::Url("only scheme, host and path belong here".into()));
        }
        if HeaderValue::from_str(config.api_key.expose_secret()).is_err() || config.api_key.expose_secret().is_empty() {
            return Err(ConfigError::ApiKey);
        }
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("evercert/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(config.call_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT);
        if let Some(pem) = &config.ca_bundle_pem {
            let roots = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| ConfigError::CaBundle)?;
            if roots.is_empty() {
                return Err(ConfigError::CaBundle);
            }
            http = http.tls_certs_only(roots);
        }
        Ok(Self {
            http: http.build().map_err(|error| ConfigError::Tls(causes(&error)))?,
            base: url.as_str().trim_end_matches('/').to_owned(),
            host,
            credential: credential(&url, &config.api_key),
            key: config.api_key.clone(),
            limiter: config.limiter.clone(),
            observer: config.observer.clone(),
            timeout: config.call_timeout,
        })
    }

    pub async fn permit(&self, urgency: Urgency) -> Permit {
        self.limiter.permit(urgency).await
    }

    /// A call that may be repeated. Waits for a permit no longer than for an answer.
    pub async fn call(&self, call: Call<'_>) -> Result<Answer, CallError> {
        let name = call.endpoint.name;
        let limited = |after| CallError::RateLimited { call: name, after };
        if let Some(pause) = self.limiter.paused_for().filter(|pause| *pause > self.timeout) {
            return Err(limited(Some(pause)));
        }
        match tokio::time::timeout(self.timeout, self.limiter.permit(Urgency::Normal)).await {
            Ok(permit) => self.call_once(call, permit, self.timeout).await,
            Err(_) => Err(limited(self.limiter.paused_for())),
        }
    }

    /// The call itself, which nothing below repeats.
    pub async fn call_once(&self, call: Call<'_>, permit: Permit, timeout: Duration) -> Result<Answer, CallError> {
        let endpoint = call.endpoint;
        let span = debug_span!("certcentral", call = endpoint.name, method = %endpoint.method, path = endpoint.path);
        self.exchange(call, permit, timeout).instrument(span).await
    }

    async fn exchange(&self, call: Call<'_>, _spent: Permit, timeout: Duration) -> Result<Answer, CallError> {
        let endpoint = call.endpoint;
        let request = self.request(call, timeout)?;
        let started = Instant::now();
        let result = self.send(endpoint, request).await;
        let took = started.elapsed();
        debug!(millis = took.as_millis(), "ended");
        let refused = matches!(result, Err(CallError::RateLimited { .. }));
        (self.observer)(&Called {
            provider: "digicert",
            method: endpoint.method.as_str(),
            endpoint: endpoint.path,
            took,
            result: result.as_ref().map(drop),
            pause: refused.then(|| self.limiter.paused_for()).flatten(),
        });
        result
    }

    async fn send(&self, endpoint: &'static Endpoint, request: reqwest::Request) -> Result<Answer, CallError> {
        let sent = self.http.execute(request).await;
        let response = sent.map_err(|error| self.transport_error(endpoint, error))?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        debug!(status = status.as_u16(), "answered");
        let body = self.body(endpoint, response).await;
        if status.is_success() {
            self.limiter.answered();
            return Ok(Answer { call: endpoint.name, body: body? });
        }
        // What cannot be read of a refusal is as good as nothing: the class falls to Ambiguous.
        let refusal = Refusal { endpoint, status, retry_after, body: body.unwrap_or_default() };
        let error = errors::classify(&refusal, |text| self.presentable(text));
        match &error {
            CallError::RateLimited { after, .. } => self.limiter.pause(*after),
            _ => self.limiter.answered(),
        }
        Err(error)
    }

    fn request(&self, call: Call<'_>, timeout: Duration) -> Result<reqwest::Request, CallError> {
        let endpoint = call.endpoint;
        let url = format!("{}/{}", self.base, path(endpoint, call.id)?);
        let mut key = HeaderValue::from_str(self.key.expose_secret())
            .map_err(|_| not_sent(endpoint, "the API key does not fit into a header"))?;
        key.set_sensitive(true);
        let request = self
            .http
            .request(endpoint.method.clone(), url)
            .timeout(timeout)
            .header("X-DC-DEVKEY", key)
            .header(ACCEPT, call.accept);
        let request = if call.query.is_empty() { request } else { request.query(&call.query) };
        let request = match call.body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.to_string()),
            // CertCentral Services API, *Request headers*: every request that may have a body carries its length.
            None if endpoint.method != reqwest::Method::GET => request.header(CONTENT_LENGTH, "0"),
            None => request,
        };
        request.build().map_err(|error| not_sent(endpoint, causes(&error.without_url())))
    }

    async fn body(&self, endpoint: &'static Endpoint, mut response: Response) -> Result<Vec<u8>, CallError> {
        let ambiguous = |message: String| CallError::Ambiguous { call: endpoint.name, message };
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST_BODY => {
                    return Err(ambiguous(format!("the answer is longer than {LONGEST_BODY} bytes")));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body),
                Err(error) => return Err(ambiguous(self.presentable(&causes(&error.without_url())))),
            }
        }
    }

    fn transport_error(&self, endpoint: &'static Endpoint, error: reqwest::Error) -> CallError {
        let never_left = error.is_connect() || error.is_builder();
        let message = self.presentable(&causes(&error.without_url()));
        match never_left {
            true => CallError::NotSent { call: endpoint.name, message },
            false => CallError::Ambiguous { call: endpoint.name, message },
        }
    }

    /// Fit for an error: short, on one line, and without the key should the other side echo it.
    fn presentable(&self, text: &str) -> String {
        let text = text.replace(self.key.expose_secret(), "[redacted]");
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_MESSAGE).collect()
    }
}

/// The endpoint's path with its id. Ids come from users and providers: one that could change the path is refused.
fn path(endpoint: &'static Endpoint, id: Option<&str>) -> Result<String, CallError> {
    let Some((before, hole)) = endpoint.path.split_once('{') else { return Ok(endpoint.path.to_owned()) };
    let after = hole.split_once('}').map_or("", |(_, after)| after);
    let id = id.filter(|id| is_id(id)).ok_or_else(|| errors::bad_id(endpoint.name))?;
    Ok(format!("{before}{id}{after}"))
}

fn not_sent(endpoint: &Endpoint, message: impl Into<String>) -> CallError {
    CallError::NotSent { call: endpoint.name, message: message.into() }
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

//! A call of the SCM Admin API: authenticated, sent once, its failure classified.

use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument, debug_span};

use super::credentials::Login;
use super::endpoints::Endpoint;
use super::errors;
use super::version::ApiVersion;
use super::{ConfigError, SectigoConfig};
use crate::provider::transport::{JSON, Refusal, Reply, Secrets, Setup, Transport, base_url, fingerprint};
use crate::provider::{CallError, Health, Permit, Urgency};

/// Rows of a page: the most there can be (*List SSL certificates*, `size`).
const PAGE: usize = 200;
/// More than that is not looked through.
const MOST_PAGES: usize = 25;

pub(super) struct Client {
    transport: Transport,
    /// Without a final slash.
    base: String,
    pub host: String,
    pub version: ApiVersion,
    login: Login,
    secrets: Vec<SecretString>,
    /// A hash of base URL and credentials.
    pub credential: String,
}

/// What to send where.
pub(super) struct Call<'a> {
    endpoint: &'static Endpoint,
    /// Fill the `{…}` of the endpoint's path, the version aside.
    ids: Vec<&'a str>,
    query: Vec<(&'static str, String)>,
    body: Option<(&'static str, Vec<u8>)>,
    accept: &'static str,
    /// What of the body no error may show.
    secrets: Vec<SecretString>,
}

impl<'a> Call<'a> {
    pub fn new(endpoint: &'static Endpoint) -> Self {
        Self { endpoint, ids: Vec::new(), query: Vec::new(), body: None, accept: JSON, secrets: Vec::new() }
    }

    pub fn of(endpoint: &'static Endpoint, id: &'a str) -> Self {
        Self::new(endpoint).and(id)
    }

    /// One more id in the path.
    pub fn and(mut self, id: &'a str) -> Self {
        self.ids.push(id);
        self
    }

    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.body(JSON, body.to_string())
    }

    pub fn body(mut self, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some((content_type, body.into()));
        self
    }

    pub fn hiding(mut self, secret: Option<&SecretString>) -> Self {
        self.secrets.extend(secret.cloned());
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
    status: StatusCode,
    headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn is_empty(&self) -> bool {
        self.body.trim_ascii().is_empty()
    }

    /// 204.
    pub fn is_no_content(&self) -> bool {
        self.status == StatusCode::NO_CONTENT
    }

    /// An object. Gateways have been seen to answer nothing, or plain text, where JSON is due: that proves nothing.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        // By way of a value: a repeated key is no reason to distrust the rest.
        let read = serde_json::from_slice::<Value>(&self.body).ok().filter(Value::is_object);
        read.and_then(|object| serde_json::from_value(object).ok())
            .ok_or_else(|| self.unreadable("the answer is not the JSON that was expected"))
    }

    /// A list, whole: what is missing from it counts as not there.
    pub fn list<T: DeserializeOwned>(&self) -> Result<Vec<T>, CallError> {
        let read = serde_json::from_slice::<Value>(&self.body).ok();
        read.and_then(|list| serde_json::from_value(list).ok())
            .ok_or_else(|| self.unreadable("the answer is not the list that was expected"))
    }

    /// `X-Total-Count`.
    pub fn total(&self) -> Option<usize> {
        self.headers.get("X-Total-Count")?.to_str().ok()?.trim().parse().ok()
    }

    /// The id at the end of the header `Location`.
    pub fn created(&self) -> Result<String, CallError> {
        let location = self.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let id = location.and_then(|text| text.trim_end_matches('/').rsplit('/').next());
        let id = id.filter(|id| crate::provider::lenient::is_id(id));
        id.map(str::to_owned).ok_or_else(|| self.unreadable("the answer does not say what was created"))
    }

    pub fn unreadable(&self, message: impl Into<String>) -> CallError {
        CallError::Ambiguous { call: self.call, message: message.into() }
    }
}

impl Client {
    pub fn new(config: &SectigoConfig) -> Result<Self, ConfigError> {
        let url = base_url(&config.base_url)?;
        let transport = Transport::new(Setup {
            provider: "sectigo",
            ca_bundle_pem: config.ca_bundle_pem.as_deref(),
            identity: config.credentials.identity()?,
            limiter: config.limiter.clone(),
            observer: config.observer.clone(),
            call_timeout: config.call_timeout,
        })?;
        let [kind, who, secret] = config.credentials.parts();
        Ok(Self {
            transport,
            base: url.as_str().trim_end_matches('/').to_owned(),
            host: super::account::instance(&url),
            version: config.api_version,
            login: config.credentials.login(&config.customer_uri)?,
            secrets: config.credentials.secrets(),
            credential: fingerprint(&[url.as_str(), kind, &config.customer_uri, who, secret]),
        })
    }

    pub async fn permit(&self, urgency: Urgency) -> Result<Permit, CallError> {
        self.transport.permit(urgency).await
    }

    /// A call that may be repeated: it is, once, when the API does not take its token any more.
    pub async fn call(&self, call: Call<'_>) -> Result<Answer, CallError> {
        let permit = self.transport.room(call.endpoint.name).await?;
        self.call_with(permit, call).await
    }

    /// The same, to find out whether an account serves again that is not called otherwise.
    pub async fn probe(&self, call: Call<'_>) -> Result<Answer, CallError> {
        let permit = self.transport.probe(call.endpoint.name).await?;
        self.call_with(permit, call).await
    }

    async fn call_with(&self, permit: Permit, call: Call<'_>) -> Result<Answer, CallError> {
        match self.exchange(&call, permit, self.transport.timeout).await {
            Err(Failed { token_refused: true, .. }) => {
                let permit = self.transport.room(call.endpoint.name).await?;
                self.exchange(&call, permit, self.transport.timeout).await
            }
            other => other,
        }
        .map_err(|failed| failed.error)
    }

    /// Every row of a list, a page at a time. More than can be looked through is an error, never less.
    pub async fn rows<'a, T: DeserializeOwned>(
        &self,
        endpoint: &'static Endpoint,
        narrowed: impl Fn(Call<'a>) -> Call<'a>,
    ) -> Result<Vec<T>, CallError> {
        let mut rows: Vec<T> = Vec::new();
        for _ in 0..MOST_PAGES {
            let call = Call::new(endpoint).query("size", PAGE.to_string()).query("position", rows.len().to_string());
            let answer = self.call(narrowed(call)).await?;
            let page: Vec<T> = answer.list()?;
            let (short, nothing) = (page.len() < PAGE, page.is_empty());
            rows.extend(page);
            match answer.total() {
                // Whoever takes no notice of the size may answer any number.
                _ if rows.len() > PAGE * MOST_PAGES => break,
                Some(total) if rows.len() >= total => return Ok(rows),
                Some(_) if nothing => return Err(answer.unreadable("the list ends before its own count")),
                None if short => return Ok(rows),
                _ => {}
            }
        }
        Err(endpoint.ambiguous("more match than are looked through"))
    }

    /// The call itself, which nothing below repeats: not for a token either.
    pub async fn call_once(&self, call: Call<'_>, permit: Permit, timeout: Duration) -> Result<Answer, CallError> {
        self.transport.open(call.endpoint.name)?;
        self.exchange(&call, permit, timeout).await.map_err(|failed| failed.error)
    }

    /// All of it, the token included, within the timeout.
    async fn exchange(&self, call: &Call<'_>, _spent: Permit, timeout: Duration) -> Result<Answer, Failed> {
        let endpoint = call.endpoint;
        let span = debug_span!("scm", call = endpoint.name, method = %endpoint.method, path = endpoint.path);
        async {
            let until = Instant::now() + timeout;
            let token = match &self.login {
                Login::OAuth2(tokens) => Some(tokens.get(&self.transport, until).await?),
                Login::Headers { .. } => None,
            };
            let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
            let left = left.ok_or_else(|| endpoint.not_sent("no time was left once there was an access token"))?;
            let request = self.request(call, token.as_ref(), left)?;
            let secrets = Secrets(self.secrets.iter().chain(&call.secrets).chain(&token).cloned().collect());
            let unauthorized = AtomicBool::new(false);
            let classify = |refusal: &Refusal| {
                unauthorized.store(refusal.status == StatusCode::UNAUTHORIZED, Ordering::Relaxed);
                let error = errors::classify(endpoint, refusal, |text| secrets.presentable(text));
                (errors::tells(refusal, &error), error)
            };
            let result = self.transport.exchange(endpoint, request, &secrets, Health::Serves, classify).await;
            match result {
                Ok(Reply { status, headers, body, .. }) => Ok(Answer { call: endpoint.name, status, headers, body }),
                Err(error) => {
                    let refused = token.filter(|_| unauthorized.load(Ordering::Relaxed));
                    if let (Login::OAuth2(tokens), Some(refused)) = (&self.login, &refused) {
                        tokens.forget(refused).await;
                    }
                    Err(Failed { error, token_refused: refused.is_some() })
                }
            }
        }
        .instrument(span)
        .await
    }

    fn request(
        &self,
        call: &Call<'_>,
        token: Option<&SecretString>,
        timeout: Duration,
    ) -> Result<reqwest::RequestBuilder, CallError> {
        let endpoint = call.endpoint;
        let versioned = endpoint.path.contains("{version}");
        let ids: Vec<&str> = versioned.then_some(self.version.path()).into_iter().chain(call.ids.clone()).collect();
        let path = endpoint.path_with(&ids).ok_or_else(|| errors::bad_id(endpoint.name))?;
        let request = self
            .transport
            .request(&endpoint.method, format!("{}/{path}", self.base))
            .timeout(timeout)
            .header(ACCEPT, call.accept);
        let request = self.login.sign(request, token).ok_or_else(|| endpoint.not_sent("there is no usable token"))?;
        let request = if call.query.is_empty() { request } else { request.query(&call.query) };
        Ok(match &call.body {
            Some((content_type, body)) => request.header(CONTENT_TYPE, *content_type).body(body.clone()),
            None if endpoint.method == Method::POST => request.header(CONTENT_LENGTH, "0"),
            None => request,
        })
    }
}

/// A call that failed, and whether a new token may help.
struct Failed {
    error: CallError,
    token_refused: bool,
}

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        Self { error, token_refused: false }
    }
}

//! A call of CertCentral: authenticated, sent once, its failure classified.

use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::time::Duration;
use tracing::{Instrument, debug_span};

use super::endpoints::Endpoint;
use super::{ConfigError, DigiCertConfig, errors};
use crate::provider::transport::{JSON, Secrets, Setup, Transport, base_url, fingerprint, host_of};
use crate::provider::{CallError, Health, Permit, Urgency};

pub(super) struct Client {
    transport: Transport,
    /// Without a final slash.
    base: String,
    pub host: String,
    key: SecretString,
    secrets: Secrets,
    /// A hash of base URL and key.
    pub credential: String,
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
        Self { endpoint, id: None, query: Vec::new(), body: None, accept: JSON }
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

impl Client {
    pub fn new(config: &DigiCertConfig) -> Result<Self, ConfigError> {
        let url = base_url(&config.base_url)?;
        let key = config.api_key.expose_secret();
        if HeaderValue::from_str(key).is_err() || key.is_empty() {
            return Err(ConfigError::Credential("the API key"));
        }
        let transport = Transport::new(Setup {
            provider: "digicert",
            ca_bundle_pem: config.ca_bundle_pem.as_deref(),
            identity: None,
            limiter: config.limiter.clone(),
            observer: config.observer.clone(),
            call_timeout: config.call_timeout,
        })?;
        Ok(Self {
            transport,
            base: url.as_str().trim_end_matches('/').to_owned(),
            host: host_of(&url),
            credential: fingerprint(&[url.as_str(), key]),
            key: config.api_key.clone(),
            secrets: Secrets(vec![config.api_key.clone()]),
        })
    }

    pub async fn permit(&self, urgency: Urgency) -> Result<Permit, CallError> {
        self.transport.permit(urgency).await
    }

    /// A call that may be repeated.
    pub async fn call(&self, call: Call<'_>) -> Result<Answer, CallError> {
        let permit = self.transport.room(call.endpoint.name).await?;
        self.exchange(call, permit, self.transport.timeout).await
    }

    /// The same, to find out whether an account serves again that is not called otherwise.
    pub async fn probe(&self, call: Call<'_>) -> Result<Answer, CallError> {
        let permit = self.transport.probe(call.endpoint.name).await?;
        self.exchange(call, permit, self.transport.timeout).await
    }

    /// The call itself, which nothing below repeats.
    pub async fn call_once(&self, call: Call<'_>, permit: Permit, timeout: Duration) -> Result<Answer, CallError> {
        self.transport.open(call.endpoint.name)?;
        self.exchange(call, permit, timeout).await
    }

    async fn exchange(&self, call: Call<'_>, _spent: Permit, timeout: Duration) -> Result<Answer, CallError> {
        let endpoint = call.endpoint;
        let span = debug_span!("certcentral", call = endpoint.name, method = %endpoint.method, path = endpoint.path);
        let request = self.request(call, timeout)?;
        let classify = |refusal: &_| {
            let error = errors::classify(endpoint, refusal, |text| self.secrets.presentable(text));
            (errors::tells(refusal, &error), error)
        };
        let exchange = self.transport.exchange(endpoint, request, &self.secrets, Health::Serves, classify);
        Ok(Answer { call: endpoint.name, body: exchange.instrument(span).await?.body })
    }

    fn request(&self, call: Call<'_>, timeout: Duration) -> Result<reqwest::RequestBuilder, CallError> {
        let endpoint = call.endpoint;
        let path = endpoint.path_with(call.id.as_slice()).ok_or_else(|| errors::bad_id(endpoint.name))?;
        let mut key = HeaderValue::from_str(self.key.expose_secret())
            .map_err(|_| endpoint.not_sent("the API key does not fit into a header"))?;
        key.set_sensitive(true);
        let request = self
            .transport
            .request(&endpoint.method, format!("{}/{path}", self.base))
            .timeout(timeout)
            .header("X-DC-DEVKEY", key)
            .header(ACCEPT, call.accept);
        let request = if call.query.is_empty() { request } else { request.query(&call.query) };
        Ok(match call.body {
            Some(body) => request.header(CONTENT_TYPE, JSON).body(body.to_string()),
            // CertCentral Services API, *Request headers*: every request that may have a body carries its length.
            None if endpoint.method != reqwest::Method::GET => request.header(CONTENT_LENGTH, "0"),
            None => request,
        })
    }
}

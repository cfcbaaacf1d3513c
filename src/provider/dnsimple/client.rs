//! A call of DNSimple's API: authenticated, sent once, its failure classified.

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use tracing::{Instrument, debug_span};

use super::endpoints::Endpoint;
use super::{AccountConfig, ConfigError, errors};
use crate::provider::lenient::{lenient, number};
use crate::provider::transport::{JSON, Secrets, Setup, Transport, base_url, fingerprint, host_of};
use crate::provider::{CallError, Health, Permit, Urgency};

/// Rows of a page: the most there can be (DNSimple API v2, *Pagination*).
const PAGE: usize = 100;
/// More than that is not looked through.
const MOST_PAGES: usize = 50;

pub(super) struct Client {
    transport: Transport,
    /// Without a final slash.
    base: String,
    pub host: String,
    /// As it stands in paths.
    pub account_id: String,
    token: SecretString,
    /// A hash of base URL, account and token.
    pub credential: String,
}

/// What to send where.
pub(super) struct Call<'a> {
    pub endpoint: &'static Endpoint,
    /// Fill the `{…}` of the endpoint's path, the account aside.
    ids: Vec<&'a str>,
    query: Vec<(&'static str, String)>,
    /// JSON.
    body: Option<Value>,
    /// What of the body no error may show.
    secret: Option<SecretString>,
}

impl<'a> Call<'a> {
    pub fn new(endpoint: &'static Endpoint) -> Self {
        Self { endpoint, ids: Vec::new(), query: Vec::new(), body: None, secret: None }
    }

    /// Of a domain or zone, by its name.
    pub fn of(endpoint: &'static Endpoint, name: &'a str) -> Self {
        Self::new(endpoint).and(name)
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

    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn hiding(mut self, secret: &SecretString) -> Self {
        self.secret = Some(secret.clone());
        self
    }
}

/// A 2xx.
pub(super) struct Answer {
    call: &'static str,
    body: Vec<u8>,
}

/// Every answer with a body.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
    #[serde(default, deserialize_with = "lenient")]
    pagination: Pagination,
}

/// Missing where a list is not paginated.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Pagination {
    #[serde(deserialize_with = "number")]
    total_pages: Option<u64>,
    #[serde(deserialize_with = "number")]
    total_entries: Option<u64>,
}

impl Answer {
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        self.envelope().map(|envelope| envelope.data)
    }

    /// By way of a value: a repeated key is no reason to distrust the rest.
    fn envelope<T: DeserializeOwned>(&self) -> Result<Envelope<T>, CallError> {
        let read = serde_json::from_slice::<Value>(&self.body).ok();
        read.and_then(|value| serde_json::from_value(value).ok())
            .ok_or_else(|| self.unreadable("the answer is not the JSON that was expected"))
    }

    pub fn unreadable(&self, message: impl Into<String>) -> CallError {
        CallError::Ambiguous { call: self.call, message: message.into() }
    }
}

impl Client {
    pub fn new(config: &AccountConfig) -> Result<Self, ConfigError> {
        let url = base_url(&config.base_url)?;
        let account_id = config.account_id.to_string();
        let token = config.token.expose_secret();
        if token.is_empty() || HeaderValue::from_str(token).is_err() {
            return Err(ConfigError::Credential("the API access token"));
        }
        let transport = Transport::new(Setup {
            provider: "dnsimple",
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
            credential: fingerprint(&[url.as_str(), &account_id, token]),
            account_id,
            token: config.token.clone(),
        })
    }

    pub async fn permit(&self, urgency: Urgency) -> Result<Permit, CallError> {
        self.transport.permit(urgency).await
    }

    /// Room for a call about what has begun.
    pub async fn room(&self, endpoint: &Endpoint) -> Result<Permit, CallError> {
        self.transport.room(endpoint.name).await
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

    /// Every row of a list, a page at a time. More than can be looked through is an error, never less.
    pub async fn rows<'a, T: DeserializeOwned>(&self, call: impl Fn() -> Call<'a>) -> Result<Vec<T>, CallError> {
        let mut rows: Vec<T> = Vec::new();
        for page in 1..=MOST_PAGES {
            let asked = call().query("page", page.to_string()).query("per_page", PAGE.to_string());
            let answer = self.call(asked).await?;
            let Envelope { data, pagination } = answer.envelope::<Vec<T>>()?;
            rows.extend(data);
            // Whoever takes no notice of `per_page` may answer any number.
            if rows.len() > PAGE * MOST_PAGES {
                break;
            }
            if pagination.total_pages.is_none_or(|pages| pages <= page as u64) {
                let whole = pagination.total_entries.is_none_or(|entries| entries <= rows.len() as u64);
                return if whole { Ok(rows) } else { Err(answer.unreadable("the list ends before its own count")) };
            }
        }
        Err(call().endpoint.ambiguous("more match than are looked through"))
    }

    async fn exchange(&self, call: Call<'_>, _spent: Permit, timeout: Duration) -> Result<Answer, CallError> {
        let endpoint = call.endpoint;
        let span = debug_span!("dnsimple", call = endpoint.name, method = %endpoint.method, path = endpoint.path);
        let secrets = Secrets(call.secret.iter().chain([&self.token]).cloned().collect());
        let request = self.request(call, timeout)?;
        let classify = |refusal: &_| {
            let error = errors::classify(endpoint, refusal, |text| secrets.presentable(text));
            (errors::tells(endpoint, refusal, &error), error)
        };
        let exchange = self.transport.exchange(endpoint, request, &secrets, Health::Serves, classify);
        Ok(Answer { call: endpoint.name, body: exchange.instrument(span).await?.body })
    }

    fn request(&self, call: Call<'_>, timeout: Duration) -> Result<reqwest::RequestBuilder, CallError> {
        let endpoint = call.endpoint;
        let in_account = endpoint.path.contains("{account}").then_some(self.account_id.as_str());
        let ids: Vec<&str> = in_account.into_iter().chain(call.ids).collect();
        let path = endpoint.path_with(&ids).ok_or_else(|| errors::bad_id(endpoint.name))?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.token.expose_secret()))
            .map_err(|_| endpoint.not_sent("the API access token does not fit into a header"))?;
        bearer.set_sensitive(true);
        let request = self
            .transport
            .request(&endpoint.method, format!("{}/{path}", self.base))
            .timeout(timeout)
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, JSON);
        let request = if call.query.is_empty() { request } else { request.query(&call.query) };
        Ok(match call.body {
            Some(body) => request.header(CONTENT_TYPE, JSON).body(body.to_string()),
            // DNSimple API v2, *Media types*: also where there is nothing to say.
            None if endpoint.method == Method::POST => request.header(CONTENT_TYPE, JSON).header(CONTENT_LENGTH, "0"),
            None => request,
        })
    }
}

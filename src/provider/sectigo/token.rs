//! Access tokens of OAuth 2.0 client credentials: asked for when needed, and anew before they expire.

use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::endpoints::TOKEN;
use super::errors;
use super::wire::AccessToken;
use crate::provider::transport::{Secrets, Transport};
use crate::provider::{CallError, Health};

/// When the server does not say how long (RFC 6749 §5.1 lets it).
const UNTOLD: Duration = Duration::from_secs(60);
/// A token is not used this close to its end: a call may take a while. At most a tenth of its life.
const MARGIN: Duration = Duration::from_secs(60);
/// No token is used for longer, whatever the server says: a clock can only be set so far.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

pub(super) struct Tokens {
    url: Url,
    client_id: String,
    client_secret: SecretString,
    /// Held while a new one is asked for: who waits shares it.
    current: Mutex<Option<Token>>,
}

struct Token {
    value: SecretString,
    use_until: Instant,
}

impl Tokens {
    pub fn new(url: Url, client_id: String, client_secret: SecretString) -> Self {
        Self { url, client_id, client_secret, current: Mutex::new(None) }
    }

    /// A token that lives, before it is too late to use it. Nothing is sent to the API before there is one.
    pub async fn get(&self, transport: &Transport, until: Instant) -> Result<SecretString, CallError> {
        let late = || TOKEN.not_sent("no time was left to ask for an access token");
        let mut current = timeout_at(until, self.current.lock()).await.map_err(|_| late())?;
        if let Some(token) = current.as_ref().filter(|token| Instant::now() < token.use_until) {
            return Ok(token.value.clone());
        }
        let asked = Instant::now();
        let left = until.checked_duration_since(asked).filter(|left| !left.is_zero()).ok_or_else(late)?;
        let (value, life) = self.ask(transport, left).await?;
        *current = Some(Token { value: value.clone(), use_until: asked + life - MARGIN.min(life / 10) });
        Ok(value)
    }

    /// The API does not take this token any more.
    pub async fn forget(&self, refused: &SecretString) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|token| token.value.expose_secret() == refused.expose_secret()) {
            *current = None;
        }
    }

    async fn ask(&self, transport: &Transport, timeout: Duration) -> Result<(SecretString, Duration), CallError> {
        let secrets = Secrets(vec![self.client_secret.clone()]);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose_secret()),
        ];
        // As a query is encoded, so is a form (RFC 6749, Appendix B).
        let encoded = Url::parse_with_params("https://form.invalid", form).ok();
        let encoded = encoded.as_ref().and_then(Url::query).unwrap_or_default().to_owned();
        let request = transport
            .request(&TOKEN.method, self.url.clone())
            .timeout(timeout)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(encoded);
        // A token says nothing of the API behind it, its lack does.
        let refused = |refusal: &_| {
            let error = errors::classify_token(refusal, |text| secrets.presentable(text));
            let limited = matches!(error, CallError::RateLimited { .. });
            (if limited { Health::Untold } else { Health::Fails }, error)
        };
        // The API itself was not called, whatever became of this.
        let reply =
            transport.exchange(&TOKEN, request, &secrets, Health::Untold, refused).await.map_err(
                |error| match error {
                    CallError::Ambiguous { call, message } => CallError::NotSent { call, message },
                    certain => certain,
                },
            )?;
        let token: AccessToken = serde_json::from_slice(&reply.body).unwrap_or_default();
        let value = token.access_token.ok_or_else(|| TOKEN.not_sent("the answer holds no access token"))?;
        Ok((value.into(), token.expires_in.map_or(UNTOLD, Duration::from_secs).min(LONGEST)))
    }
}

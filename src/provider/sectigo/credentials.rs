//! Who calls, and how the API is told.

use reqwest::header::HeaderValue;
use reqwest::{Identity, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};

use super::token::Tokens;
use crate::provider::ConfigError;
use crate::provider::transport::base_url;

/// "Getting started with the Sectigo Admin API": three ways in.
pub enum Credentials {
    /// Headers `login`, `password` and `customerUri`, at `https://cert-manager.com/api`.
    Password { login: String, password: SecretString },
    /// Headers `login` and `customerUri`, and a TLS client certificate, at `https://cert-manager.com/private/api`.
    ClientCertificate { login: String, certificate_pem: String, key_pem: SecretString },
    /// OAuth 2.0 client credentials (RFC 6749 §4.4), at `https://admin.enterprise.sectigo.com/api`.
    OAuth2 { token_url: String, client_id: String, client_secret: SecretString },
}

/// Credentials ready for use.
pub(super) enum Login {
    Headers { login: HeaderValue, password: Option<HeaderValue>, customer_uri: HeaderValue },
    OAuth2(Tokens),
}

impl Credentials {
    pub(super) fn login(&self, customer_uri: &str) -> Result<Login, ConfigError> {
        let customer_uri = header(customer_uri, "the customer URI")?;
        Ok(match self {
            Self::Password { login, password } => Login::Headers {
                login: header(login, "the login")?,
                password: Some(sensitive(header(password.expose_secret(), "the password")?)),
                customer_uri,
            },
            Self::ClientCertificate { login, .. } => {
                Login::Headers { login: header(login, "the login")?, password: None, customer_uri }
            }
            Self::OAuth2 { token_url, client_id, client_secret } => {
                header(client_id, "the client id")?;
                header(client_secret.expose_secret(), "the client secret")?;
                let url: Url = base_url(token_url)?;
                Login::OAuth2(Tokens::new(url, client_id.clone(), client_secret.clone()))
            }
        })
    }

    pub(super) fn identity(&self) -> Result<Option<Identity>, ConfigError> {
        let Self::ClientCertificate { certificate_pem, key_pem, .. } = self else { return Ok(None) };
        let pem = format!("{}\n{}\n", key_pem.expose_secret().trim(), certificate_pem.trim());
        Identity::from_pem(pem.as_bytes()).map(Some).map_err(|_| ConfigError::ClientCertificate)
    }

    /// Never to be shown.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        match self {
            Self::Password { password, .. } => vec![password.clone()],
            Self::ClientCertificate { key_pem, .. } => vec![key_pem.clone()],
            Self::OAuth2 { client_secret, .. } => vec![client_secret.clone()],
        }
    }

    /// What tells this credential from others.
    pub(super) fn parts(&self) -> [&str; 3] {
        match self {
            Self::Password { login, password } => ["password", login, password.expose_secret()],
            Self::ClientCertificate { login, certificate_pem, .. } => ["certificate", login, certificate_pem],
            Self::OAuth2 { client_id, client_secret, .. } => ["oauth2", client_id, client_secret.expose_secret()],
        }
    }
}

impl Login {
    /// With the token, where there is one.
    pub fn sign(&self, request: RequestBuilder, token: Option<&SecretString>) -> Option<RequestBuilder> {
        Some(match self {
            Self::Headers { login, password, customer_uri } => {
                let request = request.header("login", login).header("customerUri", customer_uri);
                match password {
                    Some(password) => request.header("password", password),
                    None => request,
                }
            }
            Self::OAuth2(_) => {
                let bearer = HeaderValue::try_from(format!("Bearer {}", token?.expose_secret())).ok()?;
                request.header("Authorization", sensitive(bearer))
            }
        })
    }
}

fn header(text: &str, what: &'static str) -> Result<HeaderValue, ConfigError> {
    let value = HeaderValue::from_str(text).map_err(|_| ConfigError::Credential(what))?;
    if text.is_empty() { Err(ConfigError::Credential(what)) } else { Ok(value) }
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

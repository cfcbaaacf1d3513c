//! Clients of Sectigo Certificate Manager.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::{Accounts, Built, endpoint, invalid, not_allowed, not_found, rate_limit};
use crate::{
    api::issuer::{self as api, SecretKeyRef, SectigoApiVersion, SectigoAuth, SectigoValidation},
    controller::{any_issuer::AnyIssuer, error::Error},
    provider::{
        limits::RateLimit,
        sectigo::{ApiVersion, Credentials, Sectigo, SectigoConfig, ValidationModel},
    },
};

/// "Getting started with the Sectigo Admin API": where each kind of credential is taken.
fn default_url(auth: &SectigoAuth) -> &'static str {
    match auth {
        SectigoAuth::Password(_) => "https://cert-manager.com/api",
        SectigoAuth::ClientCertificate(_) => "https://cert-manager.com/private/api",
        SectigoAuth::Oauth2(_) => "https://admin.enterprise.sectigo.com/api",
    }
}

const TOKEN_URL: &str = "https://auth.sso.sectigo.com/auth/realms/apiclients/protocol/openid-connect/token";

impl Accounts {
    pub(super) async fn sectigo(&self, issuer: &AnyIssuer, account: &api::Sectigo) -> Result<Built, Error> {
        let url = account.url.as_deref().unwrap_or(default_url(&account.auth));
        for url in [Some(url), token_url(&account.auth)].into_iter().flatten() {
            if let Err(message) = endpoint::judge_url(url, issuer.namespace.is_some(), &self.network) {
                return Ok(Err(not_allowed(message)));
            }
        }
        let (credentials, secret) = match self.scm_credentials(issuer, &account.auth).await? {
            Ok(credentials) => credentials,
            Err(message) => return Ok(Err(not_found(message))),
        };
        let line = self.line(url, &secret, rate_limit(issuer, RateLimit::SECTIGO));
        let config = SectigoConfig {
            base_url: url.to_owned(),
            api_version: match account.api_version.unwrap_or_default() {
                SectigoApiVersion::V1 => ApiVersion::V1,
                SectigoApiVersion::V2 => ApiVersion::V2,
            },
            credentials,
            customer_uri: account.customer_uri.clone(),
            organization_id: account.org_id.unsigned_abs(),
            profile_id: account.profile_id.unsigned_abs(),
            validation: match account.validation.unwrap_or_default() {
                SectigoValidation::PerCertificate => ValidationModel::PerCertificate,
                SectigoValidation::Prevalidated => ValidationModel::Prevalidated,
            },
            ca_bundle_pem: issuer.spec.ca_bundle.clone(),
            limiter: line.limiter.clone(),
            observer: self.observer(issuer, &line),
            call_timeout: self.call_timeout,
        };
        Ok(Sectigo::new(config).map(|provider| line.with(Arc::new(provider))).map_err(invalid))
    }

    /// With the secret that they are known by.
    async fn scm_credentials(
        &self,
        issuer: &AnyIssuer,
        auth: &SectigoAuth,
    ) -> Result<Result<(Credentials, SecretString), String>, Error> {
        let (login, of) = match auth {
            SectigoAuth::Password(by) => (&by.login, by.password_secret_ref.clone()),
            SectigoAuth::Oauth2(by) => (&by.client_id, by.client_secret_ref.clone()),
            SectigoAuth::ClientCertificate(by) => (&by.login, part(&by.secret_name, "tls.key")),
        };
        let secret = match self.secret(issuer, &of).await? {
            Ok(secret) => secret,
            Err(message) => return Ok(Err(message)),
        };
        let (login, given) = (login.clone(), secret.clone());
        let credentials = match auth {
            SectigoAuth::Password(_) => Credentials::Password { login, password: given },
            SectigoAuth::Oauth2(by) => Credentials::OAuth2 {
                token_url: by.token_url.as_deref().unwrap_or(TOKEN_URL).to_owned(),
                client_id: login,
                client_secret: given,
            },
            SectigoAuth::ClientCertificate(by) => match self.secret(issuer, &part(&by.secret_name, "tls.crt")).await? {
                Ok(certificate) => Credentials::ClientCertificate {
                    login,
                    certificate_pem: certificate.expose_secret().to_owned(),
                    key_pem: given,
                },
                Err(message) => return Ok(Err(message)),
            },
        };
        Ok(Ok((credentials, secret)))
    }
}

fn token_url(auth: &SectigoAuth) -> Option<&str> {
    match auth {
        SectigoAuth::Oauth2(by) => Some(by.token_url.as_deref().unwrap_or(TOKEN_URL)),
        SectigoAuth::Password(_) | SectigoAuth::ClientCertificate(_) => None,
    }
}

fn part(name: &str, key: &str) -> SecretKeyRef {
    SecretKeyRef { name: name.to_owned(), key: key.to_owned() }
}

//! Issuers turned into provider clients: credential read from its Secret, endpoint checked, client kept a while.

mod dnsimple;
mod sectigo;
mod zones;

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::Client;
use secrecy::SecretString;
use tokio::{sync::Notify, time::Instant};

use super::{
    any_issuer::AnyIssuer,
    circuit::Breaker,
    endpoint::{self, Network},
    error::{Error, kube},
    metrics::Metrics,
};
use crate::{
    api::{
        conditions::reason,
        issuer::{self as api, SecretKeyRef},
    },
    lifecycle::circuit::Outage,
    provider::{
        CallError, CallObserver, ConfigError, Provider,
        digicert::{DigiCert, DigiCertConfig},
        limits::{Limiter, PerCredential, RateLimit},
    },
};

/// A rotated credential is noticed within this time, or at once when the provider refuses the old one.
const KEEP: Duration = Duration::from_secs(60);

pub struct Accounts {
    client: Client,
    /// Where ClusterIssuers' Secrets are: the operator's own namespace.
    namespace: String,
    network: Network,
    call_timeout: Duration,
    lines: PerCredential<Line>,
    /// Told when any circuit opens or closes.
    pub circuits: Arc<Notify>,
    metrics: Arc<Metrics>,
    /// By uid of the issuer.
    kept: Mutex<HashMap<String, Kept>>,
}

struct Kept {
    generation: Option<i64>,
    /// `None`: to be built anew.
    since: Option<Instant>,
    provider: Arc<dyn Provider>,
    breaker: Arc<Breaker>,
}

/// What all clients of a credential share.
struct Line {
    limiter: Arc<Limiter>,
    breaker: Arc<Breaker>,
}

impl Line {
    fn new(limit: RateLimit, circuits: Arc<Notify>) -> Self {
        let breaker = Arc::new(Breaker::new(circuits));
        Self { limiter: Arc::new(Limiter::behind(limit, breaker.clone())), breaker }
    }

    fn with(&self, provider: Arc<dyn Provider>) -> (Arc<dyn Provider>, Arc<Breaker>) {
        (provider, self.breaker.clone())
    }
}

/// Why an issuer has no client: a reason for its condition, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    pub reason: &'static str,
    pub message: String,
}

type Built = Result<(Arc<dyn Provider>, Arc<Breaker>), Unusable>;

impl Accounts {
    pub fn new(
        client: Client,
        namespace: String,
        network: Network,
        call_timeout: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            client,
            namespace,
            network,
            call_timeout,
            lines: PerCredential::default(),
            circuits: Arc::default(),
            metrics,
            kept: Mutex::default(),
        }
    }

    /// The client of an issuer's account.
    pub async fn provider(&self, issuer: &AnyIssuer) -> Result<Result<Arc<dyn Provider>, Unusable>, Error> {
        if let Some(kept) = self.lock().get(&issuer.uid)
            && kept.generation == issuer.generation
            && kept.since.is_some_and(|since| since.elapsed() < KEEP)
        {
            return Ok(Ok(kept.provider.clone()));
        }
        let (provider, breaker) = match self.build(issuer).await? {
            Ok(built) => built,
            Err(unusable) => return Ok(Err(unusable)),
        };
        let (generation, since) = (issuer.generation, Some(Instant::now()));
        let kept = Kept { generation, since, provider: provider.clone(), breaker: breaker.clone() };
        let before = self.lock().insert(issuer.uid.clone(), kept);
        if before.is_some_and(|before| before.generation != generation) {
            breaker.hurry();
        }
        Ok(Ok(provider))
    }

    /// Reads the credential afresh next time.
    pub fn forget(&self, uid: &str) {
        if let Some(kept) = self.lock().get_mut(uid) {
            kept.since = None;
        }
    }

    /// Why the account of an issuer is not called just now.
    pub fn outage(&self, uid: &str) -> Option<Outage> {
        self.lock().get(uid)?.breaker.outage()
    }

    async fn build(&self, issuer: &AnyIssuer) -> Result<Built, Error> {
        match (&issuer.spec.digicert, &issuer.spec.sectigo, &issuer.spec.dnsimple) {
            (Some(digicert), None, None) => self.digicert(issuer, digicert).await,
            (None, Some(sectigo), None) => self.sectigo(issuer, sectigo).await,
            (None, None, Some(dnsimple)) => self.dnsimple(issuer, dnsimple).await,
            _ => {
                let message = "exactly one provider block is needed".to_owned();
                Ok(Err(Unusable { reason: reason::INVALID_SPEC, message }))
            }
        }
    }

    async fn digicert(&self, issuer: &AnyIssuer, digicert: &api::DigiCert) -> Result<Built, Error> {
        let url = digicert.url.as_deref().unwrap_or(endpoint::CERTCENTRAL);
        if let Err(message) = endpoint::judge_url(url, issuer.namespace.is_some(), &self.network) {
            return Ok(Err(not_allowed(message)));
        }
        let api_key = match self.secret(issuer, &digicert.api_key_secret_ref).await? {
            Ok(api_key) => api_key,
            Err(message) => return Ok(Err(not_found(message))),
        };
        let line = self.line(url, &api_key, rate_limit(issuer, RateLimit::CERTCENTRAL));
        let config = DigiCertConfig {
            base_url: url.to_owned(),
            limiter: line.limiter.clone(),
            observer: self.observer(issuer, &line),
            api_key,
            organization_id: digicert.organization_id.and_then(|id| id.try_into().ok()),
            product: digicert.product.clone(),
            ca_bundle_pem: issuer.spec.ca_bundle.clone(),
            call_timeout: self.call_timeout,
        };
        Ok(DigiCert::new(config).map(|provider| line.with(Arc::new(provider))).map_err(invalid))
    }

    fn line(&self, url: &str, secret: &SecretString, limit: RateLimit) -> Arc<Line> {
        self.lines.of(url, secret, || Line::new(limit, self.circuits.clone()))
    }

    fn observer(&self, issuer: &AnyIssuer, line: &Line) -> CallObserver {
        let (counted, breaker) = (self.metrics.call_observer(issuer.into()), line.breaker.clone());
        Arc::new(move |called| {
            counted(called);
            breaker.hear(called);
        })
    }

    /// Where what belongs to an issuer is: its own namespace, or the operator's for a ClusterIssuer.
    pub fn namespace<'a>(&'a self, issuer: &'a AnyIssuer) -> &'a str {
        issuer.namespace.as_deref().unwrap_or(&self.namespace)
    }

    /// One value of a Secret of an issuer's.
    pub async fn secret(
        &self,
        issuer: &AnyIssuer,
        wanted: &SecretKeyRef,
    ) -> Result<Result<SecretString, String>, Error> {
        let namespace = self.namespace(issuer);
        let api: kube::Api<k8s_openapi::api::core::v1::Secret> = kube::Api::namespaced(self.client.clone(), namespace);
        let Some(secret) = kube("read a credential", api.get_opt(&wanted.name)).await? else {
            return Ok(Err(format!("Secret {namespace}/{} does not exist", wanted.name)));
        };
        let value = secret.data.and_then(|mut data| data.remove(&wanted.key));
        let text = value.and_then(|value| String::from_utf8(value.0).ok()).map(|text| text.trim().to_owned());
        Ok(match text.filter(|text| !text.is_empty()) {
            Some(text) => Ok(SecretString::from(text)),
            None => Err(format!("Secret {namespace}/{} has no text under {}", wanted.name, wanted.key)),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_allowed(message: String) -> Unusable {
    Unusable { reason: reason::HOST_NOT_ALLOWED, message }
}

fn not_found(message: String) -> Unusable {
    Unusable { reason: reason::CREDENTIALS_NOT_FOUND, message }
}

fn invalid(error: ConfigError) -> Unusable {
    Unusable { reason: reason::INVALID_SPEC, message: error.to_string() }
}

/// The issuer's own limit, else the vendor's with a margin.
fn rate_limit(issuer: &AnyIssuer, default: RateLimit) -> RateLimit {
    let Some(wanted) = &issuer.spec.rate_limit else { return default };
    let requests = NonZeroU32::new(wanted.requests).unwrap_or(default.requests);
    RateLimit {
        requests,
        per: wanted.per.into(),
        burst: wanted.burst.and_then(NonZeroU32::new).unwrap_or(default.burst.min(requests)),
    }
}

/// The condition's reason for what a look at the account said.
pub fn reason_of(error: &CallError) -> &'static str {
    match error {
        CallError::Blocked { code, .. } => match code.as_str() {
            "bad_api_key" | "bad_credentials" => reason::INVALID_CREDENTIALS,
            "missing_permission" => reason::PERMISSION_DENIED,
            "unknown_organization" => reason::UNKNOWN_ORGANIZATION,
            "unknown_account" => reason::UNKNOWN_ACCOUNT,
            _ => reason::PROVIDER_BLOCKED,
        },
        CallError::Rejected { .. } => reason::PROVIDER_BLOCKED,
        CallError::RateLimited { .. } | CallError::NotSent { .. } | CallError::Ambiguous { .. } => {
            reason::PROVIDER_UNREACHABLE
        }
    }
}

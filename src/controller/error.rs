//! What can go wrong while reconciling: transient by definition, tried again with back-off. What a user has to
//! know or do is a condition, never one of these.

use std::time::Duration;

use kube::core::Status;
use tokio::time::timeout;

use crate::provider::CallError;

/// Longest wait for one answer of the API server: a half-open connection must not freeze an object for good.
const KUBE_TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{call} failed")]
    Kube { call: &'static str, source: Box<kube::Error> },
    #[error("{call} got no answer from the API server in {} s", KUBE_TIMEOUT.as_secs())]
    Silent { call: &'static str },
    #[error("{call} found a newer object than ours")]
    Conflict { call: &'static str },
    #[error(transparent)]
    Provider(#[from] CallError),
    #[error("{0}")]
    Pki(String),
    /// The issuer cannot serve now; its own condition says why.
    #[error("{0}")]
    Issuer(String),
    #[error("the lease is not ours, or ends too soon for a call")]
    NoLease,
    #[error("the reconcile took too long")]
    Deadline,
    #[error("the reconcile panicked")]
    Panicked,
}

impl Error {
    /// What the API server has answered.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Kube { source, .. } => match source.as_ref() {
                kube::Error::Api(status) => Some(status),
                _ => None,
            },
            _ => None,
        }
    }

    /// What the API server says about an object it will not take as it is, however often it is sent.
    pub fn refusal(&self) -> Option<&str> {
        self.status().filter(|status| matches!(status.code, 400 | 413 | 422)).map(|status| status.message.as_str())
    }

    pub fn is_not_found(&self) -> bool {
        self.status().is_some_and(|status| status.code == 404)
    }
}

/// Awaits one call to the API server, under a deadline, with conflicts told apart.
pub async fn kube<T>(call: &'static str, request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Error> {
    match timeout(KUBE_TIMEOUT, request).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) if status.code == 409 => Err(Error::Conflict { call }),
        Ok(Err(source)) => Err(Error::Kube { call, source: Box::new(source) }),
        Err(_) => Err(Error::Silent { call }),
    }
}

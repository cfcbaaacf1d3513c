//! Asks the CAs themselves, at the addresses their certificates name, which certificates are revoked. What is fetched
//! is judged by `pki`; who is asked and when, by the controller.

mod target;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    Client, RequestBuilder, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::CONTENT_TYPE,
    redirect, retry,
};

use crate::address::is_public;
use target::{Judged, judge};

/// From connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A list of some hundred thousand entries.
const LONGEST_LIST: usize = 16 << 20;
/// An answer of OCSP with the responder's certificate is about 2 KiB.
const LONGEST_ANSWER: usize = 64 << 10;

/// Why nothing was learnt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("{0} may not be called: only http to public addresses, and what --allowed-provider-hosts lists")]
    NotAllowed(String),
    #[error("{0} gives no answer: {1}")]
    NoAnswer(String, String),
    #[error("the answer of {0} is longer than {1} bytes")]
    TooLong(String, usize),
}

/// Calls what certificates name, and nothing on a private network: a certificate's author does not choose what the
/// operator calls. No proxy is used, since it would resolve names by itself.
pub struct Fetcher {
    public: Client,
    /// Calls what is listed, wherever its name leads.
    listed: Client,
    /// `host` or `host:port`.
    allowed: Vec<String>,
}

impl Fetcher {
    /// `allowed` may be called whatever their addresses are.
    pub fn new(allowed: Vec<String>) -> Result<Self, String> {
        let http = || {
            Client::builder()
                .user_agent(concat!("evercert/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
                .no_proxy()
                .timeout(TIMEOUT)
        };
        let public = http().dns_resolver(Arc::new(PublicOnly)).build().map_err(|error| error.to_string())?;
        let listed = http().build().map_err(|error| error.to_string())?;
        Ok(Self { public, listed, allowed })
    }

    /// A certificate revocation list, DER.
    pub async fn list(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let asked = self.request(url, Client::get)?;
        answer(url, asked.send().await.map_err(|error| no_answer(url, error))?, LONGEST_LIST).await
    }

    /// What an OCSP responder answers to a request, both DER (RFC 6960 §A.1).
    pub async fn status(&self, url: &str, request: Vec<u8>) -> Result<Vec<u8>, FetchError> {
        let asked = self.request(url, Client::post)?.header(CONTENT_TYPE, "application/ocsp-request").body(request);
        answer(url, asked.send().await.map_err(|error| no_answer(url, error))?, LONGEST_ANSWER).await
    }

    fn request(&self, url: &str, method: fn(&Client, Url) -> RequestBuilder) -> Result<RequestBuilder, FetchError> {
        match judge(url, &self.allowed) {
            Some(Judged::Public(url)) => Ok(method(&self.public, url)),
            Some(Judged::Listed(url)) => Ok(method(&self.listed, url)),
            None => Err(FetchError::NotAllowed(url.to_owned())),
        }
    }
}

async fn answer(url: &str, mut response: Response, longest: usize) -> Result<Vec<u8>, FetchError> {
    if !response.status().is_success() {
        return Err(FetchError::NoAnswer(url.to_owned(), response.status().to_string()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(url, error))? {
        if body.len() + chunk.len() > longest {
            return Err(FetchError::TooLong(url.to_owned(), longest));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn no_answer(url: &str, error: reqwest::Error) -> FetchError {
    let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let words = causes.last().map_or_else(|| error.to_string(), ToString::to_string);
    FetchError::NoAnswer(url.to_owned(), words)
}

/// Judged after the name is resolved, and the address that was judged is the one that is called.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(format!("{} has no public address", name.as_str()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;

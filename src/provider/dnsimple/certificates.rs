//! Certificates of a domain, of whatever CA: listed, read, downloaded, with the keys that DNSimple made.

use secrecy::SecretString;

use super::Account;
use super::client::Call;
use super::endpoints::{DOWNLOAD_CERTIFICATE, GET_CERTIFICATE, GET_PRIVATE_KEY, LIST_CERTIFICATES};
use super::errors::NOT_AVAILABLE;
use super::wire::{Bundle, Certificate, PrivateKey};
use crate::provider::CallError;

impl Account {
    /// *listCertificates*, the newest first. More than can be looked through is an error, never less.
    pub async fn certificates(&self, domain: &str) -> Result<Vec<Certificate>, CallError> {
        self.client.rows(|| Call::of(&LIST_CERTIFICATES, domain).query("sort", "id:desc")).await
    }

    /// *getCertificate*.
    pub async fn certificate(&self, domain: &str, id: &str) -> Result<Certificate, CallError> {
        let answer = self.client.call(Call::of(&GET_CERTIFICATE, domain).and(id)).await?;
        let certificate: Certificate = answer.read()?;
        match certificate.id.is_some() {
            true => Ok(certificate),
            false => Err(answer.unreadable("the answer is about no certificate")),
        }
    }

    /// *downloadCertificate*. `None`: it is not issued.
    pub async fn download(&self, domain: &str, id: &str) -> Result<Option<Bundle>, CallError> {
        match self.client.call(Call::of(&DOWNLOAD_CERTIFICATE, domain).and(id)).await {
            Ok(answer) => answer.read().map(Some),
            Err(error) if is_not_available(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// *getCertificatePrivateKey*: PEM. `None`: DNSimple does not hold it, since the CSR came from elsewhere or somebody
    /// had it removed.
    pub async fn private_key(&self, domain: &str, id: &str) -> Result<Option<SecretString>, CallError> {
        let answer = match self.client.call(Call::of(&GET_PRIVATE_KEY, domain).and(id)).await {
            Ok(answer) => answer,
            Err(error) if is_not_available(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let key: PrivateKey = answer.read()?;
        key.private_key.map(Some).ok_or_else(|| answer.unreadable("the answer holds no key"))
    }
}

fn is_not_available(error: &CallError) -> bool {
    matches!(error, CallError::Rejected { code, .. } if code == NOT_AVAILABLE)
}

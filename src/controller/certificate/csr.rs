//! A key that is held elsewhere, or at the provider: its CSR is read from the user's Secret, its certificate can be
//! downloaded again.

use k8s_openapi::api::core::v1::Secret;
use secrecy::ExposeSecret;
use tracing::info;

use super::{Work, secret, wants::value};
use crate::{
    api::{Issuance, issuer::SecretKeyRef},
    controller::error::{Error, kube},
    lifecycle::certificate::{CsrView, SecretView},
    pki::{Csr, PrivateKey},
    provider::CallError,
};

impl Work {
    pub(super) async fn read_csr(&mut self) -> Result<(), Error> {
        let Some(reference) = self.certificate.spec.csr_secret_ref.clone() else { return Ok(()) };
        let api = self.context.secrets(&self.namespace);
        let secret = kube("read a CSR", api.get_opt(&reference.name)).await?;
        self.csr = judge(secret.as_ref(), &reference);
        Ok(())
    }

    /// A certificate is public, so nothing was lost with it, nor with a key that the provider gives out again: both are
    /// those the ledger knows, verified once more.
    pub(super) async fn collect(&mut self, name: &str) -> Result<(), Error> {
        let mut issuance = self.issuance(name)?.as_ref().clone();
        let status = issuance.status.get_or_insert_default();
        let certificate_id = status.certificate_id.clone().unwrap_or_default();
        match self.provider().await?.download(&certificate_id).await {
            Ok(pem) => status.chain = Some(pem),
            Err(CallError::Rejected { code, .. }) => {
                info!(issuance = name, code, "its certificate is not given again");
                self.uncollectable = true;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let key = match issuance.has_providers_key() {
            false => None,
            true => match self.key_again(&issuance, &certificate_id).await? {
                Some(key) => Some(key),
                None => {
                    info!(issuance = name, "its private key is not given again");
                    self.uncollectable = true;
                    return Ok(());
                }
            },
        };
        let before = self.read_secret().await?;
        if !matches!(self.secret, SecretView::Absent | SecretView::Ours(_)) {
            return Err(Error::Conflict { call: "install a certificate again" });
        }
        match self.verified(&issuance) {
            Ok(chain) => {
                let filled = secret::filled(before.as_ref(), &self.certificate, &issuance, &chain, key.as_ref());
                self.dress_and_write(before, filled, key).await
            }
            Err(_) => {
                info!(issuance = name, "its certificate was given again and is not believed");
                self.uncollectable = true;
                Ok(())
            }
        }
    }
}

impl Work {
    async fn key_again(&self, issuance: &Issuance, certificate_id: &str) -> Result<Option<PrivateKey>, Error> {
        let given = self.provider().await?.private_key(certificate_id).await?;
        let key = given.and_then(|given| PrivateKey::from_pem(given.expose_secret()).ok());
        Ok(key.filter(|key| key.public_key_sha256() == issuance.public_key_sha256()))
    }
}

/// The CSR, or what a person has to do. What is not one is not told: it may be a secret.
fn judge(secret: Option<&Secret>, reference: &SecretKeyRef) -> CsrView {
    let SecretKeyRef { name, key } = reference;
    let Some(secret) = secret else {
        return CsrView::Unusable(format!("Secret {name}, which csrSecretRef names, does not exist"));
    };
    let Some(csr) = value(secret, key) else {
        return CsrView::Unusable(format!("Secret {name}, which csrSecretRef names, has no key {key}"));
    };
    match Csr::read(csr) {
        Ok(csr) => CsrView::Read(csr),
        Err(error) => CsrView::Unusable(format!("key {key} of Secret {name}: {error}")),
    }
}

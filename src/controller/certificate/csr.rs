//! A key that is held elsewhere: its CSR is read from the user's Secret, and its certificate can be downloaded again.

use k8s_openapi::api::core::v1::Secret;
use tracing::info;

use super::{Work, secret, wants::value};
use crate::{
    api::issuer::SecretKeyRef,
    controller::error::{Error, kube},
    lifecycle::certificate::{CsrView, SecretView},
    pki::Csr,
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

    /// A certificate is public, so nothing was lost with it: it is the one the ledger knows, verified once more.
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
        let before = self.read_secret().await?;
        if !matches!(self.secret, SecretView::Absent | SecretView::Ours(_)) {
            return Err(Error::Conflict { call: "install a certificate again" });
        }
        match self.verified(&issuance) {
            Ok(chain) => {
                let filled = secret::filled(before.as_ref(), &self.certificate, &issuance, &chain, None);
                self.dress_and_write(before, filled, None).await
            }
            Err(_) => {
                info!(issuance = name, "its certificate was given again and is not believed");
                self.uncollectable = true;
                Ok(())
            }
        }
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

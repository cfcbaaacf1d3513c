//! The effects of a deletion: one call to the provider each, recorded before the next.

use kube::{
    ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use serde_json::json;

use super::Work;
use crate::{
    api::meta::REVOKE_FINALIZER,
    controller::error::{Error, kube},
    lifecycle::{certificate::SecretView, deletion::Effect, record::Change},
    provider::{CallError, RevocationReason, Revoked},
};

const REASON: RevocationReason = RevocationReason::CessationOfOperation;

impl Work {
    pub(super) async fn deletion(&mut self, effect: Effect) -> Result<(), Error> {
        match effect {
            Effect::AddFinalizer => self.set_finalizer(REVOKE_FINALIZER, true).await,
            Effect::RemoveFinalizer => self.set_finalizer(REVOKE_FINALIZER, false).await,
            Effect::Withdraw { issuance } => self.withdraw(&issuance).await,
            Effect::Revoke { issuance, serial } => {
                let provider = self.provider().await?;
                let answer = provider.revoke(&serial, REASON).await;
                self.revoked(answer, &[(issuance, serial)]).await
            }
            Effect::RevokeOrder { order_id, issuances } => {
                let provider = self.provider().await?;
                let answer = provider.revoke_order(&order_id, REASON).await;
                self.revoked(answer, &issuances).await
            }
            Effect::RemoveSecret => self.remove_secret().await,
            Effect::GiveUp { message } => {
                let note = format!("the deletion goes on without what was to be revoked: {message}");
                self.context.events.about(&self.certificate, "Revoke", "GivenUp", note).await;
                self.set_finalizer(REVOKE_FINALIZER, false).await
            }
        }
    }

    async fn withdraw(&mut self, name: &str) -> Result<(), Error> {
        self.change(name, Change::Withdrawn).await?;
        // It may be asked about rarely by now.
        self.context.paces.hurry(&self.issuance(name)?.uid().unwrap_or_default());
        Ok(())
    }

    async fn revoked(
        &mut self,
        answer: Result<Revoked, CallError>,
        issuances: &[(String, String)],
    ) -> Result<(), Error> {
        let outcome = match answer {
            Ok(outcome) => outcome,
            Err(error) => {
                let note = format!("not revoked yet: {error}");
                self.context.events.about(&self.certificate, "Revoke", "RevocationFailed", note).await;
                return Err(error.into());
            }
        };
        for (name, serial) in issuances {
            self.change(name, Change::revoked(serial, &outcome)).await?;
            let issuance = self.issuance(name)?;
            let order = issuance.status.as_ref().and_then(|status| status.order_id.clone()).unwrap_or_default();
            let how = match &outcome {
                Revoked::Done => "revoked",
                Revoked::AwaitingApproval { .. } => "revocation waits for approval at the provider",
                Revoked::ByHand(_) => "is left to people to revoke",
            };
            let note = format!("order {order}: certificate {serial} {how}: its Certificate was deleted");
            self.context.events.normal(&issuance, "Revoke", "Revoked", note).await;
        }
        Ok(())
    }

    /// Exactly the one that was read, and only ours.
    async fn remove_secret(&mut self) -> Result<(), Error> {
        let read = self.read_secret().await?.filter(|_| matches!(self.secret, SecretView::Ours(_)));
        let Some(secret) = read else { return Ok(()) };
        let preconditions = Preconditions { uid: secret.uid(), resource_version: secret.resource_version() };
        let exactly = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let api = self.context.secrets(&self.namespace);
        match kube("remove a Secret", api.delete(&secret.name_any(), &exactly)).await {
            Ok(_) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        self.secret = SecretView::Absent;
        Ok(())
    }

    pub(super) async fn set_finalizer(&mut self, which: &str, on: bool) -> Result<(), Error> {
        let mut finalizers = self.certificate.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != which);
        if on {
            finalizers.push(which.to_owned());
        }
        let patch =
            json!({"metadata": {"finalizers": finalizers, "resourceVersion": self.certificate.resource_version()}});
        let api = self.context.certificates(&self.namespace);
        let (name, params, patch) = (self.certificate.name_any(), PatchParams::default(), Patch::Merge(&patch));
        match kube("set the finalizer of a Certificate", api.patch(&name, &params, &patch)).await {
            Ok(stored) => {
                self.context.own_certificates.remember(&stored);
                self.certificate = stored;
                Ok(())
            }
            // Gone with its last finalizer.
            Err(error) if error.is_not_found() && !on => {
                self.certificate.metadata.finalizers = Some(finalizers);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

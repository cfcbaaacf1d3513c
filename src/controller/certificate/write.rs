//! The Secret is compared with all that the spec asks for, and written in one update, guarded by what was read.

use k8s_openapi::api::core::v1::Secret;
use kube::{ResourceExt, api::PostParams};

use super::{
    Work, secret,
    wants::{Passwords, Wants, password, password_refs},
};
use crate::{
    controller::error::{Error, kube},
    lifecycle::certificate::{Outputs, SecretView},
    pki::PrivateKey,
};

/// Of an answer of the API server, in characters.
const MAX_MESSAGE: usize = 512;

impl Work {
    /// Whose the Secret is, what it holds, and whether that is what the spec asks for.
    pub(super) async fn judge(&mut self, secret: Option<&Secret>) -> Result<(), Error> {
        let wants = self.take_wants().await?;
        self.secret = secret::judge(secret, &self.certificate.name_any(), &wants);
        self.unwritable = secret.and_then(|secret| secret::unwritable(secret, &self.certificate.spec));
        self.wants = Some(wants);
        Ok(())
    }

    async fn take_wants(&mut self) -> Result<Wants, Error> {
        if let Some(wants) = self.wants.take() {
            return Ok(wants);
        }
        let api = self.context.secrets(&self.namespace);
        let mut passwords = Passwords::new();
        for (name, key) in password_refs(&self.certificate) {
            let secret = kube("read a keystore's password", api.get_opt(&name)).await?;
            passwords.insert((name.clone(), key.clone()), password(secret.as_ref(), &name, &key));
        }
        Ok(Wants::new(&self.certificate, &passwords))
    }

    /// Only what is beside the pair.
    pub(super) async fn rewrite(&mut self) -> Result<(), Error> {
        let before = self.read_secret().await?.filter(|_| matches!(self.secret, SecretView::Ours(_)));
        let Some((before, key)) = before.and_then(|before| self.with_its_key(before)) else {
            return Err(Error::Conflict { call: "rewrite a Secret" });
        };
        let same = before.clone();
        self.dress_and_write(Some(before), same, key).await
    }

    /// A Secret and the key in it; none where the key is held elsewhere.
    pub(super) fn with_its_key(&self, secret: Secret) -> Option<(Secret, Option<PrivateKey>)> {
        if self.certificate.spec.csr_secret_ref.is_some() {
            return Some((secret, None));
        }
        secret::key(&secret).map(|key| (secret, Some(key)))
    }

    /// What is refused, or changed on its way, is a fact for the next decision, not an error to be repeated.
    pub(super) async fn dress_and_write(
        &mut self,
        before: Option<Secret>,
        mut next: Secret,
        key: Option<PrivateKey>,
    ) -> Result<(), Error> {
        self.read = None;
        let mut wants = self.take_wants().await?;
        let (next, wants) = if wants.take_a_while() {
            let dressed = tokio::task::spawn_blocking(move || {
                wants.dress(&mut next, key.as_ref());
                (next, wants)
            });
            dressed.await.map_err(|_| Error::Panicked)?
        } else {
            wants.dress(&mut next, key.as_ref());
            (next, wants)
        };
        self.wants = Some(wants);
        if before.as_ref() == Some(&next) {
            return self.judge(Some(&next)).await;
        }
        let api = self.context.secrets(&self.namespace);
        let written = match before {
            None => kube("create a Secret", api.create(&PostParams::default(), &next)).await,
            // Guarded by the resourceVersion that was read: nobody's change is overwritten.
            Some(_) => kube("update a Secret", api.replace(&next.name_any(), &PostParams::default(), &next)).await,
        };
        let stored = match written {
            Ok(stored) => stored,
            Err(error) => {
                let Some(why) = error.refusal() else { return Err(error) };
                let why: String = why.chars().take(MAX_MESSAGE).collect();
                self.unwritable = Some(format!("the API server refuses the Secret: {why}"));
                return Ok(());
            }
        };
        self.judge(Some(&stored)).await?;
        if matches!(&self.secret, SecretView::Ours(held) if held.outputs == Outputs::Differ) {
            let message = "Secret {} is changed by something else whenever it is written";
            self.unwritable = Some(message.replace("{}", &stored.name_any()));
        }
        Ok(())
    }
}

//! What the provider has accepted: followed to its verified chain, and revoked when its key was compromised.

use std::{collections::BTreeSet, sync::Arc};

use kube::{ResourceExt, runtime::reflector::ObjectRef};
use secrecy::ExposeSecret;
use tracing::warn;

use super::Work;
use crate::{
    api::{
        Issuance,
        issuance::{KeyOrigin, Operation},
    },
    controller::{error::Error, fault, keys, ledger, watch::Woken},
    lifecycle::record::{Change, Delivered},
    pki::{Chain, ChainError, Expect, PrivateKey},
    provider::{CallError, Progress, RevocationReason, Revoked},
};

impl Work {
    pub(super) async fn poll(&mut self) -> Result<(), Error> {
        let provider = self.provider().await?;
        let placed = self.placed()?;
        self.context.paces.polled(&self.uid());
        let standing = provider.progress(&placed).await?;
        self.seen.delivered.clone_from(&standing.delivered);
        self.seen.standing = Some(standing.clone());
        // A duplicate changes nothing of its order: no answer for the whole account names it.
        let named = self.issuance.spec.operation != Operation::Duplicate;
        if named && let Progress::AwaitingApproval { .. } = standing.progress {
            self.context.paces.quiet(&self.uid());
        }
        if let Progress::Issued { .. } = standing.progress {
            // The download comes next, and with it the write.
            self.unwritten.push(Change::Polled(standing));
            return Ok(());
        }
        self.record(Change::Polled(standing)).await
    }

    pub(super) async fn read_organization(&mut self) -> Result<(), Error> {
        let provider = self.provider().await?;
        let trouble = provider.organization_trouble(&self.placed()?).await?;
        self.seen.organization = Some(trouble.clone());
        self.record(Change::OrganizationRead(trouble)).await
    }

    pub(super) async fn download(&mut self, certificate_id: String) -> Result<(), Error> {
        if let Some(pem) = self.seen.delivered.take()
            && let Ok(chain) = self.verify(&pem, &self.issuance.spec.request.public_key_sha256)
            && chain.ca_crt.is_some()
            && other_chain(self.preferred_chain(), &chain).is_none()
        {
            self.hand_over(certificate_id, &chain, None).await;
            return Ok(());
        }
        // Asked for before anybody has said that it is there.
        let early = self.seen.standing.is_none();
        let pem = match self.provider().await?.download(&certificate_id).await {
            Ok(pem) => pem,
            Err(CallError::Rejected { .. } | CallError::Ambiguous { .. }) if early => {
                self.seen.not_there = true;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        match self.verified(&certificate_id, &pem).await? {
            Ok((chain, key)) => {
                self.hand_over(certificate_id, &chain, key).await;
                Ok(())
            }
            Err(_) if early => {
                self.seen.not_there = true;
                Ok(())
            }
            Err(error) => {
                self.seen.refused_download = true;
                self.seen.unbelieved = self.context.paces.unbelieved(&self.uid());
                let message = format!(
                    "certificate {certificate_id} was delivered and not accepted: {error}; the Secret is unchanged"
                );
                warn!(certificate_id, %error, "certificate not believed");
                self.warn("InvalidCertificate", message.clone()).await;
                self.record(Change::NotBelieved(message)).await
            }
        }
    }

    /// Whether it worked is told by the next poll.
    pub(super) async fn cancel(&mut self) -> Result<(), Error> {
        let provider = self.provider().await?;
        let placed = self.placed()?;
        self.seen.canceled = true;
        match provider.cancel(&placed, "Canceled by Evercert: nobody wants it any more").await {
            Ok(()) => {
                self.seen.standing = None;
                self.context.paces.hurry(&self.uid());
                self.tell("Canceled", format!("order {}: what was pending is canceled", placed.order_id)).await;
                Ok(())
            }
            Err(error @ (CallError::NotSent { .. } | CallError::RateLimited { .. })) => Err(error.into()),
            Err(error) => {
                let message = format!(
                    "order {} is pending and could not be canceled: {error}; cancel it at the provider",
                    placed.order_id
                );
                self.record(Change::NotCanceled(message)).await
            }
        }
    }

    /// The chain for our key; else for the one that the provider has made, which is stored before anything is served with
    /// it, and its public key.
    async fn verified(&mut self, id: &str, pem: &str) -> Result<Result<(Chain, Option<String>), String>, Error> {
        let request = &self.issuance.spec.request;
        let ours = self.verify(pem, &request.public_key_sha256);
        if request.key_origin != KeyOrigin::Provider && self.issuance.spec.operation != Operation::Collect {
            return Ok(ours.map(|chain| (chain, None)).map_err(|error| error.to_string()));
        }
        if let Ok(chain) = ours {
            return Ok(Ok((chain, None)));
        }
        let Some(given) = self.provider().await?.private_key(id).await? else {
            return Ok(Err("the provider does not give out its private key".to_owned()));
        };
        let key = match PrivateKey::from_pem(given.expose_secret()) {
            Ok(key) => key,
            Err(error) => return Ok(Err(format!("the private key that the provider gives out: {error}"))),
        };
        let public_key = key.public_key_sha256();
        match self.verify(pem, &public_key) {
            Ok(chain) => {
                keys::keep(&self.context, &self.issuance, &key).await?;
                fault::point("key.kept", &self.issuance.name_any());
                Ok(Ok((chain, Some(public_key))))
            }
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    fn verify(&self, pem: &str, public_key_sha256: &str) -> Result<Chain, ChainError> {
        let names: BTreeSet<String> = self.issuance.spec.request.dns_names.iter().cloned().collect();
        let expect = Expect {
            public_key_sha256,
            dns_names: &names,
            preferred: self.preferred_chain(),
            now: self.context.clock.now(),
        };
        Chain::verify(pem, &expect)
    }

    /// To the Certificate, which installs it and writes down both.
    async fn hand_over(&mut self, certificate_id: String, chain: &Chain, key: Option<String>) {
        let other_chain = other_chain(self.preferred_chain(), chain);
        if let Some(why) = &other_chain {
            self.warn("PreferredChainNotOffered", why.clone()).await;
        }
        let mut changes = std::mem::take(&mut self.unwritten);
        changes.push(Change::Believed(Delivered {
            other_chain,
            public_key_sha256: key,
            ..delivered(certificate_id, chain)
        }));
        let context = &self.context;
        context.unwritten.keep(self.uid(), changes);
        let shown = context.unwritten.shown(Arc::new(self.issuance.clone()), context.machine_now());
        self.issuance = Arc::unwrap_or_clone(shown);
        let name = ObjectRef::new(&self.issuance.spec.certificate_ref.name);
        let name = name.within(&self.issuance.namespace().unwrap_or_default());
        // A queue without a reader is that of a process that ends.
        let _ = context.certificate_queue.send(Woken::first(name));
    }

    /// The Certificate has not installed it yet.
    pub(super) async fn write_down(&mut self) -> Result<(), Error> {
        ledger::record(&self.context, &mut self.issuance, &[]).await?;
        self.tell("Issued", issued_note(&self.issuance)).await;
        Ok(())
    }

    fn preferred_chain(&self) -> Option<&str> {
        self.issuance.spec.request.digicert.as_ref()?.options.preferred_chain.as_deref()
    }

    pub(super) async fn revoke(&mut self, serial: String) -> Result<(), Error> {
        let provider = self.provider().await?;
        let outcome = provider.revoke(&serial, RevocationReason::KeyCompromise).await?;
        self.record(Change::revoked(&serial, &outcome)).await?;
        if let Revoked::ByHand(what) = &outcome {
            self.warn("NotRevoked", format!("certificate {serial}: key compromise; {what}")).await;
            return Ok(());
        }
        let order = self.issuance.status.as_ref().and_then(|status| status.order_id.clone()).unwrap_or_default();
        self.tell("Revoked", format!("certificate {serial} of order {order} revoked: key compromise")).await;
        Ok(())
    }
}

fn delivered(certificate_id: String, chain: &Chain) -> Delivered {
    Delivered {
        certificate_id,
        chain: format!("{}{}", chain.tls_crt, chain.ca_crt.as_deref().unwrap_or_default()),
        serial_number: chain.leaf.serial.clone(),
        not_after: chain.leaf.not_after,
        other_chain: None,
        public_key_sha256: None,
    }
}

/// Why the chain is not the preferred one.
fn other_chain(preferred: Option<&str>, chain: &Chain) -> Option<String> {
    let anchor = chain.anchor.as_deref();
    let preferred = preferred.filter(|preferred| Some(*preferred) != anchor)?;
    let served = anchor.unwrap_or("a certificate without a common name");
    Some(format!("the CA delivers no chain to {preferred}, which preferredChain names; the one to {served} is served"))
}

fn issued_note(issuance: &Issuance) -> String {
    let status = issuance.status.clone().unwrap_or_default();
    let (order, serial) = (status.order_id.unwrap_or_default(), status.serial_number.unwrap_or_default());
    let until = status.not_after.map(|time| time.0.to_string()).unwrap_or_default();
    format!("order {order}: certificate {serial} issued, valid until {until}")
}

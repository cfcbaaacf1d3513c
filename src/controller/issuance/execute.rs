//! The effects of an issuance, one at a time.

use std::sync::Arc;

use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tracing::info;

use super::{FINALIZER, Work, fence::fence, request::operation};
use crate::{
    api::{
        conditions::CIRCUIT_OPEN,
        issuance::{Cost, Operation},
    },
    controller::{
        context::LEASE_MARGIN,
        error::{Error, kube},
        fault, ledger,
    },
    lifecycle::{
        budget::Claim,
        issuance::{Effect, Wish, what_to_look_for},
        plan::urgency,
        record::Change,
    },
    provider::{Accepted, CallError, Found, Permit, Placed, Progress, Provider, Standing},
};

impl Work {
    pub(super) async fn execute(&mut self, effect: Effect) -> Result<(), Error> {
        match effect {
            Effect::Look => self.look().await,
            Effect::Reserve { rule, claim } => self.reserve(rule, claim).await,
            Effect::GiveBack { why } => self.give_back(why).await,
            Effect::Supersede => self.supersede().await,
            Effect::Append => self.append().await,
            Effect::Submit => self.submit().await,
            Effect::Issue => self.issue().await,
            Effect::Watch => self.watch().await,
            Effect::AskByHand { page, message } => self.ask_by_hand(page, message).await,
            Effect::Remind { n, message } => self.remind(n, message).await,
            Effect::Poll => self.poll().await,
            Effect::Dcv(effect) => self.dcv(effect).await,
            Effect::ReadOrganization => self.read_organization().await,
            Effect::AddFinalizer => self.set_finalizer(true).await,
            Effect::RemoveFinalizer => self.set_finalizer(false).await,
            Effect::Download { certificate_id } => self.download(certificate_id).await,
            Effect::Cancel => self.cancel().await,
            Effect::Revoke { serial } => self.revoke(serial).await,
            Effect::Fail { class, message } => {
                self.context.intents.take(&self.uid(), self.last());
                self.record(Change::Failed(class, message.clone())).await?;
                self.warn("Failed", message).await;
                Ok(())
            }
            Effect::AskPerson { message } => {
                // What shows up late mostly does so soon.
                self.context.paces.hurry(&self.uid());
                self.record(Change::AskedPerson(message.clone())).await?;
                self.warn("NeedsAttention", message).await;
                Ok(())
            }
            Effect::TakeUp { order_id } => {
                self.context.paces.hurry(&self.uid());
                let adopted =
                    Accepted { order_id: order_id.clone(), certificate_id: None, request_id: None, delivered: None };
                self.record(Change::Taken(order_id)).await?;
                self.announce(&adopted).await;
                Ok(())
            }
            Effect::Take { order_id } => self.take(order_id).await,
            Effect::AskApproval { message } => {
                self.record(Change::AskedApproval(message.clone())).await?;
                self.warn("ApprovalRequired", message).await;
                Ok(())
            }
            Effect::Deny { message } => {
                self.record(Change::Denied(message.clone())).await?;
                self.warn("Denied", message).await;
                Ok(())
            }
            Effect::Hinder { reason, message } => {
                self.record(Change::Hindered(Some((reason, message.clone())))).await?;
                // Told once, of the issuer.
                if reason != CIRCUIT_OPEN {
                    self.warn(reason, message).await;
                }
                Ok(())
            }
            Effect::Unhinder => self.record(Change::Hindered(None)).await,
        }
    }

    async fn look(&mut self) -> Result<(), Error> {
        let provider = self.provider().await?;
        let wanted = self.wanted();
        let (n, fresh) = (self.last(), self.is_fresh());
        if !fresh {
            self.context.paces.polled(&self.uid());
        }
        let found = match provider.find(&wanted).await {
            Ok(found) => found,
            Err(error) => {
                if let CallError::Blocked { .. } = error {
                    self.record(Change::CannotLook(error.to_string())).await?;
                }
                return Err(error.into());
            }
        };
        self.seen.found = Some(found.clone());
        match &found {
            // Before the first call nothing is missing: that absence counts for nothing.
            Found::Absent if fresh => Ok(()),
            Found::Absent => self.record(Change::Looked { n, found }).await,
            Found::Ours(accepted) | Found::OtherKey(accepted) => {
                info!(order = accepted.order_id, "found at the provider what this submission placed");
                self.context.intents.take(&self.uid(), n);
                self.context.paces.hurry(&self.uid());
                self.record(Change::Looked { n, found: found.clone() }).await?;
                if let Found::Ours(accepted) = &found {
                    self.announce(accepted).await;
                }
                Ok(())
            }
        }
    }

    /// An order id that a person gave counts once the provider can say where that order stands.
    async fn take(&mut self, order_id: String) -> Result<(), Error> {
        let provider = self.provider().await?;
        let placed = Placed {
            operation: operation(&self.issuance.spec),
            order_id: order_id.clone(),
            certificate_id: None,
            request_id: None,
            public_key_sha256: self.issuance.spec.request.public_key_sha256.clone(),
            earlier: self.earlier(),
        };
        let doubt = match provider.progress(&placed).await {
            Ok(Standing { progress: Progress::Refused { reason }, .. }) => reason,
            Ok(_) => {
                self.context.paces.hurry(&self.uid());
                return self.record(Change::Taken(order_id)).await;
            }
            Err(CallError::Rejected { code, message, .. }) => format!("{code}: {message}"),
            Err(error) => return Err(error.into()),
        };
        let message = format!(
            "order {order_id} is not what this submission placed: {doubt}. {}",
            what_to_look_for(&self.issuance.spec)
        );
        self.record(Change::AskedPerson(message.clone())).await?;
        self.warn("NeedsAttention", message).await;
        Ok(())
    }

    /// The wait for the rate limit comes first: a reservation is for a call that is made soon.
    async fn reserve(&mut self, rule: String, claim: Claim) -> Result<(), Error> {
        self.permit = Some(self.permit().await?);
        let (reference, namespace) = (&self.issuance.spec.issuer_ref, self.issuance.namespace().unwrap_or_default());
        let reserve = self.context.reservations.reserve(&self.context, reference, &namespace, rule, claim);
        let issuer = reserve.await?;
        self.view = issuer.view();
        self.issuer = Some(issuer);
        fault::point("reserve.after", &self.issuance.name_any());
        Ok(())
    }

    async fn permit(&mut self) -> Result<Permit, Error> {
        match self.permit.take() {
            Some(permit) => Ok(permit),
            None => Ok(self
                .provider()
                .await?
                .permit(urgency(self.issuance.spec.reason, None, self.context.clock.now()))
                .await?),
        }
    }

    /// Whether the Certificate is there: an approval may come after its end.
    async fn is_wanted(&self) -> Result<bool, Error> {
        let of = &self.issuance.spec.certificate_ref;
        let api = self.context.certificates(&self.issuance.namespace().unwrap_or_default());
        let certificate = kube("read a Certificate", api.get_opt(&of.name)).await?;
        Ok(certificate.is_some_and(|certificate| {
            certificate.metadata.deletion_timestamp.is_none() && certificate.metadata.uid.as_ref() == Some(&of.uid)
        }))
    }

    async fn append(&mut self) -> Result<(), Error> {
        let permit = self.permit().await?;
        let first = self.issuance.spec.submissions.is_empty();
        if first && !self.is_wanted().await? {
            return self.record(Change::Superseded).await;
        }
        self.issuance = ledger::append(&self.context, permit, &self.issuance).await?;
        self.seen.found = None;
        self.record(Change::Appended).await
    }

    /// Whoever takes the intent knows that its call is never made.
    async fn give_back(&mut self, why: &'static str) -> Result<(), Error> {
        let n = self.last();
        if self.context.intents.take(&self.uid(), n).is_none() {
            return Err(Error::Conflict { call: "give a submission back" });
        }
        let answer = Err(CallError::NotSent { call: "submit", message: why.to_owned() });
        self.record(Change::Submitted { n, answer }).await
    }

    async fn supersede(&mut self) -> Result<(), Error> {
        let gone = self.wish() == Wish::Gone;
        if gone && self.is_wanted().await? {
            return Err(Error::Conflict { call: "end what nobody wants" });
        }
        self.record(Change::Superseded).await?;
        let why = if gone { "there is no Certificate any more" } else { "the Certificate wants something else by now" };
        let message = format!("nothing was asked of the provider: {why}");
        self.tell("Superseded", message).await;
        Ok(())
    }

    /// The one call. From taking the intent to recording the outcome it runs in a task of its own, which nothing
    /// here can cut short.
    async fn submit(&mut self) -> Result<(), Error> {
        let provider = self.provider().await?;
        let request = self.request()?;
        let (uid, last, name) = (self.uid(), self.last(), self.issuance.name_any());
        // What was seen before the call says nothing about after it.
        self.seen.found = None;
        let context = self.context.clone();
        let mut issuance = self.issuance.clone();
        let made = tokio::spawn(async move {
            let _paying = context.paying.clone().read_owned().await;
            let held_back = fence(&context, &issuance).await?;
            let Some(permit) = context.intents.take(&uid, last) else {
                return Err(Error::Conflict { call: "make the call of a submission" });
            };
            let answer = if let Some(why) = held_back {
                Err(CallError::NotSent { call: "submit", message: why.to_owned() })
            } else {
                let timeout = context.times.call.min(context.lease.remaining().saturating_sub(LEASE_MARGIN));
                fault::point("submit.before", &name);
                let answer = provider.submit(&request, permit, timeout).await;
                fault::point("submit.after", &name);
                answer
            };
            let change = Change::Submitted { n: last, answer: answer.clone() };
            ledger::record(&context, &mut issuance, &[change]).await?;
            fault::point("record.after", &name);
            Ok::<_, Error>((issuance, answer))
        });
        let (issuance, answer) = made.await.map_err(|_| Error::Panicked)??;
        self.issuance = issuance;
        self.context.paces.hurry(&self.uid());
        match answer {
            Ok(Some(accepted)) => {
                self.announce(&accepted).await;
                self.seen.delivered = accepted.delivered;
            }
            // Announced once it is found.
            Ok(None) => {}
            Err(error) => self.warn(reason_of(&error), error.to_string()).await,
        }
        Ok(())
    }

    async fn set_finalizer(&mut self, on: bool) -> Result<(), Error> {
        let mut finalizers = self.issuance.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != FINALIZER);
        if on {
            finalizers.push(FINALIZER.to_owned());
        }
        let patch =
            json!({"metadata": {"finalizers": finalizers, "resourceVersion": self.issuance.resource_version()}});
        let api = self.context.issuances(&self.issuance.namespace().unwrap_or_default());
        let (name, params, patch) = (self.issuance.name_any(), PatchParams::default(), Patch::Merge(&patch));
        self.issuance = kube("set the finalizer of an Issuance", api.patch(&name, &params, &patch)).await?;
        self.context.own_issuances.remember(&self.issuance);
        Ok(())
    }

    /// The client of the issuer's account; the account must be the one this operation was recorded for.
    pub(super) async fn provider(&mut self) -> Result<Arc<dyn Provider>, Error> {
        if let Some(provider) = &self.provider {
            return Ok(provider.clone());
        }
        let unusable = |message: String| Error::Issuer(format!("{}: {message}", self.issuance.spec.issuer_ref));
        let issuer = self.issuer.as_ref().ok_or_else(|| unusable("does not exist".to_owned()))?;
        let account = issuer
            .status
            .account
            .as_ref()
            .ok_or_else(|| unusable("its account has not been checked yet".to_owned()))?;
        let recorded = &self.issuance.spec.account;
        if (&account.provider, &account.host, &account.id) != (&recorded.provider, &recorded.host, &recorded.id) {
            return Err(unusable(format!(
                "points to account {} by now; this operation is at {}",
                account.id, recorded.id
            )));
        }
        let provider = self.context.accounts.provider(issuer).await?.map_err(|why| unusable(why.message))?;
        self.provider = Some(provider.clone());
        Ok(provider)
    }

    pub(super) fn uid(&self) -> String {
        self.issuance.uid().unwrap_or_default()
    }

    fn last(&self) -> i32 {
        self.issuance.spec.submissions.last().map_or(0, |last| last.n)
    }

    fn is_fresh(&self) -> bool {
        self.context.intents.is_fresh(&self.uid(), self.last())
    }

    async fn announce(&self, accepted: &Accepted) {
        let spec = &self.issuance.spec;
        let price = if spec.cost == Cost::Free { "free" } else { "paid" };
        let (reason, what) = match spec.operation {
            Operation::Order => ("Ordered", format!("a new, {price} order")),
            Operation::Reissue => ("ReissueRequested", "a free reissue".to_owned()),
            Operation::Duplicate => ("DuplicateRequested", "a free duplicate".to_owned()),
            Operation::Amend => ("Amended", "the request there was, amended,".to_owned()),
            Operation::Renew => {
                let parent = spec.parent.as_ref().map_or("", |parent| parent.order_id.as_str());
                ("Renewed", format!("a new, {price} order that renews {parent}"))
            }
            Operation::Adopt => ("Adopted", "taken over, nothing is bought,".to_owned()),
            Operation::Collect => ("Collected", "issued by hand, collected".to_owned()),
        };
        self.tell(reason, format!("order {}: {what} for {}", accepted.order_id, spec.request.common_name)).await;
    }

    pub(super) async fn tell(&self, reason: &str, note: String) {
        self.context.events.normal(&self.issuance, "Issue", reason, note).await;
    }

    pub(super) async fn warn(&self, reason: &str, note: String) {
        self.context.events.warning(&self.issuance, "Issue", reason, note).await;
    }
}

/// What an event calls a submission that was not accepted.
fn reason_of(error: &CallError) -> &'static str {
    match error {
        CallError::Rejected { .. } => "Rejected",
        CallError::Blocked { .. } => "Blocked",
        CallError::NotSent { .. } | CallError::RateLimited { .. } => "NotSubmitted",
        CallError::Ambiguous { .. } => "OutcomeUnknown",
    }
}

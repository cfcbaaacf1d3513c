//! Checks that an issuer's account answers and may do what is asked of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kube::{Api, ResourceExt, api::PostParams};

use super::{
    accounts::{Unusable, reason_of},
    any_issuer::AnyIssuer,
    context::Context,
    driver::{Action, Reconciler},
    error::{Error, kube},
};
use crate::{
    api::{
        ClusterIssuer, Issuer, IssuerStatus,
        conditions::{READY, reason, set_condition},
        issuer::{AccountStatus, Vendor},
    },
    provider::{AccountFacts, CallError},
};

/// Between two looks at an account that answers.
const HEALTHY: Duration = Duration::from_secs(3600);
/// Between two looks at one that does not.
const UNHEALTHY: Duration = Duration::from_secs(60);
/// Longest part of a provider's answer in a condition, in characters.
const MAX_ECHO: usize = 256;

pub struct IssuerReconciler {
    pub context: Arc<Context>,
}

#[async_trait]
impl Reconciler<Issuer> for IssuerReconciler {
    const NAME: &'static str = "issuer";

    async fn reconcile(&self, object: Arc<Issuer>) -> Result<Action, Error> {
        if object.metadata.deletion_timestamp.is_some() {
            return Ok(Action::await_change());
        }
        let (status, again) = check(&self.context, &object.as_ref().into()).await?;
        if object.status.as_ref() != Some(&status) {
            let api: Api<Issuer> =
                Api::namespaced(self.context.client.clone(), &object.namespace().unwrap_or_default());
            let next = Issuer { status: Some(status), ..object.as_ref().clone() };
            kube("write an Issuer's status", api.replace_status(&object.name_any(), &PostParams::default(), &next))
                .await?;
        }
        Ok(Action::requeue(again))
    }
}

#[async_trait]
impl Reconciler<ClusterIssuer> for IssuerReconciler {
    const NAME: &'static str = "clusterissuer";

    async fn reconcile(&self, object: Arc<ClusterIssuer>) -> Result<Action, Error> {
        if object.metadata.deletion_timestamp.is_some() {
            return Ok(Action::await_change());
        }
        let (status, again) = check(&self.context, &object.as_ref().into()).await?;
        if object.status.as_ref() != Some(&status) {
            let api: Api<ClusterIssuer> = Api::all(self.context.client.clone());
            let next = ClusterIssuer { status: Some(status), ..object.as_ref().clone() };
            kube(
                "write a ClusterIssuer's status",
                api.replace_status(&object.name_any(), &PostParams::default(), &next),
            )
            .await?;
        }
        Ok(Action::requeue(again))
    }
}

/// The outcome of a real call to the account, and when to look again.
async fn check(context: &Context, issuer: &AnyIssuer) -> Result<(IssuerStatus, Duration), Error> {
    let mut status = issuer.status.clone();
    status.observed_generation = issuer.generation;
    let outcome = match context.accounts.provider(issuer).await? {
        Err(unusable) => Err(unusable),
        Ok(provider) => provider.account().await.map_err(|error| unusable(&error)),
    };
    let (ready, reason, message) = match outcome {
        Ok(facts) => {
            let message = describe(&facts);
            status.account = Some(account(issuer.spec.vendor(), &facts));
            (true, reason::ACCOUNT_VERIFIED, message)
        }
        Err(Unusable { reason, message }) => {
            // The credential may have been rotated: read it afresh next time.
            context.accounts.forget(&issuer.uid);
            if reason == reason::PROVIDER_UNREACHABLE && status.account.is_some() && is_ready(&status) {
                // A provider that is away for a while changes nothing about the account.
                return Ok((status, UNHEALTHY));
            }
            (false, reason, message)
        }
    };
    let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(context.machine_now());
    set_condition(&mut status.conditions, READY, ready, reason, message, issuer.generation, &now);
    Ok((status, if ready { HEALTHY } else { UNHEALTHY }))
}

fn is_ready(status: &IssuerStatus) -> bool {
    crate::api::conditions::is_true(&status.conditions, READY)
}

fn unusable(error: &CallError) -> Unusable {
    Unusable { reason: reason_of(error), message: error.to_string().chars().take(MAX_ECHO).collect() }
}

fn describe(facts: &AccountFacts) -> String {
    let name = facts.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    let organization = facts.organization.as_deref().map(|name| format!(", organization {name}")).unwrap_or_default();
    format!("account {}{name} at {} answers{organization}", facts.id, facts.host)
}

fn account(vendor: Vendor, facts: &AccountFacts) -> AccountStatus {
    let cut = |text: &String| text.chars().take(MAX_ECHO).collect();
    AccountStatus {
        provider: vendor.as_str().to_owned(),
        host: facts.host.clone(),
        id: facts.id.clone(),
        name: facts.name.as_ref().map(cut),
        organization: facts.organization.as_ref().map(cut),
    }
}

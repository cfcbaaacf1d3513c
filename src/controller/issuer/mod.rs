//! Checks that an issuer's account answers and may do what is asked of it.

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Api, Resource, ResourceExt, api::PostParams, core::object::HasStatus};
use serde::{Serialize, de::DeserializeOwned};

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
        conditions::{CIRCUIT_OPEN, READY, condition, is_true, reason, remove_condition, set_condition},
        issuer::{AccountStatus, Vendor},
    },
    lifecycle::certificate::until,
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
        let api = Api::namespaced(self.context.client.clone(), &object.namespace().unwrap_or_default());
        reconcile(&self.context, api, object.as_ref()).await
    }
}

#[async_trait]
impl Reconciler<ClusterIssuer> for IssuerReconciler {
    const NAME: &'static str = "clusterissuer";

    async fn reconcile(&self, object: Arc<ClusterIssuer>) -> Result<Action, Error> {
        reconcile(&self.context, Api::all(self.context.client.clone()), object.as_ref()).await
    }
}

async fn reconcile<K>(context: &Context, api: Api<K>, object: &K) -> Result<Action, Error>
where
    K: Resource<DynamicType = ()> + HasStatus<Status = IssuerStatus> + Clone + Debug + Serialize + DeserializeOwned,
    for<'a> AnyIssuer: From<&'a K>,
{
    if object.meta().deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let issuer = AnyIssuer::from(object);
    let (status, again) = check(context, &issuer).await?;
    if issuer.status != status {
        let mut next = object.clone();
        let open = condition(&status.conditions, CIRCUIT_OPEN).map(|open| open.message.clone());
        *next.status_mut() = Some(status);
        let name = object.name_any();
        kube("write an issuer's status", api.replace_status(&name, &PostParams::default(), &next)).await?;
        tell(context, object, is_true(&issuer.status.conditions, CIRCUIT_OPEN), open).await;
    }
    Ok(Action::requeue(again))
}

/// Once each time the account is left alone, and once when it is not any more.
async fn tell<K: Resource<DynamicType = ()>>(context: &Context, issuer: &K, before: bool, open: Option<String>) {
    match open {
        Some(why) if !before => context.events.about(issuer, "Call", CIRCUIT_OPEN, why).await,
        None if before => {
            let note = "the account is called again".to_owned();
            context.events.over(issuer, "Call", "CircuitClosed", note).await;
        }
        _ => {}
    }
}

/// The outcome of a real call to the account, and when to look again. While it is left alone, that call is the one that
/// finds out whether it serves again.
async fn check(context: &Context, issuer: &AnyIssuer) -> Result<(IssuerStatus, Duration), Error> {
    let mut status = issuer.status.clone();
    status.observed_generation = issuer.generation;
    let now = context.machine_now();
    let provider = context.accounts.provider(issuer).await?;
    let called = provider.is_ok();
    let outcome = match provider {
        Err(unusable) => Err(unusable),
        Ok(provider) => provider.account().await.map_err(|error| unusable(&error)),
    };
    let outage = context.accounts.outage(&issuer.uid).filter(|_| called && outcome.is_err());
    let again = match &outage {
        Some(outage) => until(outage.next_probe, context.machine_now()).min(UNHEALTHY),
        None if outcome.is_ok() => HEALTHY,
        None => UNHEALTHY,
    };
    let at = Time(now);
    match &outage {
        None => remove_condition(&mut status.conditions, CIRCUIT_OPEN),
        Some(outage) => {
            let (reason, why) = (reason_of(&outage.last), outage.describe());
            set_condition(&mut status.conditions, CIRCUIT_OPEN, true, reason, why, issuer.generation, &at);
        }
    }
    let (ready, reason, message) = match (outcome, outage) {
        (Ok(facts), _) => {
            let message = describe(&facts);
            status.account = Some(account(issuer.spec.vendor(), &facts));
            (true, reason::ACCOUNT_VERIFIED, message)
        }
        (Err(_), Some(outage)) => {
            context.accounts.forget(&issuer.uid);
            let reason = Some(reason_of(&outage.last)).filter(|reason| *reason != reason::PROVIDER_UNREACHABLE);
            (false, reason.unwrap_or(CIRCUIT_OPEN), outage.describe())
        }
        (Err(Unusable { reason, message }), None) => {
            // The credential may have been rotated: read it afresh next time.
            context.accounts.forget(&issuer.uid);
            if reason == reason::PROVIDER_UNREACHABLE && status.account.is_some() && is_ready(&status) {
                // A provider that is away for a while changes nothing about the account.
                return Ok((status, UNHEALTHY));
            }
            (false, reason, message)
        }
    };
    set_condition(&mut status.conditions, READY, ready, reason, message, issuer.generation, &at);
    Ok((status, again))
}

fn is_ready(status: &IssuerStatus) -> bool {
    is_true(&status.conditions, READY)
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

//! Reservations in the status of issuers: claims that arrive while a write is under way share the next one.

use std::{
    collections::HashMap,
    fmt::Debug,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kube::{Api, Resource, ResourceExt, api::PostParams, core::object::HasStatus};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use super::{
    any_issuer::AnyIssuer,
    context::Context,
    error::{Error, kube},
};
use crate::{
    api::{
        ClusterIssuer, Issuer, IssuerStatus,
        issuer::{IssuerKind, IssuerRef, Reservation},
    },
    lifecycle::budget::{Budget, Claim, reserve},
};

/// Conflicts with other writers of the status before the claims are decided anew.
const TRIES: usize = 8;

#[derive(Default)]
pub struct Reservations {
    /// By namespace and name of the issuer.
    lines: Mutex<HashMap<(String, IssuerRef), Arc<Line>>>,
}

/// Those who wait for one issuer.
#[derive(Default)]
struct Line {
    waiting: Mutex<Vec<Waiting>>,
    /// Held by who writes for all.
    turn: tokio::sync::Mutex<()>,
}

struct Waiting {
    rule: String,
    claim: Claim,
    tell: oneshot::Sender<AnyIssuer>,
}

impl Reservations {
    /// Reserves for a claim where there is room, and returns the issuer as it is then: what it holds is what counts.
    pub async fn reserve(
        &self,
        context: &Context,
        issuer: &IssuerRef,
        namespace: &str,
        rule: String,
        claim: Claim,
    ) -> Result<AnyIssuer, Error> {
        let line = self.line(issuer, namespace);
        let (tell, mut told) = oneshot::channel();
        guard(&line.waiting).push(Waiting { rule, claim, tell });
        let _turn = line.turn.lock().await;
        // Who had the turn before may have written for this one as well.
        if let Ok(issuer) = told.try_recv() {
            return Ok(issuer);
        }
        let waiting = mem::take(&mut *guard(&line.waiting));
        let client = context.client.clone();
        let written = match issuer.kind {
            IssuerKind::Issuer => {
                write::<Issuer>(context, Api::namespaced(client, namespace), &issuer.name, &waiting).await?
            }
            IssuerKind::ClusterIssuer => {
                write::<ClusterIssuer>(context, Api::all(client), &issuer.name, &waiting).await?
            }
        };
        for waiting in waiting {
            // Whoever has gone meanwhile decides anew.
            let _ = waiting.tell.send(written.clone());
        }
        Ok(written)
    }

    fn line(&self, issuer: &IssuerRef, namespace: &str) -> Arc<Line> {
        let namespace = if issuer.kind == IssuerKind::Issuer { namespace } else { "" };
        let mut lines = guard(&self.lines);
        // Only those that somebody waits in are kept.
        lines.retain(|_, line| Arc::strong_count(line) > 1);
        lines.entry((namespace.to_owned(), issuer.clone())).or_default().clone()
    }
}

/// One write for all of them, guarded by resourceVersion.
async fn write<K>(context: &Context, api: Api<K>, name: &str, waiting: &[Waiting]) -> Result<AnyIssuer, Error>
where
    K: Resource<DynamicType = ()> + HasStatus<Status = IssuerStatus> + Clone + Debug + Serialize + DeserializeOwned,
    for<'a> AnyIssuer: From<&'a K>,
{
    for _ in 0..TRIES {
        if !context.may_call(context.times.call) {
            return Err(Error::NoLease);
        }
        let mut issuer = kube("read an issuer", api.get(name)).await?;
        let known = AnyIssuer::from(&issuer);
        let reservations = all(context, &known, waiting);
        if reservations == known.status.reservations {
            return Ok(known);
        }
        issuer.status_mut().get_or_insert_default().reservations = reservations;
        match kube("reserve", api.replace_status(&issuer.name_any(), &PostParams::default(), &issuer)).await {
            Ok(stored) => return Ok((&stored).into()),
            Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::Conflict { call: "reserve" })
}

fn all(context: &Context, issuer: &AnyIssuer, waiting: &[Waiting]) -> Vec<Reservation> {
    let now = context.clock.now();
    let rules = issuer.spec.policy.as_ref().map_or(&[][..], |policy| &policy.rules);
    waiting.iter().fold(issuer.status.reservations.clone(), |reservations, Waiting { rule, claim, .. }| {
        let budget = Budget::of(rules, rule, &reservations, now);
        budget.and_then(|budget| reserve(&budget, claim)).unwrap_or(reservations)
    })
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

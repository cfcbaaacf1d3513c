//! Right before a call: may it be made?

use kube::ResourceExt;

use super::Context;
use crate::{
    api::Issuance,
    controller::error::{Error, kube},
    lifecycle::{budget::may_cost, invariants, issuance::may_call},
};

/// Why the call is certainly not made now; `None` when it may be: the lease outlasts it, it is reserved where the
/// policy sets a limit, and a quorum read shows our submission as the last.
pub(super) async fn fence(context: &Context, issuance: &Issuance) -> Result<Option<&'static str>, Error> {
    if !reserved(context, issuance).await? {
        return Ok(Some("the submission is not counted against the budget of the issuer's policy any more"));
    }
    if !context.may_call(context.times.call) {
        return Ok(Some("the lease ends too soon for a call"));
    }
    let api = context.issuances(&issuance.namespace().unwrap_or_default());
    let now = kube("read an Issuance before its call", api.get(&issuance.name_any())).await?;
    let unchanged = now.uid() == issuance.uid() && may_call(&issuance.spec, &now.spec, now.status.as_ref());
    if unchanged { Ok(None) } else { Err(Error::Conflict { call: "make the call of a submission" }) }
}

/// Read once more where an issuer sets any limit.
async fn reserved(context: &Context, issuance: &Issuance) -> Result<bool, Error> {
    let (spec, namespace) = (&issuance.spec, issuance.namespace().unwrap_or_default());
    let watched = context.stores.issuer(&spec.issuer_ref, &namespace);
    let limited = watched.is_none_or(|issuer| {
        let rules = issuer.spec.policy.map(|policy| policy.rules).unwrap_or_default();
        rules.iter().any(|rule| rule.max_paid.is_some())
    });
    if !limited || !may_cost(spec.cost) {
        return Ok(true);
    }
    let Some(issuer) = context.read_issuer(&spec.issuer_ref, &namespace).await? else { return Ok(false) };
    let labels = context.stores.namespace_labels(&namespace);
    Ok(invariants::reserved(spec, &namespace, labels.as_ref(), &issuer.view(), context.clock.now()).is_ok())
}

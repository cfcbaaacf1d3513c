//! Operations that a person approves before anything is submitted: when one is asked, what is asked, what an answer means.
//!
//! What waits is an Issuance without a submission: nothing was sent, so nothing is lost when it is taken back.

use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    budget::may_cost,
    certificate::{IssuerView, Observed},
    lineage::Lineage,
    plan::Wanted,
    trigger::{self, Due},
};
use crate::api::{
    Issuance, IssuanceSpec, IssuanceStatus,
    conditions::{APPROVED, DENIED, condition, is_true},
    issuance::Cost,
    issuer::{CostToApprove, PolicyRule},
    meta,
};

/// Names that the question lists; there can be 250.
const MOST_NAMES: usize = 8;

/// Whether a rule wants a person asked. A cost that is not known may be any.
pub fn required(rule: &PolicyRule, cost: Cost) -> bool {
    rule.require_approval.iter().any(|asked| match asked {
        CostToApprove::Paid => matches!(cost, Cost::Paid | Cost::Unknown),
        CostToApprove::MayCharge => matches!(cost, Cost::MayCharge | Cost::Unknown),
    })
}

/// Whether nothing of an operation at the provider was submitted yet; what is taken over never is.
pub fn is_unsubmitted(spec: &IssuanceSpec) -> bool {
    spec.submissions.is_empty() && !spec.operation.only_follows()
}

pub fn approved(status: &IssuanceStatus) -> bool {
    is_true(&status.conditions, APPROVED)
}

/// Whoever says no is heard, whatever else was said.
pub fn denied(status: &IssuanceStatus) -> Option<&Condition> {
    condition(&status.conditions, DENIED).filter(|denied| denied.status == "True")
}

/// What was denied, in the words of who did.
pub fn refusal(denied: &Condition) -> String {
    match denied.message.trim() {
        "" => format!("it was denied: {}", denied.reason),
        message => format!("it was denied: {}: {message}", denied.reason),
    }
}

/// What a person is asked: what it is, what it costs, and how to answer.
pub fn question(spec: &IssuanceSpec, namespace: &str, now: Timestamp) -> String {
    let names = &spec.request.dns_names;
    let listed = names.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match names.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more names"),
    };
    let cost = if spec.cost == Cost::MayCharge { "may charge" } else { "paid" };
    let issuance = meta::issuance_name(&spec.certificate_ref.name, spec.revision);
    let now = now.round(Unit::Second).unwrap_or(now);
    format!(
        "Issuance {issuance} waits for approval: {operation:?} ({cost}) of {product} for {listed}{more} at {provider} \
         account {account}. To approve it: kubectl patch evisn {issuance} -n {namespace} --subresource=status --type=json \
         -p '[{{\"op\":\"add\",\"path\":\"/status/conditions/-\",\"value\":{{\"type\":\"Approved\",\"status\":\"True\",\
         \"reason\":\"Approved\",\"message\":\"by '$USER'\",\"lastTransitionTime\":\"{now}\"}}}}]'; to refuse it, the same \
         with Denied in both places and the reason in message",
        operation = spec.operation,
        product = spec.request.product,
        provider = spec.account.provider,
        account = spec.account.id,
    )
}

/// Whether what waits for an answer is not what would be asked now: it is taken back, and asked anew if need be.
pub fn is_outdated(o: &Observed, lineage: &Lineage, issuance: &Issuance) -> bool {
    let spec = &issuance.spec;
    if !is_unsubmitted(spec) {
        return false;
    }
    let certificate = o.certificate;
    let another = spec.certificate_ref.uid != certificate.metadata.uid.clone().unwrap_or_default()
        || spec.issuer_ref != certificate.spec.issuer_ref;
    let asked_since =
        trigger::unhandled(certificate, lineage).is_some_and(|token| spec.request_token.as_deref() != Some(token));
    let other_reason = trigger::due(o, lineage) != Due::Now(spec.reason);
    // While the issuer cannot be asked, nothing is known of what it would say.
    let IssuerView::Ready { spec: issuer, account, .. } = o.issuer else { return another || asked_since };
    let edited = Wanted::resolve(o, issuer, lineage).is_none_or(|wanted| wanted.differs_from(spec));
    another || asked_since || other_reason || edited || *account != spec.account
}

/// The newest denial of what is wanted now: not asked again until something else is wanted, or somebody insists.
pub fn still_denied<'a>(o: &Observed, lineage: &Lineage<'a>, wanted: &Wanted, cost: Cost) -> Option<&'a Issuance> {
    let denied = lineage.denied.filter(|_| may_cost(cost))?;
    let insists = trigger::fresh(o.certificate, lineage).is_some();
    (!insists && !wanted.differs_from(&denied.spec)).then_some(denied)
}

#[cfg(test)]
mod tests;

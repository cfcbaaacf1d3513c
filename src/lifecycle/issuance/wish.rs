//! What a Certificate wants of an Issuance by now.

use crate::{
    api::{
        Certificate, CertificateSpec, IssuanceSpec, IssuanceStatus, IssuerSpec,
        issuance::{Operation, OutcomeClass, ValidationState},
    },
    lifecycle::{names, plan::Wanted},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// What was asked for.
    Same,
    /// Something else. What was sent is finished all the same: it may be paid for already.
    Changed,
    /// Something else, and what was sent waits for the validation of a name that nobody wants any more.
    Stuck,
    /// Nothing more is sent: the Certificate is suspended.
    Rest,
    /// Nothing at all, as far as is known: there is no Certificate any more.
    Gone,
}

/// What is wanted cannot be told without the issuer: then it is taken as unchanged.
pub fn wish(
    certificate: Option<&Certificate>,
    issuer: Option<&IssuerSpec>,
    spec: &IssuanceSpec,
    status: &IssuanceStatus,
) -> Wish {
    match certificate.filter(|certificate| certificate.metadata.deletion_timestamp.is_none()) {
        None => Wish::Gone,
        Some(certificate) if certificate.spec.suspend == Some(true) => Wish::Rest,
        Some(certificate) if certificate.spec.issuer_ref != spec.issuer_ref => Wish::Changed,
        Some(certificate) => {
            let earlier = Some(spec.request.common_name.as_str());
            // What was begun for one CSR is finished for it: another is reissued for afterwards.
            let wanted = |issuer| Wanted::of(&certificate.spec, issuer, earlier, None);
            let differs = |issuer| wanted(issuer).is_none_or(|wanted| wanted.differs_from(spec));
            match issuer.is_some_and(differs) {
                false => Wish::Same,
                true if unwanted(&certificate.spec, status).is_some() => Wish::Stuck,
                true => Wish::Changed,
            }
        }
    }
}

/// A domain that is still to be validated and that no wanted name is below of.
pub fn unwanted<'a>(spec: &CertificateSpec, status: &'a IssuanceStatus) -> Option<&'a str> {
    let wanted = names::wanted(spec);
    let covers = |domain: &str| {
        wanted.iter().any(|name| name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
    };
    let open = status
        .validations
        .iter()
        .filter(|validation| !matches!(validation.state, ValidationState::Valid | ValidationState::Cleaned));
    open.map(|validation| validation.domain.as_str()).find(|domain| !covers(domain))
}

/// Whether the provider has certainly carried out none of the submissions, and nobody is about to make one's call. An
/// adoption needs none.
pub fn is_unsent(spec: &IssuanceSpec, status: &IssuanceStatus) -> bool {
    use OutcomeClass::{Blocked, NotSent, RateLimited};
    spec.operation != Operation::Adopt
        && status.order_id.is_none()
        && spec.submissions.iter().all(|submission| {
            let outcome = status.outcomes.iter().find(|outcome| outcome.n == submission.n);
            outcome.is_some_and(|outcome| matches!(outcome.class, NotSent | RateLimited | Blocked))
        })
}

#[cfg(test)]
mod tests;

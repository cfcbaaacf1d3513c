//! What a call leaves behind at the provider, and what a person is asked whose outcome nobody knows.

use crate::api::{IssuanceSpec, issuance::Operation, issuer::Vendor, meta};

/// What may have been placed, and how to say whether it was.
pub fn what_to_look_for(spec: &IssuanceSpec) -> String {
    let common_name = &spec.request.common_name;
    let account = &spec.account;
    let parent =
        spec.parent.as_ref().map(|parent| format!(" that renews order {}", parent.order_id)).unwrap_or_default();
    let at = spec.submissions.last().map_or_else(String::new, |last| format!(" {} of {}", last.n, last.at.0));
    format!(
        "submission{at} got no certain answer and no order{parent} can be found at {provider} account {id}. \
         Look there for an order of that time for {common_name}{mark}. If there is one, set the condition Resolved of \
         Issuance {issuance} with reason Placed and its order id as message; if there is none, with reason NotPlaced",
        mark = mark(spec),
        issuance = meta::issuance_name(&spec.certificate_ref.name, spec.revision),
        provider = account.provider,
        id = account.id,
    )
}

/// Whether the provider stores our idempotency key and lets it be searched. CertCentral: `alternative_order_id`,
/// on orders and renewals only (Services API, *Get orders by alternative order ID*). Sectigo Certificate Manager: in the
/// comments of an enrollment; a renewal takes none (*RenewInfo*).
pub(super) fn searchable(spec: &IssuanceSpec) -> bool {
    match spec.operation {
        // A purchase at DNSimple carries nothing of ours.
        _ if spec.account.provider == Vendor::DnSimple.as_str() => false,
        Operation::Order => true,
        Operation::Renew => spec.account.provider != Vendor::Sectigo.as_str(),
        Operation::Reissue | Operation::Duplicate | Operation::Adopt | Operation::Collect | Operation::Amend => false,
    }
}

/// By what else it is known at the provider.
fn mark(spec: &IssuanceSpec) -> String {
    let key = &spec.idempotency_key;
    if spec.account.provider == Vendor::DnSimple.as_str() {
        return "; its order id is the name of the domain, a slash and the number of the certificate".to_owned();
    }
    match (spec.account.provider == Vendor::Sectigo.as_str(), spec.operation) {
        (false, _) => format!(" with alternative order id {key}"),
        (true, Operation::Order) => {
            format!(", whose comments have evercert:{key}; its order id is the id of the certificate")
        }
        // It takes no comments; what is for another key was asked for by somebody else.
        (true, _) => {
            let public_key = &spec.request.public_key_sha256;
            format!(
                " and the public key with SHA-256 {public_key}; its order id is the id of the certificate (mark {key})"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::testing::issuance_spec;

    #[test]
    fn a_person_is_told_what_the_provider_shows() {
        let ask = |provider: &str, operation| {
            let mut spec = issuance_spec(operation);
            spec.account.provider = provider.to_owned();
            (what_to_look_for(&spec), spec.idempotency_key, spec.request.public_key_sha256)
        };
        let (told, key, _) = ask("digicert", Operation::Renew);
        assert!(told.contains(&format!("alternative order id {key}")) && told.contains("renews order 100"), "{told}");
        let (told, key, _) = ask("sectigo", Operation::Order);
        assert!(told.contains(&format!("comments have evercert:{key}")), "{told}");
        let (told, _, public_key) = ask("sectigo", Operation::Renew);
        assert!(
            told.contains(&public_key) && !told.contains("comments") && told.contains("renews order 100"),
            "{told}"
        );
    }
}

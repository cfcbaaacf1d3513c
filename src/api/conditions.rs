//! Condition types, their reasons, and the one way to set them.
//!
//! Read by kstatus, hence by Argo CD, Flux and `kubectl wait`:
//!
//! | type | True means | kstatus |
//! |---|---|---|
//! | `Ready` | the Secret holds a certificate that is valid now, verified, matches its key and the spec; a renewal under way does not make it False | Current |
//! | `Issuing` | an Issuance is under way; the message names it, its state and since when | not read |
//! | `ActionRequired` | a person must do something; the message says exactly what and where | not read |
//! | `Suspended` | `spec.suspend` is true: nothing is begun, paid or written | not read |
//! | `Reconciling` | this generation is not yet in the Secret | InProgress |
//! | `Stalled` | Ready is False and nothing but a person can help | Failed |
//! | `PreferredChain` | never; False: the CA does not deliver the chain that was preferred, and another is served | not read |
//! | `Restarted` | the workloads of rolloutRestart were restarted for the last replacement | not read |
//! | `LocationRecorded` | the provider's inventory has the Secret; not said of issuers that do not ask for it | not read |
//! | `CircuitOpen`, of an issuer | its account answers with errors and is not called, but for a look from time to time | not read |
//!
//! So a pending renewal is *Current*, a first issue *InProgress*, a first issue that waits for a person
//! *Failed* with a reason. An object without conditions would be *Current*: the first look sets one.
//! `Reconciling` and `Stalled` are abnormal-true: [`remove_condition`] them when they no longer hold.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The object does what its spec asks for.
pub const READY: &str = "Ready";
/// An Issuance is under way.
pub const ISSUING: &str = "Issuing";
/// A person must act.
pub const ACTION_REQUIRED: &str = "ActionRequired";
/// This generation is not yet in the Secret.
pub const RECONCILING: &str = "Reconciling";
/// False: the chain that `preferredChain` names is not among those the CA delivers. Left out otherwise.
pub const PREFERRED_CHAIN: &str = "PreferredChain";
/// Not Ready, and only a person can help.
pub const STALLED: &str = "Stalled";
/// The workloads of rolloutRestart were restarted for the last replacement.
pub const RESTARTED: &str = "Restarted";

/// The provider's inventory has the Secret.
pub const LOCATION_RECORDED: &str = "LocationRecorded";

/// On an issuer: its account has answered with errors in a row and is not called, but for a look from time to time.
/// Also the reason of what waits for that.
pub const CIRCUIT_OPEN: &str = "CircuitOpen";

/// Everything rests: `spec.suspend`.
pub const SUSPENDED: &str = "Suspended";
/// On an Issuance, set by a person with the verb `approve`: go ahead.
pub const APPROVED: &str = "Approved";
/// On an Issuance, set by a person with the verb `approve`: do not.
pub const DENIED: &str = "Denied";
/// On an Issuance in NeedsAttention, set by a person with the verb `approve`:
/// reason [`reason::NOT_PLACED`], or [`reason::PLACED`] with the order id as message.
pub const RESOLVED: &str = "Resolved";

/// On an Issuance: something beside the provider is in its way, e.g. its issuer or the budget of its policy rule.
pub const HINDERED: &str = "Hindered";

/// On an Issuance: the key it replaces was reported as compromised while it was under way; the message is the token.
pub const KEY_COMPROMISED: &str = "KeyCompromised";

/// On an Issuance: its Certificate is being deleted, and what is pending is canceled; no call is made for it any more.
pub const WITHDRAWN: &str = "Withdrawn";

/// On an Issuance: validation mails were sent again; the message is the token that asked for it.
pub const DCV_EMAIL_RESENT: &str = "DcvEmailResent";

/// Reasons that more than one reconciler uses or that users act upon.
pub mod reason {
    /// Ready: issued, verified, installed.
    pub const ISSUED: &str = "Issued";
    /// Not yet looked at, or work is going on.
    pub const PENDING: &str = "Pending";
    /// The first certificate is on its way.
    pub const ISSUING: &str = "Issuing";
    /// The certificate in the Secret has expired.
    pub const EXPIRED: &str = "Expired";
    /// The certificate in the Secret is revoked.
    pub const REVOKED: &str = "Revoked";
    /// The Secret belongs to another Certificate.
    pub const SECRET_OWNED_BY_OTHER: &str = "SecretOwnedByOther";
    /// The Secret was made by another tool and `takeOverSecret` is not set.
    pub const SECRET_NOT_OURS: &str = "SecretNotOurs";
    /// The Secret's type or `immutable` forbids what has to be written, or the API server refuses it.
    pub const SECRET_NOT_WRITABLE: &str = "SecretNotWritable";
    /// A keystore's password is missing, or no keystore can be made with it.
    pub const KEYSTORE_PASSWORD: &str = "KeystorePassword";
    /// The CSR that csrSecretRef names is missing or cannot be used.
    pub const CSR_UNUSABLE: &str = "CsrUnusable";
    /// The key of the CSR was compromised, or its certificate revoked: a CSR for another key is needed.
    pub const NEW_CSR_REQUIRED: &str = "NewCsrRequired";
    /// issuerRef names nothing.
    pub const ISSUER_NOT_FOUND: &str = "IssuerNotFound";
    /// The issuer exists but its account could not be used.
    pub const ISSUER_NOT_READY: &str = "IssuerNotReady";
    /// The issuer points to another account than the one an operation under way is at.
    pub const ISSUER_CHANGED: &str = "IssuerChanged";
    /// The issuer's policy refuses this namespace, name or product.
    pub const POLICY_REFUSED: &str = "PolicyRefused";
    /// As many operations that may cost as the policy allows were made; the message says when the next is free.
    pub const BUDGET_EXHAUSTED: &str = "BudgetExhausted";
    /// The order that spec.adopt names may not be taken over.
    pub const ADOPTION_REFUSED: &str = "AdoptionRefused";
    /// A person with the verb `approve` is asked before anything is submitted; the message says how to answer.
    pub const APPROVAL_REQUIRED: &str = "ApprovalRequired";
    /// Names to be validated need a record that a person publishes.
    pub const VALIDATION_REQUIRED: &str = "ValidationRequired";
    /// The provider waits for a person: approval, balance, organization.
    pub const PROVIDER_BLOCKED: &str = "ProviderBlocked";
    /// Only people can have it issued, on the provider's pages: the message says where, and what to enter.
    pub const ISSUE_BY_HAND: &str = "IssueByHand";
    /// The order waits for its organization to be validated at the provider.
    pub const ORGANIZATION_NOT_VALIDATED: &str = "OrganizationNotValidated";
    /// The provider would refuse what is wanted, as its profiles, fields, organizations and domains show: nothing was asked for.
    pub const PREFLIGHT_REFUSED: &str = "PreflightRefused";
    /// A call may have been accepted and cannot be found: see the Issuance.
    pub const NEEDS_ATTENTION: &str = "NeedsAttention";
    /// The last Issuance failed; `status.failures.nextTry` says when the next begins.
    pub const FAILED: &str = "Failed";
    /// Validation mails were sent again.
    pub const RESENT: &str = "Resent";
    /// What the Certificate obtained is being revoked before it goes.
    pub const REVOKING: &str = "Revoking";
    /// PreferredChain: the CA delivers no such chain.
    pub const NOT_OFFERED: &str = "NotOffered";
    /// The certificate is to be renewed, and `renewal.policy` leaves that to a person.
    pub const RENEWAL_DUE: &str = "RenewalDue";
    /// `spec.suspend` is true.
    pub const SUSPENDED: &str = "Suspended";
    /// Refused by a person.
    pub const DENIED: &str = "Denied";
    /// Restarted: all workloads were.
    pub const RESTARTED: &str = "Restarted";
    /// Restarted: a workload does not exist.
    pub const WORKLOAD_NOT_FOUND: &str = "WorkloadNotFound";
    /// Restarted: the API server refuses, mostly for want of a right.
    pub const RESTART_REFUSED: &str = "RestartRefused";
    /// LocationRecorded: it is written down.
    pub const RECORDED: &str = "Recorded";
    /// LocationRecorded: the provider was asked and did not do it; it is asked again later.
    pub const NOT_RECORDED: &str = "NotRecorded";
    /// The ledger is another installation's: `--installation-id`.
    pub const INSTALLATION_CHANGED: &str = "InstallationChanged";

    /// Issuer: the account answers and may do what is asked of it.
    pub const ACCOUNT_VERIFIED: &str = "AccountVerified";
    /// Issuer: the Secret with the API key, or the key in it, is missing.
    pub const CREDENTIALS_NOT_FOUND: &str = "CredentialsNotFound";
    /// Issuer: the provider refuses the API key.
    pub const INVALID_CREDENTIALS: &str = "InvalidCredentials";
    /// Issuer: the API key lacks a permission.
    pub const PERMISSION_DENIED: &str = "PermissionDenied";
    /// Issuer: the credential is for another account than the one that is named.
    pub const UNKNOWN_ACCOUNT: &str = "UnknownAccount";
    /// Issuer: the organization is not in this account.
    pub const UNKNOWN_ORGANIZATION: &str = "UnknownOrganization";
    /// Issuer: the provider did not answer.
    pub const PROVIDER_UNREACHABLE: &str = "ProviderUnreachable";
    /// Issuer: the endpoint is not one the operator may call.
    pub const HOST_NOT_ALLOWED: &str = "HostNotAllowed";
    /// A part of the spec that the schema cannot judge is wrong.
    pub const INVALID_SPEC: &str = "InvalidSpec";

    /// Resolved: the provider has no such order; it may be placed again.
    pub const NOT_PLACED: &str = "NotPlaced";
    /// Resolved: the order exists; the message is its id.
    pub const PLACED: &str = "Placed";
}

/// The three values of a condition's `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    True,
    False,
    Unknown,
}

impl Status {
    /// The wire spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Status {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// Longest `message` the API conventions allow, in characters.
const MAX_MESSAGE: usize = 32_768;

/// Sets the condition of type `type_`; `lastTransitionTime` moves to `now` only when its status flips.
pub fn set_condition(
    conditions: &mut Vec<Condition>,
    type_: &str,
    status: impl Into<Status>,
    reason: &str,
    message: impl Into<String>,
    generation: Option<i64>,
    now: &Time,
) {
    let status = status.into().as_str();
    let mut message = message.into();
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
    }
    let since =
        condition(conditions, type_).filter(|old| old.status == status).map_or(now, |old| &old.last_transition_time);
    let new = Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message,
        observed_generation: generation,
        last_transition_time: since.clone(),
    };
    match conditions.iter_mut().find(|c| c.type_ == type_) {
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}

/// Takes the condition of type `type_` away.
pub fn remove_condition(conditions: &mut Vec<Condition>, type_: &str) {
    conditions.retain(|c| c.type_ != type_);
}

/// The condition of type `type_`.
pub fn condition<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == type_)
}

/// Whether the condition of type `type_` exists and is True.
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    condition(conditions, type_).is_some_and(|c| c.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::jiff::Timestamp;

    fn at(second: i64) -> Time {
        Time(Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(second.unsigned_abs()))
    }

    #[test]
    fn transition_time_moves_only_when_the_status_flips() {
        let mut conditions = Vec::new();
        set_condition(&mut conditions, READY, false, reason::PENDING, "first look", Some(1), &at(1));
        set_condition(&mut conditions, READY, false, reason::ISSUING, "ordered", Some(2), &at(2));
        let ready = &conditions[0];
        assert_eq!((ready.last_transition_time.clone(), ready.reason.as_str()), (at(1), reason::ISSUING));
        assert_eq!(ready.observed_generation, Some(2));

        set_condition(&mut conditions, READY, true, reason::ISSUED, "done", Some(2), &at(3));
        assert_eq!(conditions.len(), 1);
        assert_eq!(conditions[0].last_transition_time, at(3));
        assert!(is_true(&conditions, READY) && !is_true(&conditions, ISSUING));

        remove_condition(&mut conditions, READY);
        assert!(conditions.is_empty());
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        let mut conditions = Vec::new();
        set_condition(&mut conditions, READY, Status::Unknown, "X", "é".repeat(MAX_MESSAGE + 1), None, &at(1));
        assert_eq!(conditions[0].message.chars().count(), MAX_MESSAGE);
    }
}

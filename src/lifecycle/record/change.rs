//! What can become of an effect.

use jiff::Timestamp;

use crate::{
    api::issuance::{FailureClass, PublisherKind},
    provider::{self, Accepted, CallError, Found, Standing},
};

/// What became of one effect.
#[derive(Debug, Clone)]
pub enum Change {
    Appended,
    /// What a look for submission `n` found.
    Looked {
        n: i32,
        found: Found,
    },
    /// A look is in vain until a person acts at the provider.
    CannotLook(String),
    /// The answer to the call of submission `n`.
    Submitted {
        n: i32,
        answer: Result<Option<Accepted>, CallError>,
    },
    Polled(Standing),
    /// With the publisher picked for each domain; `None` where no publisher serves it.
    ValidationsRead(Vec<(provider::Validation, Option<PublisherKind>)>),
    /// What keeps the organization from being validated.
    OrganizationRead(Option<String>),
    Published(String),
    /// The record is visible, or why not yet.
    Checked(String, Result<(), String>),
    /// The record could not be published or removed.
    DcvFailed(String, String),
    Unpublished(String),
    Believed(Delivered),
    /// What was downloaded is not what was asked for.
    NotBelieved(String),
    Revoked {
        serial: String,
        awaiting_approval: bool,
    },
    /// The key this one replaces was reported as compromised, by this token.
    Compromised(String),
    Failed(FailureClass, String),
    /// Validation mails were sent again, for this token.
    EmailsResent(String),
    /// Its Certificate is being deleted.
    Withdrawn,
    /// What is pending could not be canceled at the provider.
    NotCanceled(String),
    AskedPerson(String),
    /// A person is asked to approve it, with this question.
    AskedApproval(String),
    Denied(String),
    /// Beside the provider, for this reason; nothing any more.
    Hindered(Option<(&'static str, String)>),
    Taken(String),
    Installed,
    /// What it brought, or was to ask for, is not wanted any more.
    Superseded,
}

/// A verified chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    pub certificate_id: String,
    /// PEM, leaf first; the root last when the CA delivered one.
    pub chain: String,
    pub serial_number: String,
    pub not_after: Timestamp,
    /// Why it is another chain than the preferred one.
    pub other_chain: Option<String>,
}

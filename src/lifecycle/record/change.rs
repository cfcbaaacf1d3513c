//! What can become of an effect.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    api::issuance::{FailureClass, PublisherKind},
    provider::{self, Accepted, CallError, Found, Revoked, Standing},
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
    ValidationsRead(Vec<Told>),
    /// What keeps the organization from being validated.
    OrganizationRead(Option<String>),
    Published(String),
    /// The record is visible, and for how long others may still see what was there before; or why it is not yet.
    Checked(String, Result<Duration, String>),
    /// The record could not be published or removed.
    DcvFailed(String, String),
    Unpublished(String),
    Believed(Delivered),
    /// What was downloaded is not what was asked for.
    NotBelieved(String),
    Revoked {
        serial: String,
        /// What is left to people.
        left: Option<String>,
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
    /// What was bought is not issued until a person acts.
    NotIssued(String),
    /// People are asked to have it issued on the provider's pages.
    AskedByHand {
        page: String,
        message: String,
        /// On the clock of the world.
        at: Timestamp,
    },
    /// They were reminded, for the n-th time.
    Reminded(u32),
    AskedPerson(String),
    /// A person is asked to approve it, with this question.
    AskedApproval(String),
    Denied(String),
    /// Beside the provider, for this reason; nothing any more.
    Hindered(Option<(&'static str, String)>),
    Taken(String),
    Installed,
    /// Nobody has approved it at the provider, and the next Issuance amends it there.
    MadeWay,
    /// What it brought, or was to ask for, is not wanted any more.
    Superseded,
}

/// What the provider says of a domain, and what becomes of its record.
#[derive(Debug, Clone)]
pub struct Told {
    pub validation: provider::Validation,
    /// `None` where no publisher serves it.
    pub publisher: Option<PublisherKind>,
    /// Where its record stands instead of at its name; why that could not be found out.
    pub delegated_to: Result<Option<String>, String>,
}

impl Change {
    /// What a provider's answer to the revocation of a certificate leaves to people.
    pub fn revoked(serial: &str, outcome: &Revoked) -> Self {
        let left = match outcome {
            Revoked::Done => None,
            Revoked::AwaitingApproval { .. } => {
                Some(format!("the revocation of {serial} waits for an administrator's approval at the provider"))
            }
            Revoked::ByHand(what) => Some(format!("certificate {serial} is not revoked: {what}")),
        };
        Self::Revoked { serial: serial.to_owned(), left }
    }
}

/// A verified chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    pub certificate_id: String,
    /// PEM, leaf first; the root last when the CA delivered one.
    pub chain: String,
    pub serial_number: String,
    pub not_after: Timestamp,
    /// Of the key, where the provider has made it.
    pub public_key_sha256: Option<String>,
    /// Why it is another chain than the preferred one.
    pub other_chain: Option<String>,
}

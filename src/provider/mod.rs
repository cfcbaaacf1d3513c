//! The accounts certificates are bought from: one trait, one folder per provider.
//!
//! A provider speaks its vendor's wire format and answers with the plain facts below. It decides nothing:
//! what to ask for, and when, is `lifecycle`'s.

mod by_hand;
mod details;
pub mod digicert;
pub mod dnsimple;
mod domains;
pub mod error;
mod lenient;
pub mod limits;
mod locations;
pub mod observer;
mod order;
pub mod sectigo;
mod transport;
mod validations;

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};
use secrecy::SecretString;
use std::{collections::BTreeSet, time::Duration};

pub use by_hand::{ByHand, Collectable, Stage};
pub use details::{Contact, ContactRole, Details, PaymentMethod, plus_addressed};
pub use domains::DomainValidation;
pub use error::CallError;
pub use limits::Permit;
pub use locations::{Location, Locations};
pub use observer::{CallObserver, Called, Health};
pub use order::{AutoRenewal, OrderContent, OrderFacts, OrderStatus};
pub use transport::ConfigError;

/// One account at one provider.
///
/// Every call has a total timeout and is made once; nothing below repeats a request.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Who the credential belongs to. Fails when the account cannot serve these defaults
    /// (bad key, missing permission, unknown organization: told apart by the error). Its first call is free and the one
    /// that is made, from time to time, to an account that is not called otherwise.
    async fn account(&self) -> Result<AccountFacts, CallError>;

    /// Waits until the account's rate limit has room for one call. Taken before an intent is recorded. `NotSent`: the
    /// account is not to be called at all just now.
    async fn permit(&self, urgency: Urgency) -> Result<Permit, CallError>;

    /// Whether the provider would take a request, as far as it shows that without being asked for a certificate.
    /// `Blocked`: it would not, and only a person can change that.
    async fn preflight(&self, _request: &Request) -> Result<(), CallError> {
        Ok(())
    }

    /// Asks for a certificate: the one call that can cost money. Made only for a recorded intent. `None`: accepted, and
    /// the answer does not say as what, so that it has to be looked for.
    async fn submit(&self, request: &Request, permit: Permit, timeout: Duration)
    -> Result<Option<Accepted>, CallError>;

    /// Looks for what an earlier submission may have left at the provider.
    async fn find(&self, wanted: &Wanted) -> Result<Found, CallError>;

    /// The order as the provider sees it now.
    async fn order(&self, order_id: &str) -> Result<OrderFacts, CallError>;

    /// Orders of the account that have changed within the last `window`, which is seven days at most: one call for all
    /// of them, however many there are. `None`: the provider has no such call, and each order is asked for.
    async fn changes(&self, _window: Duration) -> Result<Option<Vec<Changed>>, CallError> {
        Ok(None)
    }

    /// The same for all clients of one credential, and no key material.
    fn credential(&self) -> &str;

    /// Orders of the account that have a certificate with exactly these names. More than can be looked through is an
    /// error, never less.
    async fn matching(&self, names: &BTreeSet<String>) -> Result<Vec<OrderFacts>, CallError>;

    /// Where one operation stands.
    async fn progress(&self, placed: &Placed) -> Result<Standing, CallError>;

    /// The domain validations of an order, with what has to be published for those still open.
    async fn validations(&self, placed: &Placed, method: DcvMethod) -> Result<Vec<Validation>, CallError>;

    /// What keeps the organization of an order from being validated, in the provider's words and with the place to go;
    /// `None` when nothing does.
    async fn organization_trouble(&self, placed: &Placed) -> Result<Option<String>, CallError>;

    /// Asks the provider to look at the published tokens now. "Not seen yet" is not an error.
    async fn check_dcv(&self, placed: &Placed, domains: &[String]) -> Result<(), CallError>;

    /// Has the validation mails of an order sent again.
    async fn resend_dcv_emails(&self, _order_id: &str) -> Result<(), CallError> {
        Err(not_offered("resend validation mails"))
    }

    /// Has what was bought issued, where that is a call of its own; said again, it changes nothing.
    async fn issue(&self, _placed: &Placed) -> Result<(), CallError> {
        Err(not_offered("issue what was bought"))
    }

    /// The private key of a certificate, PEM, where the provider has made it. `None`: it does not give it out.
    async fn private_key(&self, _certificate_id: &str) -> Result<Option<SecretString>, CallError> {
        Ok(None)
    }

    /// What people have had issued on the provider's pages, and can be collected.
    async fn issued_by_hand(&self, _wanted: &Wanted) -> Result<ByHand, CallError> {
        Err(not_offered("collect what was issued by hand"))
    }

    /// Keeps the provider from buying the next order by itself. `Rejected`: it goes on to.
    async fn stop_auto_renewal(&self, _order_id: &str) -> Result<(), CallError> {
        Err(not_offered("stop automatic renewal"))
    }

    /// Leaf and chain as PEM blocks, in whatever order the provider sends them. Nothing is believed yet.
    async fn download(&self, certificate_id: &str) -> Result<String, CallError>;

    /// Revokes one certificate, by certificate id or serial number. Already revoked counts as done.
    async fn revoke(&self, certificate: &str, reason: RevocationReason) -> Result<Revoked, CallError>;

    /// Revokes every certificate of an order, whoever asked for it. Already revoked counts as done.
    async fn revoke_order(&self, order_id: &str, reason: RevocationReason) -> Result<Revoked, CallError>;

    /// Takes back what is still pending; the note is for people at the provider. `Rejected`: it cannot be taken back.
    async fn cancel(&self, placed: &Placed, note: &str) -> Result<(), CallError>;

    /// The names by which CAA records let its CAs issue (RFC 8659), the one to recommend first. None: not known.
    fn caa_identities(&self) -> &'static [&'static str] {
        &[]
    }

    /// Where domains are validated apart from any order, and must be before one is placed.
    fn domain_validation(&self) -> Option<&dyn DomainValidation> {
        None
    }

    /// Where the provider keeps an inventory of the places its certificates live at.
    fn locations(&self) -> Option<&dyn Locations> {
        None
    }
}

/// Nothing was sent: the provider has no such call.
fn not_offered(call: &'static str) -> CallError {
    CallError::Rejected { call, code: "not_offered".into(), message: "the provider has no such call".into() }
}

/// Urgent work (near expiry, a compromised key) goes before the rest of the account's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    Urgent,
    Normal,
}

/// The account behind a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// Host of the API: two hosts are two accounts.
    pub host: String,
    /// Account id as the provider reports it; stays the same when the API key is rotated.
    pub id: String,
    pub name: Option<String>,
    /// The organization the issuer orders for, when it names one.
    pub organization: Option<String>,
}

/// What is asked for, resolved: nothing is left to defaults at call time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub operation: Operation,
    pub product: String,
    pub common_name: String,
    /// Every name, the common name included; providers do not read names from the CSR.
    pub dns_names: Vec<String>,
    /// PEM; empty where the provider makes the key.
    pub csr: String,
    /// `sha256`, `sha384` or `sha512`.
    pub signature_hash: String,
    /// Of the certificate; `None` is the longest the provider gives.
    pub validity: Option<Validity>,
    /// Of the order (the plan that is paid for); meaningless for a reissue.
    pub order_validity: Option<Validity>,
    pub organization_id: Option<u64>,
    pub skip_approval: bool,
    pub dcv_method: DcvMethod,
    pub details: Details,
    /// Stored by providers that can search for it later.
    pub idempotency_key: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A new, paid order.
    Order,
    /// A new certificate on a running order.
    Reissue { order_id: String },
    /// A new, paid order linked to the one it follows.
    Renew { order_id: String },
    /// One more key on a running order, beside its certificate.
    Duplicate { order_id: String },
    /// Another CSR and other names for what nobody has approved yet, or what was refused and can still be changed: no
    /// second order. `Rejected`: it cannot be changed.
    Amend { order_id: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    Years(u32),
    Days(u32),
    Until(Date),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DcvMethod {
    DnsTxt,
    DnsCname,
    /// A file at a fixed URL of each name.
    HttpToken,
    /// A mail to constructed or published addresses of the domain.
    Email,
}

/// The provider took the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    pub order_id: String,
    /// Known at once only when no approval is needed.
    pub certificate_id: Option<String>,
    /// The approval request, when the provider made one.
    pub request_id: Option<String>,
    /// The certificate itself when it was issued at once and is in the answer, as [`Provider::download`] gives it.
    pub delivered: Option<String>,
}

/// An operation the provider has accepted, as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub operation: Operation,
    pub order_id: String,
    pub certificate_id: Option<String>,
    pub request_id: Option<String>,
    /// Of the CSR: how our certificate is told from others on the same order.
    pub public_key_sha256: String,
    /// Ids and serial numbers of certificates that are older than this operation: a key may be used again. Which of
    /// the two tells them apart is the provider's to know: an id may stay while the certificate behind it changes.
    pub earlier: BTreeSet<String>,
}

/// What to look for after a submission whose outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub operation: Operation,
    pub idempotency_key: String,
    pub public_key_sha256: String,
    /// As in [`Placed`].
    pub earlier: BTreeSet<String>,
    pub common_name: String,
    /// Every name, the common name included.
    pub dns_names: Vec<String>,
    /// The external requester it was asked for with.
    pub external_requester: Option<String>,
    /// When the intent was recorded, on the clock of the world.
    pub since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Carries our public key.
    Ours(Accepted),
    /// Carries our idempotency key (or renews our order, or is the reissue pending on it), but another public key.
    OtherKey(Accepted),
    Absent,
}

/// An order whose status has changed, or that of a certificate on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub order_id: String,
    pub to: ChangedTo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedTo {
    AwaitingApproval,
    /// Accepted and not issued, or with a reissue under way.
    Pending,
    /// Issued, ended, or something this version does not know: worth a look.
    Settled,
}

/// Where an operation stands, and what the look told about its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub progress: Progress,
    pub order_valid_till: Option<Date>,
    /// The certificate itself, where a look needs it to tell whose it is, as [`Provider::download`] gives it.
    pub delivered: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A person has to approve the request at the provider.
    AwaitingApproval {
        request_id: Option<String>,
    },
    /// Bought, and issued once [`Provider::issue`] asks for it.
    Bought,
    /// Accepted, waiting for domain or organization validation.
    Validating,
    /// Accepted and under way; the provider's own status word.
    Processing {
        status: String,
    },
    Issued {
        certificate_id: String,
    },
    /// Ended without a certificate, in the provider's own words.
    Refused {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validation {
    /// The name being validated; never a wildcard.
    pub domain: String,
    pub valid: bool,
    /// What to publish, when the provider has given a token.
    pub record: Option<DcvRecord>,
    /// To whom it mails, when that is the method.
    pub emails: Vec<String>,
    /// The provider's own status word.
    pub status: String,
}

/// A DNS record or file the provider wants to see, in its own form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DcvRecord {
    /// Absolute, without the final dot; of a file its URL.
    pub name: String,
    pub method: DcvMethod,
    /// TXT content, the CNAME's target without the final dot, or what the file contains.
    pub value: String,
}

/// RFC 5280 §5.3.1, the reasons a subscriber may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationReason {
    KeyCompromise,
    Superseded,
    CessationOfOperation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    Done,
    /// A person has to approve the revocation at the provider.
    AwaitingApproval {
        request_id: Option<String>,
    },
    /// The provider has no call for it: what a person has to do.
    ByHand(String),
}

/// Whether an id has the form of the idempotency keys that Evercert gives to orders: a UUIDv8 (RFC 9562 §5.8).
pub fn is_idempotency_key(id: &str) -> bool {
    let id = id.as_bytes();
    id.len() == 36 && [8, 13, 18, 23].iter().all(|&dash| id.get(dash) == Some(&b'-')) && id.get(14) == Some(&b'8')
}

//! The next step towards what a Certificate asks for: whether an operation is due, which one, and when its
//! result is installed.

pub(super) mod adopt;
mod amend;
mod begin;
pub mod duplicate;
pub mod observed;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

pub use adopt::Adoption;
pub(super) use begin::situation;
use begin::{begin, fits};
pub use observed::{
    CsrView, Held, IssuerView, KeyView, Observed, OrderView, Outputs, Preflight, SecretView, SourceView,
};

use super::{
    Step, approval,
    budget::Claim,
    csr, dcv, deletion, dnsimple, history,
    hush::hush,
    lineage::{self, Lineage},
    location,
    plan::{self, Plan},
    restart,
    trigger::{self, Due},
    windows,
};
use crate::{
    api::{
        CertificateSpec, Issuance,
        conditions::{ACTION_REQUIRED, condition, reason},
        issuance::{Account, Operation, State, Trigger},
        meta,
    },
    pki::Leaf,
    provider::Urgency,
};

/// Longest time between two looks at a Certificate: timers die with the process, clocks are set.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(3600);
/// The type of a Secret with a pair.
pub const TLS_SECRET: &str = "kubernetes.io/tls";
/// The type of one without a private key, which the other demands.
const OPAQUE_SECRET: &str = "Opaque";

/// The type of the Secret a spec asks for. It cannot be changed.
pub fn secret_type(spec: &CertificateSpec) -> &'static str {
    if spec.csr_secret_ref.is_some() { OPAQUE_SECRET } else { TLS_SECRET }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    ReadSecret,
    ReadOrder {
        order_id: String,
    },
    ReadKey {
        issuance: String,
    },
    /// Reads the CSR of a key that is held elsewhere.
    ReadCsr,
    StoreKey(Box<Plan>),
    /// Removes a key whose Issuance was never created or needs it no more.
    DeleteKey {
        secret: String,
    },
    /// Counts the submission against the budget of a policy rule, before its intent is recorded.
    Reserve {
        rule: String,
        claim: Claim,
        urgency: Urgency,
    },
    /// Asks whether the provider would take this, with this key, without asking for a certificate.
    Preflight(Box<Plan>, plan::StoredKey),
    RecordIntent(Box<Plan>, plan::StoredKey),
    /// Keeps the provider from renewing an order by itself. Nothing is recorded: the order shows whether it did.
    StopAutoRenewal {
        order_id: String,
    },
    /// Looks for issued orders of exactly these names.
    FindExisting {
        names: Vec<String>,
    },
    /// Records that an order is taken over, unless another Certificate was faster.
    RecordAdoption(Box<Adoption>),
    /// Puts the pair of another Secret of this Certificate into the one it names by now.
    Copy {
        from: String,
    },
    /// Downloads the certificate of an Issuance again, which the Secret has lost: its key is held elsewhere, or at the
    /// provider.
    Collect {
        issuance: String,
    },
    /// Writes the verified pair of an Issuance into the Secret.
    Install {
        issuance: String,
    },
    /// Keeps with an Issuance under way that the key it replaces was reported as compromised.
    NoteCompromise {
        issuance: String,
        token: String,
    },
    /// Takes back what waits for approval, or does not install what was issued: something else is wanted by now.
    Supersede {
        issuance: String,
    },
    /// Ends what nobody has approved at the provider: the next Issuance amends it there.
    MakeWay {
        issuance: String,
    },
    MarkInstalled {
        issuance: String,
    },
    /// Brings what is beside the pair to what the spec asks for.
    Rewrite,
    /// Deletes an Issuance that is beyond the history's limit.
    Forget {
        issuance: String,
    },
    /// Has the provider send its validation mails for an Issuance again, once for this token.
    ResendEmails {
        issuance: String,
        token: String,
    },
    /// What a deletion takes along.
    Deletion(deletion::Effect),
    /// Restarts the workloads of rolloutRestart for the certificate with this SHA-256.
    Restart {
        fingerprint: String,
    },
    /// What the provider's inventory is told.
    Location(location::Effect),
}

/// Why nothing can be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hindrance {
    pub reason: &'static str,
    pub message: String,
    /// Only a person can help.
    pub person: bool,
    /// When to look again; without it, when something changes.
    pub again: Option<Duration>,
}

impl Hindrance {
    pub(super) fn person(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), person: true, again: Some(LOOK_AGAIN) }
    }

    pub(super) fn wait(reason: &'static str, message: impl Into<String>, again: Duration) -> Self {
        Self { reason, message: message.into(), person: false, again: Some(again) }
    }
}

pub fn decide(o: &Observed) -> Result<Step<Effect>, Hindrance> {
    if o.certificate.metadata.deletion_timestamp.is_some() {
        return deletion::decide(o);
    }
    if let Some(effect) = deletion::guard(o.certificate) {
        return Ok(Step::Do(Effect::Deletion(effect)));
    }
    own_the_secret(o)?;
    if *o.secret == SecretView::Unread {
        return Ok(Step::Do(Effect::ReadSecret));
    }
    same_installation(o)?;
    awake(o)?;
    if o.certificate.spec.csr_secret_ref.is_some() && *o.csr == CsrView::Unread {
        return Ok(Step::Do(Effect::ReadCsr));
    }
    tidy(o, location::after(o, restart::after(o, outputs(o, progress(o)))))
}

/// At rest, what nobody needs any more goes.
fn tidy(o: &Observed, next: Result<Step<Effect>, Hindrance>) -> Result<Step<Effect>, Hindrance> {
    let (Ok(Step::Wait(_)), Some(account)) = (&next, account(o)) else { return next };
    match history::dispensable(o, &Lineage::of(o, Some(account))).and_then(|issuance| issuance.metadata.name.clone()) {
        Some(issuance) => Ok(Step::Do(Effect::Forget { issuance })),
        None => next,
    }
}

/// A suspended Certificate is left as it is, its Secret included.
fn awake(o: &Observed) -> Result<(), Hindrance> {
    if o.certificate.spec.suspend != Some(true) {
        return Ok(());
    }
    let waiting = o.issuances.iter().find(|issuance| state(issuance) == Some(State::Issued));
    let waiting = waiting.and_then(|issuance| issuance.metadata.name.as_deref());
    let message = match waiting {
        Some(name) => format!("spec.suspend is true: the certificate of Issuance {name} waits to be installed"),
        None => "spec.suspend is true: nothing is begun, paid or written".to_owned(),
    };
    Err(Hindrance { reason: reason::SUSPENDED, message, person: false, again: None })
}

fn state(issuance: &Issuance) -> Option<State> {
    issuance.status.as_ref()?.state
}

/// What is beside the pair is kept in sync whatever else is waited for.
fn outputs(o: &Observed, next: Result<Step<Effect>, Hindrance>) -> Result<Step<Effect>, Hindrance> {
    let (SecretView::Ours(held), false) = (o.secret, matches!(next, Ok(Step::Do(_)))) else { return next };
    match &held.outputs {
        Outputs::AsWanted => next,
        Outputs::Differ => match writable(o) {
            Ok(()) => Ok(Step::Do(Effect::Rewrite)),
            Err(hindrance) => next.and(Err(hindrance)),
        },
        Outputs::Unmakeable(why) => next.and_then(|_| {
            let missing = Hindrance::person(reason::KEYSTORE_PASSWORD, why);
            Err(Hindrance { again: Some(Duration::from_secs(60)), ..missing })
        }),
    }
}

/// Nothing is bought for a Secret that cannot take it.
fn writable(o: &Observed) -> Result<(), Hindrance> {
    o.unwritable.map_or(Ok(()), |why| Err(Hindrance::person(reason::SECRET_NOT_WRITABLE, why)))
}

fn progress(o: &Observed) -> Result<Step<Effect>, Hindrance> {
    let lineage = Lineage::of(o, account(o));
    if let Some(issuance) = lineage.unresolved {
        let name = issuance.metadata.name.clone().unwrap_or_default();
        if approval::is_outdated(o, &lineage, issuance) {
            return Ok(Step::Do(Effect::Supersede { issuance: name }));
        }
        if let Some(token) = trigger::compromised_before(o, &lineage, issuance) {
            return Ok(Step::Do(Effect::NoteCompromise { issuance: name, token: token.to_owned() }));
        }
        if let Some(step) = amend::instead(o, &lineage, issuance) {
            return Ok(step);
        }
        return match dcv::resend_asked(o.certificate, issuance) {
            Some(token) => Ok(Step::Do(Effect::ResendEmails { issuance: name, token: token.to_owned() })),
            None => finish(o, issuance),
        };
    }
    if let Some(secret) = o.spent_keys.first() {
        return Ok(Step::Do(Effect::DeleteKey { secret: secret.clone() }));
    }
    if let Some(order_id) = adopt::asked(o, &lineage) {
        fits(o)?;
        return adopt::adopt(o, &lineage, order_id);
    }
    match trigger::due(o, &lineage) {
        Due::Now(Trigger::KeyLost) if let Some(from) = o.elsewhere => {
            writable(o)?;
            Ok(Step::Do(Effect::Copy { from: from.to_owned() }))
        }
        Due::Now(trigger) => match again(o, &lineage, trigger).and_then(|issuance| issuance.metadata.name.clone()) {
            Some(issuance) => {
                writable(o)?;
                begin::issuer(o)?;
                Ok(Step::Do(Effect::Collect { issuance }))
            }
            None => begin(o, &lineage, trigger),
        },
        Due::OnRequest => Err(on_request(o)),
        Due::At(time) => {
            csr::readable(o)?;
            fits(o)?;
            let renewal = o.certificate.spec.renewal.as_ref();
            match renewal.and_then(|renewal| windows::problem(&renewal.windows)) {
                Some(why) => Err(Hindrance::person(reason::INVALID_SPEC, why)),
                None => Ok(Step::Wait(until(time, o.now).min(LOOK_AGAIN))),
            }
        }
    }
}

/// Whose certificate is downloaded again without an operation: nothing was lost that the provider does not give again.
fn again<'a>(o: &Observed, lineage: &Lineage<'a>, why: Trigger) -> Option<&'a Issuance> {
    let lost = matches!(why, Trigger::KeyLost | Trigger::SpecChanged);
    let by_csr = csr::collectable(o, lineage).filter(|_| lost);
    by_csr.or_else(|| dnsimple::collectable(o, lineage).filter(|_| why == Trigger::KeyLost))
}

fn on_request(o: &Observed) -> Hindrance {
    let end = trigger::served(o).map(|leaf| format!("the certificate expires at {} and ", leaf.not_after));
    let message = format!(
        "{}spec.renewal.policy is Manual: set the annotation {} to a new token to renew it",
        end.unwrap_or_default(),
        meta::REISSUE_REQUESTED
    );
    Hindrance::person(reason::RENEWAL_DUE, message)
}

/// A Secret is written only by the Certificate that owns it.
fn own_the_secret(o: &Observed) -> Result<(), Hindrance> {
    let name = &o.certificate.spec.secret_name;
    let taken = |owner: &str| {
        let message = format!("Secret {name} belongs to Certificate {owner}; nothing is issued for this one");
        Err(Hindrance::person(reason::SECRET_OWNED_BY_OTHER, message))
    };
    match o.secret {
        SecretView::OwnedBy(owner) => taken(owner),
        SecretView::Foreign { .. } if o.certificate.spec.take_over_secret != Some(true) => Err(Hindrance::person(
            reason::SECRET_NOT_OURS,
            format!("Secret {name} was made by another tool and is left alone; set takeOverSecret: true to replace it"),
        )),
        SecretView::Foreign { type_, .. } if type_ != secret_type(&o.certificate.spec) => Err(Hindrance::person(
            reason::SECRET_NOT_OURS,
            format!(
                "Secret {name} is of type {type_}, which cannot be changed to {}: delete it, or name another",
                secret_type(&o.certificate.spec)
            ),
        )),
        SecretView::Absent | SecretView::Foreign { .. } => o.rival.map_or(Ok(()), taken),
        SecretView::Unread | SecretView::Ours(_) => Ok(()),
    }
}

fn same_installation(o: &Observed) -> Result<(), Hindrance> {
    let other = |issuance: &&Arc<Issuance>| !lineage::is_ours(&issuance.spec, o.installation, o.mark);
    match o.issuances.iter().find(other) {
        None => Ok(()),
        Some(issuance) => Err(Hindrance::person(
            reason::INSTALLATION_CHANGED,
            format!(
                "Issuance {} was recorded by another installation of Evercert. If this cluster was restored from a \
                 backup of it, start the operator with --installation-id set to the installation recorded there",
                issuance.metadata.name.as_deref().unwrap_or_default()
            ),
        )),
    }
}

/// An Issuance is under way: install what it brought.
fn finish(o: &Observed, issuance: &Issuance) -> Result<Step<Effect>, Hindrance> {
    let name = issuance.metadata.name.clone().unwrap_or_default();
    if state(issuance) != Some(State::Issued) {
        return Ok(Step::Wait(hush(issuance, o.machine_now).unwrap_or(LOOK_AGAIN)));
    }
    if let SecretView::Ours(held) = o.secret
        && held.pair.as_ref().is_some_and(|served| brought(issuance, served))
    {
        return Ok(Step::Do(Effect::MarkInstalled { issuance: name }));
    }
    if csr::switched(&o.certificate.spec, &issuance.spec) {
        return Ok(Step::Do(Effect::Supersede { issuance: name }));
    }
    if issuance.spec.operation == Operation::Adopt {
        return adopt::finish(o, name, &issuance.spec.request.public_key_sha256);
    }
    writable(o)?;
    Ok(Step::Do(Effect::Install { issuance: name }))
}

/// The key alone does not tell: it may have been used before.
fn brought(issuance: &Issuance, served: &Leaf) -> bool {
    let serial = issuance.status.as_ref().and_then(|status| status.serial_number.as_ref());
    served.public_key_sha256 == issuance.public_key_sha256() && serial.is_none_or(|serial| *serial == served.serial)
}

pub(super) fn account<'a>(o: &Observed<'a>) -> Option<&'a Account> {
    match o.issuer {
        IssuerView::Ready { account, .. } => Some(account),
        _ => None,
    }
}

/// At least a second.
pub fn until(time: Timestamp, now: Timestamp) -> Duration {
    let left: SignedDuration = time.duration_since(now);
    Duration::try_from(left).unwrap_or(Duration::ZERO).max(Duration::from_secs(1))
}

/// Whether an Issuance waits for a person, and for what. A question that was answered waits for nobody.
pub fn action_required(issuance: &Issuance) -> Option<(&str, &str)> {
    let status = issuance.status.as_ref()?;
    let required = condition(&status.conditions, ACTION_REQUIRED).filter(|required| required.status == "True")?;
    let answered = required.reason == reason::APPROVAL_REQUIRED && approval::approved(status);
    (!answered).then_some((required.reason.as_str(), required.message.as_str()))
}

#[cfg(test)]
mod tests;

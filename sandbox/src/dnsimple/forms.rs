//! What the API does not offer: what a person does in the web interface, DNSimple's staff after that, and whoever reads
//! the approval mail (*Ordering a Sectigo certificate*, *Re-issuing a Sectigo certificate*).

use serde::Deserialize;

use super::{
    events::{self, Actor},
    issuance::{self, finish, set_state},
    keys::{self, Algorithm},
    ledger,
};
use crate::{
    ca::Ca,
    csr,
    state::{
        World,
        dnsimple::{Authority, Certificate, Domain, State, Subject},
        records::{OperationKind, Quirk},
    },
};

/// The order form of a Sectigo certificate.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Form {
    pub domain: String,
    /// The label, `*` for a wildcard certificate.
    #[serde(default = "www")]
    pub name: String,
    /// None: DNSimple makes the key.
    pub csr: Option<String>,
    /// How far the person gets: `purchased`, `configured` or `submitted`.
    #[serde(default = "submitted")]
    pub state: State,
    #[serde(default)]
    pub quirks: Vec<Quirk>,
}

fn submitted() -> State {
    State::Submitted
}

fn www() -> String {
    "www".to_owned()
}

/// Paid for at once; once it is submitted, it waits for the answer to the approval mail.
pub fn order(world: &mut World, domain: &Domain, form: Form) -> Result<u64, String> {
    let common_name = match form.name.as_str() {
        "" => domain.name.clone(),
        name => format!("{name}.{}", domain.name),
    };
    if ![State::Purchased, State::Configured, State::Submitted].contains(&form.state) {
        return Err("a form is purchased, configured or submitted".into());
    }
    // "covers both www and the root", as does a wildcard.
    let mut names = vec![common_name.clone()];
    names.extend(["www", "*"].contains(&&*form.name).then(|| domain.name.clone()));
    let subject = subject(form.csr.as_deref(), &common_name, &names)?;
    let id = world.next_id();
    world.dnsimple.certificates.insert(Certificate {
        name: form.name,
        common_name,
        names,
        state: form.state,
        quirks: form.quirks,
        ..Certificate::new(id, domain, Authority::Comodo, subject, world.now())
    });
    ledger::record(world, OperationKind::Order, id, None);
    Ok(id)
}

/// The re-issue form, for another key; free. Answers the id of what will be the new certificate: the same, or a new one
/// that is submitted. Nobody has documented which.
pub fn reissue(world: &mut World, certificate: u64, csr: Option<&str>) -> Result<u64, String> {
    let row = world.dnsimple.certificates.get(certificate).cloned().ok_or("there is no such certificate")?;
    let expired = row.issued.as_ref().is_some_and(|issued| crate::clock::end_of(issued.valid_till) < world.now());
    let good = row.state == State::Issued && !expired && row.revocation.is_none();
    if row.authority != Authority::Comodo || !good || row.reissue.is_some() {
        return Err("only an issued certificate of Sectigo can be re-issued".into());
    }
    let subject = subject(csr, &row.common_name, &row.names)?;
    let keeps_id = world.dnsimple.accounts.get(row.account).is_none_or(|account| account.settings.reissue_keeps_id);
    let now = world.now();
    let id = if keeps_id { certificate } else { world.next_id() };
    let changed = match keeps_id {
        true => Certificate { reissue: Some(subject), updated: now, ..row },
        false => Certificate {
            id,
            state: State::Submitted,
            created: now,
            updated: now,
            subject,
            issued: None,
            reissue: None,
            ..row
        },
    };
    world.dnsimple.certificates.insert(changed);
    ledger::record(world, OperationKind::Reissue, id, None);
    Ok(id)
}

fn subject(csr: Option<&str>, common_name: &str, names: &[String]) -> Result<Subject, String> {
    let Some(text) = csr else {
        return keys::make(Algorithm::Rsa, common_name, names).map_err(|error| error.to_string());
    };
    let public_key_sha256 = csr::parse(text)?.public_key_sha256;
    Ok(Subject { csr: text.to_owned(), public_key_sha256, private_key: None })
}

/// The link in the approval mail is followed: Sectigo issues. False: nothing waits for it.
pub fn approve(world: &mut World, ca: &Ca, certificate: u64) -> bool {
    let Some(row) = world.dnsimple.certificates.edit(certificate) else { return false };
    if row.state == State::Submitted {
        let subject = row.subject.clone();
        let issued = finish(world, ca, certificate, subject);
        events::certificate(world, "certificate.issue", certificate, Actor::System);
        return issued;
    }
    let Some(mut subject) = row.reissue.take() else { return false };
    let (account, old_key) = (row.account, row.subject.private_key.clone());
    let had_key = old_key.is_some();
    let confirmed = world.dnsimple.accounts.get(account).is_some_and(|account| account.settings.reissue_confirmed);
    let unconfirmed = if confirmed { std::mem::replace(&mut subject.private_key, old_key) } else { None };
    let issued = finish(world, ca, certificate, subject);
    events::certificate(world, "certificate.reissue", certificate, Actor::System);
    match world.dnsimple.certificates.edit(certificate) {
        Some(row) if confirmed => row.unconfirmed_key = unconfirmed,
        _ if had_key => events::certificate(world, "certificate.remove_private_key", certificate, Actor::System),
        _ => {}
    }
    issued
}

/// Receipt of a re-issued certificate is confirmed: its key is shown, and the old one is deleted for good.
fn confirm(world: &mut World, certificate: u64) -> bool {
    let Some(row) = world.dnsimple.certificates.edit(certificate) else { return false };
    let Some(key) = row.unconfirmed_key.take() else { return false };
    row.subject.private_key = Some(key);
    events::certificate(world, "certificate.remove_private_key", certificate, Actor::Person);
    true
}

/// Whether an approval mail waits for its answer.
pub fn waits(row: &Certificate) -> bool {
    row.authority == Authority::Comodo && (row.state == State::Submitted || row.reissue.is_some())
}

/// What else people do to a certificate.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// The rest of the order form is filled in.
    Submit,
    /// The link of the approval mail.
    Approve,
    /// The receipt of a re-issued certificate.
    Confirm,
    /// By Sectigo; a re-issue that is rejected leaves what there was.
    Reject,
    Refund,
    Cancel,
    /// By Let's Encrypt.
    Fail,
    /// Signed again, with an end that has passed.
    Expire,
    RemovePrivateKey,
    EnableAutoRenewal,
    DisableAutoRenewal,
    /// Ends what a `stayPending` or `lookupLag` fault began.
    Release,
}

/// False: this cannot be done to it.
pub fn act(world: &mut World, ca: &Ca, certificate: u64, action: Action) -> bool {
    let Some(row) = world.dnsimple.certificates.edit(certificate) else { return false };
    let event = match action {
        Action::Submit if ![State::Purchased, State::Configured].contains(&row.state) => return false,
        Action::Submit => return becomes(world, certificate, State::Submitted),
        Action::Approve => return approve(world, ca, certificate),
        Action::Confirm => return confirm(world, certificate),
        Action::Reject if row.reissue.take().is_some() => return true,
        Action::Reject => return becomes(world, certificate, State::Rejected),
        Action::Refund => return becomes(world, certificate, State::Refunded),
        Action::Cancel => return becomes(world, certificate, State::Cancelled),
        Action::Fail => return becomes(world, certificate, State::Failed),
        Action::Expire => return expire(world, ca, certificate),
        Action::Release => {
            row.hidden_until = None;
            row.quirks.retain(|quirk| *quirk != Quirk::StayPending);
            return true;
        }
        Action::RemovePrivateKey => {
            row.subject.private_key = None;
            "certificate.remove_private_key"
        }
        Action::EnableAutoRenewal => {
            row.auto_renew = true;
            "certificate.auto_renewal_enable"
        }
        Action::DisableAutoRenewal => {
            row.auto_renew = false;
            "certificate.auto_renewal_disable"
        }
    };
    events::certificate(world, event, certificate, Actor::Person);
    true
}

fn becomes(world: &mut World, certificate: u64, state: State) -> bool {
    set_state(world, certificate, state);
    true
}

fn expire(world: &mut World, ca: &Ca, certificate: u64) -> bool {
    let Some(row) = world.dnsimple.certificates.edit(certificate).filter(|row| row.issued.is_some()) else {
        return false;
    };
    row.quirks.push(Quirk::Expired);
    let subject = row.subject.clone();
    issuance::finish(world, ca, certificate, subject)
}

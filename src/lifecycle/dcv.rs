//! The next step of an operation's domain validations: publish, see it published, ask the provider to look.

use std::time::Duration;

use super::{Step, issuance::observed::Observed, remaining};
use crate::{
    api::{
        Certificate, Issuance,
        conditions::{self, DCV_EMAIL_RESENT},
        issuance::{
            IssuanceStatus, PublisherKind, Record, RecordType, State, Validation, ValidationMethod, ValidationState,
        },
        meta::RESEND_DCV_EMAIL,
    },
    provider::{self, DcvMethod},
};

/// A record that our own check cannot see is shown to the provider all the same after this long: it may look
/// from elsewhere.
const CHECK_DEADLINE: Duration = Duration::from_secs(600);
/// Between two self-checks of one record, and two tries to publish it: a tenth of the time it has taken so far, between
/// these.
const SOONEST: Duration = Duration::from_secs(5);
const LATEST: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Reads what is to be validated, and the tokens.
    Read,
    Publish {
        domain: String,
    },
    /// Looks for the record at the authoritative servers.
    Check {
        domain: String,
    },
    /// Asks the provider to look now.
    Ask {
        domains: Vec<String>,
    },
    Unpublish {
        domain: String,
    },
}

pub fn decide(o: &Observed) -> Step<Effect> {
    let validations = &o.status.validations;
    let Some(read) = &o.seen.validations else {
        // Once to know the tokens; again with each poll, to know what is valid by now.
        let stale = validations.is_empty() || o.seen.standing.is_some();
        return if stale { Step::Do(Effect::Read) } else { advance(o) };
    };
    match open(validations).find(|validation| is_published(validation) && outdated(validation, read)) {
        Some(validation) if !o.seen.stuck.contains(&validation.domain) => {
            Step::Do(Effect::Unpublish { domain: validation.domain.clone() })
        }
        _ => advance(o),
    }
}

fn advance(o: &Observed) -> Step<Effect> {
    let mut again = None;
    for validation in open(&o.status.validations) {
        let domain = validation.domain.clone();
        match validation.state {
            _ if o.seen.stuck.contains(&domain) => again = sooner(again, pause(o, validation)),
            ValidationState::Pending if validation.record.is_some() => return Step::Do(Effect::Publish { domain }),
            ValidationState::Published if !o.self_check || overdue(o, validation) => {}
            ValidationState::Published if o.seen.checked.contains(&domain) => {
                again = sooner(again, pause(o, validation));
            }
            ValidationState::Published => return Step::Do(Effect::Check { domain }),
            ValidationState::Visible => again = settling(o, validation).map_or(again, |pause| sooner(again, pause)),
            _ => {}
        }
    }
    if let Some(pause) = again {
        return Step::Wait(pause);
    }
    let shown = open(&o.status.validations).filter(|validation| validation.state != ValidationState::Pending);
    let domains: Vec<_> = shown.map(|validation| validation.domain.clone()).collect();
    if o.seen.asked || domains.is_empty() {
        return Step::Done;
    }
    if !o.next_ask.is_zero() {
        return Step::Wait(o.next_ask);
    }
    Step::Do(Effect::Ask { domains })
}

/// The next record to remove: ours, published, and no longer needed.
pub fn clean_up(o: &Observed) -> Option<Step<Effect>> {
    let ours = o.status.validations.iter().filter(|validation| is_published(validation));
    let mut stuck = None;
    for validation in ours {
        let domain = validation.domain.clone();
        if !o.seen.stuck.contains(&domain) {
            return Some(Step::Do(Effect::Unpublish { domain }));
        }
        stuck = Some(Step::Wait(Duration::from_secs(60)));
    }
    stuck
}

fn open(validations: &[Validation]) -> impl Iterator<Item = &Validation> {
    validations
        .iter()
        .filter(|validation| !matches!(validation.state, ValidationState::Valid | ValidationState::Cleaned))
}

/// Whether a record of ours is in the DNS.
pub fn is_published(validation: &Validation) -> bool {
    let there = !matches!(validation.state, ValidationState::Pending | ValidationState::Cleaned);
    there && validation.record.is_some() && validation.publisher.is_some_and(PublisherKind::is_automatic)
}

/// The records of ours that are in the DNS, as they stand there.
pub fn published(status: &IssuanceStatus) -> impl Iterator<Item = Record> {
    status.validations.iter().filter(|validation| is_published(validation)).filter_map(placed)
}

/// The records of ours that an Issuance waits for the provider to see.
pub fn awaited(status: &IssuanceStatus) -> impl Iterator<Item = Record> {
    let waits = |validation: &&Validation| {
        matches!(validation.state, ValidationState::Published | ValidationState::Visible) && is_published(validation)
    };
    let ended = status.state.is_some_and(State::is_final);
    status.validations.iter().filter(move |_| !ended).filter(waits).filter_map(placed)
}

/// Whether an Issuance waits for this record of its own to be seen. Of two that are done with it, both remove it.
pub fn needs(status: &IssuanceStatus, record: &Record) -> bool {
    awaited(status).any(|awaited| awaited == *record)
}

/// The provider has a newer token than the one that is published.
fn outdated(validation: &Validation, read: &[provider::Validation]) -> bool {
    let now = read.iter().find(|now| now.domain == validation.domain);
    now.and_then(|now| now.record.as_ref()).is_some_and(|record| validation.record.as_ref() != Some(&to_record(record)))
}

fn overdue(o: &Observed, validation: &Validation) -> bool {
    validation.since.as_ref().is_some_and(|since| remaining(since.0, CHECK_DEADLINE, o.now).is_none())
}

/// Until others, too, have forgotten what stood at the name before.
fn settling(o: &Observed, validation: &Validation) -> Option<Duration> {
    let left = validation.ask_at.as_ref()?.0.duration_since(o.now);
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}

fn pause(o: &Observed, validation: &Validation) -> Duration {
    let since = validation.since.as_ref().map_or(o.now, |since| since.0);
    let age = Duration::try_from(o.now.duration_since(since)).unwrap_or_default();
    (age / 10).clamp(SOONEST, LATEST)
}

fn sooner(one: Option<Duration>, other: Duration) -> Option<Duration> {
    Some(one.map_or(other, |one| one.min(other)))
}

/// A provider's record as the ledger writes it.
pub fn to_record(record: &provider::DcvRecord) -> Record {
    let type_ = match record.method {
        DcvMethod::DnsTxt => RecordType::Txt,
        DcvMethod::DnsCname => RecordType::Cname,
        DcvMethod::HttpToken => RecordType::Http,
        // No record proves it; the text is shown to nobody.
        DcvMethod::Email => RecordType::Txt,
    };
    Record { name: record.name.clone(), type_, value: record.value.clone() }
}

/// The record where it has to stand, which is not its own name where that is delegated.
pub fn placed(validation: &Validation) -> Option<Record> {
    let record = validation.record.clone()?;
    let name = validation.delegated_to.clone().unwrap_or(record.name);
    Some(Record { name, ..record })
}

/// What only people can do for the validations of an Issuance: records in zone-file form, files, mails.
pub fn asked_of_people(issuance: &Issuance) -> Option<String> {
    let status = issuance.status.as_ref()?;
    let manual: Vec<&Validation> = open(&status.validations)
        .filter(|validation| !validation.publisher.is_some_and(PublisherKind::is_automatic))
        .collect();
    let shown = |file: bool| {
        let records = manual.iter().filter_map(|validation| placed(validation));
        let lines = records.filter(|record| (record.type_ == RecordType::Http) == file).map(|it| zone_line(&it));
        Some(lines.collect::<Vec<_>>().join("; ")).filter(|lines| !lines.is_empty())
    };
    let mails = manual.iter().filter(|validation| validation.method == ValidationMethod::Email);
    let mails: Vec<String> =
        mails.map(|validation| format!("{} (to {})", validation.domain, validation.emails.join(", "))).collect();
    let sentences = [
        shown(false).map(|records| {
            format!("publish these DNS records and leave them until the certificate is issued: {records}")
        }),
        shown(true).map(|files| {
            format!("serve these files over plain HTTP and leave them until the certificate is issued: {files}")
        }),
        (!mails.is_empty()).then(|| {
            format!(
                "answer the provider's mail about {}; a new token in annotation {RESEND_DCV_EMAIL} has it sent again",
                mails.join("; ")
            )
        }),
    ];
    Some(sentences.into_iter().flatten().collect::<Vec<_>>().join("; ")).filter(|message| !message.is_empty())
}

/// The token by which a user asks for the validation mails once more.
pub fn resend_asked<'a>(certificate: &'a Certificate, issuance: &Issuance) -> Option<&'a str> {
    let token = certificate.metadata.annotations.as_ref()?.get(RESEND_DCV_EMAIL).filter(|token| !token.is_empty())?;
    let status = issuance.status.as_ref().filter(|status| status.order_id.is_some())?;
    let sent = conditions::condition(&status.conditions, DCV_EMAIL_RESENT);
    let waits = open(&status.validations).any(|validation| validation.method == ValidationMethod::Email);
    (waits && sent.is_none_or(|sent| sent.message != *token)).then_some(token)
}

/// A record as a zone file has it; of a file where and what.
pub fn zone_line(record: &Record) -> String {
    match record.type_ {
        RecordType::Http => format!("{} containing {}", record.name, record.value),
        RecordType::Txt => format!("{}. TXT \"{}\"", record.name, record.value),
        RecordType::Cname => format!("{}. CNAME {}.", record.name, record.value),
    }
}

#[cfg(test)]
mod tests;

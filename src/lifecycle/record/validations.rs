//! What is kept of each domain's validation.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{change::Told, cut};
use crate::{
    api::issuance::{IssuanceStatus, PublisherKind, Record, RecordType, Validation, ValidationMethod, ValidationState},
    lifecycle::dcv::{is_published, to_record},
};

/// A record of ours stays known while it is published: it has to be removed before another takes its place.
pub(super) fn merge(validations: &mut Vec<Validation>, read: &[Told], now: Timestamp) {
    for told in read {
        let record = told.validation.record.as_ref().map(to_record);
        let known = validations.iter_mut().find(|known| known.domain == told.validation.domain);
        match known {
            Some(known) if told.validation.valid => finish(known, &Time(now)),
            // The provider asks for it again.
            Some(known) if known.state == ValidationState::Valid => {
                known.state = ValidationState::Published;
                known.since = Some(Time(now));
            }
            Some(known) => {
                let elsewhere = told
                    .delegated_to
                    .as_ref()
                    .is_ok_and(|delegated_to| known.delegated_to != *delegated_to || known.publisher != told.publisher);
                let again = known.state == ValidationState::Cleaned
                    || known.record != record
                    || known.emails != told.validation.emails
                    || elsewhere;
                let told_how = record.is_some() || !told.validation.emails.is_empty();
                if again && told_how && !is_published(known) {
                    let since = known.since.take().filter(|_| told.delegated_to.is_err());
                    let new = fresh(told, record, now);
                    *known = Validation { since: since.or(new.since.clone()), ..new };
                }
            }
            None if told.validation.valid => {}
            None => validations.push(fresh(told, record, now)),
        }
    }
}

fn fresh(told: &Told, record: Option<Record>, now: Timestamp) -> Validation {
    let method = match record.as_ref().map(|record| record.type_) {
        Some(RecordType::Cname) => ValidationMethod::DnsCname,
        Some(RecordType::Http) => ValidationMethod::Http,
        None if !told.validation.emails.is_empty() => ValidationMethod::Email,
        _ => ValidationMethod::DnsTxt,
    };
    let asks_for_nothing = record.is_none() && told.validation.emails.is_empty();
    // Nobody is told of a record before it is known where it has to stand; a later read tries again.
    let (record, message) = match &told.delegated_to {
        // With nothing to publish and nobody mailed, the provider's own word is all there is to tell.
        Ok(_) if asks_for_nothing => (None, Some(told.validation.status.clone()).filter(|word| !word.is_empty())),
        Ok(_) => (record, None),
        Err(why) => (None, Some(cut(why))),
    };
    // Whoever is to publish it by hand is told by this very entry.
    let state = match told.publisher {
        Some(PublisherKind::Manual) | None if record.is_some() => ValidationState::Published,
        _ => ValidationState::Pending,
    };
    Validation {
        domain: told.validation.domain.clone(),
        method,
        state,
        record,
        emails: told.validation.emails.clone(),
        publisher: told.publisher,
        delegated_to: told.delegated_to.clone().unwrap_or_default(),
        since: Some(Time(now)),
        ask_at: None,
        message,
    }
}

/// The provider is satisfied; what was never published needs no cleaning.
pub(super) fn finish(validation: &mut Validation, at: &Time) {
    let ours = validation.publisher.is_some_and(PublisherKind::is_automatic);
    let state = match validation.state {
        ValidationState::Published | ValidationState::Visible if ours => ValidationState::Valid,
        ValidationState::Valid => ValidationState::Valid,
        _ => ValidationState::Cleaned,
    };
    if validation.state != state {
        validation.state = state;
        validation.since = Some(at.clone());
        validation.message = None;
    }
}

pub(super) fn with(status: &mut IssuanceStatus, domain: &str, change: impl FnOnce(&mut Validation)) {
    if let Some(validation) = status.validations.iter_mut().find(|validation| validation.domain == domain) {
        change(validation);
    }
}

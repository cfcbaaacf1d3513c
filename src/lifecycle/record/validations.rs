//! What is kept of each domain's validation.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    api::issuance::{IssuanceStatus, PublisherKind, RecordType, Validation, ValidationMethod, ValidationState},
    lifecycle::dcv::{is_published, to_record},
    provider,
};

/// A record of ours stays known while it is published: it has to be removed before another takes its place.
pub(super) fn merge(
    validations: &mut Vec<Validation>,
    read: &[(provider::Validation, Option<PublisherKind>)],
    now: Timestamp,
) {
    for (told, publisher) in read {
        let record = told.record.as_ref().map(to_record);
        let known = validations.iter_mut().find(|known| known.domain == told.domain);
        match known {
            Some(known) if told.valid => finish(known, &Time(now)),
            // The provider asks for it again.
            Some(known) if known.state == ValidationState::Valid => {
                known.state = ValidationState::Published;
                known.since = Some(Time(now));
            }
            Some(known) => {
                let again = known.state == ValidationState::Cleaned
                    || known.record != record
                    || known.publisher != *publisher
                    || known.emails != told.emails;
                let told_how = record.is_some() || !told.emails.is_empty();
                if again && told_how && !is_published(known) {
                    *known = fresh(told, record, *publisher, now);
                }
            }
            None if told.valid => {}
            None => validations.push(fresh(told, record, *publisher, now)),
        }
    }
}

fn fresh(
    told: &provider::Validation,
    record: Option<crate::api::issuance::Record>,
    publisher: Option<PublisherKind>,
    now: Timestamp,
) -> Validation {
    let method = match record.as_ref().map(|record| record.type_) {
        Some(RecordType::Cname) => ValidationMethod::DnsCname,
        Some(RecordType::Http) => ValidationMethod::Http,
        None if !told.emails.is_empty() => ValidationMethod::Email,
        _ => ValidationMethod::DnsTxt,
    };
    let told_nothing = record.is_none() && told.emails.is_empty();
    // Whoever is to publish it by hand is told by this very entry.
    let state = match publisher {
        Some(PublisherKind::Manual) | None if record.is_some() => ValidationState::Published,
        _ => ValidationState::Pending,
    };
    Validation {
        domain: told.domain.clone(),
        method,
        state,
        record,
        emails: told.emails.clone(),
        publisher,
        since: Some(Time(now)),
        // Nothing to publish and nobody mailed: the provider's own word is all there is to tell.
        message: (told_nothing && !told.status.is_empty()).then(|| told.status.clone()),
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

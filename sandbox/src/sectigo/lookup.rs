//! Finds certificates as a caller may see them: of the own customer, and not hidden by a look-up lag.

use super::{errors::ApiError, gate::Caller};
use crate::{
    faults::visible,
    issuance,
    state::{
        World,
        scm::{Ssl, Status, Version},
    },
};

/// For looking: what is unknown is 404.
pub fn ssl<'a>(world: &'a World, caller: &Caller, id: &str) -> Result<&'a Ssl, ApiError> {
    find(world, caller, id).ok_or_else(|| ApiError::not_found("Certificate"))
}

/// For an operation: what is unknown is a wrong id.
pub fn subject<'a>(world: &'a World, caller: &Caller, id: &str) -> Result<&'a Ssl, ApiError> {
    find(world, caller, id).ok_or_else(|| ApiError::wrong_id(id))
}

fn find<'a>(world: &'a World, caller: &Caller, id: &str) -> Option<&'a Ssl> {
    all(world, caller).find(|row| row.id.to_string() == id)
}

/// In ascending order of id.
pub fn all<'a>(world: &'a World, caller: &Caller) -> impl Iterator<Item = &'a Ssl> {
    let customer = caller.customer;
    world.scm.certificates.iter().filter(move |row| row.customer == customer && visible(row.hidden_until))
}

impl Ssl {
    /// The version that look-ups show.
    pub fn shown(&self) -> Option<&Version> {
        self.versions.iter().rev().find(|version| visible(version.hidden_until))
    }

    /// The newest version that look-ups show and that is issued.
    pub fn issued(&self) -> Option<&Version> {
        self.versions.iter().rev().find(|version| visible(version.hidden_until) && version.issued.is_some())
    }

    /// A replacement that look-ups do not show yet.
    pub fn hides_replacement(&self) -> bool {
        self.versions.last().is_some_and(|version| !visible(version.hidden_until))
    }

    /// The one word for all of it, in the spelling of the details.
    pub fn status_name(&self, world: &World) -> &str {
        if let Some(shown) = &self.shown_status {
            return shown;
        }
        let now = world.now();
        let status = if self.hides_replacement() { Status::Issued } else { self.status };
        let issued = self.shown().and_then(|version| version.issued.as_ref());
        match status {
            Status::Requested => "Requested",
            Status::SaApproved => "SA Approved",
            Status::Approved => "Approved",
            Status::Applied => "Applied",
            Status::Declined => "Declined",
            Status::Rejected => "Rejected",
            Status::Invalid => "Invalid",
            Status::Issued if self.shown().is_some_and(|version| version.is_revoked(now)) => "Revoked",
            Status::Issued if issued.is_some_and(|issued| crate::clock::end_of(issued.valid_till) < now) => "Expired",
            Status::Issued => "Issued",
        }
    }

    /// Whether look-ups know of its renewal.
    pub fn shows_renewal(&self, world: &World) -> bool {
        let renewal = self.renewed_by.and_then(|id| world.scm.certificates.get(id));
        self.renewed.is_some() && renewal.is_none_or(|row| visible(row.hidden_until))
    }
}

impl Version {
    /// As SCM shows it.
    pub fn is_revoked(&self, now: jiff::Timestamp) -> bool {
        self.revocation.as_ref().is_some_and(|revocation| issuance::shown(revocation, now))
    }
}

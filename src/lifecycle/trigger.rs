//! Why an operation is due: the first trigger that holds.

use jiff::Timestamp;

use super::{
    certificate::observed::{Observed, SecretView},
    csr,
    lineage::Lineage,
    names, record,
    renewal::{self, renewal_time},
    windows,
};
use crate::{
    api::{
        Certificate, CertificateSpec, Issuance,
        certificate::{RenewalPolicy, RevokedCertificate},
        issuance::{Request, Trigger},
        meta,
    },
    pki::Leaf,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    Now(Trigger),
    /// What expires is replaced once a person says so by a new token.
    OnRequest,
    /// Nothing before this moment, on the clock of the world.
    At(Timestamp),
}

pub fn due(o: &Observed, lineage: &Lineage) -> Due {
    let requested = requested(o, lineage);
    if requested && lineage.exists && reason(o.certificate) == Some(meta::REASON_KEY_COMPROMISE) {
        return Due::Now(Trigger::KeyCompromise);
    }
    let Some(leaf) = served(o) else {
        return Due::Now(match lineage.installed {
            _ if !lineage.exists => Trigger::FirstIssue,
            Some(installed) if csr::switched(&o.certificate.spec, &installed.spec) => Trigger::SpecChanged,
            _ => Trigger::KeyLost,
        });
    };
    if revoked(o).is_some() {
        return Due::Now(Trigger::Revoked);
    }
    if spec_changed(o, leaf, lineage) {
        return Due::Now(Trigger::SpecChanged);
    }
    if lineage.other_account {
        return Due::Now(Trigger::IssuerChanged);
    }
    let expiring = renewal(o, lineage, leaf);
    match (o.now >= expiring, by_request(o.certificate), requested) {
        // What the token asks for under this policy is what expiry asks for under the other.
        (true, true, true) => Due::Now(Trigger::Expiring),
        (_, _, true) => Due::Now(Trigger::Requested),
        (true, true, false) => Due::OnRequest,
        (true, false, false) => Due::Now(Trigger::Expiring),
        (false, _, false) => Due::At(expiring),
    }
}

/// Whether what expires is replaced only on request.
pub fn by_request(certificate: &Certificate) -> bool {
    let renewal = certificate.spec.renewal.as_ref();
    renewal.and_then(|renewal| renewal.policy).unwrap_or_default() == RenewalPolicy::Manual
}

/// When the served certificate is to be replaced: inside a window, when there are any.
pub fn renewal(o: &Observed, lineage: &Lineage, leaf: &Leaf) -> Timestamp {
    let wanted = o.certificate.spec.renewal.as_ref();
    let before = wanted.and_then(|renewal| renewal::wanted_before(renewal, leaf.not_before, leaf.not_after));
    let order_end = lineage.behind().and_then(|order| order.valid_till);
    in_window(o, leaf, renewal_time(leaf.not_before, leaf.not_after, order_end, before, uid(o)))
}

/// When what is due then may begin.
pub fn in_window(o: &Observed, leaf: &Leaf, due: Timestamp) -> Timestamp {
    let windows = o.certificate.spec.renewal.as_ref().map_or(&[][..], |renewal| &renewal.windows);
    windows::begin(windows, due, renewal::latest(leaf.not_before, leaf.not_after, due), o.now, uid(o))
}

fn uid<'a>(o: &Observed<'a>) -> &'a str {
    o.certificate.metadata.uid.as_deref().unwrap_or_default()
}

/// The certificate in the Secret, when it can be read and matches its key.
pub fn served<'a>(o: &Observed<'a>) -> Option<&'a Leaf> {
    match o.secret {
        SecretView::Ours(held) => held.pair.as_ref(),
        _ => None,
    }
}

/// That the served certificate is revoked: heard now, or before a restart.
pub fn revoked<'a>(o: &Observed<'a>) -> Option<&'a RevokedCertificate> {
    let leaf = served(o)?;
    let known = o.certificate.status.as_ref().and_then(|status| status.revoked.as_ref());
    o.revoked.into_iter().chain(known).find(|revoked| revoked.serial_number == leaf.serial)
}

/// The user's reissue token, handled or not.
pub fn token(certificate: &Certificate) -> Option<&str> {
    annotation(certificate, meta::REISSUE_REQUESTED).filter(|token| !token.is_empty())
}

/// The token, until what it asks for is in the Secret.
pub fn unhandled<'a>(certificate: &'a Certificate, lineage: &Lineage) -> Option<&'a str> {
    token(certificate).filter(|token| !lineage.tokens.contains(token))
}

pub fn requested(o: &Observed, lineage: &Lineage) -> bool {
    unhandled(o.certificate, lineage).is_some()
}

/// A token that nothing was tried for yet: it is asked now.
pub fn fresh<'a>(certificate: &'a Certificate, lineage: &Lineage) -> Option<&'a str> {
    let tried = |token: &str| lineage.failed.iter().any(|failed| failed.spec.request_token.as_deref() == Some(token));
    unhandled(certificate, lineage).filter(|token| !tried(token))
}

/// The token that reports the key an Issuance under way replaces: a newer key is coming already, so the old one needs
/// only to be revoked after it. Once the newer key is served, a report is about that one.
pub fn compromised_before<'a>(o: &Observed<'a>, lineage: &Lineage, issuance: &Issuance) -> Option<&'a str> {
    let token =
        unhandled(o.certificate, lineage).filter(|_| reason(o.certificate) == Some(meta::REASON_KEY_COMPROMISE))?;
    let noted = issuance.status.as_ref().and_then(record::compromised) == Some(token);
    let asked = issuance.spec.request_token.as_deref() == Some(token);
    let key = issuance.public_key_sha256();
    let replaces = issuance.spec.supersedes.as_ref().is_some_and(|old| old.public_key_sha256 != key);
    let installed = served(o).is_some_and(|leaf| leaf.public_key_sha256 == key);
    (replaces && !installed && !noted && !asked).then_some(token)
}

fn reason(certificate: &Certificate) -> Option<&str> {
    annotation(certificate, meta::REISSUE_REASON)
}

fn annotation<'a>(certificate: &'a Certificate, key: &str) -> Option<&'a str> {
    certificate.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

/// Compared with what was asked for last, never with what the CA added or chose; a certificate without an
/// Issuance (a restored Secret) is compared by its names and key. A key that is held elsewhere is the CSR's.
pub(super) fn spec_changed(o: &Observed, leaf: &Leaf, lineage: &Lineage) -> bool {
    let spec = &o.certificate.spec;
    let other_key = csr::known(o).is_some_and(|csr| csr.public_key_sha256 != leaf.public_key_sha256);
    if other_key || !names::wanted(spec).is_subset(&leaf.dns_names) {
        return true;
    }
    match lineage.installed {
        Some(installed) if csr::switched(spec, &installed.spec) => true,
        // What the CA fulfilled since counts too: it may have revoked what lacks in that.
        Some(installed) => {
            [Some(installed), lineage.fulfilled].into_iter().flatten().any(|asked| differs(spec, &asked.spec.request))
        }
        None if spec.csr_secret_ref.is_some() => false,
        None => leaf.key_kind.is_some_and(|kind| {
            let key = spec.private_key.unwrap_or_default();
            kind.algorithm() != key.algorithm.as_str() || i32::from(kind.bits()) != key.bits()
        }),
    }
}

/// Whether a spec asks for something else than an earlier request did, a CSR aside. A product counts from the next order
/// on.
pub fn differs(spec: &CertificateSpec, asked: &Request) -> bool {
    let key = spec.private_key.unwrap_or_default();
    let other_kind = key.algorithm != asked.key_algorithm || key.bits() != asked.key_size;
    names::wanted(spec) != asked.dns_names.iter().cloned().collect()
        || spec.common_name.as_ref().is_some_and(|common_name| *common_name != asked.common_name)
        || spec.csr_secret_ref.is_none() && other_kind
        || spec.signature_hash.unwrap_or_default() != asked.signature_hash
        || spec.validity != asked.validity
}

#[cfg(test)]
mod tests;

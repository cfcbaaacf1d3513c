//! A key that is held elsewhere: its CSR is all there is of it. What is asked for it, when it is no good any more, and
//! what is downloaded again without asking.

use std::time::Duration;

use super::{
    certificate::{CsrView, Hindrance, Observed},
    lineage::Lineage,
    plan, trigger,
};
use crate::{
    api::{
        CertificateSpec, Issuance, IssuanceSpec,
        certificate::KeyAlgorithm,
        conditions::reason,
        issuance::{KeyOrigin, Operation, Trigger},
    },
    pki::{Csr, KeyKind},
};

/// Until a CSR that cannot be used is looked at again: no call to the provider.
const SOON: Duration = Duration::from_secs(60);

/// The key that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Of this algorithm and size in bits, made by Evercert.
    Ours(KeyAlgorithm, i32),
    /// Held elsewhere; `None`: its CSR was not read.
    Elsewhere(Option<Csr>),
}

impl Key {
    pub fn of(spec: &CertificateSpec, csr: Option<&Csr>) -> Self {
        let made = spec.private_key.unwrap_or_default();
        match spec.csr_secret_ref {
            None => Self::Ours(made.algorithm, made.bits()),
            Some(_) => Self::Elsewhere(csr.cloned()),
        }
    }

    pub fn kind(&self) -> Option<KeyKind> {
        match self {
            Self::Ours(algorithm, bits) => KeyKind::new(algorithm.as_str(), (*bits).try_into().ok()?),
            Self::Elsewhere(csr) => csr.as_ref().map(|csr| csr.kind),
        }
    }

    /// Whether an earlier operation asked for another.
    pub fn differs_from(&self, earlier: &IssuanceSpec) -> bool {
        let asked = &earlier.request;
        match self {
            Self::Ours(algorithm, bits) => {
                is_elsewhere(earlier) || *algorithm != asked.key_algorithm || *bits != asked.key_size
            }
            Self::Elsewhere(Some(csr)) => csr.public_key_sha256 != asked.public_key_sha256,
            Self::Elsewhere(None) => !is_elsewhere(earlier),
        }
    }
}

/// As an Issuance names it.
pub fn kind_of(kind: KeyKind) -> (KeyAlgorithm, i32) {
    let algorithm =
        if kind.algorithm() == KeyAlgorithm::Rsa.as_str() { KeyAlgorithm::Rsa } else { KeyAlgorithm::Ecdsa };
    (algorithm, kind.bits().into())
}

/// Of what is adopted somebody else has made the key, but the Secret may hold it.
fn is_elsewhere(operation: &IssuanceSpec) -> bool {
    operation.request.key_origin == KeyOrigin::Elsewhere && operation.operation != Operation::Adopt
}

/// Whether what an operation brings has its key here and the spec's is held elsewhere, or the other way round.
pub fn switched(spec: &CertificateSpec, operation: &IssuanceSpec) -> bool {
    operation.operation != Operation::Adopt && is_elsewhere(operation) != spec.csr_secret_ref.is_some()
}

/// The CSR, when the key is held elsewhere and it could be read.
pub fn known<'a>(o: &Observed<'a>) -> Option<&'a Csr> {
    match o.csr {
        CsrView::Read(csr) if o.certificate.spec.csr_secret_ref.is_some() => Some(csr),
        _ => None,
    }
}

/// A person is asked for a CSR before it is needed.
pub fn readable(o: &Observed) -> Result<(), Hindrance> {
    match o.csr {
        CsrView::Unusable(why) if o.certificate.spec.csr_secret_ref.is_some() => {
            asked(reason::CSR_UNUSABLE, why.clone())
        }
        _ => Ok(()),
    }
}

/// Nothing is asked for without a CSR, nor for a key that is bad: only its holder can make another.
pub fn usable(o: &Observed, lineage: &Lineage, due: Trigger) -> Result<(), Hindrance> {
    readable(o)?;
    let (Some(csr), Some(reference)) = (known(o), &o.certificate.spec.csr_secret_ref) else { return Ok(()) };
    let key = &csr.public_key_sha256;
    let installed = lineage.installed.map(|installed| &installed.spec.request.public_key_sha256);
    let served = trigger::served(o).map(|leaf| &leaf.public_key_sha256);
    let in_use = installed == Some(key) || served == Some(key);
    let bad = in_use && matches!(due, Trigger::KeyCompromise | Trigger::Revoked);
    if !bad && !plan::condemned(o, key) {
        return Ok(());
    }
    let why = match due {
        Trigger::KeyCompromise => "it was reported as compromised",
        Trigger::Revoked => "its certificate was revoked",
        _ => "it was given up for a compromise or a revocation",
    };
    let message = format!(
        "the key that the CSR in Secret {} is for is not certified again: {why}. Put a CSR for another key into {}",
        reference.name, reference.key
    );
    asked(reason::NEW_CSR_REQUIRED, message)
}

fn asked(reason: &'static str, message: String) -> Result<(), Hindrance> {
    Err(Hindrance { again: Some(SOON), ..Hindrance::person(reason, message) })
}

/// Whose certificate is downloaded again: no key was lost with the Secret, and what was issued is still what is wanted.
pub fn collectable<'a>(o: &Observed, lineage: &Lineage<'a>) -> Option<&'a Issuance> {
    let csr = known(o).filter(|_| !o.uncollectable && !lineage.other_account)?;
    let installed = lineage.installed?;
    let (request, status) = (&installed.spec.request, installed.status.as_ref()?);
    let for_it = |key: &String| *key == csr.public_key_sha256;
    let there = trigger::served(o).is_some_and(|leaf| for_it(&leaf.public_key_sha256));
    let revoked = o.certificate.status.as_ref().and_then(|status| status.revoked.as_ref());
    let good = status.not_after.as_ref().is_some_and(|end| end.0 > o.now)
        && revoked.is_none_or(|revoked| status.serial_number.as_ref() != Some(&revoked.serial_number));
    let wanted = for_it(&request.public_key_sha256)
        && !switched(&o.certificate.spec, &installed.spec)
        && !trigger::differs(&o.certificate.spec, request);
    (!there && good && wanted && status.certificate_id.is_some()).then_some(installed)
}

/// Names in the CSR that the certificate will not have: providers are told the names of the spec, and read none there.
pub fn unasked(o: &Observed, dns_names: &[String]) -> Vec<String> {
    let named = known(o).into_iter().flat_map(|csr| &csr.names);
    named.filter(|name| !dns_names.contains(name)).cloned().collect()
}

#[cfg(test)]
mod tests;

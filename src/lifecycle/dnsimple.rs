//! What is asked of DNSimple, what it has no place for, and what it gives again.

use super::{certificate::Observed, lineage::Lineage, plan::Wanted, trigger};
use crate::api::{
    CertificateSpec, Issuance, IssuerSpec,
    certificate::{DeletionPolicy, RotationPolicy, SignatureHash},
    issuance::DnSimpleRequest,
    issuer::{DnSimple, DnSimpleProduct, Vendor},
};

pub fn product(account: &DnSimple, spec: &CertificateSpec) -> DnSimpleProduct {
    spec.dnsimple.as_ref().and_then(|own| own.product).unwrap_or(account.product)
}

pub fn resolve(spec: &CertificateSpec) -> DnSimpleRequest {
    DnSimpleRequest { signature_algorithm: spec.private_key.unwrap_or_default().algorithm }
}

/// Whether people have it issued on DNSimple's pages.
pub fn is_by_hand(wanted: &Wanted) -> bool {
    wanted.dnsimple.is_some() && wanted.product == DnSimpleProduct::Existing.as_str()
}

/// What a spec says and DNSimple has no place for: nothing is silently left out.
pub fn misfit(spec: &CertificateSpec, issuer: &IssuerSpec) -> Option<&'static str> {
    let Some(account) = &issuer.dnsimple else {
        return spec.dnsimple.is_some().then_some("spec.dnsimple is for an issuer at DNSimple: remove it");
    };
    let key = spec.private_key.unwrap_or_default();
    match product(account, spec) {
        _ if issuer.vendor() != Vendor::DnSimple => None,
        _ if spec.digicert.is_some() || spec.sectigo.is_some() => {
            Some("this issuer is at DNSimple: remove spec.digicert and spec.sectigo")
        }
        _ if spec.csr_secret_ref.is_some() => Some("DNSimple takes no CSR through its API: remove spec.csrSecretRef"),
        _ if spec.validity.is_some() => Some("at DNSimple nobody chooses how long it is valid: remove spec.validity"),
        _ if spec.signature_hash.is_some_and(|hash| hash != SignatureHash::Sha256) => {
            Some("at DNSimple the CA chooses which hash signs: remove spec.signatureHash")
        }
        _ if spec.adopt.is_some() => Some("what is at DNSimple is collected, not adopted: remove spec.adopt"),
        _ if spec.deletion_policy == Some(DeletionPolicy::Revoke) => {
            Some("DNSimple's API revokes nothing: set spec.deletionPolicy to Retain or Delete")
        }
        DnSimpleProduct::LetsEncrypt if key.size.is_some() => {
            Some("DNSimple makes the key and chooses its size: remove spec.privateKey.size")
        }
        DnSimpleProduct::LetsEncrypt if key.rotation_policy == Some(RotationPolicy::Never) => {
            Some("DNSimple makes a key for each certificate: remove spec.privateKey.rotationPolicy")
        }
        DnSimpleProduct::LetsEncrypt | DnSimpleProduct::Existing => None,
    }
}

/// Whose certificate is downloaded again, with the key that DNSimple has made: the Secret has lost both.
pub fn collectable<'a>(o: &Observed, lineage: &Lineage<'a>) -> Option<&'a Issuance> {
    let installed = lineage.installed.filter(|_| !o.uncollectable && !lineage.other_account)?;
    let status = installed.status.as_ref().filter(|status| status.certificate_id.is_some())?;
    let revoked = o.certificate.status.as_ref().and_then(|status| status.revoked.as_ref());
    let good = status.not_after.as_ref().is_some_and(|end| end.0 > o.now)
        && revoked.is_none_or(|revoked| status.serial_number.as_ref() != Some(&revoked.serial_number));
    let wanted = !trigger::differs(&o.certificate.spec, &installed.spec.request);
    (installed.has_providers_key() && good && wanted).then_some(installed)
}

#[cfg(test)]
mod tests;

//! Certificate revocation lists (RFC 5280 §5): believed when the CA that signed the certificate has signed them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use x509_parser::{
    certificate::X509Certificate,
    der_parser::Oid,
    extensions::ParsedExtension,
    oid_registry::{OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA},
    prelude::FromDer,
    revocation_list::CertificateRevocationList,
    x509::ReasonCode,
};

use super::{
    hex,
    leaf::{self, normalise_serial},
};

/// Between the CA's clock and ours.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// What a CA says of one of its certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    pub at: Timestamp,
    /// As RFC 5280 §5.3.1 spells it, when a reason is given.
    pub reason: Option<&'static str>,
}

/// A list that was signed by the CA it speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    pub next_update: Option<Timestamp>,
    /// By serial number, in the form of [`normalise_serial`]. What is only on hold is left out.
    pub revoked: BTreeMap<String, Revocation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    #[error("not a certificate revocation list")]
    Unparsable,
    #[error("the issuing CA's certificate cannot be read, or may not sign revocation lists")]
    Issuer,
    #[error("the list is another CA's")]
    OtherIssuer,
    #[error("the list is not for server certificates, or says something that is not understood")]
    OtherScope,
    #[error("the CA has not signed this list")]
    Signature,
    #[error("the list is from the future")]
    NotYet,
}

impl RevocationList {
    /// `issuer` is the DER certificate of the CA. A list past its next update is read all the same: what it lists is
    /// revoked.
    pub fn read(der: &[u8], issuer: &[u8], now: Timestamp) -> Result<Self, CrlError> {
        let issuer = leaf::parse(issuer).map_err(|_| CrlError::Issuer)?;
        let Ok(([], list)) = CertificateRevocationList::from_der(der) else { return Err(CrlError::Unparsable) };
        if !signs_lists(&issuer) {
            return Err(CrlError::Issuer);
        }
        if list.issuer().as_raw() != issuer.subject().as_raw() {
            return Err(CrlError::OtherIssuer);
        }
        if is_weak(&list.signature_algorithm.algorithm) {
            return Err(CrlError::Signature);
        }
        list.verify_signature(issuer.public_key()).map_err(|_| CrlError::Signature)?;
        if !list.extensions().iter().all(|extension| is_understood(extension.critical, extension.parsed_extension())) {
            return Err(CrlError::OtherScope);
        }
        let time = |seconds: i64| Timestamp::from_second(seconds).map_err(|_| CrlError::Unparsable);
        if time(list.last_update().timestamp())? > now.saturating_add(SKEW).unwrap_or(Timestamp::MAX) {
            return Err(CrlError::NotYet);
        }
        let mut revoked = BTreeMap::new();
        for entry in list.iter_revoked_certificates() {
            let reason = entry.reason_code().map(|(_, code)| code);
            if matches!(reason, Some(ReasonCode::CertificateHold | ReasonCode::RemoveFromCRL)) {
                continue;
            }
            let revocation = Revocation { at: time(entry.revocation_date.timestamp())?, reason: reason.and_then(word) };
            revoked.insert(normalise_serial(&hex(entry.raw_serial())), revocation);
        }
        let next_update = list.next_update().map(|next| time(next.timestamp())).transpose()?;
        Ok(Self { next_update, revoked })
    }
}

/// Signatures with SHA-1 prove nothing any more.
pub(super) fn is_weak(algorithm: &Oid<'_>) -> bool {
    [OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA].contains(algorithm)
}

/// RFC 5280 §4.2.1.3: `cRLSign`, when key usage is restricted at all.
fn signs_lists(issuer: &X509Certificate<'_>) -> bool {
    match issuer.key_usage() {
        Ok(Some(usage)) => usage.value.crl_sign(),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// RFC 5280 §5.2: a list with a critical extension that is not understood says nothing. Of its scope it matters only
/// that its entries are this CA's server certificates.
fn is_understood(critical: bool, extension: &ParsedExtension<'_>) -> bool {
    match extension {
        ParsedExtension::IssuingDistributionPoint(point) => {
            !point.indirect_crl && !point.only_contains_ca_certs && !point.only_contains_attribute_certs
        }
        ParsedExtension::AuthorityKeyIdentifier(_) | ParsedExtension::CRLNumber(_) => true,
        _ => !critical,
    }
}

/// RFC 5280 §5.3.1.
pub(super) fn word(code: ReasonCode) -> Option<&'static str> {
    match code {
        ReasonCode::KeyCompromise => Some("keyCompromise"),
        ReasonCode::CACompromise => Some("cACompromise"),
        ReasonCode::AffiliationChanged => Some("affiliationChanged"),
        ReasonCode::Superseded => Some("superseded"),
        ReasonCode::CessationOfOperation => Some("cessationOfOperation"),
        ReasonCode::PrivilegeWithdrawn => Some("privilegeWithdrawn"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use rcgen::RevocationReason;

    use super::*;
    use crate::pki::testing::{Ca, at, openssl};

    const NOW: &str = "2026-11-24T12:00:00Z";

    fn read(der: &[u8], ca: &Ca) -> Result<RevocationList, CrlError> {
        RevocationList::read(der, ca.der(), at(NOW))
    }

    #[test]
    fn a_list_of_the_ca_is_read() {
        let ca = Ca::root("CA");
        let der = ca.crl(at(NOW), &[(&[0x0a, 0x1b], Some(RevocationReason::KeyCompromise)), (&[7], None)]);
        let list = read(&der, &ca).unwrap();
        assert_eq!(list.next_update, Some(at("2026-12-01T12:00:00Z")));
        let expected = [("7", None), ("a1b", Some("keyCompromise"))];
        let expected = expected.map(|(serial, reason)| (serial.to_owned(), Revocation { at: at(NOW), reason }));
        assert_eq!(list.revoked, expected.into());
        let text = String::from_utf8(openssl(&["crl", "-inform", "DER", "-noout", "-text"], &der)).unwrap();
        assert!(text.contains("0A1B") && text.contains("Key Compromise"), "{text}");
    }

    #[test]
    fn what_is_on_hold_is_not_revoked() {
        let ca = Ca::root("CA");
        let der = ca.crl(at(NOW), &[(&[1], Some(RevocationReason::CertificateHold))]);
        assert!(read(&der, &ca).unwrap().revoked.is_empty());
    }

    #[test]
    fn only_the_ca_itself_is_believed() {
        let (ca, namesake, other) = (Ca::root("CA"), Ca::root("CA"), Ca::root("Other"));
        let der = ca.crl(at(NOW), &[(&[1], None)]);
        assert_eq!(read(&der, &namesake), Err(CrlError::Signature));
        assert_eq!(read(&der, &other), Err(CrlError::OtherIssuer));
        assert_eq!(RevocationList::read(&der, b"no certificate", at(NOW)), Err(CrlError::Issuer));
        let mut changed = der.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(read(&changed, &ca), Err(CrlError::Signature));
        let later = ca.crl(at("2026-11-24T13:00:00Z"), &[]);
        assert_eq!(read(&later, &ca), Err(CrlError::NotYet));
        let mut longer = der;
        longer.push(0);
        assert_eq!(read(&longer, &ca), Err(CrlError::Unparsable));
    }

    #[test]
    fn an_old_list_still_tells_what_is_revoked() {
        let ca = Ca::root("CA");
        let der = ca.crl(at("2025-01-01T00:00:00Z"), &[(&[1], None)]);
        assert_eq!(read(&der, &ca).unwrap().revoked.len(), 1);
    }

    proptest! {
        #[test]
        fn no_list_makes_it_panic(noise in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..400, flip in 0usize..400, byte: u8) {
            static CA: std::sync::LazyLock<Ca> = std::sync::LazyLock::new(|| Ca::root("CA"));
            let _ = read(&noise, &CA);
            let mut bytes = CA.crl(at(NOW), &[(&[1], None)]);
            let at = flip % bytes.len();
            bytes[at] = byte;
            let _ = read(&bytes, &CA);
            bytes.truncate(cut);
            let _ = read(&bytes, &CA);
        }
    }
}

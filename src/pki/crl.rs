//! Certificate revocation lists (RFC 5280 §5): believed when the CA that signed the certificate has signed them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use x509_parser::{
    asn1_rs::{Any, BitString, Class, Tag},
    certificate::X509Certificate,
    der_parser::Oid,
    extensions::{ParsedExtension, X509Extension},
    oid_registry::{OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA},
    prelude::FromDer,
    revocation_list::RevokedCertificate,
    time::ASN1Time,
    verify::verify_signature,
    x509::{AlgorithmIdentifier, ReasonCode, X509Name},
};

use super::{leaf, unhex};

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
    /// By serial number, those that were asked about. What is only on hold is left out.
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
    /// `issuer` is the DER certificate of the CA, `serials` are in the form of [`super::normalise_serial`]. A list past
    /// its next update is read all the same: what it lists is revoked. It may be long, so nothing is kept of its other
    /// entries.
    pub fn read(der: &[u8], issuer: &[u8], now: Timestamp, serials: &BTreeSet<String>) -> Result<Self, CrlError> {
        let issuer = leaf::parse(issuer).map_err(|_| CrlError::Issuer)?;
        let list = Parts::of(der).ok_or(CrlError::Unparsable)?;
        if !signs_lists(&issuer) {
            return Err(CrlError::Issuer);
        }
        if list.issuer.as_raw() != issuer.subject().as_raw() {
            return Err(CrlError::OtherIssuer);
        }
        if is_weak(&list.algorithm.algorithm) {
            return Err(CrlError::Signature);
        }
        verify_signature(issuer.public_key(), &list.algorithm, &list.signature, list.signed)
            .map_err(|_| CrlError::Signature)?;
        if !list.extensions.iter().all(|extension| is_understood(extension.critical, extension.parsed_extension())) {
            return Err(CrlError::OtherScope);
        }
        let time = |seconds: i64| Timestamp::from_second(seconds).map_err(|_| CrlError::Unparsable);
        if time(list.this_update.timestamp())? > now.saturating_add(SKEW).unwrap_or(Timestamp::MAX) {
            return Err(CrlError::NotYet);
        }
        let wanted = |serial: &String| Some((significant(&unhex(serial)?).to_vec(), serial.clone()));
        let wanted: BTreeMap<Vec<u8>, String> = serials.iter().filter_map(wanted).collect();
        let mut revoked = BTreeMap::new();
        let mut entries = list.entries;
        while !entries.is_empty() {
            let entry = element(entries, Tag::Sequence).ok_or(CrlError::Unparsable)?;
            entries = entry.rest;
            let number = element(entry.content, Tag::Integer).ok_or(CrlError::Unparsable)?;
            let Some(serial) = wanted.get(significant(number.content)) else { continue };
            let (_, entry) = RevokedCertificate::from_der(entry.whole).map_err(|_| CrlError::Unparsable)?;
            let reason = entry.reason_code().map(|(_, code)| code);
            if matches!(reason, Some(ReasonCode::CertificateHold | ReasonCode::RemoveFromCRL)) {
                continue;
            }
            let revocation = Revocation { at: time(entry.revocation_date.timestamp())?, reason: reason.and_then(word) };
            revoked.insert(serial.clone(), revocation);
        }
        let next_update = list.next_update.map(|next| time(next.timestamp())).transpose()?;
        Ok(Self { next_update, revoked })
    }
}

/// A list taken apart (RFC 5280 §5.1), its entries as they came.
struct Parts<'a> {
    /// What the signature is over.
    signed: &'a [u8],
    algorithm: AlgorithmIdentifier<'a>,
    signature: BitString<'a>,
    issuer: X509Name<'a>,
    this_update: ASN1Time,
    next_update: Option<ASN1Time>,
    entries: &'a [u8],
    extensions: Vec<X509Extension<'a>>,
}

impl<'a> Parts<'a> {
    fn of(der: &'a [u8]) -> Option<Self> {
        let list = element(der, Tag::Sequence).filter(|list| list.rest.is_empty())?;
        let tbs = element(list.content, Tag::Sequence)?;
        let (rest, algorithm) = AlgorithmIdentifier::from_der(tbs.rest).ok()?;
        let ([], signature) = BitString::from_der(rest).ok()? else { return None };

        let rest = element(tbs.content, Tag::Integer).map_or(tbs.content, |version| version.rest);
        let (rest, _) = AlgorithmIdentifier::from_der(rest).ok()?;
        let (rest, issuer) = X509Name::from_der(rest).ok()?;
        let (rest, this_update) = ASN1Time::from_der(rest).ok()?;
        let next_update = ASN1Time::from_der(rest).ok();
        let (rest, next_update) = next_update.map_or((rest, None), |(rest, time)| (rest, Some(time)));
        let (entries, rest) = element(rest, Tag::Sequence).map_or((&[][..], rest), |list| (list.content, list.rest));
        let extensions = if rest.is_empty() { Vec::new() } else { extensions(rest)? };
        Some(Self { signed: tbs.whole, algorithm, signature, issuer, this_update, next_update, entries, extensions })
    }
}

/// `[0] EXPLICIT Extensions`, and nothing after it.
fn extensions(der: &[u8]) -> Option<Vec<X509Extension<'_>>> {
    let ([], explicit) = Any::from_der(der).ok()? else { return None };
    if (explicit.class(), explicit.tag()) != (Class::ContextSpecific, Tag(0)) {
        return None;
    }
    let list = element(explicit.data, Tag::Sequence).filter(|list| list.rest.is_empty())?;
    let (mut extensions, mut rest) = (Vec::new(), list.content);
    while !rest.is_empty() {
        let (next, extension) = X509Extension::from_der(rest).ok()?;
        extensions.push(extension);
        rest = next;
    }
    Some(extensions)
}

/// One DER element of a universal type, and what follows it.
struct Element<'a> {
    whole: &'a [u8],
    content: &'a [u8],
    rest: &'a [u8],
}

fn element(der: &[u8], tag: Tag) -> Option<Element<'_>> {
    let (rest, any) = Any::from_der(der).ok()?;
    let whole = der.get(..der.len() - rest.len())?;
    (any.class() == Class::Universal && any.tag() == tag).then_some(Element { whole, content: any.data, rest })
}

/// A number without its leading zeros.
fn significant(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
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
        RevocationList::read(der, ca.der(), at(NOW), &["1", "7", "a1b", "80"].map(str::to_owned).into())
    }

    #[test]
    fn a_list_of_the_ca_is_read() {
        let ca = Ca::root("CA");
        let der = ca.crl(
            at(NOW),
            &[(&[0x0a, 0x1b], Some(RevocationReason::KeyCompromise)), (&[7], None), (&[8], None), (&[0x80], None)],
        );
        let list = read(&der, &ca).unwrap();
        assert_eq!(list.next_update, Some(at("2026-12-01T12:00:00Z")));
        // Not 8, which nobody asked about. 80 has a leading zero in DER.
        let expected = [("7", None), ("80", None), ("a1b", Some("keyCompromise"))];
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
        assert_eq!(RevocationList::read(&der, b"no certificate", at(NOW), &BTreeSet::new()), Err(CrlError::Issuer));
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

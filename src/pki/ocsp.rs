//! The Online Certificate Status Protocol (RFC 6960): asked about one certificate, and believed when the CA that signed
//! it, or somebody whom that CA lets answer for it, has signed the answer.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use jiff::{SignedDuration, Timestamp};
use x509_cert::{
    der::{Any, Decode, Encode, asn1::OctetString},
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, ObjectIdentifier},
};
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse, Request, TbsRequest, Version,
};
use x509_parser::{
    asn1_rs::BitString, certificate::X509Certificate, prelude::FromDer, verify::verify_signature,
    x509::AlgorithmIdentifier,
};

use super::{
    crl::{Revocation, word},
    leaf, unhex,
};

/// Between the responder's clock and ours.
const SKEW: SignedDuration = SignedDuration::from_mins(10);
/// RFC 6960 §4.2.1, `id-pkix-ocsp-basic`.
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
/// RFC 3279 §2.1: what every responder knows; it names a certificate and proves nothing.
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OcspError {
    #[error("not an answer of an OCSP responder, or one that it refuses")]
    NoAnswer,
    #[error("the issuing CA's certificate cannot be read")]
    Issuer,
    #[error("neither the CA nor anybody it names has signed this answer")]
    Signature,
    #[error("the answer is about other certificates, or about another time")]
    Other,
}

/// A request, DER, about the certificate with this serial number, in the form of [`super::normalise_serial`], of the
/// CA whose DER certificate is `issuer`.
pub fn request(issuer: &[u8], serial: &str) -> Option<Vec<u8>> {
    let req_cert = cert_id(&leaf::parse(issuer).ok()?, serial)?;
    let request = OcspRequest {
        tbs_request: TbsRequest {
            version: Version::V1,
            requestor_name: None,
            request_list: vec![Request { req_cert, single_request_extensions: None }],
            request_extensions: None,
        },
        optional_signature: None,
    };
    request.to_der().ok()
}

/// Whether the answer says that the certificate is revoked. A certificate on hold is not.
pub fn read(answer: &[u8], issuer: &[u8], serial: &str, now: Timestamp) -> Result<Option<Revocation>, OcspError> {
    let issuer = leaf::parse(issuer).map_err(|_| OcspError::Issuer)?;
    let asked = cert_id(&issuer, serial).ok_or(OcspError::Issuer)?;
    let answer = OcspResponse::from_der(answer).map_err(|_| OcspError::NoAnswer)?;
    let bytes = answer.response_bytes.filter(|bytes| bytes.response_type == BASIC).ok_or(OcspError::NoAnswer)?;
    let basic = BasicOcspResponse::from_der(bytes.response.as_bytes()).map_err(|_| OcspError::NoAnswer)?;
    if !is_signed(&basic, &issuer, now) {
        return Err(OcspError::Signature);
    }
    let mut answers = basic.tbs_response_data.responses.iter();
    let about = answers.find(|single| is_same(&single.cert_id, &asked)).ok_or(OcspError::Other)?;
    if time(about.this_update)? > now.saturating_add(SKEW).unwrap_or(Timestamp::MAX) {
        return Err(OcspError::Other);
    }
    let CertStatus::Revoked(revoked) = &about.cert_status else {
        let old = about.next_update.map(time).transpose()?.is_some_and(|next| next < now);
        return if old { Err(OcspError::Other) } else { Ok(None) };
    };
    let code = revoked.revocation_reason.map(|reason| reason as u8);
    // certificateHold, removeFromCRL.
    if matches!(code, Some(6 | 8)) {
        return Ok(None);
    }
    let reason = code.and_then(|code| word(x509_parser::x509::ReasonCode(code)));
    Ok(Some(Revocation { at: time(revoked.revocation_time)?, reason }))
}

/// RFC 6960 §4.1.1.
fn cert_id(issuer: &X509Certificate<'_>, serial: &str) -> Option<CertId> {
    let hash = |bytes: &[u8]| OctetString::new(digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref()).ok();
    Some(CertId {
        hash_algorithm: AlgorithmIdentifierOwned { oid: SHA1, parameters: Some(Any::null()) },
        issuer_name_hash: hash(issuer.subject().as_raw())?,
        issuer_key_hash: hash(&issuer.public_key().subject_public_key.data)?,
        serial_number: SerialNumber::new(&unhex(serial)?).ok()?,
    })
}

/// The parameters of a hash may be null or missing.
fn is_same(one: &CertId, other: &CertId) -> bool {
    one.hash_algorithm.oid == other.hash_algorithm.oid
        && one.issuer_name_hash == other.issuer_name_hash
        && one.issuer_key_hash == other.issuer_key_hash
        && one.serial_number == other.serial_number
}

/// RFC 6960 §4.2.2.2: by the CA itself, or with a certificate that it made for this purpose.
fn is_signed(basic: &BasicOcspResponse, issuer: &X509Certificate<'_>, now: Timestamp) -> bool {
    let (Ok(data), Ok(algorithm), Some(signature)) =
        (basic.tbs_response_data.to_der(), basic.signature_algorithm.to_der(), basic.signature.as_bytes())
    else {
        return false;
    };
    let Ok((_, algorithm)) = AlgorithmIdentifier::from_der(&algorithm) else { return false };
    if super::crl::is_weak(&algorithm.algorithm) {
        return false;
    }
    let signature = BitString::new(0, signature);
    let by =
        |signer: &X509Certificate<'_>| verify_signature(signer.public_key(), &algorithm, &signature, &data).is_ok();
    let delegates = basic.certs.iter().flatten().filter_map(|certificate| certificate.to_der().ok());
    by(issuer)
        || delegates
            .into_iter()
            .any(|der| leaf::parse(&der).is_ok_and(|delegate| answers_for(&delegate, issuer, now) && by(&delegate)))
}

fn answers_for(delegate: &X509Certificate<'_>, issuer: &X509Certificate<'_>, now: Timestamp) -> bool {
    let purpose = delegate.extended_key_usage().ok().flatten().is_some_and(|usage| usage.value.ocsp_signing);
    let (from, till) = (delegate.validity().not_before.timestamp(), delegate.validity().not_after.timestamp());
    purpose
        && (from..=till).contains(&now.as_second())
        && delegate.issuer().as_raw() == issuer.subject().as_raw()
        && delegate.verify_signature(Some(issuer.public_key())).is_ok()
}

fn time(time: OcspGeneralizedTime) -> Result<Timestamp, OcspError> {
    let seconds = time.0.to_unix_duration().as_secs();
    i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or(OcspError::NoAnswer)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::pki::testing::{Ca, openssl};

    const SERIAL: &str = "a1b2c3";

    /// What OpenSSL answers as the responder of `ca`, signing as `signer`.
    fn answered(ca: &Ca, signer: &Ca, status: &str) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.to_string_lossy().into_owned()
        };
        let line = format!("{status}\t0A1B2C3\tunknown\t/CN=shop.example.com\n").replace("0A1B2C3", "A1B2C3");
        let (index, request) = (file("index", line.as_bytes()), file("request", &request(ca.der(), SERIAL).unwrap()));
        let (issuer, signing) = (file("ca.pem", ca.pem().as_bytes()), file("signer.pem", signer.pem().as_bytes()));
        let (key, answer) = (file("key.pem", signer.key_pem().as_bytes()), file("answer", b""));
        openssl(
            &[
                "ocsp", "-index", &index, "-CA", &issuer, "-rsigner", &signing, "-rkey", &key, "-reqin", &request,
                "-respout", &answer, "-ndays", "7",
            ],
            b"",
        );
        std::fs::read(answer).unwrap()
    }

    fn judge(answer: &[u8], ca: &Ca) -> Result<Option<Revocation>, OcspError> {
        read(answer, ca.der(), SERIAL, Timestamp::now())
    }

    const VALID: &str = "V\t390101000000Z\t";
    const REVOKED: &str = "R\t390101000000Z\t261124120000Z,keyCompromise";

    #[test]
    fn openssl_understands_the_request_and_is_understood() {
        let ca = Ca::root("CA");
        assert_eq!(judge(&answered(&ca, &ca, VALID), &ca), Ok(None));
        let expected = Revocation { at: "2026-11-24T12:00:00Z".parse().unwrap(), reason: Some("keyCompromise") };
        assert_eq!(judge(&answered(&ca, &ca, REVOKED), &ca), Ok(Some(expected)));
        let hold = "R\t390101000000Z\t261124120000Z,certificateHold";
        assert_eq!(judge(&answered(&ca, &ca, hold), &ca), Ok(None));
    }

    #[test]
    fn only_the_ca_and_whom_it_lets_answer_are_believed() {
        let (ca, other) = (Ca::root("CA"), Ca::root("CA"));
        assert_eq!(judge(&answered(&ca, &other, REVOKED), &ca), Err(OcspError::Signature), "a namesake");
        assert_eq!(judge(&answered(&ca, &ca.not_a_ca("server"), REVOKED), &ca), Err(OcspError::Signature));
        assert!(judge(&answered(&ca, &ca.responder("responder"), REVOKED), &ca).unwrap().is_some());
        assert_eq!(judge(&answered(&ca, &other.responder("responder"), REVOKED), &ca), Err(OcspError::Signature));
    }

    #[test]
    fn an_answer_about_something_else_says_nothing() {
        let ca = Ca::root("CA");
        let answer = answered(&ca, &ca, REVOKED);
        assert_eq!(read(&answer, ca.der(), "a1b2c4", Timestamp::now()), Err(OcspError::Other));
        let before = Timestamp::now() - SignedDuration::from_hours(1);
        assert_eq!(read(&answer, ca.der(), SERIAL, before), Err(OcspError::Other), "from the future");
        let later = Timestamp::now() + SignedDuration::from_hours(24 * 30);
        assert!(read(&answer, ca.der(), SERIAL, later).unwrap().is_some(), "revoked stays revoked");
        assert_eq!(read(&answered(&ca, &ca, VALID), ca.der(), SERIAL, later), Err(OcspError::Other), "good once");
        assert_eq!(read(&answer, b"nothing", SERIAL, later), Err(OcspError::Issuer));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(noise in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..600, flip in 0usize..600, byte: u8, serial in "\\PC{0,50}") {
            static KNOWN: std::sync::LazyLock<(Ca, Vec<u8>)> = std::sync::LazyLock::new(|| {
                let ca = Ca::root("CA");
                let answer = answered(&ca, &ca, REVOKED);
                (ca, answer)
            });
            let (ca, mut bytes) = (&KNOWN.0, KNOWN.1.clone());
            let _ = judge(&noise, ca);
            let _ = request(ca.der(), &serial);
            let at = flip % bytes.len();
            bytes[at] = byte;
            let _ = judge(&bytes, ca);
            bytes.truncate(cut);
            let _ = judge(&bytes, ca);
        }
    }
}

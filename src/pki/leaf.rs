//! What a certificate says, as plain facts.

use std::collections::BTreeSet;

use jiff::Timestamp;
use x509_parser::{
    certificate::X509Certificate,
    der_parser::{Oid, oid},
    extensions::{DistributionPointName, GeneralName, ParsedExtension},
    prelude::FromDer,
    public_key::PublicKey,
    time::ASN1Time,
    x509::{SubjectPublicKeyInfo, X509Name},
};

use super::{KeyKind, SignatureHash, hex, pem, sha256_hex};

/// The facts of one X.509 certificate (RFC 5280).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// In the form of [`normalise_serial`].
    pub serial: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// DNS subject alternative names, lower case.
    pub dns_names: BTreeSet<String>,
    pub common_name: Option<String>,
    /// Distinguished name of the issuer.
    pub issuer_name: String,
    /// Lower-case hex SHA-256 of the DER SubjectPublicKeyInfo.
    pub public_key_sha256: String,
    /// Lower-case hex SHA-256 of the DER certificate.
    pub fingerprint_sha256: String,
    /// `None`: none of those a request can ask for.
    pub signature_hash: Option<SignatureHash>,
    /// `None`: none of those Evercert makes.
    pub key_kind: Option<KeyKind>,
    /// URLs of the CRL distribution points.
    pub crl_urls: Vec<String>,
    /// URLs of its OCSP responders (RFC 5280 §4.2.2.1).
    pub ocsp_urls: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate")]
pub struct NotACertificate;

impl Leaf {
    /// The first certificate of a PEM text.
    pub fn from_pem(text: &str) -> Result<Self, NotACertificate> {
        let blocks = pem::blocks(text, &["CERTIFICATE"]).map_err(|_| NotACertificate)?;
        Self::from_der(blocks.first().ok_or(NotACertificate)?)
    }

    /// Every certificate of a PEM text that can be read.
    pub fn all_in(text: &str) -> Vec<Self> {
        let blocks = pem::blocks(text, &["CERTIFICATE"]).unwrap_or_default();
        blocks.iter().filter_map(|der| Self::from_der(der).ok()).collect()
    }

    pub fn from_der(der: &[u8]) -> Result<Self, NotACertificate> {
        Self::of(&parse(der)?)
    }

    pub(super) fn of(certificate: &X509Certificate<'_>) -> Result<Self, NotACertificate> {
        Ok(Self {
            serial: normalise_serial(&hex(certificate.raw_serial())),
            not_before: timestamp(certificate.validity().not_before)?,
            not_after: timestamp(certificate.validity().not_after)?,
            dns_names: dns_names(certificate),
            common_name: common_name(certificate.subject()),
            issuer_name: certificate.issuer().to_string(),
            public_key_sha256: sha256_hex(certificate.public_key().raw),
            fingerprint_sha256: sha256_hex(certificate.as_raw()),
            signature_hash: signature_hash(certificate.signature_algorithm.oid()),
            key_kind: key_kind(certificate.public_key()),
            crl_urls: crl_urls(certificate),
            ocsp_urls: ocsp_urls(certificate),
        })
    }
}

/// The form in which serial numbers are compared: lower-case hex without separators, prefix or leading zeros.
/// Providers and tools write the same number as `0A:1B:…`, `0x0a1b…` or `A1B…`.
pub fn normalise_serial(serial: &str) -> String {
    let serial = serial.trim().to_ascii_lowercase();
    let digits: String = serial.trim_start_matches("0x").chars().filter(char::is_ascii_hexdigit).collect();
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        significant => significant.to_owned(),
    }
}

/// The certificate of the CA that signed the first certificate of a PEM text, DER, from what comes after that.
pub fn issuer_in(text: &str) -> Option<Vec<u8>> {
    let blocks = pem::blocks(text, &["CERTIFICATE"]).ok()?;
    let (first, rest) = blocks.split_first()?;
    let leaf = parse(first).ok()?;
    let signed = |der: &&Vec<u8>| {
        parse(der).is_ok_and(|issuer| {
            issuer.subject().as_raw() == leaf.issuer().as_raw()
                && leaf.verify_signature(Some(issuer.public_key())).is_ok()
        })
    };
    rest.iter().find(signed).cloned()
}

/// Exactly one DER certificate, nothing after it.
pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, NotACertificate> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(NotACertificate),
    }
}

fn timestamp(time: ASN1Time) -> Result<Timestamp, NotACertificate> {
    Timestamp::from_second(time.timestamp()).map_err(|_| NotACertificate)
}

fn dns_names(certificate: &X509Certificate<'_>) -> BTreeSet<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return BTreeSet::new() };
    let names = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    names.collect()
}

fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().next()?.as_str().ok().map(str::to_owned)
}

fn crl_urls(certificate: &X509Certificate<'_>) -> Vec<String> {
    let points = certificate.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CRLDistributionPoints(points) => Some(points.iter()),
        _ => None,
    });
    let names = points.flatten().filter_map(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    let urls = names.flatten().filter_map(|name| match name {
        GeneralName::URI(url) => Some((*url).to_owned()),
        _ => None,
    });
    urls.collect()
}

fn ocsp_urls(certificate: &X509Certificate<'_>) -> Vec<String> {
    let access = certificate.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => Some(access.iter()),
        _ => None,
    });
    let responders = access.flatten().filter(|access| access.access_method == oid!(1.3.6.1.5.5.7.48.1));
    let urls = responders.filter_map(|access| match &access.access_location {
        GeneralName::URI(url) => Some((*url).to_owned()),
        _ => None,
    });
    urls.collect()
}

/// RFC 4055 §5, RFC 5758 §3.2.
fn signature_hash(algorithm: &Oid<'_>) -> Option<SignatureHash> {
    [
        (oid!(1.2.840.113549.1.1.11), SignatureHash::Sha256),
        (oid!(1.2.840.113549.1.1.12), SignatureHash::Sha384),
        (oid!(1.2.840.113549.1.1.13), SignatureHash::Sha512),
        (oid!(1.2.840.10045.4.3.2), SignatureHash::Sha256),
        (oid!(1.2.840.10045.4.3.3), SignatureHash::Sha384),
        (oid!(1.2.840.10045.4.3.4), SignatureHash::Sha512),
    ]
    .into_iter()
    .find_map(|(known, hash)| (*algorithm == known).then_some(hash))
}

/// `None`: none of those Evercert makes.
pub(super) fn key_kind(key: &SubjectPublicKeyInfo<'_>) -> Option<KeyKind> {
    match key.parsed().ok()? {
        PublicKey::RSA(rsa) => KeyKind::new("RSA", rsa.key_size().try_into().ok()?),
        PublicKey::EC(_) => {
            // RFC 5480 §2.1.1.1, secp256r1 and secp384r1.
            let curve = key.algorithm.parameters.as_ref()?.as_oid().ok()?;
            [(oid!(1.2.840.10045.3.1.7), KeyKind::EcdsaP256), (oid!(1.3.132.0.34), KeyKind::EcdsaP384)]
                .into_iter()
                .find_map(|(known, kind)| (curve == known).then_some(kind))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::pki::testing::{Ca, at, openssl};

    #[test]
    fn openssl_reads_the_same_facts() {
        let ca = Ca::root("Test Root");
        let key = crate::pki::PrivateKey::generate(KeyKind::EcdsaP384).unwrap();
        let pem = ca.leaf(
            &key,
            &["Shop.Example.com", "*.example.com"],
            at("2026-11-01T00:00:00Z"),
            at("2027-05-18T23:59:59Z"),
        );
        let leaf = Leaf::from_pem(&pem).unwrap();

        let ask = |argument: &str| {
            let answer = String::from_utf8(openssl(&["x509", "-noout", argument], pem.as_bytes())).unwrap();
            answer.trim().split_once('=').map(|(_, value)| value.to_owned()).unwrap()
        };
        assert_eq!(leaf.serial, normalise_serial(&ask("-serial")));
        let fingerprint = openssl(&["x509", "-noout", "-fingerprint", "-sha256"], pem.as_bytes());
        let fingerprint = String::from_utf8(fingerprint).unwrap().replace(':', "").to_lowercase();
        assert!(fingerprint.trim().ends_with(&leaf.fingerprint_sha256));
        assert_eq!(leaf.not_before, at("2026-11-01T00:00:00Z"));
        assert_eq!(leaf.not_after, at("2027-05-18T23:59:59Z"));
        assert_eq!(leaf.dns_names, ["*.example.com", "shop.example.com"].map(str::to_owned).into());
        assert_eq!(leaf.common_name.as_deref(), Some("Shop.Example.com"));
        assert_eq!(leaf.issuer_name, "CN=Test Root");
        assert_eq!(leaf.public_key_sha256, key.public_key_sha256());
        assert_eq!(leaf.signature_hash, Some(SignatureHash::Sha256));
        assert_eq!(leaf.key_kind, Some(KeyKind::EcdsaP384));
        assert_eq!(leaf.crl_urls, ["http://crl.example.com/test.crl"]);
    }

    #[test]
    fn one_serial_number_has_one_form() {
        for written in ["0A:1B:2c", "0x0a1b2c", "a1b2c", "000A1B2C", " 0a 1b 2c\n"] {
            assert_eq!(normalise_serial(written), "a1b2c", "{written}");
        }
        assert_eq!(normalise_serial("00"), "0");
    }

    proptest! {
        #[test]
        fn no_certificate_makes_it_panic(noise in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..900, flip in 0usize..900, byte: u8) {
            let _ = Leaf::from_der(&noise);
            let _ = Leaf::from_pem(&String::from_utf8_lossy(&noise));
            static DER: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| Ca::root("Test Root").der().to_vec());
            let mut bytes = DER.clone();
            let at = flip % bytes.len();
            bytes[at] = byte;
            let _ = Leaf::from_der(&bytes);
            bytes.truncate(cut);
            let _ = Leaf::from_der(&bytes);
        }
    }
}

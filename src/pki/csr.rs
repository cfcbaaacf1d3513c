//! Certificate signing requests (PKCS#10, RFC 2986).

mod read;

pub use read::Csr;

use std::collections::BTreeSet;

use rcgen::{CertificateParams, DistinguishedName, DnType, SanType, SignatureAlgorithm};
use rustls_pki_types::PrivatePkcs8KeyDer;
use x509_parser::prelude::{FromDer, X509CertificationRequest};
use zeroize::Zeroizing;

use super::{KeyKind, PrivateKey, SignatureHash, pem, sha256_hex};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsrError {
    #[error("a certificate needs at least one name")]
    NoName,
    #[error("{0:?} cannot be written into a certificate")]
    BadName(String),
    #[error("the CSR could not be signed: {0}")]
    Signing(String),
    #[error("not a certificate signing request in PEM")]
    Unreadable,
    #[error("{0} PEM blocks where one certificate signing request is expected")]
    NotOne(usize),
    #[error("longer than a certificate signing request may be, 32 KiB")]
    TooLong,
    #[error(
        "the CSR is for a kind of key that is not supported: only ECDSA P-256 and P-384, RSA 2048, 3072 and 4096 are"
    )]
    UnsupportedKey,
    #[error("the CSR is not signed by its own key, or by an algorithm that is not supported")]
    BadSignature,
}

/// RFC 7468 §7; the second is what some tools write.
const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// A CSR in PEM with exactly the names asked for: the common name as subject and among the sorted DNS names,
/// nothing else.
///
/// `hash` is that of the CSR's own signature. ECDSA keys sign with the hash of their curve instead (RFC 5480 §4),
/// since the CSR's hash does not bind the certificate's: providers are told that one in the request.
pub fn build(
    key: &PrivateKey,
    common_name: Option<&str>,
    dns_names: &[String],
    hash: SignatureHash,
) -> Result<String, CsrError> {
    let names: BTreeSet<&str> = dns_names.iter().map(String::as_str).chain(common_name).collect();
    if names.is_empty() {
        return Err(CsrError::NoName);
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    if let Some(name) = common_name {
        // RFC 5280 appendix A.1, ub-common-name.
        if name.chars().count() > 64 {
            return Err(CsrError::BadName(name.to_owned()));
        }
        params.distinguished_name.push(DnType::CommonName, name);
    }
    for name in names {
        let encoded = name.try_into().map_err(|_| CsrError::BadName(name.to_owned()))?;
        params.subject_alt_names.push(SanType::DnsName(encoded));
    }
    sign(&params, key, hash).map_err(|error| CsrError::Signing(error.to_string()))
}

fn sign(params: &CertificateParams, key: &PrivateKey, hash: SignatureHash) -> Result<String, rcgen::Error> {
    let der = PrivatePkcs8KeyDer::from(key.pkcs8());
    let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&der, algorithm(key.kind(), hash))?;
    let pair = Zeroizing::new(pair);
    let csr = params.serialize_request(&*pair)?;
    Ok(pem::encode(LABELS[0], csr.der()))
}

fn algorithm(kind: KeyKind, hash: SignatureHash) -> &'static SignatureAlgorithm {
    match (kind, hash) {
        (KeyKind::EcdsaP256, _) => &rcgen::PKCS_ECDSA_P256_SHA256,
        (KeyKind::EcdsaP384, _) => &rcgen::PKCS_ECDSA_P384_SHA384,
        (_, SignatureHash::Sha256) => &rcgen::PKCS_RSA_SHA256,
        (_, SignatureHash::Sha384) => &rcgen::PKCS_RSA_SHA384,
        (_, SignatureHash::Sha512) => &rcgen::PKCS_RSA_SHA512,
    }
}

/// Lower-case hex SHA-256 of the DER SubjectPublicKeyInfo in a CSR.
///
/// Reads what providers echo, line breaks kept, removed, or escaped. The signature is not checked.
pub fn public_key_sha256_of_csr(text: &str) -> Result<String, CsrError> {
    let blocks = pem::blocks(text, &LABELS);
    let der = blocks.ok().and_then(|blocks| blocks.into_iter().next()).ok_or(CsrError::Unreadable)?;
    let (_, csr) = X509CertificationRequest::from_der(&der).map_err(|_| CsrError::Unreadable)?;
    Ok(sha256_hex(csr.certification_request_info.subject_pki.raw))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::pki::testing::openssl;

    static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(KeyKind::EcdsaP256).unwrap());

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn openssl_reads_exactly_the_asked_names_and_verifies_every_kind_and_hash() {
        let asked = names(&["www.example.com", "*.example.com", "example.com", "www.example.com"]);
        for kind in [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa2048] {
            let key = PrivateKey::generate(kind).unwrap();
            for hash in [SignatureHash::Sha256, SignatureHash::Sha384, SignatureHash::Sha512] {
                let csr = build(&key, Some("example.com"), &asked, hash).unwrap();
                let text = openssl(&["req", "-verify", "-noout", "-text"], csr.as_bytes());
                let text = String::from_utf8(text).unwrap();
                assert!(text.contains("Subject: CN = example.com\n"), "{text}");
                assert!(text.contains("DNS:*.example.com, DNS:example.com, DNS:www.example.com\n"), "{text}");
                assert_eq!(text.matches("X509v3 ").count(), 1, "nothing but names is asked for: {text}");
                let signed_with = match (kind, hash) {
                    (KeyKind::EcdsaP256, _) => "ecdsa-with-SHA256",
                    (KeyKind::EcdsaP384, _) => "ecdsa-with-SHA384",
                    (_, SignatureHash::Sha256) => "sha256WithRSAEncryption",
                    (_, SignatureHash::Sha384) => "sha384WithRSAEncryption",
                    (_, SignatureHash::Sha512) => "sha512WithRSAEncryption",
                };
                assert!(text.contains(&format!("Signature Algorithm: {signed_with}")), "{text}");
                assert_eq!(public_key_sha256_of_csr(&csr).unwrap(), key.public_key_sha256());
            }
        }
    }

    #[test]
    fn the_common_name_is_always_among_the_names_and_may_be_absent() {
        let csr = build(&KEY, Some("a.example.com"), &[], SignatureHash::Sha256).unwrap();
        let text = String::from_utf8(openssl(&["req", "-noout", "-text"], csr.as_bytes())).unwrap();
        assert!(text.contains("DNS:a.example.com\n"), "{text}");
        let csr = build(&KEY, None, &names(&["a.example.com"]), SignatureHash::Sha256).unwrap();
        let text = String::from_utf8(openssl(&["req", "-noout", "-subject"], csr.as_bytes())).unwrap();
        assert_eq!(text.lines().next(), Some("subject="));
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let long = format!("{}.example.com", "a".repeat(60));
        let refused = build(&KEY, Some(&long), &[], SignatureHash::Sha256).unwrap_err();
        assert_eq!(refused, CsrError::BadName(long.clone()));
        build(&KEY, None, &[long], SignatureHash::Sha256).unwrap();
        assert_eq!(build(&KEY, None, &[], SignatureHash::Sha256).unwrap_err(), CsrError::NoName);
        let refused = build(&KEY, None, &names(&["bücher.example"]), SignatureHash::Sha256).unwrap_err();
        assert_eq!(refused, CsrError::BadName("bücher.example".to_owned()));
    }

    #[test]
    fn echoed_csrs_are_read_however_their_lines_were_broken() {
        let csr = build(&KEY, Some("example.com"), &[], SignatureHash::Sha256).unwrap();
        let one_line = csr.replace('\n', "");
        let spaced = csr.replace('\n', " ");
        let echoes =
            [csr.replace('\n', "\r\n"), one_line, spaced, csr.replace('\n', "\\n"), csr.replace('\n', "\\r\\n")];
        for echo in echoes.iter().chain([&csr.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")]) {
            assert_eq!(public_key_sha256_of_csr(echo).unwrap(), KEY.public_key_sha256(), "{echo}");
        }
        assert_eq!(public_key_sha256_of_csr(&csr[..csr.len() / 2]), Err(CsrError::Unreadable));
    }

    proptest! {
        #[test]
        fn no_echo_makes_it_panic(text in ".{0,300}", cut in 0usize..600, flip in 0usize..600, byte: u8) {
            let _ = public_key_sha256_of_csr(&text);
            static CSR: LazyLock<String> =
                LazyLock::new(|| build(&KEY, Some("example.com"), &[], SignatureHash::Sha256).unwrap());
            let mut bytes = CSR.as_bytes().to_vec();
            let at = flip % bytes.len();
            bytes[at] = byte;
            bytes.truncate(cut);
            let _ = public_key_sha256_of_csr(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn the_same_names_in_any_order_ask_for_the_same(mut asked in proptest::collection::vec("[a-z]{1,8}\\.example\\.com", 1..8)) {
            // RSA PKCS#1 v1.5 signs deterministically, so the whole text can be compared.
            static RSA: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(KeyKind::Rsa2048).unwrap());
            let one = build(&RSA, None, &asked, SignatureHash::Sha256).unwrap();
            asked.reverse();
            asked.push(asked[0].clone());
            prop_assert_eq!(one, build(&RSA, None, &asked, SignatureHash::Sha256).unwrap());
        }
    }
}

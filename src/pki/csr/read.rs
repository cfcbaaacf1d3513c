//! A CSR that somebody else made, judged before anything is asked for it.

use std::collections::BTreeSet;

use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509CertificationRequest};

use super::CsrError;
use crate::pki::{KeyKind, leaf, pem, sha256_hex};

/// Longest CSR in PEM, in bytes.
const LONGEST: usize = 32 * 1024;

/// A CSR whose signature proves that its maker has the private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csr {
    /// Written anew, whatever was around the block.
    pub pem: String,
    /// Lower-case hex SHA-256 of the DER SubjectPublicKeyInfo.
    pub public_key_sha256: String,
    pub kind: KeyKind,
    /// Common names and DNS subject alternative names, lower case. Nobody is asked for them.
    pub names: BTreeSet<String>,
}

impl Csr {
    /// Reads a value of a Secret: exactly one PEM block (RFC 7468 §7) with a signed request (RFC 2986 §4) for a key that
    /// public CAs sign.
    pub fn read(value: &[u8]) -> Result<Self, CsrError> {
        if value.len() > LONGEST {
            return Err(CsrError::TooLong);
        }
        let text = std::str::from_utf8(value).map_err(|_| CsrError::Unreadable)?;
        let [block] = <[_; 1]>::try_from(pem::all(text).map_err(|_| CsrError::Unreadable)?)
            .map_err(|blocks| if blocks.is_empty() { CsrError::Unreadable } else { CsrError::NotOne(blocks.len()) })?;
        if !super::LABELS.contains(&block.tag()) {
            return Err(CsrError::Unreadable);
        }
        let (rest, csr) = X509CertificationRequest::from_der(block.contents()).map_err(|_| CsrError::Unreadable)?;
        if !rest.is_empty() {
            return Err(CsrError::Unreadable);
        }
        let key = &csr.certification_request_info.subject_pki;
        let kind = leaf::key_kind(key).ok_or(CsrError::UnsupportedKey)?;
        csr.verify_signature().map_err(|_| CsrError::BadSignature)?;
        Ok(Self {
            pem: pem::encode(super::LABELS[0], block.contents()),
            public_key_sha256: sha256_hex(key.raw),
            kind,
            names: names(&csr),
        })
    }
}

fn names(csr: &X509CertificationRequest<'_>) -> BTreeSet<String> {
    let subject = csr.certification_request_info.subject.iter_common_name().filter_map(|name| name.as_str().ok());
    let alternatives = csr.requested_extensions().into_iter().flatten().filter_map(|extension| match extension {
        ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
        _ => None,
    });
    let dns = alternatives.flatten().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    });
    subject.chain(dns).map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::pki::{PrivateKey, SignatureHash, csr, testing::openssl};

    fn made(key: &PrivateKey, name: &str) -> String {
        csr::build(key, Some(name), &[format!("www.{name}")], SignatureHash::Sha256).unwrap()
    }

    fn made_by_openssl(key: &[&str], more: &[&str]) -> Vec<u8> {
        let key = openssl(key, b"");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        std::fs::write(&path, key).unwrap();
        let arguments = ["req", "-new", "-key", path.to_str().unwrap(), "-subj", "/O=Plant 7/CN=HSM.example.com"];
        openssl(&[&arguments[..], more].concat(), b"")
    }

    #[test]
    fn every_kind_of_key_is_read_as_it_was_made() {
        for kind in KeyKind::ALL {
            let key = PrivateKey::generate(kind).unwrap();
            let pem = made(&key, "shop.example.com");
            let read = Csr::read(pem.as_bytes()).unwrap();
            assert_eq!((read.kind, &read.public_key_sha256), (kind, &key.public_key_sha256()));
            assert_eq!(read.pem, pem);
            assert_eq!(read.names, ["shop.example.com", "www.shop.example.com"].map(str::to_owned).into());
        }
    }

    #[test]
    fn what_other_tools_write_is_read_and_written_alike() {
        let rsa = ["genrsa", "2048"];
        let text = made_by_openssl(&rsa, &["-text"]);
        let read = Csr::read(&text).unwrap();
        assert!(read.pem.starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"), "the text before it is left out");
        assert_eq!((read.kind, read.names), (KeyKind::Rsa2048, ["hsm.example.com".to_owned()].into()));
        for more in [
            &["-newhdr"][..],
            &["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"],
            &["-sha384"],
            &["-sha1"],
        ] {
            Csr::read(&made_by_openssl(&rsa, more)).unwrap_or_else(|error| panic!("{more:?}: {error}"));
        }
        let curve = made_by_openssl(&["ecparam", "-name", "secp384r1", "-genkey", "-noout"], &["-sha256"]);
        assert_eq!(Csr::read(&curve).unwrap().kind, KeyKind::EcdsaP384);
    }

    #[test]
    fn what_cannot_be_used_is_told_apart() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let good = made(&key, "shop.example.com");
        let refused = |value: &[u8]| Csr::read(value).unwrap_err();
        for nothing in [&b""[..], b"not PEM", b"\xff\xfe", &good.as_bytes()[..good.len() / 2]] {
            assert_eq!(refused(nothing), CsrError::Unreadable);
        }
        let private = openssl(&["genrsa", "2048"], b"");
        assert_eq!(refused(&private), CsrError::Unreadable, "a private key");
        assert_eq!(refused(&[&private[..], good.as_bytes()].concat()), CsrError::NotOne(2), "a private key beside it");
        assert_eq!(refused(good.repeat(2).as_bytes()), CsrError::NotOne(2));
        assert_eq!(refused(" ".repeat(LONGEST + 1).as_bytes()), CsrError::TooLong);
        for key in [
            &["genrsa", "1024"][..],
            &["genpkey", "-algorithm", "ed25519"],
            &["ecparam", "-name", "secp521r1", "-genkey", "-noout"],
        ] {
            assert_eq!(refused(&made_by_openssl(key, &[])), CsrError::UnsupportedKey, "{key:?}");
        }
    }

    /// Everything but the outermost lengths is covered by the signature, or is the signature.
    #[test]
    fn a_request_that_was_changed_proves_nothing() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let good = pem::all(&made(&key, "shop.example.com")).unwrap().remove(0);
        let at = good.contents().windows(4).position(|bytes| bytes == b"shop").unwrap();
        let mut changed = good.contents().to_vec();
        changed[at] = b'S';
        assert_eq!(Csr::read(pem::encode("CERTIFICATE REQUEST", &changed).as_bytes()), Err(CsrError::BadSignature));
        let longer = [good.contents(), b"\0"].concat();
        assert_eq!(Csr::read(pem::encode("CERTIFICATE REQUEST", &longer).as_bytes()), Err(CsrError::Unreadable));
    }

    proptest! {
        #[test]
        fn nothing_in_a_secret_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..300), flip in 0usize..1000, byte: u8) {
            let _ = Csr::read(&value);
            let _ = Csr::read(pem::encode("CERTIFICATE REQUEST", &value).as_bytes());
            static CSR: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
                let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
                pem::all(&made(&key, "shop.example.com")).unwrap().remove(0).into_contents()
            });
            let mut der = CSR.clone();
            let at = flip % der.len();
            der[at] = byte;
            let _ = Csr::read(pem::encode("CERTIFICATE REQUEST", &der).as_bytes());
        }
    }
}

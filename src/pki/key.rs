//! Private keys: made, read, written; never shown.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der, PublicKeyX509Der},
    error::Unspecified,
    rsa,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair,
    },
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use x509_parser::asn1_rs::{Any, FromDer, Integer, OctetString, Sequence};
use zeroize::Zeroizing;

use super::{pem, sha256_hex};

/// The key types public CAs sign for servers and Evercert makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    EcdsaP256,
    EcdsaP384,
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

impl KeyKind {
    pub const ALL: [Self; 5] = [Self::EcdsaP256, Self::EcdsaP384, Self::Rsa2048, Self::Rsa3072, Self::Rsa4096];

    /// From an algorithm (`ECDSA` or `RSA`) and a size in bits.
    pub fn new(algorithm: &str, bits: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.algorithm() == algorithm && kind.bits() == bits)
    }

    pub fn algorithm(self) -> &'static str {
        match self {
            Self::EcdsaP256 | Self::EcdsaP384 => "ECDSA",
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => "RSA",
        }
    }

    /// Of the curve's field or the RSA modulus.
    pub fn bits(self) -> u16 {
        match self {
            Self::EcdsaP256 => 256,
            Self::EcdsaP384 => 384,
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 | Self::EcdsaP384 => write!(f, "ECDSA P-{}", self.bits()),
            _ => write!(f, "RSA {}", self.bits()),
        }
    }
}

/// The form of a private key in PEM and DER.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 5958.
    #[default]
    Pkcs8,
    /// The form before it: PKCS#1 (RFC 8017 appendix A.1.2) for RSA, SEC1 (RFC 5915) for ECDSA.
    Traditional,
}

/// Says nothing of the key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("not a private key in PEM (PKCS#8, PKCS#1 or SEC1)")]
    Unreadable,
    #[error(
        "the private key is of a kind that is not supported: only ECDSA P-256 and P-384, RSA 2048, 3072 and 4096 are"
    )]
    Unsupported,
    #[error("the cryptographic library could not make the key")]
    Generation,
}

/// A private key of a supported kind, wiped from memory when dropped.
pub struct PrivateKey {
    kind: KeyKind,
    pkcs8: SecretSlice<u8>,
    /// DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    spki: Vec<u8>,
}

impl PrivateKey {
    /// Blocks the thread: RSA takes from tens of milliseconds (2048) to seconds (4096).
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let made = match kind {
            KeyKind::EcdsaP256 => Self::generate_ecdsa(kind, &ECDSA_P256_SHA256_ASN1_SIGNING),
            KeyKind::EcdsaP384 => Self::generate_ecdsa(kind, &ECDSA_P384_SHA384_ASN1_SIGNING),
            KeyKind::Rsa2048 => Self::generate_rsa(kind, rsa::KeySize::Rsa2048),
            KeyKind::Rsa3072 => Self::generate_rsa(kind, rsa::KeySize::Rsa3072),
            KeyKind::Rsa4096 => Self::generate_rsa(kind, rsa::KeySize::Rsa4096),
        };
        made.map_err(|Unspecified| KeyError::Generation)
    }

    /// Reads the first private key of a PEM text: PKCS#8, PKCS#1 or SEC1, unencrypted.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| KeyError::Unreadable)?;
        let der = Zeroizing::new(der);
        let rsa = match &*der {
            PrivateKeyDer::Pkcs8(der) => rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            other => rsa::KeyPair::from_der(other.secret_der()),
        };
        if let Ok(pair) = rsa {
            let bits = pair.public_modulus_len() * 8;
            let kind =
                KeyKind::ALL.into_iter().find(|kind| kind.algorithm() == "RSA" && usize::from(kind.bits()) == bits);
            return Self::from_rsa(kind.ok_or(KeyError::Unsupported)?, &pair)
                .map_err(|Unspecified| KeyError::Unreadable);
        }
        for (kind, curve) in CURVES {
            if let Ok(pair) = EcdsaKeyPair::from_private_key_der(curve, der.secret_der()) {
                return Self::from_ecdsa(kind, &pair).map_err(|Unspecified| KeyError::Unreadable);
            }
        }
        Err(KeyError::Unsupported)
    }

    /// The form it is stored in: PKCS#8, label `PRIVATE KEY`.
    pub fn to_pkcs8_pem(&self) -> SecretString {
        pem::encode("PRIVATE KEY", self.pkcs8.expose_secret()).into()
    }

    pub fn to_pem(&self, encoding: Encoding) -> Result<SecretString, KeyError> {
        let label = match (encoding, self.kind.algorithm()) {
            (Encoding::Pkcs8, _) => "PRIVATE KEY",
            (Encoding::Traditional, "RSA") => "RSA PRIVATE KEY",
            (Encoding::Traditional, _) => "EC PRIVATE KEY",
        };
        Ok(pem::encode(label, self.to_der(encoding)?.expose_secret()).into())
    }

    pub fn to_der(&self, encoding: Encoding) -> Result<SecretSlice<u8>, KeyError> {
        let curve = CURVES.into_iter().find(|(kind, _)| *kind == self.kind).map(|(_, curve)| curve);
        match (encoding, curve) {
            (Encoding::Pkcs8, _) => Ok(self.pkcs8.clone()),
            (Encoding::Traditional, Some(curve)) => sec1(self.pkcs8(), curve).map_err(|_| KeyError::Unreadable),
            (Encoding::Traditional, None) => pkcs1(self.pkcs8()).ok_or(KeyError::Unreadable),
        }
    }

    /// Lower-case hex SHA-256 of the DER SubjectPublicKeyInfo; the same for this key's CSRs and certificates.
    pub fn public_key_sha256(&self) -> String {
        sha256_hex(&self.spki)
    }

    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    pub(super) fn pkcs8(&self) -> &[u8] {
        self.pkcs8.expose_secret()
    }

    fn generate_ecdsa(kind: KeyKind, curve: &'static EcdsaSigningAlgorithm) -> Result<Self, Unspecified> {
        Self::from_ecdsa(kind, &EcdsaKeyPair::generate(curve)?)
    }

    fn generate_rsa(kind: KeyKind, size: rsa::KeySize) -> Result<Self, Unspecified> {
        Self::from_rsa(kind, &rsa::KeyPair::generate(size)?)
    }

    fn from_ecdsa(kind: KeyKind, pair: &EcdsaKeyPair) -> Result<Self, Unspecified> {
        let pkcs8 = pair.to_pkcs8v1()?;
        let spki = AsDer::<PublicKeyX509Der>::as_der(pair.public_key())?;
        Ok(Self { kind, pkcs8: pkcs8.as_ref().to_vec().into(), spki: spki.as_ref().to_vec() })
    }

    fn from_rsa(kind: KeyKind, pair: &rsa::KeyPair) -> Result<Self, Unspecified> {
        let pkcs8 = AsDer::<Pkcs8V1Der>::as_der(pair)?;
        let spki = AsDer::<PublicKeyX509Der>::as_der(pair.public_key())?;
        Ok(Self { kind, pkcs8: pkcs8.as_ref().to_vec().into(), spki: spki.as_ref().to_vec() })
    }
}

fn sec1(pkcs8: &[u8], curve: &'static EcdsaSigningAlgorithm) -> Result<SecretSlice<u8>, Unspecified> {
    let pair = EcdsaKeyPair::from_pkcs8(curve, pkcs8).map_err(|_| Unspecified)?;
    let der = AsDer::<EcPrivateKeyRfc5915Der>::as_der(&pair.private_key())?;
    Ok(der.as_ref().to_vec().into())
}

/// What PKCS#8 wraps: version, algorithm, and the PKCS#1 key as octets.
fn pkcs1(pkcs8: &[u8]) -> Option<SecretSlice<u8>> {
    let (_, wrapped) = Sequence::from_der(pkcs8).ok()?;
    let (rest, _version) = Integer::from_der(&wrapped.content).ok()?;
    let (rest, _algorithm) = Any::from_der(rest).ok()?;
    let (_, key) = OctetString::from_der(rest).ok()?;
    Some(key.as_cow().to_vec().into())
}

static CURVES: [(KeyKind, &EcdsaSigningAlgorithm); 2] =
    [(KeyKind::EcdsaP256, &ECDSA_P256_SHA256_ASN1_SIGNING), (KeyKind::EcdsaP384, &ECDSA_P384_SHA384_ASN1_SIGNING)];

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, public key {})", self.kind, self.public_key_sha256())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::pki::testing::openssl;

    #[test]
    fn every_kind_survives_being_stored() {
        for kind in KeyKind::ALL {
            let key = PrivateKey::generate(kind).unwrap();
            let pem = key.to_pkcs8_pem();
            assert!(pem.expose_secret().starts_with("-----BEGIN PRIVATE KEY-----\n"));
            let read = PrivateKey::from_pem(pem.expose_secret()).unwrap();
            assert_eq!((read.kind(), read.public_key_sha256()), (kind, key.public_key_sha256()));
            assert_eq!(read.to_pkcs8_pem().expose_secret(), pem.expose_secret());
            assert_eq!(KeyKind::new(kind.algorithm(), kind.bits()), Some(kind));
        }
    }

    #[test]
    fn kinds_have_the_names_people_use() {
        let names = KeyKind::ALL.map(|kind| kind.to_string());
        assert_eq!(names, ["ECDSA P-256", "ECDSA P-384", "RSA 2048", "RSA 3072", "RSA 4096"]);
        assert_eq!(KeyKind::new("RSA", 256), None);
        assert_eq!(KeyKind::new("Ed25519", 256), None);
    }

    #[test]
    fn reads_the_traditional_forms_of_openssl_and_agrees_on_the_public_key() {
        let cases: [(&[&str], KeyKind); 3] = [
            (&["ecparam", "-name", "prime256v1", "-genkey"], KeyKind::EcdsaP256),
            (&["ecparam", "-name", "secp384r1", "-genkey", "-noout"], KeyKind::EcdsaP384),
            (&["genrsa", "-traditional", "2048"], KeyKind::Rsa2048),
        ];
        for (arguments, kind) in cases {
            let pem = String::from_utf8(openssl(arguments, b"")).unwrap();
            assert!(!pem.contains("BEGIN PRIVATE KEY"), "{arguments:?} no longer writes the traditional form");
            let key = PrivateKey::from_pem(&pem).unwrap();
            assert_eq!(key.kind(), kind);
            let spki = openssl(&["pkey", "-pubout", "-outform", "DER"], pem.as_bytes());
            assert_eq!(key.public_key_sha256(), sha256_hex(&spki));
            let again = openssl(&["pkey", "-pubout", "-outform", "DER"], key.to_pkcs8_pem().expose_secret().as_bytes());
            assert_eq!(spki, again);
        }
    }

    #[test]
    fn writes_the_traditional_forms_as_openssl_does() {
        for (kind, command) in [
            (KeyKind::EcdsaP256, &["ec"] as &[&str]),
            (KeyKind::EcdsaP384, &["ec"]),
            (KeyKind::Rsa2048, &["rsa", "-traditional"]),
            (KeyKind::Rsa4096, &["rsa", "-traditional"]),
        ] {
            let key = PrivateKey::generate(kind).unwrap();
            let theirs = openssl(command, key.to_pkcs8_pem().expose_secret().as_bytes());
            let ours = key.to_pem(Encoding::Traditional).unwrap();
            assert_eq!(ours.expose_secret(), String::from_utf8(theirs).unwrap(), "{kind}");
            let read = PrivateKey::from_pem(ours.expose_secret()).unwrap();
            assert_eq!((read.kind(), read.public_key_sha256()), (kind, key.public_key_sha256()));
        }
    }

    #[test]
    fn other_kinds_and_encrypted_keys_are_told_from_garbage() {
        for arguments in [&["genpkey", "-algorithm", "ed25519"] as &[&str], &["genrsa", "1024"], &["genrsa", "2056"]] {
            let pem = String::from_utf8(openssl(arguments, b"")).unwrap();
            assert_eq!(PrivateKey::from_pem(&pem).unwrap_err(), KeyError::Unsupported, "{arguments:?}");
        }
        for garbage in
            ["", "-----BEGIN PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
        {
            assert_eq!(PrivateKey::from_pem(garbage).unwrap_err(), KeyError::Unreadable);
        }
    }

    #[test]
    fn debug_tells_nothing_secret() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let shown = format!("{key:?} {:?}", key.to_pkcs8_pem());
        let pem = key.to_pkcs8_pem();
        for line in pem.expose_secret().lines().filter(|line| !line.starts_with('-')) {
            assert!(!shown.contains(line));
        }
        assert!(!shown.contains(&super::super::hex(key.pkcs8())));
        assert!(shown.contains(&key.public_key_sha256()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,300}", cut in 0usize..300, flip in 0usize..300, byte: u8) {
            let _ = PrivateKey::from_pem(&text);
            static PEM: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
                PrivateKey::generate(KeyKind::EcdsaP256).unwrap().to_pkcs8_pem().expose_secret().to_owned()
            });
            let mut bytes = PEM.as_bytes().to_vec();
            let at = flip % bytes.len();
            bytes[at] = byte;
            bytes.truncate(cut);
            let _ = PrivateKey::from_pem(&String::from_utf8_lossy(&bytes));
        }
    }
}

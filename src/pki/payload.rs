//! The data of a `kubernetes.io/tls` Secret, as bytes by key.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretSlice};

use super::{Chain, Leaf, PrivateKey, key::KeyError};

pub type Payload = BTreeMap<&'static str, SecretSlice<u8>>;

/// `tls.crt`, `tls.key` unless the key is held elsewhere and, when the CA delivered its root, `ca.crt`.
pub fn payload(chain: &Chain, key: Option<&PrivateKey>) -> Payload {
    let bytes = |text: &str| SecretSlice::from(text.as_bytes().to_vec());
    let mut payload = Payload::from([("tls.crt", bytes(&chain.tls_crt))]);
    if let Some(key) = key {
        payload.insert("tls.key", bytes(key.to_pkcs8_pem().expose_secret()));
    }
    if let Some(root) = &chain.ca_crt {
        payload.insert("ca.crt", bytes(root));
    }
    payload
}

/// A certificate and the private key it is for.
#[derive(Debug)]
pub struct Pair {
    pub leaf: Leaf,
    pub key: PrivateKey,
}

/// Why what a Secret holds cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    #[error("tls.crt holds no readable certificate")]
    Certificate,
    #[error("tls.key: {0}")]
    Key(#[from] KeyError),
    #[error("tls.key is not the key of the certificate in tls.crt")]
    Mismatch,
    #[error("tls.crt is not for the key it was obtained for")]
    OtherKey,
}

/// Judges what a Secret holds. The first certificate of `tls.crt` counts, since that is the one servers present.
pub fn read_pair(tls_crt: &[u8], tls_key: &[u8]) -> Result<Pair, PairError> {
    let leaf = read_leaf(tls_crt)?;
    let key = std::str::from_utf8(tls_key).map_err(|_| KeyError::Unreadable)?;
    let key = PrivateKey::from_pem(key)?;
    if key.public_key_sha256() != leaf.public_key_sha256 {
        return Err(PairError::Mismatch);
    }
    Ok(Pair { leaf, key })
}

/// The same where the key is held elsewhere: the certificate is for the public key that is noted beside it.
pub fn read_certificate(tls_crt: &[u8], public_key_sha256: Option<&str>) -> Result<Leaf, PairError> {
    let leaf = read_leaf(tls_crt)?;
    match public_key_sha256.is_none_or(|noted| noted == leaf.public_key_sha256) {
        true => Ok(leaf),
        false => Err(PairError::OtherKey),
    }
}

fn read_leaf(tls_crt: &[u8]) -> Result<Leaf, PairError> {
    let certificate = std::str::from_utf8(tls_crt).map_err(|_| PairError::Certificate)?;
    Leaf::from_pem(certificate).map_err(|_| PairError::Certificate)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::pki::{
        KeyKind,
        testing::{Ca, at},
    };

    fn chain_for(key: &PrivateKey) -> Chain {
        let root = Ca::root("Root");
        let leaf = root.leaf(key, &["example.com"], at("2026-11-01T00:00:00Z"), at("2027-05-01T00:00:00Z"));
        Chain { leaf: Leaf::from_pem(&leaf).unwrap(), tls_crt: leaf, ca_crt: Some(root.pem()), anchor: None }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let mut chain = chain_for(&key);
        let written = payload(&chain, Some(&key));
        assert_eq!(written.keys().copied().collect::<Vec<_>>(), ["ca.crt", "tls.crt", "tls.key"]);
        let pair = read_pair(written["tls.crt"].expose_secret(), written["tls.key"].expose_secret()).unwrap();
        assert_eq!((&pair.leaf, pair.key.public_key_sha256()), (&chain.leaf, key.public_key_sha256()));

        chain.ca_crt = None;
        assert!(!payload(&chain, Some(&key)).contains_key("ca.crt"));
        assert_eq!(payload(&chain, None).keys().copied().collect::<Vec<_>>(), ["tls.crt"], "held elsewhere");
    }

    #[test]
    fn unreadable_and_mismatching_pairs_are_told_apart() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let written = payload(&chain_for(&key), Some(&key));
        let other = PrivateKey::generate(KeyKind::EcdsaP256).unwrap().to_pkcs8_pem();
        let read = |crt: &[u8], tls_key: &[u8]| read_pair(crt, tls_key).map(|_| ()).unwrap_err();

        assert_eq!(read(written["tls.crt"].expose_secret(), other.expose_secret().as_bytes()), PairError::Mismatch);
        assert_eq!(read(b"", written["tls.key"].expose_secret()), PairError::Certificate);
        assert_eq!(read(b"\xff", written["tls.key"].expose_secret()), PairError::Certificate);
        assert_eq!(read(written["tls.crt"].expose_secret(), b""), PairError::Key(KeyError::Unreadable));
        assert_eq!(read(written["tls.crt"].expose_secret(), b"\xff"), PairError::Key(KeyError::Unreadable));
    }

    #[test]
    fn where_the_key_is_held_elsewhere_the_note_beside_the_certificate_tells_whose_it_is() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let chain = chain_for(&key);
        let read = |crt: &[u8], noted: Option<&str>| read_certificate(crt, noted);
        let good = chain.tls_crt.as_bytes();
        assert_eq!(read(good, Some(&key.public_key_sha256())), Ok(chain.leaf.clone()));
        assert_eq!(read(good, None), Ok(chain.leaf.clone()));
        assert_eq!(read(good, Some("another")), Err(PairError::OtherKey));
        assert_eq!(read(b"", None), Err(PairError::Certificate));
    }

    #[test]
    fn neither_pair_nor_payload_shows_the_key() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let written = payload(&chain_for(&key), Some(&key));
        let pair = read_pair(written["tls.crt"].expose_secret(), written["tls.key"].expose_secret()).unwrap();
        let shown = format!("{pair:?} {written:?}");
        let pem = std::str::from_utf8(written["tls.key"].expose_secret()).unwrap();
        assert!(pem.lines().all(|line| !shown.contains(line)));
        assert!(!shown.contains("45, 45, 45"), "not as bytes either");
    }

    proptest! {
        #[test]
        fn no_secret_makes_it_panic(crt in proptest::collection::vec(any::<u8>(), 0..300), key in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_pair(&crt, &key);
        }
    }
}

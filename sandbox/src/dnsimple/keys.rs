//! Keys that DNSimple makes, and the form it hands them out in.

use aws_lc_rs::{
    encoding::{AsDer, EcPrivateKeyRfc5915Der},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData, RsaKeySize};

use crate::{ca::hex, csr, pem, state::dnsimple::Subject};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Ecdsa,
    Rsa,
}

/// A key of its own with its request.
pub fn make(algorithm: Algorithm, common_name: &str, names: &[String]) -> Result<Subject, rcgen::Error> {
    let key = match algorithm {
        Algorithm::Ecdsa => KeyPair::generate()?,
        Algorithm::Rsa => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048)?,
    };
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(Subject {
        csr: params.serialize_request(&key)?.pem()?.replace("\r\n", "\n"),
        public_key_sha256: hex(&csr::sha256(&key.subject_public_key_info())),
        private_key: Some(key.serialize_pem()),
    })
}

/// PKCS#1 (RFC 8017) or SEC 1 (RFC 5915), as OpenSSL writes them; PEM. None: it is no key of ours.
pub fn traditional(pkcs8: &str) -> Option<String> {
    let der = KeyPair::from_pem(pkcs8).ok()?.serialize_der();
    if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der) {
        let sec1 = AsDer::<EcPrivateKeyRfc5915Der>::as_der(&pair.private_key()).ok()?;
        return Some(pem::encode("EC PRIVATE KEY", sec1.as_ref()));
    }
    let pkcs1 = yasna::parse_der(&der, |reader| {
        reader.read_sequence(|wrapped| {
            wrapped.next().read_u8()?;
            wrapped.next().read_der()?;
            wrapped.next().read_bytes()
        })
    });
    Some(pem::encode("RSA PRIVATE KEY", &pkcs1.ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn either_form_is_the_same_key() {
        for (algorithm, label) in [(Algorithm::Ecdsa, "EC PRIVATE KEY"), (Algorithm::Rsa, "RSA PRIVATE KEY")] {
            let made = make(algorithm, "www.example.com", &["www.example.com".to_owned()]).unwrap();
            let traditional = traditional(made.private_key.as_ref().unwrap()).unwrap();
            assert!(traditional.starts_with(&format!("-----BEGIN {label}-----\n")), "{traditional}");
            let read = KeyPair::from_pem(&traditional).unwrap();
            assert_eq!(hex(&csr::sha256(&read.subject_public_key_info())), made.public_key_sha256);
            assert_eq!(csr::parse(&made.csr).unwrap().public_key_sha256, made.public_key_sha256);
        }
    }
}

//! Certificate signing requests, read as leniently as the vendor does and verified.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{KeyPair, SubjectPublicKeyInfo};
use x509_parser::{certification_request::X509CertificationRequest, prelude::FromDer, public_key::PublicKey};

use crate::ca::hex;

pub struct Csr {
    /// Of the subject, when it has one.
    pub common_name: Option<String>,
    /// `RSA` or `EC`.
    pub algorithm: &'static str,
    pub public_key: SubjectPublicKeyInfo,
    /// Hex SHA-256 of the DER SubjectPublicKeyInfo.
    pub public_key_sha256: String,
    pub key_size: usize,
}

/// Reads PEM, also with every line break removed or written as `\n`, or bare base64.
pub fn parse(text: &str) -> Result<Csr, String> {
    let der = decode(text).ok_or("the CSR is neither PEM nor base64")?;
    let (_, request) = X509CertificationRequest::from_der(&der).map_err(|_| "the CSR is not a PKCS#10 request")?;
    request.verify_signature().map_err(|_| "the CSR is not signed by its own key")?;
    let spki = &request.certification_request_info.subject_pki;
    let (algorithm, key_size) = match spki.parsed() {
        Ok(PublicKey::RSA(key)) if key.key_size() >= 2048 => ("RSA", key.key_size()),
        Ok(PublicKey::RSA(_)) => return Err("RSA keys need at least 2048 bits".into()),
        Ok(PublicKey::EC(point)) => ("EC", point.key_size()),
        _ => return Err("the key must be RSA or ECDSA".into()),
    };
    let public_key =
        SubjectPublicKeyInfo::from_der(spki.raw).map_err(|_| "the key must be RSA or ECDSA P-256, P-384 or P-521")?;
    let subject = &request.certification_request_info.subject;
    let common_name = subject.iter_common_name().next().and_then(|name| name.as_str().ok());
    Ok(Csr {
        common_name: common_name.filter(|name| !name.is_empty()).map(str::to_owned),
        algorithm,
        public_key,
        public_key_sha256: hex(&sha256(spki.raw)),
        key_size,
    })
}

/// What a certificate for this CSR is issued to; `other`: by mistake, to another key.
pub fn certified_key(text: &str, other: bool) -> Result<SubjectPublicKeyInfo, String> {
    if other {
        let other = KeyPair::generate().map_err(|error| error.to_string())?;
        return SubjectPublicKeyInfo::from_pem(&other.public_key_pem()).map_err(|error| error.to_string());
    }
    Ok(parse(text)?.public_key)
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

pub fn md5(bytes: &[u8]) -> Vec<u8> {
    use md5::Digest;
    md5::Md5::digest(bytes).to_vec()
}

/// DER of a CSR, however it is written.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.replace("\\n", "\n");
    let body = match text.split_once("-----BEGIN") {
        None => text.as_str(),
        Some((_, rest)) => rest.split_once("-----")?.1.split_once("-----END")?.0,
    };
    let base64: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(base64).ok().filter(|der| !der.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pem() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let request = rcgen::CertificateParams::default().serialize_request(&key).unwrap();
        request.pem().unwrap()
    }

    #[test]
    fn line_breaks_do_not_matter() {
        let pem = pem();
        let expected = parse(&pem).unwrap().public_key_sha256;
        for form in [
            pem.replace(['\r', '\n'], ""),
            pem.replace('\n', "\\n"),
            pem.replace('\n', "\r\n"),
            pem.lines().filter(|l| !l.starts_with('-')).collect(),
        ] {
            assert_eq!(parse(&form).unwrap().public_key_sha256, expected);
        }
    }

    #[test]
    fn rubbish_is_refused() {
        let pem = pem();
        let mut forged = decode(&pem).unwrap();
        let last = forged.len() - 1;
        forged[last] ^= 1;
        for text in ["", "-----BEGIN", "-----BEGIN X-----", "AAAA", "é"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&STANDARD.encode(forged)).is_err());
    }
}

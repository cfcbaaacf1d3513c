//! JKS, the format of Java's `sun.security.provider.JavaKeyStore`: a list of entries, its hash keyed with the
//! password, and private keys under `KeyProtector`, an XOR with chained SHA-1. Only for what reads nothing else.

use aws_lc_rs::{
    digest::{Context, SHA1_FOR_LEGACY_USE_ONLY},
    rand,
};
use jiff::Timestamp;
use secrecy::SecretSlice;
use zeroize::Zeroizing;

use super::{KeystoreError, Lock, TRUSTED, certificates, since};
use crate::pki::PrivateKey;

const MAGIC: u32 = 0xFEED_FEED;
const VERSION: u32 = 2;
const PRIVATE_KEY: u32 = 1;
const TRUSTED_CERTIFICATE: u32 = 2;
/// Goes into the hash beside the password.
const WHITENER: &[u8] = b"Mighty Aphrodite";
/// DER of AlgorithmIdentifier 1.3.6.1.4.1.42.2.17.1.1, parameters NULL: JavaSoft's key protector.
const KEY_PROTECTOR: &[u8] =
    &[0x30, 0x0e, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01, 0x05, 0x00];

/// Key and certificates, leaf first, the key under the same password as the store.
pub fn jks_keystore(key: &PrivateKey, tls_crt: &[u8], lock: &Lock) -> Result<SecretSlice<u8>, KeystoreError> {
    let chain = certificates(tls_crt)?;
    let password = Password::of(lock)?;
    let mut store = Writer::begin();
    store.entry(PRIVATE_KEY, &lock.alias, since(tls_crt)?);
    store.bytes(&protect(key.pkcs8(), &password)?);
    store.number(chain.len());
    chain.iter().for_each(|certificate| store.certificate(certificate));
    Ok(store.end(&password))
}

/// The CA's root.
pub fn jks_truststore(ca_crt: &[u8], lock: &Lock) -> Result<SecretSlice<u8>, KeystoreError> {
    let root = certificates(ca_crt)?;
    let password = Password::of(lock)?;
    let mut store = Writer::begin();
    store.entry(TRUSTED_CERTIFICATE, TRUSTED, since(ca_crt)?);
    store.certificate(&root[0]);
    Ok(store.end(&password))
}

/// UTF-16, big endian, as Java hashes it.
struct Password(Zeroizing<Vec<u8>>);

impl Password {
    fn of(lock: &Lock) -> Result<Self, KeystoreError> {
        Ok(Self(Zeroizing::new(lock.password()?.encode_utf16().flat_map(u16::to_be_bytes).collect())))
    }

    fn sha1(&self, rest: &[&[u8]]) -> Vec<u8> {
        let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        context.update(&self.0);
        rest.iter().for_each(|part| context.update(part));
        context.finish().as_ref().to_vec()
    }
}

/// EncryptedPrivateKeyInfo (RFC 5208 §6): salt, the key XORed with SHA-1(password, salt), SHA-1(password, that), …, and
/// SHA-1(password, key) to tell a wrong password.
fn protect(pkcs8: &[u8], password: &Password) -> Result<Vec<u8>, KeystoreError> {
    let mut salt = [0; 20];
    rand::fill(&mut salt).map_err(|_| KeystoreError::Encoding("no random numbers".to_owned()))?;
    let mut encrypted = salt.to_vec();
    let mut pad = salt.to_vec();
    for block in pkcs8.chunks(20) {
        pad = password.sha1(&[&pad]);
        encrypted.extend(block.iter().zip(&pad).map(|(byte, pad)| byte ^ pad));
    }
    encrypted.extend(password.sha1(&[pkcs8]));
    Ok(der(0x30, &[KEY_PROTECTOR, &der(0x04, &encrypted)].concat()))
}

/// One DER value.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut value = vec![tag];
    match length.to_be_bytes().iter().position(|byte| *byte != 0) {
        _ if length < 0x80 => value.push(length as u8),
        Some(first) => {
            let digits = &length.to_be_bytes()[first..];
            value.push(0x80 | digits.len() as u8);
            value.extend(digits);
        }
        None => value.push(0),
    }
    value.extend(content);
    value
}

/// Java's `DataOutputStream`.
struct Writer(Vec<u8>);

impl Writer {
    /// A store of one entry.
    fn begin() -> Self {
        let mut writer = Self(Vec::new());
        [MAGIC, VERSION, 1].iter().for_each(|word| writer.word(*word));
        writer
    }

    /// Java looks names up in lower case.
    fn entry(&mut self, tag: u32, alias: &str, since: Timestamp) {
        self.word(tag);
        self.text(&alias.to_lowercase());
        self.0.extend(since.as_millisecond().to_be_bytes());
    }

    fn certificate(&mut self, der: &[u8]) {
        self.text("X.509");
        self.bytes(der);
    }

    fn word(&mut self, word: u32) {
        self.0.extend(word.to_be_bytes());
    }

    fn number(&mut self, number: usize) {
        self.word(number.try_into().unwrap_or(u32::MAX));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.extend(bytes);
    }

    /// `writeUTF`; an alias is ASCII and at most 250 characters long.
    fn text(&mut self, text: &str) {
        self.0.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.0.extend(text.as_bytes());
    }

    fn end(mut self, password: &Password) -> SecretSlice<u8> {
        let hash = password.sha1(&[WHITENER, &self.0]);
        self.0.extend(hash);
        self.0.into()
    }
}

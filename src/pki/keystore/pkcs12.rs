//! PKCS#12 (RFC 7292).

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey as Pkcs8, PrivateKeyChain,
};
use secrecy::SecretSlice;

use super::{KeystoreError, Lock, TRUSTED, certificates};
use crate::pki::PrivateKey;

/// How a file is encrypted; names and iterations as in cert-manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// AES-256-CBC and HMAC-SHA256.
    Modern2023,
    /// 40-bit RC2 and HMAC-SHA1: what Windows and Java of old read. It hides nothing.
    LegacyRc2,
    /// 3DES and HMAC-SHA1.
    LegacyDes,
}

/// Key and certificates, leaf first.
pub fn pkcs12_keystore(
    key: &PrivateKey,
    tls_crt: &[u8],
    lock: &Lock,
    profile: Profile,
) -> Result<SecretSlice<u8>, KeystoreError> {
    let chain = certificates(tls_crt)?.iter().map(|der| read(der)).collect::<Result<Vec<_>, _>>()?;
    let pkcs8 = Pkcs8::from_der(key.pkcs8()).map_err(encoding)?;
    // RFC 7292 §4.2 leaves the id open; the key's hash is what others take.
    let entry = PrivateKeyChain::new(key.public_key_sha256(), pkcs8, chain);
    write(&lock.alias, KeyStoreEntry::PrivateKeyChain(entry), lock, profile)
}

/// The CA's root, marked as trusted the way Java reads it.
pub fn pkcs12_truststore(ca_crt: &[u8], lock: &Lock, profile: Profile) -> Result<SecretSlice<u8>, KeystoreError> {
    let root = certificates(ca_crt)?;
    write(TRUSTED, KeyStoreEntry::Certificate(read(&root[0])?), lock, profile)
}

fn read(der: &[u8]) -> Result<Certificate, KeystoreError> {
    Certificate::from_der(der).map_err(|_| KeystoreError::Certificates)
}

fn write(alias: &str, entry: KeyStoreEntry, lock: &Lock, profile: Profile) -> Result<SecretSlice<u8>, KeystoreError> {
    let (encryption, mac) = match profile {
        Profile::Modern2023 => (EncryptionAlgorithm::PbeWithHmacSha256AndAes256, MacAlgorithm::HmacSha256),
        Profile::LegacyRc2 => (EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc, MacAlgorithm::HmacSha1),
        Profile::LegacyDes => (EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc, MacAlgorithm::HmacSha1),
    };
    let mut store = KeyStore::new();
    store.add_entry(alias, entry);
    let writer = store.writer(lock.password()?).encryption_algorithm(encryption).mac_algorithm(mac);
    let written = writer.encryption_iterations(ITERATIONS).mac_iterations(ITERATIONS).write();
    written.map(SecretSlice::from).map_err(encoding)
}

/// Java's own default since 16. The key lies in the same Secret in clear, so more would protect nothing.
const ITERATIONS: u32 = 10_000;

fn encoding(error: impl std::fmt::Display) -> KeystoreError {
    KeystoreError::Encoding(error.to_string())
}

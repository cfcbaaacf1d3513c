//! Keys, CSRs, certificates and chains. No cluster, no network, no clock: what is given is judged.

pub mod chain;
pub mod crl;
pub mod csr;
pub mod key;
pub mod keystore;
pub mod leaf;
pub mod ocsp;
pub mod outputs;
pub mod payload;

mod pem;
#[cfg(test)]
mod testing;

pub use chain::{Chain, ChainError, Expect};
pub use csr::Csr;
pub use key::{KeyKind, PrivateKey};
pub use leaf::{Leaf, normalise_serial};

use std::fmt;

/// The hash of a signature, by the names providers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureHash {
    Sha256,
    Sha384,
    Sha512,
}

impl SignatureHash {
    /// From `sha256`, `sha384` or `sha512`.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha384, Self::Sha512].into_iter().find(|hash| hash.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }
}

impl fmt::Display for SignatureHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Lower-case hex.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a number in hex, of which an odd one has half a byte in front.
fn unhex(digits: &str) -> Option<Vec<u8>> {
    let padded = format!("{}{digits}", if digits.len().is_multiple_of(2) { "" } else { "0" });
    (0..padded.len()).step_by(2).map(|at| u8::from_str_radix(padded.get(at..at + 2)?, 16).ok()).collect()
}

/// Lower-case hex of the SHA-256 digest.
fn sha256_hex(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

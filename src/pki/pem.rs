//! PEM (RFC 7468) as it really arrives: with CRLF, without line breaks, or escaped as in JSON.

use pem::{EncodeConfig, LineEnding, Pem};

/// The contents of every block with one of these labels, in the order they come.
/// Other blocks are passed over; one unreadable block makes the whole text unreadable.
pub(super) fn blocks(text: &str, labels: &[&str]) -> Result<Vec<Vec<u8>>, pem::PemError> {
    Ok(all(text)?.into_iter().filter(|block| labels.contains(&block.tag())).map(Pem::into_contents).collect())
}

/// Every block, in the order they come.
pub(super) fn all(text: &str) -> Result<Vec<Pem>, pem::PemError> {
    // A backslash is never part of PEM, so what looks like an escaped line break is one.
    pem::parse_many(text.replace("\\r", "\r").replace("\\n", "\n"))
}

/// One block with a final line break, lines of 64 characters ended by LF.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    pem::encode_config(&Pem::new(label, der), EncodeConfig::new().set_line_ending(LineEnding::LF))
}

//! What a provider let us download, checked before it is believed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{Leaf, leaf, pem};

/// How far a CA's clock may be ahead of ours.
pub const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// What the certificate has to be.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// Of our key, as [`super::PrivateKey::public_key_sha256`] writes it.
    pub public_key_sha256: &'a str,
    /// Lower case. All of them have to be in the certificate, a wildcard as such; it may have more.
    pub dns_names: &'a BTreeSet<String>,
    /// Common name of the issuer of the topmost certificate, among several chains. A wish: a chain without it is as
    /// good.
    pub preferred: Option<&'a str>,
    pub now: Timestamp,
}

/// A verified certificate with the chain that a TLS server sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub leaf: Leaf,
    /// Leaf first, then the intermediates upwards, without the root.
    pub tls_crt: String,
    /// The root, when the CA delivers it.
    pub ca_crt: Option<String>,
    /// Common name of the issuer of the topmost certificate.
    pub anchor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("the provider delivered no certificate")]
    NoCertificate,
    #[error("the provider delivered something that is not a certificate in PEM: {0}")]
    Unparsable(String),
    #[error("none of the delivered certificates is for our key")]
    OtherKey,
    #[error("the certificate lacks {}", .0.join(", "))]
    MissingNames(Vec<String>),
    #[error("the certificate expired at {0}")]
    Expired(Timestamp),
    #[error("the certificate is valid only from {0}")]
    NotYetValid(Timestamp),
    #[error("the issuer's certificate is missing, so the chain cannot be verified")]
    Incomplete,
    #[error("a signature in the chain is wrong")]
    BadSignature,
    #[error("the chain is not valid for a TLS server: {0}")]
    Invalid(String),
}

impl Chain {
    /// Picks the certificate by its public key, builds the chain upwards and verifies each of its signatures.
    ///
    /// The blocks may come in any order, repeatedly, and with cross-signed alternatives; the result depends only
    /// on which certificates were delivered. Without a root among them the chain ends at the last intermediate,
    /// whose own signature then cannot be verified.
    pub fn verify(pem_blocks: &str, expect: &Expect<'_>) -> Result<Self, ChainError> {
        let certificates = parse(pem_blocks)?;
        let (leaf, others) = pick(certificates, expect.public_key_sha256)?;
        check_dates(&leaf.facts, expect.now)?;
        check_names(&leaf.facts, expect.dns_names)?;
        let path = build(&leaf, &others, expect.preferred, expect.now.max(leaf.facts.not_before))?;
        let top = path.root.or(path.intermediates.last().copied()).unwrap_or(&leaf);

        let anchor = top.issuer_common_name.clone();
        let sent = std::iter::once(&leaf).chain(path.intermediates);
        Ok(Self {
            tls_crt: sent.map(Certificate::pem).collect(),
            ca_crt: path.root.map(Certificate::pem),
            anchor,
            leaf: leaf.facts,
        })
    }
}

/// A delivered certificate.
struct Certificate {
    der: CertificateDer<'static>,
    facts: Leaf,
    /// DER of the distinguished names.
    subject: Vec<u8>,
    issuer: Vec<u8>,
    issuer_common_name: Option<String>,
    is_ca: bool,
}

impl Certificate {
    fn new(der: Vec<u8>) -> Result<Self, leaf::NotACertificate> {
        let parsed = leaf::parse(&der)?;
        let facts = Leaf::of(&parsed)?;
        let (subject, issuer) = (parsed.subject().as_raw().to_vec(), parsed.issuer().as_raw().to_vec());
        let common_name = parsed.issuer().iter_common_name().next().and_then(|name| name.as_str().ok());
        let issuer_common_name = common_name.map(str::to_owned);
        let is_ca = parsed.is_ca();
        Ok(Self { facts, subject, issuer, issuer_common_name, is_ca, der: der.into() })
    }

    fn is_root(&self) -> bool {
        self.subject == self.issuer
    }

    fn signed_itself(&self) -> bool {
        leaf::parse(&self.der).is_ok_and(|parsed| parsed.verify_signature(None).is_ok())
    }

    fn pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der)
    }
}

/// Each certificate once, those that live longest first: the order in which paths are tried.
fn parse(pem_blocks: &str) -> Result<Vec<Certificate>, ChainError> {
    let blocks =
        pem::blocks(pem_blocks, &["CERTIFICATE"]).map_err(|error| ChainError::Unparsable(error.to_string()))?;
    let mut unique = BTreeMap::new();
    for der in blocks {
        let certificate = Certificate::new(der).map_err(|error| ChainError::Unparsable(error.to_string()))?;
        unique.insert(certificate.facts.fingerprint_sha256.clone(), certificate);
    }
    if unique.is_empty() {
        return Err(ChainError::NoCertificate);
    }
    let mut certificates: Vec<_> = unique.into_values().collect();
    certificates.sort_by_key(|certificate| std::cmp::Reverse(certificate.facts.not_after));
    Ok(certificates)
}

/// Our certificate, the newest when several are for our key, and the others.
fn pick(certificates: Vec<Certificate>, public_key: &str) -> Result<(Certificate, Vec<Certificate>), ChainError> {
    let (mut ours, others): (Vec<_>, Vec<_>) =
        certificates.into_iter().partition(|certificate| certificate.facts.public_key_sha256 == public_key);
    ours.sort_by_key(|certificate| certificate.facts.not_before);
    let leaf = ours.pop().ok_or(ChainError::OtherKey)?;
    Ok((leaf, others))
}

fn check_dates(leaf: &Leaf, now: Timestamp) -> Result<(), ChainError> {
    if leaf.not_after <= now {
        return Err(ChainError::Expired(leaf.not_after));
    }
    if leaf.not_before > now + CLOCK_SKEW {
        return Err(ChainError::NotYetValid(leaf.not_before));
    }
    Ok(())
}

fn check_names(leaf: &Leaf, wanted: &BTreeSet<String>) -> Result<(), ChainError> {
    let missing: Vec<String> = wanted.difference(&leaf.dns_names).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(ChainError::MissingNames(missing)) }
}

struct Path<'a> {
    intermediates: Vec<&'a Certificate>,
    root: Option<&'a Certificate>,
}

/// The preferred path, or else the first that can be had.
fn build<'a>(
    leaf: &Certificate,
    others: &'a [Certificate],
    preferred: Option<&str>,
    now: Timestamp,
) -> Result<Path<'a>, ChainError> {
    let (roots, intermediates): (Vec<_>, Vec<_>) = others.iter().partition(|other| other.is_root());
    if !roots.iter().all(|root| root.signed_itself()) {
        return Err(ChainError::BadSignature);
    }
    let delivered = |name: &[u8]| others.iter().any(|other| other.subject == name);
    let ends: Vec<_> = intermediates.iter().copied().filter(|end| end.is_ca && !delivered(&end.issuer)).collect();
    if let Some(preferred) = preferred {
        let named = |tops: &[&'a Certificate]| -> Vec<&'a Certificate> {
            tops.iter().copied().filter(|top| top.issuer_common_name.as_deref() == Some(preferred)).collect()
        };
        if let Ok(path) = reach(leaf, &named(&roots), &named(&ends), &intermediates, now) {
            return Ok(path);
        }
    }
    reach(leaf, &roots, &ends, &intermediates, now)
}

/// The path to a root; to an intermediate whose issuer was not delivered when no root can be reached.
fn reach<'a>(
    leaf: &Certificate,
    roots: &[&'a Certificate],
    ends: &[&'a Certificate],
    intermediates: &[&'a Certificate],
    now: Timestamp,
) -> Result<Path<'a>, ChainError> {
    let error = match search(leaf, roots, intermediates, now) {
        Ok((root, intermediates)) => return Ok(Path { intermediates, root: Some(root) }),
        Err(error) => error,
    };
    match search(leaf, ends, intermediates, now) {
        Ok((end, mut intermediates)) => {
            intermediates.push(end);
            Ok(Path { intermediates, root: None })
        }
        Err(other) => Err(if error == ChainError::Incomplete { other } else { error }),
    }
}

/// The first path from the leaf to one of the anchors, as the anchor and what lies between, upwards.
fn search<'a>(
    leaf: &Certificate,
    anchors: &[&'a Certificate],
    intermediates: &[&'a Certificate],
    now: Timestamp,
) -> Result<(&'a Certificate, Vec<&'a Certificate>), ChainError> {
    // webpki does not look at an anchor's dates.
    let (valid, expired): (Vec<&Certificate>, Vec<_>) = anchors.iter().partition(|anchor| anchor.facts.not_after > now);
    let trusted: Result<Vec<TrustAnchor<'_>>, _> =
        valid.iter().map(|anchor| anchor_from_trusted_cert(&anchor.der)).collect();
    let trusted = trusted.map_err(|error| explain(&error))?;
    let between: Vec<CertificateDer<'_>> =
        intermediates.iter().map(|certificate| CertificateDer::from(certificate.der.as_ref())).collect();
    let seconds = now.as_second().try_into().map_err(|_| ChainError::Invalid(format!("it is {now}")))?;
    let end_entity = EndEntityCert::try_from(&leaf.der).map_err(|error| explain(&error))?;

    let verified = end_entity.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &trusted,
        &between,
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        KeyUsage::server_auth(),
        None,
        None,
    );
    let verified = match verified {
        Ok(verified) => verified,
        Err(webpki::Error::UnknownIssuer) if !expired.is_empty() => {
            return Err(ChainError::Expired(expired[0].facts.not_after));
        }
        Err(error) => return Err(explain(&error)),
    };
    let anchor = trusted.iter().zip(valid).find(|(trusted, _)| std::ptr::eq(*trusted, verified.anchor()));
    let path: Option<Vec<_>> = verified
        .intermediate_certificates()
        .map(|used| intermediates.iter().copied().find(|certificate| certificate.der == used.der()))
        .collect();
    match (anchor, path) {
        (Some((_, anchor)), Some(path)) => Ok((anchor, path)),
        _ => Err(ChainError::Incomplete),
    }
}

fn explain(error: &webpki::Error) -> ChainError {
    let moment = |time: &UnixTime| i64::try_from(time.as_secs()).ok().and_then(|s| Timestamp::from_second(s).ok());
    match error {
        webpki::Error::UnknownIssuer => ChainError::Incomplete,
        webpki::Error::InvalidSignatureForPublicKey | webpki::Error::SignatureAlgorithmMismatch => {
            ChainError::BadSignature
        }
        webpki::Error::CertExpired { not_after, .. } => {
            moment(not_after).map_or_else(|| ChainError::Invalid(error.to_string()), ChainError::Expired)
        }
        webpki::Error::CertNotValidYet { not_before, .. } => {
            moment(not_before).map_or_else(|| ChainError::Invalid(error.to_string()), ChainError::NotYetValid)
        }
        other => ChainError::Invalid(other.to_string()),
    }
}

#[cfg(test)]
mod tests;

//! PKCS#7 bundles.

use rustls_pki_types::{CertificateDer, pem::PemObject};
use yasna::{Tag, models::ObjectIdentifier};

use crate::chain::Link;

pub fn pem(links: &[Link<'_>]) -> String {
    crate::pem::encode("PKCS7", &der(links))
}

/// A SignedData that carries certificates and no signature (RFC 2315 §9, "degenerate").
pub fn der(links: &[Link<'_>]) -> Vec<u8> {
    let oid = |last| ObjectIdentifier::from_slice(&[1, 2, 840, 113_549, 1, 7, last]);
    yasna::construct_der(|writer| {
        writer.write_sequence(|content_info| {
            content_info.next().write_oid(&oid(2));
            content_info.next().write_tagged(Tag::context(0), |writer| {
                writer.write_sequence(|signed_data| {
                    signed_data.next().write_u8(1);
                    signed_data.next().write_set(|_digest_algorithms| {});
                    signed_data.next().write_sequence(|content| content.next().write_oid(&oid(1)));
                    signed_data.next().write_tagged_implicit(Tag::context(0), |writer| {
                        writer.write_set_of(|certificates| {
                            for link in links {
                                certificates.next().write_der(&certificate(link.pem));
                            }
                        });
                    });
                    signed_data.next().write_set(|_signer_infos| {});
                });
            });
        });
    })
}

/// DER of the certificates this CA itself wrote as PEM.
fn certificate(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map(|der| der.to_vec()).unwrap_or_default()
}

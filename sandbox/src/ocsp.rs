//! An OCSP responder (RFC 6960) that answers in the CA's own name, about one certificate at a time.

use jiff::{SignedDuration, Timestamp};
use rcgen::CustomExtension;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use x509_parser::prelude::{FromDer, X509Certificate};
use yasna::{
    ASN1Result, Tag,
    models::{GeneralizedTime, ObjectIdentifier},
};

use crate::ca::{Ca, RevokedSerial};

/// Authority information access (RFC 5280 §4.2.2.1): only the responder.
pub fn access(url: &str) -> CustomExtension {
    let content = yasna::construct_der(|writer| {
        writer.write_sequence_of(|descriptions| {
            descriptions.next().write_sequence(|description| {
                description.next().write_oid(&ObjectIdentifier::from_slice(&[1, 3, 6, 1, 5, 5, 7, 48, 1]));
                description.next().write_tagged_implicit(Tag::context(6), |name| name.write_ia5_string(url));
            });
        });
    });
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content)
}

/// The answer to a request, DER: good or revoked, for whatever serial number is asked about.
pub fn answer(ca: &Ca, request: &[u8], now: Timestamp, revoked: &[RevokedSerial]) -> Result<Vec<u8>, String> {
    let (certificate, serial) = asked(request).map_err(|error| error.to_string())?;
    let listed = revoked.iter().find(|known| same_number(&known.serial_number, &serial));
    let time = |at: Timestamp| GeneralizedTime::parse(at.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes());
    let next = now + SignedDuration::from_hours(7 * 24);
    let (Some(now), Some(next)) = (time(now), time(next)) else { return Err("no time".into()) };
    let revoked_at = listed.and_then(|known| Some((time(known.at)?, reason(&known.reason))));
    let name = responder(ca)?;
    let data = yasna::construct_der(|writer| {
        writer.write_sequence(|data| {
            data.next().write_tagged(Tag::context(1), |id| id.write_der(&name));
            data.next().write_generalized_time(&now);
            data.next().write_sequence_of(|responses| {
                responses.next().write_sequence(|single| {
                    single.next().write_der(&certificate);
                    match &revoked_at {
                        None => single.next().write_tagged_implicit(Tag::context(0), |good| good.write_null()),
                        Some((at, reason)) => single.next().write_tagged_implicit(Tag::context(1), |status| {
                            status.write_sequence(|info| {
                                info.next().write_generalized_time(at);
                                info.next().write_tagged(Tag::context(0), |code| code.write_enum(*reason));
                            });
                        }),
                    }
                    single.next().write_generalized_time(&now);
                    single.next().write_tagged(Tag::context(0), |until| until.write_generalized_time(&next));
                });
            });
        });
    });
    let signature = ca.sign_raw(&data).map_err(|error| error.to_string())?;
    let basic = yasna::construct_der(|writer| {
        writer.write_sequence(|basic| {
            basic.next().write_der(&data);
            basic.next().write_sequence(|algorithm| {
                // sha256WithRSAEncryption
                algorithm.next().write_oid(&ObjectIdentifier::from_slice(&[1, 2, 840, 113_549, 1, 1, 11]));
                algorithm.next().write_null();
            });
            basic.next().write_bitvec_bytes(&signature, signature.len() * 8);
        });
    });
    Ok(yasna::construct_der(|writer| {
        writer.write_sequence(|answer| {
            answer.next().write_enum(0);
            answer.next().write_tagged(Tag::context(0), |bytes| {
                bytes.write_sequence(|bytes| {
                    bytes.next().write_oid(&ObjectIdentifier::from_slice(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 1]));
                    bytes.next().write_bytes(&basic);
                });
            });
        });
    }))
}

/// The CertID of the first request, DER, and its serial number.
fn asked(request: &[u8]) -> ASN1Result<(Vec<u8>, Vec<u8>)> {
    let certificate = yasna::parse_der(request, |reader| {
        reader.read_sequence(|request| {
            let first = request.next().read_sequence(|tbs| {
                tbs.read_optional(|version| version.read_tagged(Tag::context(0), |version| version.read_u8()))?;
                let first = tbs.next().read_sequence(|list| list.next().read_sequence(|one| one.next().read_der()))?;
                tbs.read_optional(|extensions| extensions.read_tagged(Tag::context(2), |inner| inner.read_der()))?;
                Ok(first)
            })?;
            Ok(first)
        })
    })?;
    let serial = yasna::parse_der(&certificate, |reader| {
        reader.read_sequence(|id| {
            id.next().read_der()?;
            id.next().read_bytes()?;
            id.next().read_bytes()?;
            Ok(id.next().read_bigint_bytes()?.0)
        })
    })?;
    Ok((certificate, serial))
}

fn same_number(hex: &str, bytes: &[u8]) -> bool {
    let other = crate::ca::hex(bytes);
    hex.to_lowercase().trim_start_matches('0') == other.trim_start_matches('0')
}

/// RFC 5280 §5.3.1.
fn reason(word: &str) -> i64 {
    match word {
        "keyCompromise" => 1,
        "affiliationChanged" => 3,
        "superseded" => 4,
        "cessationOfOperation" => 5,
        "privilegeWithdrawn" => 9,
        _ => 0,
    }
}

/// The intermediate's name, DER.
fn responder(ca: &Ca) -> Result<Vec<u8>, String> {
    let der = CertificateDer::from_pem_slice(ca.intermediate_pem().as_bytes()).map_err(|error| error.to_string())?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|error| error.to_string())?;
    Ok(certificate.subject().as_raw().to_vec())
}

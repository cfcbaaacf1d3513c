//! A small CA, and OpenSSL as a second opinion.
#![allow(clippy::unwrap_used)]

use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SanType, SerialNumber,
};
use rustls_pki_types::PrivatePkcs8KeyDer;

use super::{PrivateKey, pem};

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// What `openssl` answers to `input`. The tests need it on the machine.
pub(crate) fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("these tests compare with the openssl command");
    // Commands that make a key read nothing and may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("failure"), "openssl {arguments:?}: {said}");
    output.stdout
}

pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    params: CertificateParams,
    der: Vec<u8>,
}

impl Ca {
    /// Valid from 2020 to 2040, as everything else a `Ca` makes without being told.
    pub(crate) fn root(name: &str) -> Self {
        Self::root_until(name, at("2040-01-01T00:00:00Z"))
    }

    pub(crate) fn root_until(name: &str, not_after: Timestamp) -> Self {
        let (params, key) = ca(name, not_after);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params.clone(), key), params, der }
    }

    pub(crate) fn intermediate(&self, name: &str) -> Self {
        self.intermediate_until(name, at("2040-01-01T00:00:00Z"))
    }

    pub(crate) fn intermediate_until(&self, name: &str, not_after: Timestamp) -> Self {
        let (params, key) = ca(name, not_after);
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params.clone(), key), params, der }
    }

    /// A server certificate that issues all the same.
    pub(crate) fn not_a_ca(&self, name: &str) -> Self {
        let (mut params, key) = ca(name, at("2040-01-01T00:00:00Z"));
        params.is_ca = IsCa::NoCa;
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params.clone(), key), params, der }
    }

    /// Somebody whom this CA lets answer OCSP requests for it.
    pub(crate) fn responder(&self, name: &str) -> Self {
        let (mut params, key) = ca(name, at("2040-01-01T00:00:00Z"));
        params.is_ca = IsCa::NoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params.clone(), key), params, der }
    }

    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A certificate for the name and key of `other`, signed by this CA.
    pub(crate) fn cross_sign(&self, other: &Self) -> String {
        pem::encode("CERTIFICATE", other.params.signed_by(other.issuer.key(), &self.issuer).unwrap().der())
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der)
    }

    /// A revocation list, DER, for a week.
    pub(crate) fn crl(&self, this_update: Timestamp, revoked: &[(&[u8], Option<RevocationReason>)]) -> Vec<u8> {
        let time = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(this_update.as_second().try_into().unwrap());
        let entry = |(serial, reason_code): &(&[u8], Option<RevocationReason>)| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: time,
            reason_code: *reason_code,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: time,
            next_update: time + Duration::from_secs(7 * 86_400),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }

    /// The first name is the common name.
    pub(crate) fn leaf(&self, key: &PrivateKey, names: &[&str], not_before: Timestamp, not_after: Timestamp) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.subject_alt_names = names.iter().map(|&name| SanType::DnsName(name.try_into().unwrap())).collect();
        params.crl_distribution_points =
            vec![CrlDistributionPoint { uris: vec!["http://crl.example.com/test.crl".into()] }];
        set_validity(&mut params, not_before, not_after);
        let key = KeyPair::try_from(&PrivatePkcs8KeyDer::from(key.pkcs8())).unwrap();
        pem::encode("CERTIFICATE", params.signed_by(&key, &self.issuer).unwrap().der())
    }
}

fn ca(name: &str, not_after: Timestamp) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, at("2020-01-01T00:00:00Z"), not_after);
    (params, KeyPair::generate().unwrap())
}

fn set_validity(params: &mut CertificateParams, not_before: Timestamp, not_after: Timestamp) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(not_before.as_second().try_into().unwrap());
    params.not_after = epoch + Duration::from_secs(not_after.as_second().try_into().unwrap());
}

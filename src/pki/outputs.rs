//! What a Secret holds beside `tls.crt` and `ca.crt`: the key in the form asked for, further forms, keystores.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretSlice};

use super::{
    PrivateKey, hex,
    key::{Encoding, KeyError},
    keystore::{KeystoreError, Lock, Profile, jks_keystore, jks_truststore, pkcs12_keystore, pkcs12_truststore},
};

pub const TLS_KEY: &str = "tls.key";
const COMBINED_PEM: &str = "tls-combined.pem";
const KEY_DER: &str = "key.der";
/// Names as cert-manager has them.
pub const KEYSTORES: [&str; 4] = ["keystore.p12", "truststore.p12", "keystore.jks", "truststore.jks"];

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    pub encoding: Encoding,
    pub combined_pem: bool,
    pub der: bool,
    pub pkcs12: Option<(Lock, Profile)>,
    pub jks: Option<Lock>,
}

/// Values by key of the Secret; `None`: not to be there.
pub type Values = BTreeMap<&'static str, Option<SecretSlice<u8>>>;

/// A pair as a Secret holds it.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    pub key: &'a PrivateKey,
    /// PEM.
    pub tls_crt: &'a [u8],
    pub ca_crt: Option<&'a [u8]>,
}

impl Outputs {
    /// What costs nothing to make and is the same each time.
    pub fn plain(&self, pair: &Held<'_>) -> Result<Values, KeyError> {
        let pem = pair.key.to_pem(self.encoding)?;
        let pem = pem.expose_secret().as_bytes();
        let combined = self.combined_pem.then(|| [pem, pair.tls_crt].concat().into());
        let der = self.der.then(|| pair.key.to_der(self.encoding)).transpose()?;
        Ok(Values::from([(TLS_KEY, Some(pem.to_vec().into())), (COMBINED_PEM, combined), (KEY_DER, der)]))
    }

    /// Salted, hence different each time, and slow on purpose: never on an async thread.
    pub fn keystores(&self, pair: &Held<'_>) -> Result<Values, KeystoreError> {
        let Held { key, tls_crt, ca_crt } = *pair;
        let mut values: Values = KEYSTORES.into_iter().map(|name| (name, None)).collect();
        if let Some((lock, profile)) = &self.pkcs12 {
            values.insert("keystore.p12", Some(pkcs12_keystore(key, tls_crt, lock, *profile)?));
            values.insert("truststore.p12", ca_crt.map(|root| pkcs12_truststore(root, lock, *profile)).transpose()?);
        }
        if let Some(lock) = &self.jks {
            values.insert("keystore.jks", Some(jks_keystore(key, tls_crt, lock)?));
            values.insert("truststore.jks", ca_crt.map(|root| jks_truststore(root, lock)).transpose()?);
        }
        Ok(values)
    }

    /// Binds the keystores that are stored to what they were made from, so that they are made anew when either
    /// changes and not before. An HMAC under the private key: without that key, which the keystores hold anyway, it
    /// tells nothing of the password. `None`: no keystore is asked for.
    pub fn seal<'a>(&self, pair: &Held<'_>, stored: impl Fn(&str) -> Option<&'a [u8]>) -> Option<String> {
        if self.pkcs12.is_none() && self.jks.is_none() {
            return None;
        }
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, pair.key.pkcs8()));
        // Each part with its length, or nothing could be told from the empty part, nor where one ends.
        let mut add = |part: Option<&[u8]>| {
            context.update(&part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
            context.update(part.unwrap_or_default());
        };
        let pkcs12 = self.pkcs12.as_ref();
        add(pkcs12.map(|(lock, _)| lock.password.expose_secret().as_bytes()));
        add(pkcs12.map(|(lock, _)| lock.alias.as_bytes()));
        add(pkcs12.map(|(_, profile)| match profile {
            Profile::Modern2023 => &b"Modern2023"[..],
            Profile::LegacyRc2 => b"LegacyRC2",
            Profile::LegacyDes => b"LegacyDES",
        }));
        add(self.jks.as_ref().map(|lock| lock.password.expose_secret().as_bytes()));
        add(self.jks.as_ref().map(|lock| lock.alias.as_bytes()));
        add(Some(pair.tls_crt));
        add(pair.ca_crt);
        KEYSTORES.into_iter().for_each(|name| add(stored(name)));
        Some(hex(context.sign().as_ref()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::pki::{
        KeyKind,
        testing::{Ca, at, openssl},
    };

    fn wanted() -> Outputs {
        let lock = |password: &str| Lock { password: password.into(), alias: "certificate".into() };
        Outputs {
            encoding: Encoding::Traditional,
            combined_pem: true,
            der: true,
            pkcs12: Some((lock("changeit"), Profile::Modern2023)),
            jks: Some(lock("changeit")),
        }
    }

    #[test]
    fn further_forms_follow_the_key_s_encoding() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let pair = Held { key: &key, tls_crt: b"-----BEGIN CERTIFICATE-----\n", ca_crt: None };
        let values = wanted().plain(&pair).unwrap();
        let value = |name: &str| values[name].as_ref().map(|value| value.expose_secret().to_vec());
        let pem = value("tls.key").unwrap();
        assert!(pem.starts_with(b"-----BEGIN EC PRIVATE KEY-----\n"));
        assert_eq!(value("tls-combined.pem").unwrap(), [&pem[..], pair.tls_crt].concat());
        assert_eq!(value("key.der").unwrap(), openssl(&["ec", "-outform", "DER"], &pem));

        let plain = Outputs::default().plain(&pair).unwrap();
        assert!(plain["tls.key"].as_ref().unwrap().expose_secret().starts_with(b"-----BEGIN PRIVATE KEY-----\n"));
        assert!(plain["tls-combined.pem"].is_none() && plain["key.der"].is_none(), "removed when no longer wanted");
    }

    #[test]
    fn the_seal_breaks_with_every_input_and_with_what_is_stored() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let other = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let stored = |name: &str| (name == "keystore.p12").then_some(&b"bytes"[..]);
        let pair = Held { key: &key, tls_crt: b"leaf", ca_crt: Some(b"root") };
        let first = wanted().seal(&pair, stored);
        assert_eq!(first, wanted().seal(&pair, stored), "the same each time");

        let changed = |change: fn(&mut Outputs)| {
            let mut wanted = wanted();
            change(&mut wanted);
            wanted.seal(&pair, stored)
        };
        let seals = [
            first,
            changed(|wanted| wanted.pkcs12.as_mut().unwrap().0.password = "changeit2".into()),
            changed(|wanted| wanted.pkcs12.as_mut().unwrap().0.alias = "shop".into()),
            changed(|wanted| wanted.pkcs12.as_mut().unwrap().1 = Profile::LegacyDes),
            changed(|wanted| wanted.jks.as_mut().unwrap().password = "changeit2".into()),
            changed(|wanted| wanted.jks = None),
            wanted().seal(&Held { key: &other, ..pair }, stored),
            wanted().seal(&Held { tls_crt: b"leaf2", ..pair }, stored),
            wanted().seal(&Held { ca_crt: None, ..pair }, stored),
            wanted().seal(&pair, |_| None),
            changed(|wanted| (wanted.jks, wanted.pkcs12) = (None, None)),
        ];
        let unique: std::collections::BTreeSet<_> = seals.iter().collect();
        assert_eq!(unique.len(), seals.len());
        assert_eq!(seals.last(), Some(&None));
    }

    #[test]
    fn keystores_come_with_a_truststore_when_there_is_a_root() {
        let root = Ca::root("Root");
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let leaf = root.leaf(&key, &["example.com"], at("2026-11-01T00:00:00Z"), at("2027-05-01T00:00:00Z"));
        let root = root.pem();
        let there = |wanted: Outputs, ca_crt| {
            let pair = Held { key: &key, tls_crt: leaf.as_bytes(), ca_crt };
            let values = wanted.keystores(&pair).unwrap();
            KEYSTORES.map(|name| values[name].is_some())
        };
        assert_eq!(there(wanted(), Some(root.as_bytes())), [true; 4]);
        assert_eq!(there(wanted(), None), [true, false, true, false]);
        assert_eq!(there(Outputs { jks: None, ..wanted() }, Some(root.as_bytes())), [true, true, false, false]);
    }

    #[test]
    fn what_is_asked_for_shows_no_password() {
        assert!(!format!("{:?}", wanted()).contains("changeit"));
    }
}

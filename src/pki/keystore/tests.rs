#![allow(clippy::unwrap_used)]

use std::process::Command;

use secrecy::{ExposeSecret, SecretSlice};

use super::*;
use crate::pki::{
    KeyKind, PrivateKey,
    testing::{Ca, at, openssl},
};

const PASSWORD: &str = "p@ss w0rd!";

struct Made {
    key: PrivateKey,
    tls_crt: String,
    ca_crt: String,
    lock: Lock,
}

fn made(kind: KeyKind) -> Made {
    let root = Ca::root("Root");
    let intermediate = root.intermediate("Intermediate");
    let key = PrivateKey::generate(kind).unwrap();
    let leaf = intermediate.leaf(&key, &["example.com"], at("2026-11-01T00:00:00Z"), at("2036-05-01T00:00:00Z"));
    let lock = Lock { password: PASSWORD.into(), alias: "Shop".into() };
    Made { key, tls_crt: leaf + &intermediate.pem(), ca_crt: root.pem(), lock }
}

/// What keytool prints about a store, or nothing when there is no keytool.
fn keytool(store: &SecretSlice<u8>, arguments: &[&str]) -> Option<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), store.expose_secret()).unwrap();
    let mut command = Command::new("keytool");
    command.args(arguments).args(["-storepass:env", "STOREPASS", "-keystore"]).arg(file.path());
    let Ok(output) = command.env("STOREPASS", PASSWORD).output() else {
        println!("skipped: there is no keytool on this machine");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    Some(said)
}

#[test]
fn openssl_reads_every_pkcs12_profile() {
    for (profile, algorithm, arguments) in [
        (Profile::Modern2023, "AES-256-CBC", &[] as &[&str]),
        (Profile::LegacyDes, "pbeWithSHA1And3-KeyTripleDES-CBC", &[]),
        (Profile::LegacyRc2, "pbeWithSHA1And40BitRC2-CBC", &["-legacy"]),
    ] {
        let made = made(KeyKind::EcdsaP256);
        let store = pkcs12_keystore(&made.key, made.tls_crt.as_bytes(), &made.lock, profile).unwrap();
        let password = format!("pass:{PASSWORD}");
        let read = |more: &[&str]| {
            let all = [&["pkcs12", "-nodes", "-passin", &password], arguments, more].concat();
            String::from_utf8(openssl(&all, store.expose_secret())).unwrap()
        };
        let key = PrivateKey::from_pem(&read(&["-nocerts"])).unwrap();
        assert_eq!(key.public_key_sha256(), made.key.public_key_sha256());
        let certificates = read(&["-nokeys"]);
        assert_eq!(certificates.matches("BEGIN CERTIFICATE").count(), 2);
        assert!(certificates.contains("CN = example.com") || certificates.contains("CN=example.com"));

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), store.expose_secret()).unwrap();
        let mut info = Command::new("openssl");
        info.args(["pkcs12", "-info", "-noout", "-passin", &password]).args(arguments).arg("-in").arg(file.path());
        let said = String::from_utf8(info.output().unwrap().stderr).unwrap();
        assert!(said.contains(algorithm) && said.contains("Shrouded Keybag"), "{said}");
    }
}

#[test]
fn keytool_reads_keystores_of_either_kind() {
    for kind in [KeyKind::EcdsaP256, KeyKind::Rsa2048] {
        let made = made(kind);
        let crt = made.tls_crt.as_bytes();
        let stores = [
            (pkcs12_keystore(&made.key, crt, &made.lock, Profile::Modern2023).unwrap(), "PKCS12"),
            (pkcs12_keystore(&made.key, crt, &made.lock, Profile::LegacyDes).unwrap(), "PKCS12"),
            (jks_keystore(&made.key, crt, &made.lock).unwrap(), "JKS"),
        ];
        for (store, type_) in stores {
            let Some(said) = keytool(&store, &["-list", "-v", "-storetype", type_]) else { return };
            assert!(said.contains("Alias name: shop"), "{said}");
            assert!(said.contains("PrivateKeyEntry") && said.contains("chain length: 2"), "{said}");
        }
        // Opening the key itself: a CSR is signed with it.
        let store = jks_keystore(&made.key, crt, &made.lock).unwrap();
        let csr = keytool(&store, &["-certreq", "-alias", "shop", "-storetype", "JKS"]).unwrap();
        assert_eq!(crate::pki::csr::public_key_sha256_of_csr(&csr).unwrap(), made.key.public_key_sha256());
    }
}

#[test]
fn keytool_trusts_what_a_truststore_holds() {
    let made = made(KeyKind::EcdsaP256);
    let stores = [
        (pkcs12_truststore(made.ca_crt.as_bytes(), &made.lock, Profile::Modern2023).unwrap(), "PKCS12"),
        (jks_truststore(made.ca_crt.as_bytes(), &made.lock).unwrap(), "JKS"),
    ];
    for (store, type_) in stores {
        let Some(said) = keytool(&store, &["-list", "-v", "-storetype", type_]) else { return };
        assert!(said.contains("trustedCertEntry") && said.contains("Owner: CN=Root"), "{said}");
    }
}

#[test]
fn passwords_that_no_reader_takes_are_refused() {
    let made = made(KeyKind::EcdsaP256);
    let with = |password: &str| Lock { password: password.into(), alias: "a".into() };
    let crt = made.tls_crt.as_bytes();
    for refused in ["", "12345", "pä55wörd", "changeit\n"] {
        let jks = jks_keystore(&made.key, crt, &with(refused)).map(|_| ()).unwrap_err();
        let pkcs12 = pkcs12_keystore(&made.key, crt, &with(refused), Profile::Modern2023).map(|_| ()).unwrap_err();
        assert!(matches!(jks, KeystoreError::Password(_)));
        assert_eq!(pkcs12, jks);
        assert!(refused.is_empty() || !jks.to_string().contains(refused));
    }
    let none = jks_keystore(&made.key, b"", &made.lock).map(|_| ()).unwrap_err();
    assert_eq!(none, KeystoreError::Certificates);
}

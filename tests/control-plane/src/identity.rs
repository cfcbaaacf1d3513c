//! The plane's own certificate authority: the server's certificate and those of its users.

use std::{fs, path::Path};

use anyhow::{Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use serde_json::json;

/// How a user shows who he is.
pub(crate) enum Login<'a> {
    /// A certificate for him in at most one of these groups.
    Certificate(&'a [&'a str]),
    /// A service account's token, which names it.
    Token(&'a str),
}

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::CommonName, "control-plane");
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Certificate and key, in PEM, of a server at these names and addresses.
    pub(crate) fn server(&self, names: &[&str]) -> Result<(String, String)> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// A kubeconfig at `path` for `user`, complete in itself.
    pub(crate) fn kubeconfig(&self, path: &Path, server: &str, user: &str, login: Login) -> Result<()> {
        let credentials = match login {
            Login::Certificate(groups) => {
                let (certificate, key) = self.client(user, groups)?;
                json!({
                    "client-certificate-data": BASE64.encode(certificate),
                    "client-key-data": BASE64.encode(key),
                })
            }
            Login::Token(token) => json!({"token": token}),
        };
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "control-plane", "cluster": {
                "server": server,
                "certificate-authority-data": BASE64.encode(self.pem()),
            }}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": "control-plane", "context": {"cluster": "control-plane", "user": user}}],
            "current-context": "control-plane",
        });
        Ok(fs::write(path, serde_json::to_vec_pretty(&config)?)?)
    }

    /// rcgen writes an attribute once: hence one group at most.
    pub(crate) fn client(&self, user: &str, groups: &[&str]) -> Result<(String, String)> {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.distinguished_name.push(DnType::CommonName, user);
        match groups {
            [] => {}
            [group] => params.distinguished_name.push(DnType::OrganizationName, *group),
            _ => bail!("a user here is in one group at most, not in {groups:?}"),
        }
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Result<(String, String)> {
        let key = KeyPair::generate()?;
        Ok((params.signed_by(&key, &self.0)?.pem(), key.serialize_pem()))
    }
}

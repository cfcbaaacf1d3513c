//! What can be asked for beside the three operations of the trait.
//!
//! Two of these can cost money; they take the permit of the paid call, and nothing of the operator makes them: an
//! enrollment whose key is made elsewhere, and a renewal by the id that only an enrollment tells, which answers no id.

use base64::Engine;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;

use super::certificates::{custom_fields, object};
use super::client::Call;
use super::endpoints::{APPROVE, ENROLL_KEYGEN, IMPORT, RENEW, RENEW_MANUALLY, REVOKE_MANUALLY};
use super::submission::dcv_mode;
use super::version::ApiVersion;
use super::wire::{Enrolled, ImportReport, Imported};
use super::{Sectigo, errors};
use crate::provider::{CallError, DcvMethod, Permit};

/// *EnrollRequestKeyGen*.
#[derive(Debug, Clone)]
pub struct KeygenRequest {
    pub org_id: u64,
    pub profile_id: u64,
    /// Days.
    pub term: u64,
    pub common_name: String,
    pub dns_names: Vec<String>,
    /// `RSA` or `EC`.
    pub algorithm: String,
    /// Size or curve.
    pub key_param: String,
    pub key_holder: KeyHolder,
    pub comments: Option<String>,
    pub external_requester: Option<String>,
    pub custom_fields: Vec<(String, String)>,
    pub dcv_method: Option<DcvMethod>,
    pub dcv_email: Option<String>,
}

/// Who makes and keeps the key; nobody else ever has it.
#[derive(Debug, Clone)]
pub enum KeyHolder {
    /// A Private Key Agent; the passphrase, of 8 to 64 characters, is for the download of the key.
    PrivateKeyAgent {
        pass_phrase: Option<SecretString>,
    },
    AzureKeyVault {
        account_id: u64,
        vault_key: String,
        reuse_key: bool,
        exportable_key: bool,
        hsm_only: bool,
    },
}

/// *CertificateImportRequest*.
#[derive(Debug, Clone, Default)]
pub struct Import {
    pub org_id: u64,
    /// DER.
    pub certificate: Vec<u8>,
    /// PEM, or its content alone.
    pub csr: Option<String>,
    pub custom_fields: Vec<(String, String)>,
    pub owner: Option<String>,
    pub external_requester: Option<String>,
    pub backend_cert_id: Option<String>,
    pub comments: Option<String>,
}

/// Which record *Mark as revoked* is about.
#[derive(Debug, Clone)]
pub enum Marked<'a> {
    Id(&'a str),
    Serial { serial_number: &'a str, issuer: &'a str },
}

impl Sectigo {
    /// *Request SSL certificate with key generation*. Paid.
    pub async fn enroll_with_generated_key(
        &self,
        request: &KeygenRequest,
        permit: Permit,
        timeout: Duration,
    ) -> Result<Enrolled, CallError> {
        let pass_phrase = match &request.key_holder {
            KeyHolder::PrivateKeyAgent { pass_phrase } => pass_phrase.as_ref(),
            KeyHolder::AzureKeyVault { .. } => None,
        };
        let call = Call::new(&ENROLL_KEYGEN).json(&request.body()).hiding(pass_phrase);
        let answer = self.client.call_once(call, permit, timeout).await?;
        let enrolled: Enrolled = answer.read()?;
        if enrolled.ssl_id.is_some() { Ok(enrolled) } else { Err(answer.unreadable("the answer names no certificate")) }
    }

    /// *Renew SSL certificate by renew id*: 204, and the new certificate has to be looked for. Paid.
    pub async fn renew_by_renew_id(
        &self,
        renew_id: &str,
        csr: Option<&str>,
        dcv: Option<(DcvMethod, Option<&str>)>,
        permit: Permit,
        timeout: Duration,
    ) -> Result<(), CallError> {
        let body = object([
            ("csr", csr.map(Value::from)),
            ("dcvMode", dcv.map(|(method, _)| json!(dcv_mode(method)))),
            ("dcvEmail", dcv.and_then(|(_, email)| email).map(Value::from)),
        ]);
        self.client.call_once(Call::of(&RENEW, renew_id).json(&body), permit, timeout).await.map(drop)
    }

    /// *Mark SSL certificate as renewed*, by another one when it is named: SCM's own record, nothing is asked of the CA.
    pub async fn mark_renewed(&self, id: &str, by: Option<&str>, order_number: Option<&str>) -> Result<(), CallError> {
        let by: Option<u64> = by.map(str::parse).transpose().map_err(|_| errors::bad_id(RENEW_MANUALLY.name))?;
        let body = object([("id", by.map(Value::from)), ("orderNumber", order_number.map(Value::from))]);
        self.client.call(Call::of(&RENEW_MANUALLY, id).json(&body)).await.map(drop)
    }

    /// *Mark SSL certificate as revoked*: SCM's own record, nothing is asked of the CA.
    pub async fn mark_revoked(
        &self,
        which: &Marked<'_>,
        revoked: jiff::Timestamp,
        reason_code: u8,
    ) -> Result<(), CallError> {
        let (id, serial, issuer) = match *which {
            Marked::Id(id) => (Some(id), None, None),
            Marked::Serial { serial_number, issuer } => (None, Some(serial_number), Some(issuer)),
        };
        let id: Option<u64> = id.map(str::parse).transpose().map_err(|_| errors::bad_id(REVOKE_MANUALLY.name))?;
        let body = object([
            ("certId", id.map(Value::from)),
            ("serialNumber", serial.map(Value::from)),
            ("issuer", issuer.map(Value::from)),
            ("revokeDate", Some(json!(revoked.strftime("%Y-%m-%dT%H:%M:%S.000+00:00").to_string()))),
            ("reasonCode", Some(self.client.version.code(reason_code))),
        ]);
        self.client.call(Call::new(&REVOKE_MANUALLY).json(&body)).await.map(drop)
    }

    /// *Approve SSL certificate*.
    pub async fn approve(&self, id: &str, message: &str) -> Result<(), CallError> {
        self.client.call(Call::of(&APPROVE, id).json(&json!({ "message": message }))).await.map(drop)
    }

    /// *Import certificates*, a list of them: v2 alone. What could not be imported says so in its place.
    pub async fn import(&self, certificates: &[Import]) -> Result<Vec<Imported>, CallError> {
        if self.client.version == ApiVersion::V1 {
            return Err(crate::provider::not_offered(IMPORT.name));
        }
        let body: Value = certificates.iter().map(Import::body).collect();
        self.client.call(Call::new(&IMPORT).json(&body)).await?.list()
    }

    /// *Import certificates* from a zip archive, of at most 50 MB.
    pub async fn import_zip(&self, org_id: u64, archive: &[u8]) -> Result<ImportReport, CallError> {
        let call = Call::new(&IMPORT).query("orgId", org_id.to_string()).body(FORM, form(archive));
        self.client.call(call).await?.read()
    }
}

/// RFC 7578, with a boundary that no archive holds by accident.
const FORM: &str = "multipart/form-data; boundary=5e3a0f2c9b7d48c1a6e4f18d72b9c350";

fn form(archive: &[u8]) -> Vec<u8> {
    let mut form = b"--5e3a0f2c9b7d48c1a6e4f18d72b9c350\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"certificates.zip\"\r\n\
        Content-Type: application/zip\r\n\r\n"
        .to_vec();
    form.extend_from_slice(archive);
    form.extend_from_slice(b"\r\n--5e3a0f2c9b7d48c1a6e4f18d72b9c350--\r\n");
    form
}

impl KeygenRequest {
    fn body(&self) -> Value {
        let fields = (!self.custom_fields.is_empty()).then(|| custom_fields(&self.custom_fields));
        let mut body = object([
            ("orgId", Some(json!(self.org_id))),
            ("certType", Some(json!(self.profile_id))),
            ("term", Some(json!(self.term))),
            ("commonName", Some(json!(self.common_name))),
            ("subjAltNames", Some(json!(self.dns_names.join(",")))),
            ("algorithm", Some(json!(self.algorithm))),
            ("keyParam", Some(json!(self.key_param))),
            ("comments", self.comments.clone().map(Value::from)),
            ("externalRequester", self.external_requester.clone().map(Value::from)),
            ("customFields", fields),
            ("dcvMode", self.dcv_method.map(|method| json!(dcv_mode(method)))),
            ("dcvEmail", self.dcv_email.clone().map(Value::from)),
        ]);
        let holder = match &self.key_holder {
            KeyHolder::PrivateKeyAgent { pass_phrase } => object([
                ("keyGenerationMethod", Some(json!("PK_AGENT"))),
                ("passPhrase", pass_phrase.as_ref().map(|phrase| json!(phrase.expose_secret()))),
            ]),
            KeyHolder::AzureKeyVault { account_id, vault_key, reuse_key, exportable_key, hsm_only } => object([
                ("keyGenerationMethod", Some(json!("AZURE_KEY_VAULT"))),
                ("azureKeyVault", Some(json!({ "azureAccountId": account_id, "vaultKey": vault_key }))),
                ("reuseKey", Some(json!(reuse_key))),
                ("exportableKey", Some(json!(exportable_key))),
                ("hsmOnly", Some(json!(hsm_only))),
            ]),
        };
        if let (Value::Object(body), Value::Object(holder)) = (&mut body, holder) {
            body.extend(holder);
        }
        body
    }
}

impl Import {
    fn body(&self) -> Value {
        let fields = (!self.custom_fields.is_empty()).then(|| custom_fields(&self.custom_fields));
        object([
            ("orgID", Some(json!(self.org_id))),
            ("cert", Some(json!(base64::engine::general_purpose::STANDARD.encode(&self.certificate)))),
            ("csr", self.csr.clone().map(Value::from)),
            ("customFields", fields),
            ("owner", self.owner.clone().map(Value::from)),
            ("externalRequester", self.external_requester.clone().map(Value::from)),
            ("backendCertId", self.backend_cert_id.clone().map(Value::from)),
            ("comments", self.comments.clone().map(Value::from)),
        ])
    }
}

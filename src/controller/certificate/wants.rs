//! What a Certificate wants its Secret to be beside the pair, and how a Secret is brought to that.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{Resource, ResourceExt};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        Certificate,
        certificate::{DeletionPolicy, KeyEncoding, OutputFormat, Pkcs12Profile, SecretTemplate},
        issuer::SecretKeyRef,
        meta,
    },
    lifecycle::certificate::Outputs as View,
    pki::{
        PrivateKey,
        key::Encoding,
        keystore::{Lock, Profile},
        outputs::{Held, Outputs, Values},
    },
};

const ALIAS: &str = "certificate";

/// The spec, with the passwords read.
#[derive(Debug, Default)]
pub struct Wants {
    pub template: SecretTemplate,
    /// Whom the Secret follows when it is deleted.
    pub owner: Option<OwnerReference>,
    pub outputs: Outputs,
    /// Only the certificate is in the Secret.
    pub key_elsewhere: bool,
    /// Why the keystores cannot be made: they stay as they are, and the rest is kept in sync.
    pub problem: Option<String>,
}

/// Keys that came from the template, to be removed when they leave it.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct TemplateKeys {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    labels: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    annotations: BTreeSet<String>,
}

impl Wants {
    /// `passwords` as the Secrets hold them, or why they do not.
    pub fn new(certificate: &Certificate, passwords: &Passwords) -> Self {
        let spec = &certificate.spec;
        let key = spec.private_key.unwrap_or_default();
        let format = |type_| spec.additional_output_formats.iter().any(|format| format.type_ == type_);
        let mut wants = Self {
            template: spec.secret_template.clone().unwrap_or_default(),
            owner: owner(certificate),
            outputs: Outputs {
                encoding: match key.encoding.unwrap_or_default() {
                    KeyEncoding::Pkcs8 => Encoding::Pkcs8,
                    KeyEncoding::Pkcs1 => Encoding::Traditional,
                },
                combined_pem: format(OutputFormat::CombinedPem),
                der: format(OutputFormat::Der),
                pkcs12: None,
                jks: None,
            },
            key_elsewhere: spec.csr_secret_ref.is_some(),
            problem: None,
        };
        let keystores = spec.keystores.clone().unwrap_or_default();
        let lock = |reference: &SecretKeyRef, alias: Option<String>| {
            let password = passwords.get(&(reference.name.clone(), reference.key.clone()));
            let password = password.cloned().unwrap_or_else(|| Err("it was not read".to_owned()));
            password.map(|password| Lock { password, alias: alias.unwrap_or_else(|| ALIAS.to_owned()) })
        };
        let pkcs12 = keystores.pkcs12.map(|asked| {
            let profile = match asked.profile.unwrap_or_default() {
                Pkcs12Profile::Modern2023 => Profile::Modern2023,
                Pkcs12Profile::LegacyRc2 => Profile::LegacyRc2,
                Pkcs12Profile::LegacyDes => Profile::LegacyDes,
            };
            lock(&asked.password_secret_ref, asked.alias).map(|lock| (lock, profile))
        });
        let jks = keystores.jks.map(|asked| lock(&asked.password_secret_ref, asked.alias));
        match (pkcs12.transpose(), jks.transpose()) {
            (Ok(pkcs12), Ok(jks)) => (wants.outputs.pkcs12, wants.outputs.jks) = (pkcs12, jks),
            (Err(problem), _) | (_, Err(problem)) => wants.problem = Some(problem),
        }
        wants
    }

    /// How a Secret with this pair compares; without a key, with a certificate whose key is held elsewhere.
    pub fn compare(&self, secret: &Secret, key: Option<&PrivateKey>) -> View {
        let mut same = secret.clone();
        if !self.dress_plainly(&mut same, key) {
            return View::Unmakeable("the private key cannot be written in the encoding asked for".to_owned());
        }
        let as_wanted = same == *secret;
        match (&self.problem, as_wanted) {
            (_, false) => View::Differ,
            (Some(problem), true) => View::Unmakeable(problem.clone()),
            (None, true) if self.seal(secret, key) != seal_of(secret) => View::Differ,
            (None, true) => View::AsWanted,
        }
    }

    /// Whether there are keystores to be made, which is nothing for an async thread.
    pub fn take_a_while(&self) -> bool {
        self.outputs.pkcs12.is_some() || self.outputs.jks.is_some()
    }

    /// Brings a Secret to what is wanted.
    pub fn dress(&mut self, secret: &mut Secret, key: Option<&PrivateKey>) {
        self.dress_plainly(secret, key);
        if self.problem.is_some() || self.seal(secret, key) == seal_of(secret) {
            return;
        }
        let Some(key) = key else { return };
        match self.outputs.keystores(&pair(secret, key)) {
            Ok(values) => put(secret, values),
            Err(error) => {
                self.problem = Some(error.to_string());
                return;
            }
        }
        let seal = self.seal(secret, Some(key));
        set(secret.annotations_mut(), meta::secret::KEYSTORES, seal);
    }

    /// All but the keystores. Whether it could be done.
    fn dress_plainly(&self, secret: &mut Secret, key: Option<&PrivateKey>) -> bool {
        if let Some(key) = key {
            let Ok(values) = self.outputs.plain(&pair(secret, key)) else { return false };
            put(secret, values);
        }
        self.apply_template(secret);
        self.apply_owner(secret);
        true
    }

    fn apply_template(&self, secret: &mut Secret) {
        // What the watch selects by.
        secret.labels_mut().insert(meta::MANAGED.to_owned(), "true".to_owned());
        let keys = |map: &BTreeMap<String, String>| map.keys().cloned().collect();
        let applied =
            TemplateKeys { labels: keys(&self.template.labels), annotations: keys(&self.template.annotations) };
        let before = secret.annotations().get(meta::secret::TEMPLATE_KEYS);
        let before: TemplateKeys = before.and_then(|keys| serde_json::from_str(keys).ok()).unwrap_or_default();
        // The annotation may have been edited: what is ours by name is no template's.
        let gone = |key: &&String| !key.starts_with(OURS);
        before.labels.difference(&applied.labels).filter(gone).for_each(|key| drop(secret.labels_mut().remove(key)));
        let annotations = secret.annotations_mut();
        before.annotations.difference(&applied.annotations).filter(gone).for_each(|key| drop(annotations.remove(key)));
        annotations.extend(self.template.annotations.clone());
        let noted = Some(&applied).filter(|applied| **applied != TemplateKeys::default());
        set(annotations, meta::secret::TEMPLATE_KEYS, noted.and_then(|keys| serde_json::to_string(keys).ok()));
        secret.labels_mut().extend(self.template.labels.clone());
    }

    /// Others' owners stay; of Certificates there is the one that owns the Secret now, or none.
    fn apply_owner(&self, secret: &mut Secret) {
        let api_version = Certificate::api_version(&());
        let kept = secret.metadata.owner_references.take().unwrap_or_default().into_iter().filter(|owner| {
            owner.api_version != api_version || owner.kind != "Certificate" || Some(owner) == self.owner.as_ref()
        });
        let mut owners: Vec<_> = kept.collect();
        owners.extend(self.owner.clone().filter(|owner| !owners.contains(owner)));
        secret.metadata.owner_references = Some(owners).filter(|owners| !owners.is_empty());
    }

    fn seal(&self, secret: &Secret, key: Option<&PrivateKey>) -> Option<String> {
        self.outputs.seal(&pair(secret, key?), |name| value(secret, name))
    }
}

/// The garbage collector removes what it names once the Certificate is gone. It holds nothing up.
fn owner(certificate: &Certificate) -> Option<OwnerReference> {
    let deletes = certificate.spec.deletion_policy == Some(DeletionPolicy::Delete);
    deletes.then(|| OwnerReference {
        api_version: Certificate::api_version(&()).into_owned(),
        kind: Certificate::kind(&()).into_owned(),
        name: certificate.name_any(),
        uid: certificate.uid().unwrap_or_default(),
        ..OwnerReference::default()
    })
}

const OURS: &str = "evercert.dev/";

/// By name and key of the Secret.
pub type Passwords = BTreeMap<(String, String), Result<SecretString, String>>;

/// Every password a Certificate names.
pub fn password_refs(certificate: &Certificate) -> BTreeSet<(String, String)> {
    let keystores = certificate.spec.keystores.iter();
    let refs = keystores.flat_map(|keystores| {
        let pkcs12 = keystores.pkcs12.as_ref().map(|pkcs12| &pkcs12.password_secret_ref);
        pkcs12.into_iter().chain(keystores.jks.as_ref().map(|jks| &jks.password_secret_ref))
    });
    refs.map(|reference| (reference.name.clone(), reference.key.clone())).collect()
}

/// The password in a Secret, or what a person has to do.
pub fn password(secret: Option<&Secret>, name: &str, key: &str) -> Result<SecretString, String> {
    let Some(secret) = secret else { return Err(format!("Secret {name} with a keystore's password does not exist")) };
    let Some(value) = value(secret, key).filter(|value| !value.is_empty()) else {
        return Err(format!("Secret {name} has no key {key} with a keystore's password"));
    };
    let text = std::str::from_utf8(value).map_err(|_| format!("key {key} of Secret {name} is not UTF-8"))?;
    Ok(text.into())
}

fn seal_of(secret: &Secret) -> Option<String> {
    secret.annotations().get(meta::secret::KEYSTORES).cloned()
}

fn pair<'a>(secret: &'a Secret, key: &'a PrivateKey) -> Held<'a> {
    Held { key, tls_crt: value(secret, "tls.crt").unwrap_or_default(), ca_crt: value(secret, "ca.crt") }
}

pub fn value<'a>(secret: &'a Secret, name: &str) -> Option<&'a [u8]> {
    Some(&secret.data.as_ref()?.get(name)?.0)
}

fn put(secret: &mut Secret, values: Values) {
    let data = secret.data.get_or_insert_default();
    for (name, value) in values {
        match value {
            Some(value) => data.insert(name.to_owned(), ByteString(value.expose_secret().to_vec())),
            None => data.remove(name),
        };
    }
}

fn set(annotations: &mut BTreeMap<String, String>, key: &str, value: Option<String>) {
    match value {
        Some(value) => annotations.insert(key.to_owned(), value),
        None => annotations.remove(key),
    };
}

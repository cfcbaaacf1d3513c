//! Keys that wait for their certificate, each in a Secret of its own: stored before its CSR leaves, removed once
//! the pair is installed. Of a key that is held elsewhere the CSR alone. Without an ownerReference: after a restore the owner's uid would be another, and the
//! garbage collector would take the key.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    ResourceExt,
    api::{DeleteParams, PostParams, Preconditions},
    core::PartialObjectMeta,
};
use secrecy::ExposeSecret;

use super::{
    context::Context,
    error::{Error, kube},
};
use crate::{
    api::{Issuance, issuance::KeyOrigin, meta},
    lifecycle::{
        csr::Key,
        plan::{KeyChoice, Plan, StoredKey, Wanted},
    },
    pki::{self, Csr, PrivateKey, SignatureHash},
};

const KEY: &str = "tls.key";
const CSR: &str = "tls.csr";
const NAMES: &str = "names";

/// Makes the key, unless one is used again or held elsewhere, and the CSR of a plan. Seconds of computing for a large RSA
/// key: never on an async thread.
pub fn make(plan: &Plan, again: Option<PrivateKey>) -> Result<Secret, Error> {
    let wanted = &plan.wanted;
    let (key, csr) = match (&plan.key, &wanted.key) {
        (KeyChoice::Elsewhere, Key::Elsewhere(Some(csr))) => (None, csr.pem.clone()),
        (KeyChoice::Elsewhere, _) => return Err(Error::Pki("the CSR was not read".to_owned())),
        _ => made(wanted, again).map(|(key, csr)| (Some(key), csr))?,
    };
    let names = std::iter::once(&wanted.common_name).chain(&wanted.dns_names).cloned().collect::<Vec<_>>().join("\n");
    let key = key.map(|key| (KEY, key.to_pkcs8_pem().expose_secret().as_bytes().to_vec()));
    let data = key.into_iter().chain([(CSR, csr.into_bytes()), (NAMES, names.into_bytes())]);
    Ok(Secret {
        metadata: ObjectMeta {
            name: Some(meta::key_secret_name(&plan.issuance_name())),
            labels: Some(labels(&plan.certificate)),
            ..ObjectMeta::default()
        },
        type_: Some(KEY_TYPE.to_owned()),
        immutable: Some(true),
        data: Some(data.map(|(name, value)| (name.to_owned(), ByteString(value))).collect()),
        ..Secret::default()
    })
}

/// Stores a key that the provider has made, in place of one that was to be used and was not.
pub async fn keep(context: &Context, issuance: &Issuance, key: &PrivateKey) -> Result<(), Error> {
    let name = meta::key_secret_name(&issuance.name_any());
    let api = context.secrets(&issuance.namespace().unwrap_or_default());
    if let Some(before) = kube("read a waiting key", api.get_opt(&name)).await? {
        if private_key(&before).is_some_and(|kept| kept.public_key_sha256() == key.public_key_sha256()) {
            return Ok(());
        }
        if before.type_.as_deref() != Some(KEY_TYPE) {
            return Err(Error::Issuer(format!("Secret {name} is in the way and not ours")));
        }
        // Exactly the one that was read: another process may have stored the provider's by now.
        let preconditions = Preconditions { uid: before.uid(), resource_version: before.resource_version() };
        let exactly = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        kube("remove a key", api.delete(&name, &exactly)).await?;
    }
    let pem = key.to_pkcs8_pem().expose_secret().as_bytes().to_vec();
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(name),
            labels: Some(labels(&issuance.spec.certificate_ref.name)),
            ..ObjectMeta::default()
        },
        type_: Some(KEY_TYPE.to_owned()),
        immutable: Some(true),
        data: Some(BTreeMap::from([(KEY.to_owned(), ByteString(pem))])),
        ..Secret::default()
    };
    kube("store a key", api.create(&PostParams::default(), &secret)).await.map(drop)
}

fn made(wanted: &Wanted, again: Option<PrivateKey>) -> Result<(PrivateKey, String), Error> {
    let kind = wanted.key.kind().ok_or_else(|| Error::Pki("no such kind of key".to_owned()))?;
    let key = match again {
        Some(key) => key,
        None => PrivateKey::generate(kind).map_err(|error| Error::Pki(error.to_string()))?,
    };
    let hash = SignatureHash::parse(wanted.signature_hash.as_str())
        .ok_or_else(|| Error::Pki("no such signature hash".to_owned()))?;
    let csr = pki::csr::build(&key, Some(&wanted.common_name), &wanted.dns_names, hash)
        .map_err(|error| Error::Pki(error.to_string()))?;
    Ok((key, csr))
}

/// Type of the Secrets that hold waiting keys.
pub const KEY_TYPE: &str = "evercert.dev/key";
/// Label of a key Secret: the Certificate it was made for.
pub const FOR_CERTIFICATE: &str = "evercert.dev/key-for";

fn labels(certificate: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(meta::MANAGED.to_owned(), "true".to_owned()), (FOR_CERTIFICATE.to_owned(), label_of(certificate))])
}

/// A label holds 63 characters, a name up to 200: the label only narrows a search.
pub fn label_of(certificate: &str) -> String {
    let short: String = certificate.chars().take(63).collect();
    short.trim_end_matches(['-', '.']).to_owned()
}

/// What the API server has stored. `None`: not a key of ours.
pub fn stored(secret: &Secret) -> Option<StoredKey> {
    secret.metadata.resource_version.as_ref()?;
    if secret.type_.as_deref() != Some(KEY_TYPE) {
        return None;
    }
    let csr = text(secret, CSR)?;
    let (origin, public_key_sha256, kind) = match text(secret, KEY) {
        Some(_) => private_key(secret).map(|key| (KeyOrigin::Ours, key.public_key_sha256(), key.kind()))?,
        None => Csr::read(csr.as_bytes()).ok().map(|csr| (KeyOrigin::Elsewhere, csr.public_key_sha256, csr.kind))?,
    };
    let mut names = text(secret, NAMES)?.lines().map(str::to_owned);
    Some(StoredKey {
        csr: csr.to_owned(),
        public_key_sha256,
        common_name: names.next()?,
        dns_names: names.collect(),
        kind,
        origin,
    })
}

pub fn private_key(secret: &Secret) -> Option<PrivateKey> {
    PrivateKey::from_pem(text(secret, KEY)?).ok()
}

fn text<'a>(secret: &'a Secret, name: &str) -> Option<&'a str> {
    std::str::from_utf8(&secret.data.as_ref()?.get(name)?.0).ok()
}

/// Whether metadata is that of a key Secret, and of which Issuance.
pub fn issuance_of(name: &str) -> Option<&str> {
    name.strip_prefix(&meta::key_secret_name(""))
}

/// The Certificate that a Secret is for, as its store finds it.
pub fn certificate_of(secret: &PartialObjectMeta<Secret>) -> Vec<String> {
    let key = secret.labels().get(FOR_CERTIFICATE);
    key.or(secret.annotations().get(meta::secret::CERTIFICATE)).cloned().into_iter().collect()
}

/// Of annotations, those that are looked at where only metadata is kept.
pub fn trim(secret: &mut PartialObjectMeta<Secret>) {
    let kept = [meta::secret::CERTIFICATE, meta::secret::PUBLIC_KEY_SHA256];
    secret.annotations_mut().retain(|key, _| kept.contains(&key.as_str()));
}

/// Whether Evercert made this Secret to hold a waiting key.
pub fn is_key(secret: &impl ResourceExt) -> bool {
    secret.labels().contains_key(FOR_CERTIFICATE)
}

/// Whether a key Secret may be for this Certificate.
pub fn is_for(secret: &impl ResourceExt, certificate: &str) -> bool {
    secret.labels().get(FOR_CERTIFICATE) == labels(certificate).get(FOR_CERTIFICATE)
}

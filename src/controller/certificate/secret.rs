//! The Secret a Certificate names: judged before it is written, and written in one update.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::ResourceExt;
use secrecy::ExposeSecret;

use super::wants::{Wants, value};
use crate::{
    api::{Certificate, CertificateSpec, Issuance, meta},
    lifecycle::{
        certificate::{Held, Outputs, SecretView, secret_type},
        record,
    },
    pki::{
        Chain, PrivateKey,
        payload::{payload, read_certificate, read_pair},
    },
};

/// Whose a Secret is, and what it holds.
pub fn judge(secret: Option<&Secret>, certificate: &str, wants: &Wants) -> SecretView {
    let Some(secret) = secret else { return SecretView::Absent };
    match secret.annotations().get(meta::secret::CERTIFICATE) {
        None => {
            SecretView::Foreign { type_: secret.type_.clone().unwrap_or_default(), held: Box::new(held(secret, wants)) }
        }
        Some(owner) if owner != certificate => SecretView::OwnedBy(owner.clone()),
        Some(_) => SecretView::Ours(Box::new(held(secret, wants))),
    }
}

/// Why a Secret cannot hold what a spec asks for, whatever is in it.
pub fn unwritable(secret: &Secret, spec: &CertificateSpec) -> Option<String> {
    let name = secret.name_any();
    let type_ = secret.type_.as_deref().unwrap_or_default();
    if secret.immutable == Some(true) {
        return Some(format!(
            "Secret {name} is immutable: delete it, and Evercert makes it anew, or name another in secretName"
        ));
    }
    let wanted = secret_type(spec);
    (type_ != wanted).then(|| {
        format!(
            "Secret {name} is of type {type_}, which cannot be changed to {wanted}: delete it, and Evercert makes it \
             anew, or name another in secretName"
        )
    })
}

/// The key in a Secret.
pub fn key(secret: &Secret) -> Option<PrivateKey> {
    PrivateKey::from_pem(std::str::from_utf8(value(secret, "tls.key")?).ok()?).ok()
}

fn held(secret: &Secret, wants: &Wants) -> Held {
    let note = |key: &str| secret.annotations().get(key).filter(|value| !value.is_empty()).cloned();
    let value = |key: &str| value(secret, key).unwrap_or_default();
    let read = match wants.key_elsewhere {
        true => read_certificate(value("tls.crt"), note(meta::secret::PUBLIC_KEY_SHA256).as_deref())
            .map(|leaf| (leaf, None)),
        false => read_pair(value("tls.crt"), value("tls.key")).map(|pair| (pair.leaf, Some(pair.key))),
    };
    let (pair, problem, outputs) = match read {
        Ok((leaf, key)) => (Some(leaf), None, wants.compare(secret, key.as_ref())),
        Err(error) => (None, Some(error.to_string()), Outputs::default()),
    };
    Held {
        pair,
        problem,
        public_key_sha256: key(secret).map(|key| key.public_key_sha256()),
        outputs,
        order_id: note(meta::secret::ORDER_ID),
        certificate_id: note(meta::secret::CERTIFICATE_ID),
        revision: note(meta::secret::REVISION).and_then(|revision| revision.parse().ok()),
        handled_token: note(meta::secret::HANDLED_REISSUE_REQUEST),
    }
}

/// The same pair under the name that the spec has by now, with what we wrote and nothing of others.
pub fn copied(source: &Secret, spec: &CertificateSpec) -> Secret {
    let noted = |(key, _): &(&String, &String)| key.starts_with(meta::GROUP);
    let own = |notes: &BTreeMap<String, String>| {
        notes.iter().filter(noted).map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let ours = |key: &str| match key {
        "tls.crt" | "ca.crt" => true,
        "tls.key" => spec.csr_secret_ref.is_none(),
        _ => false,
    };
    let data = source.data.iter().flatten().filter(|(key, _)| ours(key));
    Secret {
        metadata: ObjectMeta {
            name: Some(spec.secret_name.clone()),
            namespace: source.namespace(),
            labels: Some(own(source.labels())),
            annotations: Some(own(source.annotations())),
            ..ObjectMeta::default()
        },
        type_: Some(secret_type(spec).to_owned()),
        data: Some(data.map(|(key, value)| (key.clone(), value.clone())).collect()),
        ..Secret::default()
    }
}

/// The Secret with a verified pair in it, or with the certificate alone: what others put there stays.
pub fn filled(
    before: Option<&Secret>,
    certificate: &Certificate,
    issuance: &Issuance,
    chain: &Chain,
    key: Option<&PrivateKey>,
) -> Secret {
    let data: BTreeMap<String, ByteString> = payload(chain, key)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), ByteString(value.expose_secret().to_vec())))
        .collect();
    let mut secret = before.cloned().unwrap_or_else(|| Secret {
        metadata: ObjectMeta {
            name: Some(certificate.spec.secret_name.clone()),
            namespace: certificate.namespace(),
            ..ObjectMeta::default()
        },
        type_: Some(secret_type(&certificate.spec).to_owned()),
        ..Secret::default()
    });
    let stored = secret.data.get_or_insert_default();
    stored.remove("ca.crt");
    stored.extend(data);
    let annotations = secret.annotations_mut();
    for (key, value) in annotations_for(certificate, issuance, chain) {
        match value {
            Some(value) => annotations.insert(key.to_owned(), value),
            None => annotations.remove(key),
        };
    }
    secret
}

/// Enough to know the order again after a restore.
fn annotations_for(
    certificate: &Certificate,
    issuance: &Issuance,
    chain: &Chain,
) -> [(&'static str, Option<String>); 8] {
    let status = issuance.status.as_ref();
    let noted = status.and_then(record::compromised).map(str::to_owned);
    let handled = noted.or_else(|| issuance.spec.request_token.clone());
    let before = certificate.status.as_ref().and_then(|status| status.last_handled_reissue_request.clone());
    [
        (meta::secret::CERTIFICATE, Some(certificate.name_any())),
        (meta::secret::ISSUER, Some(issuance.spec.issuer_ref.to_string())),
        (meta::secret::ORDER_ID, status.and_then(|status| status.order_id.clone())),
        (meta::secret::CERTIFICATE_ID, status.and_then(|status| status.certificate_id.clone())),
        (meta::secret::SERIAL, Some(chain.leaf.serial.clone())),
        (meta::secret::PUBLIC_KEY_SHA256, Some(chain.leaf.public_key_sha256.clone())),
        (meta::secret::REVISION, Some(issuance.spec.revision.to_string())),
        (meta::secret::HANDLED_REISSUE_REQUEST, handled.or(before)),
    ]
}

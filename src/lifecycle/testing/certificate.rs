//! A Certificate, and what is known around it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{INSTALLATION, MARK, NAME, TIMES, at, holding, issued, issuer_ref, issuer_view, key_hash, leaf, strings};
use crate::{
    api::{
        Certificate, CertificateSpec, Issuance,
        certificate::RevokedCertificate,
        issuance::{Account, Cost, KeyOrigin, State},
        issuer::{IssuerKind, SecretKeyRef},
        meta,
    },
    lifecycle::{
        Step,
        certificate::{
            self, CsrView, Held, Hindrance, IssuerView, KeyView, OrderView, Preflight, SecretView, SourceView,
        },
        location::Told,
        plan::StoredKey,
        restart::Restarts,
    },
    pki::{Csr, KeyKind},
    provider::OrderFacts,
};

/// A Certificate and what a reconcile knows of it.
#[derive(Clone)]
pub struct CertificateCase {
    pub certificate: Certificate,
    pub issuer: IssuerView,
    pub outage: Option<Timestamp>,
    pub namespace_labels: Option<BTreeMap<String, String>>,
    pub secret: SecretView,
    pub unwritable: Option<String>,
    pub rival: Option<String>,
    pub issuances: Vec<Arc<Issuance>>,
    pub key: KeyView,
    pub csr: CsrView,
    pub uncollectable: bool,
    pub preflight: Preflight,
    pub spent_keys: Vec<String>,
    pub elsewhere: Option<String>,
    pub order: OrderView,
    pub renewal_stays: Option<String>,
    pub revoked: Option<RevokedCertificate>,
    pub source: SourceView,
    pub shared_orders: BTreeSet<String>,
    pub restarts: Restarts,
    pub told: Vec<Told>,
    pub existing: Option<Vec<OrderFacts>>,
    pub claims: BTreeMap<String, String>,
    pub now: Timestamp,
}

impl CertificateCase {
    /// Never issued.
    pub fn new() -> Self {
        let spec = CertificateSpec {
            issuer_ref: issuer_ref(),
            secret_name: "shop-tls".to_owned(),
            dns_names: strings(&[NAME]),
            ..CertificateSpec::default()
        };
        let mut certificate = Certificate::new("shop", spec);
        certificate.metadata.namespace = Some("web".to_owned());
        certificate.metadata.uid = Some("uid".to_owned());
        certificate.metadata.generation = Some(1);
        Self {
            certificate,
            issuer: issuer_view(),
            outage: None,
            namespace_labels: Some(BTreeMap::new()),
            secret: SecretView::Absent,
            unwritable: None,
            rival: None,
            issuances: Vec::new(),
            key: KeyView::Unread,
            csr: CsrView::Unread,
            uncollectable: false,
            preflight: Preflight::Passed,
            spent_keys: Vec::new(),
            elsewhere: None,
            order: OrderView::Unread,
            renewal_stays: None,
            revoked: None,
            source: SourceView::None,
            shared_orders: BTreeSet::new(),
            restarts: Restarts::Untried,
            told: Vec::new(),
            existing: None,
            claims: BTreeMap::new(),
            now: at(10),
        }
    }

    /// Order 100 was placed, its certificate is served.
    pub fn served() -> Self {
        let held = Held {
            order_id: Some("100".to_owned()),
            certificate_id: Some("9".to_owned()),
            revision: Some(1),
            ..holding(leaf())
        };
        Self {
            secret: SecretView::Ours(Box::new(held)),
            issuances: vec![Arc::new(issued(1, State::Installed, 'a'))],
            ..Self::new()
        }
    }

    /// The same at an account of Sectigo, with this policy.
    pub fn at_sectigo(mut self, policy: Value) -> Self {
        let spec = json!({
            "sectigo": {
                "customerUri": "shop", "orgId": 42, "profileId": 5120, "term": 199,
                "auth": {"password": {"login": "admin", "passwordSecretRef": {"name": "scm", "key": "password"}}},
            },
            "policy": policy,
        });
        let host = "cert-manager.com".to_owned();
        let account = Account { provider: "sectigo".to_owned(), host, id: "shop".to_owned() };
        for issuance in &mut self.issuances {
            let spec = &mut Arc::make_mut(issuance).spec;
            spec.account.clone_from(&account);
            spec.request.product = "5120".to_owned();
            spec.request.order_validity = None;
        }
        let spec = Box::new(serde_json::from_value(spec).expect("an issuer"));
        let issuer = IssuerView::Ready { spec, account, kind: IssuerKind::Issuer, reservations: Vec::new() };
        Self { issuer, ..self }
    }

    /// The same at an account of DNSimple, for this product; what was issued has a key of DNSimple's.
    pub fn at_dnsimple(mut self, product: &str) -> Self {
        let token = json!({"name": "dnsimple", "key": "token"});
        let spec = json!({"dnsimple": {"accountId": 1010, "product": product, "tokenSecretRef": token}});
        let host = "api.dnsimple.com".to_owned();
        let account = Account { provider: "dnsimple".to_owned(), host, id: "1010".to_owned() };
        for issuance in &mut self.issuances {
            let issuance = Arc::make_mut(issuance);
            issuance.spec.account.clone_from(&account);
            let request = &mut issuance.spec.request;
            (request.product, request.order_validity) = (product.to_owned(), None);
            issuance.spec.cost = Cost::Free;
            let key = std::mem::take(&mut request.public_key_sha256);
            (request.csr, request.key_origin) = (String::new(), KeyOrigin::Provider);
            if let Some(status) = &mut issuance.status {
                (status.public_key_sha256, status.order_valid_till) = (Some(key), None);
            }
        }
        let spec = Box::new(serde_json::from_value(spec).expect("an issuer"));
        let issuer = IssuerView::Ready { spec, account, kind: IssuerKind::Issuer, reservations: Vec::new() };
        Self { issuer, ..self }
    }

    pub fn with(mut self, issuance: Issuance) -> Self {
        self.issuances.push(Arc::new(issuance));
        self
    }

    /// The key is held elsewhere, and its CSR is there.
    pub fn by_csr(mut self, key: char) -> Self {
        let reference = SecretKeyRef { name: "appliance".to_owned(), key: "tls.csr".to_owned() };
        self.certificate.spec.csr_secret_ref = Some(reference);
        self.csr = CsrView::Read(csr(&key_hash(key)));
        self
    }

    pub fn asking(mut self, token: &str, reason: Option<&str>) -> Self {
        let annotations = self.certificate.metadata.annotations.get_or_insert_default();
        annotations.insert(meta::REISSUE_REQUESTED.to_owned(), token.to_owned());
        annotations.extend(reason.map(|reason| (meta::REISSUE_REASON.to_owned(), reason.to_owned())));
        self
    }

    pub fn named(mut self, names: &[&str]) -> Self {
        self.certificate.spec.dns_names = strings(names);
        self
    }

    pub fn edit_last(mut self, change: impl FnOnce(&mut Issuance)) -> Self {
        change(Arc::make_mut(self.issuances.last_mut().expect("an Issuance")));
        self
    }

    pub fn decide(&self) -> Result<Step<certificate::Effect>, Hindrance> {
        certificate::decide(&self.observed())
    }

    pub fn observed(&self) -> certificate::Observed<'_> {
        certificate::Observed {
            certificate: &self.certificate,
            issuer: &self.issuer,
            outage: self.outage,
            namespace_labels: self.namespace_labels.as_ref(),
            secret: &self.secret,
            unwritable: self.unwritable.as_deref(),
            rival: self.rival.as_deref(),
            issuances: &self.issuances,
            installation: INSTALLATION,
            key: &self.key,
            csr: &self.csr,
            uncollectable: self.uncollectable,
            preflight: &self.preflight,
            spent_keys: &self.spent_keys,
            elsewhere: self.elsewhere.as_deref(),
            order: &self.order,
            renewal_stays: self.renewal_stays.as_deref(),
            revoked: self.revoked.as_ref(),
            source: &self.source,
            shared_orders: &self.shared_orders,
            times: TIMES,
            restarts: &self.restarts,
            told: &self.told,
            existing: self.existing.as_deref(),
            claims: &self.claims,
            mark: MARK,
            now: self.now,
            machine_now: self.now,
        }
    }
}

/// The key and CSR that wait for the next revision.
pub fn stored_key(key: char, names: &[&str]) -> StoredKey {
    StoredKey {
        csr: "csr".to_owned(),
        public_key_sha256: key_hash(key),
        common_name: names[0].to_owned(),
        dns_names: strings(names),
        kind: KeyKind::EcdsaP256,
        origin: KeyOrigin::Ours,
    }
}

/// Somebody else's CSR, for this public key.
pub fn csr(public_key_sha256: &str) -> Csr {
    Csr {
        pem: format!("csr {public_key_sha256}"),
        public_key_sha256: public_key_sha256.to_owned(),
        kind: KeyKind::EcdsaP256,
        names: [NAME.to_owned()].into(),
    }
}

//! What exactly is asked for, every default resolved: the future content of an Issuance.

use std::collections::BTreeSet;

pub use super::certificate::observed::StoredKey;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    certificate::observed::{IssuerView, Observed, is_of},
    csr::{self, Key},
    digicert, dnsimple,
    issuance::is_paid,
    lineage::Lineage,
    names, record, sectigo, trigger,
    validity::{self, ValidityError},
};
use crate::{
    api::{
        CertificateSpec, Issuance, IssuanceSpec, IssuanceStatus, IssuerSpec,
        certificate::{RotationPolicy, SignatureHash, Validity},
        issuance::{
            Account, Cost, DigiCertRequest, DnSimpleRequest, KeyOrigin, Operation, Parent, Request, SectigoRequest,
            Supersedes, Trigger,
        },
        issuer::{OrderValidity, Vendor},
        meta,
    },
    pki::{Csr, KeyKind},
    provider::{OrderFacts, Urgency},
};

/// What a reissue without a name that its order had leads to: CertCentral, *Reissue certificate*. It means also all
/// earlier reissues and duplicates.
pub const REVOKES: &str = "DigiCert revokes the certificates before it within 72 h";

/// The spec and the issuer's defaults, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub common_name: String,
    /// Sorted, the common name included.
    pub dns_names: Vec<String>,
    pub key: Key,
    pub signature_hash: SignatureHash,
    pub validity: Option<Validity>,
    pub product: String,
    pub order_validity: Option<OrderValidity>,
    pub organization_id: Option<i64>,
    /// What else goes to CertCentral.
    pub digicert: Option<DigiCertRequest>,
    /// What else goes to SCM.
    pub sectigo: Option<SectigoRequest>,
    /// What else goes to DNSimple.
    pub dnsimple: Option<DnSimpleRequest>,
}

impl Wanted {
    /// `None`: no name fits into a common name.
    pub fn resolve(o: &Observed, issuer: &IssuerSpec, lineage: &Lineage) -> Option<Self> {
        let asked = lineage.installed.map(|issuance| issuance.spec.request.common_name.clone());
        let served = || trigger::served(o)?.common_name.as_deref().map(str::to_ascii_lowercase);
        Self::of(&o.certificate.spec, issuer, asked.or_else(served).as_deref(), csr::known(o))
    }

    /// After a certificate with that common name. `csr`: of a key that is held elsewhere, where it was read.
    pub fn of(spec: &CertificateSpec, issuer: &IssuerSpec, earlier: Option<&str>, csr: Option<&Csr>) -> Option<Self> {
        let names = names::wanted(spec);
        let bought = Bought::of(spec, issuer, &names);
        Some(Self {
            common_name: names::common_name(spec, earlier)?,
            dns_names: names.into_iter().collect(),
            key: Key::of(spec, csr),
            signature_hash: spec.signature_hash.unwrap_or_default(),
            validity: spec.validity.clone(),
            order_validity: bought.order_validity,
            organization_id: bought.organization_id,
            digicert: bought.digicert,
            sectigo: bought.sectigo,
            dnsimple: bought.dnsimple,
            product: bought.product,
        })
    }

    /// As one operation asks for it: nothing is left to the time of its call.
    pub fn settled(
        mut self,
        operation: Operation,
        parent: Option<&OrderFacts>,
        now: Timestamp,
    ) -> Result<Self, ValidityError> {
        self.order_validity = self.order_validity_for(operation);
        self.organization_id = self.organization_for(operation);
        self.sectigo = self.sectigo.map(|asked| sectigo::for_endpoint(asked, operation));
        let validity = (self.validity.as_ref(), self.order_validity.as_ref());
        self.digicert = match self.digicert {
            Some(asked) => Some(digicert::for_endpoint(asked, operation, validity, parent, now)?),
            None => None,
        };
        Ok(self)
    }

    /// Whether an earlier operation asked for something else, of what it could ask for: the product and the length of an
    /// order are those of its purchase.
    pub fn differs_from(&self, earlier: &IssuanceSpec) -> bool {
        let asked = &earlier.request;
        self.common_name != asked.common_name
            || self.dns_names != asked.dns_names
            || self.key.differs_from(earlier)
            || self.signature_hash != asked.signature_hash
            || self.validity != asked.validity
            || (is_paid(earlier.operation) && self.product != asked.product)
            || self.order_validity_for(earlier.operation) != asked.order_validity
            || self.organization_for(earlier.operation) != asked.organization_id
            || (is_paid(earlier.operation) && other_than(term(&asked.sectigo), term(&self.sectigo)))
    }

    /// A replacement at SCM stays with its organization.
    fn organization_for(&self, operation: Operation) -> Option<i64> {
        self.organization_id.filter(|_| self.sectigo.is_none() || is_paid(operation))
    }

    /// Whether something else would be bought now than was bought then. What an adopted certificate was enrolled with is
    /// not known, and counts as the same.
    pub fn buys_other_than(&self, purchase: &Request) -> bool {
        let enrolled_otherwise = other_than(purchase.organization_id, self.organization_id)
            || other_than(term(&purchase.sectigo), term(&self.sectigo));
        self.product != purchase.product || (self.sectigo.is_some() && enrolled_otherwise)
    }

    /// A reissue or duplicate stays inside its order.
    fn order_validity_for(&self, operation: Operation) -> Option<OrderValidity> {
        self.order_validity.clone().filter(|_| is_paid(operation))
    }
}

fn term(asked: &Option<SectigoRequest>) -> Option<i32> {
    asked.as_ref()?.term
}

fn other_than<T: PartialEq>(then: Option<T>, now: Option<T>) -> bool {
    then.is_some() && then != now
}

/// What is bought, by the provider's own words for it.
struct Bought {
    product: String,
    organization_id: Option<i64>,
    order_validity: Option<OrderValidity>,
    digicert: Option<DigiCertRequest>,
    sectigo: Option<SectigoRequest>,
    dnsimple: Option<DnSimpleRequest>,
}

impl Bought {
    fn of(spec: &CertificateSpec, issuer: &IssuerSpec, names: &BTreeSet<String>) -> Self {
        if let Some(account) = &issuer.sectigo {
            let overrides = spec.sectigo.clone().unwrap_or_default();
            return Self {
                product: sectigo::profile(account, &overrides),
                organization_id: Some(overrides.org_id.unwrap_or(account.org_id)),
                order_validity: None,
                digicert: None,
                sectigo: Some(sectigo::resolve(issuer, account, &overrides, names)),
                dnsimple: None,
            };
        }
        if let Some(account) = &issuer.dnsimple {
            return Self {
                product: dnsimple::product(account, spec).as_str().to_owned(),
                organization_id: None,
                order_validity: None,
                digicert: None,
                sectigo: None,
                dnsimple: Some(dnsimple::resolve(spec)),
            };
        }
        let overrides = spec.digicert.clone().unwrap_or_default();
        let account = issuer.digicert.clone().unwrap_or_default();
        Self {
            order_validity: Some(digicert::order_validity(&account, &overrides)),
            organization_id: overrides.organization_id.or(account.organization_id),
            digicert: Some(digicert::resolve(issuer, &overrides, names)),
            sectigo: None,
            dnsimple: None,
            product: overrides.product.unwrap_or(account.product),
        }
    }
}

/// One operation, ready to be recorded once its key is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub certificate: String,
    pub account: Account,
    pub revision: i64,
    pub operation: Operation,
    pub cost: Cost,
    pub trigger: Trigger,
    pub parent: Option<Parent>,
    pub supersedes: Option<Supersedes>,
    pub token: Option<String>,
    pub key: KeyChoice,
    pub wanted: Wanted,
    /// Names of the certificate in use that it leaves out.
    pub removes: Vec<String>,
    /// Names in a CSR of somebody else's that it leaves out.
    pub unasked: Vec<String>,
    pub urgency: Urgency,
    /// Recorded without a submission: a person is asked first.
    pub awaits_approval: bool,
}

/// Which key the CSR is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChoice {
    /// None of those that were used before, by the hashes of their public keys.
    New { unlike: BTreeSet<String> },
    /// The one in the Secret, by the hash of its public key.
    Again(String),
    /// None: it is held elsewhere, and the CSR is there.
    Elsewhere,
    /// None: the provider makes it, with the certificate.
    Provider,
}

impl Plan {
    pub fn new(
        o: &Observed,
        lineage: &Lineage,
        wanted: Wanted,
        account: Account,
        trigger: Trigger,
        (operation, cost): (Operation, Cost),
        parent: Option<&OrderFacts>,
    ) -> Self {
        Self {
            certificate: o.certificate.metadata.name.clone().unwrap_or_default(),
            account,
            revision: lineage.revision + 1,
            operation,
            cost,
            trigger,
            parent: parent.map(|order| Parent {
                order_id: order.order_id.clone(),
                certificate_id: order.certificate_id.clone(),
                order_valid_till: order.valid_till.map(|till| Time(validity::end_of(till))),
            }),
            supersedes: superseded(o, lineage, parent),
            token: trigger::unhandled(o.certificate, lineage).map(str::to_owned),
            key: key_choice(o, trigger, &wanted),
            removes: removed(o, lineage, operation, &wanted.dns_names),
            unasked: csr::unasked(o, &wanted.dns_names),
            urgency: urgency(trigger, trigger::served(o).map(|leaf| leaf.not_after), o.now),
            wanted,
            awaits_approval: false,
        }
    }

    pub fn issuance_name(&self) -> String {
        meta::issuance_name(&self.certificate, self.revision)
    }

    pub fn request(&self, key: &StoredKey) -> Request {
        let (key_algorithm, key_size) = csr::kind_of(key.kind);
        Request {
            common_name: self.wanted.common_name.clone(),
            dns_names: self.wanted.dns_names.clone(),
            csr: key.csr.clone(),
            public_key_sha256: key.public_key_sha256.clone(),
            key_origin: key.origin,
            key_algorithm,
            key_size,
            validity: self.wanted.validity.clone(),
            product: self.wanted.product.clone(),
            signature_hash: self.wanted.signature_hash,
            organization_id: self.wanted.organization_id,
            order_validity: self.wanted.order_validity_for(self.operation),
            digicert: self.wanted.digicert.clone(),
            sectigo: self.wanted.sectigo.clone(),
            dnsimple: self.wanted.dnsimple.clone(),
        }
    }
}

/// What goes first through an account's rate limit: a service without a certificate, or soon without one, and a key in
/// the wrong hands.
pub fn urgency(trigger: Trigger, not_after: Option<Timestamp>, now: Timestamp) -> Urgency {
    let soon = not_after.is_some_and(|end| end.duration_since(now) < SignedDuration::from_hours(7 * 24));
    match trigger {
        Trigger::KeyLost | Trigger::KeyCompromise | Trigger::Revoked => Urgency::Urgent,
        _ if soon => Urgency::Urgent,
        _ => Urgency::Normal,
    }
}

/// What was lost, compromised or revoked is never used again, whatever the spec says.
fn key_choice(o: &Observed, trigger: Trigger, wanted: &Wanted) -> KeyChoice {
    if let Key::Elsewhere(_) = wanted.key {
        return KeyChoice::Elsewhere;
    }
    if wanted.dnsimple.is_some() && !dnsimple::is_by_hand(wanted) {
        return KeyChoice::Provider;
    }
    let policy = o.certificate.spec.private_key.unwrap_or_default().rotation_policy.unwrap_or_default();
    let served = trigger::served(o);
    let again = served.filter(|leaf| {
        policy == RotationPolicy::Never
            && !is_bad(trigger)
            && leaf.key_kind.is_some()
            && leaf.key_kind == wanted.key.kind()
            && !condemned(o, &leaf.public_key_sha256)
    });
    match again {
        Some(leaf) => KeyChoice::Again(leaf.public_key_sha256.clone()),
        None => {
            let asked = o.issuances.iter().map(|issuance| issuance.public_key_sha256().to_owned());
            KeyChoice::New { unlike: asked.chain(served.map(|leaf| leaf.public_key_sha256.clone())).collect() }
        }
    }
}

/// Whether the key that such an operation replaces is bad.
fn is_bad(trigger: Trigger) -> bool {
    matches!(trigger, Trigger::KeyLost | Trigger::KeyCompromise | Trigger::Revoked)
}

/// Whether a key was replaced by another because it was bad: a restored Secret brings it back.
pub fn condemned(o: &Observed, public_key_sha256: &str) -> bool {
    o.issuances.iter().any(|issuance| {
        let replaced = issuance.spec.supersedes.as_ref().is_some_and(|old| old.public_key_sha256 == public_key_sha256)
            && issuance.public_key_sha256() != public_key_sha256;
        let noted = issuance.status.as_ref().and_then(record::compromised).is_some();
        // Held elsewhere, it was not lost with its certificate.
        let lost = issuance.spec.reason == Trigger::KeyLost && o.certificate.spec.csr_secret_ref.is_some();
        replaced && (noted || is_bad(issuance.spec.reason) && !lost)
    })
}

/// The public key in use and its unexpired serial numbers, pinned before anything changes: the right certificates are
/// revoked even if the Secret is deleted meanwhile. Only what Issuances of this Certificate obtained counts, or a
/// certificate that its order vouches for.
fn superseded(o: &Observed, lineage: &Lineage, order: Option<&OrderFacts>) -> Option<Supersedes> {
    let vouched = trigger::served(o).filter(|leaf| order.is_some_and(|order| is_of(leaf, order)));
    let installed = lineage.installed.map(Issuance::public_key_sha256);
    let public_key = installed.or(vouched.map(|leaf| leaf.public_key_sha256.as_str()))?;
    let unexpired = |status: &&IssuanceStatus| status.not_after.as_ref().is_none_or(|end| end.0 > o.now);
    let same_key = o.issuances.iter().filter(|issuance| issuance.public_key_sha256() == public_key);
    let obtained = same_key.filter_map(|issuance| issuance.status.as_ref()).filter(unexpired);
    let mut serials: BTreeSet<_> = obtained.filter_map(|status| status.serial_number.clone()).collect();
    serials.extend(vouched.filter(|leaf| leaf.public_key_sha256 == public_key).map(|leaf| leaf.serial.clone()));
    Some(Supersedes { public_key_sha256: public_key.to_owned(), serial_numbers: serials.into_iter().collect() })
}

/// Names of the certificate in use that a reissue leaves out.
pub fn removed(o: &Observed, lineage: &Lineage, operation: Operation, names: &[String]) -> Vec<String> {
    // What becomes of the certificates before is DigiCert's rule.
    let at_sectigo = matches!(o.issuer, IssuerView::Ready { spec, .. } if spec.vendor() == Vendor::Sectigo);
    if operation != Operation::Reissue || at_sectigo {
        return Vec::new();
    }
    let asked = lineage.installed.map(|installed| installed.spec.request.dns_names.clone());
    let served = || trigger::served(o).map(|leaf| leaf.dns_names.iter().cloned().collect());
    let before = asked.or_else(served).unwrap_or_default();
    before.into_iter().filter(|name| !names.contains(name)).collect()
}

impl StoredKey {
    /// A key that the provider will make: there is nothing of it to be stored yet.
    pub fn promised(plan: &Plan) -> Self {
        Self {
            csr: String::new(),
            public_key_sha256: String::new(),
            common_name: plan.wanted.common_name.clone(),
            dns_names: plan.wanted.dns_names.clone(),
            kind: plan.wanted.key.kind().unwrap_or(KeyKind::EcdsaP256),
            origin: KeyOrigin::Provider,
        }
    }

    /// Whether this key and its CSR are what the plan asks for.
    pub fn serves(&self, plan: &Plan) -> bool {
        let wanted = &plan.wanted;
        self.common_name == wanted.common_name
            && self.dns_names == wanted.dns_names
            && Some(self.kind) == wanted.key.kind()
            && match &plan.key {
                KeyChoice::Provider => self.origin == KeyOrigin::Provider,
                KeyChoice::Elsewhere => matches!(&wanted.key, Key::Elsewhere(Some(csr)) if csr.pem == self.csr),
                _ if self.origin == KeyOrigin::Elsewhere => false,
                KeyChoice::Again(key) => *key == self.public_key_sha256,
                // It may have been stored to be used again, before that became wrong.
                KeyChoice::New { unlike } => !unlike.contains(&self.public_key_sha256),
            }
    }
}

#[cfg(test)]
mod tests;

//! Labels. Words of ours are `'static`; names are those of objects that exist.

use kube::ResourceExt;
use prometheus_client::encoding::EncodeLabelSet;

use crate::{
    api::{
        Issuance,
        issuance::{Operation, State, Trigger},
        issuer::IssuerKind,
    },
    controller::any_issuer::AnyIssuer,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EndpointLabels {
    pub provider: &'static str,
    pub method: String,
    pub endpoint: &'static str,
}

impl EndpointLabels {
    pub fn with(self, class: &'static str) -> CallLabels {
        let Self { provider, method, endpoint } = self;
        CallLabels { provider, method, endpoint, class }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CallLabels {
    provider: &'static str,
    method: String,
    endpoint: &'static str,
    class: &'static str,
}

/// As the Issuance spells them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EndedLabels {
    operation: String,
    reason: String,
    result: String,
}

impl EndedLabels {
    pub fn new(operation: Operation, reason: Trigger, result: State) -> Self {
        Self { operation: format!("{operation:?}"), reason: format!("{reason:?}"), result: format!("{result:?}") }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ControllerLabels {
    pub controller: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ReconcileLabels {
    pub controller: &'static str,
    pub result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct WriteLabels {
    pub verb: &'static str,
    pub resource: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KindLabels {
    pub kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StateLabels {
    pub state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CertificateLabels {
    pub namespace: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ActionLabels {
    pub namespace: String,
    pub name: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct UseLabels {
    pub namespace: String,
    pub name: String,
    pub issuer_kind: String,
    pub issuer_name: String,
}

/// One issuer; a ClusterIssuer has no namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub struct IssuerLabels {
    kind: String,
    namespace: String,
    name: String,
}

impl IssuerLabels {
    /// Of the issuer that an Issuance names.
    pub(super) fn of(issuance: &Issuance) -> Self {
        let issuer = &issuance.spec.issuer_ref;
        let namespace = match issuer.kind {
            IssuerKind::Issuer => issuance.namespace().unwrap_or_default(),
            IssuerKind::ClusterIssuer => String::new(),
        };
        Self { kind: format!("{:?}", issuer.kind), namespace, name: issuer.name.clone() }
    }
}

impl From<&AnyIssuer> for IssuerLabels {
    fn from(issuer: &AnyIssuer) -> Self {
        let kind = if issuer.namespace.is_some() { IssuerKind::Issuer } else { IssuerKind::ClusterIssuer };
        Self {
            kind: format!("{kind:?}"),
            namespace: issuer.namespace.clone().unwrap_or_default(),
            name: issuer.name.clone(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct BudgetLabels {
    #[prometheus(flatten)]
    pub issuer: IssuerLabels,
    pub rule: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PaidLabels {
    #[prometheus(flatten)]
    pub issuer: IssuerLabels,
    pub operation: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RememberedLabels {
    pub what: &'static str,
}

//! An Issuer or a ClusterIssuer: the same account, for one namespace or for all that its policy lets in.

use kube::ResourceExt;

use crate::{
    api::{
        ClusterIssuer, Issuer, IssuerSpec, IssuerStatus,
        conditions::{CIRCUIT_OPEN, READY, condition, is_true},
        issuance::Account,
        issuer::IssuerKind,
    },
    lifecycle::certificate::IssuerView,
};

#[derive(Debug, Clone)]
pub struct AnyIssuer {
    pub name: String,
    pub uid: String,
    pub generation: Option<i64>,
    pub spec: IssuerSpec,
    pub status: IssuerStatus,
    /// `None` for a ClusterIssuer, which reads Secrets of the operator's own namespace.
    pub namespace: Option<String>,
}

impl From<&Issuer> for AnyIssuer {
    fn from(issuer: &Issuer) -> Self {
        Self {
            name: issuer.name_any(),
            uid: issuer.uid().unwrap_or_default(),
            generation: issuer.metadata.generation,
            spec: issuer.spec.clone(),
            status: issuer.status.clone().unwrap_or_default(),
            namespace: issuer.namespace(),
        }
    }
}

impl From<&ClusterIssuer> for AnyIssuer {
    fn from(issuer: &ClusterIssuer) -> Self {
        Self {
            name: issuer.name_any(),
            uid: issuer.uid().unwrap_or_default(),
            generation: issuer.metadata.generation,
            spec: issuer.spec.issuer.clone(),
            status: issuer.status.clone().unwrap_or_default(),
            namespace: None,
        }
    }
}

impl AnyIssuer {
    pub fn kind(&self) -> IssuerKind {
        if self.namespace.is_some() { IssuerKind::Issuer } else { IssuerKind::ClusterIssuer }
    }

    pub fn view(&self) -> IssuerView {
        let ready = condition(&self.status.conditions, READY);
        // An account that is away for a while is the one it was.
        let away = is_true(&self.status.conditions, CIRCUIT_OPEN);
        match (ready, &self.status.account) {
            (Some(ready), Some(account)) if ready.status == "True" || away => IssuerView::Ready {
                spec: Box::new(self.spec.clone()),
                account: Account {
                    provider: account.provider.clone(),
                    host: account.host.clone(),
                    id: account.id.clone(),
                },
                kind: self.kind(),
                reservations: self.status.reservations.clone(),
            },
            (Some(ready), _) => IssuerView::NotReady(ready.message.clone()),
            (None, _) => IssuerView::NotReady("its account has not been checked yet".to_owned()),
        }
    }
}

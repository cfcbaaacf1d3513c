//! Workloads are restarted by an annotation of their pod template, as `kubectl rollout restart` does it, but with our
//! own key and field manager: who applies the workload from Git does not own it, and so neither sees nor removes it.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Work;
use crate::{
    api::{
        Issuance,
        certificate::{Workload, WorkloadKind},
        issuance::State,
        meta,
    },
    controller::error::{Error, kube},
    lifecycle::restart::Restarts,
};

/// Of an answer of the API server, in characters.
const MAX_MESSAGE: usize = 512;

impl Work {
    /// Does nothing to a workload that has it behind it: the same annotation is no change. What goes wrong is a fact for
    /// the next decision, not an error: nothing may wait for it.
    pub(super) async fn restart(&mut self, fingerprint: &str) {
        let annotations = json!({meta::RESTARTED_FOR: fingerprint});
        let patch = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        let (mut restarted, mut missing, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for workload in &self.certificate.spec.rollout_restart {
            match self.annotate(workload, &patch).await {
                Ok(()) => restarted.push(workload.to_string()),
                Err(error) if error.is_not_found() => missing.push(workload.to_string()),
                Err(error) => refused.push(why(workload, &error)),
            }
        }
        if !restarted.is_empty() {
            self.announce(&restarted.join(", ")).await;
        }
        self.restarts = match refused.is_empty() {
            true => Restarts::Done { restarted, missing },
            false => Restarts::Refused(refused.join("; ")),
        };
    }

    async fn annotate(&self, workload: &Workload, patch: &Value) -> Result<(), Error> {
        match workload.kind {
            WorkloadKind::Deployment => self.patch::<Deployment>(&workload.name, patch).await,
            WorkloadKind::StatefulSet => self.patch::<StatefulSet>(&workload.name, patch).await,
            WorkloadKind::DaemonSet => self.patch::<DaemonSet>(&workload.name, patch).await,
        }
    }

    /// A merge patch: an apply would create what is gone.
    async fn patch<K>(&self, name: &str, patch: &Value) -> Result<(), Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    {
        let api: Api<K> = Api::namespaced(self.context.client.clone(), &self.namespace);
        let ours = PatchParams { field_manager: Some(meta::FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        kube("restart a workload", api.patch_metadata(name, &ours, &Patch::Merge(patch))).await.map(drop)
    }

    async fn announce(&self, workloads: &str) {
        let state = |issuance: &Issuance| issuance.status.as_ref().and_then(|status| status.state);
        let last = self.issuances.iter().rev().find(|issuance| state(issuance) == Some(State::Installed));
        if let Some(issuance) = last {
            let note = format!("restarted for the new certificate: {workloads}");
            self.context.events.normal(issuance, "Restart", "Restarted", note).await;
        }
    }
}

fn why(workload: &Workload, error: &Error) -> String {
    let Some(status) = error.status() else { return format!("{workload}: {error}") };
    let said: String = status.message.chars().take(MAX_MESSAGE).collect();
    match status.code {
        403 => format!("{workload}: {said} (the chart's rolloutRestart.enabled lets Evercert restart workloads)"),
        _ => format!("{workload}: {said}"),
    }
}

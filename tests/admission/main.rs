//! What the API server itself refuses: schemas, CEL rules, and who may write Issuances.

#![allow(clippy::unwrap_used)]

mod ledger;
mod readers;
mod schema;
mod writers;

use std::process::Output;
use std::time::Duration;

use control_plane::{ControlPlane, shared};
use evercert::api::Issuance;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Client, CustomResourceExt};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// Long enough for a slow machine; only a failure waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The shared control plane with `crds/` installed and in force.
async fn plane() -> &'static ControlPlane {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let plane = shared().await;
    INSTALLED.get_or_init(|| install(plane)).await;
    plane
}

async fn install(plane: &ControlPlane) {
    let applied = kubectl(plane, "apply --server-side -f crds/").await;
    assert_eq!(text(&applied.stderr), "", "the API server has nothing to warn about");
    kubectl(plane, "wait --for=condition=Established --timeout=60s crd --all").await;

    // A policy is in force only when the API server's own watch has seen it.
    let namespace = plane.namespace("probe").await.unwrap();
    let ledger = |client| Api::<DynamicObject>::namespaced_with(client, &namespace, &Issuance::api_resource());
    let anything = json!([{"apiGroups": ["evercert.dev"], "resources": ["*"], "verbs": ["create", "patch"]}]);
    let probe = ledger(person(plane, "probe", anything).await);
    let object = serde_json::from_value(issuance("probe", 1)).unwrap();
    ledger(plane.client()).create(&PostParams::default(), &object).await.unwrap();
    let (state, dry) =
        (Patch::Merge(json!({"status": {"state": "Failed"}})), PatchParams { dry_run: true, ..PatchParams::default() });
    timeout(PATIENCE, async {
        while refused(try_out(&probe, issuance("probe", 2)).await).is_empty() {}
        while refused(probe.patch_status("probe-1", &dry, &state).await).is_empty() {}
    })
    .await
    .unwrap();
}

/// Runs kubectl as the administrator; it has to succeed.
async fn kubectl(plane: &ControlPlane, args: &str) -> Output {
    let output = Command::new(plane.kubectl())
        .args(args.split(' '))
        .env("KUBECONFIG", plane.kubeconfig())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "kubectl {args}: {}", text(&output.stderr));
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A client of somebody who holds exactly these RBAC rules, everywhere.
async fn person(plane: &ControlPlane, name: &str, rules: Value) -> Client {
    let role = json!({"metadata": {"name": name}, "rules": rules});
    let binding = json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}],
    });
    let create = PostParams::default();
    let roles: Api<ClusterRole> = Api::all(plane.client());
    roles.create(&create, &serde_json::from_value(role).unwrap()).await.unwrap();
    let bindings: Api<ClusterRoleBinding> = Api::all(plane.client());
    bindings.create(&create, &serde_json::from_value(binding).unwrap()).await.unwrap();
    plane.client_for(name, &[]).await.unwrap()
}

fn certificate() -> Value {
    json!({
        "apiVersion": "evercert.dev/v1alpha1", "kind": "Certificate", "metadata": {"name": "shop"},
        "spec": {"issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": ["shop.example.com"]},
    })
}

fn issuer(kind: &str) -> Value {
    json!({
        "apiVersion": "evercert.dev/v1alpha1", "kind": kind, "metadata": {"name": "digicert"},
        "spec": {
            "digicert": {"apiKeySecretRef": {"name": "digicert", "key": "api-key"}, "product": "ssl_basic"},
            "policy": {"rules": [{"name": "all", "namespaceSelector": {}}]},
        },
    })
}

fn issuance(certificate: &str, revision: i64) -> Value {
    json!({
        "apiVersion": "evercert.dev/v1alpha1", "kind": "Issuance",
        "metadata": {"name": format!("{certificate}-{revision}")},
        "spec": {
            "certificateRef": {"name": certificate, "uid": "4b6d"},
            "issuerRef": {"name": "digicert"},
            "account": {"provider": "digicert", "host": "www.digicert.com", "id": "77"},
            "revision": revision, "operation": "Reissue", "cost": "Free", "reason": "Expiring", "requestToken": "t1",
            "request": {
                "commonName": "shop.example.com", "dnsNames": ["shop.example.com"], "csr": "-----BEGIN…",
                "publicKeySha256": "ab".repeat(32), "keyOrigin": "Ours", "keyAlgorithm": "ECDSA", "keySize": 256,
                "product": "ssl_basic", "signatureHash": "sha256", "orderValidity": {"years": 1},
                "digicert": {"dcvMethod": "DnsTxt", "skipApproval": true, "organizationUnits": ["Shop"]},
            },
            "parent": {"orderId": "112233"},
            "supersedes": {"publicKeySha256": "cd".repeat(32), "serialNumbers": ["0a"]},
            "idempotencyKey": "00000000-0000-8000-8000-000000000000",
            "submissions": [submission(1)],
        },
    })
}

fn submission(n: i64) -> Value {
    json!({"n": n, "at": "2026-01-01T00:00:00Z", "installation": "i", "holder": "h"})
}

/// RFC 7396: objects merge, null removes, everything else replaces.
fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    target.remove(&key);
                } else {
                    merge(target.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (target, Value::Object(patch)) => {
            *target = json!({});
            merge(target, Value::Object(patch));
        }
        (target, patch) => *target = patch,
    }
}

fn with(mut object: Value, patch: Value) -> Value {
    merge(&mut object, patch);
    object
}

fn dry_run() -> PostParams {
    PostParams { dry_run: true, ..PostParams::default() }
}

/// Creates `object` without storing it.
async fn try_out(api: &Api<DynamicObject>, object: Value) -> kube::Result<DynamicObject> {
    api.create(&dry_run(), &serde_json::from_value(object).unwrap()).await
}

/// The API server's words, or nothing when it accepted.
fn refused<T>(outcome: kube::Result<T>) -> String {
    match outcome {
        Ok(_) => String::new(),
        Err(kube::Error::Api(status)) => status.message,
        Err(other) => panic!("{other}"),
    }
}

/// Compares what the API server says with what a table expects of it; collects, so that one run shows all.
#[derive(Default)]
struct Verdicts(Vec<String>);

impl Verdicts {
    /// `expected` is a part of the refusal; empty means accepted.
    fn check<T>(&mut self, what: &str, expected: &str, outcome: kube::Result<T>) {
        let said = refused(outcome);
        if expected.is_empty() != said.is_empty() || !said.contains(expected) {
            self.0.push(format!("{what}: expected {expected:?}, got {said:?}"));
        }
    }

    fn hold(self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n"));
    }
}

//! `deploy/` installs, gives the operator enough rights and not more, and lets the cluster's own roles see and edit
//! what is theirs.
#![allow(clippy::unwrap_used)]

use std::{process::Stdio, time::Duration};

use control_plane::{ControlPlane, shared};
use k8s_openapi::api::{
    apps::v1::Deployment, authorization::v1::SubjectAccessReview, coordination::v1::Lease, core::v1::Pod,
    rbac::v1::RoleBinding,
};
use kube::{Api, api::PostParams};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    sync::OnceCell,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(60);
const OPERATOR: &str = "system:serviceaccount:evercert:evercert";

#[tokio::test]
async fn the_operator_may_what_it_must_and_no_more() {
    let plane = installed().await;
    let may = [
        "get watch list patch/certificates.evercert.dev",
        "get watch list/issuers.evercert.dev",
        "get watch list/clusterissuers.evercert.dev",
        "update/certificates.evercert.dev/status",
        "update/issuers.evercert.dev/status",
        "update/clusterissuers.evercert.dev/status",
        "get watch list create update patch delete operate/issuances.evercert.dev",
        "update/issuances.evercert.dev/status",
        "get watch list create update delete/secrets.",
        "get watch list/namespaces.",
        "create/events.events.k8s.io",
    ];
    let may_not = [
        "create update delete/certificates.evercert.dev",
        "create update patch delete approve/issuers.evercert.dev",
        "create update patch delete approve/clusterissuers.evercert.dev",
        "deletecollection restore/issuances.evercert.dev",
        "patch deletecollection/secrets.",
        "create update delete/namespaces.",
        "get create update/leases.coordination.k8s.io",
        "get list create/pods.",
        "get create/configmaps.",
        "create update bind escalate/clusterroles.rbac.authorization.k8s.io",
        "create/serviceaccounts./token",
        "impersonate/users.",
    ];
    expect(plane, OPERATOR, "elsewhere", &may, true).await;
    expect(plane, OPERATOR, "elsewhere", &may_not, false).await;
    expect(plane, OPERATOR, "evercert", &["create/leases.coordination.k8s.io"], true).await;
    expect(plane, OPERATOR, "evercert", &["list delete patch/leases.coordination.k8s.io"], false).await;
}

#[tokio::test]
async fn the_roles_of_the_cluster_know_our_kinds() {
    let plane = installed().await;
    let namespace = plane.namespace("people").await.unwrap();
    for role in ["view", "edit", "evercert-approve", "evercert-restore"] {
        let binding = json!({
            "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": format!("{role}er")}],
        });
        let bindings: Api<RoleBinding> = Api::namespaced(plane.client(), &namespace);
        bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
    }
    let see = ["get list watch/certificates.evercert.dev", "get list watch/issuances.evercert.dev"];
    let edit =
        ["create update patch delete/certificates.evercert.dev", "create update patch delete/issuers.evercert.dev"];
    let spend = ["patch/issuances.evercert.dev/status", "approve/issuers.evercert.dev"];
    let write = ["create update patch delete operate/issuances.evercert.dev"];
    let cluster = ["create update patch/clusterissuers.evercert.dev"];

    let people = [("viewer", false, false), ("editer", true, false), ("evercert-approveer", false, true)];
    for (person, edits, spends) in people {
        expect(plane, person, &namespace, &see, true).await;
        expect(plane, person, &namespace, &edit, edits).await;
        expect(plane, person, &namespace, &spend, spends).await;
        expect(plane, person, &namespace, &write, false).await;
        expect(plane, person, &namespace, &cluster, false).await;
    }
    let restore = ["create restore/issuances.evercert.dev", "create update/certificates.evercert.dev"];
    let rewrite = ["update patch delete operate/issuances.evercert.dev", "update patch/issuances.evercert.dev/status"];
    expect(plane, "evercert-restoreer", &namespace, &restore, true).await;
    expect(plane, "evercert-restoreer", &namespace, &rewrite, false).await;
}

#[tokio::test]
async fn its_pod_is_allowed_in_its_namespace() {
    let plane = installed().await;
    let deployment: Deployment = Api::namespaced(plane.client(), "evercert").get("evercert").await.unwrap();
    let spec = deployment.spec.unwrap().template.spec;
    let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "evercert"}, "spec": spec})).unwrap();
    let pods: Api<Pod> = Api::namespaced(plane.client(), "evercert");
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let created = pods.create(&dry, &pod).await.unwrap();
    assert_eq!(
        created.spec.unwrap().containers[0].image.as_deref(),
        Some(concat!("evercert:", env!("CARGO_PKG_VERSION")))
    );
}

#[tokio::test]
async fn with_these_rights_the_operator_becomes_ready_and_ends_in_order() {
    let plane = installed().await;
    let mut operator = Operator::start(plane).await;
    let address = operator.line("probes and metrics are served").await["address"].as_str().unwrap().to_owned();
    operator.line("holding the lease").await;
    let get = async |path: &str| reqwest::get(format!("http://{address}{path}")).await.unwrap();
    let ready = async { while !get("/readyz").await.status().is_success() {} };
    timeout(PATIENCE, ready).await.expect("it becomes ready");
    assert!(get("/livez").await.status().is_success());
    assert!(get("/metrics").await.text().await.unwrap().contains("evercert_build_info"));

    let leases: Api<Lease> = Api::namespaced(plane.client(), "evercert");
    assert!(leases.get("evercert").await.unwrap().spec.unwrap().holder_identity.is_some());
    operator.terminate().await;
    assert!(
        leases.get("evercert").await.unwrap().spec.unwrap().holder_identity.is_none(),
        "the lease was not released"
    );
}

struct Operator {
    process: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Operator {
    async fn start(plane: &ControlPlane) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_evercert"))
            .args(["run", "--listen=127.0.0.1:0"])
            .env("KUBECONFIG", plane.kubeconfig_for(OPERATOR, &["system:serviceaccounts"]).unwrap())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, log }
    }

    /// The next line of the log with this message.
    async fn line(&mut self, message: &str) -> Value {
        let found = async {
            loop {
                let line = self.log.next_line().await.unwrap().expect("the operator goes on");
                let line: Value = serde_json::from_str(&line).unwrap();
                if line["message"] == message {
                    return line;
                }
            }
        };
        timeout(PATIENCE, found).await.unwrap()
    }

    async fn terminate(mut self) {
        let pid = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").arg(pid).status().await.unwrap().success());
        let end = timeout(PATIENCE, self.process.wait()).await.unwrap().unwrap();
        assert!(end.success(), "{end}");
    }
}

/// The shared control plane with `crds/` and `deploy/` installed, twice, as an upgrade does.
async fn installed() -> &'static ControlPlane {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let plane = shared().await;
    let install = async || {
        for _ in 0..2 {
            kubectl(plane, &["apply", "--server-side", "-f", "crds/"]).await;
            kubectl(plane, &["apply", "-k", "deploy/"]).await;
        }
        kubectl(plane, &["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]).await;
    };
    INSTALLED.get_or_init(install).await;
    plane
}

async fn kubectl(plane: &ControlPlane, args: &[&str]) {
    let output = Command::new(plane.kubectl())
        .args(args)
        .env("KUBECONFIG", plane.kubeconfig())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Asks the authorizer, until its own watches have seen the roles, about each `verb verb/resource.group/subresource`.
async fn expect(plane: &ControlPlane, user: &str, namespace: &str, rights: &[&str], allowed: bool) {
    let reviews: Api<SubjectAccessReview> = Api::all(plane.client());
    for right in rights {
        let (verbs, resource) = right.split_once('/').unwrap();
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let (resource, group) = resource.split_once('.').unwrap();
        for verb in verbs.split(' ') {
            let attributes = json!({
                "namespace": namespace, "verb": verb,
                "group": group, "resource": resource, "subresource": subresource,
            });
            let review = json!({"spec": {"user": user, "resourceAttributes": attributes}});
            let review = serde_json::from_value(review).unwrap();
            let answered = async || {
                let answer = reviews.create(&PostParams::default(), &review).await.unwrap();
                answer.status.unwrap().allowed == allowed
            };
            let told = async { while !answered().await {} };
            timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("{user} {verb} {resource}: not {allowed}"));
        }
    }
}

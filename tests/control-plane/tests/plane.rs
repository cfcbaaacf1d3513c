//! What the operator's tests rely on: every part of the plane works, and nothing of it stays behind.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use control_plane::{ControlPlane, Options, shared};
use k8s_openapi::api::{
    admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
    core::v1::{ConfigMap, Namespace, Secret, ServiceAccount},
    rbac::v1::{Role, RoleBinding},
};
use kube::{
    Api, Resource,
    api::{DeleteParams, ListParams, PostParams},
    runtime::wait::{await_condition, conditions::is_deleted},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn namespaces_come_with_a_service_account_and_go() -> Result<()> {
    let plane = shared().await;
    let namespace = plane.namespace("coming").await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(plane.client(), &namespace);
    let config_maps: Api<ConfigMap> = Api::namespaced(plane.client(), &namespace);
    eventually(async || Ok(accounts.get_opt("default").await?.is_some())).await?;
    eventually(async || Ok(config_maps.get_opt("kube-root-ca.crt").await?.is_some())).await?;

    let namespaces: Api<Namespace> = Api::all(plane.client());
    delete(&namespaces, &namespace).await?;
    ensure!(config_maps.list(&ListParams::default()).await?.items.is_empty());
    Ok(())
}

#[tokio::test]
async fn kubectl_creates_a_token() -> Result<()> {
    let plane = shared().await;
    let output = Command::new(plane.kubectl())
        .arg("--kubeconfig")
        .arg(plane.kubeconfig())
        .args(["create", "token", "default"])
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let token = String::from_utf8(output.stdout)?;
    ensure!(token.trim().split('.').count() == 3, "not a JWT");
    Ok(())
}

#[tokio::test]
async fn admission_policies_bite() -> Result<()> {
    let plane = shared().await;
    let namespace = plane.namespace("guarded").await?;
    let client = plane.client();
    create::<ValidatingAdmissionPolicy>(
        &Api::all(client.clone()),
        json!({
            "metadata": {"name": "no-colour"},
            "spec": {
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"],
                }]},
                "validations": [{"expression": "!has(object.data) || !('colour' in object.data)"}],
            },
        }),
    )
    .await?;
    create::<ValidatingAdmissionPolicyBinding>(
        &Api::all(client.clone()),
        json!({"metadata": {"name": "no-colour"}, "spec": {
            "policyName": "no-colour",
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}},
        }}),
    )
    .await?;

    let config_maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    create(&config_maps, json!({"metadata": {"name": "plain"}, "data": {"shape": "round"}})).await?;
    eventually(async || {
        let painted = json!({"metadata": {"generateName": "painted-"}, "data": {"colour": "red"}});
        Ok(create(&config_maps, painted).await.is_err_and(|error| error.to_string().contains("no-colour")))
    })
    .await
}

#[tokio::test]
async fn what_lost_its_owner_is_collected() -> Result<()> {
    let plane = shared().await;
    let namespace = plane.namespace("owned").await?;
    let config_maps: Api<ConfigMap> = Api::namespaced(plane.client(), &namespace);
    let owner = create(&config_maps, json!({"metadata": {"name": "owner"}})).await?;
    let reference = owner.owner_ref(&()).context("it has a uid")?;
    create(&config_maps, json!({"metadata": {"name": "owned", "ownerReferences": [reference]}})).await?;

    delete(&config_maps, "owner").await?;
    timeout(PATIENCE, await_condition(config_maps, "owned", is_deleted(""))).await??;
    Ok(())
}

#[tokio::test]
async fn a_user_may_only_what_a_role_grants() -> Result<()> {
    let plane = shared().await;
    let namespace = plane.namespace("ruled").await?;
    let client = plane.client();
    let user = plane.client_for("reader@example.com", &["readers"]).await?;
    let theirs: Api<ConfigMap> = Api::namespaced(user.clone(), &namespace);
    ensure!(theirs.list(&ListParams::default()).await.is_err_and(|error| error.to_string().contains("forbidden")));

    create::<Role>(
        &Api::namespaced(client.clone(), &namespace),
        json!({"metadata": {"name": "reader"}, "rules": [
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]},
        ]}),
    )
    .await?;
    create::<RoleBinding>(
        &Api::namespaced(client, &namespace),
        json!({
            "metadata": {"name": "readers"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "readers"}],
        }),
    )
    .await?;
    eventually(async || Ok(theirs.list(&ListParams::default()).await.is_ok())).await?;
    let secrets: Api<Secret> = Api::namespaced(user, &namespace);
    ensure!(secrets.list(&ListParams::default()).await.is_err());
    Ok(())
}

#[tokio::test]
async fn the_audit_log_tells_of_a_secret_but_not_its_content() -> Result<()> {
    let plane = shared().await;
    let namespace = plane.namespace("audited").await?;
    let secrets: Api<Secret> = Api::namespaced(plane.client(), &namespace);
    create(&secrets, json!({"metadata": {"name": "quiet"}, "stringData": {"key": "unheard-of"}})).await?;

    let uri = format!("/api/v1/namespaces/{namespace}/secrets");
    eventually(async || Ok(fs::read_to_string(plane.audit_log())?.contains(&uri))).await?;
    let log = fs::read_to_string(plane.audit_log())?;
    ensure!(!log.contains("unheard-of") && !log.contains("dW5oZWFyZC1vZ"));
    Ok(())
}

#[tokio::test]
async fn two_live_side_by_side_and_one_stops() -> Result<()> {
    let other = ControlPlane::start(Options::default()).await?;
    let ours = other.namespace("only-here").await?;
    let theirs: Api<Namespace> = Api::all(shared().await.client());
    ensure!(theirs.get_opt(&ours).await?.is_none());

    let (dir, processes) = (other.dir().to_owned(), processes(other.dir())?);
    ensure!(processes.iter().all(|process| process.exists()));
    other.stop().await;
    ensure!(!processes.iter().any(|process| process.exists()), "left behind: {processes:?}");
    ensure!(!dir.exists());
    theirs.get("default").await?;
    Ok(())
}

#[tokio::test]
async fn nothing_survives_a_killed_parent() -> Result<()> {
    let mut parent =
        Command::new(env!("CARGO_BIN_EXE_control-plane")).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut kubeconfig = String::new();
    BufReader::new(parent.stdout.take().context("piped")?).read_line(&mut kubeconfig)?;
    let dir = Path::new(kubeconfig.trim()).parent().context("a path")?;
    let processes = processes(dir)?;
    ensure!(processes.iter().all(|process| process.exists()));

    parent.kill()?;
    parent.wait()?;
    eventually(async || Ok(!dir.exists() && !processes.iter().any(|process| process.exists()))).await
}

/// The `/proc` entries of a plane's servers and of the shells above them.
fn processes(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut processes = Vec::new();
    for name in ["etcd", "kube-apiserver", "kube-controller-manager"] {
        let mut pid = fs::read_to_string(dir.join(format!("{name}.pid")))?.trim().to_owned();
        for _ in 0..3 {
            let process = Path::new("/proc").join(&pid);
            let status = fs::read_to_string(process.join("status"))?;
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).context("a parent")?;
            pid = parent.trim().to_owned();
            processes.push(process);
        }
    }
    Ok(processes)
}

async fn create<K>(api: &Api<K>, object: Value) -> Result<K>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + serde::Serialize,
{
    Ok(api.create(&PostParams::default(), &serde_json::from_value(object)?).await?)
}

/// Deletes it and waits until it is gone.
async fn delete<K>(api: &Api<K>, name: &str) -> Result<()>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + Resource + Send + 'static,
{
    let uid = api.delete(name, &DeleteParams::default()).await?.left().and_then(|it| it.meta().uid.clone());
    timeout(PATIENCE, await_condition(api.clone(), name, is_deleted(&uid.unwrap_or_default()))).await??;
    Ok(())
}

async fn eventually(holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let waiting = async {
        while !holds().await? {
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    };
    timeout(PATIENCE, waiting).await?
}

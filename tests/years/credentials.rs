//! Credentials are rotated under the operator's feet: its own at the API server, and an issuer's at the CA.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use harness::{Times, World, WorldOptions, condition};
use k8s_openapi::api::{
    authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec},
    core::v1::{Secret, ServiceAccount},
};
use kube::{Api, ResourceExt, api::PostParams};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep, timeout};

const ACCOUNT: &str = "operator";
/// Longer than a token is kept in memory.
const PATIENCE: Duration = Duration::from_secs(120);

/// As the kubelet does it: the new token is in the file while the old one is good, and a while later that ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_service_account_token_is_read_from_its_file() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    world.kubectl(&["create", "serviceaccount", ACCOUNT])?;
    let subject = format!("--serviceaccount=default:{ACCOUNT}");
    world.kubectl(&["create", "clusterrolebinding", ACCOUNT, "--clusterrole=cluster-admin", &subject])?;
    let dir = tempfile::tempdir()?;
    let (file, kubeconfig) = (dir.path().join("token"), dir.path().join("kubeconfig"));
    fs::write(&file, token(&world, "first").await?)?;
    fs::write(&kubeconfig, serde_json::to_vec(&reading(&world, &file)?)?)?;
    let operator = world.operator_with(&[("KUBECONFIG", &kubeconfig.to_string_lossy())]).await?;
    world.objects.ask("before", json!({})).await?;
    world.ready_and_paid_once("before").await?;

    let used = ids(&world)?.len();
    fs::write(&file, token(&world, "second").await?)?;
    let changed = async {
        while ids(&world)?.len() == used {
            sleep(Duration::from_millis(200)).await;
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, changed).await.context("the new token is not used")??;
    let secrets: Api<Secret> = Api::namespaced(world.objects.client.clone(), "default");
    secrets.delete("first", &Default::default()).await?;
    world.objects.ask("after", json!({})).await?;
    world.ready_and_paid_once("after").await?;
    ensure!(!operator.has_ended(), "{}", operator.log());
    Ok(())
}

/// The next process uses it; what has begun is finished before, and nothing is said twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_client_certificate_is_made_room_for() -> Result<()> {
    let times = Times { call: 30, lease: 60, settle: 30 };
    let world = World::start(WorldOptions { times, ..WorldOptions::default() }).await?;
    let dir = tempfile::tempdir()?;
    let kubeconfig = dir.path().join("kubeconfig");
    let admin = "system:masters";
    let config = log_in(&world, dir.path(), "first", admin)?;
    fs::write(&kubeconfig, serde_json::to_vec(&config)?)?;
    let environment = [("KUBECONFIG", &*kubeconfig.to_string_lossy())];
    let mut operator = world.operator_with(&environment).await?;
    world.objects.ask("before", json!({})).await?;
    world.ready_and_paid_once("before").await?;

    // The call takes longer than it takes to notice.
    world.ordering("during", json!({"kind": "latency", "milliseconds": 22_000})).await?;
    log_in(&world, dir.path(), "second", admin)?;
    ensure!(operator.ended().await? == 0, "{}", operator.log());
    ensure!(operator.log().contains("the client certificate was replaced"), "{}", operator.log());
    ensure!(world.leader().await?.is_none_or(|leader| leader.is_empty()), "the lease is not released");
    let issuance = world.objects.get("Issuance", "during-1").await?;
    ensure!(issuance["status"]["orderId"].is_string(), "its call was not finished: {:#}", issuance["status"]);
    let _next = world.operator_with(&environment).await?;
    world.ready_and_paid_once("during").await?;
    ensure!(users(&world)?.contains("second"), "it is not used: {:?}", users(&world)?);
    Ok(())
}

/// Puts a client certificate of this user and its key into files. Returns a kubeconfig that names them.
fn log_in(world: &World, dir: &Path, user: &str, group: &str) -> Result<Value> {
    let mut config: Value = serde_json::from_slice(&fs::read(world.plane.kubeconfig_for(user, &[group])?)?)?;
    let login = &mut config["users"][0]["user"];
    for part in ["client-certificate", "client-key"] {
        let data = login[format!("{part}-data")].take();
        let data = BASE64.decode(data.as_str().context("no data")?)?;
        fs::write(dir.join(part), data)?;
    }
    config["users"][0]["user"] = json!({
        "client-certificate": dir.join("client-certificate"), "client-key": dir.join("client-key"),
    });
    Ok(config)
}

/// Who has called.
fn users(world: &World) -> Result<BTreeSet<String>> {
    let log = fs::read_to_string(world.plane.audit_log())?;
    // The last line may still be written.
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(events.filter_map(|event| Some(event["user"]["username"].as_str()?.to_owned())).collect())
}

/// A token that ends with the Secret of this name.
async fn token(world: &World, bound_to: &str) -> Result<String> {
    let client = world.objects.client.clone();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "default");
    let mut secret = Secret::default();
    secret.metadata.name = Some(bound_to.to_owned());
    let secret = secrets.create(&PostParams::default(), &secret).await?;
    let bound = BoundObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Secret".to_owned()),
        name: Some(secret.name_any()),
        uid: secret.uid(),
    };
    let spec = TokenRequestSpec { bound_object_ref: Some(bound), ..TokenRequestSpec::default() };
    let accounts: Api<ServiceAccount> = Api::namespaced(client, "default");
    let request = TokenRequest { spec, ..TokenRequest::default() };
    let answer = accounts.create_token_request(ACCOUNT, &PostParams::default(), &request).await?;
    Ok(answer.status.context("no token")?.token)
}

/// The administrator's kubeconfig, with a token that is read from a file.
fn reading(world: &World, token: &Path) -> Result<Value> {
    let mut config: Value = serde_json::from_slice(&fs::read(world.plane.kubeconfig())?)?;
    config["users"][0]["user"] = json!({"tokenFile": token});
    Ok(config)
}

/// Which tokens of the account have been used.
fn ids(world: &World) -> Result<BTreeMap<String, usize>> {
    let mut ids = BTreeMap::new();
    for line in fs::read_to_string(world.plane.audit_log())?.lines() {
        // The last line may still be written.
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        if event["user"]["username"] == format!("system:serviceaccount:default:{ACCOUNT}") {
            let id = event["user"]["extra"]["authentication.kubernetes.io/credential-id"][0].as_str();
            *ids.entry(id.unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    Ok(ids)
}

/// Another key of the same account, and the end of the old one: nothing is asked for, and the next operation uses it.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_api_key_is_the_same_account() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let operator = world.operator().await?;
    world.objects.ask("before", json!({})).await?;
    world.ready_and_paid_once("before").await?;
    let account = world.objects.get("Issuer", "digicert").await?["status"]["account"].clone();

    let id = &world.sandbox.ready()["digicert"]["accountId"];
    let added = world.sandbox.post(&format!("/_sandbox/accounts/{id}"), &json!({"addKey": "none"})).await?;
    let key = added["addedKey"].as_str().context("no key")?;
    let patch = json!({"stringData": {"api-key": key}}).to_string();
    let secret = ["-n", &world.objects.namespace, "patch", "secret", "digicert-api-key", "-p", &patch];
    world.kubectl(&secret)?;
    let old = json!({"revokeKey": world.sandbox.ready()["digicert"]["apiKey"]});
    world.sandbox.post(&format!("/_sandbox/accounts/{id}"), &old).await?;
    // Has the account looked at again.
    world
        .objects
        .patch("Issuer", "digicert", json!({"spec": {"digicert": {"disableRenewalNotifications": true}}}))
        .await?;
    let looked_at = |issuer: &Value| {
        condition(issuer, "Ready").is_some_and(|ready| {
            ready["status"] == "True" && ready["observedGeneration"] == issuer["metadata"]["generation"]
        })
    };
    let issuer = world.objects.until("Issuer", "digicert", "its account is looked at", looked_at).await?;
    ensure!(issuer["status"]["account"] == account, "another account: {:#}", issuer["status"]);
    world.objects.ask("after", json!({})).await?;
    world.ready_and_paid_once("after").await?;
    let before = world.objects.get("Certificate", "before").await?;
    ensure!(before["status"]["revision"] == 1, "{:#}", before["status"]);
    ensure!(!operator.has_ended());
    Ok(())
}

//! One object that is beyond help, and the others.

use anyhow::{Context, Result, ensure};
use harness::{World, WorldOptions};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep, timeout};

const KINDS: [(&str, &str); 2] = [("Certificate", "certificates"), ("Issuance", "issuances")];

/// Stored under an older, weaker schema.
#[tokio::test(flavor = "multi_thread")]
async fn objects_that_cannot_be_read_are_reported_and_stop_nothing() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    for (kind, plural) in KINDS {
        store_garbage(&world, kind, plural, "before").await?;
    }
    let mut operator = world.operator().await?;
    world.objects.ask("shop", json!({})).await?;
    world.ready_and_paid_once("shop").await?;

    for (kind, plural) in KINDS {
        store_garbage(&world, kind, plural, "while-it-runs").await?;
    }
    world.objects.ask("www", json!({})).await?;
    world.ready_and_paid_once("www").await?;
    for (kind, _) in KINDS {
        for name in ["before-1", "while-it-runs-1"] {
            let reported =
                |line: &str| ["cannot be read and is left alone", kind, name].iter().all(|part| line.contains(part));
            let told = operator.until("it reports them", |log| log.lines().any(reported)).await;
            told.with_context(|| format!("{kind} {name}"))?;
        }
    }
    ensure!(!operator.has_ended());
    Ok(())
}

/// Takes the schema away, stores what it would refuse, and puts it back.
async fn store_garbage(world: &World, kind: &str, plural: &str, name: &str) -> Result<()> {
    let crds: Api<CustomResourceDefinition> = Api::all(world.objects.client.clone());
    let crd = format!("{plural}.evercert.dev");
    let path = "/spec/versions/0/schema/openAPIV3Schema";
    let strict = serde_json::to_value(crds.get(&crd).await?)?;
    let set = async |schema: &Value| {
        let patch = serde_json::from_value(json!([{"op": "replace", "path": path, "value": schema}]))?;
        crds.patch(&crd, &PatchParams::default(), &Patch::Json::<()>(patch)).await?;
        anyhow::Ok(())
    };
    set(&lax(lax(lax(json!({"name": {"type": "string"}}), "certificateRef"), "spec"), "")).await?;
    let garbage = serde_json::from_value(json!({
        "apiVersion": "evercert.dev/v1alpha1", "kind": kind, "metadata": {"name": format!("{name}-1")},
        "spec": {"dnsNames": "no list", "request": 7, "issuerRef": ["x"]},
    }))?;
    // The new schema counts a moment later.
    let stored = async {
        while let Err(refused) = world.objects.api(kind).create(&PostParams::default(), &garbage).await {
            ensure!(matches!(&refused, kube::Error::Api(status) if status.code == 422), "{refused}");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    };
    timeout(Duration::from_secs(60), stored).await.context("the schema stays strict")??;
    set(strict.pointer(path).context("a schema")?).await
}

/// Says nothing but that these fields exist; one of them can be selected by.
fn lax(fields: Value, within: &str) -> Value {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": fields});
    if within.is_empty() { open } else { json!({within: open}) }
}

/// A reconcile that panics twice, and is tried a third time.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_one_reconcile_which_is_repeated_later() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let operator = world.operator_with(&[("EVERCERT_PANIC_AT", "install.before@poor-1")]).await?;
    for name in ["poor", "rich"] {
        world.objects.ask(name, json!({})).await?;
    }
    world.ready_and_paid_once("rich").await?;
    world.ready_and_paid_once("poor").await?;
    let log = operator.log();
    let delays: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("reconcile failed") && line.contains("panicked"))
        .filter_map(|line| line.split("delay=").nth(1)?.split_whitespace().next())
        .collect();
    ensure!(delays == ["1s", "2s"], "the back-off was {delays:?}:\n{log}");
    Ok(())
}

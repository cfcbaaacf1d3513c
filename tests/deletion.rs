//! What the deletion of a Certificate takes along, by policy, on a real API server and the sandbox CA.

use anyhow::{Context, Result, ensure};
use evercert::pki::{KeyKind, PrivateKey, SignatureHash, csr};
use harness::{World, WorldOptions, condition};
use kube::ResourceExt;
use serde_json::{Value, json};
use x509_parser::{prelude::FromDer, revocation_list::CertificateRevocationList};

fn spec(name: &str, policy: &str) -> Value {
    json!({
        "issuerRef": {"name": "digicert"}, "secretName": name, "dnsNames": [format!("{name}.example.com")],
        "deletionPolicy": policy,
    })
}

/// How often the CA has accepted this for `<name>.example.com`.
async fn count(world: &World, kind: &str, name: &str) -> Result<usize> {
    Ok(world.sandbox.ledger().await?.count(kind, &format!("{name}.example.com")))
}

async fn create(world: &World, name: &str, policy: &str) -> Result<Value> {
    world.objects.create("Certificate", name, spec(name, policy)).await?;
    world.objects.until_ready(name, 1).await
}

/// Deletes it, and waits until it is gone.
async fn delete(world: &World, name: &str) -> Result<()> {
    world.objects.delete("Certificate", name).await?;
    gone(world, &format!("evcert/{name}"))
}

fn gone(world: &World, what: &str) -> Result<()> {
    world.kubectl(&["wait", "--for=delete", "-n", &world.objects.namespace, what, "--timeout=60s"]).map(drop)
}

/// Serial numbers on the CRL, lower-case hexadecimal.
async fn revoked(world: &World) -> Result<Vec<String>> {
    let der = world.sandbox.crl().await?;
    let (_, crl) = CertificateRevocationList::from_der(&der)?;
    Ok(crl.iter_revoked_certificates().map(|revoked| format!("{:x}", revoked.serial())).collect())
}

/// Somebody asks in CertCentral for another key on an order. Returns the serial number.
async fn duplicate_by_hand(world: &World, order: &str, name: &str) -> Result<String> {
    let key = PrivateKey::generate(KeyKind::EcdsaP256)?;
    let names = [name.to_owned()];
    let csr = csr::build(&key, Some(name), &names, SignatureHash::Sha256)?;
    let body = json!({
        "certificate": {"common_name": name, "dns_names": names, "csr": csr, "signature_hash": "sha256"},
        "skip_approval": true,
    });
    let digicert = &world.sandbox.ready()["digicert"];
    let (url, api_key) =
        (digicert["url"].as_str().unwrap_or_default(), digicert["apiKey"].as_str().unwrap_or_default());
    let http = reqwest::Client::new();
    let url = format!("{url}/order/certificate/{order}/duplicate");
    let made = http.post(&url).header("X-DC-DEVKEY", api_key).json(&body).send().await?;
    ensure!(made.status() == 201, "{}: {}", made.status(), made.text().await?);
    let listed: Value = http.get(&url).header("X-DC-DEVKEY", api_key).send().await?.json().await?;
    Ok(listed["certificates"][0]["serial_number"].as_str().context("a serial")?.to_lowercase())
}

fn finalizers(object: &Value) -> &Value {
    &object["metadata"]["finalizers"]
}

#[tokio::test(flavor = "multi_thread")]
async fn retain_and_delete_call_nobody_and_the_secret_follows_the_policy() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    for name in ["kept", "owned", "edited"] {
        let policy = if name == "owned" { "Delete" } else { "Retain" };
        let ready = create(&world, name, policy).await?;
        ensure!(finalizers(&ready).is_null(), "the operator writes no finalizer: {}", finalizers(&ready));
    }
    let owners = async |name: &str| -> Result<usize> {
        Ok(objects.secret(name).await?.context("no Secret")?.owner_references().len())
    };
    ensure!(owners("kept").await? == 0 && owners("owned").await? == 1);

    // The Secret's owner is kept in sync with the policy, both ways.
    for (policy, expected) in [("Delete", 1), ("Retain", 0), ("Delete", 1)] {
        objects.patch("Certificate", "edited", json!({"spec": {"deletionPolicy": policy}})).await?;
        objects.until_ready("edited", 1).await?;
        ensure!(owners("edited").await? == expected, "{policy}");
    }
    for name in ["kept", "owned", "edited"] {
        delete(&world, name).await?;
    }
    gone(&world, "secret/owned")?;
    gone(&world, "secret/edited")?;
    ensure!(objects.secret("kept").await?.is_some(), "Retain keeps the Secret");
    let ledger = world.sandbox.ledger().await?;
    ensure!(ledger.operations.iter().all(|operation| operation.kind == "order"), "nobody was called: {ledger:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn revoke_revokes_what_was_obtained_then_removes_secret_and_object() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;

    // One order with a reissue, and nothing else on it: revoked as a whole.
    let first = create(&world, "whole", "Revoke").await?;
    ensure!(*finalizers(&first) == json!(["evercert.dev/revoke"]), "{}", finalizers(&first));
    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "once"}}});
    objects.patch("Certificate", "whole", token).await?;
    let second = objects.until_ready("whole", 2).await?;
    // Somebody has asked for another certificate on this one's order, by hand.
    let other = create(&world, "shared", "Revoke").await?;
    let by_hand = duplicate_by_hand(&world, order_of(&other), "shared.example.com").await?;

    delete(&world, "whole").await?;
    ensure!(objects.secret("whole").await?.is_none(), "the Secret goes before the object");
    delete(&world, "shared").await?;
    ensure!(objects.secret("shared").await?.is_none());
    let crl = revoked(&world).await?;
    for certificate in [&first, &second, &other] {
        let serial = certificate["status"]["serialNumber"].as_str().context("a serial")?;
        ensure!(crl.iter().any(|known| known == serial), "{serial} is not revoked: {crl:?}");
    }
    ensure!(!crl.contains(&by_hand), "what was made by hand is left alone");
    ensure!(count(&world, "revoke", "shared").await? == 1);
    let recorded = objects.get("Issuance", "whole-2").await?;
    ensure!(recorded["status"]["revokedSerials"] == json!([second["status"]["serialNumber"]]), "{recorded:#}");

    // Edited away in time, nothing is revoked.
    let kept = create(&world, "kept", "Revoke").await?;
    objects.patch("Certificate", "kept", json!({"spec": {"deletionPolicy": null}})).await?;
    objects.until("Certificate", "kept", "it has no finalizer", |object| finalizers(object).is_null()).await?;
    delete(&world, "kept").await?;
    let serial = kept["status"]["serialNumber"].as_str().context("a serial")?.to_owned();
    ensure!(!revoked(&world).await?.contains(&serial) && objects.secret("kept").await?.is_some());
    Ok(())
}

fn order_of(certificate: &Value) -> &str {
    certificate["status"]["order"]["orderId"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pending_is_canceled_or_shown_and_nothing_more_is_asked_for() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;

    // Waits for validation: the order is canceled, and the Issuance records it.
    world
        .sandbox
        .fault(&json!({"match": {"operation": "order", "commonName": "pending.example.com"}, "kind": "stayPending"}))
        .await?;
    objects.create("Certificate", "pending", spec("pending", "Revoke")).await?;
    objects
        .until("Issuance", "pending-1", "it is placed", |issuance| issuance["status"]["orderId"].is_string())
        .await?;
    delete(&world, "pending").await?;
    ensure!(count(&world, "cancel", "pending").await? == 1 && count(&world, "order", "pending").await? == 1);
    let ended = objects.get("Issuance", "pending-1").await?;
    ensure!(ended["status"]["state"] == "Failed" && ended["status"]["failure"]["class"] == "Withdrawn", "{ended:#}");

    // Created again under the same name it begins anew: nobody has to be asked about what we canceled ourselves.
    world.sandbox.clear_faults().await?;
    objects.create("Certificate", "pending", spec("pending", "Retain")).await?;
    objects.until_ready("pending", 2).await?;
    ensure!(count(&world, "order", "pending").await? == 2);

    // Under Retain a pending order is only recorded: the Issuance follows it to its certificate.
    world
        .sandbox
        .fault(&json!({"match": {"operation": "order", "commonName": "retained.example.com"}, "kind": "stayPending"}))
        .await?;
    objects.create("Certificate", "retained", spec("retained", "Retain")).await?;
    let placed = objects
        .until("Issuance", "retained-1", "it is placed", |issuance| issuance["status"]["orderId"].is_string())
        .await?;
    delete(&world, "retained").await?;
    let order = placed["status"]["orderId"].as_str().context("an order")?;
    world.sandbox.post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await?;
    objects.until_issuance("retained-1", "Issued").await?;
    ensure!(count(&world, "cancel", "retained").await? == 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_canceled_is_shown_and_revoked_once_it_is_issued() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let pending = json!({"match": {"operation": "order"}, "kind": "stayPending"});
    world.sandbox.fault(&pending).await?;
    let refused = json!({"match": {"operation": "cancel"}, "kind": "errorBeforeCommit", "status": 400, "times": 1000});
    world.sandbox.fault(&refused).await?;
    objects.create("Certificate", "late", spec("late", "Revoke")).await?;
    let placed = |issuance: &Value| issuance["status"]["orderId"].is_string();
    let issuance = objects.until("Issuance", "late-1", "it is placed", placed).await?;
    let order = issuance["status"]["orderId"].as_str().context("an order")?.to_owned();
    objects.delete("Certificate", "late").await?;
    let shown = |object: &Value| {
        let asked = condition(object, "ActionRequired").and_then(|asked| asked["message"].as_str());
        asked.is_some_and(|message| message.contains(&order) && message.contains("could not be canceled"))
    };
    objects.until("Issuance", "late-1", "it says so", shown).await?;
    world.sandbox.post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await?;
    gone(&world, "evcert/late")?;
    let ended = objects.get("Issuance", "late-1").await?;
    let serial = ended["status"]["serialNumber"].as_str().context("a serial")?.to_owned();
    ensure!(ended["status"]["state"] == "Superseded", "never to be installed: {ended:#}");
    ensure!(revoked(&world).await?.contains(&serial) && objects.secret("late").await?.is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_cannot_revoke_gives_up_and_says_so() -> Result<()> {
    let options = WorldOptions { operator: vec!["--give-up-after".into(), "4s".into()], ..WorldOptions::default() };
    let world = World::start(options).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let ready = create(&world, "stuck", "Revoke").await?;
    world.sandbox.fault(&json!({"match": {"path": "/order/certificate/*"}, "kind": "errorBeforeCommit", "status": 503, "times": 1000})).await?;
    delete(&world, "stuck").await?;
    let serial = ready["status"]["serialNumber"].as_str().context("a serial")?;
    let events = world.kubectl(&[
        "get",
        "events",
        "-n",
        &objects.namespace,
        "--field-selector",
        "reason=GivenUp",
        "-o",
        "json",
    ])?;
    ensure!(events.contains(&format!("not revoked: {serial}")), "{events}");
    ensure!(objects.secret("stuck").await?.is_some(), "its certificate is valid, so the Secret stays");
    ensure!(count(&world, "revoke", "stuck").await? == 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_goes_with_its_issuer_and_does_not_hang() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    create(&world, "gone", "Revoke").await?;
    world.kubectl(&["delete", "namespace", &world.objects.namespace, "--timeout=60s"])?;
    Ok(())
}

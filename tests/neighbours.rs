//! Two installations of Evercert on one account, each in a cluster of its own and with the same names for everything:
//! neither takes, reissues, renews or revokes what is the other's.

use anyhow::{Context, Result, ensure};
use harness::{Ledger, World, WorldOptions, common_name, condition, play, scene};
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use serde_json::{Value, json};
use x509_parser::{prelude::FromDer, revocation_list::CertificateRevocationList};

#[tokio::test(flavor = "multi_thread")]
async fn two_installations_on_one_account_keep_their_hands_off_each_others_orders() -> Result<()> {
    let operator = ["--revocation-period", "1s"].map(str::to_owned).to_vec();
    let ours = World::start(WorldOptions { unlimited: true, operator, ..WorldOptions::default() }).await?;
    let theirs = ours.beside().await?;
    ensure!(ours.objects.namespace == theirs.objects.namespace, "the names differ");
    let (_ours, _theirs) = tokio::try_join!(ours.operator(), theirs.operator())?;
    play([
        scene("both answers are lost", lost_answers(&ours, &theirs)),
        scene("one call is lost", a_lost_call(&ours, &theirs)),
        scene("their key and their order", their_key_and_their_order(&ours, &theirs)),
        scene("one key is lost", a_lost_key(&ours, &theirs)),
        scene("both are pending", pending(&ours, &theirs)),
        scene("one is revoked", a_revocation(&ours, &theirs)),
    ])
    .await?;
    lives(&ours, &theirs).await
}

/// The answer to either is lost: of two orders for one name, each finds its own.
async fn lost_answers(ours: &World, theirs: &World) -> Result<()> {
    let target = json!({"operation": "order", "commonName": common_name("lost")});
    ours.sandbox.fault(&json!({"kind": "resetAfterCommit", "times": 2, "match": target})).await?;
    for world in [ours, theirs] {
        world.objects.ask("lost", json!({})).await?;
    }
    let [mine, other] = [first(ours, "lost").await?, first(theirs, "lost").await?];
    ensure!(order(&mine) != order(&other), "both have order {}", order(&mine));
    let ledger = ours.sandbox.ledger().await?;
    ensure!(accepted(&ledger, "lost") == ["order", "order"], "{:?}", accepted(&ledger, "lost"));
    for (world, certificate) in [(ours, &mine), (theirs, &other)] {
        let issuance = world.objects.get("Issuance", "lost-1").await?;
        let placed = ledger
            .operations
            .iter()
            .find(|known| known.order_id.is_some_and(|id| id.to_string() == order(certificate)));
        let mark = placed.and_then(|placed| placed.alternative_order_id.as_deref()).context("no mark")?;
        ensure!(issuance["spec"]["idempotencyKey"] == mark, "{mark} is not its own");
        ensure!(certificate["status"]["publicKeySha256"] == issuance["spec"]["request"]["publicKeySha256"]);
    }
    Ok(())
}

/// Ours never arrived, and theirs for the same name is there: it is not taken for what was placed, not even when a person
/// says so.
async fn a_lost_call(ours: &World, theirs: &World) -> Result<()> {
    theirs.objects.ask("unsaid", json!({})).await?;
    let other = first(theirs, "unsaid").await?;
    let target = json!({"operation": "order", "commonName": common_name("unsaid")});
    ours.sandbox.fault(&json!({"kind": "resetBeforeCommit", "match": target})).await?;
    ours.objects.ask("unsaid", json!({})).await?;
    ours.objects.until_issuance("unsaid-1", "NeedsAttention").await?;
    resolve(ours, "unsaid-1", "Placed", order(&other))?;
    let doubt = |object: &Value| object["status"]["failure"]["message"].to_string().contains("is not what");
    ours.objects.until("Issuance", "unsaid-1", "theirs is not taken", doubt).await?;
    resolve(ours, "unsaid-1", "NotPlaced", "")?;
    let mine = first(ours, "unsaid").await?;
    ensure!(order(&mine) != order(&other), "taken");
    let ledger = ours.sandbox.ledger().await?;
    ensure!(accepted(&ledger, "unsaid") == ["order", "order"], "{:?}", accepted(&ledger, "unsaid"));
    Ok(())
}

fn resolve(world: &World, issuance: &str, reason: &str, message: &str) -> Result<()> {
    let condition = json!({"type": "Resolved", "status": "True", "reason": reason, "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let patch = json!([{"op": "add", "path": "/status/conditions/-", "value": condition}]).to_string();
    let namespace = &world.objects.namespace;
    let words = ["patch", "evisn", issuance, "-n", namespace, "--subresource=status", "--type=json", "-p", &patch];
    world.kubectl(&words).map(drop)
}

/// Reissued on the order of who lost it, and the other's certificate serves on.
async fn a_lost_key(ours: &World, theirs: &World) -> Result<()> {
    let [mine, other] = both(ours, theirs, "keyless").await?;
    ours.objects.secrets().delete("keyless", &Default::default()).await?;
    let reissued = ours.objects.until_ready("keyless", 2).await?;
    ensure!(order(&reissued) == order(&mine), "reissued on order {}", order(&reissued));
    untouched(theirs, &other).await?;
    let ledger = ours.sandbox.ledger().await?;
    ensure!(accepted(&ledger, "keyless") == ["order", "order", "reissue"], "{:?}", accepted(&ledger, "keyless"));
    Ok(())
}

/// What the account tells to have changed is told to both, and concerns one.
async fn pending(ours: &World, theirs: &World) -> Result<()> {
    let target = json!({"operation": "order", "commonName": common_name("pending")});
    ours.sandbox.fault(&json!({"kind": "stayPending", "times": 2, "match": target})).await?;
    let placed = |issuance: &Value| issuance["status"]["orderId"].is_string();
    for world in [ours, theirs] {
        world.objects.ask("pending", json!({})).await?;
        world.objects.until("Issuance", "pending-1", "it is placed", placed).await?;
    }
    for (world, rests) in [(theirs, true), (ours, false)] {
        let issuance = world.objects.get("Issuance", "pending-1").await?;
        let id = issuance["status"]["orderId"].as_str().context("no order")?;
        world.sandbox.post(&format!("/_sandbox/orders/{id}/release"), &json!({})).await?;
        let certificate = first(world, "pending").await?;
        ensure!(order(&certificate) == id, "order {}", order(&certificate));
        let waits = ours.objects.get("Issuance", "pending-1").await?["status"]["state"] != "Installed";
        ensure!(waits == rests, "ours is ready: {}", !waits);
    }
    Ok(())
}

/// One is replaced, the other serves on.
async fn a_revocation(ours: &World, theirs: &World) -> Result<()> {
    let [mine, other] = both(ours, theirs, "revoked").await?;
    let serial = mine["status"]["serialNumber"].as_str().context("no serial number")?;
    let path = format!("/_sandbox/certificates/{serial}/revoke");
    ours.sandbox.post(&path, &json!({"reason": "keyCompromise"})).await?;
    let replaced = ours.objects.until_ready("revoked", 2).await?;
    ensure!(order(&replaced) == order(&mine), "reissued on order {}", order(&replaced));
    untouched(theirs, &other).await
}

async fn both(ours: &World, theirs: &World, name: &str) -> Result<[Value; 2]> {
    for world in [ours, theirs] {
        world.objects.ask(name, json!({})).await?;
    }
    Ok([first(ours, name).await?, first(theirs, name).await?])
}

/// The certificate is the one it was, and nothing was recorded since.
async fn untouched(world: &World, before: &Value) -> Result<()> {
    let name = before["metadata"]["name"].as_str().context("no name")?;
    let now = world.objects.get("Certificate", name).await?;
    ensure!(now["status"]["serialNumber"] == before["status"]["serialNumber"], "{:#}", now["status"]);
    ensure!(now["status"]["revision"] == 1 && now["status"]["issuance"].is_null(), "{:#}", now["status"]);
    Ok(())
}

/// A Secret that was copied from the other cluster proves the key, and nothing more: the order is not taken over, asked
/// for or not.
async fn their_key_and_their_order(ours: &World, theirs: &World) -> Result<()> {
    ours.objects.ask("copied", json!({})).await?;
    let owner = first(ours, "copied").await?;
    let held = ours.objects.secret("copied").await?.context("no Secret")?;
    for name in ["copied", "asked"] {
        let mut copy = Secret { data: held.data.clone(), type_: held.type_.clone(), ..Secret::default() };
        copy.metadata.name = Some(name.to_owned());
        theirs.objects.secrets().create(&PostParams::default(), &copy).await?;
    }
    let policy = json!({"spec": {"policy": {"adoptable": [order(&owner)], "adoptExisting": "Matching"}}});
    theirs.objects.patch("Issuer", "digicert", policy).await?;
    let same = json!({"takeOverSecret": true, "dnsNames": [common_name("copied")]});
    let mut named = same.clone();
    named["adopt"] = json!({"orderId": order(&owner)});
    theirs.objects.ask("asked", named).await?;
    let refused =
        |object: &Value| condition(object, "ActionRequired").is_some_and(|c| c["reason"] == "AdoptionRefused");
    let asked = theirs.objects.until("Certificate", "asked", "it is refused", refused).await?;
    let told = condition(&asked, "ActionRequired").map(|told| told["message"].to_string()).unwrap_or_default();
    ensure!(told.contains("another installation of Evercert"), "{told}");

    theirs.objects.ask("copied", same).await?;
    let bought = first(theirs, "copied").await?;
    ensure!(order(&bought) != order(&owner), "taken over");
    let ledger = ours.sandbox.ledger().await?;
    ensure!(accepted(&ledger, "copied") == ["order", "order"], "{:?}", accepted(&ledger, "copied"));
    Ok(())
}

/// Each is reissued on its own order and renews that; and the end of one is not the other's.
async fn lives(ours: &World, theirs: &World) -> Result<()> {
    // Orders that end with their certificates, so that what expires is renewed.
    let changes = json!({"deletionPolicy": "Revoke", "digicert": {"orderValidity": {"days": 60}}});
    for world in [ours, theirs] {
        world.objects.ask("shop", changes.clone()).await?;
    }
    let firsts = [first(ours, "shop").await?, first(theirs, "shop").await?];
    ensure!(order(&firsts[0]) != order(&firsts[1]), "one order for both");
    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "now"}}});
    for (world, before) in [ours, theirs].into_iter().zip(&firsts) {
        world.objects.patch("Certificate", "shop", token.clone()).await?;
        let reissued = world.objects.until_ready("shop", 2).await?;
        ensure!(order(&reissued) == order(before), "reissued on order {}", order(&reissued));
    }
    ours.sandbox.advance_days(50).await?;
    let mut renewed = Vec::new();
    for (world, before) in [ours, theirs].into_iter().zip(&firsts) {
        let certificate = world.objects.until_ready("shop", 3).await?;
        ensure!(
            certificate["status"]["order"]["previousOrderId"] == order(before),
            "{}",
            certificate["status"]["order"]
        );
        renewed.push(certificate);
    }
    let ledger = ours.sandbox.ledger().await?;
    let done = ["order", "reissue", "renew"].map(|kind| ledger.count(kind, &common_name("shop")));
    ensure!(done == [2, 2, 2], "order, reissue, renew: {done:?}");

    ours.objects.delete("Certificate", "shop").await?;
    ours.kubectl(&["wait", "--for=delete", "-n", &ours.objects.namespace, "evcert/shop", "--timeout=60s"])?;
    let der = ours.sandbox.crl().await?;
    let (_, crl) = CertificateRevocationList::from_der(&der)?;
    let revoked: Vec<String> = crl.iter_revoked_certificates().map(|one| format!("{:x}", one.serial())).collect();
    let is_revoked = |certificate: &Value| {
        certificate["status"]["serialNumber"].as_str().is_some_and(|serial| revoked.iter().any(|one| one == serial))
    };
    ensure!(is_revoked(&renewed[0]), "its own is not revoked: {revoked:?}");
    ensure!(!is_revoked(&firsts[1]) && !is_revoked(&renewed[1]), "the other's is revoked: {revoked:?}");
    let kept = theirs.objects.until_ready("shop", 3).await?;
    ensure!(kept["status"]["serialNumber"] == renewed[1]["status"]["serialNumber"], "{}", kept["status"]);
    Ok(())
}

async fn first(world: &World, name: &str) -> Result<Value> {
    world.objects.until_ready(name, 1).await
}

fn order(certificate: &Value) -> &str {
    certificate["status"]["order"]["orderId"].as_str().unwrap_or_default()
}

/// What the CA has accepted for that name, in order.
fn accepted<'a>(ledger: &'a Ledger, name: &str) -> Vec<&'a str> {
    let of_name = ledger.operations.iter().filter(|known| known.common_name == Some(common_name(name)));
    of_name.map(|operation| operation.kind.as_str()).collect()
}

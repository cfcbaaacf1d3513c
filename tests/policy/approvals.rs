//! `requireApproval`: nothing is submitted before somebody with the verb `approve` says so.

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use harness::{World, condition};
use serde_json::json;

use crate::stage::{ask, issuer, paid, told, world};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_bought_before_an_approver_says_so() -> Result<()> {
    let world = world().await?;
    issuer(&world, "asked", json!({"requireApproval": ["Paid"], "maxPaid": {"count": 3, "per": "24h"}})).await?;
    let namespace = world.objects.namespace.clone();
    let status = "--verb=get,patch --resource=issuances.evercert.dev,issuances.evercert.dev/status";
    for words in [
        format!("create clusterrole reads-status {status}"),
        "create clusterrole approves --verb=approve --resource=issuers.evercert.dev".to_owned(),
        format!("create rolebinding may-patch -n {namespace} --clusterrole=reads-status --user=eve --user=mallory"),
        format!("create rolebinding may-approve -n {namespace} --clusterrole=approves --user=eve"),
    ] {
        world.kubectl(&words.split(' ').collect::<Vec<_>>())?;
    }
    let mut operator = world.operator().await?;
    tokio::try_join!(denied(&world), edited(&world), deleted(&world))?;

    // A restart forgets nothing, and asks nobody twice.
    ask(&world.objects, "approved", json!({"name": "asked"})).await?;
    let question = told(&world.objects, "Certificate", "approved", "ActionRequired", "ApprovalRequired").await?;
    operator.kill().await?;
    world.drop_lease().await?;
    let _operator = world.operator().await?;
    approved(&world, &question).await
}

/// Runs the command that the question names, as this user.
fn answer(world: &World, question: &str, user: &str, verdict: &str) -> Result<Output> {
    let command = question.split("To approve it: ").nth(1).and_then(|rest| rest.split("; to refuse it").next());
    let command = command.context("no command")?.replace("Approved", verdict);
    let kubectl = world.plane.kubectl().to_string_lossy().into_owned();
    let command = command.replacen("kubectl", &kubectl, 1);
    let kubeconfig = world.plane.kubeconfig_for(user, &[])?;
    let shell = Command::new("sh").args(["-c", &command]).env("KUBECONFIG", kubeconfig).env("USER", user).output()?;
    Ok(shell)
}

async fn approved(world: &World, question: &str) -> Result<()> {
    let objects = &world.objects;
    for part in ["Issuance approved-1", "Order (paid) of ssl_basic", "approved.example.com"] {
        ensure!(question.contains(part), "{part} is not in: {question}");
    }
    let issuance = objects.until_issuance("approved-1", "AwaitingApproval").await?;
    ensure!(issuance["spec"]["submissions"] == json!([]), "{}", issuance["spec"]["submissions"]);

    let refused = answer(world, question, "mallory", "Approved")?;
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(!refused.status.success() && why.contains("verb approve"), "{why}");
    ensure!(paid(world, &["approved"]).await? == 0);

    let done = answer(world, question, "eve", "Approved")?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let ready = objects.until_ready("approved", 1).await?;
    ensure!(condition(&ready, "ActionRequired").is_none(), "somebody is still asked");
    ensure!(paid(world, &["approved"]).await? == 1);
    let issuance = objects.get("Issuance", "approved-1").await?;
    ensure!(condition(&issuance, "Approved").is_some_and(|said| said["message"] == "by eve"), "who said so");
    Ok(())
}

/// The Certificate says by whom and why; it is not asked again until something changes.
async fn denied(world: &World) -> Result<()> {
    let objects = &world.objects;
    ask(objects, "denied", json!({"name": "asked"})).await?;
    let question = told(objects, "Certificate", "denied", "ActionRequired", "ApprovalRequired").await?;
    let done = answer(world, &question, "eve", "Denied")?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    objects.until_issuance("denied-1", "Denied").await?;
    let message = told(objects, "Certificate", "denied", "ActionRequired", "Denied").await?;
    ensure!(message.contains("Issuance denied-1") && message.contains("by eve"), "{message}");
    ensure!(!objects.names("Issuance").await?.contains(&"denied-2".to_owned()), "it is tried again");

    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "please"}}});
    objects.patch("Certificate", "denied", token).await?;
    objects.until_issuance("denied-2", "AwaitingApproval").await?;
    ensure!(paid(world, &["denied"]).await? == 0);
    Ok(())
}

/// What is asked is what is wanted: an edit takes the question back and asks anew.
async fn edited(world: &World) -> Result<()> {
    let objects = &world.objects;
    ask(objects, "edited", json!({"name": "asked"})).await?;
    objects.until_issuance("edited-1", "AwaitingApproval").await?;
    let names = json!({"spec": {"dnsNames": ["edited.example.com", "www.edited.example.com"]}});
    objects.patch("Certificate", "edited", names).await?;
    objects.until_issuance("edited-1", "Superseded").await?;
    objects.until_issuance("edited-2", "AwaitingApproval").await?;
    let so = |object: &serde_json::Value| {
        condition(object, "ActionRequired")
            .is_some_and(|asked| asked["message"].as_str().is_some_and(|text| text.contains("www.edited.example.com")))
    };
    let asked = objects.until("Certificate", "edited", "the new names are asked for", so).await?;
    let question = condition(&asked, "ActionRequired").and_then(|asked| asked["message"].as_str()).unwrap_or_default();
    let done = answer(world, question, "eve", "Approved")?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    objects.until_ready("edited", 2).await?;
    ensure!(paid(world, &["edited"]).await? == 1);
    Ok(())
}

/// A question ends with its Certificate, and an approval that comes after that buys nothing.
async fn deleted(world: &World) -> Result<()> {
    let objects = &world.objects;
    ask(objects, "deleted", json!({"name": "asked"})).await?;
    let question = told(objects, "Certificate", "deleted", "ActionRequired", "ApprovalRequired").await?;
    objects.delete("Certificate", "deleted").await?;
    objects.until_issuance("deleted-1", "Superseded").await?;
    // There may be nothing left to add it to.
    answer(world, &question, "eve", "Approved")?;
    ensure!(paid(world, &["deleted"]).await? == 0);
    Ok(())
}

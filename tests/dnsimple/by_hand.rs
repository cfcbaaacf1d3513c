//! Certificates that only people can have issued, on DNSimple's pages.

use anyhow::{Context, Result, ensure};
use evercert::pki::Csr;
use harness::{Scene, World, condition, scene};
use serde_json::{Value, json};

use crate::account::{accepted, ask, number, ready, served, served_again, told};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    vec![
        scene("a key of ours", ours(world)),
        scene("a key of DNSimple's", theirs(world)),
        scene("another number", renumbered(world)),
        scene("a rejected one", rejected(world)),
        scene("an expired one", expired(world)),
        scene("it goes on to Let's Encrypt", switched(world)),
    ]
}

/// The order form, for our CSR or with a key of DNSimple's. Answers the number of the certificate.
async fn buy(world: &World, name: &str, csr: Option<&str>) -> Result<u64> {
    let form = json!({"domain": "example.com", "name": name, "csr": csr});
    let bought = world.sandbox.post("/_sandbox/dnsimple/certificates", &form).await?;
    bought["id"].as_u64().context("no number")
}

async fn act(world: &World, id: u64, action: &str) -> Result<()> {
    world.sandbox.post(&format!("/_sandbox/dnsimple/certificates/{id}/{action}"), &json!({})).await.map(drop)
}

/// As the message says: from the Issuance.
async fn csr(world: &World, issuance: &str) -> Result<String> {
    let issuance = world.objects.get("Issuance", issuance).await?;
    issuance["spec"]["request"]["csr"].as_str().map(str::to_owned).context("no CSR")
}

async fn ours(world: &World) -> Result<()> {
    let objects = &world.objects;
    ask(world, "existing", "ours", json!({})).await?;
    let asked = told(world, "ours", "ActionRequired", "IssueByHand", "there is no certificate").await?;
    ensure!(asked.contains("/domains/example.com/certificates") && asked.contains("Issuance ours-1"), "{asked}");
    let csr = csr(world, "ours-1").await?;
    ensure!(Csr::read(csr.as_bytes()).is_ok(), "a CSR of ours");
    ensure!(objects.secrets().get_opt("evercert-key-ours-1").await?.is_some(), "its key waits");
    ensure!(objects.get("Issuance", "ours-1").await?["spec"]["submissions"] == json!([]), "nothing was submitted");

    let id = buy(world, "ours", Some(&csr)).await?;
    told(world, "ours", "ActionRequired", "IssueByHand", "is submitted").await?;
    act(world, id, "approve").await?;
    let first = ready(world, "ours", 1).await?;
    ensure!(number(&first)? == id && condition(&first, "ActionRequired").is_none(), "collected");

    // A compromised key: re-issued by form and mail, while the old certificate stays in use.
    let annotations = json!({"evercert.dev/reissue-requested": "t", "evercert.dev/reissue-reason": "KeyCompromise"});
    objects.patch("Certificate", "ours", json!({"metadata": {"annotations": annotations}})).await?;
    let words = format!("have certificate {id} for ours.example.com re-issued");
    let asked = told(world, "ours", "ActionRequired", "IssueByHand", &words).await?;
    ensure!(asked.contains(&format!("certificates/{id}")) && asked.contains("hostmaster@"), "{asked}");
    let csr = self::csr(world, "ours-2").await?;
    world.sandbox.post(&format!("/_sandbox/dnsimple/certificates/{id}/reissue"), &json!({"csr": csr})).await?;
    let before = objects.get("Certificate", "ours").await?;
    ensure!(before["status"]["serialNumber"] == first["status"]["serialNumber"], "the old one stays");
    ensure!(served(world, "ours").await?.leaf.serial == first["status"]["serialNumber"].as_str().unwrap_or_default());
    act(world, id, "approve").await?;
    let second = ready(world, "ours", 2).await?;
    ensure!(second["status"]["publicKeySha256"] != first["status"]["publicKeySha256"], "another key");
    ensure!(accepted(world, "ours").await? == [1, 0, 1], "{:?}", accepted(world, "ours").await?);
    Ok(())
}

/// Bought by hand before there was a Certificate: collected at once, and given again when it is lost.
async fn theirs(world: &World) -> Result<()> {
    let id = buy(world, "theirs", None).await?;
    act(world, id, "approve").await?;
    ask(world, "existing", "theirs", json!({})).await?;
    let first = ready(world, "theirs", 1).await?;
    ensure!(number(&first)? == id);
    world.objects.secrets().delete("theirs", &Default::default()).await?;
    let again = served_again(world, "theirs").await?;
    ensure!(first["status"]["serialNumber"] == again.leaf.serial.as_str(), "the same one");
    let issuances = world.objects.names("Issuance").await?;
    ensure!(!issuances.contains(&"theirs-2".to_owned()), "no operation: {issuances:?}");
    ensure!(accepted(world, "theirs").await? == [1, 0, 0]);
    Ok(())
}

/// A new one takes its place, which has another number.
async fn renumbered(world: &World) -> Result<()> {
    let id = buy(world, "renumbered", None).await?;
    act(world, id, "approve").await?;
    ask(world, "existing", "renumbered", json!({})).await?;
    ready(world, "renumbered", 1).await?;
    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "anew"}}});
    world.objects.patch("Certificate", "renumbered", token).await?;
    told(world, "renumbered", "ActionRequired", "IssueByHand", "re-issued on").await?;
    let another = buy(world, "renumbered", None).await?;
    told(world, "renumbered", "ActionRequired", "IssueByHand", "is submitted").await?;
    act(world, another, "approve").await?;
    let second = |object: &Value| object["status"]["revision"] == 2;
    let certificate = world.objects.until("Certificate", "renumbered", "the new one is collected", second).await?;
    ensure!(number(&certificate)? == another);
    Ok(())
}

async fn rejected(world: &World) -> Result<()> {
    let id = buy(world, "rejected", None).await?;
    act(world, id, "reject").await?;
    ask(world, "existing", "rejected", json!({})).await?;
    told(world, "rejected", "ActionRequired", "IssueByHand", "is rejected and cannot be re-issued: buy one").await?;
    Ok(())
}

async fn expired(world: &World) -> Result<()> {
    let id = buy(world, "expired", None).await?;
    act(world, id, "approve").await?;
    act(world, id, "expire").await?;
    act(world, id, "removePrivateKey").await?;
    ask(world, "existing", "expired", json!({})).await?;
    told(world, "expired", "ActionRequired", "IssueByHand", "has expired and cannot be re-issued: buy one").await?;
    Ok(())
}

/// What is asked of people is taken back once Let's Encrypt is wanted instead.
async fn switched(world: &World) -> Result<()> {
    ask(world, "existing", "switched", json!({})).await?;
    told(world, "switched", "ActionRequired", "IssueByHand", "there is no certificate").await?;
    world.objects.patch("Certificate", "switched", json!({"spec": {"issuerRef": {"name": "letsencrypt"}}})).await?;
    let certificate = ready(world, "switched", 2).await?;
    ensure!(condition(&certificate, "ActionRequired").is_none(), "nobody is asked any more");
    ensure!(world.objects.get("Issuance", "switched-1").await?["status"]["state"] == "Superseded");
    ensure!(accepted(world, "switched").await? == [1, 0, 0]);
    Ok(())
}

/// The mail is forgotten: people are reminded by Events, each time once, and by a metric that has its age.
pub async fn reminders(world: &World) -> Result<()> {
    ask(world, "existing", "forgotten", json!({})).await?;
    told(world, "forgotten", "ActionRequired", "IssueByHand", "there is no certificate").await?;
    for (days, given) in [(1, 1), (7, 3)] {
        world.sandbox.advance_days(days).await?;
        let reminded = |object: &Value| object["status"]["byHand"]["reminders"] == given;
        world.objects.until("Issuance", "forgotten-1", "people are reminded", reminded).await?;
    }
    let events = world.kubectl(&["get", "events", "-n", &world.objects.namespace, "-o", "json"])?;
    let events: Value = serde_json::from_str(&events)?;
    let reminders = events["items"].as_array().into_iter().flatten().filter(|event| event["reason"] == "Reminder");
    let notes: Vec<&str> = reminders.filter_map(|event| event["message"].as_str()).collect();
    ensure!(notes.iter().any(|note| note.starts_with("waits for 8 days: there is no certificate")), "{notes:?}");
    ensure!(accepted(world, "forgotten").await? == [0, 0, 0], "nothing is ever bought");
    Ok(())
}

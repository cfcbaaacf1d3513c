//! Orders validated through BIND 9, on real API servers: what the status says of name servers that lag, are broken or
//! refuse, of zones that forbid or are not believed, and that nothing of ours stays behind.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use harness::bind::{Bind, OTHER_KEY, Server};
use harness::{SandboxOptions, World, WorldOptions, condition, play, scene};
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::{CAA, CNAME, TXT};
use serde_json::{Value, json};

use super::*;

/// A world and its own, and another cluster's, beside one DNS.
struct Story {
    bind: Arc<Bind>,
    here: World,
    there: World,
}

impl Story {
    async fn start() -> Result<Self> {
        let bind = Arc::new(Bind::start().await?);
        // The CA looks when it is asked and not by itself: what comes before can be watched.
        let sandbox =
            SandboxOptions { args: ["--poll-seconds", "3600"].map(String::from).into(), ..Default::default() };
        let options = WorldOptions { sandbox, bind: Some(bind.clone()), unlimited: true, ..WorldOptions::default() };
        let here = World::start(options).await?;
        let there = here.beside().await?;
        Ok(Self { bind, here, there })
    }

    /// An issuer like the first one, with another `dcv`.
    async fn issuer(&self, name: &str, change: impl FnOnce(&mut Value)) -> Result<()> {
        let mut spec = self.here.issuer();
        change(&mut spec["dcv"]);
        self.here.objects.create("Issuer", name, spec).await.map(drop)
    }

    async fn ask(&self, name: &str, dns_name: &str, issuer: &str) -> Result<()> {
        self.here.objects.ask(name, json!({"dnsNames": [dns_name], "issuerRef": {"name": issuer}})).await
    }

    /// Waits until the first validation of a Certificate's first Issuance says so.
    async fn says(&self, name: &str, what: &str) -> Result<Value> {
        let says = |object: &Value| message(object).contains(what);
        self.here.objects.until("Issuance", &format!("{name}-1"), &format!("{what} is said"), says).await
    }

    /// Waits until the certificate is there and no TXT is left at its name.
    async fn done(&self, world: &World, name: &str, server: Server, at: &str) -> Result<()> {
        cleaned(world, name).await?;
        let left = self.bind.texts(server, at).await?;
        ensure!(left.iter().all(|value| value == "theirs"), "{at} still has {left:?}");
        Ok(())
    }
}

/// Waits until the certificate is there and its record is not.
async fn cleaned(world: &World, name: &str) -> Result<()> {
    world.objects.until_ready(name, 1).await?;
    let gone = |object: &Value| object["status"]["validations"][0]["state"] == "Cleaned";
    world.objects.until("Issuance", &format!("{name}-1"), "its record is gone", gone).await.map(drop)
}

fn message(issuance: &Value) -> &str {
    issuance["status"]["validations"][0]["message"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_validated_through_bind_and_the_status_names_what_is_in_the_way() -> Result<()> {
    let story = Story::start().await?;
    let story = &story;
    let _here = story.here.operator().await?;
    let _there = story.there.operator().await?;
    play([
        scene("published, seen, gone", async {
            for (name, at) in [("plain", "plain.example.com"), ("signed", "www.signed.example")] {
                story.ask(name, at, "digicert").await?;
                story.done(&story.here, name, Server::Primary, at).await?;
            }
            Ok(())
        }),
        scene("two clusters and a stranger at one name, and a server that lags", two_clusters(story)),
        scene("a server that refuses to answer for the zone", lame(story)),
        scene("a server that refuses the key", wrong_key(story)),
        scene("a delegation", delegated(story)),
        scene("a delegation that is moved", moved(story)),
        scene("CAA", caa(story)),
        scene("a zone that is not believed", bogus(story)),
        scene("an alias in the way", alias(story)),
    ])
    .await?;
    dead(story).await
}

async fn two_clusters(story: &Story) -> Result<()> {
    const AT: &str = "www.lagging.example";
    story.bind.put("lagging.example", AT, RData::TXT(TXT::new(vec!["theirs".into()]))).await?;
    let asked = json!({"dnsNames": [AT]});
    story.there.objects.ask("lag", asked.clone()).await?;
    story.here.objects.ask("lag", asked).await?;
    let told = story.says("lag", "ns2.lagging.example (127.53.0.2:").await?;
    ensure!(message(&told).ends_with("does not show it") && !message(&told).contains("ns1"), "{}", message(&told));
    // All three stand there, and the certificate tells what it waits for.
    let others = |object: &Value| message(object).contains("ns2.lagging.example");
    story.there.objects.until("Issuance", "lag-1", "it waits too", others).await?;
    ensure!(story.bind.texts(Server::Primary, AT).await?.len() == 3);
    let tells = |object: &Value| {
        condition(object, "Issuing")
            .and_then(|issuing| issuing["message"].as_str())
            .is_some_and(|message| message.contains("ns2.lagging.example"))
    };
    story.here.objects.until("Certificate", "lag", "it names the server", tells).await?;

    // Other values stand at the name: what resolvers may remember of them is waited for.
    story.bind.catch_up().await?;
    let waits = |object: &Value| !object["status"]["validations"][0]["askAt"].is_null();
    story.here.objects.until("Issuance", "lag-1", "it waits for resolvers", waits).await?;
    for world in [&story.here, &story.there] {
        cleaned(world, "lag").await?;
    }
    ensure!(story.bind.texts(Server::Primary, AT).await? == ["theirs"]);
    Ok(())
}

async fn lame(story: &Story) -> Result<()> {
    const AT: &str = "www.lame.example";
    story.ask("lame", AT, "digicert").await?;
    let told = story.says("lame", "cannot be checked: ns2.lame.example (127.53.0.3:").await?;
    ensure!(message(&told).contains("answers Query Refused"), "{}", message(&told));
    // Resolvers find the other one; and who asks nobody is not held up.
    for (issuer, mode) in [("resolvers", "Recursive"), ("nobody", "None")] {
        story.issuer(issuer, |dcv| dcv["selfCheck"] = json!(mode)).await?;
        let at = format!("{issuer}.lame.example");
        story.ask(issuer, &at, issuer).await?;
        story.done(&story.here, issuer, Server::Primary, &at).await?;
    }
    Ok(())
}

async fn wrong_key(story: &Story) -> Result<()> {
    story
        .issuer("wrong", |dcv| dcv["publishers"][0]["rfc2136"]["tsig"]["secretRef"]["name"] = json!("dns-other-key"))
        .await?;
    story.ask("wrong", "wrong.example.com", "wrong").await?;
    let told = story.says("wrong", "refused with NOTAUTH/BADSIG").await?;
    ensure!(told["status"]["validations"][0]["state"] == "Pending" && !message(&told).contains(OTHER_KEY.secret));
    story.here.objects.patch("Issuer", "wrong", json!({"spec": {"dcv": story.here.issuer()["dcv"]}})).await?;
    story.done(&story.here, "wrong", Server::Primary, "wrong.example.com").await
}

async fn delegated(story: &Story) -> Result<()> {
    const NAME: &str = "_dnsauth.far.example.com";
    const END: &str = "far.dcv.example.org";
    story.bind.put("example.com", NAME, RData::CNAME(CNAME(fqdn(END)))).await?;
    story.issuer("stays", |dcv| dcv["method"] = json!("DnsCname")).await?;
    story.ask("stays", "far.example.com", "stays").await?;
    let told = story.says("stays", "already holds a CNAME to far.dcv.example.org").await?;
    ensure!(message(&told).contains("dcv.followCname"), "{}", message(&told));

    story
        .issuer("follows", |dcv| {
            dcv["method"] = json!("DnsCname");
            dcv["followCname"] = json!(true);
        })
        .await?;
    story.ask("far", "far.example.com", "follows").await?;
    let there = |object: &Value| object["status"]["validations"][0]["delegatedTo"] == END;
    story.here.objects.until("Issuance", "far-1", "its end is found", there).await?;
    story.done(&story.here, "far", Server::Other, END).await?;
    ensure!(story.bind.data(Server::Other, END, RecordType::CNAME).await?.is_empty(), "its record is gone");
    ensure!(story.bind.data(Server::Primary, NAME, RecordType::CNAME).await?.len() == 1, "and theirs is not");
    Ok(())
}

async fn moved(story: &Story) -> Result<()> {
    const NAME: &str = "_dnsauth.moved.example.com";
    let leads_to = |name: &str| RData::CNAME(CNAME(fqdn(name)));
    // A server there refuses, so that the record is not seen, and stays where it is for now.
    story.bind.put("example.com", NAME, leads_to("m.lame.example")).await?;
    story
        .issuer("moves", |dcv| {
            dcv["method"] = json!("DnsCname");
            dcv["followCname"] = json!(true);
        })
        .await?;
    story.ask("moved", "moved.example.com", "moves").await?;
    story.says("moved", "ns2.lame.example (127.53.0.3:").await?;
    ensure!(story.bind.data(Server::Primary, "m.lame.example", RecordType::CNAME).await?.len() == 1);
    story.bind.take("example.com", NAME, leads_to("m.lame.example")).await?;
    story.bind.put("example.com", NAME, leads_to("m.dcv.example.org")).await?;
    cleaned(&story.here, "moved").await?;
    for (server, name) in [(Server::Primary, "m.lame.example"), (Server::Other, "m.dcv.example.org")] {
        ensure!(story.bind.data(server, name, RecordType::CNAME).await?.is_empty(), "{name} is left behind");
    }
    Ok(())
}

async fn caa(story: &Story) -> Result<()> {
    const AT: &str = "caa.example.net";
    let records = [("issue", "other.example"), ("issuewild", "digicert.com")].map(|(tag, ca)| {
        let mut caa = CAA::new_issue(false, Some(fqdn(ca)), vec![]);
        caa.tag = tag.to_owned();
        RData::CAA(caa)
    });
    // Its TTL becomes that of all values there: they are soon forgotten.
    story.bind.put("example.net", AT, RData::TXT(TXT::new(vec!["theirs".into()]))).await?;
    for record in &records {
        story.bind.put("example.net", AT, record.clone()).await?;
    }
    story.ask("caa", AT, "digicert").await?;
    let told = story.says("caa", "CAA records at caa.example.net let other.example issue").await?;
    ensure!(message(&told).ends_with("for caa.example.net, and not the provider (digicert.com)"), "{}", message(&told));
    story.ask("wild", "*.caa.example.net", "digicert").await?;
    cleaned(&story.here, "wild").await?;
    story.bind.take("example.net", AT, records[0].clone()).await?;
    story.done(&story.here, "caa", Server::Primary, AT).await
}

async fn bogus(story: &Story) -> Result<()> {
    story.ask("bogus", "www.bogus.example", "digicert").await?;
    let told = story.says("bogus", "the DNSSEC of its zone is broken").await?;
    ensure!(told["status"]["validations"][0]["state"] == "Published", "the provider is not asked");
    Ok(())
}

async fn alias(story: &Story) -> Result<()> {
    const AT: &str = "cdn.example.com";
    story.bind.put("example.com", AT, RData::CNAME(CNAME(fqdn("edge.example.org")))).await?;
    story.issuer("people", |dcv| dcv["publishers"] = json!([{"manual": {}}])).await?;
    story.ask("cdn", AT, "people").await?;
    let told = story.says("cdn", "has a CNAME to edge.example.org in its place").await?;
    ensure!(message(&told).contains("ns1.example.com"), "{}", message(&told));
    Ok(())
}

/// At the end, since others need it.
async fn dead(story: &Story) -> Result<()> {
    story.bind.silence(Server::Secondary);
    story.ask("dead", "dead.lagging.example", "digicert").await?;
    let told = story.says("dead", "cannot be checked: ns2.lagging.example (127.53.0.2:").await?;
    let ledger = story.here.sandbox.ledger().await?;
    ensure!(ledger.paid("dead.lagging.example") == 1, "{}", message(&told));
    story.here.objects.get("Certificate", "dead").await.map(drop).context("it is there")
}

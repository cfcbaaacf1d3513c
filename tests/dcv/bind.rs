//! Publishing to BIND 9, and what the self-check makes of its zones.

use anyhow::{Result, ensure};
use evercert::dcv::rfc2136::{Rfc2136Config, TsigAlgorithm, TsigKey};
use evercert::dcv::selfcheck::{Seen, SelfCheckConfig};
use evercert::dcv::{Ask, Publisher, SelfCheck, Visibility};
use harness::bind::{Bind, Key, OTHER_KEY, Server, UPDATE_KEY};
use hickory_proto::rr::rdata::{CAA, CNAME, NS, TXT};

use super::*;

fn at(bind: &Bind, server: Server, key: Key) -> Rfc2136 {
    let algorithm = if key.algorithm == "HmacSha512" { TsigAlgorithm::HmacSha512 } else { TsigAlgorithm::HmacSha256 };
    let key = TsigKey { name: key.name.into(), algorithm, secret: key.secret.into() };
    Rfc2136::new(Rfc2136Config { nameserver: bind.address(server).to_string(), zones: vec![], key }).unwrap()
}

fn self_check(bind: &Bind) -> SelfCheck {
    let timeout = Duration::from_secs(2);
    let config = SelfCheckConfig { resolvers: vec![bind.address(Server::Resolver)], port: bind.port(), timeout };
    SelfCheck::new(&config).unwrap()
}

fn seen(visibility: Visibility) -> Vec<(String, Seen)> {
    match visibility {
        Visibility::Lagging { servers } => servers.into_iter().map(|view| (view.name, view.seen)).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_there_is_seen_where_every_server_has_it_and_the_zone_is_believed() -> Result<()> {
    let bind = Bind::start().await?;
    let check = self_check(&bind);
    for (server, key, names) in [
        (
            Server::Primary,
            UPDATE_KEY,
            &["_a.example.com", "_a.example.net", "_a.signed.example", "_a.bogus.example"][..],
        ),
        (Server::Other, OTHER_KEY, &["_a.example.org"]),
    ] {
        let publisher = at(&bind, server, key);
        for name in names {
            let record = txt(name, "ours");
            let before = check.check(&record, None).await;
            ensure!(matches!(before, Visibility::Lagging { .. }), "{name}: {before:?}");
            publisher.ensure(&record).await?;
            let after = check.check(&record, None).await;
            ensure!(after == Visibility::Visible, "{name}: {after:?}");
            let settled = check.settle(&record).await;
            match *name {
                "_a.bogus.example" => {
                    let why = settled.unwrap_err();
                    ensure!(why.contains("DNSSEC of its zone is broken"), "{why}");
                }
                // Nobody was asked for it before, so nobody can have remembered that it was not there.
                _ => ensure!(settled == Ok(Duration::ZERO), "{name}: {settled:?}"),
            }
            publisher.remove(&record).await?;
            ensure!(bind.texts(server, name).await?.is_empty(), "{name}");
        }
    }

    let record = txt("_a.lagging.example", "ours");
    at(&bind, Server::Primary, UPDATE_KEY).ensure(&record).await?;
    let behind = vec![("ns2.lagging.example".to_owned(), Seen::Missing)];
    ensure!(seen(check.check(&record, None).await) == behind);
    bind.catch_up().await?;
    ensure!(check.check(&record, None).await == Visibility::Visible);
    bind.silence(Server::Secondary);
    let silent = check.check(&record, None).await;
    ensure!(matches!(&silent, Visibility::Unknown(why) if why.starts_with("ns2.lagging.example (")), "{silent:?}");
    let refused = check.check(&txt("_a.lame.example", "ours"), None).await;
    ensure!(
        seen(refused).iter().any(|(name, seen)| name == "ns2.lame.example" && matches!(seen, Seen::Failed(_))),
        "it does not serve it"
    );
    Ok(())
}

/// A resolver remembers values for their TTL, and for the zone's negative one that there were none.
#[tokio::test(flavor = "multi_thread")]
async fn what_resolvers_remember_is_waited_for() -> Result<()> {
    let bind = Bind::start().await?;
    let check = self_check(&bind);
    let publisher = at(&bind, Server::Primary, UPDATE_KEY);
    let settled = async |name: &str| {
        publisher.ensure(&txt(name, "ours")).await.unwrap();
        check.settle(&txt(name, "ours")).await.unwrap().as_secs()
    };
    ensure!(settled("new.example.com").await == 0);
    bind.put("example.com", "known.example.com", RData::TXT(TXT::new(vec!["theirs".into()]))).await?;
    ensure!(bind.texts(Server::Resolver, "known.example.com").await? == ["theirs"]);
    let positive = settled("known.example.com").await;
    ensure!((1..=5).contains(&positive), "{positive}");
    ensure!(bind.texts(Server::Resolver, "absent.example.com").await?.is_empty());
    let negative = settled("absent.example.com").await;
    ensure!((1..=2).contains(&negative), "{negative}");
    let resolvers = check.check_at_resolvers(&txt("absent.example.com", "ours")).await;
    ensure!(seen(resolvers) == [("resolver".to_owned(), Seen::Missing)]);
    ensure!(check.check_at_resolvers(&txt("new.example.com", "ours")).await == Visibility::Visible);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn names_made_for_validation_are_followed_to_their_end() -> Result<()> {
    let bind = Bind::start().await?;
    let check = self_check(&bind);
    let alias = async |from: &str, to: &str| {
        let zone = from.rsplitn(3, '.').take(2).collect::<Vec<_>>();
        bind.put(&format!("{}.{}", zone[1], zone[0]), from, RData::CNAME(CNAME(fqdn(to)))).await.unwrap();
    };
    alias("_dnsauth.a.example.com", "_x.example.net").await;
    alias("_x.example.net", "A.dcv.example.org").await;
    alias("_dnsauth.b.example.com", "_loop.example.org").await;
    alias("_loop.example.org", "_dnsauth.b.example.com").await;
    alias("_dnsauth.c.example.com", "old.dcv.digicert.com").await;
    alias("www.example.com", "cdn.example.org").await;
    for n in 0..9 {
        alias(&format!("_long{n}.example.com"), &format!("_long{}.example.com", n + 1)).await;
    }
    let wanted = |name: &str| cname(name, "new.dcv.digicert.com");
    for ask in [Ask::Authorities, Ask::Resolvers] {
        let end = Ok(Some("a.dcv.example.org".to_owned()));
        let followed = check.follow(&wanted("_dnsauth.a.example.com"), ask).await;
        ensure!(followed == end, "{followed:?}");
        ensure!(check.follow(&txt("_dnsauth.a.example.com", "ours"), ask).await == end);
        for own in ["_dnsauth.nothing.example.com", "_dnsauth.c.example.com", "www.example.com"] {
            ensure!(check.follow(&wanted(own), ask).await == Ok(None), "{own}");
        }
        let circle = check.follow(&wanted("_dnsauth.b.example.com"), ask).await.unwrap_err();
        ensure!(circle.contains("lead in a circle"), "{circle}");
        let long = check.follow(&wanted("_long0.example.com"), ask).await.unwrap_err();
        ensure!(long.contains("more than 8 CNAMEs"), "{long}");
    }
    // A zone that begins below a server's other zone, and a name that another's record stands at.
    bind.put("example.com", "sub.example.com", RData::NS(NS(fqdn("ns1.example.org")))).await?;
    let unserved = check.check(&txt("_a.sub.example.com", "ours"), None).await;
    ensure!(matches!(&unserved, Visibility::Unknown(why) if why.contains("ns1.example.org")), "{unserved:?}");
    let taken = seen(check.check(&txt("www.example.com", "ours"), None).await);
    ensure!(taken == [("ns1.example.com".to_owned(), Seen::Alias("cdn.example.org".to_owned()))], "{taken:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn caa_is_found_at_the_closest_parent_and_over_aliases() -> Result<()> {
    let bind = Bind::start().await?;
    let check = self_check(&bind);
    let issue = |ca: &str| RData::CAA(CAA::new_issue(false, Some(fqdn(ca)), vec![]));
    bind.put("example.net", "example.net", issue("other.example")).await?;
    bind.put("example.net", "shop.example.net", issue("ca.example")).await?;
    bind.put("example.com", "shop.example.com", RData::CNAME(CNAME(fqdn("host.example.net")))).await?;
    bind.put("example.net", "host.example.net", issue("third.example")).await?;
    for (name, owner) in [
        ("a.shop.example.net", None),
        ("*.shop.example.net", None),
        ("www.example.com", None),
        ("www.example.net", Some("CAA records at example.net let other.example issue")),
        ("shop.example.com", Some("CAA records at shop.example.com let third.example issue")),
        ("www.bogus.example", Some("the CAA records of bogus.example cannot be looked up")),
    ] {
        let told = check.caa(&["ok.example.com", name], &["ca.example"]).await;
        match owner {
            None => ensure!(told == Ok(()), "{name}: {told:?}"),
            Some(owner) => {
                ensure!(told.clone().is_err_and(|why| why.contains("bogus") || why.contains(owner)), "{told:?}")
            }
        }
    }
    bind.silence(Server::Resolver);
    ensure!(check.caa(&["www.example.net"], &["ca.example"]).await == Ok(()), "our resolver is not the CA's");
    Ok(())
}

//! Publishing to BIND 9, and what its resolver makes of it.

use anyhow::{Result, ensure};
use evercert::dcv::Publisher;
use evercert::dcv::rfc2136::{Rfc2136Config, TsigAlgorithm, TsigKey};
use harness::bind::{Bind, Key, OTHER_KEY, Server, UPDATE_KEY};

use super::*;

fn at(bind: &Bind, server: Server, key: Key) -> Rfc2136 {
    let algorithm = if key.algorithm == "HmacSha512" { TsigAlgorithm::HmacSha512 } else { TsigAlgorithm::HmacSha256 };
    let key = TsigKey { name: key.name.into(), algorithm, secret: key.secret.into() };
    Rfc2136::new(Rfc2136Config { nameserver: bind.address(server).to_string(), zones: vec![], key }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_primaries_a_secondary_that_lags_and_a_resolver_that_validates() -> Result<()> {
    let bind = Bind::start().await?;
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
            publisher.ensure(&record).await?;
            ensure!(bind.texts(server, name).await? == ["ours"], "{name}");
            let resolved = bind.texts(Server::Resolver, name).await;
            match *name {
                "_a.bogus.example" => ensure!(resolved.is_err(), "{name}: {resolved:?}"),
                _ => ensure!(resolved? == ["ours"], "{name}"),
            }
            publisher.remove(&record).await?;
            ensure!(bind.texts(server, name).await?.is_empty(), "{name}");
        }
    }

    let record = txt("_a.lagging.example", "ours");
    at(&bind, Server::Primary, UPDATE_KEY).ensure(&record).await?;
    ensure!(bind.texts(Server::Secondary, "_a.lagging.example").await?.is_empty());
    bind.catch_up().await?;
    ensure!(bind.texts(Server::Secondary, "_a.lagging.example").await? == ["ours"]);
    Ok(())
}

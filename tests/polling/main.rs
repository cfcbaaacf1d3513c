//! What Evercert asks an account, and how seldom: calls per operation, pending orders, revocations.

mod calls;
mod pending;
mod renewed;
mod revoked;

use anyhow::Result;
use harness::{Sandbox, Times, World, WorldOptions};
use serde_json::{Value, json};

/// An account whose own limit counts nothing. A slow machine makes no call time out: that would cost further ones.
async fn world() -> Result<World> {
    let times = Times { call: 30, lease: 60, settle: 30 };
    let mut options = WorldOptions { times, ..WorldOptions::default() };
    options.sandbox.args = ["--rate-limit", "off"].map(str::to_owned).to_vec();
    let world = World::start(options).await?;
    let rate = json!({"spec": {"rateLimit": {"requests": 100_000, "per": "60s", "burst": 10_000}}});
    world.objects.patch("Issuer", "digicert", rate).await?;
    Ok(world)
}

fn spec(name: &str) -> Value {
    json!({"issuerRef": {"name": "digicert"}, "secretName": name, "dnsNames": [format!("{name}.example.com")]})
}

/// Changes the settings of the sandbox's first account.
async fn settings(sandbox: &Sandbox, settings: Value) -> Result<()> {
    let account = &sandbox.ready()["digicert"]["accountId"];
    sandbox.post(&format!("/_sandbox/accounts/{account}"), &json!({"settings": settings})).await.map(drop)
}

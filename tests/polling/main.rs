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
    World::start(WorldOptions { times, unlimited: true, ..WorldOptions::default() }).await
}

fn spec(name: &str) -> Value {
    json!({"issuerRef": {"name": "digicert"}, "secretName": name, "dnsNames": [format!("{name}.example.com")]})
}

/// Changes the settings of the sandbox's first account.
async fn settings(sandbox: &Sandbox, settings: Value) -> Result<()> {
    let account = &sandbox.ready()["digicert"]["accountId"];
    sandbox.post(&format!("/_sandbox/accounts/{account}"), &json!({"settings": settings})).await.map(drop)
}

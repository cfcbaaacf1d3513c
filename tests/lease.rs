//! The Lease on a real API server: one holder at a time, and no later than it knows itself.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use control_plane::{ControlPlane, Options, shared};
use evercert::controller::lease::{self, Held, LeaseConfig};
use futures::future::select_all;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Long enough that nothing in a test outlasts it, for what must not be waited for.
const NEVER: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn of_many_candidates_one_wins() -> Result<()> {
    let place = Place::new("race").await?;
    let candidates = ["a", "b", "c", "d", "e"].map(|name| Box::pin(place.acquire(name, NEVER)));
    let (winner, _, others) = timeout(PATIENCE, select_all(candidates)).await?;
    ensure!(place.holder().await? == Some(winner.handle().holder().to_owned()));
    ensure!(winner.handle().remaining() > NEVER / 2);

    let mut others = select_all(others);
    ensure!(timeout(SHORT, &mut others).await.is_err(), "a second holder");
    winner.release().await;
    let (next, ..) = timeout(PATIENCE, others).await?;
    ensure!(place.holder().await? == Some(next.handle().holder().to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_dead_holder_is_followed_only_after_its_end() -> Result<()> {
    let place = Place::new("death").await?;
    let first = place.acquire("first", SHORT).await;
    let before = first.handle();
    ensure!(!before.remaining().is_zero());
    drop(first);

    let second = timeout(PATIENCE, place.acquire("second", SHORT)).await?;
    ensure!(before.remaining().is_zero(), "two at a time");
    ensure!(!second.handle().remaining().is_zero());
    ensure!(place.spec().await?.lease_transitions == Some(1));
    Ok(())
}

#[tokio::test]
async fn a_holder_that_renews_is_not_followed() -> Result<()> {
    let place = Place::new("life").await?;
    let first = place.acquire("first", SHORT).await;
    ensure!(timeout(SHORT * 3, place.acquire("second", SHORT)).await.is_err(), "two at a time");
    ensure!(!first.handle().remaining().is_zero());
    Ok(())
}

#[tokio::test]
async fn a_stolen_lease_is_noticed_and_left_alone() -> Result<()> {
    let place = Place::new("theft").await?;
    let held = place.acquire("victim", NEVER).await;
    place.overwrite(json!({"spec": {"holderIdentity": "thief"}})).await?;

    timeout(PATIENCE, held.handle().lost()).await?;
    ensure!(held.handle().remaining().is_zero());
    ensure!(place.holder().await?.as_deref() == Some("thief"));
    held.release().await;
    ensure!(place.holder().await?.as_deref() == Some("thief"), "a lost lease was released");
    Ok(())
}

#[tokio::test]
async fn a_deleted_lease_is_lost() -> Result<()> {
    let place = Place::new("deletion").await?;
    let held = place.acquire("victim", NEVER).await;
    place.api.delete("evercert", &Default::default()).await?;
    timeout(PATIENCE, held.handle().lost()).await?;
    Ok(())
}

#[tokio::test]
async fn a_change_by_others_that_leaves_the_holder_is_survived() -> Result<()> {
    let place = Place::new("label").await?;
    let held = place.acquire("holder", SHORT).await;
    let before = place.overwrite(json!({"metadata": {"labels": {"colour": "red"}}})).await?.renew_time;

    let renewed = async {
        while place.spec().await?.renew_time <= before {}
        anyhow::Ok(())
    };
    timeout(PATIENCE, renewed).await??;
    ensure!(!held.handle().remaining().is_zero());
    Ok(())
}

#[tokio::test]
async fn without_an_api_server_it_ends_in_time() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let namespace = plane.namespace("silence").await?;
    let held = lease::acquire(plane.client(), config(&namespace, "lonely", SHORT)).await;
    plane.stop().await;
    timeout(PATIENCE, held.handle().lost()).await?;
    ensure!(held.handle().remaining().is_zero());
    Ok(())
}

/// A namespace with one Lease.
struct Place {
    client: Client,
    namespace: String,
    api: Api<Lease>,
}

impl Place {
    async fn new(prefix: &str) -> Result<Self> {
        let plane = shared().await;
        let (client, namespace) = (plane.client(), plane.namespace(prefix).await?);
        Ok(Self { api: Api::namespaced(client.clone(), &namespace), client, namespace })
    }

    async fn acquire(&self, holder: &str, duration: Duration) -> Held {
        lease::acquire(self.client.clone(), config(&self.namespace, holder, duration)).await
    }

    /// As a rude writer does: without regard to what is there.
    async fn overwrite(&self, change: Value) -> Result<LeaseSpec> {
        let lease = self.api.patch("evercert", &PatchParams::default(), &Patch::Merge(change)).await?;
        lease.spec.context("a spec")
    }

    async fn spec(&self) -> Result<LeaseSpec> {
        self.api.get("evercert").await?.spec.context("a spec")
    }

    async fn holder(&self) -> Result<Option<String>> {
        Ok(self.spec().await?.holder_identity)
    }
}

fn config(namespace: &str, holder: &str, duration: Duration) -> LeaseConfig {
    let renew_every = Duration::from_millis(200);
    LeaseConfig { holder: holder.into(), duration, renew_every, ..LeaseConfig::new(namespace.into()) }
}

//! Where certificates live, as SCM's inventory shows it. Custom locations are names and values of our choosing on a
//! record that exists; making one twice makes two, so the list is read first.

use async_trait::async_trait;
use serde_json::json;
use std::collections::BTreeMap;

use super::Sectigo;
use super::client::Call;
use super::endpoints::{CREATE_LOCATION, DELETE_LOCATION, LIST_LOCATIONS, LOCATION, UPDATE_LOCATION};
use super::wire::{CertificateLocation, word};
use crate::provider::{CallError, Location, Locations};

impl Sectigo {
    /// *List locations*.
    pub async fn certificate_locations(&self, id: &str) -> Result<Vec<CertificateLocation>, CallError> {
        self.client.call(Call::of(&LIST_LOCATIONS, id)).await?.list()
    }

    /// *Get location details*.
    pub async fn certificate_location(&self, id: &str, location: &str) -> Result<CertificateLocation, CallError> {
        self.client.call(Call::of(&LOCATION, id).and(location)).await?.read()
    }

    /// *Create custom location*; returns its id.
    pub async fn create_location(&self, id: &str, details: &BTreeMap<String, String>) -> Result<String, CallError> {
        self.client.call(Call::of(&CREATE_LOCATION, id).json(&json!({ "details": details }))).await?.created()
    }

    /// *Update custom location*.
    pub async fn update_location(
        &self,
        id: &str,
        location: &str,
        details: &BTreeMap<String, String>,
    ) -> Result<(), CallError> {
        let call = Call::of(&UPDATE_LOCATION, id).and(location).json(&json!({ "details": details }));
        self.client.call(call).await.map(drop)
    }

    /// *Delete custom location*.
    pub async fn delete_location(&self, id: &str, location: &str) -> Result<(), CallError> {
        self.client.call(Call::of(&DELETE_LOCATION, id).and(location)).await.map(drop)
    }

    /// Ours, for this Secret.
    async fn recorded(&self, id: &str, location: &Location) -> Result<Vec<CertificateLocation>, CallError> {
        let mut locations = self.certificate_locations(id).await?;
        let wanted = details(location);
        let same = |shown: &CertificateLocation| {
            wanted
                .iter()
                .filter(|(name, _)| KEY.contains(&name.as_str()))
                .all(|(name, value)| shown.details.get(name).and_then(|values| values.first()) == Some(value))
        };
        locations.retain(|shown| shown.location_type.as_deref().map(word).as_deref() == Some("custom") && same(shown));
        Ok(locations)
    }
}

/// What tells one of our locations from another.
const KEY: [&str; 3] = ["cluster", "namespace", "secret"];

fn details(location: &Location) -> BTreeMap<String, String> {
    let Location { cluster, namespace, secret } = location;
    let details = [("cluster", cluster), ("namespace", namespace), ("secret", secret)];
    let details = details.into_iter().map(|(name, value)| (name.to_owned(), value.clone()));
    details.chain([("managedBy".to_owned(), "Evercert".to_owned())]).collect()
}

#[async_trait]
impl Locations for Sectigo {
    async fn record_location(&self, order_id: &str, location: &Location) -> Result<(), CallError> {
        let wanted = details(location);
        let Some(known) = self.recorded(order_id, location).await?.into_iter().next() else {
            return self.create_location(order_id, &wanted).await.map(drop);
        };
        let shown = |name: &String| known.details.get(name).and_then(|values| values.first());
        match &known.id {
            Some(id) if wanted.iter().any(|(name, value)| shown(name) != Some(value)) => {
                self.update_location(order_id, id, &wanted).await
            }
            _ => Ok(()),
        }
    }

    async fn remove_location(&self, order_id: &str, location: &Location) -> Result<(), CallError> {
        for known in self.recorded(order_id, location).await? {
            if let Some(id) = &known.id {
                self.delete_location(order_id, id).await?;
            }
        }
        Ok(())
    }
}

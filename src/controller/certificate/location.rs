//! What the provider's inventory is told of where a certificate lives. What goes wrong is a fact for the next decision, not
//! an error: nothing may wait for it.

use kube::ResourceExt;

use super::Work;
use crate::{
    api::{certificate::CertificateLocation, meta::LOCATION_FINALIZER},
    controller::{error::Error, fault},
    lifecycle::location::{Effect, Outcome, Told},
    provider::{CallError, Location},
};

/// Of what was said, in characters.
const MAX_MESSAGE: usize = 512;

impl Work {
    pub(super) async fn location(&mut self, effect: Effect) -> Result<(), Error> {
        match effect {
            Effect::AddFinalizer => self.set_finalizer(LOCATION_FINALIZER, true).await,
            Effect::RemoveFinalizer => self.set_finalizer(LOCATION_FINALIZER, false).await,
            Effect::Record(entry) => {
                let outcome = self.tell(&entry, true).await;
                fault::point("location.after", &self.certificate.name_any());
                self.told.push(Told { entry, outcome: outcome.unwrap_or(Outcome::Recorded) });
                Ok(())
            }
            Effect::StrikeOut(entry) => {
                let outcome = self.tell(&entry, false).await;
                self.told.push(Told { entry, outcome: outcome.unwrap_or(Outcome::Gone) });
                Ok(())
            }
            Effect::Leave { entry, why } => {
                let (order, secret) = (&entry.order_id, &entry.secret_name);
                let note = format!("the inventory of the provider still has {order} in Secret {secret}: {why}");
                self.context.events.about(&self.certificate, "Record", "LocationLeft", note).await;
                self.told.push(Told { entry, outcome: Outcome::Gone });
                Ok(())
            }
        }
    }

    /// `None`: done.
    async fn tell(&self, entry: &CertificateLocation, lives: bool) -> Option<Outcome> {
        let location = Location {
            cluster: self.context.installation.clone(),
            namespace: self.namespace.clone(),
            secret: entry.secret_name.clone(),
        };
        let provider = match self.provider().await {
            Ok(provider) => provider,
            Err(error) => return Some(Outcome::Refused { message: cut(&error), certain: false }),
        };
        let locations = provider.locations()?;
        let answer = match lives {
            true => locations.record_location(&entry.order_id, &location).await,
            false => locations.remove_location(&entry.order_id, &location).await,
        };
        let error = answer.err()?;
        let certain = matches!(error, CallError::Rejected { .. } | CallError::Blocked { .. });
        Some(Outcome::Refused { message: cut(&error), certain })
    }
}

fn cut(error: &impl std::fmt::Display) -> String {
    error.to_string().chars().take(MAX_MESSAGE).collect()
}

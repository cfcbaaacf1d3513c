//! Where DNSimple tells of what happens in an account.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::client::Call;
use super::endpoints::{CREATE_WEBHOOK, DELETE_WEBHOOK, LIST_WEBHOOKS};
use super::wire::Webhook;
use super::{Account, errors};
use crate::provider::CallError;

impl Account {
    /// *listWebhooks*.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, CallError> {
        self.client.rows(|| Call::new(&LIST_WEBHOOKS)).await
    }

    /// *createWebhook*: https only.
    pub async fn create_webhook(&self, url: &SecretString) -> Result<Webhook, CallError> {
        let body = json!({ "url": url.expose_secret() });
        self.client.call(Call::new(&CREATE_WEBHOOK).json(body).hiding(url)).await?.read()
    }

    /// *deleteWebhook*. Not there counts as done.
    pub async fn delete_webhook(&self, id: &str) -> Result<(), CallError> {
        match self.client.call(Call::new(&DELETE_WEBHOOK).and(id)).await {
            Err(error) if !errors::is_not_found(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

//! An inventory of the places where certificates live, as some providers keep it.

use async_trait::async_trait;

use super::CallError;

/// A Secret that holds a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// How people call the cluster.
    pub cluster: String,
    pub namespace: String,
    pub secret: String,
}

#[async_trait]
pub trait Locations: Send + Sync {
    /// Writes down that a certificate lives there. Written down already counts as done.
    async fn record_location(&self, order_id: &str, location: &Location) -> Result<(), CallError>;

    /// Strikes it out. Not there counts as done.
    async fn remove_location(&self, order_id: &str, location: &Location) -> Result<(), CallError>;
}

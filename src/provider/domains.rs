//! Domains that are validated for an account, apart from any order.

use async_trait::async_trait;
use std::collections::BTreeSet;

use super::{CallError, DcvMethod, Validation};

#[async_trait]
pub trait DomainValidation: Send + Sync {
    /// Where the validations stand that certificates with these names need, with what has to be published for those
    /// still open: begun, when nothing was under way.
    async fn domains_of(&self, names: &BTreeSet<String>, method: DcvMethod) -> Result<Vec<Validation>, CallError>;

    /// Asks the provider to look at what is published for these domains. "Not seen yet" is not an error.
    async fn check_domains(&self, domains: &[String], method: DcvMethod) -> Result<(), CallError>;
}

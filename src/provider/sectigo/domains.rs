//! Domain validation apart from certificates, for customers with pre-validation.

use serde_json::{Value, json};

use super::Sectigo;
use super::certificates::object;
use super::client::Call;
use super::endpoints::{
    CLEAR_VALIDATION, DELETE_VALIDATION, DOMAIN, LIST_DOMAINS, LIST_VALIDATIONS, START_VALIDATION, SUBMIT_VALIDATION,
    SUBMIT_VALIDATIONS_BY_EMAIL, SYNC_VALIDATION, VALIDATION,
};
use super::wire::{Domain, DomainRow, DomainValidationInfo, ValidationRow};
use crate::provider::CallError;

/// By what a domain is validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainMethod {
    Cname,
    Txt,
    Http,
    Https,
    Email,
}

impl DomainMethod {
    fn path(self) -> &'static str {
        match self {
            Self::Cname => "cname",
            Self::Txt => "txt",
            Self::Http => "http",
            Self::Https => "https",
            Self::Email => "email",
        }
    }
}

/// What *List domain validations* can be asked for; together they narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValidationFilter {
    pub domain: Option<String>,
    pub org: Option<u64>,
    pub department: Option<u64>,
    pub dcv_status: Option<String>,
    pub order_status: Option<String>,
    /// Days.
    pub expires_in: Option<u64>,
}

impl Sectigo {
    /// *List domain validations*: a wildcard stands beside its domain.
    pub async fn list_validations(&self, filter: &ValidationFilter) -> Result<Vec<ValidationRow>, CallError> {
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let state = |word: &Option<String>| word.as_deref().map(|word| self.client.version.state_filter(word));
        let asked = [
            ("domain", filter.domain.clone()),
            ("org", number(filter.org)),
            ("department", number(filter.department)),
            ("dcvStatus", state(&filter.dcv_status)),
            ("orderStatus", state(&filter.order_status)),
            ("expiresIn", number(filter.expires_in)),
        ];
        let narrowed = |call| {
            let asked = asked.iter().filter_map(|(name, value)| Some((*name, value.clone()?)));
            asked.fold(call, |call: Call<'_>, (name, value)| call.query(name, value))
        };
        self.client.rows(&LIST_VALIDATIONS, narrowed).await
    }

    /// *List domains*: those delegated to an organization, when it is named.
    pub async fn domains(&self, org_id: Option<u64>) -> Result<Vec<DomainRow>, CallError> {
        let narrowed = |call: Call<'static>| match org_id {
            Some(id) => call.query("orgId", id.to_string()),
            None => call,
        };
        self.client.rows(&LIST_DOMAINS, narrowed).await
    }

    /// *Get domain details*.
    pub async fn domain(&self, id: &str) -> Result<Domain, CallError> {
        self.client.call(Call::of(&DOMAIN, id)).await?.read()
    }

    /// *Get validation details*.
    pub async fn validation_of(&self, domain: &str) -> Result<DomainValidationInfo, CallError> {
        self.client.call(Call::new(&VALIDATION).json(&json!({ "domain": domain }))).await?.read()
    }

    /// *Start validation*: what to publish, or whom it can mail. TXT has nothing to start.
    pub async fn start_validation(
        &self,
        domain: &str,
        method: DomainMethod,
    ) -> Result<DomainValidationInfo, CallError> {
        let call = Call::of(&START_VALIDATION, method.path()).json(&json!({ "domain": domain }));
        self.client.call(call).await?.read()
    }

    /// *Submit validation*: has the CA look at what is published, or mail; for TXT it answers what to publish.
    pub async fn submit_validation(
        &self,
        domain: &str,
        method: DomainMethod,
        email: Option<&str>,
    ) -> Result<DomainValidationInfo, CallError> {
        let body = object([("domain", Some(json!(domain))), ("email", email.map(Value::from))]);
        self.client.call(Call::of(&SUBMIT_VALIDATION, method.path()).json(&body)).await?.read()
    }

    /// *Submit validation email bulk*: one mail for several domains.
    pub async fn submit_validations_by_email(
        &self,
        domains: &[String],
        email: &str,
    ) -> Result<DomainValidationInfo, CallError> {
        let body = json!({ "domains": domains, "email": email });
        self.client.call(Call::new(&SUBMIT_VALIDATIONS_BY_EMAIL).json(&body)).await?.read()
    }

    /// *Sync validation details*: has SCM ask the CA.
    pub async fn sync_validation(&self, domain: &str, force: bool) -> Result<DomainValidationInfo, CallError> {
        let call = Call::new(&SYNC_VALIDATION).query("force", force.to_string()).json(&json!({ "domain": domain }));
        self.client.call(call).await?.read()
    }

    /// *Clear validation*: back to the beginning.
    pub async fn clear_validation(&self, domain: &str) -> Result<DomainValidationInfo, CallError> {
        self.client.call(Call::new(&CLEAR_VALIDATION).json(&json!({ "domain": domain }))).await?.read()
    }

    /// *Delete validation*.
    pub async fn delete_validation(&self, domain: &str) -> Result<(), CallError> {
        self.client.call(Call::new(&DELETE_VALIDATION).json(&json!({ "domain": domain }))).await.map(drop)
    }
}

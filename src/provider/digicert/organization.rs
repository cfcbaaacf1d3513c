//! Whether the organization of an order is validated, and in DigiCert's words what is missing.

use super::DigiCert;
use super::client::Call;
use super::endpoints::VALIDATION_STATUS;
use super::wire::{OrganizationValidation, Validations};
use crate::provider::{CallError, Placed};

impl DigiCert {
    /// *Order validation status*: `organization_validations`, none for DV.
    pub(super) async fn what_the_organization_lacks(&self, placed: &Placed) -> Result<Option<String>, CallError> {
        let read: Validations = self.client.call(Call::of(&VALIDATION_STATUS, &placed.order_id)).await?.read()?;
        let open: Vec<String> = read.organization_validations.iter().filter(|row| !is_valid(row)).map(words).collect();
        if open.is_empty() {
            return Ok(None);
        }
        let name = read.organization_name.unwrap_or_default();
        let id = read.organization_id.map(|id| format!(" ({id})")).unwrap_or_default();
        Ok(Some(format!(
            "organization {name}{id} is not validated: {}. CertCentral, Certificates > Organizations, says what \
             DigiCert still needs; the order goes on by itself then",
            open.join(", ")
        )))
    }
}

/// Unknown words count as open: a person looks, and nothing is bought.
fn is_valid(row: &OrganizationValidation) -> bool {
    matches!(row.status.as_deref(), Some("active" | "approved" | "valid" | "complete"))
}

fn words(row: &OrganizationValidation) -> String {
    let what = row.description.as_ref().or(row.name.as_ref()).or(row.kind.as_ref());
    let until = row.validated_until.as_ref().map(|until| format!(" (validated until {until})")).unwrap_or_default();
    let what = what.map_or("its validation", String::as_str);
    format!("{what} is {}{until}", row.status.as_deref().unwrap_or("open"))
}

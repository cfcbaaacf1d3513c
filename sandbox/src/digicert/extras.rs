//! What an order says beside the certificate it is for: people, mails, the account's own fields, payment.

use serde_json::{Value, json};

use super::{
    body::{Contact, Submission},
    errors::ApiError,
};
use crate::state::records::Extras;

const PAYMENT_METHODS: [&str; 4] = ["balance", "card", "profile", "wire_transfer"];
const CONTACT_TYPES: [&str; 3] = ["organization_contact", "technical_contact", "verified_contact"];

pub fn read(body: &Submission) -> Result<Extras, ApiError> {
    let payment_method = body.payment_method.as_deref().filter(|method| !method.is_empty());
    if payment_method.is_some_and(|method| !PAYMENT_METHODS.contains(&method)) {
        return Err(ApiError::invalid("payment_method", "balance, card, profile or wire_transfer."));
    }
    let emails = body.additional_emails.clone().unwrap_or_default();
    if let Some(email) = emails.iter().find(|email| !email.contains('@')) {
        return Err(ApiError::invalid("additional_emails", format!("{email} is not an e-mail address.")));
    }
    let fields = body.custom_fields.clone().unwrap_or_default();
    if !fields.iter().all(|field| is_id(&field["metadata_id"]) && field["value"].is_string()) {
        return Err(ApiError::invalid("custom_fields", "Each has a metadata_id and a value."));
    }
    let contacts = body.organization.as_ref().and_then(|organization| organization.contacts.as_deref());
    Ok(Extras {
        payment_method: payment_method.unwrap_or("balance").to_owned(),
        additional_emails: emails,
        custom_fields: fields,
        contacts: contacts.unwrap_or_default().iter().map(contact).collect::<Result<_, _>>()?,
        custom_renewal_message: body.custom_renewal_message.clone().unwrap_or_default(),
        locale: body.locale.clone().filter(|locale| !locale.is_empty()).unwrap_or_else(|| "en".to_owned()),
    })
}

/// A number, or one written as a string.
fn is_id(value: &Value) -> bool {
    value.is_u64() || value.as_str().is_some_and(|text| text.parse::<u64>().is_ok())
}

/// A user of the account by id, or somebody by name and address.
fn contact(contact: &Contact) -> Result<Value, ApiError> {
    let invalid = |message: &str| ApiError::invalid("contacts", message);
    let kind = contact.contact_type.as_deref().unwrap_or_default();
    if !CONTACT_TYPES.contains(&kind) {
        return Err(invalid("contact_type is organization_contact, technical_contact or verified_contact."));
    }
    let named = [&contact.first_name, &contact.last_name, &contact.email].iter().all(|part| part.is_some());
    if contact.user_id.is_none() && !named {
        return Err(invalid("A contact needs a user_id, or first_name, last_name and email."));
    }
    Ok(json!({
        "contact_type": kind,
        "user_id": contact.user_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "job_title": contact.job_title,
        "telephone": contact.telephone,
    }))
}

//! What else can be said with a submission.

/// All of it optional; a provider leaves out what its endpoint does not take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The division that orders are placed in.
    pub container_id: Option<u64>,
    pub payment_method: Option<PaymentMethod>,
    pub contacts: Vec<Contact>,
    pub disable_renewal_notifications: Option<bool>,
    pub ca_cert_id: Option<String>,
    pub organization_units: Vec<String>,
    pub server_platform: Option<i32>,
    /// To whoever approves.
    pub comments: Option<String>,
    /// The account's own order fields: id and value.
    pub custom_fields: Vec<(u64, String)>,
    pub additional_emails: Vec<String>,
    pub custom_renewal_message: Option<String>,
    pub locale: Option<String>,
    /// The same for accounts that know their fields by name: name and value.
    pub named_fields: Vec<(String, String)>,
    /// Somebody outside the account, by mail address, for whom it is asked and who may get mail about it.
    pub external_requester: Option<String>,
    /// Whom to mail when domains are validated by mail and the request has to say so.
    pub dcv_email: Option<String>,
    /// Of the key that the provider makes: `ECDSA` or `RSA`.
    pub signature_algorithm: Option<String>,
}

/// An address whose mail goes to the same mailbox and which tells this submission from all others (RFC 5233,
/// subaddressing). `None`: the address has no room for it.
pub fn plus_addressed(address: &str, idempotency_key: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    // RFC 5321 §4.5.3.1.1.
    let fits = !local.is_empty() && !local.contains('+') && local.len() + 1 + idempotency_key.len() <= 64;
    fits.then(|| format!("{local}+{idempotency_key}@{domain}"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentMethod {
    Balance,
    Card,
    Profile,
}

/// A person: a user of the account, or somebody by name and mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub role: ContactRole,
    pub user_id: Option<u64>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub job_title: Option<String>,
    pub telephone: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactRole {
    Organization,
    Technical,
    Verified,
}

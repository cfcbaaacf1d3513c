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

//! What the sandbox remembers of DNSimple: accounts, their domains with zone records, certificates and webhooks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    records::{Issued, Quirk, Revocation},
    table::Table,
};

#[derive(Default)]
pub struct DNSimple {
    pub accounts: Table<Account>,
    pub tokens: Table<Token>,
    pub domains: Table<Domain>,
    pub records: Table<Record>,
    pub certificates: Table<Certificate>,
    pub renewals: Table<Renewal>,
    pub webhooks: Table<Webhook>,
    pub deliveries: Table<Delivery>,
}

/// A row of any of the tables, as the journal keeps it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::large_enum_variant)] // lives only between a table and a line of text
pub(super) enum Row {
    Account(Account),
    Token(Token),
    Domain(Domain),
    Record(Record),
    Certificate(Certificate),
    Renewal(Renewal),
    Webhook(Webhook),
    Delivery(Delivery),
    Removed(u64),
}

impl DNSimple {
    pub(super) fn changes(&mut self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.accounts.changes().map(Row::Account).collect();
        rows.extend(self.tokens.changes().map(Row::Token));
        rows.extend(self.domains.changes().map(Row::Domain));
        rows.extend(self.records.changes().map(Row::Record));
        rows.extend(self.certificates.changes().map(Row::Certificate));
        rows.extend(self.renewals.changes().map(Row::Renewal));
        rows.extend(self.webhooks.changes().map(Row::Webhook));
        rows.extend(self.deliveries.changes().map(Row::Delivery));
        rows.extend(self.records.removals().map(Row::Removed));
        rows.extend(self.webhooks.removals().map(Row::Removed));
        rows.extend(self.deliveries.removals().map(Row::Removed));
        rows
    }

    /// Takes a row back from the journal and answers its id.
    pub(super) fn load(&mut self, row: Row) -> u64 {
        match row {
            Row::Account(row) => self.accounts.load(row),
            Row::Token(row) => self.tokens.load(row),
            Row::Domain(row) => self.domains.load(row),
            Row::Record(row) => self.records.load(row),
            Row::Certificate(row) => self.certificates.load(row),
            Row::Renewal(row) => self.renewals.load(row),
            Row::Webhook(row) => self.webhooks.load(row),
            Row::Delivery(row) => self.deliveries.load(row),
            Row::Removed(id) => {
                self.records.unload(id);
                self.webhooks.unload(id);
                self.deliveries.unload(id);
                id
            }
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub created: Timestamp,
    pub settings: Settings,
}

/// How accounts differ, and what the vendor's documents leave open.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    pub plan: Plan,
    /// The Let's Encrypt feature is enabled.
    pub letsencrypt: bool,
    /// Nothing can be purchased: 402.
    pub unpaid_invoices: bool,
    pub requests_per_hour: u32,
    /// From the request for a certificate to its issuance, by the clock of certificates.
    pub issue_seconds: i64,
    /// A purchase has an id beside that of its certificate; in the published examples it is the same.
    pub purchase_has_own_id: bool,
    /// A download has the root too; otherwise it is null.
    pub root_given: bool,
    /// Private keys are PKCS#8; otherwise PKCS#1 or SEC 1.
    pub pkcs8_keys: bool,
    /// A re-issued certificate keeps its id, and its key is replaced.
    pub reissue_keeps_id: bool,
    /// The key of a certificate re-issued under its id is handed out once a person has confirmed its receipt; the old
    /// one until then.
    pub reissue_confirmed: bool,
    /// Before the second delivery of an event, real time; doubled before each one after it.
    pub webhook_retry_milliseconds: u64,
    /// "It MAY occur that some webhook fire more than once."
    pub webhooks_twice: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            plan: Plan::Teams,
            letsencrypt: true,
            unpaid_invoices: false,
            requests_per_hour: 2400,
            issue_seconds: 0,
            purchase_has_own_id: false,
            root_given: false,
            pkcs8_keys: false,
            reissue_keeps_id: true,
            reissue_confirmed: false,
            webhook_retry_milliseconds: 14_000,
            webhooks_twice: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Plan {
    Solo,
    Teams,
    Enterprise,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    pub id: u64,
    pub value: String,
    /// None: a user's token, good for every account.
    pub account: Option<u64>,
    /// `certificates:example.com:read`; None: everything.
    pub scopes: Option<Vec<String>>,
    pub revoked: bool,
}

/// A domain and its zone, which have ids of their own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Domain {
    pub id: u64,
    pub account: u64,
    pub name: String,
    pub zone: u64,
    pub created: Timestamp,
    /// To DNSimple's name servers: without it Let's Encrypt issues nothing.
    pub delegated: bool,
    /// Real seconds from a change of a record to its being served.
    pub lag_seconds: i64,
    /// The distribution of a record cannot be told: 504.
    pub distribution_unknown: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub id: u64,
    pub domain: u64,
    /// Relative to the zone; empty at its apex.
    pub name: String,
    pub content: String,
    pub ttl: u32,
    pub priority: Option<u16>,
    pub record_type: String,
    pub regions: Vec<String>,
    pub system: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Of the last change, real time.
    pub changed: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authority {
    /// Sectigo, under its older name.
    Comodo,
    Letsencrypt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    New,
    Purchased,
    Configured,
    Submitted,
    Issued,
    Rejected,
    Refunded,
    Cancelled,
    Requesting,
    Failed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Certificate {
    pub id: u64,
    pub account: u64,
    pub domain: u64,
    /// What it is issued by.
    pub purchase: u64,
    pub authority: Authority,
    /// The label, such as `www`.
    pub name: String,
    pub common_name: String,
    pub alternate_names: Vec<String>,
    /// Everything that stands in the certificate.
    pub names: Vec<String>,
    pub state: State,
    /// Said in place of the state: words that nobody has documented.
    pub shown_state: Option<String>,
    pub auto_renew: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// When Let's Encrypt was asked.
    pub requested: Option<Timestamp>,
    pub subject: Subject,
    pub issued: Option<Issued>,
    pub revocation: Option<Revocation>,
    /// What a re-issue under way is for.
    pub reissue: Option<Subject>,
    /// Of a re-issue whose receipt nobody has confirmed: the new key, PKCS#8, PEM.
    #[serde(default)]
    pub unconfirmed_key: Option<String>,
    pub renewed_by: Option<u64>,
    pub quirks: Vec<Quirk>,
    /// Real time until which look-ups do not show it.
    pub hidden_until: Option<Timestamp>,
}

impl Certificate {
    /// As yet without names.
    pub fn new(id: u64, domain: &Domain, authority: Authority, subject: Subject, now: Timestamp) -> Self {
        Self {
            id,
            account: domain.account,
            domain: domain.id,
            purchase: id,
            authority,
            name: String::new(),
            common_name: String::new(),
            alternate_names: Vec::new(),
            names: Vec::new(),
            state: State::New,
            shown_state: None,
            auto_renew: false,
            created: now,
            updated: now,
            requested: None,
            subject,
            issued: None,
            revocation: None,
            reissue: None,
            unconfirmed_key: None,
            renewed_by: None,
            quirks: Vec::new(),
            hidden_until: None,
        }
    }
}

/// What is certified, and the key where DNSimple made it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subject {
    pub csr: String,
    pub public_key_sha256: String,
    /// PKCS#8, PEM.
    pub private_key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RenewalState {
    New,
    Renewing,
    Renewed,
    Failed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Renewal {
    pub id: u64,
    pub old: u64,
    pub new: u64,
    pub state: RenewalState,
    pub created: Timestamp,
    pub updated: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Webhook {
    pub id: u64,
    pub account: u64,
    pub url: String,
    pub suppressed: Option<Timestamp>,
    /// In a row.
    pub failures: u32,
}

/// An event on its way to one webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    pub id: u64,
    pub webhook: u64,
    pub payload: Value,
    pub attempts: u32,
    /// Real time.
    pub due: Timestamp,
}

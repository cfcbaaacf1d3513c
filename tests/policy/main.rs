//! What an issuer's policy lets its users spend, and what happens when its account or the issuer itself is not there.

mod approvals;
mod budgets;
mod issuers;
mod stage;

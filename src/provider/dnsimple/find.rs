//! What may have been placed, and what people have had issued: told by names and times, since nothing of ours goes along.

use jiff::SignedDuration;
use secrecy::ExposeSecret;

use super::names::Below;
use super::provider::{DnSimple, accepted};
use super::wire::{Certificate, State};
use crate::pki::{Leaf, PrivateKey};
use crate::provider::{ByHand, CallError, Collectable, Found, Stage, Wanted};

/// How far DNSimple's clock may be behind.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Newest certificates of the names that are looked into.
const MOST: usize = 8;

impl DnSimple {
    /// The first purchase of Let's Encrypt for exactly these names since the intent, of those that nobody else knows.
    pub(super) async fn look_for(&self, wanted: &Wanted) -> Result<Found, CallError> {
        let domain = self.domain(&wanted.common_name).await?;
        let below = Below::of(&wanted.common_name, &domain);
        let since = wanted.since.saturating_sub(SKEW).unwrap_or(wanted.since);
        let listed = self.account.certificates(&domain).await?;
        let placed = listed.into_iter().filter(|row| {
            row.authority_identifier.as_deref() == Some("letsencrypt")
                && is_named(row, &wanted.common_name)
                && below.is_for(&wanted.dns_names, &row.names())
                && row.created_at.is_some_and(|created| created >= since)
        });
        let ids = placed.filter_map(|row| row.id?.parse::<u64>().ok());
        let unknown = ids.filter(|id| !wanted.earlier.contains(&format!("{domain}/{id}")));
        Ok(match unknown.min() {
            Some(id) => Found::Ours(accepted(&domain, &id.to_string(), None)),
            None => Found::Absent,
        })
    }

    pub(super) async fn watch(&self, wanted: &Wanted) -> Result<ByHand, CallError> {
        let domain = self.domain(&wanted.common_name).await?;
        let listed = self.account.certificates(&domain).await?;
        let named: Vec<&Certificate> = listed.iter().filter(|row| is_named(row, &wanted.common_name)).collect();
        let (mut collectable, mut newest): (Option<Collectable>, _) = (None, None);
        for row in named.into_iter().take(MOST) {
            let Some(id) = row.id.as_deref() else { continue };
            let order_id = format!("{domain}/{id}");
            let leaf = self.leaf(row, &order_id).await?;
            newest = newest.or_else(|| Some((id.to_owned(), stage(row, leaf.as_ref()))));
            let Some(leaf) = leaf.filter(|leaf| serves(leaf, wanted)) else { continue };
            let better = collectable.as_ref().is_none_or(|known| leaf.not_after > known.not_after);
            if better
                && (leaf.public_key_sha256 == wanted.public_key_sha256 || self.gives_key(&order_id, &leaf).await?)
            {
                let Leaf { public_key_sha256, not_after, .. } = leaf;
                collectable = Some(Collectable { order_id, public_key_sha256, not_after });
            }
        }
        Ok(ByHand { collectable, page: self.page(&domain), newest })
    }

    async fn leaf(&self, row: &Certificate, order_id: &str) -> Result<Option<Leaf>, CallError> {
        if row.state() != State::Issued {
            return Ok(None);
        }
        Ok(self.bundle(order_id).await?.and_then(|pem| Leaf::from_pem(&pem).ok()))
    }

    async fn gives_key(&self, order_id: &str, leaf: &Leaf) -> Result<bool, CallError> {
        let given = self.key(order_id).await?;
        let key = given.and_then(|given| PrivateKey::from_pem(given.expose_secret()).ok());
        Ok(key.is_some_and(|key| key.public_key_sha256() == leaf.public_key_sha256))
    }

    /// Where people see it: the site has the name of its API without the first label.
    fn page(&self, domain: &str) -> String {
        let host = self.account.host();
        let site = host.strip_prefix("api.").unwrap_or(host);
        format!("https://{site}/a/{}/domains/{domain}/certificates", self.account.id())
    }
}

fn is_named(row: &Certificate, common_name: &str) -> bool {
    row.common_name.as_deref().is_some_and(|shown| shown.eq_ignore_ascii_case(common_name))
}

/// No earlier one, and for every name.
fn serves(leaf: &Leaf, wanted: &Wanted) -> bool {
    !wanted.earlier.contains(&leaf.serial) && wanted.dns_names.iter().all(|name| leaf.dns_names.contains(name))
}

fn stage(row: &Certificate, leaf: Option<&Leaf>) -> Stage {
    let word = row.state.clone().unwrap_or_default();
    match row.state() {
        State::Issued => Stage::Issued(leaf.map(|leaf| leaf.not_after).or(row.expires_at)),
        State::Rejected | State::Refunded | State::Cancelled | State::Failed => Stage::Ended(word),
        _ => Stage::UnderWay(word),
    }
}

//! Whom a token belongs to.

use super::client::Call;
use super::endpoints::{Endpoint, GET_DOMAIN, LIST_ACCOUNTS, WHOAMI};
use super::wire::{AccountRow, Domain, Whoami};
use super::{Account, errors};
use crate::provider::{AccountFacts, CallError};

impl Account {
    /// *whoami*: the call that is also made to an account that is not called otherwise.
    pub async fn whoami(&self) -> Result<Whoami, CallError> {
        self.client.probe(Call::new(&WHOAMI)).await?.read()
    }

    /// *listAccounts*: those of a user token's user, or the one of an account token.
    pub async fn accounts(&self) -> Result<Vec<AccountRow>, CallError> {
        self.client.rows(|| Call::new(&LIST_ACCOUNTS)).await
    }

    /// The account that is configured, as the token sees it. `Blocked`: the token is for none, or for another one.
    pub async fn facts(&self) -> Result<AccountFacts, CallError> {
        let known = match self.whoami().await?.account {
            Some(account) => vec![account],
            None => self.accounts().await?,
        };
        let wanted = &self.client.account_id;
        let id = |account: &AccountRow| account.id.clone().unwrap_or_default();
        let Some(account) = known.iter().find(|account| id(account) == *wanted) else {
            let others = known.iter().map(id).take(8).collect::<Vec<_>>().join(", ");
            let message = format!("the token is not for account {wanted} but for {others}");
            return Err(errors::other_account(WHOAMI.name, message));
        };
        Ok(AccountFacts {
            host: self.client.host.clone(),
            id: wanted.clone(),
            name: account.name.clone().or_else(|| account.email.clone()),
            organization: None,
        })
    }

    /// *getDomain*: by its name. `None`: not in the account, or not for this token.
    pub async fn domain(&self, name: &str) -> Result<Option<Domain>, CallError> {
        match self.client.call(Call::of(&GET_DOMAIN, name)).await {
            Ok(answer) => answer.read().map(Some),
            Err(error) if errors::is_not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The closest domain above a name, by the name it is known by there.
    pub async fn domain_of(&self, name: &str) -> Result<Option<String>, CallError> {
        self.closest(&GET_DOMAIN, name).await
    }

    /// The first of a name and what is above it that an endpoint knows. Also asked of an account that is not called
    /// otherwise, since a token may be for this alone, and then nothing else finds out that it serves again.
    pub(super) async fn closest(&self, endpoint: &'static Endpoint, name: &str) -> Result<Option<String>, CallError> {
        let mut denied = None;
        for candidate in parents(name) {
            match self.client.probe(Call::of(endpoint, candidate)).await {
                Ok(_) => return Ok(Some(candidate.to_owned())),
                Err(error) if errors::is_not_found(&error) => {}
                // A token for single ones is denied all others, also what does not exist.
                Err(error) if errors::is_missing_permission(&error) => denied = Some(error),
                Err(error) => return Err(error),
            }
        }
        denied.map_or(Ok(None), Err)
    }
}

/// The name and what is above it, without wildcard and final dot, as long as it has two labels: nobody has a top-level
/// domain at DNSimple.
fn parents(name: &str) -> impl Iterator<Item = &str> {
    let name = name.trim_end_matches('.');
    let name = name.strip_prefix("*.").unwrap_or(name);
    std::iter::successors(Some(name), |name| Some(name.split_once('.')?.1)).take_while(|name| name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_from_itself_upwards() {
        for (name, expected) in [
            ("_dnsauth.www.example.com.", vec!["_dnsauth.www.example.com", "www.example.com", "example.com"]),
            ("*.example.com", vec!["example.com"]),
            ("com", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parents(name).collect::<Vec<_>>(), expected, "{name}");
        }
    }
}

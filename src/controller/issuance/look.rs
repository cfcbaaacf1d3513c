//! Looking at the DNS before the provider does: where a record has to stand, whether it is to be seen, and what would keep
//! the provider from issuing all the same.

use std::time::Duration;

use super::{
    Work,
    dcv::{file_of, record_of},
    publishers::Publication,
};
use crate::{
    api::{
        issuance::Validation,
        issuer::{Dcv, SelfCheck as Mode},
    },
    controller::error::Error,
    dcv::{Ask, File, HttpRoutes, Observed, Publisher, Record, SelfCheck, Visibility},
    lifecycle::{
        dcv::is_published,
        record::{Change, Told},
    },
    provider::{self, DcvMethod},
};

impl Work {
    pub(super) fn mode(&self) -> Mode {
        self.dcv_spec().and_then(|dcv| dcv.self_check).unwrap_or_default()
    }

    fn dcv_spec(&self) -> Option<&Dcv> {
        self.issuer.as_ref()?.spec.dcv.as_ref()
    }

    fn self_check(&self) -> Result<&SelfCheck, String> {
        self.context.self_check.as_deref().map_err(Clone::clone)
    }

    /// What becomes of the record that the provider asks for: where it has to stand, and who publishes it there.
    pub(super) async fn told(&self, validation: provider::Validation) -> Told {
        let delegated_to = self.delegated_to(&validation).await;
        let mut placed = validation.clone();
        if let (Ok(Some(name)), Some(record)) = (&delegated_to, &mut placed.record) {
            record.name.clone_from(name);
        }
        let publisher = delegated_to.is_ok().then(|| self.pick(&placed)).flatten();
        Told { validation, publisher, delegated_to }
    }

    async fn delegated_to(&self, validation: &provider::Validation) -> Result<Option<String>, String> {
        let published = self.validation(&validation.domain).filter(|known| is_published(known));
        if let Some(known) = published {
            return Ok(known.delegated_to.clone());
        }
        match &validation.record {
            Some(record) if !validation.valid && matches!(record.method, DcvMethod::DnsTxt | DcvMethod::DnsCname) => {
                self.follow(&record.into()).await
            }
            _ => Ok(None),
        }
    }

    async fn follow(&self, record: &Record) -> Result<Option<String>, String> {
        if !self.dcv_spec().and_then(|dcv| dcv.follow_cname).unwrap_or_default() {
            return Ok(None);
        }
        self.self_check()?.follow(record, self.asks()).await
    }

    pub(super) fn asks(&self) -> Ask {
        if self.mode() == Mode::Recursive { Ask::Resolvers } else { Ask::Authorities }
    }

    pub(super) async fn check(&mut self, domain: String) -> Result<(), Error> {
        self.seen.checked.insert(domain.clone());
        let Some(validation) = self.validation(&domain).cloned() else { return Ok(()) };
        if self.leads_elsewhere(&validation).await {
            // What comes next is read anew.
            self.context.paces.hurry(&self.uid());
            return self.unpublish(domain).await;
        }
        let visible = match self.is_visible(&validation).await? {
            Ok(settling) => self.may_issue(&domain).await?.map(|()| settling),
            Err(why) => Err(why),
        };
        if visible.is_ok() {
            self.context.paces.visible(&self.uid());
        }
        self.record(Change::Checked(domain, visible)).await
    }

    /// Whether what we have published stands where its name does not lead any more. Not to be found out: no.
    async fn leads_elsewhere(&self, validation: &Validation) -> bool {
        if validation.delegated_to.is_none() || !is_published(validation) {
            return false;
        }
        let own = Validation { delegated_to: None, ..validation.clone() };
        let Some(own) = record_of(&own) else { return false };
        self.follow(&own).await.is_ok_and(|leads_to| leads_to != validation.delegated_to)
    }

    /// Whether everybody sees it, and for how long some may still see what was there before; or why not.
    async fn is_visible(&self, validation: &Validation) -> Result<Result<Duration, String>, Error> {
        if let Some(file) = file_of(validation) {
            let http_check = match &self.context.http_check {
                Ok(http_check) => http_check,
                Err(why) => return Ok(Err(why.clone())),
            };
            let Err(why) = http_check.check(&file).await else { return Ok(Ok(Duration::ZERO)) };
            return Ok(Err(match self.publication(&validation.domain).await? {
                Ok(Publication::File(routes, file)) => unrouted(&routes, &file, why).await,
                _ => why,
            }));
        }
        let Some(record) = record_of(validation) else { return Ok(Ok(Duration::ZERO)) };
        let publisher = match self.publication(&validation.domain).await? {
            Ok(Publication::Record(publisher, _)) => Some(publisher),
            _ => None,
        };
        let self_check = match self.self_check() {
            Ok(self_check) => self_check,
            Err(why) => return Ok(Err(why)),
        };
        let visible = match (self.mode(), &publisher) {
            (Mode::Recursive, _) => judged(self_check.check_at_resolvers(&record).await),
            (Mode::Provider, Some(publisher)) => match publisher.is_distributed(&record).await {
                Ok(Some(true)) => Ok(()),
                Ok(Some(false)) => Err("not all name servers of its zone have it yet, says who runs them".to_owned()),
                Ok(None) => at_authorities(self_check, &record, Some(publisher.as_ref())).await,
                Err(error) => Err(format!("cannot be checked: {error}")),
            },
            (_, publisher) => at_authorities(self_check, &record, publisher.as_deref()).await,
        };
        Ok(match (visible, publisher) {
            (Ok(()), _) => self_check.settle(&record).await,
            (Err(why), Some(publisher)) => Err(unseen(publisher.as_ref(), &record, why).await),
            (Err(why), None) => Err(why),
        })
    }

    /// Whether the DNS lets the provider issue for what this validation is for.
    async fn may_issue(&mut self, domain: &str) -> Result<Result<(), String>, Error> {
        let provider = self.provider().await?;
        let identities = provider.caa_identities();
        let names = &self.issuance.spec.request.dns_names;
        let names: Vec<&String> = names.iter().filter(|name| is_within(name, domain)).collect();
        Ok(match self.self_check() {
            Ok(self_check) if !identities.is_empty() => self_check.caa(&names, identities).await,
            _ => Ok(()),
        })
    }
}

/// Whether a name, perhaps a wildcard, is a domain or below it.
fn is_within(name: &str, domain: &str) -> bool {
    let above = name.trim_start_matches("*.").strip_suffix(domain.trim_start_matches("*."));
    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// Why a record is not seen, and what usually is the cause. One that is gone where it was published is published again.
async fn unseen(publisher: &dyn Publisher, record: &Record, why: String) -> String {
    if publisher.observe(record).await == Ok(Observed::Absent)
        && let Err(error) = publisher.ensure(record).await
    {
        return format!("{why}; {error}");
    }
    match publisher.hint() {
        Some(hint) => format!("{why}; {hint}"),
        None => why,
    }
}

/// The same of a file.
async fn unrouted(routes: &HttpRoutes, file: &File, why: String) -> String {
    if routes.observe(file).await == Ok(Observed::Absent)
        && let Err(error) = routes.ensure(file).await
    {
        return format!("{why}; {error}");
    }
    match routes.objections(file).await {
        Some(objections) => format!("{why}; {objections}"),
        None => why,
    }
}

async fn at_authorities(check: &SelfCheck, record: &Record, publisher: Option<&dyn Publisher>) -> Result<(), String> {
    judged(check.check(record, publisher.and_then(|publisher| publisher.name_server())).await)
}

fn judged(visibility: Visibility) -> Result<(), String> {
    match visibility {
        Visibility::Visible => Ok(()),
        Visibility::Lagging { servers } => {
            let lagging = servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Err(format!("not visible at {lagging}"))
        }
        Visibility::Unknown(why) => Err(format!("cannot be checked: {why}")),
    }
}

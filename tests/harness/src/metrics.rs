//! What `/metrics` answers, read as strictly as OpenMetrics 1.0 and the naming rules of Prometheus ask.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

/// One answer.
#[derive(Debug, Default)]
pub struct Scrape {
    /// By name, without the suffixes of samples.
    pub families: BTreeMap<String, Family>,
}

#[derive(Debug, Default)]
pub struct Family {
    pub type_: String,
    pub unit: Option<String>,
    pub samples: Vec<Sample>,
}

#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Scrape {
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.strip_suffix("# EOF\n").context("it does not end with # EOF")?;
        let mut scrape = Self::default();
        let mut current = String::new();
        let mut seen = BTreeSet::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').with_context(|| format!("no help: {line}"))?;
                ensure!(help.len() > 10 && help.ends_with('.'), "no sentence: {line}");
                ensure!(is_snake_case(name), "{name} is not snake_case");
                ensure!(!scrape.families.contains_key(name), "{name} stands in two places");
                current = name.to_owned();
                scrape.families.insert(current.clone(), Family::default());
                continue;
            }
            let family = scrape.families.get_mut(&current).with_context(|| format!("before any HELP: {line}"))?;
            if let Some(type_) = line.strip_prefix(&format!("# TYPE {current} ")) {
                family.type_ = type_.to_owned();
            } else if let Some(unit) = line.strip_prefix(&format!("# UNIT {current} ")) {
                ensure!(current.ends_with(&format!("_{unit}")), "{current} does not name its unit");
                family.unit = Some(unit.to_owned());
            } else {
                ensure!(seen.insert(line.rsplit_once(' ').map_or(line, |(series, _)| series)), "twice: {line}");
                family.samples.push(sample(line)?);
            }
        }
        for (name, family) in &scrape.families {
            family.check(name)?;
        }
        Ok(scrape)
    }

    /// Samples of this name, e.g. `…_total`, that have these labels among theirs.
    pub fn samples(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Sample> {
        let all = self.families.values().flat_map(|family| &family.samples);
        all.filter(|sample| {
            let has = |(label, value): &(&str, &str)| sample.labels.get(*label).is_some_and(|known| known == value);
            sample.name == name && labels.iter().all(has)
        })
        .collect()
    }

    /// Their sum; zero when there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples(name, labels).iter().map(|sample| sample.value).sum()
    }
}

impl Family {
    /// What samples of this family are called: counters end in `_total`, times are in seconds.
    fn check(&self, name: &str) -> Result<()> {
        let suffixes: &[&str] = match self.type_.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            "info" => &["_info"],
            other => bail!("{name} has type {other:?}"),
        };
        for sample in &self.samples {
            let suffix = sample.name.strip_prefix(name).unwrap_or("?");
            ensure!(suffixes.contains(&suffix), "{} is no sample of {} {name}", sample.name, self.type_);
            ensure!(sample.labels.keys().all(|label| is_snake_case(label)), "{:?}", sample.labels);
        }
        let is_time = ["timestamp", "duration", "time"].iter().any(|word| name.split('_').any(|part| part == *word));
        ensure!(!is_time || self.unit.as_deref() == Some("seconds"), "{name} is a time in no base unit");
        let foreign = ["milliseconds", "ms", "minutes", "hours", "days", "kilobytes", "percent", "total", "count"];
        ensure!(name.split('_').all(|part| !foreign.contains(&part)), "{name} is in no base unit, or has a suffix");
        Ok(())
    }
}

/// `name{label="value",…} 1`. None of our values needs an escape.
fn sample(line: &str) -> Result<Sample> {
    let (series, value) = line.rsplit_once(' ').with_context(|| format!("no value: {line}"))?;
    let (name, labels) = series.split_once('{').map_or((series, ""), |(name, labels)| (name, labels));
    // One brace: a value may end in another, as a template of a path does.
    let mut rest = labels.strip_suffix('}').unwrap_or_default();
    let mut read = BTreeMap::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").with_context(|| format!("labels: {line}"))?;
        let (value, after) = after.split_once('"').with_context(|| format!("labels: {line}"))?;
        ensure!(!value.contains('\\'), "an escape: {line}");
        ensure!(read.insert(label.to_owned(), value.to_owned()).is_none(), "a label twice: {line}");
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Ok(Sample { name: name.to_owned(), labels: read, value: value.parse()? })
}

fn is_snake_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.contains("__")
}

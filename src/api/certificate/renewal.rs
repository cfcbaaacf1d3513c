//! When a certificate is replaced for the sake of its expiry.

use kube::KubeSchema;
use kube::core::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema;

/// When a certificate is replaced. A lost or compromised key, an edit and a reissue token count at once, whatever this
/// says.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!(has(self.before) && has(self.beforePercentage))")
        .message("only one of before and beforePercentage can be set"),
    validation = Rule::new("!has(self.policy) || self.policy != 'Manual' || !has(self.windows)")
        .message("windows are for policy Automatic")
)]
pub struct Renewal {
    /// How long before expiry, e.g. `720h`; at least one hour. Default: a third of the lifetime, less when that saves a reissue or paid days of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h')").message("before is at least 1h"))]
    pub before: Option<Duration>,
    /// The same in percent of the certificate's lifetime: 25 means that a quarter of it is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 99))]
    pub before_percentage: Option<i32>,
    /// Who begins. Default: Automatic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<RenewalPolicy>,
    /// When replacing may begin; none: at any time. Outside of them only when the next one would be too late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 14))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub windows: Vec<Window>,
}

/// Who begins the replacement of what expires. Automatic (default): Evercert. Manual: a person, by a new token in the annotation evercert.dev/reissue-requested.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RenewalPolicy {
    /// Evercert.
    #[default]
    Automatic,
    /// A person, by a reissue token.
    Manual,
}

/// A time of day on some days of the week.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Days on which it begins. Default: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 7))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub days: Vec<Day>,
    /// Its beginning, hh:mm.
    #[schemars(length(max = 5), regex(pattern = schema::TIME_OF_DAY))]
    pub from: String,
    /// Its end, hh:mm. At or before `from`: on the next day.
    #[schemars(length(max = 5), regex(pattern = schema::TIME_OF_DAY))]
    pub to: String,
    /// IANA name of the time zone, e.g. `Europe/Berlin`. Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = schema::TIME_ZONE))]
    pub time_zone: Option<String>,
}

/// A day of the week.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

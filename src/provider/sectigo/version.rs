//! In what the two versions of the SSL and DCV endpoints differ.
//!
//! The Admin API description 25.9.2 has both, alike but for *Import*; the "Certificate Manager 25.5 REST API" page has
//! v1 alone, with other spellings. Answers are read in either's form, whichever is asked.

use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ApiVersion {
    /// For accounts that do not have the newer one.
    V1,
    #[default]
    V2,
}

impl ApiVersion {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }

    /// A word of the description (`SA Approved`) as filters spell it: v1 has `SAApproved` for a status.
    pub(super) fn status_filter(self, word: &str) -> String {
        match self {
            Self::V1 => word.replace(' ', ""),
            Self::V2 => word.to_owned(),
        }
    }

    /// `Not scheduled`; v1: `NOT_SCHEDULED`.
    pub(super) fn state_filter(self, word: &str) -> String {
        match self {
            Self::V1 => word.to_ascii_uppercase().replace(' ', "_"),
            Self::V2 => word.to_owned(),
        }
    }

    /// `Not configured`; v1 has words of its own.
    pub(super) fn install_filter(self, word: &str) -> String {
        let v1 = match (self, word) {
            (Self::V1, "Not configured") => "NONE",
            (Self::V1, "Key and CSR ready") => "KEY_READY",
            (Self::V1, "Certificate processing") => "CERT_PROCESSING",
            (Self::V1, "Installation scheduled") => "SCHEDULED",
            (Self::V1, "Installation processing") => "INSTALLING",
            (Self::V1, "Server restart required") => "NEED_SERVER_RESTART",
            (Self::V1, "Invalid configuration") => "INVALID",
            _ => return self.state_filter(word),
        };
        v1.to_owned()
    }

    /// `REST API`; v1 has words of its own.
    pub(super) fn requested_via_filter(self, word: &str) -> String {
        match (self, word) {
            (Self::V1, "Enrollment Form") => "WEB_FORM".to_owned(),
            (Self::V1, "Web API") => "API".to_owned(),
            (Self::V1, "REST API") => "REST".to_owned(),
            _ => self.state_filter(word),
        }
    }

    /// Of a reason or a status: a number in the page, its digits in the description.
    pub(super) fn code(self, code: u8) -> Value {
        match self {
            Self::V1 => json!(code),
            Self::V2 => json!(code.to_string()),
        }
    }
}

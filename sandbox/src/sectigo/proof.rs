//! What shows control over a domain, in each DCV mode, and how the CA looks for it (Sectigo, *Domain control validation*).

use serde_json::{Map, Value, json};

use crate::{
    ca::{hex, random_bytes},
    csr, dcv, rules,
    state::scm::{DcvMode, DcvValue},
    validation::DcvCheck,
};

impl DcvValue {
    /// Nobody's CSR.
    pub fn random() -> Self {
        Self { md5: hex(&random_bytes::<16>()), sha256: hex(&random_bytes::<32>()), unique: None, text: printable() }
    }

    /// Of a CSR; `reused` when it was used for another certificate before.
    pub fn of_csr(csr: &str, reused: bool) -> Self {
        let der = csr::decode(csr).unwrap_or_default();
        Self {
            md5: hex(&csr::md5(&der)),
            sha256: hex(&csr::sha256(&der)),
            unique: reused.then(|| hex(&random_bytes::<5>())),
            text: printable(),
        }
    }

    /// The name of the CNAME record, absolute.
    pub fn cname_host(&self, domain: &str) -> String {
        format!("_{}.{domain}.", self.md5)
    }

    pub fn cname_target(&self) -> String {
        let (first, second) = self.sha256.split_at(self.sha256.len() / 2);
        let unique = self.unique.iter().map(|unique| format!(".{unique}")).collect::<String>();
        format!("{first}.{second}{unique}.sectigo.com")
    }

    pub fn file_path(&self) -> String {
        format!("/.well-known/pki-validation/{}.txt", self.md5.to_uppercase())
    }

    pub fn file_lines(&self) -> Vec<String> {
        let lines = [self.sha256.clone(), "sectigo.com".to_owned()];
        lines.into_iter().chain(self.unique.clone()).collect()
    }

    /// Fields that tell an administrator what to publish: of a record `host`, `point`; of a file `url`, `firstLine`,
    /// `secondLine`.
    pub fn instructions(&self, mode: DcvMode, domain: &str) -> Map<String, Value> {
        let lines = self.file_lines();
        let fields = match mode {
            DcvMode::Email => json!({}),
            DcvMode::Cname | DcvMode::Auto => {
                json!({"host": self.cname_host(domain), "point": format!("{}.", self.cname_target())})
            }
            DcvMode::Txt => json!({"host": format!("{TXT_LABEL}.{domain}."), "point": self.text}),
            DcvMode::Http | DcvMode::Https => {
                let url = format!("{}://{domain}{}", mode.scheme(), self.file_path());
                json!({"url": url, "firstLine": lines[0], "secondLine": lines[1..].join("\n")})
            }
        };
        fields.as_object().cloned().unwrap_or_default()
    }

    /// Looks for it once. The error says what was wrong.
    pub async fn look(&self, check: &DcvCheck, mode: DcvMode, name: &str) -> Result<(), String> {
        let DcvCheck::Real { resolver, http_port, https_port } = check else {
            return Ok(());
        };
        let name = rules::base_name(name);
        let found = match mode {
            DcvMode::Email => return Err(format!("{name} waits for an answer by e-mail.")),
            DcvMode::Cname | DcvMode::Auto => {
                dcv::find_cname(*resolver, name, &format!("_{}", self.md5), &self.cname_target()).await
            }
            DcvMode::Txt => dcv::find_txt(*resolver, name, Some(TXT_LABEL), &self.text).await,
            DcvMode::Http => self.look_at_file(*resolver, name, *http_port, mode).await,
            DcvMode::Https => self.look_at_file(*resolver, name, *https_port, mode).await,
        };
        found.map(|_| ()).map_err(|failure| format!("{name}: {failure}."))
    }

    async fn look_at_file(
        &self,
        resolver: std::net::SocketAddr,
        name: &str,
        port: u16,
        mode: DcvMode,
    ) -> Result<String, dcv::Failure> {
        let lines = self.file_lines();
        let wanted = |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).eq(lines.iter());
        dcv::find_file(resolver, name, mode.scheme(), port, &self.file_path(), wanted).await
    }
}

const TXT_LABEL: &str = "_pki-validation";

impl DcvMode {
    pub fn parse(text: &str) -> Option<Self> {
        let modes = [Self::Email, Self::Cname, Self::Http, Self::Https, Self::Txt, Self::Auto];
        modes.into_iter().find(|mode| mode.name().eq_ignore_ascii_case(text))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::Cname => "CNAME",
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Txt => "TXT",
            Self::Auto => "AUTO",
        }
    }

    /// As the method by which a domain was validated.
    pub fn method(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::Cname | Self::Auto => "CNAME_CSR_HASH",
            Self::Http => "HTTP_CSR_HASH",
            Self::Https => "HTTPS_CSR_HASH",
            Self::Txt => "DNSTXT_RANDOM_VALUE",
        }
    }

    fn scheme(self) -> &'static str {
        if self == Self::Https { "https" } else { "http" }
    }
}

/// 32 printable characters, quotes and backslashes among them.
fn printable() -> String {
    random_bytes::<32>().iter().map(|byte| char::from(b'!' + byte % 94)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_files() {
        let value = DcvValue { md5: "0a".into(), sha256: "1234".into(), unique: None, text: "x".into() };
        assert_eq!(value.cname_target(), "12.34.sectigo.com");
        let fields = value.instructions(DcvMode::Cname, "a.example");
        assert_eq!((&fields["host"], &fields["point"]), (&json!("_0a.a.example."), &json!("12.34.sectigo.com.")));
        let again = DcvValue { unique: Some("u".into()), ..value };
        assert_eq!(again.cname_target(), "12.34.u.sectigo.com");
        let fields = again.instructions(DcvMode::Https, "a.example");
        assert_eq!(fields["url"], "https://a.example/.well-known/pki-validation/0A.txt");
        assert_eq!((&fields["firstLine"], &fields["secondLine"]), (&json!("1234"), &json!("sectigo.com\nu")));
        assert!(printable().chars().all(|character| character.is_ascii_graphic()));
    }
}

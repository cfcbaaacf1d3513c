//! Every call of the certificate, validation, domain, organization and report parts of the vendor's OpenAPI description
//! (25.9.2), made once; each answer is held against a table of our own, and, where `EVERCERT_SCM_DESCRIPTION` names the
//! file, against the description itself.

mod description;
mod scenario;
mod table;

use serde_json::Value;

use crate::client::{Answer, Client};

/// One call and its answer.
pub struct Exchange {
    pub method: &'static str,
    /// As in the description, such as `/api/ssl/v1/{sslId}`.
    pub path: &'static str,
    pub request: Option<Value>,
    pub answer: Answer,
}

impl Exchange {
    pub fn name(&self) -> String {
        format!("{} {} {}", self.method, self.path, self.answer.status)
    }

    /// JSON, or null when there is none.
    pub fn body(&self) -> Value {
        let json = self.answer.header("content-type").starts_with("application/json");
        if json { self.answer.json() } else { Value::Null }
    }
}

/// Makes calls and remembers them.
#[derive(Default)]
pub struct Recorder {
    pub exchanges: Vec<Exchange>,
}

impl Recorder {
    /// `ids` go into the braces of the path, in order; a query may follow the path of the description after a blank.
    pub async fn call(
        &mut self,
        client: &Client,
        method: &'static str,
        path: &'static str,
        ids: &[&str],
        query: &str,
        request: Option<Value>,
    ) -> &Answer {
        let mut ids = ids.iter();
        let filled = path.split('/').map(|part| if part.starts_with('{') { ids.next().unwrap() } else { part });
        let filled = filled.collect::<Vec<_>>().join("/");
        let below = filled.strip_prefix("/api").unwrap();
        let answer = client.call(method, &format!("{below}{query}"), request.clone()).await;
        self.exchanges.push(Exchange { method, path, request, answer });
        &self.exchanges.last().unwrap().answer
    }
}

#[tokio::test]
async fn every_call_answers_as_the_vendor_describes_it() {
    let exchanges = scenario::play().await;
    let wrong: Vec<String> = exchanges.iter().flat_map(table::check).collect();
    assert_eq!(wrong, Vec::<String>::new());
    match std::env::var_os("EVERCERT_SCM_DESCRIPTION") {
        None => println!("Not held against the vendor's own description: EVERCERT_SCM_DESCRIPTION names no file."),
        Some(file) => {
            let description = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            assert_eq!(description::check(&description, &exchanges), Vec::<String>::new());
        }
    }
}

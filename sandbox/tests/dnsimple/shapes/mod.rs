//! Every call of the API that the sandbox plays, made once; each answer is held against a table of our own, and, where
//! `EVERCERT_DNSIMPLE_EXAMPLES` names a folder with the vendor's published example answers, against these.

mod recorded;
mod scenario;
mod table;

use crate::http::Answer;

/// A call under the name of the vendor's example, such as `createZoneRecord-created`, and its answer.
pub struct Exchange {
    pub name: &'static str,
    pub answer: Answer,
}

#[tokio::test]
async fn every_call_answers_as_the_vendor_shows_it() {
    let exchanges = scenario::play().await;
    let wrong: Vec<String> = exchanges.iter().flat_map(table::check).chain(table::untried(&exchanges)).collect();
    assert_eq!(wrong, Vec::<String>::new());
    match std::env::var_os("EVERCERT_DNSIMPLE_EXAMPLES") {
        None => println!("Not held against the vendor's own examples: EVERCERT_DNSIMPLE_EXAMPLES names no folder."),
        Some(folder) => assert_eq!(recorded::check(folder.as_ref(), &exchanges), Vec::<String>::new()),
    }
}

//! The provider APIs in front of a real small CA, for trying and testing Evercert. Nothing here comes from the
//! operator: the sandbox reads the vendors' documents by itself.

pub mod dcv;
pub mod dns;

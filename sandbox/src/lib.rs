//! The provider APIs in front of a real small CA, for trying and testing Evercert. Nothing here comes from the
//! operator: the sandbox reads the vendors' documents by itself.

mod admin;
mod app;
mod ca;
mod calls;
mod chain;
mod clock;
mod csr;
pub mod dcv;
mod digicert;
pub mod dns;
mod dnsimple;
mod faults;
mod issuance;
mod limits;
mod ocsp;
mod page;
mod pem;
mod pkcs7;
mod products;
mod rules;
mod sectigo;
mod server;
pub mod start;
mod state;
mod tls;
mod validation;
mod wire;

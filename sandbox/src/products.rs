//! The products an account may order.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    Dv,
    Ov,
    Ev,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wildcards {
    Allowed,
    Refused,
    Only,
}

pub struct Product {
    pub name_id: &'static str,
    pub name: &'static str,
    pub validation: Validation,
    pub wildcards: Wildcards,
    /// Most names in one certificate.
    pub names: usize,
}

const fn product(
    name_id: &'static str,
    name: &'static str,
    validation: Validation,
    wildcards: Wildcards,
    names: usize,
) -> Product {
    Product { name_id, name, validation, wildcards, names }
}

use Validation::{Dv, Ev, Ov};
use Wildcards::{Allowed, Only, Refused};

pub const PRODUCTS: [Product; 21] = [
    product("ssl_basic", "Basic OV", Ov, Allowed, 250),
    product("ssl_ev_basic", "Basic EV", Ev, Refused, 250),
    product("ssl_securesite_flex", "Secure Site OV", Ov, Allowed, 250),
    product("ssl_ev_securesite_flex", "Secure Site EV", Ev, Refused, 250),
    product("ssl_securesite_pro", "Secure Site Pro SSL", Ov, Allowed, 250),
    product("ssl_ev_securesite_pro", "Secure Site Pro EV SSL", Ev, Refused, 250),
    product("ssl_geotrust_truebizid", "GeoTrust TrueBusiness ID OV", Ov, Allowed, 250),
    product("ssl_ev_geotrust_truebizid", "GeoTrust TrueBusiness ID EV", Ev, Refused, 250),
    product("ssl_thawte_webserver", "Thawte SSL Webserver OV", Ov, Allowed, 250),
    product("ssl_ev_thawte_webserver", "Thawte SSL Webserver EV", Ev, Refused, 250),
    product("ssl_plus", "Standard SSL", Ov, Refused, 2),
    product("ssl_multi_domain", "Multi-Domain SSL", Ov, Refused, 250),
    product("ssl_wildcard", "Wildcard", Ov, Allowed, 250),
    product("ssl_ev_plus", "Extended Validation SSL", Ev, Refused, 2),
    product("ssl_ev_multi_domain", "EV Multi-Domain", Ev, Refused, 250),
    product("ssl_dv_geotrust_flex", "GeoTrust DV SSL", Dv, Allowed, 250),
    product("ssl_dv_geotrust", "GeoTrust Standard DV", Dv, Refused, 2),
    product("wildcard_dv_geotrust", "GeoTrust Wildcard DV", Dv, Only, 2),
    product("ssl_dv_rapidssl", "RapidSSL Standard DV", Dv, Refused, 2),
    product("wildcard_dv_rapidssl", "RapidSSL Wildcard DV", Dv, Only, 2),
    product("ssl_dv_thawte", "Thawte SSL123 DV", Dv, Refused, 250),
];

/// The one CA certificate that all of them are issued from.
pub const CA_CERT_ID: &str = "SANDBOX1";

pub fn find(name_id: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.name_id == name_id)
}

impl Product {
    /// `dv`, `ov`, `ev`.
    pub fn validation_type(&self) -> &'static str {
        match self.validation {
            Dv => "dv",
            Ov => "ov",
            Ev => "ev",
        }
    }

    /// The `type` of the vendor's product object.
    pub fn kind(&self) -> &'static str {
        match self.validation {
            Dv => "dv_ssl_certificate",
            Ov | Ev => "ssl_certificate",
        }
    }

    pub fn allows(&self, names: &[String]) -> bool {
        let wildcards = names.iter().filter(|name| name.starts_with("*.")).count();
        names.len() <= self.names
            && match self.wildcards {
                Allowed => true,
                Refused => wildcards == 0,
                Only => wildcards >= 1,
            }
    }
}

//! *Product list* and *Product info*.

use axum::{Json, extract::Path, response::IntoResponse};
use serde_json::{Value, json};

use super::{
    errors::{ApiError, Reply},
    views,
};
use crate::products::{CA_CERT_ID, PRODUCTS};

pub async fn list() -> Json<Value> {
    let rows: Vec<Value> = PRODUCTS.iter().map(|product| view(product.name_id)).collect();
    Json(json!({"products": rows}))
}

pub async fn info(Path(name_id): Path<String>) -> Reply {
    let product = crate::products::find(&name_id).ok_or_else(|| ApiError::not_found("product"))?;
    Ok(Json(view(product.name_id)).into_response())
}

fn view(name_id: &str) -> Value {
    let hashes = ["sha256", "sha384", "sha512"].map(|id| json!({"id": id, "name": id}));
    let mut view = views::product(name_id);
    view["group_name"] = json!("ssl");
    view["allowed_validity_years"] = json!([1, 2, 3]);
    view["allowed_order_validity_years"] = json!([1, 2, 3]);
    view["signature_hash_types"] = json!({"allowed_hash_types": hashes, "default_hash_type_id": "sha256"});
    view["csr_required"] = json!(true);
    view["duplicates_allowed"] = json!(true);
    view["allowed_ca_certs"] = json!([{"id": CA_CERT_ID, "name": "Evercert Sandbox TLS CA 1"}]);
    view
}

//! Names Evercert writes into a cluster: group, annotations, labels, derived object names.

/// API group of every resource of ours, and prefix of our labels and annotations.
pub const GROUP: &str = "evercert.dev";
/// Served and stored version.
pub const VERSION: &str = "v1alpha1";
/// The one field manager of what we patch.
pub const FIELD_MANAGER: &str = "evercert";

/// Set by a user on a Certificate: any new token asks for one reissue, once per token.
pub const REISSUE_REQUESTED: &str = "evercert.dev/reissue-requested";
/// Set by a user beside [`REISSUE_REQUESTED`]: why, e.g. [`REASON_KEY_COMPROMISE`].
pub const REISSUE_REASON: &str = "evercert.dev/reissue-reason";
/// Value of [`REISSUE_REASON`] that ends with the old certificate revoked.
pub const REASON_KEY_COMPROMISE: &str = "KeyCompromise";

/// On the pod template of a workload: SHA-256 of the certificate it was restarted for, lower-case hexadecimal.
pub const RESTARTED_FOR: &str = "evercert.dev/restarted-for";

/// Annotation of a Certificate, set by its user: any new token has the provider send its validation mails again, once.
pub const RESEND_DCV_EMAIL: &str = "evercert.dev/resend-dcv-email";

/// Annotations of a Secret that Evercert owns: enough to know the order again after a restore.
pub mod secret {
    /// Name of the Certificate that owns the Secret.
    pub const CERTIFICATE: &str = "evercert.dev/certificate";
    /// `<kind>/<name>` of the issuer that obtained the pair.
    pub const ISSUER: &str = "evercert.dev/issuer";
    /// The provider's id of the order.
    pub const ORDER_ID: &str = "evercert.dev/order-id";
    /// The provider's id of the certificate.
    pub const CERTIFICATE_ID: &str = "evercert.dev/certificate-id";
    /// Serial number, lower-case hexadecimal.
    pub const SERIAL: &str = "evercert.dev/serial";
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal.
    pub const PUBLIC_KEY_SHA256: &str = "evercert.dev/public-key-sha256";
    /// Revision of the Issuance whose result this is.
    pub const REVISION: &str = "evercert.dev/revision";
    /// Keys of labels and annotations that came from the Certificate's template, to be removed with it: JSON.
    pub const TEMPLATE_KEYS: &str = "evercert.dev/template-keys";
    /// Tells whether the keystores are what spec, password and pair ask for: an HMAC under the private key.
    pub const KEYSTORES: &str = "evercert.dev/keystores";
    /// The last reissue token that was handled, so that a restored annotation does not fire again.
    pub const HANDLED_REISSUE_REQUEST: &str = "evercert.dev/handled-reissue-request";
}

/// Finalizer of a Certificate whose `deletionPolicy` is Revoke. Finalizers are all that Evercert writes into a user's
/// metadata.
pub const REVOKE_FINALIZER: &str = "evercert.dev/revoke";
/// Finalizer of a Certificate that the provider's inventory has, as long as it has it.
pub const LOCATION_FINALIZER: &str = "evercert.dev/location";

/// Label, `"true"` on every object Evercert made, and on a Secret with a CSR that is to be followed at once.
pub const MANAGED: &str = "evercert.dev/managed";
/// Label on what leads to files of Evercert's own: a hash of the installation.
pub const INSTALLATION: &str = "evercert.dev/installation";
/// Label on what belongs to one Certificate: its uid.
pub const CERTIFICATE_UID: &str = "evercert.dev/certificate-uid";

/// Name of the Issuance of `revision` of a Certificate. Fixed, so that creating it twice is refused.
pub fn issuance_name(certificate: &str, revision: i64) -> String {
    format!("{certificate}-{revision}")
}

/// Name of the Secret in which the key of an Issuance waits until the pair is installed.
pub fn key_secret_name(issuance: &str) -> String {
    format!("evercert-key-{issuance}")
}

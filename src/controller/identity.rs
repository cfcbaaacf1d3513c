//! The client certificate by which a kubeconfig names this process to the API server. It is read once, at the start,
//! unlike tokens and the CA's bundle, which the client reads again: so when it is replaced, the process makes room for
//! one that uses the new one.

use std::time::Duration;

use kube::{Client, Config};
use tracing::debug;

const EVERY: Duration = Duration::from_secs(20);

/// Resolves when another certificate, with its key, is where the one of `used` was. Never, when there was none.
pub async fn replaced(used: &Config) {
    let Some(used) = certificate(used).await else { return std::future::pending().await };
    loop {
        tokio::time::sleep(EVERY).await;
        match Config::infer().await {
            Ok(now) if is_another(&used, now.clone()).await => return,
            Ok(_) => {}
            Err(error) => debug!(%error, "the kubeconfig cannot be read at this moment"),
        }
    }
}

/// Whether there is another certificate, and it can be used: of two files, one may be replaced before the other.
async fn is_another(used: &[u8], now: Config) -> bool {
    certificate(&now).await.is_some_and(|certificate| certificate != used) && Client::try_from(now).is_ok()
}

/// As it stands in the kubeconfig, or in the file named there.
async fn certificate(config: &Config) -> Option<Vec<u8>> {
    let login = &config.auth_info;
    match (&login.client_certificate_data, &login.client_certificate) {
        (Some(data), _) => Some(data.clone().into_bytes()),
        (None, Some(file)) => tokio::fs::read(file).await.ok(),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs, path::Path};

    use super::*;

    fn write(dir: &Path, certificate: Option<&rcgen::CertifiedKey<rcgen::KeyPair>>, key: &rcgen::KeyPair) {
        if let Some(certificate) = certificate {
            fs::write(dir.join("crt"), certificate.cert.pem()).unwrap();
        }
        fs::write(dir.join("key"), key.serialize_pem()).unwrap();
    }

    fn config(dir: &Path) -> Config {
        let mut config = Config::new("https://127.0.0.1:1".parse().unwrap());
        config.auth_info.client_certificate = Some(dir.join("crt").to_string_lossy().into_owned());
        config.auth_info.client_key = Some(dir.join("key").to_string_lossy().into_owned());
        config
    }

    #[tokio::test]
    async fn a_certificate_counts_once_its_key_is_there() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap());
        write(dir.path(), Some(&old), &old.signing_key);
        let used = certificate(&config(dir.path())).await.unwrap();
        assert!(!is_another(&used, config(dir.path())).await, "nothing has happened");
        write(dir.path(), Some(&new), &old.signing_key);
        assert!(!is_another(&used, config(dir.path())).await, "its key is still to come");
        write(dir.path(), None, &new.signing_key);
        assert!(is_another(&used, config(dir.path())).await);
        fs::remove_file(dir.path().join("crt")).unwrap();
        assert!(!is_another(&used, config(dir.path())).await, "it is gone");
    }
}

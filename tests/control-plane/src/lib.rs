//! A real control plane on loopback: etcd, kube-apiserver (RBAC, TokenRequest, admission policies, audit log) and of
//! the kube-controller-manager what makes namespaces, service accounts and owner references work. No nodes: nothing
//! runs in a pod.

mod binaries;
mod definitions;
mod identity;
mod launch;
mod supervisor;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, Result};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{Namespace, ServiceAccount},
};
use kube::{Api, Client, Config, api::PostParams};
use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::{
    binaries::Binaries,
    identity::{Authority, Login},
    launch::{Apiserver, launch},
};
pub use crate::{
    binaries::{cert_manager_webhook, external_dns, helm},
    definitions::gateway_api,
    supervisor::Supervisor,
};

/// A port can be taken by somebody else between our choosing it and the server's listening on it.
const START_ATTEMPTS: usize = 5;

#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Leave the folder (logs, audit log, kubeconfigs, etcd's data) when the plane stops.
    pub keep_dir: bool,
}

/// A running control plane. It stops when dropped, and also when this process ends in whatever way.
pub struct ControlPlane {
    dir: PathBuf,
    server: String,
    etcd: String,
    apiserver: Apiserver,
    kubectl: PathBuf,
    config: Config,
    authority: Authority,
    /// Makes the names of what this plane is asked to create unique.
    serial: AtomicUsize,
    supervisor: Supervisor,
}

/// The control plane that all tests of one test binary share. It stops when the process ends.
///
/// # Panics
/// When it cannot be started, with the reason.
pub async fn shared() -> &'static ControlPlane {
    static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
    let start = async || match ControlPlane::start(Options::default()).await {
        Ok(plane) => plane,
        Err(error) => panic!("the control plane did not start: {error:#}"),
    };
    SHARED.get_or_init(start).await
}

impl ControlPlane {
    /// Starts one and waits until it serves, its controllers included.
    ///
    /// # Errors
    /// Missing binaries that cannot be built, or a server that does not come up: then with the end of its log.
    pub async fn start(options: Options) -> Result<Self> {
        let binaries = Binaries::locate().await?;
        for _ in 1..START_ATTEMPTS {
            match launch(&binaries, &options).await {
                Err(error) if error.to_string().contains("address already in use") => {}
                outcome => return outcome,
            }
        }
        launch(&binaries, &options).await
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// A new client of the administrator, bound to the runtime it is made in: clients are not shared between tests.
    pub fn client(&self) -> Client {
        Client::try_from(self.config.clone()).expect("the configuration has served at start")
    }

    /// A kubeconfig for `user`, in at most one of `groups`, who has what rights RBAC gives.
    pub fn kubeconfig_for(&self, user: &str, groups: &[&str]) -> Result<PathBuf> {
        let name: String = user.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let path = self.dir.join(format!("{name}-{}.kubeconfig", self.serial.fetch_add(1, Ordering::Relaxed)));
        self.authority.kubeconfig(&path, &self.server, user, Login::Certificate(groups))?;
        Ok(path)
    }

    /// A kubeconfig with a token of this service account, good for a day.
    pub async fn kubeconfig_for_account(&self, namespace: &str, account: &str) -> Result<PathBuf> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), namespace);
        let spec = TokenRequestSpec { expiration_seconds: Some(24 * 60 * 60), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let answer = accounts.create_token_request(account, &PostParams::default(), &request).await?;
        let token = answer.status.context("the API server gave no token")?.token;
        let path = self.dir.join(format!("{account}-{}.kubeconfig", self.serial.fetch_add(1, Ordering::Relaxed)));
        self.authority.kubeconfig(&path, &self.server, account, Login::Token(&token))?;
        Ok(path)
    }

    /// A new client of `user`, as [`Self::kubeconfig_for`].
    pub async fn client_for(&self, user: &str, groups: &[&str]) -> Result<Client> {
        Ok(Client::try_from(launch::config(&self.kubeconfig_for(user, groups)?).await?)?)
    }

    /// Creates a namespace of its own for a test, named `<prefix>-<n>`.
    pub async fn namespace(&self, prefix: &str) -> Result<String> {
        let mut namespace = Namespace::default();
        let name = format!("{prefix}-{}", self.serial.fetch_add(1, Ordering::Relaxed));
        namespace.metadata.name = Some(name.clone());
        Api::all(self.client()).create(&PostParams::default(), &namespace).await?;
        Ok(name)
    }

    /// One JSON event a line: who did what to which object and when, without bodies.
    pub fn audit_log(&self) -> PathBuf {
        self.dir.join("audit.log")
    }

    /// Where etcd serves clients, its JSON gateway included.
    pub fn etcd(&self) -> &str {
        &self.etcd
    }

    /// `https://host:port` of the API server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Stops the API server as it stands, connections and all, until [`Self::resume_apiserver`].
    pub fn freeze_apiserver(&self) -> Result<()> {
        self.apiserver.signal(&self.dir, "-STOP")
    }

    pub fn resume_apiserver(&self) -> Result<()> {
        self.apiserver.signal(&self.dir, "-CONT")
    }

    /// Kills the API server, and starts it again at the same address once `meanwhile` is done.
    pub async fn restart_apiserver(&mut self, meanwhile: impl Future<Output = Result<()>>) -> Result<()> {
        let client = self.client();
        self.apiserver.restart(&self.dir, &mut self.supervisor, &client, meanwhile).await
    }

    /// Holds logs, kubeconfigs and data.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The kubectl to use with it.
    pub fn kubectl(&self) -> &Path {
        &self.kubectl
    }

    /// Stops it; when this returns, its processes are gone, and so is its folder unless it was to be kept.
    pub async fn stop(self) {
        // The outcome could only tell of a panic in that drop.
        let _ = spawn_blocking(move || drop(self.supervisor)).await;
    }
}

/// The end of a log, for an error message.
fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

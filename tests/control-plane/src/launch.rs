//! The servers: their flags, the order of their start, and when they are ready.

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::AtomicUsize,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client, Config, config::Kubeconfig};
use rcgen::KeyPair;
use tokio::time::{sleep, timeout};

use crate::{
    ControlPlane, Options,
    binaries::Binaries,
    identity::{Authority, Login},
    supervisor::Supervisor,
    tail,
};

/// How long a start may take on a busy machine; two to five seconds are usual.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// The deployment controller shows a rollout by the ReplicaSets it makes; nothing makes pods of them.
const CONTROLLERS: &str = "clusterrole-aggregation-controller,deployment-controller,garbage-collector-controller,\
                           namespace-controller,serviceaccount-controller,root-ca-certificate-publisher-controller";

/// Bodies stay out of the audit log, and with them the content of every Secret.
const AUDIT_POLICY: &str = r#"{
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}]
}"#;

pub(crate) async fn launch(binaries: &Binaries, options: &Options) -> Result<ControlPlane> {
    let dir = tempfile::Builder::new().prefix("control-plane-").permissions(Permissions::from_mode(0o700)).tempdir()?;
    let mut supervisor = Supervisor::new(dir.path(), options.keep_dir)?;
    let dir = dir.keep();

    let [client_port, peer_port, secure_port] = free_ports()?;
    let server = format!("https://127.0.0.1:{secure_port}");
    let authority = Authority::new()?;
    write_files(&dir, &authority, &server)?;

    supervisor.run("etcd", &binaries.etcd, &etcd(&dir, client_port, peer_port))?;
    let start = Start { program: binaries.apiserver.clone(), args: apiserver(&dir, client_port, secure_port) };
    supervisor.run(APISERVER, &start.program, &start.args)?;
    let config = config(&dir.join("kubeconfig")).await?;
    let client = Client::try_from(config.clone())?;
    await_start(&supervisor, &["etcd", APISERVER], async || ready(&client).await).await?;

    supervisor.run("kube-controller-manager", &binaries.controller_manager, &controller_manager(&dir))?;
    let accounts: Api<ServiceAccount> = Api::default_namespaced(client.clone());
    await_start(&supervisor, &["etcd", APISERVER, "kube-controller-manager"], async || {
        Ok(accounts.get("default").await.map(drop)?)
    })
    .await?;

    let kubectl = binaries.kubectl.clone();
    let apiserver = Apiserver { start, name: APISERVER.to_owned(), starts: 1 };
    let etcd = format!("http://127.0.0.1:{client_port}");
    Ok(ControlPlane {
        dir,
        server,
        etcd,
        apiserver,
        kubectl,
        config,
        authority,
        serial: AtomicUsize::new(0),
        supervisor,
    })
}

/// As whom the API server calls servers of aggregated APIs.
const PROXY: &str = "front-proxy";

const APISERVER: &str = "kube-apiserver";

/// How a server is started.
struct Start {
    program: PathBuf,
    args: Vec<String>,
}

/// The API server that runs.
pub(crate) struct Apiserver {
    start: Start,
    /// Under the supervisor: each start has one of its own.
    name: String,
    starts: usize,
}

impl Apiserver {
    /// Sends it a signal, e.g. `-STOP`.
    pub(crate) fn signal(&self, dir: &Path, signal: &str) -> Result<()> {
        let pid = fs::read_to_string(dir.join(format!("{}.pid", self.name))).context("the API server's pid")?;
        ensure!(Command::new("kill").args([signal, pid.trim()]).status()?.success(), "kill {signal} {}", pid.trim());
        Ok(())
    }

    /// Kills it, does `meanwhile`, and starts it again.
    pub(crate) async fn restart(
        &mut self,
        dir: &Path,
        supervisor: &mut Supervisor,
        client: &Client,
        meanwhile: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        self.signal(dir, "-KILL")?;
        while !supervisor.has_ended(&self.name) {
            sleep(Duration::from_millis(20)).await;
        }
        meanwhile.await?;
        self.starts += 1;
        self.name = format!("{APISERVER}-{}", self.starts);
        supervisor.run(&self.name, &self.start.program, &self.start.args)?;
        await_start(supervisor, &[&self.name], async || ready(client).await).await
    }
}

async fn ready(client: &Client) -> Result<()> {
    let request = http::Request::get("/readyz").body(Vec::new())?;
    Ok(client.request_text(request).await.map(drop)?)
}

pub(crate) async fn config(kubeconfig: &Path) -> Result<Config> {
    Ok(Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &Default::default()).await?)
}

fn write_files(dir: &Path, authority: &Authority, server: &str) -> Result<()> {
    let (certificate, key) = authority.server(&["127.0.0.1", "localhost", "kubernetes.default.svc"])?;
    fs::write(dir.join("ca.crt"), authority.pem())?;
    fs::write(dir.join("server.crt"), certificate)?;
    fs::write(dir.join("server.key"), key)?;
    let tokens = KeyPair::generate()?;
    fs::write(dir.join("service-account.key"), tokens.serialize_pem())?;
    fs::write(dir.join("service-account.pub"), tokens.public_key_pem())?;
    fs::write(dir.join("audit-policy"), AUDIT_POLICY)?;
    // The API server vouches to the servers of aggregated APIs for whom it hands on.
    let proxy = Authority::new()?;
    let (certificate, key) = proxy.client(PROXY, &[])?;
    fs::write(dir.join("proxy-ca.crt"), proxy.pem())?;
    fs::write(dir.join("proxy.crt"), certificate)?;
    fs::write(dir.join("proxy.key"), key)?;
    authority.kubeconfig(&dir.join("kubeconfig"), server, "admin", Login::Certificate(&["system:masters"]))?;
    let controllers = dir.join("controller-manager.kubeconfig");
    authority.kubeconfig(&controllers, server, "system:kube-controller-manager", Login::Certificate(&[]))
}

fn etcd(dir: &Path, client_port: u16, peer_port: u16) -> Vec<String> {
    vec![
        format!("--data-dir={}", dir.join("etcd").display()),
        format!("--listen-client-urls=http://127.0.0.1:{client_port}"),
        format!("--advertise-client-urls=http://127.0.0.1:{client_port}"),
        format!("--listen-peer-urls=http://127.0.0.1:{peer_port}"),
        format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer_port}"),
        format!("--initial-cluster=default=http://127.0.0.1:{peer_port}"),
        "--unsafe-no-fsync".into(),
        "--log-level=warn".into(),
    ]
}

fn apiserver(dir: &Path, etcd_port: u16, secure_port: u16) -> Vec<String> {
    let file = |name: &str| dir.join(name).display().to_string();
    vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        format!("--secure-port={secure_port}"),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        // An endpoint may not have a loopback address, and no pod asks for the Service.
        "--endpoint-reconciler-type=none".into(),
        format!("--tls-cert-file={}", file("server.crt")),
        format!("--tls-private-key-file={}", file("server.key")),
        format!("--client-ca-file={}", file("ca.crt")),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        format!("--service-account-key-file={}", file("service-account.pub")),
        format!("--service-account-signing-key-file={}", file("service-account.key")),
        "--service-cluster-ip-range=10.0.0.0/24".into(),
        "--authorization-mode=RBAC".into(),
        format!("--requestheader-client-ca-file={}", file("proxy-ca.crt")),
        format!("--requestheader-allowed-names={PROXY}"),
        "--requestheader-username-headers=X-Remote-User".into(),
        "--requestheader-group-headers=X-Remote-Group".into(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".into(),
        format!("--proxy-client-cert-file={}", file("proxy.crt")),
        format!("--proxy-client-key-file={}", file("proxy.key")),
        format!("--audit-policy-file={}", file("audit-policy")),
        format!("--audit-log-path={}", file("audit.log")),
        // One file, whatever is written: MiB.
        "--audit-log-maxsize=100000".into(),
    ]
}

fn controller_manager(dir: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", dir.join("controller-manager.kubeconfig").display()),
        format!("--controllers={CONTROLLERS}"),
        // As on a real cluster, so that a policy can tell the garbage collector from others.
        "--use-service-account-credentials".into(),
        format!("--root-ca-file={}", dir.join("ca.crt").display()),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
    ]
}

/// Polls `ready`, giving up when one of the `names` ends or after [`START_TIMEOUT`].
async fn await_start(supervisor: &Supervisor, names: &[&str], ready: impl AsyncFn() -> Result<()>) -> Result<()> {
    let started = Instant::now();
    loop {
        let error = match timeout(Duration::from_secs(10), ready()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(elapsed) => elapsed.into(),
        };
        if let Some(name) = names.iter().find(|name| supervisor.has_ended(name)) {
            bail!("{name} ended at start:\n{}", tail(&supervisor.log(name)));
        }
        if started.elapsed() > START_TIMEOUT {
            let logs: Vec<_> = names.iter().map(|name| format!("{name}:\n{}", tail(&supervisor.log(name)))).collect();
            return Err(error.context(format!("not ready after {START_TIMEOUT:?}\n{}", logs.join("\n"))));
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn free_ports<const N: usize>() -> Result<[u16; N]> {
    // All are held until the last is chosen, so that they differ.
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on loopback")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

//! Where etcd, the Kubernetes servers, kubectl, helm and what drives name servers come from: `KUBEBUILDER_ASSETS`, else a
//! cache, else a build of the upstream Go modules that `go/go.mod` and those beside it pin.

use std::{
    env, fs,
    fs::{File, TryLockError},
    io::{self, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::time::sleep;

use crate::tail;

/// Upstream commands that are built together.
struct Module {
    name: &'static str,
    go_mod: &'static str,
    go_sum: &'static str,
    /// Whose version it is.
    main: &'static str,
    ldflags: fn(&str) -> String,
    /// The program, where upstream has only the library.
    main_go: Option<&'static str>,
    /// Files of the module of that version that are kept beside the command, and where they are in it.
    files: &'static [(&'static str, &'static str)],
}

const KUBERNETES: Module = Module {
    name: "kubernetes",
    go_mod: include_str!("../go/go.mod"),
    go_sum: include_str!("../go/go.sum"),
    main: "k8s.io/kubernetes",
    ldflags: kubernetes_ldflags,
    main_go: None,
    files: &[],
};

/// A module of its own: its libraries are not those of the servers.
const HELM: Module = Module {
    name: "helm",
    go_mod: include_str!("../go/helm/go.mod"),
    go_sum: include_str!("../go/helm/go.sum"),
    main: "helm.sh/helm/v4",
    ldflags: |version| format!("-s -w -X helm.sh/helm/v4/internal/version.version={version}"),
    main_go: None,
    files: &[],
};

const EXTERNAL_DNS: Module = Module {
    name: "external-dns",
    go_mod: include_str!("../go/external-dns/go.mod"),
    go_sum: include_str!("../go/external-dns/go.sum"),
    main: "sigs.k8s.io/external-dns",
    ldflags: |version| format!("-s -w -X sigs.k8s.io/external-dns/pkg/apis/externaldns.Version={version}"),
    main_go: None,
    files: &[("dnsendpoints.yaml", "config/crd/standard/dnsendpoints.externaldns.k8s.io.yaml")],
};

const WEBHOOK: Module = Module {
    name: "cert-manager-webhook",
    go_mod: include_str!("../go/webhook/go.mod"),
    go_sum: include_str!("../go/webhook/go.sum"),
    main: "github.com/cert-manager/cert-manager",
    ldflags: |_| "-s -w".to_owned(),
    main_go: Some(include_str!("../go/webhook/main.go")),
    files: &[],
};

const GLANCE: Duration = Duration::from_millis(200);

pub(crate) struct Binaries {
    pub(crate) etcd: PathBuf,
    pub(crate) apiserver: PathBuf,
    pub(crate) controller_manager: PathBuf,
    pub(crate) kubectl: PathBuf,
}

impl Binaries {
    /// Finds all of them, building what is missing: minutes the first time, with a line of progress now and then.
    pub(crate) async fn locate() -> Result<Self> {
        Ok(Self {
            etcd: locate("etcd", "go.etcd.io/etcd/server/v3").await?,
            apiserver: locate("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver").await?,
            controller_manager: locate("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager")
                .await?,
            kubectl: match on_path("kubectl") {
                Some(kubectl) => kubectl,
                None => locate("kubectl", "k8s.io/kubernetes/cmd/kubectl").await?,
            },
        })
    }
}

/// The helm that `go/helm/go.mod` pins, whatever is installed: what it renders is compared. Built when it is missing.
pub async fn helm() -> Result<PathBuf> {
    HELM.locate("helm", "helm.sh/helm/v4/cmd/helm").await
}

/// ExternalDNS and the definition of its DNSEndpoint.
pub async fn external_dns() -> Result<(PathBuf, PathBuf)> {
    let program = EXTERNAL_DNS.locate("external-dns", EXTERNAL_DNS.main).await?;
    let definition = program.with_file_name("dnsendpoints.yaml");
    Ok((program, definition))
}

/// A DNS01 webhook with cert-manager's solver `rfc2136`; `GROUP_NAME` names its API group.
pub async fn cert_manager_webhook() -> Result<PathBuf> {
    WEBHOOK.locate("webhook", ".").await
}

fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file())
}

async fn locate(name: &str, package: &str) -> Result<PathBuf> {
    if let Some(assets) = env::var_os("KUBEBUILDER_ASSETS") {
        let asset = Path::new(&assets).join(name);
        if asset.is_file() {
            return Ok(asset);
        }
        // envtest ships no controller manager, and without one nothing collects garbage.
        progress(&format!("KUBEBUILDER_ASSETS has no {name}, taking that of Kubernetes {}", KUBERNETES.version()));
    }
    KUBERNETES.locate(name, package).await
}

impl Module {
    async fn locate(&self, name: &str, package: &str) -> Result<PathBuf> {
        let cache = cache()?.join(format!("{}-{}", self.name, self.version()));
        let cached = cache.join(name);
        if !cached.is_file() {
            build(self, name, package, &cache).await?;
        }
        Ok(cached)
    }

    /// `v1.36.3`, from the one place that pins it.
    fn version(&self) -> &'static str {
        let version = |line: &'static str| line.trim().strip_prefix(self.main)?.strip_prefix(' ');
        self.go_mod
            .lines()
            .find_map(version)
            .and_then(|rest| rest.split_whitespace().next())
            .expect("go.mod requires the module")
    }
}

/// Outside of `target/`, so that `cargo clean` costs no Go build.
fn cache() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("EVERCERT_CACHE") {
        return Ok(dir.into());
    }
    let caches = match (env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) {
        (Some(caches), _) => PathBuf::from(caches),
        (None, Some(home)) => Path::new(&home).join(".cache"),
        (None, None) => {
            bail!("none of EVERCERT_CACHE, XDG_CACHE_HOME and HOME says where to keep binaries")
        }
    };
    Ok(caches.join("evercert"))
}

/// Builds `package` to `<cache>/<name>`, which appears whole or not at all.
async fn build(module: &Module, name: &str, package: &str, cache: &Path) -> Result<()> {
    fs::create_dir_all(cache).with_context(|| format!("creating {}", cache.display()))?;
    let lock = File::create(cache.join(".lock"))?;
    let mut told = false;
    while let Err(error) = lock.try_lock() {
        match error {
            TryLockError::WouldBlock if !told => {
                progress(&format!("waiting for another process that builds {}", module.name))
            }
            TryLockError::WouldBlock => {}
            TryLockError::Error(error) => return Err(error).context("locking the cache"),
        }
        told = true;
        sleep(GLANCE).await;
    }
    if cache.join(name).is_file() {
        return Ok(());
    }

    let work = tempfile::tempdir_in(cache)?;
    fs::write(work.path().join("go.mod"), module.go_mod)?;
    fs::write(work.path().join("go.sum"), module.go_sum)?;
    if let Some(main_go) = module.main_go {
        fs::write(work.path().join("main.go"), main_go)?;
    }
    let log = File::create(work.path().join("log"))?;
    let mut go = Command::new("go")
        .args(["build", "-trimpath", "-ldflags", &(module.ldflags)(module.version()), "-o", name, package])
        .current_dir(&work)
        // Neither a workspace nor a C compiler that happens to be around changes the outcome.
        .envs([("GOWORK", "off"), ("CGO_ENABLED", "0")])
        // Goes with the folder, however the build ends.
        .env("GOTMPDIR", work.path())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .map(Build)
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => anyhow::anyhow!(
                "{name} is not cached and Go, which would build it, is not installed: install Go 1.26 or newer (for a \
                 control plane, KUBEBUILDER_ASSETS may name a folder that has it)"
            ),
            _ => anyhow::Error::new(error).context("starting go"),
        })?;

    let started = Instant::now();
    let mut told = started;
    progress(&format!("building {name} ({} {}) from its Go module, once", module.name, module.version()));
    let status = loop {
        if let Some(status) = go.0.try_wait()? {
            break status;
        }
        if told.elapsed() >= Duration::from_secs(15) {
            told = Instant::now();
            progress(&format!("still building {name}, {} s", started.elapsed().as_secs()));
        }
        sleep(GLANCE).await;
    };
    if !status.success() {
        let log = fs::read_to_string(work.path().join("log")).unwrap_or_default();
        bail!("go build {package}: {status}\n{}", tail(&log));
    }
    for (file, path) in module.files {
        fs::copy(sources(module.main, work.path())?.join(path), cache.join(file))?;
    }
    fs::rename(work.path().join(name), cache.join(name))?;
    progress(&format!("built {name} in {} s", started.elapsed().as_secs()));
    Ok(())
}

/// Where Go keeps the sources of a module that it has just built.
fn sources(module: &str, work: &Path) -> Result<PathBuf> {
    let listed = Command::new("go")
        .args(["list", "-m", "-f", "{{.Dir}}", module])
        .current_dir(work)
        .env("GOWORK", "off")
        .output()
        .context("starting go")?;
    if !listed.status.success() {
        bail!("go list {module}: {}", String::from_utf8_lossy(&listed.stderr));
    }
    Ok(String::from_utf8(listed.stdout)?.trim().into())
}

/// A build with its compilers, which ends when it is dropped.
struct Build(Child);

impl Drop for Build {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            // A failure leaves a build that ends by itself.
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0.id())]).status();
            let _ = self.0.wait();
        }
    }
}

/// Without a version the apiserver names itself by a template that kubectl and helm cannot parse.
fn kubernetes_ldflags(version: &str) -> String {
    let set = "-X k8s.io/component-base/version.git";
    let mut parts = version.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("-s -w {set}Version={version} {set}Major={major} {set}Minor={minor}")
}

/// To the real standard error: the test harness would hold back what `eprintln!` says until the test fails.
fn progress(message: &str) {
    let _ = writeln!(io::stderr(), "control-plane: {message}");
}

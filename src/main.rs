//! The operator binary: arguments, crypto provider, start.

mod args;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use clap::Parser;
use evercert::{
    api::manifests,
    controller::{
        files::{self, Files},
        identity, lease,
        metrics::{self, Metrics},
        run::{Config, run},
    },
    revocation::Fetcher,
    server::{
        self, Health, Shown,
        files::Lookup,
        telemetry,
        webhook::{self, Webhook},
    },
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, ResourceExt};
use secrecy::SecretString;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};
use tracing::{error, info, warn};

use args::{Args, Command, Run};

fn main() -> anyhow::Result<()> {
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        bail!("another crypto provider was installed first");
    }
    match Args::parse().command {
        Command::Crds { dir: Some(dir) } => manifests::write(&dir)?,
        Command::Crds { dir: None } => print!("{}", manifests::print()),
        Command::Run(run) => tokio::runtime::Runtime::new()?.block_on(operate(*run))?,
    }
    Ok(())
}

async fn operate(args: Run) -> anyhow::Result<()> {
    let log_level = telemetry::init(args.log_format, args.log)?;
    let times = args.times()?;
    let webhook = args.dnsimple_webhook()?;
    let mut registry = server::registry();
    let metrics = Metrics::register(&mut registry);
    let cluster =
        kube::Config::infer().await.context("no cluster: neither a kubeconfig nor a service account can be used")?;
    let client = metrics::client(cluster.clone(), metrics.clone()).context("the cluster cannot be called")?;
    let installation = match &args.installation_id {
        Some(id) => id.clone(),
        None => installation_id(&client).await?,
    };
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            asked = asked_to_stop() => if let Err(error) = asked {
                warn!(%error, "signals cannot be received");
            },
            () = identity::replaced(&cluster) => info!("the client certificate was replaced: the next process uses it"),
        }
        info!("stopping: what has begun is finished");
        let _ = stop.send(true);
    });

    let health = Health::awaiting([]);
    let shown = Shown { health: health.clone(), registry: Arc::new(registry), log_level };
    let listener =
        TcpListener::bind(args.listen).await.with_context(|| format!("{} cannot be listened on", args.listen))?;
    info!(address = %listener.local_addr()?, "probes and metrics are served");
    let ending = wait_for(stopped.clone());
    tokio::spawn(async move {
        if let Err(error) = server::serve(listener, shown, ending).await {
            error!(%error, "probes and metrics ended");
        }
    });

    if let Some(address) = args.file_listen {
        answer_files(address, client.clone(), health.clone(), wait_for(stopped.clone())).await?;
    }
    let (jumped, jumps) = watch::channel(0);
    let clock = args.clock(jumped).await?;
    let held = tokio::select! {
        held = lease::acquire(client.clone(), args.lease()) => held,
        () = wait_for(stopped.clone()) => return Ok(()),
    };
    health.set(WATCHES, false);
    let named = match webhook {
        Some((listen, path)) => Some(webhooks(listen, path, wait_for(stopped.clone())).await?),
        None => None,
    };
    info!(installation, version = env!("CARGO_PKG_VERSION"), "starting");
    let config = Config {
        client,
        lease: held.handle(),
        metrics,
        installation,
        namespace: args.namespace.clone(),
        times,
        network: args.network(),
        file_service: args.file_service(),
        fetcher: Fetcher::new(args.allowed_provider_hosts.clone())
            .map_err(|error| anyhow::anyhow!("revocation lists cannot be fetched: {error}"))?,
        revocation_period: args.revocation_period.into(),
        clock,
        jumps,
        named,
    };
    let lease = held.handle();
    tokio::select! {
        () = run(config, stopped, move || health.set(WATCHES, true)) => {}
        () = lease.lost() => {
            // Whoever holds it now acts on what is recorded; so must we, afresh.
            error!("the lease was lost: ending at once");
            std::process::exit(1);
        }
    }
    held.release().await;
    Ok(())
}

/// Only who holds the Lease listens: what others heard would be lost.
async fn webhooks(
    listen: SocketAddr,
    path: SecretString,
    ending: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<mpsc::Receiver<String>> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("{listen} cannot be listened on"))?;
    info!(address = %listener.local_addr()?, "webhooks are listened for");
    let (sender, named) = mpsc::channel(webhook::MOST_WAITING);
    tokio::spawn(async move {
        if let Err(error) = webhook::serve(listener, Webhook { path, named: sender }, ending).await {
            error!(%error, "webhooks ended");
        }
    });
    Ok(named)
}

/// Every replica does: a request comes to any of them.
async fn answer_files(
    address: SocketAddr,
    client: Client,
    health: Health,
    ending: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on"))?;
    let files = Files::default();
    health.set(FILES, false);
    tokio::spawn(files::follow(client, files.clone(), move || health.set(FILES, true)));
    info!(address = %listener.local_addr()?, "validation files are answered");
    tokio::spawn(async move {
        let lookup: Lookup = Arc::new(move |host: &str, path: &str| files.answer(host, path));
        if let Err(error) = server::files::serve(listener, lookup, ending).await {
            error!(%error, "validation files ended");
        }
    });
    Ok(())
}

/// What readiness waits for where files are answered.
const FILES: &str = "the validation files";

/// What readiness waits for; a process that waits for the Lease is ready to take over, or no rollout would end.
const WATCHES: &str = "the watches";

async fn wait_for(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// By default an installation is a cluster: the uid of its kube-system namespace.
async fn installation_id(client: &Client) -> anyhow::Result<String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for wait in [1, 2, 4, 8, 16] {
        match namespaces.get("kube-system").await {
            Ok(namespace) => return namespace.uid().context("kube-system has no uid"),
            Err(error) => warn!(%error, "the API server does not answer yet"),
        }
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
    bail!("namespace kube-system cannot be read: set --installation-id, or allow it")
}

async fn asked_to_stop() -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

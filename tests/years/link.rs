//! A way to the API server that can be cut: what is under way hangs, as in a network that drops packets.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use harness::World;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
    task::JoinSet,
};

pub struct Link {
    open: Arc<watch::Sender<bool>>,
    dir: TempDir,
    _relays: JoinSet<()>,
}

impl Link {
    pub async fn to_apiserver(world: &World) -> Result<Self> {
        let target = world.plane.server().trim_start_matches("https://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut config: Value = serde_json::from_slice(&fs::read(world.plane.kubeconfig())?)?;
        let cluster = config.pointer_mut("/clusters/0/cluster").context("a cluster")?;
        cluster["server"] = json!(format!("https://{}", listener.local_addr()?));
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join("kubeconfig"), serde_json::to_vec(&config)?)?;
        let open = Arc::new(watch::Sender::new(true));
        let (opened, mut relays) = (open.clone(), JoinSet::new());
        relays.spawn(async move {
            let mut relays = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&target).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                relays.spawn(forward(from_client, to_server, opened.subscribe()));
                relays.spawn(forward(from_server, to_client, opened.subscribe()));
            }
        });
        Ok(Self { open, dir, _relays: relays })
    }

    /// A kubeconfig that goes this way.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    pub fn cut(&self) {
        self.open.send_replace(false);
    }
}

async fn forward(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, mut open: watch::Receiver<bool>) {
    let mut bytes = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let passed = async {
            let _ = open.wait_for(|open| *open).await;
            to.write_all(&bytes[..read]).await
        };
        if passed.await.is_err() {
            break;
        }
    }
}

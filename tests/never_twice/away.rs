//! The provider is away when the call is to be made, and an issuer that allows more.

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    select,
    sync::watch,
    task::JoinSet,
};

use crate::stage::{Case, Operation, Stage, outcomes};

const BOLD: Case = Case { operation: Operation::Order, name: "bold" };
const AWAY: Case = Case { operation: Operation::Order, name: "away" };

pub async fn play(stage: &Stage, door: Door) -> Result<()> {
    tokio::try_join!(bold(stage), away(stage, door)).map(drop)
}

/// Whose issuer says so has what cannot be found placed again.
async fn bold(stage: &Stage) -> Result<()> {
    let mut issuer = stage.world.issuer();
    issuer["policy"] = json!({"ambiguousPaid": "RepeatWhenAbsent"});
    stage.objects().create("Issuer", "bold", issuer).await?;
    stage.fault(&BOLD, &json!({"kind": "resetBeforeCommit"})).await?;
    stage.create(&BOLD, "bold").await?;
    let issuance = stage.ends_well(&BOLD).await?;
    ensure!(outcomes(&issuance) == ["Ambiguous", "Accepted"], "{:#}", issuance["status"]["outcomes"]);
    Ok(())
}

/// A connection that is refused carries nothing: the call is made again without waiting for anything.
async fn away(stage: &Stage, door: Door) -> Result<()> {
    let (address, objects) = (door.address(), stage.objects());
    let mut issuer = stage.world.issuer();
    issuer["digicert"]["url"] = json!(format!("http://{address}/services/v2"));
    let provider = stage.sandbox().host();
    // The last that is asked before the call.
    let shut = door.until_asked("GET /services/v2/order/certificate?", provider);
    let begun = async {
        objects.create("Issuer", "away", issuer).await?;
        stage.create(&AWAY, "away").await
    };
    tokio::try_join!(shut, begun)?;

    let unsent = |object: &serde_json::Value| outcomes(object) == ["NotSent"];
    objects.until("Issuance", &AWAY.issuance(), "its call was not sent", unsent).await?;
    let open = Door::at(&address).await?.until_asked("never", provider);
    let ready = async {
        let issuance = stage.ends_well(&AWAY).await?;
        ensure!(outcomes(&issuance) == ["NotSent", "Accepted"], "{:#}", issuance["status"]["outcomes"]);
        Ok(())
    };
    tokio::select! {
        ended = open => ended,
        ready = ready => ready,
    }
}

/// A way to the provider that can be shut: then connections are refused.
pub struct Door(TcpListener);

impl Door {
    pub async fn open() -> Result<Self> {
        Self::at("127.0.0.1:0").await
    }

    async fn at(address: &str) -> Result<Self> {
        Ok(Self(TcpListener::bind(address).await?))
    }

    pub fn address(&self) -> String {
        self.0.local_addr().map(|address| address.to_string()).unwrap_or_default()
    }

    /// Lets everything through to `target` until a request begins like this: it is answered, and the door is shut.
    async fn until_asked(self, last: &'static str, target: &str) -> Result<()> {
        let (shut, shutting) = watch::channel(false);
        let mut relays = JoinSet::new();
        let mut closed = shutting.clone();
        loop {
            select! {
                accepted = self.0.accept() => {
                    let server = TcpStream::connect(target).await?;
                    let relay = relay(accepted?.0, server, last, shut.clone(), shutting.clone());
                    relays.spawn(async move { relay.await.map_err(|error| eprintln!("the door: {error}")) });
                }
                () = is(&mut closed) => break,
            }
        }
        drop(self);
        relays.join_all().await;
        Ok(())
    }
}

async fn relay(
    mut client: TcpStream,
    mut server: TcpStream,
    last: &str,
    shut: watch::Sender<bool>,
    mut shutting: watch::Receiver<bool>,
) -> Result<()> {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        select! {
            read = client.read(&mut up) => match read? {
                0 => return Ok(()),
                read if up[..read].starts_with(last.as_bytes()) => {
                    let request = String::from_utf8_lossy(&up[..read]).replacen("\r\n", "\r\nconnection: close\r\n", 1);
                    shut.send_replace(true);
                    server.write_all(request.as_bytes()).await?;
                    copy(&mut server, &mut client).await?;
                    return Ok(());
                }
                read => server.write_all(&up[..read]).await?,
            },
            read = server.read(&mut down) => match read? {
                0 => return Ok(()),
                read => client.write_all(&down[..read]).await?,
            },
            () = is(&mut shutting) => return Ok(()),
        }
    }
}

async fn is(shut: &mut watch::Receiver<bool>) {
    let _ = shut.wait_for(|shut| *shut).await;
}

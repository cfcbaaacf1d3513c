//! The same over TLS, for clients that show a certificate of this CA. It is real time that counts for both ends.

use std::{io, net::SocketAddr, sync::Arc};

use anyhow::Context;
use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use time::{Duration, OffsetDateTime};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    ca::Ca,
    wire::{Connection, Peer, Wire},
};

/// A certificate with its intermediate, and its key, both PEM.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

/// For ten years from now.
pub fn identity(
    ca: &Ca,
    common_name: &str,
    names: Vec<String>,
    usage: ExtendedKeyUsagePurpose,
) -> Result<Identity, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = OffsetDateTime::now_utc() - Duration::days(1);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(3650);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    let certificate = ca.issue(&params, &key)?;
    Ok(Identity { certificate: certificate.pem() + ca.intermediate_pem(), key: key.serialize_pem() })
}

/// Connections whose handshake is done.
pub struct TlsWire {
    accepted: mpsc::Receiver<(TlsStream<Connection>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsWire {
    /// `names`: what the server is called, beside its address.
    pub async fn listen(listen: SocketAddr, ca: &Ca, mut names: Vec<String>) -> anyhow::Result<Self> {
        let tcp = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
        let address = tcp.local_addr()?;
        names.push(address.ip().to_string());
        let acceptor = TlsAcceptor::from(Arc::new(config(ca, names)?));
        let (sender, accepted) = mpsc::channel(16);
        tokio::spawn(async move {
            let mut wire = Wire(tcp);
            loop {
                let (connection, peer) = tokio::select! {
                    next = wire.accept() => next,
                    () = sender.closed() => return,
                };
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                // A handshake that takes its time keeps nobody else waiting.
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(connection).await {
                        let _ = sender.send((stream, peer)).await;
                    }
                });
            }
        });
        Ok(Self { accepted, address })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Asks for a certificate of this CA, and lets those in who have none: some doors are open to them.
fn config(ca: &Ca, names: Vec<String>) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.root_pem().as_bytes())?)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let verifier = verifier.allow_unauthenticated().build()?;
    let identity = identity(ca, "sandbox", names, ExtendedKeyUsagePurpose::ServerAuth)?;
    let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes()).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_client_cert_verifier(verifier).with_single_cert(chain, key)?)
}

impl Listener for TlsWire {
    type Io = TlsStream<Connection>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self.accepted.recv().await {
            Some(next) => next,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, TlsWire>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsWire>) -> Self {
        let (connection, session) = stream.io().get_ref();
        let shown = session.peer_certificates().and_then(|chain| chain.first());
        Self { cut: connection.cut(), certificate: shown.map(|certificate| certificate.to_vec()) }
    }
}

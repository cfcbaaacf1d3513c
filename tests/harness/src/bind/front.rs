//! Forwards DNS over UDP and TCP.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UdpSocket},
    task::JoinHandle,
    time::timeout,
};

pub(super) type Listener = (UdpSocket, TcpListener);

/// One port that is free at all of these addresses.
pub(super) async fn listeners(addresses: &[Ipv4Addr]) -> io::Result<(u16, Vec<Listener>)> {
    loop {
        let first = TcpListener::bind((addresses[0], 0)).await?;
        let port = first.local_addr()?.port();
        drop(first);
        let mut listeners = Vec::new();
        for address in addresses {
            let address = SocketAddr::new((*address).into(), port);
            if let (Ok(udp), Ok(tcp)) = (UdpSocket::bind(address).await, TcpListener::bind(address).await) {
                listeners.push((udp, tcp));
            }
        }
        if listeners.len() == addresses.len() {
            return Ok((port, listeners));
        }
    }
}

/// Until dropped.
pub(super) struct Front(JoinHandle<()>);

impl Front {
    pub(super) fn start((udp, tcp): Listener, port: u16) -> Self {
        let behind = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self(tokio::spawn(async move {
            tokio::join!(datagrams(Arc::new(udp), behind), streams(tcp, behind));
        }))
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn datagrams(front: Arc<UdpSocket>, behind: SocketAddr) {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let Ok((length, from)) = front.recv_from(&mut buffer).await else { continue };
        let (question, front) = (buffer[..length].to_vec(), front.clone());
        tokio::spawn(async move {
            if let Ok(Ok(answer)) = timeout(Duration::from_secs(10), exchange(&question, behind)).await {
                let _ = front.send_to(&answer, from).await;
            }
        });
    }
}

async fn exchange(question: &[u8], behind: SocketAddr) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(behind).await?;
    socket.send(question).await?;
    let mut answer = vec![0; usize::from(u16::MAX)];
    let length = socket.recv(&mut answer).await?;
    answer.truncate(length);
    Ok(answer)
}

async fn streams(front: TcpListener, behind: SocketAddr) {
    loop {
        let Ok((mut client, _)) = front.accept().await else { continue };
        tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(behind).await {
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}

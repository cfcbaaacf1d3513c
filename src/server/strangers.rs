//! A listener that anybody may come to: so many connections at a time, each for so long. Whoever holds one open takes
//! neither the files nor the memory of what keeps certificates alive.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};

/// At a time; the others wait in the kernel.
const MOST: usize = 512;
/// For a connection. A proxy that keeps some open makes new ones.
const LONGEST: Duration = Duration::from_secs(60);

pub(super) struct Strangers {
    listener: TcpListener,
    room: Arc<Semaphore>,
    longest: Duration,
}

pub(super) struct Connection {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Strangers {
    pub(super) fn at(listener: TcpListener) -> Self {
        Self::bounded(listener, MOST, LONGEST)
    }

    fn bounded(listener: TcpListener, most: usize, longest: Duration) -> Self {
        Self { listener, room: Arc::new(Semaphore::new(most)), longest }
    }
}

impl Listener for Strangers {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // It is never closed, which is all that could fail.
        let room = self.room.clone().acquire_owned().await.ok();
        let (stream, from) = Listener::accept(&mut self.listener).await;
        (Connection { stream, end: Box::pin(sleep(self.longest)), _room: room }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connection {
    fn in_time(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.in_time(context)?;
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.in_time(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::Cell;

    use axum::{Router, routing::get};
    use reqwest::Client;
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn a_connection_ends_and_so_makes_room_for_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let strangers = Strangers::bounded(listener, 1, Duration::from_millis(200));
        let serving = tokio::spawn(async { axum::serve(strangers, Router::new().route("/", get("here"))).await });
        let mut silent = TcpStream::connect(address).await.unwrap();
        let has_ended = Cell::new(false);
        let client = Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        let first = async {
            silent.read_to_end(&mut Vec::new()).await.unwrap();
            has_ended.set(true);
        };
        let next = async {
            let answer = client.get(format!("http://{address}/")).send().await.unwrap();
            assert!(has_ended.get(), "two at a time");
            assert_eq!(answer.text().await.unwrap(), "here");
        };
        tokio::join!(first, next);
        serving.abort();
    }
}

//! One question to one name server: over UDP, asked twice, then over TCP.
//!
//! hickory's client verifies signatures inside its transport and so hides a refusal's code, which is unsigned when
//! the key is the problem (RFC 8945 §5.2). Here a refusal is returned as it came, and only an answer that would be
//! believed has to be signed.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, SystemTime},
};

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RecordType, TSigVerifier, TSigner},
};
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

/// For one exchange, TCP included.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// What fits through every path unfragmented (DNS flag day 2020).
const UDP_PAYLOAD: u16 = 1232;

#[derive(Debug, Error)]
pub(super) enum ExchangeError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("no answer in time")]
    Silent,
    #[error("the answer is not signed with our key")]
    Unverified,
    #[error("the message cannot be made: {0}")]
    Unsendable(String),
}

impl ExchangeError {
    /// This host has no way to such an address at all, as is common with IPv6.
    pub(super) fn is_no_route(&self) -> bool {
        use io::ErrorKind::{AddrNotAvailable, HostUnreachable, NetworkUnreachable, Unsupported};
        let no_route = [AddrNotAvailable, HostUnreachable, NetworkUnreachable, Unsupported];
        matches!(self, Self::Io(error) if no_route.contains(&error.kind()))
    }
}

pub(super) fn question(name: Name, record_type: RecordType) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = false;
    message.add_query(Query::query(name, record_type));
    message
}

/// The same for a resolver. `unvalidated`: also what it cannot validate (RFC 4035 §3.2.2).
pub(super) fn recursive(name: Name, record_type: RecordType, unvalidated: bool) -> Message {
    let mut message = question(name, record_type);
    message.metadata.recursion_desired = true;
    message.metadata.checking_disabled = unvalidated;
    message
}

/// An update of the zone (RFC 2136 §2), still empty.
pub(super) fn update(zone: Name) -> Message {
    let mut message = question(zone, RecordType::SOA);
    message.metadata.op_code = OpCode::Update;
    message
}

/// The answer. With a key the message is signed, and an answer that says yes, or that nothing is there, is verified.
pub(super) async fn exchange(
    server: SocketAddr,
    mut message: Message,
    key: Option<&TSigner>,
    total: Duration,
) -> Result<Message, ExchangeError> {
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD);
    message.set_edns(edns);
    let verifier = match key {
        Some(key) => message.finalize(key, unix_now()).map_err(unsendable)?,
        None => None,
    };
    let request = message.to_vec().map_err(unsendable)?;
    let (answer, bytes) = match over_udp(server, &message, &request, total / 4).await {
        Ok(answer) if !answer.0.metadata.truncation => answer,
        Err(error) if error.is_no_route() => return Err(error),
        _ => over_tcp(server, &message, &request, total / 2).await?,
    };
    match verifier {
        Some(verifier) if is_believed(answer.metadata.response_code) => verified(verifier, &bytes),
        _ => Ok(answer),
    }
}

fn is_believed(code: ResponseCode) -> bool {
    matches!(code, ResponseCode::NoError | ResponseCode::NXDomain)
}

fn verified(mut verifier: TSigVerifier, bytes: &[u8]) -> Result<Message, ExchangeError> {
    let answer = verifier.verify(bytes).map_err(|_| ExchangeError::Unverified)?;
    Ok(answer.into_message())
}

async fn over_udp(
    server: SocketAddr,
    question: &Message,
    request: &[u8],
    patience: Duration,
) -> Result<(Message, Vec<u8>), ExchangeError> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    for _ in 0..2 {
        socket.send(request).await?;
        match timeout(patience, matching_datagram(&socket, question)).await {
            Ok(answer) => return answer,
            Err(_) => continue,
        }
    }
    Err(ExchangeError::Silent)
}

/// Datagrams that do not answer the question are somebody else's, or late.
async fn matching_datagram(socket: &UdpSocket, question: &Message) -> Result<(Message, Vec<u8>), ExchangeError> {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if let Some(answer) = parse(&buffer[..length], question) {
            return Ok((answer, buffer[..length].to_vec()));
        }
    }
}

async fn over_tcp(
    server: SocketAddr,
    question: &Message,
    request: &[u8],
    patience: Duration,
) -> Result<(Message, Vec<u8>), ExchangeError> {
    let exchanged = async {
        let mut stream = TcpStream::connect(server).await?;
        let length = u16::try_from(request.len()).map_err(io::Error::other)?;
        // Length and message in one segment (RFC 7766 §8).
        stream.write_all(&[&length.to_be_bytes(), request].concat()).await?;
        let length = stream.read_u16().await?;
        let mut bytes = vec![0; usize::from(length)];
        stream.read_exact(&mut bytes).await?;
        Ok::<_, io::Error>(bytes)
    };
    let bytes = timeout(patience, exchanged).await.map_err(|_| ExchangeError::Silent)??;
    match parse(&bytes, question) {
        Some(answer) => Ok((answer, bytes)),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "the answer fits no question").into()),
    }
}

fn parse(bytes: &[u8], question: &Message) -> Option<Message> {
    let answer = Message::from_vec(bytes).ok()?;
    // A server that could not read the question does not repeat it.
    let fits = answer.queries == question.queries
        || answer.queries.is_empty() && !is_believed(answer.metadata.response_code)
        || answer.queries.is_empty() && question.metadata.op_code == OpCode::Update;
    (answer.metadata.id == question.metadata.id
        && answer.metadata.message_type == MessageType::Response
        && answer.metadata.op_code == question.metadata.op_code
        && fits)
        .then_some(answer)
}

fn unsendable(error: hickory_proto::ProtoError) -> ExchangeError {
    ExchangeError::Unsendable(error.to_string())
}

/// Signatures are about real time.
fn unix_now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}

//! Who listens where a server should be, and is none: silent, hasty, loud, endless.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What a stranger does with a connection, or with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes it and says nothing.
    Hang,
    /// Closes it at once.
    Close,
    /// Breaks it off at once.
    Reset,
    /// Says this, and then nothing more.
    Say(&'static [u8]),
    /// Says this and closes.
    SayAndClose(&'static [u8]),
    /// So many bytes that are no line, and then nothing more.
    LongLine(usize),
    /// One byte a second, for ever.
    Drip,
    /// The same line again and again, as fast as it is read.
    Flood(&'static [u8]),
}

/// Bytes of no protocol; one of each kind is among them.
const GARBAGE: &[u8] = b"\x00\xff\x80\x01\n\r\r\n\x7f\xfe%s%n\xc3\x28\n\n\r\n\0\0\0\0\xff\xff\xff\xff\n";
/// A fatal alert of TLS: handshake failure.
const ALERT: &[u8] = b"\x15\x03\x03\x00\x02\x02\x28";

/// Those that any check must call down, whatever it asks for; and whether they keep it waiting.
pub(crate) const ALL: [(Manner, bool); 12] = [
    (Manner::Hang, true),
    (Manner::Close, false),
    (Manner::Reset, false),
    (Manner::Say(b""), true),
    (Manner::Say(b"\x16\x03"), true),
    (Manner::SayAndClose(GARBAGE), false),
    (Manner::SayAndClose(ALERT), false),
    (Manner::SayAndClose(b"999 \r\n\r\n"), false),
    (Manner::SayAndClose(b"\r\n"), false),
    (Manner::LongLine(1 << 20), true),
    (Manner::Drip, true),
    (Manner::Flood(b"* more\r\n"), true),
];

/// One who listens. It ends when this goes.
pub(crate) struct Stranger {
    /// Where.
    pub(crate) at: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stranger {
    /// For connections.
    pub(crate) async fn tcp(ip: IpAddr, manner: Manner) -> Stranger {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move { treat(stream, manner).await });
            }
        });
        Stranger { at, task }
    }

    /// For datagrams: each is answered with this one, or with none.
    pub(crate) async fn udp(ip: IpAddr, answer: Option<Vec<u8>>) -> Stranger {
        let socket = UdpSocket::bind((ip, 0)).await.unwrap();
        let at = socket.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut bytes = [0; 2048];
            while let Ok((_, from)) = socket.recv_from(&mut bytes).await {
                if let Some(answer) = &answer {
                    let _ = socket.send_to(answer, from).await;
                }
            }
        });
        Stranger { at, task }
    }
}

/// What datagrams of strangers look like.
pub(crate) fn datagrams() -> Vec<Option<Vec<u8>>> {
    let zeros = vec![0; 12];
    vec![
        None,
        Some(Vec::new()),
        Some(GARBAGE.to_vec()),
        Some(zeros),
        Some(vec![0xff; 1400]),
        Some(b"\r\n".to_vec()),
    ]
}

/// A port where nobody listens.
pub(crate) async fn deserted(ip: IpAddr) -> SocketAddr {
    TcpListener::bind((ip, 0)).await.unwrap().local_addr().unwrap()
}

async fn treat(mut stream: TcpStream, manner: Manner) {
    // The other side may go whenever it likes.
    let _ = match manner {
        Manner::Hang => Ok(()),
        Manner::Close => return,
        Manner::Reset => return drop(socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))),
        Manner::Say(text) => stream.write_all(text).await,
        Manner::SayAndClose(text) => {
            let said = stream.write_all(text).await;
            let _ = stream.shutdown().await;
            said
        }
        Manner::LongLine(length) => stream.write_all(&vec![b'x'; length]).await,
        Manner::Drip => loop {
            sleep(Duration::from_secs(1)).await;
            if stream.write_all(b"2").await.is_err() {
                return;
            }
        },
        Manner::Flood(line) => loop {
            if stream.write_all(&line.repeat(500)).await.is_err() {
                return;
            }
        },
    };
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
}

//! The way to a server by TCP, in TLS where the protocol is spoken inside of it.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::probe::By;
use super::{Outcome, tls};

/// The size of a piece that is read at once.
pub(super) const PIECE: usize = 16 << 10;

/// What bytes go through. Whatever it is, it is closed when it is dropped.
pub(super) trait Link: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Link for T {}

/// A way that is open.
pub(super) struct Road {
    link: Box<dyn Link>,
    /// Our end of it.
    pub(super) local: SocketAddr,
}

/// In the reference's words, where somebody may look for them.
pub(super) fn cannot_connect(at: SocketAddr, error: &io::Error) -> Outcome {
    let reason = match error.kind() {
        io::ErrorKind::ConnectionRefused => "Connection refused".to_owned(),
        _ => error.to_string(),
    };
    no_way(at, &reason)
}

fn no_way(at: SocketAddr, reason: &str) -> Outcome {
    Outcome::down(format!("500 Can't connect to {at} ({reason})"))
}

/// Opens a connection.
pub(super) async fn connect(at: SocketAddr) -> Result<TcpStream, Outcome> {
    TcpStream::connect(at).await.map_err(|e| cannot_connect(at, &e))
}

impl Road {
    /// Opens a connection, and TLS in it if `by` wants it.
    pub(super) async fn open(at: SocketAddr, by: &By) -> Result<Road, Outcome> {
        let stream = connect(at).await?;
        let local = stream.local_addr().map_err(|e| cannot_connect(at, &e))?;
        let plain = Road { link: Box::new(stream), local };
        match by {
            By::Tls(name) => plain.encrypted(at, name.as_deref()).await.map_err(|why| no_way(at, &why)),
            By::Tcp | By::Udp => Ok(plain),
        }
    }

    /// The same way, TLS from here on. `name`: by which the server is asked.
    pub(super) async fn encrypted(self, at: SocketAddr, name: Option<&str>) -> Result<Road, String> {
        let link = tls::wrap(self.link, at.ip(), name).await.map_err(|why| format!("TLS: {why}"))?;
        Ok(Road { link, local: self.local })
    }

    /// Says something.
    pub(super) async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.link.write_all(bytes).await?;
        self.link.flush().await
    }

    /// Says that nothing more will be said.
    pub(super) async fn end(&mut self) -> io::Result<()> {
        self.link.shutdown().await
    }

    /// The next bytes; `None` when there are no more.
    pub(super) async fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; PIECE];
        let count = match self.link.read(&mut bytes).await {
            Ok(count) => count,
            // Many servers close without the word that TLS has for it.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(e) => return Err(e),
        };
        bytes.truncate(count);
        Ok((count > 0).then_some(bytes))
    }

    /// Exactly so many bytes.
    pub(super) async fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.link.read_exact(&mut bytes).await?;
        Ok(bytes)
    }
}

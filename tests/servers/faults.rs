//! A go-between that lets a server's words through up to a point, and then does something to them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What is done to what a server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// So many bytes, then the connection is closed in good order.
    Close(usize),
    /// So many bytes, then it is broken off.
    Reset(usize),
    /// So many bytes, then nothing more.
    Hang(usize),
    /// Byte by byte, with a pause before each.
    Drip(Duration),
    /// The byte at this place is another.
    Flip(usize),
}

/// The go-between. It ends when this goes.
pub(crate) struct Between {
    /// Where it listens.
    pub(crate) at: SocketAddr,
    /// How many bytes of the server it let through.
    passed: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Between {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Between {
    /// Before this server.
    pub(crate) async fn new(server: SocketAddr, fault: Fault) -> Between {
        let listener = TcpListener::bind((server.ip(), 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let passed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&passed);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, fault, Arc::clone(&count)));
            }
        });
        Between { at, passed, task }
    }

    /// How many bytes of the server were let through so far.
    pub(crate) fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }
}

/// Carries one connection. When the client goes, so does the server's end.
async fn carry(client: TcpStream, server: SocketAddr, fault: Fault, passed: Arc<AtomicUsize>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = client.set_nodelay(true);
    if matches!(fault, Fault::Reset(_)) {
        let _ = socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO));
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let ask = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    };
    let answer = async {
        let ended = answers(&mut from_server, &mut to_client, fault, &passed).await;
        if ended.is_ok() && !matches!(fault, Fault::Reset(_)) {
            let _ = to_client.shutdown().await;
        }
    };
    match fault {
        // The answer's end is the end, whatever is still being asked.
        Fault::Reset(_) => {
            tokio::select! { () = answer => {}, () = async { ask.await; std::future::pending().await } => {} }
        }
        _ => {
            tokio::join!(ask, answer);
        }
    }
}

/// Lets the answer through; comes back when it is over.
async fn answers(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    fault: Fault,
    passed: &AtomicUsize,
) -> std::io::Result<()> {
    let mut bytes = [0; 4096];
    let mut done = 0;
    loop {
        let most = match fault {
            Fault::Close(most) | Fault::Reset(most) | Fault::Hang(most) => most,
            _ => usize::MAX,
        };
        let room = bytes.len().min(most - done);
        if room == 0 {
            return over(from, fault).await;
        }
        let count = from.read(&mut bytes[..room]).await?;
        if count == 0 {
            return Ok(());
        }
        if let Fault::Flip(at) = fault
            && (done..done + count).contains(&at)
        {
            bytes[at - done] ^= 0x55;
        }
        done += count;
        passed.fetch_add(count, Ordering::Relaxed);
        match fault {
            Fault::Drip(pause) => {
                for byte in &bytes[..count] {
                    sleep(pause).await;
                    to.write_all(&[*byte]).await?;
                }
            }
            _ => to.write_all(&bytes[..count]).await?,
        }
    }
}

/// The rest is silence, or the end.
async fn over(from: &mut (impl AsyncReadExt + Unpin), fault: Fault) -> std::io::Result<()> {
    if matches!(fault, Fault::Hang(_)) {
        let mut rest = [0; 4096];
        while from.read(&mut rest).await? > 0 {}
        // The client hears nothing of the server's end either.
        sleep(Duration::from_secs(600)).await;
    }
    Ok(())
}

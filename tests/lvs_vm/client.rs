//! Who asks the virtual services.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::director::kernel::within;
use crate::lab::Failure;
use crate::lab::stage::Stage;

/// An answer comes within this, or none does.
const LIMIT: Duration = Duration::from_secs(3);

/// The client's machine.
pub(crate) struct Client<'l>(pub(crate) &'l Stage);

impl Client<'_> {
    /// Asks once, as `from`: the page, without the line's end.
    pub(crate) fn ask_as(&self, from: &str, to: &str) -> Result<String, Failure> {
        let (from, to): (IpAddr, SocketAddr) = (from.parse().unwrap(), to.parse().unwrap());
        within(self.0, || ask(from, to))?
            .map_err(|error| Failure::from(error).of(format!("{from} asks {to}")))
    }

    pub(crate) fn ask(&self, to: &str) -> Result<String, Failure> {
        self.ask_as("10.80.0.9", to)
    }

    /// Asks so many times.
    pub(crate) fn ask_times(&self, to: &str, times: usize) -> Result<Vec<String>, Failure> {
        (0..times).map(|_| self.ask(to)).collect()
    }
}

fn ask(from: IpAddr, to: SocketAddr) -> std::io::Result<String> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    socket.connect_timeout(&to.into(), LIMIT)?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let page = answer.split_once("\r\n\r\n").map(|(_, page)| page.trim_end().to_owned());
    page.ok_or_else(|| std::io::Error::other(format!("no page: {answer:?}")))
}

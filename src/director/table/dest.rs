//! One server behind a virtual service.

/// How packets reach the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forward {
    /// Masquerading (NAT).
    Masq,
    /// The director itself. Only old kernels say so, of any server whose address is local.
    Local,
    /// Encapsulation.
    Tunnel,
    /// Direct routing.
    #[default]
    Route,
    /// Past the director, for transparent caches. Never set by hand.
    Bypass,
}

/// How a tunnel wraps packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tunnel {
    /// IP in IP.
    #[default]
    Ipip,
    /// Generic UDP encapsulation.
    Gue {
        /// Port of the far end.
        port: u16,
        /// Bits for checksums, as the kernel has them.
        flags: u16,
    },
    /// Generic routing encapsulation.
    Gre {
        /// Bits for checksums, as the kernel has them.
        flags: u16,
    },
}

/// How a server is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dest {
    /// How packets reach it.
    pub forward: Forward,
    /// Its share; 0: no new connections.
    pub weight: u32,
    /// No new connections above so many; 0: no limit.
    pub upper: u32,
    /// Below so many it gets connections again; 0: not set.
    pub lower: u32,
    /// How a tunnel wraps packets. Of no meaning for other ways of forwarding.
    pub tunnel: Tunnel,
}

/// How many connections a server has at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connected {
    /// Established ones.
    pub active: u32,
    /// Others: they begin, or have ended a short time ago.
    pub inactive: u32,
}

impl Forward {
    /// As `ipvsadm -L` shows it.
    pub fn word(self) -> &'static str {
        match self {
            Forward::Masq => "Masq",
            Forward::Local => "Local",
            Forward::Tunnel => "Tunnel",
            Forward::Route => "Route",
            Forward::Bypass => "Bypass",
        }
    }

    /// The option of ipvsadm.
    pub fn option(self) -> &'static str {
        match self {
            Forward::Masq => "-m",
            Forward::Tunnel => "-i",
            Forward::Local | Forward::Route | Forward::Bypass => "-g",
        }
    }

    /// Whether the server may listen on another port than the virtual service.
    pub fn maps_ports(self) -> bool {
        self == Forward::Masq
    }
}

impl Dest {
    /// Whether the kernel's entry does what this one asks for. An old kernel forwards to its own address
    /// as `Local`, whatever it was told.
    pub fn is_met_by(&self, actual: &Dest) -> bool {
        let Dest { forward, weight, upper, lower, tunnel } = *self;
        let same_way = actual.forward == Forward::Local || actual.forward == forward;
        let same_tunnel = forward != Forward::Tunnel || actual.tunnel == tunnel;
        same_way && same_tunnel && (actual.weight, actual.upper, actual.lower) == (weight, upper, lower)
    }

    /// The options of ipvsadm that name the server and say all this, in the order ldirectord gives them.
    pub fn arguments(&self, at: &str) -> Vec<String> {
        let mut words: Vec<String> = ["-x", &self.upper.to_string(), "-y", &self.lower.to_string(), "-r", at]
            .map(ToOwned::to_owned)
            .into();
        words.push(self.forward.option().to_owned());
        words.extend(["-w".to_owned(), self.weight.to_string()]);
        if self.forward == Forward::Tunnel {
            words.extend(self.tunnel.arguments());
        }
        words
    }
}

/// Checksum bits of a tunnel and the options that set them.
const CHECKSUMS: [(u16, &str); 2] = [(1, "--tun-csum"), (2, "--tun-remcsum")];

impl Tunnel {
    fn arguments(self) -> Vec<String> {
        let (kind, port, flags) = match self {
            Tunnel::Ipip => return Vec::new(),
            Tunnel::Gue { port, flags } => ("gue", Some(port), flags),
            Tunnel::Gre { flags } => ("gre", None, flags),
        };
        let mut words = vec!["--tun-type".to_owned(), kind.to_owned()];
        words.extend(port.into_iter().flat_map(|p| ["--tun-port".to_owned(), p.to_string()]));
        let sums = CHECKSUMS.iter().filter(|(bit, _)| flags & bit != 0);
        words.extend(sums.map(|(_, option)| (*option).to_owned()));
        words
    }
}

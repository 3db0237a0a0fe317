//! The kernel's numbers (include/uapi/linux/ip_vs.h, genetlink.h, netlink.h).

pub(super) const NLM_F_REQUEST: u16 = 0x1;
pub(super) const NLM_F_ACK: u16 = 0x4;
pub(super) const NLM_F_DUMP: u16 = 0x300;

/// The family that knows the others.
pub(super) const GENL_ID_CTRL: u16 = 16;
pub(super) const CTRL_CMD_GETFAMILY: u8 = 3;
pub(super) const CTRL_ATTR_FAMILY_ID: u16 = 1;
pub(super) const CTRL_ATTR_FAMILY_NAME: u16 = 2;

/// Commands.
pub(super) mod command {
    pub(in super::super) const NEW_SERVICE: u8 = 1;
    pub(in super::super) const SET_SERVICE: u8 = 2;
    pub(in super::super) const DEL_SERVICE: u8 = 3;
    pub(in super::super) const GET_SERVICE: u8 = 4;
    pub(in super::super) const NEW_DEST: u8 = 5;
    pub(in super::super) const SET_DEST: u8 = 6;
    pub(in super::super) const DEL_DEST: u8 = 7;
    pub(in super::super) const GET_DEST: u8 = 8;
    pub(in super::super) const NEW_DAEMON: u8 = 9;
    pub(in super::super) const DEL_DAEMON: u8 = 10;
    pub(in super::super) const GET_DAEMON: u8 = 11;
    pub(in super::super) const SET_CONFIG: u8 = 12;
    pub(in super::super) const GET_CONFIG: u8 = 13;
    pub(in super::super) const SET_INFO: u8 = 14;
    pub(in super::super) const GET_INFO: u8 = 15;
    pub(in super::super) const ZERO: u8 = 16;
}

/// What stands in a command.
pub(super) mod top {
    pub(in super::super) const SERVICE: u16 = 1;
    pub(in super::super) const DEST: u16 = 2;
    pub(in super::super) const DAEMON: u16 = 3;
    pub(in super::super) const TIMEOUT_TCP: u16 = 4;
    pub(in super::super) const TIMEOUT_TCP_FIN: u16 = 5;
    pub(in super::super) const TIMEOUT_UDP: u16 = 6;
}

/// What stands in a service.
pub(super) mod svc {
    pub(in super::super) const FAMILY: u16 = 1;
    pub(in super::super) const PROTOCOL: u16 = 2;
    pub(in super::super) const ADDRESS: u16 = 3;
    pub(in super::super) const PORT: u16 = 4;
    pub(in super::super) const MARK: u16 = 5;
    pub(in super::super) const SCHEDULER: u16 = 6;
    pub(in super::super) const FLAGS: u16 = 7;
    pub(in super::super) const TIMEOUT: u16 = 8;
    pub(in super::super) const NETMASK: u16 = 9;
    pub(in super::super) const STATS: u16 = 10;
    pub(in super::super) const ENGINE: u16 = 11;
    pub(in super::super) const STATS64: u16 = 12;
}

/// What stands in a server.
pub(super) mod dst {
    pub(in super::super) const ADDRESS: u16 = 1;
    pub(in super::super) const PORT: u16 = 2;
    pub(in super::super) const FORWARD: u16 = 3;
    pub(in super::super) const WEIGHT: u16 = 4;
    pub(in super::super) const UPPER: u16 = 5;
    pub(in super::super) const LOWER: u16 = 6;
    pub(in super::super) const ACTIVE: u16 = 7;
    pub(in super::super) const INACTIVE: u16 = 8;
    pub(in super::super) const PERSISTENT: u16 = 9;
    pub(in super::super) const STATS: u16 = 10;
    pub(in super::super) const FAMILY: u16 = 11;
    pub(in super::super) const STATS64: u16 = 12;
    pub(in super::super) const TUNNEL: u16 = 13;
    pub(in super::super) const TUNNEL_PORT: u16 = 14;
    pub(in super::super) const TUNNEL_FLAGS: u16 = 15;
}

/// What stands in a sync daemon.
pub(super) mod sync {
    pub(in super::super) const STATE: u16 = 1;
    pub(in super::super) const INTERFACE: u16 = 2;
    pub(in super::super) const ID: u16 = 3;
    pub(in super::super) const MAX_LENGTH: u16 = 4;
    pub(in super::super) const GROUP: u16 = 5;
    pub(in super::super) const GROUP6: u16 = 6;
    pub(in super::super) const PORT: u16 = 7;
    pub(in super::super) const TTL: u16 = 8;
}

pub(super) const AF_INET: u16 = 2;
pub(super) const AF_INET6: u16 = 10;
pub(super) const IPPROTO_TCP: u16 = 6;
pub(super) const IPPROTO_UDP: u16 = 17;
pub(super) const IPPROTO_SCTP: u16 = 132;

pub(super) const FLAG_PERSISTENT: u32 = 1;
pub(super) const FLAG_ONE_PACKET: u32 = 4;
/// The scheduler's three flags begin here.
pub(super) const FLAG_SCHED_SHIFT: u32 = 3;
/// All flags are meant.
pub(super) const FLAG_MASK: u32 = u32::MAX;

pub(super) const FORWARD_MASK: u32 = 7;
pub(super) const INFO_VERSION: u16 = 1;
pub(super) const INFO_SIZE: u16 = 2;

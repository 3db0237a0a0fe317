//! ICMP echo as the ping media use it (wire-protocol.md 10.7): the bytes of a request, and what of an
//! incoming packet is an answer to one. Pure: no socket, no clock.

use std::net::IpAddr;

/// Type, code, checksum, identifier, sequence number.
const HEADER: usize = 8;
/// How many sequence numbers are remembered.
const RECENT: usize = 128;

/// The two protocols, which differ in numbers and in who does the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    fn request(self) -> u8 {
        match self {
            Self::V4 => 8,
            Self::V6 => 128,
        }
    }

    pub(super) fn reply(self) -> u8 {
        match self {
            Self::V4 => 0,
            Self::V6 => 129,
        }
    }
}

/// An echo request. The identifier is the low half of a process id, in the byte order of the machine, as
/// the reference has it. The kernel fills in the checksum of IPv6.
pub(super) fn request(family: Family, pid: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let [a, b] = identifier(pid);
    let [c, d] = sequence.to_be_bytes();
    let mut packet = vec![family.request(), 0, 0, 0, a, b, c, d];
    packet.extend_from_slice(payload);
    if family == Family::V4 {
        let sum = checksum(&packet).to_be_bytes();
        packet.splice(2..4, sum);
    }
    packet
}

/// The two bytes that tell whose echo it is.
pub(super) fn identifier(pid: u32) -> [u8; 2] {
    ((pid & 0xffff) as u16).to_ne_bytes()
}

/// An answer to a request of that process: its sequence number and what it brought back. IPv4 packets
/// come with their IP header, IPv6 ones without.
pub(super) fn reply(family: Family, pid: u32, packet: &[u8]) -> Option<(u16, &[u8])> {
    let icmp = match family {
        Family::V4 => packet.get(usize::from(packet.first()? & 0x0f) * 4..)?,
        Family::V6 => packet,
    };
    let (header, payload) = icmp.split_at_checked(HEADER)?;
    let &[kind, code, _, _, a, b, c, d] = header else { return None };
    let ours = kind == family.reply() && code == 0 && [a, b] == identifier(pid);
    ours.then_some((u16::from_be_bytes([c, d]), payload))
}

/// RFC 1071: the one's complement of the one's complement sum.
fn checksum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    };
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Which sequence numbers were answered: of a group only the first answer to a request counts.
#[derive(Clone, Debug)]
pub(super) struct Answered([Option<u16>; RECENT]);

impl Default for Answered {
    fn default() -> Self {
        Self([None; RECENT])
    }
}

impl Answered {
    pub(super) fn has(&self, sequence: u16) -> bool {
        self.0.get(usize::from(sequence) % RECENT) == Some(&Some(sequence))
    }

    pub(super) fn note(&mut self, sequence: u16) {
        if let Some(slot) = self.0.get_mut(usize::from(sequence) % RECENT) {
            *slot = Some(sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(request: &[u8], family: Family) -> Vec<u8> {
        let mut icmp = request.to_vec();
        icmp[0] = family.reply();
        match family {
            Family::V4 => [vec![0x46; 24], icmp].concat(),
            Family::V6 => icmp,
        }
    }

    #[test]
    fn the_checksum_is_that_of_rfc_1071() {
        // the example of the RFC, section 3
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(&[0xff]), !0xff00);
        assert_eq!(checksum(&[]), 0xffff);
    }

    #[test]
    fn a_request_is_laid_out_as_on_the_wire() {
        let packet = request(Family::V4, 0x0001_3412, 0x0102, b"data");
        let [a, b] = 0x3412_u16.to_ne_bytes();
        assert_eq!(packet[..2], [8, 0]);
        assert_eq!(packet[4..8], [a, b, 1, 2]);
        assert_eq!(&packet[8..], b"data");
        assert_eq!(checksum(&packet), 0, "a receiver sums to nothing");
        let packet = request(Family::V6, 7, 0, b"");
        assert_eq!(packet[..4], [128, 0, 0, 0]);
    }

    #[test]
    fn only_answers_to_this_process_count() {
        for family in [Family::V4, Family::V6] {
            let sent = request(family, 4711, 9, b"payload");
            let back = answer(&sent, family);
            assert_eq!(reply(family, 4711, &back), Some((9, b"payload".as_slice())));
            assert_eq!(reply(family, 4712, &back), None, "another process");
            let code = back.len() - sent.len() + 1;
            let mut unreachable = back.clone();
            unreachable[code] = 1;
            assert_eq!(reply(family, 4711, &unreachable), None, "another code");
            let heard_itself = match family {
                Family::V4 => [vec![0x45; 20], sent.clone()].concat(),
                Family::V6 => sent.clone(),
            };
            assert_eq!(reply(family, 4711, &heard_itself), None, "a request");
            let whole = back.len() - b"payload".len();
            for length in 0..whole {
                assert_eq!(reply(family, 4711, &back[..length]), None, "cut to {length}");
            }
            assert_eq!(reply(family, 4711, &back[..whole]), Some((9, b"".as_slice())));
        }
    }

    #[test]
    fn an_answer_is_remembered_until_its_place_is_needed() {
        let mut answered = Answered::default();
        assert!(!answered.has(0), "nothing was answered yet");
        answered.note(5);
        assert!(answered.has(5) && !answered.has(5 + RECENT as u16));
        answered.note(5 + RECENT as u16);
        assert!(!answered.has(5));
    }
}

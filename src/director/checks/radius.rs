//! RADIUS: may this user in? (RFC 2865.) Pure.

use std::net::IpAddr;

use md5::{Digest, Md5};

use super::Outcome;
use crate::director::config::Secret;

const ACCESS_REQUEST: u8 = 1;
const ACCESS_ACCEPT: u8 = 2;
const USER_NAME: u8 = 1;
const USER_PASSWORD: u8 = 2;
const NAS_IP_ADDRESS: u8 = 4;
const NAS_IPV6_ADDRESS: u8 = 95;
/// The longest password that fits.
const LONGEST: usize = 128;

/// Who asks to be let in.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The name.
    pub login: String,
    /// The password.
    pub passwd: Secret,
    /// What we and the server know, and nobody else.
    pub secret: Secret,
}

impl User {
    /// The question in bytes. `number` tells it from others, `salt` must not be guessed, `own` is our address.
    pub fn packet(&self, number: u8, salt: [u8; 16], own: IpAddr) -> Vec<u8> {
        let mut attributes = Vec::new();
        let mut say = |kind: u8, value: &[u8]| {
            let value = value.get(..253).unwrap_or(value);
            attributes.push(kind);
            attributes.push(u8::try_from(value.len() + 2).unwrap_or(u8::MAX));
            attributes.extend(value);
        };
        say(USER_NAME, self.login.as_bytes());
        say(USER_PASSWORD, &self.hidden(salt));
        match own {
            IpAddr::V4(ip) => say(NAS_IP_ADDRESS, &ip.octets()),
            IpAddr::V6(ip) => say(NAS_IPV6_ADDRESS, &ip.octets()),
        }
        let length = u16::try_from(20 + attributes.len()).unwrap_or(u16::MAX).to_be_bytes();
        let mut packet = vec![ACCESS_REQUEST, number];
        packet.extend(length);
        packet.extend(salt);
        packet.extend(attributes);
        packet
    }

    /// The password, as RFC 2865 5.2 hides it.
    fn hidden(&self, salt: [u8; 16]) -> Vec<u8> {
        let bytes = self.passwd.expose().as_bytes();
        let mut clear = bytes.get(..LONGEST).unwrap_or(bytes).to_vec();
        clear.resize(clear.len().max(1).next_multiple_of(16), 0);
        let mut hidden: Vec<u8> = Vec::new();
        let mut before = salt.to_vec();
        for block in clear.chunks(16) {
            let mut digest = Md5::new();
            digest.update(self.secret.expose());
            digest.update(&before);
            before = block.iter().zip(digest.finalize()).map(|(a, b)| a ^ b).collect();
            hidden.extend(&before);
        }
        hidden
    }

    /// What a packet means: nothing, if it does not answer this question or is not signed by the server.
    pub fn judge(&self, number: u8, salt: [u8; 16], packet: &[u8]) -> Option<Outcome> {
        let (head, attributes) = packet.split_at_checked(20)?;
        let [code, answered, high, low, signature @ ..] = head else { return None };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let attributes = attributes.get(..length.checked_sub(20)?)?;
        let mut digest = Md5::new();
        digest.update([*code, *answered, *high, *low]);
        digest.update(salt);
        digest.update(attributes);
        digest.update(self.secret.expose());
        let signed = digest.finalize().iter().eq(signature.iter());
        if *answered != number || !signed {
            return None;
        }
        Some(match *code {
            ACCESS_ACCEPT => Outcome::up("-"),
            code => Outcome::down(format!("answer {code}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let hex: String = hex.split_whitespace().collect();
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    /// The example of RFC 2865, 7.1: user nemo, password arctangent, secret xyzzy5461.
    #[test]
    fn question_and_answer_are_those_of_the_rfc() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let user =
            User { login: "nemo".to_owned(), passwd: secret("arctangent"), secret: secret("xyzzy5461") };
        let salt: [u8; 16] = bytes("0f403f9473978057bd83d5cb98f4227a").try_into().unwrap();
        let asked = user.packet(0, salt, "192.168.1.16".parse().unwrap());
        let begins = bytes(
            "01000032 0f403f9473978057bd83d5cb98f4227a 01066e656d6f \
             02120dbe708d93d413ce3196e43f782a0aee 0406c0a80110",
        );
        // in the RFC a port of the NAS follows
        assert_eq!(asked.get(4..), begins.get(4..));
        let mut accepted =
            bytes("02000026 86fe220e7624ba2a1005f6bf9b55e0b2 060600000001 0f0600000000 0e06c0a80103");
        assert_eq!(user.judge(0, salt, &accepted), Some(Outcome::up("-")));
        assert_eq!(user.judge(1, salt, &accepted), None);
        for at in [0, 4, 25] {
            accepted[at] ^= 1;
            assert_eq!(user.judge(0, salt, &accepted), None, "changed at {at}");
            accepted[at] ^= 1;
        }
        for cut in 0..accepted.len() {
            assert_eq!(user.judge(0, salt, &accepted[..cut]), None);
        }
    }

    #[test]
    fn a_refusal_that_is_signed_counts() {
        let user = User { login: String::new(), passwd: Secret::default(), secret: Secret::default() };
        let mut digest = Md5::new();
        digest.update([3, 9, 0, 20]);
        digest.update([7; 16]);
        let mut refused = vec![3, 9, 0, 20];
        refused.extend(digest.finalize());
        assert_eq!(user.judge(9, [7; 16], &refused), Some(Outcome::down("answer 3")));
    }
}

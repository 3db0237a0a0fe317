//! SCRAM-SHA-256 (RFC 5802, RFC 7677): a proof of a password that does not give it away. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Its name.
pub(super) const NAME: &str = "SCRAM-SHA-256";
/// We cannot bind the proof to the TLS connection.
const UNBOUND: &str = "n,,";
/// More rounds than that would be work for others than us.
const MOST_ROUNDS: u32 = 2_000_000;
/// So many are done at a time. PostgreSQL wants that many unless told otherwise.
const SLICE: u32 = 4096;

type Bytes = [u8; 32];

/// Our side of it.
#[derive(Clone)]
pub(super) struct Scram {
    /// Empty: PostgreSQL knows it already.
    name: &'static str,
    nonce: String,
    passwd: Zeroizing<String>,
    /// The proof that is being worked on.
    work: Option<Work>,
    /// What the server must sign with.
    signature: Option<Bytes>,
}

/// A proof that is being worked on: PBKDF2, of which one block is enough.
#[derive(Clone)]
struct Work {
    passwd: Hmac<Sha256>,
    last: Bytes,
    all: Bytes,
    rounds_left: u32,
    /// What the server said first, and what we say last, without the proof.
    heard: String,
    end: String,
}

impl std::fmt::Debug for Scram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scram")
    }
}

fn sign(key: &[u8], text: &[u8]) -> Bytes {
    // Keys of all lengths are good.
    <Hmac<Sha256> as KeyInit>::new_from_slice(key).map_or([0; 32], |mac| signed(mac, text))
}

fn signed(mut mac: Hmac<Sha256>, text: &[u8]) -> Bytes {
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn xor(a: Bytes, b: Bytes) -> Bytes {
    let mut bytes = a;
    bytes.iter_mut().zip(b).for_each(|(a, b)| *a ^= b);
    bytes
}

impl Work {
    /// Some rounds of it; whether they were the last.
    fn go_on(&mut self) -> bool {
        let slice = self.rounds_left.min(SLICE);
        for _ in 0..slice {
            self.last = signed(self.passwd.clone(), &self.last);
            self.all = xor(self.all, self.last);
        }
        self.rounds_left -= slice;
        self.rounds_left == 0
    }
}

/// The value behind `name=`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

impl Scram {
    pub(super) fn new(chance: u128, passwd: String) -> Scram {
        let nonce = STANDARD.encode(chance.to_be_bytes());
        Scram { name: "", nonce, passwd: Zeroizing::new(passwd), work: None, signature: None }
    }

    /// What we say first, without the frame around it.
    fn bare(&self) -> String {
        format!("n={},r={}", self.name, self.nonce)
    }

    /// What we say first.
    pub(super) fn first(&self) -> String {
        format!("{UNBOUND}{}", self.bare())
    }

    /// Takes what the server said first; or tells what is wrong with it.
    pub(super) fn ask(&mut self, heard: &[u8]) -> Result<(), String> {
        let heard = String::from_utf8_lossy(heard).into_owned();
        let bad = || format!("the server says {heard:?} in place of a question");
        let nonce = field(&heard, "r").filter(|nonce| nonce.starts_with(&self.nonce)).ok_or_else(bad)?;
        let salt = field(&heard, "s").and_then(|salt| STANDARD.decode(salt).ok()).ok_or_else(bad)?;
        let rounds: u32 = field(&heard, "i").and_then(|rounds| rounds.parse().ok()).ok_or_else(bad)?;
        if rounds > MOST_ROUNDS {
            return Err(format!("the server wants {rounds} rounds of work; at most {MOST_ROUNDS} are done"));
        }
        let end = format!("c={},r={nonce}", STANDARD.encode(UNBOUND));
        let passwd = KeyInit::new_from_slice(self.passwd.as_bytes()).map_err(|_| bad())?;
        let last = sign(self.passwd.as_bytes(), &[salt.as_slice(), &1u32.to_be_bytes()].concat());
        let rounds_left = rounds.saturating_sub(1);
        self.work = Some(Work { passwd, last, all: last, rounds_left, heard, end });
        Ok(())
    }

    /// Works on the proof. It is there, or this is to be called again.
    pub(super) fn compute(&mut self) -> Option<String> {
        let Work { all: key, heard, end, .. } = self.work.take_if(Work::go_on)?;
        let whole = format!("{},{heard},{end}", self.bare());
        let own = sign(&key, b"Client Key");
        let proof = xor(own, sign(&Sha256::digest(own), whole.as_bytes()));
        self.signature = Some(sign(&sign(&key, b"Server Key"), whole.as_bytes()));
        Some(format!("{end},p={}", STANDARD.encode(proof)))
    }

    /// Whether what the server said last shows that it knows the password, too.
    pub(super) fn is_signed(&self, heard: &[u8]) -> bool {
        let heard = String::from_utf8_lossy(heard).into_owned();
        let signed = field(&heard, "v").and_then(|value| STANDARD.decode(value).ok());
        self.signature.zip(signed).is_some_and(|(own, theirs)| bool::from(own.ct_eq(&theirs)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, 3.
    #[test]
    fn both_sides_prove_that_they_know_the_password() {
        let mut scram = Scram::new(0, "pencil".to_owned());
        (scram.name, scram.nonce) = ("user", "rOprNGfwEbeRWgbNEkqO".to_owned());
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let both = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let question = format!("{both},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        assert_eq!(scram.ask(question.as_bytes()), Ok(()));
        let proof = "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(scram.compute(), Some(format!("c=biws,{both},{proof}")));
        assert!(scram.is_signed(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!scram.is_signed(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="));
        assert!(!scram.is_signed(b"e=other-error"));
        // Much work, by Python's hashlib: others have their turn between.
        assert_eq!(scram.ask(question.replace("4096", "10000").as_bytes()), Ok(()));
        assert_eq!((scram.compute(), scram.compute()), (None, None));
        let proof = "p=I+hX8XG0tWfl2g2HWj/5GUriA07kXQNpOUJYt/4DLLo=";
        assert_eq!(scram.compute(), Some(format!("c=biws,{both},{proof}")));
        assert!(scram.is_signed(b"v=h+MsWsqNL8W+nRB4Xk0ilq67/yxMpMWWe8nX0mpzh78="));
    }

    #[test]
    fn a_question_that_is_none_is_not_answered() {
        let mut scram = Scram::new(7, String::new());
        let nonce = scram.nonce.clone();
        for bad in ["", "r=x,s=aa==,i=1", &format!("r={nonce},s=!,i=1"), &format!("r={nonce},s=aa==,i=x")] {
            assert!(scram.ask(bad.as_bytes()).is_err(), "{bad}");
        }
        let rounds = |count: u32| format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i={count}");
        assert!(scram.clone().ask(rounds(2_000_000).as_bytes()).is_ok());
        assert!(scram.ask(rounds(2_000_001).as_bytes()).is_err());
        assert!(!scram.is_signed(b"v=AAAA"), "nothing was asked");
    }
}

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
/// More rounds than that would be work for others than us. PostgreSQL has 4096 unless told otherwise.
const MOST_ROUNDS: u32 = 100_000;

type Bytes = [u8; 32];

/// Our side of it.
#[derive(Clone)]
pub(super) struct Scram {
    /// Empty: PostgreSQL knows it already.
    name: &'static str,
    nonce: String,
    passwd: Zeroizing<String>,
    /// What the server must sign with.
    signature: Option<Bytes>,
}

impl std::fmt::Debug for Scram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scram")
    }
}

fn sign(key: &[u8], text: &[u8]) -> Bytes {
    // Keys of all lengths are good.
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) else { return [0; 32] };
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn xor(a: Bytes, b: Bytes) -> Bytes {
    let mut bytes = a;
    bytes.iter_mut().zip(b).for_each(|(a, b)| *a ^= b);
    bytes
}

/// PBKDF2, of which one block is enough.
fn salted(passwd: &[u8], salt: &[u8], rounds: u32) -> Bytes {
    let mut last = sign(passwd, &[salt, &1u32.to_be_bytes()].concat());
    let mut all = last;
    for _ in 1..rounds {
        last = sign(passwd, &last);
        all = xor(all, last);
    }
    all
}

/// The value behind `name=`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

impl Scram {
    pub(super) fn new(chance: u128, passwd: String) -> Scram {
        let nonce = STANDARD.encode(chance.to_be_bytes());
        Scram { name: "", nonce, passwd: Zeroizing::new(passwd), signature: None }
    }

    /// What we say first, without the frame around it.
    fn bare(&self) -> String {
        format!("n={},r={}", self.name, self.nonce)
    }

    /// What we say first.
    pub(super) fn first(&self) -> String {
        format!("{UNBOUND}{}", self.bare())
    }

    /// The proof, after what the server said first; or what is wrong with that.
    pub(super) fn answer(&mut self, heard: &[u8]) -> Result<String, String> {
        let heard = String::from_utf8_lossy(heard).into_owned();
        let bad = || format!("the server says {heard:?} in place of a question");
        let nonce = field(&heard, "r").filter(|nonce| nonce.starts_with(&self.nonce)).ok_or_else(bad)?;
        let salt = field(&heard, "s").and_then(|salt| STANDARD.decode(salt).ok()).ok_or_else(bad)?;
        let rounds = field(&heard, "i").and_then(|rounds| rounds.parse().ok()).ok_or_else(bad)?;
        if rounds > MOST_ROUNDS {
            return Err(format!("the server wants {rounds} rounds of work; at most {MOST_ROUNDS} are done"));
        }
        let last = format!("c={},r={nonce}", STANDARD.encode(UNBOUND));
        let whole = format!("{},{heard},{last}", self.bare());
        let key = salted(self.passwd.as_bytes(), &salt, rounds);
        let own = sign(&key, b"Client Key");
        let proof = xor(own, sign(&Sha256::digest(own), whole.as_bytes()));
        self.signature = Some(sign(&sign(&key, b"Server Key"), whole.as_bytes()));
        Ok(format!("{last},p={}", STANDARD.encode(proof)))
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
        let proof = "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(scram.answer(question.as_bytes()), Ok(format!("c=biws,{both},{proof}")));
        assert!(scram.is_signed(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!scram.is_signed(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="));
        assert!(!scram.is_signed(b"e=other-error"));
    }

    #[test]
    fn a_question_that_is_none_is_not_answered() {
        let mut scram = Scram::new(7, String::new());
        let nonce = scram.nonce.clone();
        for bad in ["", "r=x,s=aa==,i=1", &format!("r={nonce},s=!,i=1"), &format!("r={nonce},s=aa==,i=x")] {
            assert!(scram.answer(bad.as_bytes()).is_err(), "{bad}");
        }
        let endless = format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4294967295");
        assert!(scram.answer(endless.as_bytes()).is_err());
        assert!(!scram.is_signed(b"v=AAAA"), "nothing was asked");
    }
}

//! Conversations in frames, whose length stands at their beginning: what to say next, and when it is decided. Pure; who
//! has the connection asks. (For conversations in lines see [`super::talk`].)

use super::Outcome;

/// The longest frame that is taken.
pub const LONGEST: usize = 1 << 20;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Wait for more.
    Listen,
    /// Say this, then wait.
    Say(Vec<u8>),
    /// Say this, then speak TLS: [`Dialogue::encrypted`] is asked next.
    Encrypt(Vec<u8>),
    /// Go on with a long computation, a slice at a time: [`Dialogue::compute`]. Others have their turn between.
    Compute,
    /// Close, and begin anew.
    Again,
    /// It is decided. What is left to say is said if the other side still listens.
    Decided(Outcome, Vec<u8>),
}

impl Move {
    /// The server is not as it should be; nothing is left to say.
    pub fn down(text: impl Into<String>) -> Move {
        Move::Decided(Outcome::down(text), Vec::new())
    }
}

/// One side of a conversation.
pub trait Dialogue: Send + Sync {
    /// The connection is there.
    fn begin(&mut self) -> Move;

    /// How long the first frame of what came is, with its header. `None`: that cannot be told yet. Nothing longer than
    /// [`LONGEST`] is waited for.
    fn length(&self, bytes: &[u8]) -> Option<usize>;

    /// A frame came, with its header.
    fn frame(&mut self, frame: &[u8]) -> Move;

    /// The connection could not be made, or broke, or was closed by the other side.
    fn lost(&self, outcome: Outcome) -> Outcome {
        outcome
    }

    /// The next slice of a computation.
    fn compute(&mut self) -> Move {
        Move::Listen
    }

    /// TLS is spoken from here on.
    fn encrypted(&mut self) -> Move {
        Move::Listen
    }

    /// TLS did not come about. `None`: close, and begin anew.
    fn not_encrypted(&mut self, why: String) -> Option<Outcome> {
        Some(Outcome::down(why))
    }
}

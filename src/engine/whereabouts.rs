//! Where the neighbourhood believes the addresses to be.
//!
//! A peer that heard nothing of this node for a dead time has told every machine around that the addresses are at its
//! own card, as it should. When it is over, nobody may have said a word about it: the peer was cut off and began
//! anew, or crashed, or this node stood still. So whoever may have been taken over tells the neighbourhood again
//! where its addresses are, as soon as the peer is known to hold nothing of them. One time too often costs a few
//! packets, one time too few costs the service until somebody asks.

use super::{Engine, Hold};

pub(super) struct Whereabouts {
    /// The peer may have taken over what is here, or still be about to let it go.
    doubtful: bool,
}

impl Whereabouts {
    /// `resumed`: after a reload nobody knows what was doubted before it.
    pub(super) fn new(resumed: bool) -> Self {
        Self { doubtful: resumed }
    }
}

impl Engine {
    pub(super) fn doubt_whereabouts(&mut self) {
        self.whereabouts.doubtful = self.settings.manages;
    }

    /// The peer has said what it holds, and is done with it: what it released answers to nobody any more.
    pub(super) fn peer_is_at_rest(&mut self) {
        if self.held_twice() == Hold::None {
            self.tell_whereabouts();
        }
    }

    /// The peer has let go of everything, or will never say what it did.
    pub(super) fn peer_is_gone(&mut self) {
        self.tell_whereabouts();
    }

    /// In legacy mode there is no word of rest. Who becomes active holds nothing but what it gets from here.
    pub(super) fn peer_is_active(&mut self) {
        if !self.nice() {
            self.tell_whereabouts();
        }
    }

    fn tell_whereabouts(&mut self) {
        // In legacy mode nobody keeps account; only what is here is told of.
        let here = if self.nice() { self.resources.i_hold } else { Hold::All };
        if std::mem::take(&mut self.whereabouts.doubtful) && here != Hold::None {
            self.announce_again(here, false);
        }
    }
}

//! What systemd is told: ready, stopping, and in a word how things are.

use sd_notify::NotifyState;

/// The media are open: heartbeats are on their way.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The line that `systemctl status` shows.
pub(super) fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// The end has begun.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Without systemd there is nobody to tell.
fn tell(states: &[NotifyState]) {
    let _ = sd_notify::notify(states);
}

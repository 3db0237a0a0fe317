//! A file that tokio can wait for: terminals and the like.
#![expect(unsafe_code, reason = "tokio takes a descriptor only from who vouches for it")]

use std::fs::File;
use std::io;
use tokio::io::unix::AsyncFd;

/// Watches a file that does not block. To be called within the runtime.
pub fn watched(file: File) -> io::Result<AsyncFd<File>> {
    // SAFETY: the file owns its descriptor, and nobody replaces it there: it is only lent out.
    Ok(unsafe { AsyncFd::register(file) }?)
}

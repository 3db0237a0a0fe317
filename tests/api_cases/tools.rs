//! Debian's programs.

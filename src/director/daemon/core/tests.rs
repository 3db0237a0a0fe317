//! Loop logic in virtual time.

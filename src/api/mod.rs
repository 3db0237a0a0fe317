//! The client API as the daemon serves it (client-api.md). Pure.

//! The client API as a program uses it (client-api.md): sign on, ask, send, listen.

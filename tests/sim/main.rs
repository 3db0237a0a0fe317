//! The cluster in virtual time: scripted scenarios and random faults on the pure engine.

mod chaos;
mod scenarios;
mod world;

//! resources: being built.

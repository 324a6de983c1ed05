//! The containers backend's parts: what stands around the real PostgreSQL clusters.

pub mod authority;

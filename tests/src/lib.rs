//! The contracts of the ports, for the fakes and for every adapter.

pub mod contract;

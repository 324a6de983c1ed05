//! Contracts of the ports, and what must hold of the corpus as a whole.

//! What an operator meets in years of running: lists that begin anew, objects nobody can read, panics, an API server
//! that is away, a network that is cut, credentials that are rotated, and memory that must not grow.

mod away;
mod credentials;
mod defects;
mod level;
mod link;
mod memory;
mod partition;
mod relist;

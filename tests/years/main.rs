//! What an operator meets in years of running: lists that begin anew, objects nobody can read, panics, an API server
//! that is away, a network that is cut, credentials that are rotated.

mod away;
mod credentials;
mod defects;
mod level;
mod link;
mod partition;
mod relist;

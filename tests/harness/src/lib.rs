//! A whole world on loopback: a real control plane, the sandbox CA, and the operator as a process of its own that
//! can be killed. Objects are handled as a user's tools do, as JSON: nothing here shares a type with the operator.

pub mod bind;
pub mod hand;
pub mod metrics;
mod objects;
mod operator;
mod sandbox;
mod scenes;
mod world;

pub use objects::{Objects, PATIENCE, common_name, condition};
pub use operator::{Operator, Times};
pub use sandbox::{Ledger, Operation, Sandbox, SandboxOptions};
pub use scenes::{Scene, play, scene};
pub use world::{World, WorldOptions};

//! How the parts of the suite call each other: one channel type, in-process or remote, and one server stack.
//!
//! - [`Directory`] finds a service by name and gives its [`Channel`].
//!   A service of several processes is called at whichever is least busy: `replicas`.
//! - [`Channel::bind`] makes a channel for one [`Call`]: it carries the signed caller, the deadline and the trace.
//! - [`Identity`] is how processes prove to each other who they are, [`Callers`] what that allows.
//! - [`Stack`] is what every served call passes, in-process or over TCP: caller, policy, deadline, limits, panics.
//! - [`Admission`] is how a port says that there is too much to do, and to whom first.
//! - [`Fault`] and [`Fields`] are how a service refuses.

mod admission;
pub mod buyer_token;
mod call;
mod callee;
mod caller;
mod channel;
mod directory;
pub mod exemplars;
mod fault;
mod fields;
pub mod identity;
mod malformed;
mod policy;
mod raw_codec;
mod replicas;
mod servers;
mod signing;
mod stack;
pub mod trace;
pub mod wire;

pub use admission::{Admission, AdmissionLimits, Admitted, Stopwatch};
pub use buyer_token::{Buyer, BuyerTokenError, BuyerTokens};
pub use call::{Call, open};
pub use callee::{Callee, Callers};
pub use caller::{Actor, BUYER_SCOPE, Caller, Shops};
pub use channel::{BoundChannel, Channel};
pub use directory::{Directory, RemoteSettings};
pub use fault::{Fault, is_unknown_outcome, metadata, reason};
pub use fields::{Fields, Invalid, TEXT_LENGTH_MAX, VIOLATIONS_MAX};
pub use identity::{Identity, IdentityError, Peer, TlsSettings};
pub use policy::{MethodPolicy, known_scopes, policies, policy_of};
pub use raw_codec::RawCodec;
pub use replicas::InvalidAddress;
pub use servers::{Server, Servers};
pub use signing::{CALLER_HEADER, CallerKeys, SigningError};
pub use stack::{IN_FLIGHT_MAX, Stack, StackLayer};
pub use trace::TraceContext;

//! Outside systems in miniature: payment providers, carriers and the cash register, written from their contracts.
//!
//! They are examiners: they share nothing with the adapters that are tested against them, keep a ledger of what truly
//! happened whatever they answered, and fail on demand. README.md says how to run them and which trap each fault is.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use simulators::{Effect, Fault, Simulators};
//!
//! let simulators = Simulators::start().await;
//! simulators.faults("card").next_on("create_charge", Fault::TimeoutAfterEffect);
//! let base_url = simulators.url("card");
//! // … a client pays at `base_url`, gets no answer, and asks …
//! assert!(simulators.ledger("card").repeated(Effect::Captured).is_empty());
//! # });
//! ```

mod answer;
mod asked;
mod card;
mod cdek;
mod control;
mod fault;
mod faults;
mod fiscal;
mod gates;
mod html;
mod keys;
mod ledger;
mod money;
mod nova_poshta;
mod parcel;
mod parcels;
mod partner;
mod pdf;
mod server;
mod shelf;
mod signature;
mod simulators;
mod stripe;
mod system;
#[cfg(test)]
mod tests;
mod timers;
mod tokens;
mod vendor;
mod webhooks;
mod world;
mod yookassa;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use fault::{Fault, UnknownFault};
pub use faults::{BadPlan, Faults, Plan, Script, SystemPlan};
pub use gates::Held;
pub use ledger::{Effect, Entry};
pub use parcels::{Move, Moved, Stuck};
pub use partner::{Mood, Notified, Partner};
pub use simulators::{FaultsOf, LedgerOf, Simulators};
pub use system::{System, UnknownSystem};
pub use webhooks::{Delivery, Target};

/// What a panic left behind is still the truth.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Named places where a test lets a process die, fail, wait or panic, and named bugs that a test plants.
//!
//! [`hit!`] marks a place, [`planted!`] asks for a bug. Both exist in builds with debug assertions only: a release build
//! has neither the places nor their names (`tests/absent.rs`). In a debug build nothing happens either until a process is
//! told so, by an environment variable when it starts or by a file while it runs: see [`Plan`].
//!
//! ```ignore
//! failpoint::hit!("payments.provider.answered");                               // dies, waits, panics
//! failpoint::hit!("store.commit.before", self.service());                      // also says where: one service only
//! failpoint::hit!("store.commit.before", self.service(), Error::lost());       // and returns this error when told to fail
//! if failpoint::planted!("events.cursor_by_time") { … }                        // false in a release build
//! ```

#[cfg(debug_assertions)]
mod control;
#[cfg(debug_assertions)]
mod journal;
#[cfg(debug_assertions)]
mod plan;
#[cfg(debug_assertions)]
mod registry;

#[cfg(debug_assertions)]
pub use control::{DIRECTORY_VARIABLE, Failed, PLAN_VARIABLE, PlantedHere, is_planted, plant_here, reach};
#[cfg(debug_assertions)]
pub use journal::Directory;
#[cfg(debug_assertions)]
pub use plan::{Action, Malformed, Plan};
#[cfg(debug_assertions)]
pub use registry::{BUGS, POINTS, SIMULATED_BUGS, has_bug, has_point};

/// Marks a place, in async code. Its name must be one of [`POINTS`].
#[cfg(debug_assertions)]
#[macro_export]
macro_rules! hit {
    ($name:literal) => {
        $crate::hit!($name, "")
    };
    ($name:literal, $place:expr) => {{
        const { assert!($crate::has_point($name), "name it in crates/failpoint/src/registry.rs") };
        if $crate::reach($name, $place).await.is_err() {
            panic!("the failpoint {} has no error to return", $name);
        }
    }};
    ($name:literal, $place:expr, $error:expr) => {{
        const { assert!($crate::has_point($name), "name it in crates/failpoint/src/registry.rs") };
        if $crate::reach($name, $place).await.is_err() {
            return Err($error.into());
        }
    }};
}

/// Nothing: this is a release build.
#[cfg(not(debug_assertions))]
#[macro_export]
macro_rules! hit {
    ($($ignored:tt)*) => {{}};
}

/// Whether a bug is planted. Its name must be one of [`BUGS`] or [`SIMULATED_BUGS`].
#[cfg(debug_assertions)]
#[macro_export]
macro_rules! planted {
    ($name:literal) => {{
        const { assert!($crate::has_bug($name), "name it in crates/failpoint/src/registry.rs") };
        $crate::is_planted($name)
    }};
}

/// False: this is a release build.
#[cfg(not(debug_assertions))]
#[macro_export]
macro_rules! planted {
    ($name:literal) => {
        false
    };
}

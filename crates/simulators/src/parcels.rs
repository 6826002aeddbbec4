//! Moves parcels by hand, whichever carrier they are with.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::system::System;
use crate::world::World;
use crate::{cdek, nova_poshta, parcel};

/// How a parcel moves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Move {
    /// The carrier's own code of where it is then; the next on its way when absent.
    pub to: Option<String>,
    /// Why, in the carrier's own words; for failed attempts and refusals.
    pub reason: String,
}

/// Where a parcel is after it was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    pub system: System,
    pub number: String,
    /// The carrier's own code.
    pub code: String,
}

/// Why a parcel does not move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stuck {
    #[error("{number}: no carrier has such a parcel")]
    Unknown { number: String },
    #[error("{number} has come to its end: {code}")]
    Ended { number: String, code: String },
    #[error("{code}: the carrier has no such code")]
    NoSuchCode { code: String },
}

/// What the carrier's scales say of so many grams: the same, unless the fault has them say more.
pub(crate) fn weigh(world: &World, system: System, declared_grams: i64) -> i64 {
    let more = world.faults.strikes(system, Fault::WeighsMore, "weigh");
    if more { declared_grams + declared_grams / 2 + 200 } else { declared_grams }
}

/// Lets a new parcel move on by itself, if parcels of this system do.
pub(crate) fn travel(world: &Arc<World>, system: System, number: &str) {
    let wait = world.faults.travel(system);
    if wait.is_zero() {
        return;
    }
    let number = number.to_owned();
    world.timers.at(world.now() + wait, move |world| {
        if advance(world, &number, &Move::default()).is_ok() {
            travel(world, system, &number);
        }
    });
}

/// Moves the parcel with this number.
pub(crate) fn advance(world: &Arc<World>, number: &str, step: &Move) -> Result<Moved, Stuck> {
    let carriers = [parcel::advance, nova_poshta::advance, cdek::advance];
    for carrier in carriers {
        match carrier(world, number, step) {
            Err(Stuck::Unknown { .. }) => {}
            moved => return moved,
        }
    }
    Err(Stuck::Unknown { number: number.to_owned() })
}

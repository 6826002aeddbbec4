//! Answers that are held back until somebody lets them go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::lock;
use crate::system::System;
use crate::world::World;

type Place = (System, String);

#[derive(Debug, Default)]
pub(crate) struct Gates {
    shut: Mutex<HashMap<Place, watch::Receiver<()>>>,
}

/// Holds the answers of one operation back; they go when this is dropped.
#[must_use = "the answers go when this is dropped"]
pub struct Held {
    world: Arc<World>,
    place: Place,
    gate: watch::Sender<()>,
}

impl Gates {
    /// Waits while the answers of `operation` are held back.
    pub async fn pass(&self, system: System, operation: &str) {
        let gate = lock(&self.shut).get(&(system, operation.to_owned())).cloned();
        if let Some(mut gate) = gate {
            // Nothing is ever sent: it ends with whoever shut the gate.
            let _ = gate.changed().await;
        }
    }
}

impl Held {
    pub(crate) fn new(world: &Arc<World>, system: System, operation: &str) -> Self {
        let (gate, shut) = watch::channel(());
        let place = (system, operation.to_owned());
        lock(&world.gates.shut).insert(place.clone(), shut);
        Self { world: world.clone(), place, gate }
    }

    /// How many answers are ready and held back.
    pub fn waiting(&self) -> usize {
        // One receiver stands at the gate for those who come.
        self.gate.receiver_count().saturating_sub(1)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut shut = lock(&self.world.gates.shut);
        // Another may have shut it anew.
        if shut.get(&self.place).is_some_and(|gate| gate.same_channel(&self.gate.subscribe())) {
            shut.remove(&self.place);
        }
    }
}

//! The rows of sagas as the real runner gets them here.

use std::sync::Arc;
use std::time::Duration;

use saga::{Decision, LEASE, Lease, Orphan, Records};
use tonic::Status;
use uuid::Uuid;

use crate::network;
use crate::order_tables::SagaState;
use crate::process::Process;

/// Those of the orders database, as one process sees them.
pub struct OrderSagas(pub Arc<Process>);

impl Records for OrderSagas {
    fn service(&self) -> &str {
        "orders"
    }

    async fn take_over(&self, kind: &str, limit: i64) -> store::Result<Vec<Orphan>> {
        self.0.alive().await;
        // The look itself is not worth a line of the trace: most find nothing.
        let (world, limit) = (&self.0.world, usize::try_from(limit).unwrap_or_default());
        self.0.rest(Duration::from_millis(1)).await;
        let now = world.lease_time();
        let mut orders = world.orders.lock();
        let expired = |kind: &str, row: &crate::order_tables::SagaRow| {
            row.kind == kind && row.state.is_open() && row.lease_until < now
        };
        let mut due: Vec<(Duration, Uuid)> = orders
            .sagas
            .iter()
            .filter(|(_, row)| expired(kind, row))
            .map(|(saga_id, row)| (row.lease_until, *saga_id))
            .collect();
        due.sort();
        let mut taken = Vec::new();
        for (_, saga_id) in due.into_iter().take(limit) {
            let Some(row) = orders.sagas.get_mut(&saga_id) else { continue };
            row.lease_until = now + LEASE;
            row.attempts += 1;
            world.count("sagas taken over");
            world.note(format_args!("{} takes over a {kind}, {:?}", self.0.name, row.state));
            taken.push(Orphan {
                saga_id,
                input: row.input.clone(),
                refusal: row.refusal.clone(),
                actor: row.actor.clone(),
                traceparent: row.traceparent.clone(),
            });
        }
        Ok(taken)
    }

    async fn extend_lease(&self, saga_id: Uuid, lease: Duration) -> store::Result<Lease> {
        let extended = network::commit(&self.0, "a longer lease", |world| {
            let until = world.lease_time() + lease;
            let mut orders = world.orders.lock();
            let Some(row) = orders.sagas.get_mut(&saga_id).filter(|row| row.state.is_open()) else {
                return Ok(Lease::Ended);
            };
            row.lease_until = until;
            row.attempts += 1;
            Ok(row.refusal.clone().map_or(Lease::Held, Lease::Unwinding))
        });
        extended.await.map_err(gone)
    }

    async fn begin_unwinding(&self, saga_id: Uuid, refusal: &Status) -> store::Result<Option<Decision>> {
        let begun = network::commit(&self.0, "the way back", |world| {
            let mut orders = world.orders.lock();
            let open = orders.sagas.get_mut(&saga_id).filter(|row| row.state.is_open());
            Ok(open.map(|row| {
                row.state = SagaState::Unwinding;
                let refusal = row.refusal.get_or_insert_with(|| refusal.clone()).clone();
                Decision { refusal, retried: row.attempts > 0 && !world.has("saga.take_over_not_noticed") }
            }))
        });
        begun.await.map_err(gone)
    }

    fn spread(&self) -> f64 {
        self.0.world.chance.number()
    }
}

fn gone(status: Status) -> store::Error {
    store::Error::Unreachable(status.message().into())
}

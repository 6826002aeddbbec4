//! A process that dies while it asks a carrier.

use std::time::Duration;

use korob_delivery::Delivery;
use proto::delivery::v1::{self as pb, ShipmentState};
use simulators::Fault;
use testing::{World, eventually};
use types::ShipmentId;

use crate::Yard;
use crate::outside::{Outside, method};

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_has_one_waybill_whoever_dies_in_between() {
    for fault in [Fault::TimeoutAfterEffect, Fault::TimeoutBeforeEffect] {
        let mut outside = Outside::parcel().await;
        // Longer than this process lives.
        outside.carriers.faults("parcel").hang(Duration::from_secs(60)).next_on("create_parcel", fault);
        let parcel = outside.book().await;
        outside
            .until(&parcel.shipment_id, "the carrier was asked", |_| {
                outside.carriers.faults("parcel").struck(fault) == 1
            })
            .await;

        let Yard { mut world, shop } = outside.yard;
        let database = world.take_database("delivery");
        let clock = world.clock.clone();
        drop(world);
        let mut world = World::new().await;
        world.clock = clock;
        // The lease of the dead has run out.
        world.clock.advance(Duration::from_secs(120));
        outside.yard = Yard { world: world.start_on::<Delivery>(database).await, shop };

        outside.until_state(&parcel, ShipmentState::Booked).await;
        assert_eq!(outside.waybills(&parcel), (1, 1), "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_heard_after_another_worker_took_the_parcel_ends_nothing() {
    let outside = Outside::parcel().await;
    let refused = outside.yard.offer(method(&outside.account, "no service of this carrier")).await;
    let wish = pb::PlanDeliveryRequest { delivery_method_id: refused.delivery_method_id, ..outside.wish() };
    let held = outside.carriers.hold("parcel", "create_parcel");
    let parcel = outside.book_wish(&wish).await;
    eventually("the carrier was asked", async || (held.waiting() == 1).then_some(())).await;

    // It is to be cancelled, and another worker does that: for him, too, it is the first attempt.
    outside.cancel(&parcel.shipment_id).await.expect("cancels");
    let client = outside.yard.world.database("delivery").client().await;
    let id = parcel.shipment_id.parse::<ShipmentId>().expect("an id").uuid();
    let took = format!("UPDATE shipments SET attempts = attempts + 1 WHERE shipment_id = '{id}'");
    assert_eq!(client.execute(&took, &[]).await.expect("takes it"), 1);
    drop(held);

    // The first worker goes on to the next parcel when it is done with this one.
    let next = outside.book().await;
    let labelled = async || outside.get(&next.shipment_id).await.has_label.then_some(());
    eventually("the next parcel is booked", labelled).await;
    assert_eq!(outside.get(&parcel.shipment_id).await.state(), ShipmentState::Cancelling);
    outside.until_state(&parcel, ShipmentState::Cancelled).await;
}

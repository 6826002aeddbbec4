//! A process that dies while it asks a carrier.

use std::time::Duration;

use korob_delivery::Delivery;
use proto::delivery::v1::ShipmentState;
use simulators::Fault;
use testing::World;

use crate::Yard;
use crate::outside::Outside;

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

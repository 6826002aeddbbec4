//! The allowed moves as a table, and what holds for any sequence of reports.

use korob_delivery::Error;
use korob_delivery::model::address::Recipient;
use korob_delivery::model::delivery_method::Kind;
use korob_delivery::model::delivery_plan::{DeliveryPlan, Wish};
use korob_delivery::model::incident_reason::{INCIDENT_REASONS, is_incident_reason};
use korob_delivery::model::shipment::{Shipment, TrackingEvent};
use korob_delivery::model::tracking_status::{Effect, TrackingStatus};
use proptest::prelude::*;
use types::{Clock, DeliveryMethodId, DeliveryPlanId, Money, OrderId, ShipmentId, ShopId};

#[test]
fn the_table_of_moves_is_golden() {
    let mut table = String::new();
    for from in TrackingStatus::ALL {
        let moves = TrackingStatus::ALL.map(|to| match from.then(to) {
            Effect::Moves => 'm',
            Effect::Stays => '=',
            Effect::Refused => '-',
            Effect::Final => 'x',
        });
        table += &format!("{:16} {}\n", from.as_str(), moves.iter().collect::<String>());
    }
    // To, from left to right: pending, picked up, in transit, out for delivery, ready for pick-up, on hold, delayed,
    // failed, delivered, return to sender, cancelled, unknown.
    assert_eq!(
        table,
        "\
pending          =mmmmmmmm-m=
picked_up        -=mmmmmmmm-=
in_transit       --=mmmmmmm-=
out_for_delivery --m=mmmmmm-=
ready_for_pickup --mm=mmmmm-=
on_hold          -mmmm=mmmm-=
delivery_delayed -mmmmm=mmm-=
delivery_failed  -mmmmmm=mm-=
delivered        xxxxxxxx=xxx
return_to_sender xxxxxxxxx=xx
cancelled        xxxxxxxxxx=x
unknown          -mmmmmmmmmm=
"
    );
}

#[test]
fn the_list_of_incidents_is_closed() {
    assert!(INCIDENT_REASONS.iter().all(|reason| is_incident_reason(reason)));
    for needed in
        ["data_invalid", "payment_failed", "storage_expiring", "no_movement", "never_scanned", "unknown"]
    {
        assert!(is_incident_reason(needed), "{needed}");
    }
    assert!(!is_incident_reason("") && !is_incident_reason("bad_mood"));
}

fn parcel() -> Shipment {
    let currency = "UAH".parse().expect("a currency");
    let wish = Wish {
        plan_id: DeliveryPlanId::new(),
        order_id: OrderId::new(),
        shop_id: ShopId::new(),
        method_id: DeliveryMethodId::new(),
        address: None,
        recipient: Recipient::default(),
        weight_grams: 0,
        goods_total: Money::zero(currency),
        cash_on_delivery: false,
        fixed_price: Some(Money::zero(currency)),
        items: Vec::new(),
        cash_amount: None,
        order_number: String::new(),
        slot_start: None,
    };
    let plan = DeliveryPlan {
        wish,
        method_name: String::new(),
        kind: Kind::Courier,
        account_id: None,
        service: String::new(),
        price: Money::zero(currency),
        slot: None,
        cancelled: false,
        version: 1,
    };
    Shipment::of(&plan, ShipmentId::new(), Clock::system().now())
}

proptest! {
    #[test]
    fn a_status_never_goes_back_in_time(reports in prop::collection::vec((0_usize..12, 0_i64..20), 0..30)) {
        let mut parcel = parcel();
        for (status, seconds) in reports {
            let occur_time = parcel.create_time + std::time::Duration::from_secs(seconds.unsigned_abs());
            let event = TrackingEvent::bare(TrackingStatus::ALL[status], occur_time);
            let before = parcel.clone();
            match parcel.track(event.clone()) {
                Ok(Some(previous)) => {
                    prop_assert_eq!(previous, before.status);
                    prop_assert_eq!(before.status.then(event.status), Effect::Moves);
                    prop_assert!(parcel.status_time >= before.status_time);
                    prop_assert_eq!(parcel.version, before.version + 1);
                }
                Ok(None) => {
                    prop_assert_eq!((parcel.status, parcel.version), (before.status, before.version));
                    prop_assert_eq!(parcel.events.len(), before.events.len() + 1);
                }
                Err(Error::ShipmentFinal { .. } | Error::MoveNotAllowed { .. }) => prop_assert_eq!(&parcel, &before),
                Err(other) => prop_assert!(false, "unexpected: {other}"),
            }
            prop_assert!(parcel.events.is_sorted_by_key(|event| event.occur_time));
            prop_assert!(!matches!(parcel.status, TrackingStatus::Unknown));
        }
    }
}

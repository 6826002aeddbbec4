//! Ids, SKUs and quantities take only what they are.

use types::{OrderId, Quantity, ReservationId, Sku};
use uuid::Uuid;

#[test]
fn ids_read_back_and_keep_their_kind() {
    let id = OrderId::new();
    assert_eq!(id.to_string().parse::<OrderId>().unwrap(), id);
    assert!(id.to_string().parse::<ReservationId>().is_err());
    assert!(id.to_string().to_uppercase().parse::<OrderId>().is_err());
    assert!("ord_".parse::<OrderId>().is_err());
    assert!(format!("ord_{}", id.uuid()).parse::<OrderId>().is_err());
}

#[test]
fn derived_ids_repeat() {
    let order = OrderId::new();
    assert_eq!(ReservationId::derived(order.uuid(), 0), ReservationId::derived(order.uuid(), 0));
    assert_ne!(ReservationId::derived(order.uuid(), 0), ReservationId::derived(order.uuid(), 1));
}

#[test]
fn derived_ids_stand_where_their_parent_stands() {
    let (earlier, later) = (Uuid::from_u128(7 << 76 | 1 << 80), Uuid::from_u128(7 << 76 | 2 << 80));
    assert_eq!((earlier.get_version_num(), later.get_version_num()), (7, 7));
    for ordinal in 0..100 {
        let (earlier, later) = (OrderId::derived(earlier, ordinal), OrderId::derived(later, ordinal));
        let part = ReservationId::derived(earlier.uuid(), ordinal);
        assert!(part.to_string() < ReservationId::derived(later.uuid(), ordinal).to_string());
        assert_eq!(part.uuid().as_bytes()[..6], earlier.uuid().as_bytes()[..6]);
        assert_eq!(part.uuid().get_version_num(), 8);
    }
    // What has no time gives none.
    assert_eq!(OrderId::derived(Uuid::nil(), 0).uuid().get_version_num(), 5);
}

#[test]
fn skus_and_quantities_have_limits() {
    assert!("85123A".parse::<Sku>().is_ok());
    assert!("подарок/12".parse::<Sku>().is_ok());
    for bad in ["", " A", "A ", "a\u{0}b", "a\nb", &"x".repeat(65)] {
        assert!(bad.parse::<Sku>().is_err(), "{bad:?}");
    }
    assert!(Quantity::try_from(1).is_ok());
    for bad in [0, -1, i64::MAX, 1_000_001] {
        assert!(Quantity::try_from(bad).is_err(), "{bad}");
    }
}

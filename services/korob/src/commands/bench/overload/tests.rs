//! The arithmetic of a crowd.

use super::mix::Mix;

#[test]
fn a_crowd_asks_for_so_many_times_what_there_is() {
    let mix = Mix::of(1_000.0, 2_000.0, 3.0);
    // Half of 1,000 orders, and the other two and a half times in pages.
    assert!((mix.per_second() - 5_500.0).abs() < 1e-9);
    let placed = (0..55_000).filter(|number| mix.places(*number)).count();
    assert!((4_999..=5_001).contains(&placed), "{placed} of 55,000");
    // Spread evenly: of eleven in a row one is an order, wherever one looks.
    for first in (0..1_000).step_by(11) {
        let orders = (first..first + 11).filter(|number| mix.places(*number)).count();
        assert!((0..=2).contains(&orders), "{orders} orders from {first} on");
    }
}

#[test]
fn goodput_weighs_orders_and_pages_by_what_there_is_of_each() {
    let mix = Mix::of(1_000.0, 2_000.0, 10.0);
    assert!((mix.goodput(500.0, 1_000.0) - 1.0).abs() < 1e-9);
    assert!((mix.goodput(400.0, 0.0) - 0.4).abs() < 1e-9);
}

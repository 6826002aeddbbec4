//! Which tariff fits.

use korob_delivery::model::address::Address;
use korob_delivery::model::delivery_method::{DeliveryMethod, Kind};
use korob_delivery::model::tariff::{Cart, StoredTariff, Tariff};
use proptest::prelude::*;
use types::{DeliveryMethodId, Money};

fn uah(minor: i64) -> Money {
    Money::new("UAH".parse().expect("a currency"), minor)
}

fn anywhere(price: i64) -> Tariff {
    Tariff {
        country_code: String::new(),
        cities: Vec::new(),
        postal_prefixes: Vec::new(),
        weight_grams_max: 0,
        goods_total_min: None,
        price: uah(price),
        days_min: 0,
        days_max: 0,
    }
}

fn address(country: &str, city: &str, postal_code: &str) -> Address {
    Address {
        country_code: country.to_owned(),
        city: city.to_owned(),
        postal_code: postal_code.to_owned(),
        ..Address::default()
    }
}

fn cart(address: Option<&Address>) -> Cart<'_> {
    Cart { address, goods_total: uah(100), weight_grams: 500, cash_on_delivery: false }
}

#[test]
fn zones_compare_like_people_write() {
    let zone = Tariff {
        country_code: "UA".to_owned(),
        cities: vec!["київ".to_owned(), "Lviv ".to_owned()],
        postal_prefixes: vec!["01".to_owned(), "sw1a".to_owned()],
        ..anywhere(1)
    };
    let fits = |country, city, postal_code| zone.fits(&cart(Some(&address(country, city, postal_code))));
    assert!(fits("UA", "КИЇВ", "01001"));
    assert!(fits("UA", " lviv", "0 1-001"));
    assert!(fits("UA", "Lviv", "SW1A 1AA"));
    assert!(!fits("PL", "Lviv", "01001"));
    assert!(!fits("UA", "Lvivska", "01001"));
    assert!(!fits("UA", "Lviv", "10101"));
    assert!(!fits("UA", "Lviv", ""));
    assert!(!zone.fits(&cart(None)));
    assert!(anywhere(1).fits(&cart(None)));
}

#[test]
fn limits_are_inclusive() {
    let limited = Tariff { weight_grams_max: 500, goods_total_min: Some(uah(100)), ..anywhere(1) };
    assert!(limited.fits(&cart(None)));
    assert!(!limited.fits(&Cart { weight_grams: 501, ..cart(None) }));
    assert!(!limited.fits(&Cart { goods_total: uah(99), ..cart(None) }));
}

proptest! {
    #[test]
    fn the_first_that_fits_counts(limits in prop::collection::vec((0_i32..4, 0_i64..4, 0_i64..9), 0..6),
                                  weight in 0_i32..4, total in 0_i64..4, cash in any::<bool>(), takes in any::<bool>()) {
        let tariffs: Vec<Tariff> = limits.iter().map(|(weight, total, price)| Tariff {
            weight_grams_max: *weight,
            goods_total_min: Some(uah(*total)),
            ..anywhere(*price)
        }).collect();
        let method = DeliveryMethod {
            id: DeliveryMethodId::new(), shop_id: None, kind: Kind::Courier, account_id: None, service: String::new(), name: String::new(), tariffs,
            cash_on_delivery: takes, archived: false, sort_order: 0, schedule: None, asks_for_code: false, size_max: None, version: 1,
        };
        let cart = Cart { address: None, goods_total: uah(total), weight_grams: weight, cash_on_delivery: cash };
        let expected = limits.iter().position(|(max, min, _)| (*max == 0 || weight <= *max) && total >= *min);
        let expected = expected.filter(|_| takes || !cash).map(|at| &method.tariffs[at]);
        prop_assert_eq!(method.quote(&cart), expected);
    }

    #[test]
    fn stored_tariffs_come_back(price in 0_i64.., weight in 0_i32.., min in prop::option::of(0_i64..), city in ".*") {
        let tariff = Tariff {
            cities: vec![city],
            weight_grams_max: weight,
            goods_total_min: min.map(uah),
            ..anywhere(price)
        };
        prop_assert_eq!(Tariff::try_from(StoredTariff::from(&tariff)).expect("reads"), tariff);
    }
}

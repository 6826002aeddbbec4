//! How many units of what is offered can be sold: of goods what is free, of a kit what its components allow.

use std::collections::{BTreeMap, HashMap};

use crate::model::{KitComponent, Offered, ProductKind};

/// What is free of a SKU.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StockOfSku {
    pub(crate) total: i64,
    /// By warehouse.
    pub(crate) warehouses: BTreeMap<String, i64>,
}

/// What is free, by SKU.
pub(crate) type FreeStock = HashMap<String, StockOfSku>;

impl StockOfSku {
    /// In these warehouses only; everywhere when none is named.
    fn within(&self, warehouses: &[String]) -> Self {
        if warehouses.is_empty() {
            return self.clone();
        }
        let counted = self.warehouses.iter().filter(|(id, _)| warehouses.contains(id));
        let counted: BTreeMap<String, i64> = counted.map(|(id, units)| (id.clone(), *units)).collect();
        Self { total: counted.values().sum(), warehouses: counted }
    }

    /// What can be sold of an offer; nothing of a service, of which no stock is kept.
    pub(crate) fn of(offered: &Offered, free: &FreeStock, warehouses: &[String]) -> Self {
        let part = |sku: &str| free.get(sku).map(|stock| stock.within(warehouses)).unwrap_or_default();
        let mut stock = match offered.kind {
            ProductKind::Service => Self::default(),
            ProductKind::Goods => part(offered.sku.as_str()),
            ProductKind::Kit => {
                let parts = offered.components.iter();
                Self::of_kit(parts.map(|component| (component, part(component.sku.as_str()))).collect())
            }
        };
        stock.total = stock.total.max(0);
        stock.warehouses.retain(|_, units| *units > 0);
        stock
    }

    /// As many kits as the scarcest component allows, over all warehouses and in each.
    fn of_kit(parts: Vec<(&KitComponent, Self)>) -> Self {
        let kits = |component: &KitComponent, units: i64| units / i64::from(component.quantity);
        let total = parts.iter().map(|(component, stock)| kits(component, stock.total)).min();
        let places = parts.first().map(|(_, stock)| stock.warehouses.keys().cloned().collect::<Vec<_>>());
        let in_one = |id: &String| {
            let units = |(component, stock): &(&KitComponent, Self)| {
                kits(component, stock.warehouses.get(id).copied().unwrap_or_default())
            };
            parts.iter().map(units).min().unwrap_or_default()
        };
        let warehouses = places.unwrap_or_default().into_iter().map(|id| (id.clone(), in_one(&id)));
        Self { total: total.unwrap_or_default(), warehouses: warehouses.collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::VariantId;

    use super::*;

    fn offered(components: &[(&str, i32)]) -> Offered {
        let component = |(sku, quantity): &(&str, i32)| KitComponent {
            sku: sku.parse().expect("a SKU"),
            quantity: (*quantity).try_into().expect("a quantity"),
        };
        Offered {
            variant: VariantId::new(),
            sku: "KIT".parse().expect("a SKU"),
            kind: ProductKind::Kit,
            components: components.iter().map(component).collect(),
            archived_component: None,
        }
    }

    fn stock(levels: &[(&str, i64)]) -> StockOfSku {
        let warehouses: BTreeMap<String, i64> =
            levels.iter().map(|(id, units)| ((*id).to_owned(), *units)).collect();
        StockOfSku { total: warehouses.values().sum(), warehouses }
    }

    #[test]
    fn the_scarcest_component_decides() {
        let free = FreeStock::from([
            ("CUP".to_owned(), stock(&[("a", 5), ("b", 4)])),
            ("POT".to_owned(), stock(&[("a", 1), ("b", 3), ("c", 9)])),
        ]);
        let tea = offered(&[("POT", 1), ("CUP", 2)]);

        assert_eq!(StockOfSku::of(&tea, &free, &[]), StockOfSku { total: 4, ..stock(&[("a", 1), ("b", 2)]) });
        let only_a = StockOfSku::of(&tea, &free, &["a".to_owned()]);
        assert_eq!(only_a, stock(&[("a", 1)]));
        assert_eq!(StockOfSku::of(&offered(&[("POT", 1), ("NONE", 1)]), &free, &[]), StockOfSku::default());
    }

    proptest! {
        #[test]
        fn a_kit_can_be_taken_as_often_as_is_told_and_not_once_more(
            parts in proptest::collection::vec((1_i32..20, 0_i64..500), 1..8)
        ) {
            let names: Vec<String> = (0..parts.len()).map(|at| format!("P{at}")).collect();
            let components: Vec<(&str, i32)> =
                names.iter().zip(&parts).map(|(name, (quantity, _))| (name.as_str(), *quantity)).collect();
            let free: FreeStock =
                names.iter().zip(&parts).map(|(name, (_, units))| (name.clone(), stock(&[("a", *units)]))).collect();

            let kits = StockOfSku::of(&offered(&components), &free, &[]).total;

            let takes = |kits: i64| parts.iter().all(|(quantity, units)| i64::from(*quantity) * kits <= *units);
            prop_assert!(takes(kits) && !takes(kits + 1), "{kits} of {parts:?}");
        }
    }
}

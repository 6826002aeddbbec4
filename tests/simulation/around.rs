//! The services around an order, on the network of the day.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use korob_inventory::model::{Holder, OnShortage, Owner, Split, Terms, Wanted};
use korob_orders::model::order::{Identified, Order};
use korob_orders::model::order_line::LineKind;
use korob_orders::model::origin::PaymentMethod;
use korob_orders::model::placement::{Held, Planned, Priced, Quote, QuotedPrice};
use korob_orders::model::receipt_line::ReceiptLine;
use korob_orders::sagas::neighbours::{Load, Neighbours, Supply};
use korob_payments::model::payment::{Method, Terms as PaymentTerms};
use rpc::Call;
use tonic::Status;
use types::{CustomerId, DeliveryPlanId, Money, PaymentId, ReservationId, VariantId};
use uuid::Uuid;

use crate::network::call;
use crate::process::Process;
use crate::stock_tables::price_of;
use crate::{money, plans, stock};

/// An order does not wait longer to know its buyer's card.
const PATIENCE_FOR_CUSTOMERS: Duration = Duration::from_secs(1);

/// As one process of orders reaches them.
pub struct Around(pub Arc<Process>);

impl Neighbours for Around {
    async fn identify(&self, _: &Call, order: &Order, _: &str) -> Result<Identified, Status> {
        let customer_id = CustomerId::derived(order.order_id.uuid(), 0);
        call(&self.0, "customers", "identify", PATIENCE_FOR_CUSTOMERS, move |_| {
            Ok(Identified::Customer(customer_id))
        })
        .await
    }

    async fn quote(&self, by: &Call, order: &Order) -> Result<Vec<Option<Quote>>, Status> {
        let lines: Vec<_> = order.lines.iter().map(|line| (line.sku.clone(), line.ordered)).collect();
        call(&self.0, "catalog", "quote", by.remaining(), move |world| {
            if world.chance.likely(world.weather().fickle) {
                return Ok(vec![None; lines.len()]);
            }
            let quote = |(sku, ordered): &(types::Sku, i32)| {
                let unit = price_of(world, sku)?;
                let total = unit.scaled(i64::from(*ordered), 1).ok()?;
                Some(Quote {
                    variant_id: Some(VariantId::from_uuid(Uuid::from_u128(9))),
                    name: sku.to_string(),
                    kind: LineKind::Goods,
                    price: Some(QuotedPrice { unit, total }),
                    price_quantity: 1,
                    weight_grams: 100,
                    tax_category: String::new(),
                    components: Vec::new(),
                })
            };
            Ok(lines.iter().map(quote).collect())
        })
        .await
    }

    async fn reserve(
        &self,
        by: &Call,
        order: &Order,
        priced: &Priced,
        supply: Supply<'_>,
    ) -> Result<Held, Status> {
        let mut units = std::collections::BTreeMap::new();
        for line in priced.stock_lines() {
            *units.entry(line.sku.clone()).or_insert(0) += i64::from(line.ordered);
        }
        let wanted = Wanted {
            reservation_id: order.own_reservation_id(),
            holder: Holder { owner: Owner::Order(order.order_id), shop_id: order.shop_id },
            units,
            terms: Terms {
                warehouse_ids: Vec::new(),
                split: if supply.one_warehouse { Split::OneWarehouse } else { Split::Allowed },
            },
            on_shortage: if supply.accept_shortage { OnShortage::Accept } else { OnShortage::Refuse },
            expire_time: None,
        };
        call(&self.0, "inventory", "reserve", by.remaining(), move |world| stock::reserve(world, &wanted))
            .await
    }

    async fn release(&self, by: &Call, reservation_id: ReservationId, _: &str) -> Result<(), Status> {
        call(&self.0, "inventory", "release", by.remaining(), move |world| {
            stock::release(world, reservation_id)
        })
        .await
    }

    async fn plan_in_slot(
        &self,
        by: &Call,
        _: &Order,
        load: &Load<'_>,
        _: Option<DateTime<Utc>>,
    ) -> Result<Planned, Status> {
        let (id, currency) = (load.delivery_plan_id, load.goods_total.currency());
        call(&self.0, "delivery", "plan", by.remaining(), move |world| {
            let nobody_drives = world.chance.likely(world.weather().fickle);
            let mut plans = world.plans.lock();
            if nobody_drives && !plans.0.contains_key(&id) {
                return Err(plans::refused("NO_DELIVERY"));
            }
            plans.plan(id)?;
            Ok(Planned { price: Money::new(currency, 5_000), method_name: "courier".to_owned() })
        })
        .await
    }

    async fn cancel_delivery(&self, by: &Call, id: DeliveryPlanId, _: &str) -> Result<(), Status> {
        call(&self.0, "delivery", "cancel", by.remaining(), move |world| world.plans.lock().cancel(id)).await
    }

    async fn open_payment(
        &self,
        by: &Call,
        order: &Order,
        amount: Money,
        _: Vec<ReceiptLine>,
    ) -> Result<PaymentId, Status> {
        let terms = PaymentTerms {
            payment_id: order.own_payment_id(),
            order_id: order.order_id,
            shop_id: order.shop_id,
            legal_entity_id: None,
            method: match order.payment_method {
                PaymentMethod::Card => Method::Card,
                PaymentMethod::CashOnDelivery => Method::CashOnDelivery,
                PaymentMethod::BankTransfer => Method::BankTransfer,
            },
            amount,
        };
        let payment_id = terms.payment_id;
        call(&self.0, "payments", "open", by.remaining(), move |world| money::open(world, &terms)).await?;
        Ok(payment_id)
    }

    async fn void(&self, by: &Call, payment_id: PaymentId, reason: &str) -> Result<(), Status> {
        let reason = reason.to_owned();
        call(&self.0, "payments", "void", by.remaining(), move |world| {
            money::void(world, payment_id, &reason, money::Scope::Any)
        })
        .await
    }

    async fn void_untouched(
        &self,
        by: &Call,
        payments: &[PaymentId],
        cancellation: &str,
        reason: &str,
    ) -> Result<(), Status> {
        let &[payment_id] = payments else { unreachable!("orders have one payment here") };
        let (cancellation, reason) = (cancellation.to_owned(), reason.to_owned());
        call(&self.0, "payments", "void untouched", by.remaining(), move |world| {
            money::void(world, payment_id, &reason, money::Scope::Untouched(&cancellation))
        })
        .await
    }
}

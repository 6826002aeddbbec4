//! Asks the catalog what things cost.

use proto::catalog::v1 as pb;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use rpc::{Call, Channel};
use tonic::Status;
use types::{Currency, Money};

use crate::model::order::Order;
use crate::model::order_line::{LineComponent, LineKind, OrderLine};
use crate::model::placement::{Quote, QuotedPrice};

/// The catalog.
#[derive(Clone)]
pub struct Catalog(Channel);

impl Catalog {
    pub(super) fn new(channel: Channel) -> Self {
        Self(channel)
    }

    /// What the catalog knows of the order's lines, one for one; `None` for an unknown SKU.
    pub async fn quote(&self, call: &Call, order: &Order) -> Result<Vec<Option<Quote>>, Status> {
        self.quote_lines(call, order, &order.lines).await
    }

    /// The same for other lines than the order has.
    pub async fn quote_lines(
        &self,
        call: &Call,
        order: &Order,
        lines: &[OrderLine],
    ) -> Result<Vec<Option<Quote>>, Status> {
        let items =
            lines.iter().map(|line| pb::QuoteItem { sku: line.sku.to_string(), quantity: line.ordered });
        let request = pb::QuoteItemsRequest {
            currency_code: order.currency.code().to_owned(),
            channel: order.channel.clone(),
            items: items.collect(),
        };
        let answer = CatalogServiceClient::new(self.0.bind(call)).quote_items(request).await?.into_inner();
        if answer.items.len() != lines.len() {
            return Err(Status::internal("the catalog did not quote every line"));
        }
        answer.items.into_iter().map(|item| read(item, order.currency)).collect()
    }
}

fn read(item: pb::QuotedItem, currency: Currency) -> Result<Option<Quote>, Status> {
    if !item.found {
        return Ok(None);
    }
    let kind = if item.kind() == pb::ProductKind::Service { LineKind::Service } else { LineKind::Goods };
    let price = match (&item.unit_price, &item.total) {
        (Some(unit), Some(total)) => {
            Some(QuotedPrice { unit: money(unit, currency)?, total: money(total, currency)? })
        }
        _ => None,
    };
    Ok(Some(Quote {
        variant_id: item.variant_id.parse().ok(),
        name: item.name,
        kind,
        price,
        price_quantity: item.price_quantity.max(1),
        weight_grams: item.weight_grams,
        tax_category: item.tax_category,
        components: components(item.components)?,
    }))
}

/// A kit's parts, each SKU once.
fn components(parts: Vec<pb::QuotedComponent>) -> Result<Vec<LineComponent>, Status> {
    let mut components: Vec<LineComponent> = Vec::with_capacity(parts.len());
    for part in parts {
        let sku = part.sku.parse().map_err(|_| Status::internal("expected the SKU of a kit's component"))?;
        match components.iter_mut().find(|known| known.sku == sku) {
            Some(known) => known.quantity += part.quantity.max(1),
            None => components.push(LineComponent {
                sku,
                quantity: part.quantity.max(1),
                name: part.name,
                weight_grams: part.weight_grams.max(0),
            }),
        }
    }
    Ok(components)
}

/// A sum that another service states in the order's currency.
pub(super) fn money(money: &proto::r#type::v1::Money, currency: Currency) -> Result<Money, Status> {
    let parsed = Money::parse(&money.amount, currency).ok().filter(|sum| !sum.is_negative());
    let parsed = parsed.filter(|_| money.currency_code == currency.code());
    parsed.ok_or_else(|| Status::internal(format!("expected a sum in {currency}")))
}

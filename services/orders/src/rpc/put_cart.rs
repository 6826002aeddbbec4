//! Writes a cart, the whole content each time.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx};
use types::ShopId;

use crate::error::{Error, Result};
use crate::model::cart::{Cart, CartContact, CartContent, CartLine};
use crate::rpc::cart_fields;
use crate::{Orders, wire};

const METHOD: &str = "orders.put_cart";
const LINES_MAX: usize = 200;
const NAME_LENGTH_MAX: usize = 200;
const PHONE_LENGTH_MAX: usize = 40;
const EMAIL_LENGTH_MAX: usize = 254;

pub(super) async fn handle(orders: &Orders, call: &Call, request: pb::PutCartRequest) -> Result<pb::Cart> {
    let wanted = Wanted::parse(call, &request)?;
    if let Some(source_id) = wanted.content.source_id {
        let source = orders.ask.access.source(call, source_id).await?;
        if source.shop_id != wanted.shop_id {
            return Err(Error::SourceNotFound);
        }
    }

    let put = orders.store.transaction(call, async |tx: &mut Tx| {
        let before = wanted.lock(tx).await?;

        let cart = wanted.decide(before.as_ref(), tx.now())?;

        match &before {
            None if !cart.insert(tx).await? => return Err(Error::CartBusy),
            None => {}
            Some(_) => cart.save(tx).await?,
        }
        // Somebody who only looks again has changed nothing.
        if before.as_ref().is_none_or(|before| before.version != cart.version) {
            tx.audit(audit(before.as_ref(), &cart));
        }
        Ok::<_, Error>(wire::cart(&cart))
    });
    put.await
}

struct Wanted {
    shop_id: ShopId,
    cart_id: String,
    content: CartContent,
    etag: String,
}

impl Wanted {
    fn parse(call: &Call, request: &pb::PutCartRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let cart_id = cart_fields::cart_id(&mut fields, &request.cart_id);
        let shop_id = cart_fields::shop_id(&mut fields, call, &request.shop_id);
        let content = CartContent {
            source_id: fields.parse_optional("source_id", &request.source_id),
            contact: contact(&mut fields, request.contact.as_ref()),
            lines: lines(&mut fields, &request.lines),
        };
        let etag = request.etag.clone();
        let wanted = fields.finish_with(shop_id.map(|shop_id| Self { shop_id, cart_id, content, etag }))?;
        if call.caller.shops.allow(wanted.shop_id) { Ok(wanted) } else { Err(Error::ShopNotFound) }
    }

    async fn lock(&self, tx: &mut Tx) -> Result<Option<Cart>> {
        Ok(Cart::lock(tx, Cart::key_of(self.shop_id, &self.cart_id)).await?)
    }

    fn decide(&self, before: Option<&Cart>, now: chrono::DateTime<chrono::Utc>) -> Result<Cart> {
        let Some(before) = before else {
            return Ok(Cart::new(self.shop_id, self.cart_id.clone(), self.content.clone(), now));
        };
        let mut cart = before.clone();
        cart.put(self.content.clone(), now)?;
        // Content that is there already is a repeat, whatever its etag.
        let current = before.version.to_string();
        if cart.version != before.version && !self.etag.is_empty() && self.etag != current {
            return Err(Error::EtagMismatch { current });
        }
        Ok(cart)
    }
}

fn contact(fields: &mut Fields, contact: Option<&pb::Contact>) -> CartContact {
    let nobody = pb::Contact::default();
    let contact = contact.unwrap_or(&nobody);
    CartContact {
        name: fields.text("contact.name", &contact.name, NAME_LENGTH_MAX),
        phone: fields.text("contact.phone", contact.phone.trim(), PHONE_LENGTH_MAX),
        email: fields.text("contact.email", contact.email.trim(), EMAIL_LENGTH_MAX),
    }
}

fn lines(fields: &mut Fields, lines: &[pb::CartLine]) -> Vec<CartLine> {
    fields.list_length("lines", lines.len(), LINES_MAX);
    let read = lines.iter().take(LINES_MAX).enumerate().filter_map(|(at, line)| {
        let sku = fields.parse(&format!("lines[{at}].sku"), &line.sku);
        let quantity = fields.convert(&format!("lines[{at}].quantity"), line.quantity);
        Some(CartLine { sku: sku?, quantity: quantity? })
    });
    read.collect()
}

fn audit(before: Option<&Cart>, cart: &Cart) -> Audit {
    let nobody = CartContact::default();
    let (old, new) = (before.map_or(&nobody, |cart| &cart.content.contact), &cart.content.contact);
    let person = cart.key().to_string();
    Audit::new(METHOD, &person)
        .shop(cart.shop_id.uuid())
        .change("lines", before.map(|cart| cart.content.lines.len()), Some(cart.content.lines.len()))
        .change("version", before.map(|cart| cart.version), Some(cart.version))
        .personal(&person, "contact.name", &old.name, &new.name)
        .personal(&person, "contact.phone", &old.phone, &new.phone)
        .personal(&person, "contact.email", &old.email, &new.email)
}

//! Hands fiscal receipts to their registrar and asks where they stand, until each is done or refused.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::{StreamExt, stream};
use proto::payments::v1 as pb;
use store::{Audit, Tx};
use types::{PaymentId, ReceiptId};

use super::due::{self, TOGETHER_MAX, Table};
use crate::error::{Error, Result};
use crate::model::account::{self, Access};
use crate::model::receipt::{self, Receipt, ReceiptReport, ReceiptRow, ReceiptState, Settled};
use crate::providers::{Answer, Trouble};
use crate::registrars::Registrar;
use crate::rpc::confirm_payment::contact_context;
use crate::schema::{payments as payment_rows, receipts as rows};
use crate::{Payments, wire};

const RECEIPTS: Table = Table {
    due: "SELECT receipt_id, asks, state, '' FROM receipts WHERE next_ask_time <= $1
          ORDER BY next_ask_time LIMIT $2 FOR UPDATE SKIP LOCKED",
    postpone: "UPDATE receipts SET asks = asks + 1, next_ask_time = u.next_ask_time
               FROM unnest($1, $2) AS u (receipt_id, next_ask_time)
               WHERE receipts.receipt_id = u.receipt_id",
};

pub async fn run(payments: Payments) -> anyhow::Result<usize> {
    let taken = due::take(&payments, &RECEIPTS, |row| Receipt::pause(row.asks)).await?;
    let count = taken.len();
    stream::iter(taken)
        .for_each_concurrent(TOGETHER_MAX, |row| {
            let payments = &payments;
            async move {
                let id = ReceiptId::from_uuid(row.id);
                if let Err(error) = settle(payments, id).await {
                    tracing::warn!(receipt = %id, %error, "a receipt could not be settled and will be again");
                }
            }
        })
        .await;
    Ok(count)
}

async fn settle(payments: &Payments, id: ReceiptId) -> Result<()> {
    let mut connection = payments.store.connection().await?;
    let row: ReceiptRow =
        rows::table.find(id.uuid()).select(ReceiptRow::as_select()).first(&mut *connection).await?;
    let receipt = row.read()?;
    let account =
        account::find(&mut connection, receipt.account).await?.ok_or(Error::PaymentAccountNotFound)?;
    drop(connection);
    let access = account.open(&payments.store)?;
    let registrar = payments.registrars.of(account.kind).ok_or(Error::PaymentAccountNotFound)?;

    let answer = ask(payments, registrar, &access, &receipt).await?;
    failpoint::hit!("payments.receipt.answered");

    payments
        .store
        .transaction(&due::call(), async |tx: &mut Tx| {
            let Some(mut receipt) = receipt::lock(tx, id).await? else { return Ok(()) };
            let before = receipt.state;
            match answer {
                Ok(report) => {
                    if receipt.follow(report, tx.now()) == Settled::Now {
                        tell(tx, before, &receipt);
                    }
                }
                Err(trouble) => receipt.failure_code = word(&trouble),
            }
            receipt::save(tx, &receipt).await
        })
        .await
}

async fn ask(
    payments: &Payments,
    registrar: &dyn Registrar,
    access: &Access,
    receipt: &Receipt,
) -> Result<Answer<ReceiptReport>> {
    let now = payments.store.clock().now();
    match receipt.state {
        ReceiptState::Queued => {
            let contact = contact_of(payments, receipt.payment).await?;
            let fallback = access.setting("fallback_mailbox").unwrap_or_default();
            Ok(registrar.send(access, receipt, contact.as_deref().unwrap_or(fallback), now).await)
        }
        ReceiptState::Sent => Ok(registrar.look(access, receipt, now).await),
        ReceiptState::Done | ReceiptState::Failed => {
            Ok(Ok(ReceiptReport::Accepted { reference: receipt.reference.clone() }))
        }
    }
}

async fn contact_of(payments: &Payments, id: PaymentId) -> Result<Option<String>> {
    let sealed = payment_rows::table.find(id.uuid()).select(payment_rows::contact_sealed);
    let sealed: Option<Vec<u8>> = sealed.first(&mut *payments.store.connection().await?).await?;
    let Some(sealed) = sealed else { return Ok(None) };
    let contact = payments.store.unseal(&sealed, &contact_context(id))?;
    Ok(String::from_utf8(contact).ok())
}

fn word(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NotDone { code } | Trouble::Refused { code } => code.clone(),
        Trouble::Unknown { .. } => "no_answer".to_owned(),
    }
}

fn tell(tx: &mut Tx, before: ReceiptState, receipt: &Receipt) {
    let audit = Audit::new("payments.settle_receipt", receipt.id)
        .shop(receipt.shop.uuid())
        .change("state", before.as_str(), receipt.state.as_str())
        .change("failure_code", "", receipt.failure_code.as_str());
    tx.audit(audit);
    let event = pb::ReceiptSettled { receipt: Some(wire::receipt(receipt)) };
    events::append(tx, receipt.id, receipt.version, Some(receipt.shop), &event);
}

//! The buyer transfers the money to the seller's account; the shop records it when the bank statement shows it.

use std::collections::BTreeMap;

use crate::model::payment::Terms;

/// What the configuration says.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The account of the organisation.
    pub account: BankAccount,
    /// Accounts of legal entities by id (`ent_…`), instead of the organisation's.
    pub accounts: BTreeMap<String, BankAccount>,
}

/// Where to transfer money to.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BankAccount {
    /// The name of the seller.
    pub beneficiary: String,
    /// The number, such as an IBAN.
    pub number: String,
    /// The bank's name and code.
    pub bank: String,
}

/// Bank transfer.
pub struct BankTransfer(Settings);

impl BankTransfer {
    /// With what the configuration says.
    pub const fn new(settings: Settings) -> Self {
        Self(settings)
    }

    /// One fact a line. The reference is how an incoming transfer is matched to its order.
    pub fn instructions(&self, terms: &Terms) -> String {
        let account = self.account_of(terms);
        let (amount, reference) = (terms.amount.to_string(), terms.order_id.to_string());
        if account.number.is_empty() {
            return format!("Transfer {amount}; the seller sends the bank details. Reference: {reference}");
        }
        let facts = [
            ("Amount", &amount),
            ("Beneficiary", &account.beneficiary),
            ("Account", &account.number),
            ("Bank", &account.bank),
            ("Reference", &reference),
        ];
        let known = facts.into_iter().filter(|(_, value)| !value.is_empty());
        known.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
    }

    fn account_of(&self, terms: &Terms) -> &BankAccount {
        let own = terms.legal_entity_id.and_then(|entity| self.0.accounts.get(&entity.to_string()));
        own.unwrap_or(&self.0.account)
    }
}

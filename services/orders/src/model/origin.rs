//! How an order came about, and how it is paid.

use std::str::FromStr;

/// How the order was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderMethod {
    /// A cart's checkout.
    Cart,
    /// A one-click form.
    OneClick,
    /// A phone call.
    Call,
    /// A conversation.
    Chat,
    /// A landing page.
    Landing,
    /// A marketplace.
    Marketplace,
    /// A shop with a door.
    Offline,
}

impl OrderMethod {
    const ALL: [Self; 7] =
        [Self::Cart, Self::OneClick, Self::Call, Self::Chat, Self::Landing, Self::Marketplace, Self::Offline];

    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cart => "cart",
            Self::OneClick => "one_click",
            Self::Call => "call",
            Self::Chat => "chat",
            Self::Landing => "landing",
            Self::Marketplace => "marketplace",
            Self::Offline => "offline",
        }
    }
}

impl FromStr for OrderMethod {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|method| method.name() == name)
            .ok_or_else(|| format!("the order method {name}"))
    }
}

/// How the buyer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentMethod {
    /// To the courier or in the shop.
    CashOnDelivery,
    /// To the bank account of the legal entity.
    BankTransfer,
    /// By card, on the shop's site.
    Card,
}

impl PaymentMethod {
    /// The name in requests and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CashOnDelivery => "cash_on_delivery",
            Self::BankTransfer => "bank_transfer",
            Self::Card => "card",
        }
    }
}

impl FromStr for PaymentMethod {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, &'static str> {
        match name {
            "cash_on_delivery" => Ok(Self::CashOnDelivery),
            "bank_transfer" => Ok(Self::BankTransfer),
            "card" => Ok(Self::Card),
            _ => Err("cash_on_delivery, bank_transfer or card"),
        }
    }
}

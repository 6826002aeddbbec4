//! The courier takes cash at the door; the shop records it when the courier hands it over.

use crate::model::payment::Terms;

/// What the configuration says.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What the buyer is told; `{amount}` stands for the sum.
    pub instructions: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { instructions: "Pay {amount} to the courier when you receive the order.".to_owned() }
    }
}

/// Cash on delivery.
pub struct CashOnDelivery(Settings);

impl CashOnDelivery {
    /// With what the configuration says.
    pub const fn new(settings: Settings) -> Self {
        Self(settings)
    }

    /// What the buyer is told.
    pub fn instructions(&self, terms: &Terms) -> String {
        self.0.instructions.replace("{amount}", &terms.amount.to_string())
    }
}

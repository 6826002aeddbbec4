//! What buyers read where the desk reads a state: the shop's words, or these, in the buyer's language.

use std::collections::BTreeMap;

use crate::model::order_state::OrderState;

/// The language of whoever names none that is known.
const LANGUAGE_DEFAULT: &str = "en";
/// Languages of a wish that are looked at.
const LANGUAGES_MAX: usize = 10;

/// The shop's own words: by state, then by language in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicStatusNames(pub BTreeMap<&'static str, BTreeMap<String, String>>);

impl PublicStatusNames {
    /// The name of `state` in the first of the buyer's `languages` that there is, then in the shop's, then in English.
    pub fn name(&self, state: OrderState, languages: &str, shop_locale: &str) -> String {
        let wished = wished(languages).into_iter();
        let known = wished.chain([shop_locale.to_lowercase(), LANGUAGE_DEFAULT.to_owned()]);
        let mut found = known.filter_map(|language| self.in_language(state, &language));
        found.next().unwrap_or_else(|| state.name().to_owned())
    }

    /// The shop's word for the very language, then for the language whatever the country, then the suite's.
    fn in_language(&self, state: OrderState, language: &str) -> Option<String> {
        let primary = language.split('-').next().unwrap_or_default();
        let own = self.0.get(state.name());
        let own = own.and_then(|names| names.get(language).or_else(|| names.get(primary)));
        own.cloned().or_else(|| default_name(state, primary).map(str::to_owned))
    }
}

/// The languages of a wish as in Accept-Language, the dearest first.
fn wished(text: &str) -> Vec<String> {
    let mut languages: Vec<(u32, String)> = text
        .split(',')
        .take(LANGUAGES_MAX)
        .filter_map(|part| {
            let (language, weight) = part.split_once(';').unwrap_or((part, "q=1"));
            let language = language.trim().to_lowercase();
            (!language.is_empty()).then(|| (thousandths(weight), language))
        })
        .collect();
    languages.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    languages.into_iter().filter(|(weight, _)| *weight > 0).map(|(_, language)| language).collect()
}

/// `q=0.8` is 800; whatever cannot be read is wished for least.
fn thousandths(weight: &str) -> u32 {
    let Some(number) = weight.trim().strip_prefix("q=") else { return 1 };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = format!("{fraction:0<3}");
    match (whole, fraction.get(..3).and_then(|digits| digits.parse::<u32>().ok())) {
        ("1", _) => 1000,
        ("0", Some(thousandths)) => thousandths,
        _ => 1,
    }
}

fn default_name(state: OrderState, language: &str) -> Option<&'static str> {
    let (russian, ukrainian, english) = match state {
        OrderState::Placing => ("Оформляется", "Оформлюється", "Being placed"),
        OrderState::New => ("Принят", "Прийнято", "Received"),
        OrderState::Approval => ("Уточняется", "Уточнюється", "Being confirmed"),
        OrderState::Assembling => ("Собирается", "Збирається", "Being packed"),
        OrderState::Delivery => ("В пути", "У дорозі", "On its way"),
        OrderState::Complete => ("Выполнен", "Виконано", "Completed"),
        OrderState::Cancelled => ("Отменён", "Скасовано", "Cancelled"),
        OrderState::Rejected => ("Не оформлен", "Не оформлено", "Not placed"),
    };
    match language {
        "ru" => Some(russian),
        "uk" => Some(ukrainian),
        "en" => Some(english),
        _ => None,
    }
}

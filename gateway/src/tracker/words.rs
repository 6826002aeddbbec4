//! What the page says, in the languages of its readers.

use proto::delivery::v1::TrackingStatus;

/// A language the page speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Ukrainian,
    Russian,
    English,
}

/// The fixed words of the page.
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) carrier: &'static str,
    pub(super) number: &'static str,
    pub(super) kept_until: &'static str,
    pub(super) way: &'static str,
    /// Before the name of a time zone.
    pub(super) time_zone: &'static str,
    /// A title and a sentence each.
    pub(super) not_found: (&'static str, &'static str),
    pub(super) too_many: (&'static str, &'static str),
    pub(super) away: (&'static str, &'static str),
}

impl Language {
    /// The first language the page speaks in a list such as `uk-UA, uk, en`.
    pub(crate) fn first_of(languages: &str) -> Option<Self> {
        languages.split(',').find_map(|tag| {
            let language = tag.trim().split(['-', '_']).next().unwrap_or_default();
            match language.to_ascii_lowercase().as_str() {
                "uk" => Some(Self::Ukrainian),
                "ru" => Some(Self::Russian),
                "en" => Some(Self::English),
                _ => None,
            }
        })
    }

    /// Its tag (BCP 47).
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Ukrainian => "uk",
            Self::Russian => "ru",
            Self::English => "en",
        }
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::Ukrainian => &UKRAINIAN,
            Self::Russian => &RUSSIAN,
            Self::English => &ENGLISH,
        }
    }

    /// A status as buyers call it.
    pub(super) fn status(self, status: TrackingStatus) -> &'static str {
        let [ukrainian, russian, english] = match status {
            TrackingStatus::Pending => {
                ["Готується до відправлення", "Готовится к отправке", "Being prepared"]
            }
            TrackingStatus::PickedUp => {
                ["Передано перевізнику", "Передана перевозчику", "Handed to the carrier"]
            }
            TrackingStatus::InTransit => ["У дорозі", "В пути", "On its way"],
            TrackingStatus::OutForDelivery => {
                ["Кур’єр везе посилку", "Курьер везёт посылку", "Out for delivery"]
            }
            TrackingStatus::ReadyForPickup => {
                ["Чекає на отримання", "Ожидает получения", "Ready for pick-up"]
            }
            TrackingStatus::OnHold => ["Рух призупинено", "Движение приостановлено", "On hold"],
            TrackingStatus::DeliveryDelayed => ["Затримується", "Задерживается", "Delayed"],
            TrackingStatus::DeliveryFailed => {
                ["Не вдалося доставити", "Не удалось доставить", "Could not be delivered"]
            }
            TrackingStatus::Delivered => ["Доставлено", "Доставлена", "Delivered"],
            TrackingStatus::ReturnToSender => {
                ["Повертається відправнику", "Возвращается отправителю", "Goes back to the sender"]
            }
            TrackingStatus::Cancelled => ["Скасовано", "Отменена", "Cancelled"],
            TrackingStatus::Unspecified | TrackingStatus::Unknown => {
                ["Ще немає відомостей", "Сведений пока нет", "No news yet"]
            }
        };
        self.of(ukrainian, russian, english)
    }

    /// A carrier as buyers call it; one that has no other name, as it is.
    pub(super) fn carrier(self, carrier: &str) -> &str {
        match carrier {
            "own-courier" => self.of("Кур’єр магазину", "Курьер магазина", "The shop’s courier"),
            "pickup" => self.of("Видача в магазині", "Выдача в магазине", "The shop’s counter"),
            "parcel" => self.of("Служба доставки", "Служба доставки", "Parcel service"),
            "nova-poshta" => self.of("Нова пошта", "Новая почта", "Nova Poshta"),
            "cdek" => self.of("СДЕК", "СДЭК", "CDEK"),
            other => other,
        }
    }

    fn of<'w>(self, ukrainian: &'w str, russian: &'w str, english: &'w str) -> &'w str {
        match self {
            Self::Ukrainian => ukrainian,
            Self::Russian => russian,
            Self::English => english,
        }
    }
}

static UKRAINIAN: Words = Words {
    title: "Ваша посилка",
    carrier: "Перевізник",
    number: "Номер",
    kept_until: "Зберігається до",
    way: "Шлях посилки",
    time_zone: "Час за поясом",
    not_found: ("Посилку не знайдено", "Такої посилки немає. Перевірте, чи посилання скопійовано повністю."),
    too_many: ("Забагато запитів", "Зачекайте трохи й відкрийте сторінку ще раз."),
    away: ("Зараз недоступно", "Зараз не вдається показати посилку. Спробуйте ще раз за хвилину."),
};

static RUSSIAN: Words = Words {
    title: "Ваша посылка",
    carrier: "Перевозчик",
    number: "Номер",
    kept_until: "Хранится до",
    way: "Путь посылки",
    time_zone: "Время по поясу",
    not_found: ("Посылка не найдена", "Такой посылки нет. Проверьте, скопирована ли ссылка целиком."),
    too_many: ("Слишком много запросов", "Подождите немного и откройте страницу снова."),
    away: ("Сейчас недоступно", "Сейчас не удаётся показать посылку. Попробуйте ещё раз через минуту."),
};

static ENGLISH: Words = Words {
    title: "Your parcel",
    carrier: "Carrier",
    number: "Number",
    kept_until: "Kept until",
    way: "The way of the parcel",
    time_zone: "Times of the zone",
    not_found: ("Parcel not found", "There is no such parcel. Check that you have the whole link."),
    too_many: ("Too many requests", "Wait a little and open the page again."),
    away: ("Not available now", "The parcel cannot be shown at the moment. Try again in a minute."),
};

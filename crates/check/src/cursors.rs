//! Compares how far consumers are with the logs that they read.

use crate::books::Books;
use crate::check::{Check, Cursors};
use crate::finding::{Finding, Finds};
use crate::unreadable::Unreadable;

const SQL: &str = "SELECT consumer, producer, epoch, position FROM event_cursors ORDER BY consumer";

/// Looks at the cursors of every database.
pub(crate) async fn look(
    books: &Books,
    check: &Check,
    asked: Cursors,
    finds: &mut Finds<'_>,
) -> Result<(), Unreadable> {
    for service in books.services() {
        for row in books.few(service, SQL).await? {
            let (consumer, producer): (String, String) = (row.get(0), row.get(1));
            let (epoch, position): (String, i64) = (row.get(2), row.get(3));
            let Some(log) = books.log(&producer) else { continue };
            let of_this_epoch = epoch == log.epoch;
            let wrong = match asked {
                Cursors::OfThisLog if !of_this_epoch => {
                    Some((log.epoch.clone(), format!("{epoch} at {position}")))
                }
                Cursors::OfThisLog => {
                    (position > log.last).then(|| (format!("at most {}", log.last), position.to_string()))
                }
                // Positions of another epoch say nothing.
                Cursors::NotTrimmed => (of_this_epoch && position < log.trimmed)
                    .then(|| (format!("at least {}", log.trimmed), position.to_string())),
            };
            if let Some(values) = wrong {
                let databases = [producer.as_str(), service];
                finds.take(Finding::of(check, databases, [("consumer", consumer)], values));
            }
        }
    }
    Ok(())
}

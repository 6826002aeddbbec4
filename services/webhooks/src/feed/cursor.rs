//! A place in every log at once, as opaque text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use store::Store;
use uuid::Uuid;

use crate::streams::Place;

/// Binds the seal to its use.
const CONTEXT: &str = "feed cursor";
/// Of one log: its number, which log it is, the position.
const PLACE_LENGTH: usize = 1 + 16 + 8;

/// A place in each log, by the log's number; none in logs that were never read, which begin with what they keep.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    places: Vec<Option<Place>>,
}

impl Cursor {
    pub(crate) fn place(&self, stream: usize) -> Option<&Place> {
        self.places.get(stream)?.as_ref()
    }

    pub(crate) fn set(&mut self, stream: usize, place: Place) {
        if self.places.len() <= stream {
            self.places.resize(stream + 1, None);
        }
        self.places[stream] = Some(place);
    }

    /// Nobody outside can make one or look into it: positions tell how much happens in other shops.
    pub(crate) fn seal(&self, store: &Store) -> String {
        let mut bytes = Vec::with_capacity(self.places.len() * PLACE_LENGTH);
        for (stream, place) in self.places.iter().enumerate() {
            let Some(place) = place else { continue };
            bytes.push(u8::try_from(stream).unwrap_or(u8::MAX));
            bytes.extend(place.epoch.parse::<Uuid>().unwrap_or_default().as_bytes());
            bytes.extend(place.position.to_be_bytes());
        }
        URL_SAFE_NO_PAD.encode(store.seal(&bytes, CONTEXT))
    }

    /// Reads what [`seal`](Self::seal) wrote; none for anything else.
    pub(crate) fn open(store: &Store, text: &str) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes = store.unseal(&sealed, CONTEXT).ok()?;
        let mut cursor = Self::default();
        for place in bytes.chunks(PLACE_LENGTH) {
            let (stream, rest) = place.split_first()?;
            let (epoch, position) = rest.split_at_checked(16)?;
            let epoch = Uuid::from_slice(epoch).ok()?.to_string();
            let position = i64::from_be_bytes(position.try_into().ok()?);
            cursor.set(usize::from(*stream), Place { epoch, position });
        }
        Some(cursor)
    }
}

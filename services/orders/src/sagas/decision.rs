//! The point of no return of a changed order: before it a refusal undoes everything, after it the change goes forward only.

use rpc::Fault;
use saga::Stop;
use store::Store;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::edit::Edit;

/// That of one change; kept beside it, so that whoever takes it over knows.
pub struct Decision<'a> {
    store: &'a Store,
    saga_id: Uuid,
}

impl<'a> Decision<'a> {
    /// That of the change of `saga_id`.
    pub fn new(store: &'a Store, saga_id: Uuid) -> Self {
        Self { store, saga_id }
    }

    /// Decides, before the first thing is done that cannot be undone.
    ///
    /// # Errors
    /// Another process has ended the change, or takes it back: `ABORTED`.
    pub async fn make(&self) -> Result<(), Status> {
        let mut connection = self.store.connection().await.map_err(Error::from)?;
        match Edit::decide(&mut connection, self.saga_id).await.map_err(Error::from)? {
            true => Ok(()),
            false => Err(Error::from(store::Error::KeyInUse).into()),
        }
    }

    /// What cannot be undone was refused, and so not done: the change may be taken back again.
    pub async fn take_back(&self) -> Result<(), Status> {
        let mut connection = self.store.connection().await.map_err(Error::from)?;
        Ok(Edit::reconsider(&mut connection, self.saga_id).await.map_err(Error::from)?)
    }

    /// How a run ends that got so far: once it is decided, what is refused is somebody's mistake to mend, and is asked for again
    /// until it is done.
    pub async fn hold<T>(&self, end: Result<T, Stop>) -> Result<T, Stop> {
        let Err(Stop::Refused(refusal)) = end else { return end };
        if !self.is_made().await.map_err(Stop::Later)? {
            return Err(Stop::Refused(refusal));
        }
        tracing::error!(code = ?refusal.code(), message = refusal.message(), "an edit cannot go back and is refused");
        Err(Stop::Later(Fault::new(Code::Unavailable, "NOT_GIVEN_UP", refusal.message()).into()))
    }

    async fn is_made(&self) -> Result<bool, Status> {
        let mut connection = self.store.connection().await.map_err(Error::from)?;
        Ok(Edit::is_decided(&mut connection, self.saga_id).await.map_err(Error::from)?)
    }
}

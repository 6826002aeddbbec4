//! A connection that a verb works with. When the verb is cut off, so is the statement that it was waiting for.
//!
//! A future that is dropped says nothing to PostgreSQL: the statement would run on, and whoever got the connection next
//! would wait for it. So every session knows whether a statement runs in it; a connection that is given back with one
//! is closed instead, and the server is asked to cancel. That costs a flag per statement, and only who is cut off pays
//! more.

use std::ops::{Deref, DerefMut};

use deadpool::managed::Object;
use diesel_async::AsyncPgConnection;

use crate::session::{Session, Sessions};

/// A connection to a service's database; dereferences to [`AsyncPgConnection`].
pub struct Connection(Option<Held>);

enum Held {
    Pooled(Object<Sessions>),
    Own(Session),
}

impl Connection {
    pub(crate) fn pooled(session: Object<Sessions>) -> Self {
        Self(Some(Held::Pooled(session)))
    }

    /// Takes it out of the pool, which may open another in its place.
    #[must_use]
    pub(crate) fn into_own(mut self) -> Self {
        let session = self.0.take().map(Held::into_session);
        Self(session.map(Held::Own))
    }

    /// Ends the session with all that it holds, and the statement that may run in it.
    pub fn close(mut self) {
        if let Some(held) = self.0.take() {
            held.into_session().end();
        }
    }
}

impl Deref for Connection {
    type Target = AsyncPgConnection;

    #[allow(clippy::expect_used)]
    fn deref(&self) -> &AsyncPgConnection {
        match self.0.as_ref().expect("taken only when it ends") {
            Held::Pooled(session) => session.connection(),
            Held::Own(session) => session.connection(),
        }
    }
}

impl DerefMut for Connection {
    #[allow(clippy::expect_used)]
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        match self.0.as_mut().expect("taken only when it ends") {
            Held::Pooled(session) => session.connection_mut(),
            Held::Own(session) => session.connection_mut(),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        match self.0.take() {
            Some(Held::Pooled(session)) if !session.is_running() => drop(session),
            Some(held) => held.into_session().end(),
            None => {}
        }
    }
}

impl Held {
    fn into_session(self) -> Session {
        match self {
            Self::Pooled(session) => Object::take(session),
            Self::Own(session) => session,
        }
    }
}

//! The files of an identity.

use std::fs;
use std::path::{Path, PathBuf};

use super::{IdentityError, TlsSettings};

/// What a file may have at most: a chain of some certificates, or a bundle of many authorities.
const BYTES_MAX: u64 = 1024 * 1024;

pub(super) struct Files {
    pub(super) role: Box<str>,
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
    pub(super) trusted: PathBuf,
}

#[derive(PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) chain: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) trusted: Vec<u8>,
}

impl Files {
    pub(super) fn of(settings: &TlsSettings, role: &str) -> Option<Self> {
        let dir = settings.dir.as_ref()?;
        let dir = PathBuf::from(dir.to_string_lossy().replace("{role}", role));
        Some(Self {
            role: role.into(),
            chain: dir.join("tls.crt"),
            key: dir.join("tls.key"),
            trusted: settings.ca_file.clone().unwrap_or_else(|| dir.join("ca.crt")),
        })
    }

    pub(super) fn read(&self) -> Result<Contents, IdentityError> {
        Ok(Contents { chain: read(&self.chain)?, key: read(&self.key)?, trusted: read(&self.trusted)? })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    let unreadable = |error| IdentityError::Unreadable(path.to_owned(), error);
    if fs::metadata(path).map_err(unreadable)?.len() > BYTES_MAX {
        return Err(IdentityError::Unusable(path.to_owned(), "larger than 1 MiB".to_owned()));
    }
    fs::read(path).map_err(unreadable)
}

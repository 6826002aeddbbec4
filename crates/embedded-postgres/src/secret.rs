//! Passwords: made at random once, then kept in files that only their owner reads.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::{Error, account::Account};

const RANDOM_SOURCE: &str = "/dev/urandom";
const PASSWORD_BYTES: usize = 24;

/// The password kept at `path`; a new random one is written there first when there is none.
pub(crate) fn read_or_create(path: &Path, account: Account) -> Result<String, Error> {
    match fs::read_to_string(path) {
        Ok(password) => Ok(password.trim_end().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path, account),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// Writes beside the final name and renames, so that a crash leaves a whole password or none.
fn create(path: &Path, account: Account) -> Result<String, Error> {
    let password = random_hex()?;
    let unfinished = path.with_extension("new");

    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(Error::io("create", &unfinished))?;
    file.write_all(password.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(Error::io("write", &unfinished))?;
    account.own(&unfinished)?;
    fs::rename(&unfinished, path).map_err(Error::io("create", path))?;

    Ok(password)
}

/// Hexadecimal, so that it needs no quoting in SQL and no escaping in a URL.
fn random_hex() -> Result<String, Error> {
    let mut bytes = [0; PASSWORD_BYTES];
    File::open(RANDOM_SOURCE)
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(Error::io("read", Path::new(RANDOM_SOURCE)))?;
    Ok(bytes.iter().fold(String::with_capacity(2 * PASSWORD_BYTES), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

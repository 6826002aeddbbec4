//! The directory of one private PostgreSQL: its parts, its owner, and the lock that keeps others out.

use std::{
    fs::{self, File, Permissions, TryLockError},
    io,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{Error, account::Account};

/// A process forked elsewhere in this program holds a just released lock until it calls exec.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// What the kernel allows for a unix socket path, less the file name that PostgreSQL appends.
const SOCKET_DIR_BYTES_MAX: usize = 107 - "/.s.PGSQL.65535".len();

/// A data directory that belongs to this process until dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    account: Account,
    _lock: File,
}

impl DataDir {
    /// Creates what is absent, gives it to the server's user and locks it.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let root = std::path::absolute(root).map_err(Error::io("resolve", root))?;
        let account = Account::select(&root.join("cluster"))?;
        let parents = root.parent().map_or(Ok(()), fs::create_dir_all);
        parents.map_err(Error::io("create the parents of", &root))?;
        account.check_reach(&root)?;

        for directory in [root.clone(), root.join("secrets"), root.join("run")] {
            match fs::create_dir(&directory) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(Error::io("create", &directory)(error));
                }
                _ => {}
            }
            fs::set_permissions(&directory, Permissions::from_mode(0o700))
                .map_err(Error::io("close to others", &directory))?;
            account.own(&directory)?;
        }

        let lock = lock(&root)?;
        Ok(Self { root, account, _lock: lock })
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Who owns it and runs the server.
    pub fn account(&self) -> Account {
        self.account
    }

    /// PostgreSQL's own data.
    pub fn cluster(&self) -> PathBuf {
        self.root.join("cluster")
    }

    /// The file that keeps the password of `role`.
    pub fn secret(&self, role: &str) -> PathBuf {
        self.root.join("secrets").join(role)
    }

    /// What the server says.
    pub fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }

    /// Where the unix socket is; a path too long for the kernel leaves the loopback port only.
    pub fn socket_dir(&self) -> Option<PathBuf> {
        let directory = self.root.join("run");
        (directory.as_os_str().as_bytes().len() <= SOCKET_DIR_BYTES_MAX).then_some(directory)
    }
}

#[expect(clippy::disallowed_methods, reason = "runs on a thread for blocking work")]
fn lock(root: &Path) -> Result<File, Error> {
    let path = root.join("lock");
    let file = File::create(&path).map_err(Error::io("create", &path))?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(Error::InUse { data_dir: root.to_owned() });
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
        }
    }
}

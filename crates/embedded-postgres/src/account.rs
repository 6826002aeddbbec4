//! The user who runs the server: the caller, or an unprivileged one when the caller is root.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use crate::Error;

const PASSWD: &str = "/etc/passwd";

/// Users that may run the server for root, the preferred one first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Who owns the data and runs the server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Account {
    /// The caller, who is not root.
    Caller,
    /// An unprivileged user, because PostgreSQL refuses to run as root.
    Other {
        /// The user id.
        uid: u32,
        /// Its primary group.
        gid: u32,
    },
}

impl Account {
    /// The owner of an existing cluster stays its owner, whatever users have been created since.
    pub fn select(cluster: &Path) -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Caller);
        }
        if let Ok(metadata) = fs::metadata(cluster)
            && metadata.uid() != 0
        {
            return Ok(Self::Other { uid: metadata.uid(), gid: metadata.gid() });
        }
        let passwd = fs::read_to_string(PASSWD).map_err(Error::io("read", Path::new(PASSWD)))?;
        let ids = CANDIDATES.iter().find_map(|name| lookup(&passwd, name));
        ids.map(|(uid, gid)| Self::Other { uid, gid }).ok_or(Error::NoAccount)
    }

    /// Makes `command` run as this user, without root's supplementary groups.
    pub fn run(self, command: &mut Command) -> &mut Command {
        match self {
            Self::Caller => command,
            Self::Other { uid, gid } => command.uid(uid).gid(gid),
        }
    }

    /// Gives `path` to this user.
    pub fn own(self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Caller => Ok(()),
            Self::Other { uid, gid } => {
                chown(path, Some(uid), Some(gid)).map_err(Error::io("change the owner of", path))
            }
        }
    }

    /// Refuses a directory below one that this user may not enter, such as root's home.
    pub fn check_reach(self, data_dir: &Path) -> Result<(), Error> {
        let Self::Other { uid, gid } = self else { return Ok(()) };
        for ancestor in data_dir.ancestors().skip(1) {
            let metadata = fs::metadata(ancestor).map_err(Error::io("look at", ancestor))?;
            if !may_enter(&metadata, uid, gid) {
                return Err(Error::Unreachable {
                    data_dir: data_dir.to_owned(),
                    closed_at: ancestor.to_owned(),
                    uid,
                });
            }
        }
        Ok(())
    }
}

fn lookup(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let (_password, uid, gid) = (fields.next()?, fields.next()?, fields.next()?);
        Some((uid.parse().ok()?, gid.parse().ok()?))
    })
}

fn may_enter(metadata: &fs::Metadata, uid: u32, gid: u32) -> bool {
    let enter_bit = match () {
        () if metadata.uid() == uid => 0o100,
        () if metadata.gid() == gid => 0o010,
        () => 0o001,
    };
    metadata.mode() & enter_bit != 0
}

#[cfg(test)]
mod tests {
    use super::lookup;

    #[test]
    fn looks_up_user_and_group() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104::/var/lib/postgresql:/bin/bash\n";
        assert_eq!(lookup(passwd, "postgres"), Some((101, 104)));
        assert_eq!(lookup(passwd, "nobody"), None);
    }
}

//! Finds an installed PostgreSQL: the configured directory, the PATH, then the newest Debian package.

use std::{
    cmp::Reverse,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Error;

/// Where Debian and Ubuntu keep one directory per major version; the programs are not on the PATH there.
const PACKAGES_DIR: &str = "/usr/lib/postgresql";

/// The directory of `postgres` and `initdb` that [`crate::Postgres::start`] would use for new data.
pub fn find_binaries(bin_dir: Option<&Path>) -> Result<PathBuf, Error> {
    Ok(Binaries::find(bin_dir)?.swap_remove(0).dir)
}

/// One installed PostgreSQL.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// The binaries that can read what `data_dir` holds, or the preferred ones when it holds nothing yet.
    pub fn select(bin_dir: Option<&Path>, data_dir: &Path, written_by: Option<u32>) -> Result<Self, Error> {
        let mut found = Self::find(bin_dir)?;

        let Some(needed) = written_by else { return Ok(found.swap_remove(0)) };
        let versions = found.iter().map(|binaries| binaries.major.to_string()).collect::<Vec<_>>().join(", ");
        found.into_iter().find(|binaries| binaries.major == needed).ok_or_else(|| Error::VersionMismatch {
            data_dir: data_dir.to_owned(),
            needed,
            found: versions,
        })
    }

    /// A command for one of the programs, free of the caller's own PostgreSQL environment.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.dir.join(program));
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C.UTF-8");
        command
    }

    /// Every complete installation, the preferred one first; never an empty list.
    fn find(bin_dir: Option<&Path>) -> Result<Vec<Self>, Error> {
        let (candidates, looked_in) = match bin_dir {
            Some(dir) => (vec![dir.to_owned()], dir.display().to_string()),
            None => {
                let path = env::var_os("PATH").unwrap_or_default();
                let on_path = env::split_paths(&path).filter(|dir| dir.is_absolute());
                (on_path.chain(packaged()).collect(), format!("PATH and {PACKAGES_DIR}/*/bin"))
            }
        };

        let found: Vec<_> = candidates.into_iter().filter_map(Self::at).collect();
        if found.is_empty() { Err(Error::BinariesMissing { looked_in }) } else { Ok(found) }
    }

    fn at(dir: PathBuf) -> Option<Self> {
        if !dir.join("initdb").is_file() || !dir.join("postgres").is_file() {
            return None;
        }
        let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
        let major = major_version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { dir, major })
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15, `postgres (PostgreSQL) 18beta1` is 18.
fn major_version(version_line: &str) -> Option<u32> {
    let number = version_line.split_once("(PostgreSQL) ")?.1;
    let digits = number.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The packaged versions, newest first.
fn packaged() -> Vec<PathBuf> {
    let entries = fs::read_dir(PACKAGES_DIR).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by_key(|(version, _)| Reverse(*version));
    versions.into_iter().map(|(_, dir)| dir).collect()
}

#[cfg(test)]
mod tests {
    use super::major_version;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_version("something else"), None);
    }
}

//! PostgreSQL's own data: made once by `initdb`, whole or not at all.

use std::{fs, io, path::Path};

use crate::{Durability, Error, binaries::Binaries, data_dir::DataDir, secret};

/// The role that creates databases and roles.
pub(crate) const ADMIN: &str = "postgres";

/// The major version that wrote the cluster, if there is one.
pub(crate) fn written_by(cluster: &Path) -> Result<Option<u32>, Error> {
    let path = cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(version) => Ok(version.trim().parse().ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", &path)(error)),
    }
}

/// Makes the cluster if there is none; the result is the password of [`ADMIN`].
///
/// `initdb` works under another name and the result is renamed: a crash half-way leaves nothing that looks
/// like data.
pub(crate) fn ensure(dir: &DataDir, binaries: &Binaries, durability: Durability) -> Result<String, Error> {
    let (cluster, password_file) = (dir.cluster(), dir.secret(ADMIN));
    let password = secret::read_or_create(&password_file, dir.account())?;
    if written_by(&cluster)?.is_some() {
        return Ok(password);
    }

    let unfinished = dir.root().join("cluster.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::io("remove", &unfinished))?;
    }
    tracing::info!(data_dir = %dir.root().display(), "initialising PostgreSQL");
    let mut initdb = binaries.command("initdb");
    initdb.arg("--pgdata").arg(&unfinished).arg("--pwfile").arg(&password_file).current_dir(dir.root());
    // C.UTF-8 exists everywhere, knows the letters of every language and never changes its order, so no
    // upgrade of the operating system can corrupt an index. Its order is that of the bytes: C compares them at once.
    initdb.args([
        "--username",
        ADMIN,
        "--auth",
        "scram-sha-256",
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
        "--lc-collate",
        "C",
    ]);
    initdb.arg(match durability {
        Durability::Full => "--data-checksums",
        Durability::TestsOnly => "--no-sync",
    });
    let output = dir.account().run(&mut initdb).output().map_err(Error::io("run initdb for", &unfinished))?;
    if !output.status.success() {
        let output_text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::Initdb { status: output.status, output: output_text });
    }

    fs::rename(&unfinished, &cluster).map_err(Error::io("create", &cluster))?;
    Ok(password)
}

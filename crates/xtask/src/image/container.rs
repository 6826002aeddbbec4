//! The image and a container of it, by buildah.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{postgres::TestServer, shell, workspace};

const NAME: &str = "korob";
/// The stage of the Dockerfile that is put together here; the one before it is what was staged.
const LAST_STAGE: &str = "FROM scratch\n";
const USER: &str = "65532";
const DATA: &str = "/var/lib/korob";
/// A secret of nothing but this check.
const SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const READY_PATIENCE: Duration = Duration::from_secs(120);
const STOP_PATIENCE: Duration = Duration::from_secs(60);
const LOOK_PERIOD: Duration = Duration::from_millis(250);

/// An image in a storage of its own below `folder`.
pub struct Image {
    folder: PathBuf,
}

/// A container in which `korob up` runs.
pub struct Container<'image> {
    image: &'image Image,
    run: Child,
    variables: BTreeMap<String, String>,
    gateway: String,
}

/// A fresh database for each service, by the service's name.
pub fn databases(server: &TestServer) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(workspace::root().join("services/korob/call-graph.json"))?;
    let mut graph: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(&text)?;
    let services = graph.remove("operator").context("an operator calls every service")?;
    services.into_keys().map(|name| Ok((name.clone(), server.database(&name)?))).collect()
}

impl Image {
    /// Puts together what lies in `folder/staged`, as the last stage of the Dockerfile says.
    pub fn build(folder: &Path) -> Result<Self> {
        let image = Self { folder: folder.to_owned() };
        let dockerfile = fs::read_to_string(workspace::root().join("Dockerfile")).context("Dockerfile")?;
        let (_, last) = dockerfile.split_once(LAST_STAGE).context("the Dockerfile ends `FROM scratch`")?;
        let (file, empty) = (folder.join("Dockerfile"), folder.join("context"));
        fs::write(&file, format!("{LAST_STAGE}{last}"))?;
        fs::create_dir_all(&empty)?;
        // The health check is Docker's own; what is staged has the same times whenever it was.
        let mut build =
            image.buildah(&["bud", "--isolation", "chroot", "--format", "docker", "--timestamp", "0"]);
        build.arg("--build-context").arg(format!("build={}", folder.display()));
        build.arg("--file").arg(file).args(["--tag", NAME, "--quiet"]).arg(empty);
        shell::run(&mut build)?;
        Ok(image)
    }

    /// What a runtime reads from it.
    pub fn check_configuration(&self) -> Result<()> {
        let said = shell::output_of(&mut self.buildah(&["inspect", "--type", "image", NAME]))?;
        let said: Value = serde_json::from_str(&said).context("buildah says no JSON")?;
        let configuration = &said["Docker"]["config"];
        for (key, wanted) in [
            ("User", json!(format!("{USER}:{USER}"))),
            ("Entrypoint", json!(["/korob"])),
            ("StopSignal", json!("SIGTERM")),
        ] {
            let is = &configuration[key];
            ensure!(*is == wanted, "{key} is {is} and must be {wanted}");
        }
        ensure!(
            configuration["Healthcheck"]["Test"] == json!(["CMD", "/korob", "health"]),
            "it asks nobody for its health"
        );
        Ok(())
    }

    /// Starts all services over `databases`, without anything else from outside.
    pub fn start(&self, databases: &BTreeMap<String, String>) -> Result<Container<'_>> {
        shell::run(&mut self.buildah(&["from", "--name", NAME, "--pull-never", NAME]))?;
        let data = self.folder.join("data");
        fs::create_dir_all(&data)?;
        shell::run(shell::command("chown", &["--recursive", &format!("{USER}:{USER}")]).arg(&data))?;

        let (gateway, ops) = (free_address()?, free_address()?);
        let mut variables: BTreeMap<_, _> = databases
            .iter()
            .map(|(name, url)| {
                (format!("KOROB__SERVICES__{}__DATABASE_URL", name.to_uppercase()), url.clone())
            })
            .collect();
        variables.insert("KOROB__SECRET".to_owned(), SECRET.to_owned());
        variables.insert("KOROB__GATEWAY__LISTEN".to_owned(), gateway.clone());
        variables.insert("KOROB__OPS__LISTEN".to_owned(), ops);
        let mut run = self.inside(&variables, &["up"]);
        let run = run.stdin(Stdio::null()).spawn().context("start the container")?;
        Ok(Container { image: self, run, variables, gateway })
    }

    /// A command of the binary in the container.
    fn inside(&self, variables: &BTreeMap<String, String>, arguments: &[&str]) -> Command {
        let mut command = self.buildah(&["run", "--isolation", "chroot"]);
        command.arg("--volume").arg(format!("{}:{DATA}", self.folder.join("data").display()));
        for (name, value) in variables {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        command.args([NAME, "--", "/korob"]).args(arguments);
        command
    }

    fn buildah(&self, arguments: &[&str]) -> Command {
        let mut command = shell::command("buildah", &["--storage-driver", "vfs"]);
        command.arg("--root").arg(self.folder.join("storage"));
        command.arg("--runroot").arg(self.folder.join("run"));
        command.args(arguments);
        command
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Failures leave files below the target directory, and nothing that runs.
        let _ = self.buildah(&["rm", "--all"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        for folder in ["storage", "run", "data", "context"] {
            let _ = fs::remove_dir_all(self.folder.join(folder));
        }
    }
}

impl Container<'_> {
    /// Asks as an orchestrator does whose images have no shell.
    #[expect(clippy::disallowed_methods, reason = "the chore has nothing else to do")]
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        while !self.inside(&["health"]).output().context("run buildah")?.status.success() {
            if let Some(status) = self.run.try_wait()? {
                bail!("the container has ended: {status}");
            }
            ensure!(started.elapsed() < READY_PATIENCE, "it was not ready in time");
            thread::sleep(LOOK_PERIOD);
        }
        Ok(())
    }

    /// Whoever breaks into it is nobody.
    pub fn check_user(&self) -> Result<()> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|value| value.split_whitespace().collect::<Vec<_>>()).unwrap_or_default()
        };
        for name in ["Uid", "Gid"] {
            ensure!(field(name) == [USER; 4], "{name} is {:?}", field(name));
        }
        for name in ["CapEff", "CapPrm", "CapInh"] {
            ensure!(field(name) == ["0000000000000000"], "{name} is {:?}", field(name));
        }
        Ok(())
    }

    /// A key is made as the chart's notes say, and a question answered.
    pub fn check_gateway(&self) -> Result<()> {
        let key = shell::output_of(&mut self.inside(&["keys", "create", "--name", "image"]))?;
        let authorization = format!("Authorization: Bearer {}", key.trim());
        let url = format!("http://{}/v1/shops", self.gateway);
        let answer =
            Command::new("curl").args(["--silent", "--fail", "--header", &authorization, &url]).output();
        ensure!(answer.context("curl is needed")?.status.success(), "{url} is not answered");
        Ok(())
    }

    /// The root may be read-only: nobody but root can write there, and nothing was.
    pub fn check_root(&self) -> Result<()> {
        let root = shell::output_of(&mut self.image.buildah(&["mount", NAME]))?;
        let root = root.trim();
        let data = format!("{root}{DATA}*");
        let conditions = ["-not", "-path", &data, "-not", "-type", "l"];
        let finds = ["(", "-user", USER, "-o", "-perm", "-o+w", "-o", "-perm", "/6000", ")"];
        let found = shell::output_of(shell::command("find", &[root, "-xdev"]).args(conditions).args(finds))?;
        ensure!(found.trim().is_empty(), "these are not root's alone:\n{found}");
        Ok(())
    }

    /// Asks it to stop.
    #[expect(clippy::disallowed_methods, reason = "the chore has nothing else to do")]
    pub fn stop(&mut self) -> Result<()> {
        shell::run(&mut shell::command("kill", &["-TERM", &self.pid()?.to_string()]))?;
        let started = Instant::now();
        while started.elapsed() < STOP_PATIENCE {
            if let Some(status) = self.run.try_wait()? {
                ensure!(status.success(), "it ended with {status}");
                return Ok(());
            }
            thread::sleep(LOOK_PERIOD);
        }
        bail!("it did not end within {} s", STOP_PATIENCE.as_secs())
    }

    fn inside(&self, arguments: &[&str]) -> Command {
        self.image.inside(&self.variables, arguments)
    }

    /// The process of the binary: buildah's child's child.
    fn pid(&self) -> Result<u32> {
        let mut next = vec![self.run.id()];
        while let Some(pid) = next.pop() {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if command.starts_with(b"/korob\0up\0") {
                return Ok(pid);
            }
            for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
                let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
                next.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
            }
        }
        bail!("no process of the container runs /korob up")
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        if let Ok(None) = self.run.try_wait() {
            // A check has failed: nothing of it is worth an orderly end.
            if let Ok(pid) = self.pid() {
                let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
            }
            let _ = self.run.kill();
            let _ = self.run.wait();
        }
    }
}

/// On the loopback interface, which the container shares; free when asked.
fn free_address() -> Result<String> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.to_string())
}

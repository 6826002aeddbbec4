//! What Helm makes of the chart, as text and as objects.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{chart::folder, tools::ChartTools, workspace};

/// YAML in, JSON out: every document that is not empty.
const TO_JSON: &str = "import sys, json, yaml
json.dump([one for one in yaml.safe_load_all(open(sys.argv[1])) if one is not None], sys.stdout)";

/// Helm, and where its output goes.
pub struct Helm {
    program: PathBuf,
    python: PathBuf,
    output: PathBuf,
}

/// What the chart is with one values file.
pub struct Rendering {
    /// `default` of `ci/default-values.yaml`.
    pub values: String,
    /// As Helm wrote it.
    pub text: String,
    /// Where that is.
    pub path: PathBuf,
    /// The same as objects.
    pub objects: Vec<Value>,
}

impl Helm {
    /// Output goes below cargo's target directory, where it can be looked at.
    pub fn new(tools: &ChartTools) -> Result<Self> {
        let output = workspace::target().join("chart");
        fs::create_dir_all(&output).with_context(|| format!("make {}", output.display()))?;
        Ok(Self { program: tools.helm.clone(), python: tools.python(), output })
    }

    /// `helm lint --strict` with one values file.
    pub fn lint(&self, values: &str) -> Result<()> {
        let output = self.run(&["lint", "--strict"], Some(&values_file(values)))?;
        if !output.status.success() {
            bail!("{values}-values.yaml:\n{}{}", text(&output.stdout), text(&output.stderr));
        }
        Ok(())
    }

    /// `helm template` with one values file for one version of Kubernetes.
    pub fn render(&self, values: &str, kubernetes: &str) -> Result<Rendering> {
        self.render_with(&values_file(values), values, kubernetes)
    }

    /// The same with a file that lies elsewhere, under the name `values`.
    pub fn render_with(&self, file: &Path, values: &str, kubernetes: &str) -> Result<Rendering> {
        let output = self.template(file, kubernetes)?;
        if !output.status.success() {
            bail!("helm template with {}:\n{}", file.display(), text(&output.stderr));
        }
        let path = self.output.join(format!("{values}-{kubernetes}.yaml"));
        fs::write(&path, &output.stdout).with_context(|| format!("write {}", path.display()))?;
        let objects = self.objects(&path)?;
        Ok(Rendering { values: values.to_owned(), text: text(&output.stdout), path, objects })
    }

    /// The same with any values file, whatever comes of it.
    pub fn template(&self, values: &Path, kubernetes: &str) -> Result<Output> {
        self.run(&["template", "korob", "--namespace", "korob", "--kube-version", kubernetes], Some(values))
    }

    /// The documents of a YAML file.
    pub fn objects(&self, path: &Path) -> Result<Vec<Value>> {
        let output =
            Command::new(&self.python).args(["-c", TO_JSON]).arg(path).output().context("run Python")?;
        if !output.status.success() {
            bail!("{} is no YAML:\n{}", path.display(), text(&output.stderr));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn run(&self, arguments: &[&str], values: Option<&Path>) -> Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg(folder());
        if let Some(values) = values {
            command.arg("--values").arg(values);
        }
        command.output().context("run Helm")
    }
}

impl Rendering {
    /// All objects of a kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// Whatever runs pods, each with the template of its pods.
    pub fn workloads(&self) -> impl Iterator<Item = (&Value, &Value)> {
        self.objects.iter().filter_map(|object| {
            let template = match object["kind"].as_str()? {
                "Deployment" | "Job" => "/spec/template",
                "CronJob" => "/spec/jobTemplate/spec/template",
                _ => return None,
            };
            Some((object, object.pointer(template)?))
        })
    }
}

/// The name of an object.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// The kind and the name of an object, for messages.
pub fn title(object: &Value) -> String {
    format!("{} {}", object["kind"].as_str().unwrap_or_default(), name(object))
}

/// The items of a list; none when it is no list.
pub fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Whether a selector means pods with these labels.
pub fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector["matchLabels"].as_object();
    wanted.is_some_and(|wanted| wanted.iter().all(|(name, value)| labels[name] == *value))
}

/// The part of the suite that labels name.
pub fn component(labels: &Value) -> &str {
    labels["app.kubernetes.io/component"].as_str().unwrap_or_default()
}

/// What a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn values_file(values: &str) -> PathBuf {
    folder().join("ci").join(format!("{values}-values.yaml"))
}

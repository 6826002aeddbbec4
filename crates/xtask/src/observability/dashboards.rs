//! The dashboards: what each shows is a table in a file of its own, how Grafana wants to read it is here.

mod events;
mod orders;
mod overview;
mod postgres;
mod stock;

use serde_json::{Value, json};

/// A page of panels.
pub struct Dashboard {
    /// The file, and Grafana's name for links.
    pub name: &'static str,
    pub title: &'static str,
    pub says: &'static str,
    pub rows: &'static [Row],
}

/// Panels side by side, under a heading.
pub struct Row {
    pub title: &'static str,
    pub panels: &'static [Panel],
}

/// One picture.
pub struct Panel {
    pub title: &'static str,
    /// What to make of it.
    pub says: &'static str,
    pub look: Look,
    pub unit: &'static str,
    /// Expressions with their legends. `@all`, `@database`, `@operation`, `@consumer` and `@at` stand for the choice of
    /// namespace and service.
    pub queries: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Lines over time.
    Lines,
    /// The same with a trace behind each point that has one.
    Traced,
    /// The last value, large; anything above nought is bad.
    Alarm,
    /// The last value, large.
    Number,
}

/// Every dashboard.
pub const ALL: [&Dashboard; 5] =
    [&overview::PAGE, &orders::PAGE, &stock::PAGE, &events::PAGE, &postgres::PAGE];

const COLUMNS: usize = 24;
const LINES_HEIGHT: usize = 8;
const NUMBER_HEIGHT: usize = 4;
/// Panels of one line; more begin another.
const SIDE_BY_SIDE_MAX: usize = 4;

const CHOICES: [(&str, &str); 5] = [
    ("@all", r#"namespace=~"$namespace""#),
    ("@database", r#"namespace=~"$namespace",database=~"$service""#),
    ("@operation", r#"namespace=~"$namespace",operation=~"($service)[.].+""#),
    ("@consumer", r#"namespace=~"$namespace",consumer=~"($service)[.].+""#),
    ("@at", r#"namespace=~"$namespace",at=~"$service|gateway""#),
];

impl Panel {
    /// The expressions as Grafana sends them, but for its variables.
    pub fn expressions(&self) -> impl Iterator<Item = String> {
        self.queries.iter().map(|(expression, _)| chosen(expression))
    }
}

fn chosen(expression: &str) -> String {
    CHOICES.iter().fold(expression.to_owned(), |text, (short, long)| text.replace(short, long))
}

impl Dashboard {
    /// The file that Grafana reads.
    pub fn file(&self) -> String {
        format!("{}.json", self.name)
    }

    /// Its content.
    pub fn json(&self) -> String {
        let mut panels = Vec::new();
        let (mut y, mut id) = (0, 1);
        for row in self.rows {
            panels.push(json!({
                "type": "row", "id": id, "title": row.title, "collapsed": false, "panels": [],
                "gridPos": { "x": 0, "y": y, "w": COLUMNS, "h": 1 },
            }));
            (y, id) = (y + 1, id + 1);
            for line in row.panels.chunks(SIDE_BY_SIDE_MAX) {
                let width = COLUMNS / line.len();
                let height = line.iter().map(|panel| panel.look.height()).max().unwrap_or(LINES_HEIGHT);
                for (at, panel) in line.iter().enumerate() {
                    let place = json!({ "x": at * width, "y": y, "w": width, "h": height });
                    panels.push(panel.json(id, &place));
                    id += 1;
                }
                y += height;
            }
        }
        let dashboard = json!({
            "uid": self.name,
            "title": self.title,
            "description": self.says,
            "tags": ["korob"],
            "schemaVersion": 39,
            "version": 1,
            "editable": true,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": { "from": "now-1h", "to": "now" },
            "timezone": "browser",
            "templating": { "list": variables() },
            "links": [{
                "type": "dashboards", "title": "Korob", "tags": ["korob"], "asDropdown": true, "keepTime": true,
                "includeVars": true,
            }],
            "annotations": { "list": [] },
            "panels": panels,
        });
        // A value made of literals is always written.
        format!("{}\n", serde_json::to_string_pretty(&dashboard).unwrap_or_default())
    }
}

impl Look {
    fn height(self) -> usize {
        match self {
            Self::Lines | Self::Traced => LINES_HEIGHT,
            Self::Alarm | Self::Number => NUMBER_HEIGHT,
        }
    }
}

impl Panel {
    fn json(&self, id: usize, place: &Value) -> Value {
        let is_number = matches!(self.look, Look::Alarm | Look::Number);
        let targets = self.queries.iter().enumerate().map(|(at, (expression, legend))| {
            json!({
                "refId": char::from(b'A' + at as u8).to_string(),
                "datasource": datasource(),
                "expr": chosen(expression),
                "legendFormat": legend,
                "range": !is_number,
                "instant": is_number,
                "exemplar": self.look == Look::Traced,
            })
        });
        let thresholds = match self.look {
            Look::Alarm => {
                json!([{ "color": "green", "value": null }, { "color": "red", "value": 0.000001 }])
            }
            Look::Lines | Look::Traced | Look::Number => json!([{ "color": "text", "value": null }]),
        };
        let (kind, options) = match is_number {
            true => (
                "stat",
                json!({
                    "colorMode": "value", "graphMode": "area", "textMode": "auto",
                    "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
                }),
            ),
            false => (
                "timeseries",
                json!({
                    "legend": { "displayMode": "list", "placement": "bottom" },
                    "tooltip": { "mode": "multi", "sort": "desc" },
                }),
            ),
        };
        json!({
            "id": id,
            "type": kind,
            "title": self.title,
            "description": self.says,
            "datasource": datasource(),
            "gridPos": place,
            "fieldConfig": {
                "defaults": {
                    "unit": self.unit, "min": 0, "thresholds": { "mode": "absolute", "steps": thresholds },
                },
                "overrides": [],
            },
            "options": options,
            "targets": targets.collect::<Vec<_>>(),
        })
    }
}

fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// Outside Kubernetes there is no namespace: its "all" matches series without one.
fn variables() -> Value {
    let choice = |name: &str, label: &str, query: &str| {
        json!({
            "name": name, "label": label, "type": "query", "datasource": datasource(), "definition": query,
            "query": { "query": query, "refId": name }, "refresh": 2, "sort": 1, "multi": true, "includeAll": true,
            "allValue": ".*", "current": { "text": "All", "value": "$__all" }, "hide": 0,
        })
    };
    json!([
        {
            "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0,
            "current": {}, "refresh": 1, "multi": false, "includeAll": false,
        },
        choice("namespace", "Namespace", "label_values(korob_build_info, namespace)"),
        choice(
            "service",
            "Service",
            r#"label_values(korob_pool_connections_max{namespace=~"$namespace"}, database)"#
        ),
    ])
}

//! The rows of the list that has the keys, as data: for a spreadsheet, or for a program.

use serde_json::{Map, Value};

use super::List;
use super::facts::{self, Facts, Key};
use crate::tui::model::Model;

/// Rows with their columns: what a filter can name, and what takes time.
pub(crate) struct Rows {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// The rows as they are arranged; `None` where output has the keys.
pub(crate) fn of(model: &Model) -> Option<Rows> {
    let list = List::with_keys(model)?;
    let timed = list.columns().contains(&"time");
    let mut columns = vec!["name"];
    columns.extend(list.fields());
    columns.extend(timed.then_some("milliseconds"));
    let rows = all(model, list).into_iter().map(|(facts, time)| {
        let mut row: Vec<String> = vec![values(&facts, "")];
        row.extend(list.fields().iter().map(|field| values(&facts, field)));
        row.extend(timed.then(|| time.map_or_else(String::new, |time| time.to_string())));
        row
    });
    Some(Rows {
        rows: rows.collect(),
        columns,
    })
}

/// All values of a field, with spaces between them.
fn values(facts: &Facts, field: &'static str) -> String {
    facts.values(Some(field)).collect::<Vec<_>>().join(" ")
}

/// What is known of every row, and how long it took.
fn all(model: &Model, list: List) -> Vec<(Facts, Option<i64>)> {
    let Some(view) = &model.view else {
        return Vec::new();
    };
    let untimed = |facts: Facts| (facts, None);
    let took = |key| match key {
        Key::Number(time) if time >= 0 => Some(time),
        _ => None,
    };
    let now = model.present();
    match list {
        List::Home => (model.home.facts_of_all(model).into_iter())
            .map(untimed)
            .collect(),
        List::Hosts => (model.hosts.facts_of_all(model).into_iter())
            .map(untimed)
            .collect(),
        List::Configurations => (model.configurations.facts_of_all(model).into_iter())
            .map(untimed)
            .collect(),
        List::History => model
            .history
            .facts_of_all(model)
            .into_iter()
            .map(|(facts, time)| (facts, took(time)))
            .collect(),
        List::Applications => {
            let names = model.lists.applications.iter();
            names
                .map(|name| untimed(facts::application(view, name)))
                .collect()
        }
        List::Groups => {
            let keys = model.lists.groups.iter();
            keys.map(|key| untimed(facts::group(view, key))).collect()
        }
        List::Deployments => {
            let ids = model.lists.deployments.iter();
            let summaries = ids.filter_map(|id| view.summaries.get(id));
            summaries
                .map(|summary| {
                    let time = facts::deployment_key(view, summary, now, "time");
                    (facts::deployment(view, summary), took(time))
                })
                .collect()
        }
        List::Instances => {
            let Some(deployment) = model.deployment() else {
                return Vec::new();
            };
            let shown = model.instances();
            let targets = (0..shown.len()).filter_map(|row| shown.get(row));
            targets
                .filter_map(|target| Some((target, deployment.position(&target.name)?)))
                .map(|(target, position)| {
                    let time = facts::instance_key(target, now, "time");
                    (facts::instance(deployment, position), took(time))
                })
                .collect()
        }
    }
}

impl Rows {
    /// As comma-separated values, with a line of names.
    pub(crate) fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        // It is written to memory, where nothing fails.
        let _ = writer.write_record(&self.columns);
        for row in &self.rows {
            let _ = writer.write_record(row);
        }
        let bytes = writer.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// As a JSON array of objects.
    pub(crate) fn json(&self) -> String {
        let object = |row: &Vec<String>| {
            let fields = self.columns.iter().zip(row);
            let fields = fields.map(|(name, value)| {
                let number = (*name == "milliseconds").then(|| value.parse::<i64>().ok());
                let value = number.map_or_else(|| Value::from(value.as_str()), Value::from);
                ((*name).to_owned(), value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        };
        let rows: Vec<Value> = self.rows.iter().map(object).collect();
        format!("{:#}\n", Value::Array(rows))
    }
}

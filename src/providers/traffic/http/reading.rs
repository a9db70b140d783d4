//! From an answer in JSON to what was seen of a server.

use serde_json::Value;

use super::path::{Found, Path, word};
use super::template::Values;
use crate::model::connections::{HealthField, HttpObserve, ServiceField};
use crate::providers::traffic::{Seen, Service};
use crate::text::safe;

/// Where an answer has what.
#[derive(Debug)]
pub(super) struct Reading {
    service: (Path, ServiceField),
    healthy: Option<(Path, HealthField)>,
    weight: Option<Path>,
    in_flight: Option<Path>,
    requests: Option<Path>,
    errors: Option<Path>,
}

impl Reading {
    /// Checks the paths.
    ///
    /// # Errors
    /// If one is none.
    pub(super) fn new(observe: &HttpObserve) -> Result<Self, String> {
        let path = |text: &Option<String>| text.as_deref().map(Path::parse).transpose();
        let healthy = match &observe.healthy {
            Some(field) => Some((Path::parse(&field.at)?, field.clone())),
            None => None,
        };
        Ok(Self {
            service: (Path::parse(&observe.service.at)?, observe.service.clone()),
            healthy,
            weight: path(&observe.weight)?,
            in_flight: path(&observe.in_flight)?,
            requests: path(&observe.requests)?,
            errors: path(&observe.errors)?,
        })
    }

    pub(super) fn has_health(&self) -> bool {
        self.healthy.is_some()
    }

    pub(super) fn has_in_flight(&self) -> bool {
        self.in_flight.is_some()
    }

    pub(super) fn has_requests(&self) -> bool {
        self.requests.is_some()
    }

    /// What an answer says of a server; nothing if the server isn't in it.
    ///
    /// # Errors
    /// If the answer lacks something, or says it in a word that is not listed.
    pub(super) fn of(&self, answer: &Value, values: Values<'_>) -> Result<Option<Seen>, String> {
        let (path, field) = &self.service;
        let Found::Value(value) = path.find(answer, values)? else {
            return Ok(None);
        };
        let says = spoken(path, value)?;
        let service = if field.serving.contains(&says) {
            Service::In
        } else if field.draining.contains(&says) {
            Service::Draining
        } else if field.out.contains(&says) {
            Service::Out
        } else {
            let says = safe(&says.chars().take(100).collect::<String>());
            return Err(format!(
                "{} is {says:?} for {}: list it under `in`, `draining` or `out` of `service`",
                path.text(),
                values.server
            ));
        };
        let (mut healthy, mut trouble) = (None, None);
        if let Some((path, field)) = &self.healthy
            && let Found::Value(value) = path.find(answer, values)?
            && !value.is_null()
        {
            let says = spoken(path, value)?;
            let is_well = field.is.contains(&says);
            healthy = Some(is_well);
            if !is_well {
                let says: String = says.chars().take(100).collect();
                trouble = Some(format!("{} is {}", path.text(), safe(&says)));
            }
        }
        let number = |path: &Option<Path>| number(path.as_ref(), answer, values);
        let weight = number(&self.weight)?;
        Ok(Some(Seen {
            service,
            healthy,
            trouble,
            weight: weight.map(|w| u32::try_from(w).unwrap_or(u32::MAX)),
            in_flight: number(&self.in_flight)?,
            requests: number(&self.requests)?,
            errors: number(&self.errors)?,
        }))
    }
}

fn spoken(path: &Path, value: &Value) -> Result<String, String> {
    word(value).ok_or_else(|| format!("{} is no text, number or truth value", path.text()))
}

/// A number, also one that is written as text; `null` is none.
fn number(path: Option<&Path>, answer: &Value, values: Values<'_>) -> Result<Option<u64>, String> {
    let Some(path) = path else {
        return Ok(None);
    };
    let Found::Value(value) = path.find(answer, values)? else {
        return Ok(None);
    };
    if value.is_null() {
        return Ok(None);
    }
    let number = word(value).and_then(|word| word.parse().ok());
    let number = number.ok_or_else(|| format!("{} is no whole number", path.text()))?;
    Ok(Some(number))
}

//! `AppSpec`s of Lambda and ECS: one resource, which a deployment is about, and functions of events.

use super::fields::Findings;
use super::hooks::{self, Hooks};
use super::spot::Spot;
use super::{Finding, Review, document, platform, version};
use crate::model::application::ComputePlatform;
use crate::model::yaml::nearest;

const KEYS: [&str; 3] = ["version", "Resources", "Hooks"];
const KEYS_OF_RESOURCE: [&str; 2] = ["Type", "Properties"];

/// What a platform's resource is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// Whose resource it is.
    pub platform: ComputePlatform,
    /// Its `Type`.
    pub name: &'static str,
    /// The names of its properties.
    pub properties: &'static [&'static str],
    /// The finding of a property that is not right.
    pub id: &'static str,
}

/// Reads an `AppSpec` with a resource of a kind, whose properties `read` reads.
pub(super) fn review<T, A>(
    text: &str,
    kind: Kind,
    read: fn(&Spot, &mut Findings) -> Option<T>,
    whole: fn(T, Hooks) -> A,
) -> Review<A> {
    let unreadable = |error| Review::refusal(Finding { id: "L01", ..error });
    let document = match document::read(text) {
        Ok(document) => document,
        Err(error) => return unreadable(error),
    };
    if let Some(error) = platform::mismatch(&document.root, kind.platform) {
        return Review::refusal(error);
    }
    let mut findings = Findings::default();
    findings.warnings.extend(document.second);
    let root = Spot::root(&document.root);
    findings.keys("L01", &root, &KEYS);
    let version = root.field("version");
    if let Some(problem) = version::problem(version.as_ref().map(|spot| spot.node)) {
        findings.wrong("L01", version.as_ref().unwrap_or(&root), problem);
    }
    let properties = properties(&root, kind, &mut findings);
    let resource = properties.and_then(|properties| read(&properties, &mut findings));
    let hooks = hooks::read(&root, kind.platform, &mut findings);
    Review::of(resource.map(|resource| whole(resource, hooks)), findings)
}

/// The properties of the one resource.
fn properties<'a>(document: &Spot<'a>, kind: Kind, findings: &mut Findings) -> Option<Spot<'a>> {
    let remedy = format!("write a list with one resource of the type {}", kind.name);
    let section = findings.demand("L02", document, "Resources", &remedy)?;
    let items = findings.several("L02", &section, &remedy)?;
    let mut resources = Vec::new();
    for item in items {
        if !findings.is_mapping(
            "L02",
            &item,
            "give the resource a name with Type and Properties",
        ) {
            return None;
        }
        resources.extend(item.entries());
    }
    let mut resources = resources.into_iter();
    let Some(resource) = resources.next() else {
        findings.wrong("L02", &section, format!("there is no resource; {remedy}"));
        return None;
    };
    for further in resources {
        let message = "a deployment is about one resource; give this one an AppSpec of its own";
        findings.wrong("L02", &further.key, message);
    }
    let resource = resource.value;
    let remedy = "give the resource Type and Properties";
    if !findings.is_mapping("L02", &resource, remedy) {
        return None;
    }
    findings.keys("L01", &resource, &KEYS_OF_RESOURCE);
    kind_of(&resource, kind, findings);
    let known = kind.properties.join(", ");
    let properties =
        findings.demand(kind.id, &resource, "Properties", &format!("it has {known}"))?;
    if !findings.is_mapping(kind.id, &properties, &format!("it has {known}")) {
        return None;
    }
    findings.keys("L01", &properties, kind.properties);
    Some(properties)
}

fn kind_of(resource: &Spot, kind: Kind, findings: &mut Findings) {
    let remedy = format!("write Type: {}", kind.name);
    let Some(spot) = findings.demand("L02", resource, "Type", &remedy) else {
        return;
    };
    let Some(text) = findings.word("L02", &spot, &remedy) else {
        return;
    };
    if text != kind.name {
        let help = nearest(text, [kind.name]).unwrap_or(remedy);
        findings.wrong(
            "L02",
            &spot,
            format!("there is no type {text:?} here ({help})"),
        );
    }
}

//! For which platform an `AppSpec` is, as far as it says.

use super::ecs::SERVICE;
use super::fields::position;
use super::lambda::FUNCTION;
use super::resource::Kind;
use super::spot::Spot;
use super::{Finding, document};
use crate::model::application::ComputePlatform;
use crate::model::yaml::Node;

/// What only AppSpecs of servers have.
const OF_SERVERS: [&str; 4] = ["os", "files", "permissions", "file_exists_behavior"];

const KINDS: [Kind; 2] = [FUNCTION, SERVICE];

/// The platform that an `AppSpec` is for; none if it is not readable, or says nothing about it.
pub fn platform(text: &str) -> Option<ComputePlatform> {
    let document = document::read(text).ok()?;
    signs(&document.root).first().map(|sign| sign.platform)
}

/// What to say about an `AppSpec` that has resources, but no platform's: nobody can read it before it says more.
pub fn undecided(text: &str) -> Option<Finding> {
    let document = document::read(text).ok()?;
    if !signs(&document.root).is_empty() {
        return None;
    }
    let section = Spot::root(&document.root).field("Resources")?;
    let [function, service] =
        KINDS.map(|kind| format!("{} for {}", kind.name, kind.platform.name()));
    let message = format!(
        "whose resource is this? Give it a Type: {function}, {service}; or say the platform"
    );
    Some(Finding::at("L02", position(section.node), message).about(section.path))
}

/// The finding of an `AppSpec` that is for another platform than it is read for.
pub(super) fn mismatch(document: &Node, wanted: ComputePlatform) -> Option<Finding> {
    let signs = signs(document);
    if signs.iter().any(|sign| sign.platform == wanted) {
        return None;
    }
    let sign = signs.into_iter().next()?;
    let (found, wanted) = (sign.platform.name(), wanted.name());
    let message = format!(
        "this is an AppSpec for {found}, and the application's compute platform is {wanted}; deploy it to an application of {found}, or write one for {wanted}"
    );
    Some(Finding::at("L07", position(sign.spot.node), message).about(sign.spot.path))
}

/// What tells a platform, and where.
struct Sign<'a> {
    platform: ComputePlatform,
    spot: Spot<'a>,
}

/// Everything that tells a platform; that of servers first, whose AppSpecs may have anything besides.
fn signs(document: &Node) -> Vec<Sign<'_>> {
    let root = Spot::root(document);
    let own = root
        .entries()
        .into_iter()
        .find(|entry| OF_SERVERS.contains(&entry.name));
    let server = own.map(|entry| Sign {
        platform: ComputePlatform::Server,
        spot: entry.key,
    });
    let section = root.field("Resources");
    let resources = section.map(|section| resources(&section));
    let other = resources.unwrap_or_default().iter().find_map(of_resource);
    server.into_iter().chain(other).collect()
}

/// The resources of a list, or of a mapping, which is wrong but tells as much.
fn resources<'a>(section: &Spot<'a>) -> Vec<Spot<'a>> {
    let mappings = section.items().unwrap_or_else(|| vec![section.clone()]);
    let entries = mappings.iter().flat_map(Spot::entries);
    entries.map(|entry| entry.value).collect()
}

/// By its type; by a property that only one kind has, if the type says nothing.
fn of_resource<'a>(resource: &Spot<'a>) -> Option<Sign<'a>> {
    let sign = |kind: Kind, spot| Sign {
        platform: kind.platform,
        spot,
    };
    let by_type = resource.field("Type").and_then(|spot| {
        let text = spot.node.as_str()?.trim();
        let kind = KINDS
            .into_iter()
            .find(|kind| kind.name.eq_ignore_ascii_case(text))?;
        Some(sign(kind, spot))
    });
    by_type.or_else(|| {
        let properties = resource.field("Properties")?;
        KINDS.into_iter().find_map(|kind| {
            let mut names = kind.properties.iter();
            let spot = names.find_map(|name| properties.field(name))?;
            Some(sign(kind, spot))
        })
    })
}

#[cfg(test)]
mod tests {
    use ComputePlatform::{Ecs, Lambda, Server};

    use super::*;
    use crate::appspec::{ecs, lambda, server};

    const SERVER: &str = "version: 0.0\nos: linux\n";
    const LAMBDA: &str = "version: 0.0\nResources: [{a: {Type: AWS::Lambda::Function, Properties: {Name: a, Alias: b, TargetVersion: 1}}}]\n";
    const ECS: &str = "version: 0.0\nResources: [{a: {Type: AWS::ECS::Service, Properties: {TaskDefinition: a, LoadBalancerInfo: {ContainerName: a, ContainerPort: 1}}}}]\n";

    #[test]
    fn an_appspec_says_whose_it_is() {
        for (text, expected) in [
            (SERVER, Some(Server)),
            (LAMBDA, Some(Lambda)),
            (ECS, Some(Ecs)),
            ("files: []", Some(Server)),
            ("Files: []", None),
            ("permissions: []", Some(Server)),
            ("file_exists_behavior: RETAIN", Some(Server)),
            (
                "os: linux\nresources: [{a: {type: AWS::ECS::Service}}]",
                Some(Server),
            ),
            ("resources: [{a: {type: aws::ecs::service}}]", Some(Ecs)),
            (
                "resources: {a: {type: AWS::Lambda::Function}}",
                Some(Lambda),
            ),
            (
                "resources: [{a: {properties: {targetversion: 1}}}]",
                Some(Lambda),
            ),
            (
                "resources: [{a: {type: x, properties: {taskDefinition: 1}}}]",
                Some(Ecs),
            ),
            (
                "resources: [{a: }, {b: {type: AWS::ECS::Service}}]",
                Some(Ecs),
            ),
            ("resources: [{a: {type: x}}]", None),
            ("resources: text", None),
            ("version: 0.0\nhooks: {AfterInstall: [{location: a}]}", None),
            ("", None),
            ("a: [", None),
            ("- a", None),
        ] {
            assert_eq!(platform(text), expected, "{text}");
        }
    }

    #[test]
    fn what_has_resources_of_no_platform_is_told_so() {
        let message = undecided("version: 0.0\nresources: [{a: {type: x}}]");
        assert_eq!(
            message.unwrap().to_string(),
            "L02 line 2, column 12: resources: whose resource is this? Give it a Type: AWS::Lambda::Function for Lambda, AWS::ECS::Service for ECS; or say the platform"
        );
        for text in [SERVER, LAMBDA, ECS, "version: 0.0", "", "resources:"] {
            assert_eq!(undecided(text), None, "{text}");
        }
    }

    #[test]
    fn every_platform_refuses_those_of_the_others() {
        let all = [(Server, SERVER), (Lambda, LAMBDA), (Ecs, ECS)];
        for (found, text) in all {
            for (wanted, _) in all {
                let errors = match wanted {
                    Server => server::review(text).errors,
                    Lambda => lambda::review(text).errors,
                    Ecs => ecs::review(text).errors,
                };
                let shown: Vec<_> = errors.iter().map(ToString::to_string).collect();
                if found == wanted {
                    assert_eq!(shown, [""; 0]);
                    continue;
                }
                let (found, wanted) = (found.name(), wanted.name());
                let expected = format!(
                    "this is an AppSpec for {found}, and the application's compute platform is {wanted}; deploy it to an application of {found}, or write one for {wanted}"
                );
                assert_eq!(shown.len(), 1, "{shown:?}");
                assert!(
                    shown[0].starts_with("L07 line 2, column ") && shown[0].ends_with(&expected),
                    "{shown:?}"
                );
            }
        }
    }

    #[test]
    fn a_stray_key_of_servers_makes_no_other_platform() {
        let review = lambda::review(&format!("{LAMBDA}os: linux\n"));
        assert_eq!(review.errors, []);
        assert_eq!(review.warnings.len(), 1);
        assert_eq!(review.warnings[0].id, "W03");
    }
}

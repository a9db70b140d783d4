//! Where revisions come from, in `cutover.yaml`: whether it can be asked.

use super::document::Document;
use super::problem::{Problems, Severity};
use super::receivers::address;
use crate::model::connections::{Repositories, SourceConnection, SourceKind};
use crate::model::s3::is_bucket;
use crate::model::yaml;

/// Checks what sources are about, and where they are.
pub(super) fn check(sources: &[SourceConnection], document: &Document, problems: &mut Problems) {
    let list = yaml::Path::root().key("connections").key("sources");
    for (index, source) in sources.iter().enumerate() {
        let from = list.index(index).key("from");
        let (path, server) = match &source.from {
            SourceKind::Github(some) => (from.key("github"), Some(some)),
            SourceKind::Bitbucket(some) => (from.key("bitbucket"), Some(some)),
            SourceKind::Http(some) => {
                let path = from.key("http").key("address");
                if let Some((path, _)) = address(&some.address, path) {
                    let message = "this is no address: write how addresses begin, such as https://artifacts.example/shop/";
                    problems.add(document.problem(Severity::Error, &path, message));
                }
                continue;
            }
            SourceKind::S3(some) => {
                if some.of.as_deref().is_some_and(|of| !is_in_a_bucket(of)) {
                    let path = from.key("s3").key("of");
                    let message = "write BUCKET or BUCKET/PREFIX, as in shop-bundles or shop-bundles/web/; leave it out for all";
                    problems.add(document.problem(Severity::Error, &path, message));
                }
                continue;
            }
        };
        if server.is_some_and(|some| !is_of_somebody(some)) {
            let message =
                "write OWNER or OWNER/REPOSITORY, as in acme or acme/shop; leave it out for all";
            problems.add(document.problem(Severity::Error, &path.key("of"), message));
        }
        let server = server.and_then(|some| some.address.as_deref());
        let wrong = server.and_then(|server| address(server, path.key("address")));
        if let Some((path, _)) = wrong {
            let message =
                "this is no address: write one such as https://github.acme.example/api/v3";
            problems.add(document.problem(Severity::Error, &path, message));
        }
    }
}

fn is_in_a_bucket(of: &str) -> bool {
    is_bucket(of.split('/').next().unwrap_or_default()) && !of.contains(char::is_control)
}

fn is_of_somebody(some: &Repositories) -> bool {
    let Some(of) = &some.of else {
        return true;
    };
    let part = |part: &str| !part.is_empty() && !part.contains(['*', ':', '@', ' ']);
    of.split('/').all(part) && of.split('/').count() <= 2
}

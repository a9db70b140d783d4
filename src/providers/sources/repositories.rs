//! GitHub and Bitbucket: the archive of a commit. The one folder at the top of it is left there, as `CodeDeploy` leaves it:
//! hosts look below it.

use super::Place;
use crate::model::source::Commit;

/// Where GitHub's API is.
const GITHUB: &str = "https://api.github.com";

/// Where Bitbucket is: its API has no archives.
const BITBUCKET: &str = "https://bitbucket.org";

/// `GET /repos/{owner}/{repo}/tarball/{ref}`, which leads elsewhere.
pub(super) fn on_github(commit: &Commit, server: Option<&str>) -> Place {
    let server = server.unwrap_or(GITHUB).trim_end_matches('/');
    let Commit {
        owner,
        repository,
        commit: digits,
    } = commit;
    Place {
        who: "GitHub".to_owned(),
        what: format!("the commit {digits} of {owner}/{repository}"),
        url: format!("{server}/repos/{owner}/{repository}/tarball/{digits}"),
        headers: &[
            ("Accept", "application/vnd.github+json"),
            ("X-GitHub-Api-Version", "2022-11-28"),
        ],
    }
}

/// `GET /{workspace}/{repo}/get/{commit}.tar.gz`.
pub(super) fn on_bitbucket(commit: &Commit, server: Option<&str>) -> Place {
    let server = server.unwrap_or(BITBUCKET).trim_end_matches('/');
    let Commit {
        owner,
        repository,
        commit: digits,
    } = commit;
    Place {
        who: "Bitbucket".to_owned(),
        what: format!("the commit {digits} of {owner}/{repository}"),
        url: format!("{server}/{owner}/{repository}/get/{digits}.tar.gz"),
        headers: &[],
    }
}

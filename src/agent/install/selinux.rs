//! `SELinux` contexts: a lasting rule for each target, and labelling by it.
//!
//! A rule names its paths by a regular expression. One that means exactly one path, of ASCII characters without blanks,
//! which is all that rules may be made of, stands for itself once its special characters are escaped.

use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::tools::show;
use crate::appspec::server::Context;

/// The expression that matches a path and nothing else.
pub fn expression(path: &Path) -> String {
    let mut expression = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => expression.push(char::from(*byte)),
            b'/' | b'_' | b'-' | b'@' | b'%' | b'=' | b',' | b':' => {
                expression.push(char::from(*byte));
            }
            b'!'..=b'~' => expression.extend(['\\', char::from(*byte)]),
            // Writing to a string cannot fail.
            _ => drop(write!(expression, "\\x{byte:02x}")),
        }
    }
    expression
}

/// What `semanage` is told to add a rule.
pub fn add(context: &Context, expression: &str) -> Vec<OsString> {
    let mut arguments = vec!["fcontext", "-a"];
    if let Some(user) = &context.user {
        arguments.extend(["-s", user]);
    }
    arguments.extend(["-t", &context.kind]);
    if let Some(range) = &context.range {
        arguments.extend(["-r", range]);
    }
    arguments.push(expression);
    arguments.into_iter().map(OsString::from).collect()
}

/// What `semanage` is told to delete a rule.
pub fn delete(expression: &str) -> [OsString; 3] {
    ["fcontext", "-d", expression].map(OsString::from)
}

/// What `restorecon` is told to label one path.
pub fn relabel(path: &Path) -> [OsString; 2] {
    [OsString::from("-vF"), path.as_os_str().to_owned()]
}

/// What would be run for a target.
pub fn commands(context: &Context, path: &Path) -> String {
    let add = show("semanage".as_ref(), &add(context, &expression(path)));
    let relabel = show("restorecon".as_ref(), &relabel(path));
    format!("{add} && {relabel}")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn an_expression_means_one_path() {
        for (path, expected) in [
            ("/srv/app/bin", "/srv/app/bin"),
            ("/srv/my-app_2/a.txt", r"/srv/my-app_2/a\.txt"),
            ("/srv/a b/[x]+(1)", r"/srv/a\x20b/\[x\]\+\(1\)"),
            ("/srv/é\n", r"/srv/\xc3\xa9\x0a"),
            (r"/srv/back\slash$", r"/srv/back\\slash\$"),
        ] {
            assert_eq!(expression(Path::new(path)), expected);
        }
        let odd = Path::new(OsStr::from_bytes(b"/srv/\xff"));
        assert_eq!(expression(odd), r"/srv/\xff");
    }

    #[test]
    fn only_what_is_asked_for_is_set() {
        let mut context = Context {
            kind: "httpd_sys_content_t".to_owned(),
            user: None,
            range: None,
        };
        let path = Path::new("/srv/app/a b");
        assert_eq!(
            commands(&context, path),
            r"semanage fcontext -a -t httpd_sys_content_t '/srv/app/a\x20b' && restorecon -vF '/srv/app/a b'"
        );
        context.user = Some("system_u".to_owned());
        context.range = Some("s0:c1,c2".to_owned());
        assert_eq!(
            add(&context, "/x"),
            "fcontext -a -s system_u -t httpd_sys_content_t -r s0:c1,c2 /x"
                .split(' ')
                .collect::<Vec<_>>()
        );
        assert_eq!(delete("/x"), ["fcontext", "-d", "/x"]);
    }
}

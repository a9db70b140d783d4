//! How functions are named: by a name, or by an ARN, each with a version or an alias if need be.

/// Names are no longer than this where they stand alone; so says Lambda.
const LONGEST_NAME: usize = 64;

/// Aliases are no longer than this; so says Lambda.
const LONGEST_ALIAS: usize = 128;

/// A function's name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// The name itself.
    pub name: &'a str,
    /// The version or the alias.
    pub qualifier: Option<&'a str>,
}

/// Reads `name`, `account:function:name` or a whole ARN, maybe with `:version` or `:alias` behind it.
///
/// # Errors
///
/// What is wrong, and what to write.
pub(super) fn parse(text: &str) -> Result<Reference<'_>, String> {
    // The mistake of those who have no functions: an address of their own where a name belongs.
    if text.contains('/') {
        return Err(format!(
            "{text:?} is an address or a path; write a name, as where it leads is no matter of the AppSpec"
        ));
    }
    let parts: Vec<_> = text.split(':').collect();
    let (account, name, qualifier) = match *parts.as_slice() {
        [
            "arn",
            partition,
            service,
            region,
            account,
            kind,
            name,
            ref rest @ ..,
        ] if rest.len() <= 1 => {
            if service != "lambda" || kind != "function" {
                return Err(format!(
                    "{text:?} is no function's ARN; those begin like arn:aws:lambda:REGION:ACCOUNT:function:NAME"
                ));
            }
            let place = |part: &str| {
                let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                !part.is_empty() && part.chars().all(good)
            };
            if !place(partition) || !place(region) {
                return Err(format!(
                    "{text:?} names no partition or no region; write arn:aws:lambda:REGION:ACCOUNT:function:NAME"
                ));
            }
            (Some(account), name, rest.first().copied())
        }
        ["arn", ..] => {
            return Err(format!(
                "{text:?} is no function's ARN; write arn:aws:lambda:REGION:ACCOUNT:function:NAME, maybe with :ALIAS behind it"
            ));
        }
        [account, "function", name] => (Some(account), name, None),
        [account, "function", name, qualifier] => (Some(account), name, Some(qualifier)),
        [name] => (None, name, None),
        [name, qualifier] => (None, name, Some(qualifier)),
        _ => {
            return Err(format!(
                "{text:?} has too many colons; write a function's name, NAME:ALIAS or its ARN"
            ));
        }
    };
    if let Some(account) = account
        && !(account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(format!("the account {account:?} is not twelve digits"));
    }
    if !is_word(name, LONGEST_NAME) {
        return Err(format!(
            "{name:?} is no function's name, which is up to {LONGEST_NAME} letters, digits, - and _"
        ));
    }
    match qualifier {
        Some(qualifier) if qualifier != "$LATEST" && !is_word(qualifier, LONGEST_ALIAS) => {
            Err(format!("{qualifier:?} is neither a version nor an alias"))
        }
        qualifier => Ok(Reference { name, qualifier }),
    }
}

/// Why a text cannot be an alias, if it cannot.
pub(super) fn alias_problem(text: &str) -> Option<String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) || text == "$LATEST" {
        return Some(format!(
            "{text:?} is a version, not an alias; name the alias whose traffic is to be shifted"
        ));
    }
    (!is_word(text, LONGEST_ALIAS)).then(|| {
        format!("{text:?} is no alias, which is up to {LONGEST_ALIAS} letters, digits, - and _")
    })
}

/// Letters, digits, `-` and `_`, and not too many of them.
pub(super) fn is_word(text: &str, longest: usize) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.len() <= longest && text.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns_are_taken_apart() {
        let arn = "arn:aws:lambda:eu-north-1:000011112222:function:check";
        let qualified = format!("{arn}:live");
        for (text, name, qualifier) in [
            ("check", "check", None),
            ("CodeDeployHook_check-1", "CodeDeployHook_check-1", None),
            ("check:live", "check", Some("live")),
            ("check:7", "check", Some("7")),
            ("check:$LATEST", "check", Some("$LATEST")),
            ("000011112222:function:check", "check", None),
            ("000011112222:function:check:live", "check", Some("live")),
            (arn, "check", None),
            (&qualified, "check", Some("live")),
            (
                "arn:aws-us-gov:lambda:us-gov-west-1:000011112222:function:check",
                "check",
                None,
            ),
        ] {
            assert_eq!(parse(text), Ok(Reference { name, qualifier }), "{text}");
        }
        assert!(parse(&"a".repeat(64)).is_ok());
    }

    #[test]
    fn everything_else_is_refused() {
        let long = "a".repeat(65);
        for (text, expected) in [
            ("", "is no function's name"),
            ("a b", "is no function's name"),
            ("ops/check.sh", "is an address or a path; write a name"),
            ("http://localhost/check", "is an address or a path"),
            (&long, "is no function's name"),
            ("check:", "neither a version nor an alias"),
            ("check:a b", "neither a version nor an alias"),
            (":live", "is no function's name"),
            ("a:b:c", "too many colons"),
            ("1:function:check", "is not twelve digits"),
            (
                "arn:aws:lambda:eu-north-1:1:function:check",
                "is not twelve digits",
            ),
            (
                "arn:aws:s3:eu-north-1:000011112222:function:check",
                "is no function's ARN",
            ),
            (
                "arn:aws:lambda:eu-north-1:000011112222:layer:check",
                "is no function's ARN",
            ),
            (
                "arn:aws:lambda::000011112222:function:check",
                "no partition or no region",
            ),
            (
                "arn:aws:lambda:eu-north-1:000011112222:function:check:live:7",
                "is no function's ARN",
            ),
            ("arn:aws:lambda", "is no function's ARN"),
            ("arn:aws:s3:::bucket", "is no function's ARN"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }

    #[test]
    fn aliases_are_words_but_no_numbers() {
        for good in ["live", "1st", "a-b_c", &"a".repeat(128)] {
            assert_eq!(alias_problem(good), None, "{good}");
        }
        for (wrong, expected) in [
            ("42", "is a version"),
            ("$LATEST", "is a version"),
            ("a b", "is no alias"),
            ("a:b", "is no alias"),
            (&"a".repeat(129), "is no alias"),
        ] {
            let problem = alias_problem(wrong).unwrap();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}

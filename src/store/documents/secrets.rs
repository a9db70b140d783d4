//! Secrets in `cutover.yaml`: where they are kept, what refers to them, and what had better refer to one.

use std::collections::BTreeMap;

use super::document::Document;
use super::problem::{Problem, Problems, Severity};
use crate::model::connections::{
    AlarmSource, CommandReceiver, Connections, FleetProvider, HookKind, HttpRequest, ReceiverKind,
    Slack, SourceConnection, SourceKind, TrafficProvider, Webhook,
};
use crate::model::name::Name;
use crate::model::project::ProjectDocument;
use crate::model::secret::{SecretRef, TextOrSecret, is_variable};
use crate::model::yaml::{self, Node, Path, Value};

/// Fields that named files, and what they are now.
const FORMER: [(&str, &str); 3] = [
    ("tokenFile", "token: NAME"),
    ("secretFile", "secret: NAME"),
    ("urlFile", "url: { secret: NAME }"),
];

/// Headers that hold nothing but secrets.
const CREDENTIALS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// What in the name of a header, a parameter or an option makes it look like a secret.
const SUSPICIOUS: [&str; 9] = [
    "token",
    "secret",
    "password",
    "passwd",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "credential",
];

/// Sets aside fields that are no more, and says what to write instead.
pub(super) fn former(document: &mut Document, problems: &mut Problems) {
    let mut found = Vec::new();
    if let Value::Mapping(entries) = &document.node.value {
        let connections = entries
            .iter()
            .filter(|(key, _)| key.as_str() == Some("connections"));
        for (_, node) in connections {
            find_former(node, &Path::root().key("connections"), &mut found);
        }
    }
    for (path, file, instead) in found {
        let message = format!(
            "secrets are referred to by name now: write `{instead}` here, and `NAME: {{ file: {file} }}` below `secrets:`"
        );
        problems.add(document.problem(Severity::Error, &path, message));
    }
    remove_former(&mut document.node);
    written_down(document, problems);
}

/// Sets aside what says what a secret is, and not where: it is not to be repeated as something that was not understood.
fn written_down(document: &mut Document, problems: &mut Problems) {
    let root = Path::root().key("secrets");
    let secrets = document.node.get("secrets").and_then(Node::as_mapping);
    let names: Vec<String> = secrets
        .unwrap_or_default()
        .iter()
        .filter(|(_, value)| value.as_mapping().is_none())
        .map(|(key, _)| key.as_str().unwrap_or_default().to_owned())
        .collect();
    for name in &names {
        let message = "say where the secret is kept, not what it is: `{ environment: VARIABLE }`, `{ file: PATH }` or `{ command: [PROGRAM] }`";
        problems.add(document.problem(Severity::Error, &root.key(name), message));
    }
    let Value::Mapping(entries) = &mut document.node.value else {
        return;
    };
    for (key, value) in entries {
        if key.as_str() == Some("secrets")
            && let Value::Mapping(secrets) = &mut value.value
        {
            secrets.retain(|(_, value)| value.as_mapping().is_some());
        }
    }
}

fn find_former(node: &Node, path: &Path, found: &mut Vec<(Path, String, &'static str)>) {
    for (key, value) in node.as_mapping().unwrap_or_default() {
        let key = key.as_str().unwrap_or_default();
        let path = path.key(key);
        match FORMER.iter().find(|(former, _)| *former == key) {
            Some((_, instead)) => {
                let file = value.as_str().unwrap_or("FILE").to_owned();
                found.push((path, file, instead));
            }
            None => find_former(value, &path, found),
        }
    }
    for (index, value) in node.as_sequence().unwrap_or_default().iter().enumerate() {
        find_former(value, &path.index(index), found);
    }
}

fn remove_former(node: &mut Node) {
    let is_former = |key: &Node| {
        FORMER
            .iter()
            .any(|(former, _)| key.as_str() == Some(former))
    };
    match &mut node.value {
        Value::Mapping(entries) => {
            entries.retain(|(key, _)| !is_former(key));
            for (_, value) in entries {
                remove_former(value);
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(remove_former),
        _ => {}
    }
}

/// Checks where secrets are kept, that those exist that are referred to, and that none is written down.
pub(super) fn check(project: &ProjectDocument, document: &Document, problems: &mut Problems) {
    for (name, source) in &project.secrets {
        if let Err(wrong) = source.check() {
            let path = Path::root()
                .key("secrets")
                .key(name.as_str())
                .key(source.kind());
            problems.add(document.problem(Severity::Error, &path, wrong.to_string()));
        }
    }
    let mut places = Places::default();
    places.of(&project.connections);
    for (path, secret) in &places.references {
        if !project.secrets.contains_key(&secret.0) {
            // Somebody may have written the secret itself, which is not to be repeated.
            let message = "no secret of `secrets` has this name: say there where it is kept, as in `NAME: { file: /etc/cutover/NAME }`; what it is belongs nowhere here";
            let known = project.secrets.keys().map(Name::as_str);
            problems.add(Problem {
                help: yaml::nearest(secret.0.as_str(), known),
                ..document.problem(Severity::Error, path, message)
            });
        }
    }
    for (severity, path, message) in places.written() {
        problems.add(document.problem(severity, &path, message));
    }
}

/// Where connections have secrets, and where they could.
#[derive(Default)]
struct Places<'a> {
    references: Vec<(Path, &'a SecretRef)>,
    urls: Vec<(Path, &'a str)>,
    headers: Vec<(Path, &'a str)>,
    variables: Vec<(Path, &'a str)>,
    commands: Vec<(Path, &'a [String])>,
    /// Addresses that are secrets as a whole.
    addresses: Vec<(Path, &'a str)>,
}

impl<'a> Places<'a> {
    fn of(&mut self, all: &'a Connections) {
        let root = Path::root().key("connections");
        for (index, one) in all.aws.iter().enumerate() {
            let path = root.key("aws").index(index).key("endpointUrl");
            self.urls
                .extend(one.endpoint_url.as_deref().map(|url| (path, url)));
        }
        for (index, one) in all.load_balancers.iter().enumerate() {
            let path = root.key("loadBalancers").index(index).key("provider");
            self.of_balancer(&one.provider, &path);
        }
        for (index, one) in all.alarms.iter().enumerate() {
            let path = root.key("alarms").index(index).key("source");
            self.of_alarm(&one.source, &path);
        }
        for (index, one) in all.receivers.iter().enumerate() {
            let path = root.key("receivers").index(index).key("via");
            match &one.via {
                ReceiverKind::Webhook(webhook) => self.of_webhook(webhook, &path),
                ReceiverKind::Slack(slack) => self.of_slack(slack, &path),
                ReceiverKind::Command(command) => self.of_command(command, &path),
                ReceiverKind::Sns(_) => {}
            }
        }
        for (index, one) in all.hooks.iter().enumerate() {
            let path = root.key("hooks").index(index).key("via");
            match &one.via {
                HookKind::Webhook(webhook) => self.of_webhook(webhook, &path),
                HookKind::Command(command) => self.of_command(command, &path),
                HookKind::Lambda(_) => {}
            }
        }
        for (index, one) in all.sources.iter().enumerate() {
            let path = root.key("sources").index(index).key("from");
            self.of_source(one, &path);
        }
        for (index, one) in all.fleets.iter().enumerate() {
            let path = root.key("fleets").index(index).key("provider");
            self.of_fleet(&one.provider, &path);
        }
    }

    fn of_balancer(&mut self, provider: &'a TrafficProvider, path: &Path) {
        match provider {
            TrafficProvider::Envoy(envoy) => {
                let path = path.key("envoy");
                self.urls.push((path.key("admin"), &envoy.admin));
            }
            TrafficProvider::Router(router) => {
                self.urls
                    .push((path.key("router").key("admin"), &router.admin));
            }
            TrafficProvider::Http(http) => {
                let path = path.key("http");
                self.request(&http.enter, &path.key("enter"));
                self.request(&http.leave, &path.key("leave"));
                let optional = [("drain", &http.drain), ("weight", &http.weight)];
                for (key, request) in optional {
                    if let Some(request) = request {
                        self.request(request, &path.key(key));
                    }
                }
                if let Some(observe) = &http.observe {
                    self.request(&observe.request, &path.key("observe").key("request"));
                }
            }
            TrafficProvider::Haproxy(_) | TrafficProvider::Nginx(_) | TrafficProvider::Elbv2(_) => {
            }
        }
    }

    fn request(&mut self, request: &'a HttpRequest, path: &Path) {
        self.urls.push((path.key("url"), &request.url));
        self.signed(&request.headers, request.token.as_ref(), path);
    }

    fn of_alarm(&mut self, source: &'a AlarmSource, path: &Path) {
        match source {
            AlarmSource::Prometheus(alarm) => {
                let path = path.key("prometheus");
                self.urls.push((path.key("address"), &alarm.address));
                self.signed(&alarm.headers, alarm.token.as_ref(), &path);
            }
            AlarmSource::Http(alarm) => {
                let path = path.key("http");
                self.urls.push((path.key("url"), &alarm.url));
                self.signed(&alarm.headers, alarm.token.as_ref(), &path);
            }
            AlarmSource::Command(alarm) => {
                let path = path.key("command");
                self.commands.push((path.key("run"), &alarm.run));
                self.equipped(&alarm.secrets, &path);
            }
            AlarmSource::CloudWatch(_) => {}
        }
    }

    fn of_source(&mut self, source: &'a SourceConnection, from: &Path) {
        let (path, address) = match &source.from {
            SourceKind::Github(some) => (from.key("github"), some.address.as_deref()),
            SourceKind::Bitbucket(some) => (from.key("bitbucket"), some.address.as_deref()),
            SourceKind::Http(some) => (from.key("http"), Some(some.address.as_str())),
            SourceKind::S3(_) => (from.key("s3"), None),
        };
        let address = address.map(|address| (path.key("address"), address));
        self.urls.extend(address);
        self.signed(source.headers(), source.token(), &path);
    }

    fn of_webhook(&mut self, webhook: &'a Webhook, via: &Path) {
        let path = via.key("webhook");
        self.text(&webhook.url, &path.key("url"));
        let secrets = [("token", &webhook.token), ("secret", &webhook.secret)];
        for (key, secret) in secrets {
            let secret = secret.as_ref().map(|secret| (path.key(key), secret));
            self.references.extend(secret);
        }
    }

    fn of_slack(&mut self, slack: &'a Slack, via: &Path) {
        let path = via.key("slack").key("url");
        self.text(&slack.url, &path);
        let written = slack.url.text().map(|url| (path, url));
        self.addresses.extend(written);
    }

    fn of_command(&mut self, command: &'a CommandReceiver, via: &Path) {
        let path = via.key("command");
        self.commands.push((path.key("run"), &command.run));
        self.equipped(&command.secrets, &path);
    }

    fn of_fleet(&mut self, provider: &'a FleetProvider, path: &Path) {
        match provider {
            FleetProvider::Command {
                provision,
                terminate,
                secrets,
            } => {
                let path = path.key("command");
                self.commands.push((path.key("provision"), provision));
                self.commands.push((path.key("terminate"), terminate));
                self.equipped(secrets, &path);
            }
            FleetProvider::Http {
                provision,
                terminate,
                token,
            } => {
                let path = path.key("http");
                self.urls.push((path.key("provision"), provision));
                self.urls.push((path.key("terminate"), terminate));
                let token = token.as_ref().map(|token| (path.key("token"), token));
                self.references.extend(token);
            }
        }
    }

    fn text(&mut self, text: &'a TextOrSecret, path: &Path) {
        match text {
            TextOrSecret::Text(url) => self.urls.push((path.clone(), url)),
            TextOrSecret::Secret(secret) => self.references.push((path.key("secret"), secret)),
        }
    }

    fn signed(
        &mut self,
        headers: &'a BTreeMap<String, TextOrSecret>,
        token: Option<&'a SecretRef>,
        path: &Path,
    ) {
        for (name, value) in headers {
            let path = path.key("headers").key(name);
            match value {
                TextOrSecret::Text(_) => self.headers.push((path, name)),
                TextOrSecret::Secret(secret) => self.references.push((path.key("secret"), secret)),
            }
        }
        self.references
            .extend(token.map(|token| (path.key("token"), token)));
    }

    fn equipped(&mut self, secrets: &'a BTreeMap<String, SecretRef>, path: &Path) {
        for (variable, secret) in secrets {
            let path = path.key("secrets").key(variable);
            self.variables.push((path.clone(), variable));
            self.references.push((path, secret));
        }
    }

    /// What is written down and is, or looks like, a secret. None is repeated.
    fn written(&self) -> Vec<(Severity, Path, String)> {
        use Severity::{Error, Warning};
        let mut all = Vec::new();
        for (path, url) in &self.urls {
            if has_credentials(url) {
                let message = "a user or a password does not belong into an address, which is shown: leave it out, and send a `token`, or a header `Authorization` that is `{ secret: NAME }`";
                all.push((Error, path.clone(), message.to_owned()));
            }
            if let Some(name) = suspicious_parameter(url) {
                let message = format!(
                    "the parameter {name} looks like a secret, and addresses are shown: send a header that is `{{ secret: NAME }}` if you can"
                );
                all.push((Warning, path.clone(), message));
            }
        }
        for (path, url) in &self.addresses {
            let known = host(url).is_some_and(|host| host.ends_with("hooks.slack.com"));
            let severity = if known { Error } else { Warning };
            let message = "who knows this address may write to the channel: write `url: { secret: NAME }`, and say below `secrets:` where NAME is kept";
            // A receiver on this machine is for trying things out.
            if known || !host(url).is_some_and(is_loopback) {
                all.push((severity, path.clone(), message.to_owned()));
            }
        }
        for (path, name) in &self.headers {
            let lower = name.to_ascii_lowercase();
            let severity = if CREDENTIALS.contains(&lower.as_str()) {
                Error
            } else if is_suspicious(&lower) {
                Warning
            } else {
                continue;
            };
            let message = format!(
                "what this header says is a secret: write `{name}: {{ secret: NAME }}`, and say below `secrets:` where NAME is kept"
            );
            all.push((severity, path.clone(), message));
        }
        for (path, variable) in &self.variables {
            if !is_variable(variable) {
                let message =
                    "this is no name of a variable: write letters, digits and _, as in API_TOKEN";
                all.push((Error, path.clone(), message.to_owned()));
            }
        }
        for (path, run) in &self.commands {
            if let Some(option) = suspicious_option(run) {
                let message = format!(
                    "what {option} says looks like a secret, and everybody on the machine can read command lines: write `secrets: {{ VARIABLE: NAME }}` beside it"
                );
                all.push((Warning, path.clone(), message));
            }
        }
        all
    }
}

/// Between the scheme and the path.
fn authority(url: &str) -> Option<&str> {
    let (_, behind) = url.split_once("://")?;
    behind.split(['/', '?', '#']).next()
}

fn has_credentials(url: &str) -> bool {
    authority(url).is_some_and(|authority| authority.contains('@'))
}

fn host(url: &str) -> Option<&str> {
    let authority = authority(url)?;
    let behind = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let end = behind.rfind(':').filter(|at| !behind[*at..].contains(']'));
    Some(&behind[..end.unwrap_or(behind.len())])
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

fn is_suspicious(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SUSPICIOUS.iter().any(|word| name.contains(word))
}

fn suspicious_parameter(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    let mut parameters = query.split('&').filter_map(|one| one.split_once('='));
    let found = parameters.find(|(name, value)| !value.is_empty() && is_suspicious(name));
    found.map(|(name, _)| name)
}

/// `--token=…`, or `--token` and something behind it.
fn suspicious_option(run: &[String]) -> Option<&str> {
    let words = run.iter().skip(1).map(String::as_str);
    let mut next = words.clone().skip(1);
    for word in words {
        let following = next.next();
        if !word.starts_with('-') {
            continue;
        }
        let (name, value) = word
            .split_once('=')
            .map_or((word, following), |(n, v)| (n, Some(v)));
        let name_only = name.trim_start_matches('-');
        // `--token-file` names a file, and `--password-stdin` nothing.
        let elsewhere = ["file", "stdin", "path", "fd", "env"]
            .iter()
            .any(|end| name_only.ends_with(end));
        let says = value.is_some_and(|value| !value.is_empty() && !value.starts_with('-'));
        if says && !elsewhere && is_suspicious(name_only) {
            return Some(name);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_options_that_hold_secrets_are_seen() {
        for (url, has) in [
            ("http://u:p@h/", true),
            ("http://u@h", true),
            ("http://h/a@b", false),
            ("http://h?x=a@b", false),
            ("http://{endpoint}/x", false),
        ] {
            assert_eq!(has_credentials(url), has, "{url}");
        }
        assert_eq!(
            host("https://hooks.slack.com:443/x"),
            Some("hooks.slack.com")
        );
        assert_eq!(host("http://[::1]/x"), Some("[::1]"));
        assert_eq!(
            suspicious_parameter("http://h/?a=1&access_token=x#f"),
            Some("access_token")
        );
        assert_eq!(suspicious_parameter("http://h/?token=&a=1"), None);
        let option = |line: &str| {
            let run: Vec<String> = line.split(' ').map(str::to_owned).collect();
            suspicious_option(&run).map(str::to_owned)
        };
        assert_eq!(
            option("./check --api-token=abc").as_deref(),
            Some("--api-token")
        );
        assert_eq!(
            option("./check --password abc").as_deref(),
            Some("--password")
        );
        for line in [
            "./token abc",
            "./check --token",
            "./check --token-file x",
            "./check --token -v",
        ] {
            assert_eq!(option(line), None, "{line}");
        }
    }
}

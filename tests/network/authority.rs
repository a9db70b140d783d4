//! Hosts that join by the certificates of an authority that issues them, without a token.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cutover::identity::{Identity, client};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256, SignatureAlgorithm,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::world::{Host, PORT, World, until};

/// Issues certificates, into files of a folder.
struct Office {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
    keys: &'static SignatureAlgorithm,
}

impl Office {
    /// As most are that issue certificates to machines.
    fn new() -> Self {
        Self::of(&PKCS_ECDSA_P256_SHA256)
    }

    /// One whose own key, and those that it certifies, are of this kind.
    fn of(keys: &'static SignatureAlgorithm) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate_for(keys).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("authority.pem"), own.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        Self {
            folder,
            issuer,
            keys,
        }
    }

    /// The authority's own certificate.
    fn authority(&self) -> String {
        let file = self.folder.path().join("authority.pem");
        file.to_str().unwrap().to_owned()
    }

    /// A key with a certificate for this name.
    fn certify(&self, name: &str) -> String {
        let key = KeyPair::generate_for(self.keys).unwrap();
        let file: PathBuf = self.folder.path().join(format!("{name}.pem"));
        std::fs::write(&file, self.certified(&key, name)).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// The key of this file, with another certificate.
    fn renew(&self, file: &str, name: &str) -> String {
        let key = KeyPair::from_pem(&std::fs::read_to_string(file).unwrap()).unwrap();
        self.certified(&key, name)
    }

    fn certified(&self, key: &KeyPair, name: &str) -> String {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(key, &self.issuer).unwrap();
        format!("{}{}", key.serialize_pem(), certificate.pem())
    }
}

/// What the operator told, with the files put in.
fn arguments(told: &str, certificate: &str, authority: &str) -> Vec<String> {
    let line = told
        .lines()
        .find(|line| line.trim_start().starts_with("cutover agent join"));
    let line = line.unwrap_or_else(|| panic!("{told}"));
    let line = line.replace(
        "--certificate FILE",
        &format!("--certificate {certificate}"),
    );
    let line = line.replace("--authority FILE", &format!("--authority {authority}"));
    line.split_whitespace().skip(1).map(str::to_owned).collect()
}

fn add(world: &World, host: &Host, office: &Office) -> String {
    let address = host.address();
    let authority = office.authority();
    let name = host.name.as_str();
    let words = [
        "hosts",
        "add",
        name,
        "--address",
        &address,
        "--tag",
        "role=web",
    ];
    world.ok(&[&words[..], &["--authority", &authority]].concat())
}

/// An operator whose orchestrator the office has certified.
fn certified(office: &Office) -> World {
    let world = World::new();
    let own = office.certify("cutover.example.org");
    let told = world.ok(&["hosts", "rotate", "--orchestrator", "--certificate", &own]);
    assert!(told.contains("the orchestrator has the key"), "{told}");
    world
}

#[test]
fn certificates_take_the_place_of_a_token() {
    let office = Office::new();
    let mut world = certified(&office);
    let mut web = world.host("web-1");
    let told = add(&world, &web, &office);
    assert!(!told.contains("--token"), "{told}");
    web.join_with(&arguments(
        &told,
        &office.certify("web-1"),
        &office.authority(),
    ));
    web.start();
    world.until_ok("web-1");
    let details = world.ok(&["hosts", "web-1"]);
    assert!(details.contains(&web.fingerprint()), "{details}");
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    // The authority is not asked again: another key needs the operator's yes, whoever has certified it.
    web.wipe();
    web.join_with(&arguments(
        &told,
        &office.certify("web-1"),
        &office.authority(),
    ));
    web.start();
    world.until_problem("web-1", "somebody else is at");
}

/// Old authorities, and those of appliances, have such keys still.
#[test]
fn keys_may_be_of_rsa() {
    let office = Office::of(&PKCS_RSA_SHA256);
    let mut world = certified(&office);
    let mut web = world.host("web-1");
    let told = add(&world, &web, &office);
    let own = office.certify("web-1");
    web.join_with(&arguments(&told, &own, &office.authority()));
    web.start();
    world.until_ok("web-1");
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    assert_eq!(web.trace().len(), 2, "{:?}", web.trace());
    world.ok(&["hosts", "rotate", "web-1"]);
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
}

#[test]
fn the_same_key_is_given_to_the_orchestrator_once() {
    let office = Office::new();
    let mut world = World::new();
    world.serve();
    let mut web = world.joined("web-1");
    web.kill();
    // It works for another user, and root gives the key.
    chown(world.state(), Some(12_345), None).unwrap();
    let own = office.certify("cutover.example.org");
    let rotate = ["hosts", "rotate", "--orchestrator", "--certificate", &own];
    // As long as it is waited for, the same again changes nothing, and another one has to wait.
    for _ in 0..2 {
        let told = world.ok(&rotate);
        assert!(told.contains("every host knows it: web-1"), "{told}");
    }
    let next = world.state().join("key.pem.next");
    assert_eq!(std::fs::metadata(&next).unwrap().uid(), 12_345);
    let other = office.certify("other.example.org");
    let refused = world.refused(&["hosts", "rotate", "--orchestrator", "--certificate", &other]);
    assert!(refused.contains("is on its way already"), "{refused}");
    web.start();
    until("it is shown", || !next.exists());
    let refused = world.refused(&rotate);
    assert!(refused.contains("is shown already"), "{refused}");
    assert!(!next.exists(), "and no other one was made");
    world.until_ok("web-1");
}

/// A connection to a host, as the orchestrator's.
fn connect(config: &Arc<ClientConfig>, to: IpAddr) -> StreamOwned<ClientConnection, TcpStream> {
    let stream = TcpStream::connect(SocketAddr::new(to, PORT)).unwrap();
    let patience = Some(Duration::from_secs(10));
    stream.set_read_timeout(patience).unwrap();
    let name = ServerName::try_from("agent.example").unwrap();
    let mut connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut wire = &stream;
    while connection.is_handshaking() {
        connection.complete_io(&mut wire).unwrap();
    }
    StreamOwned::new(connection, stream)
}

/// The certificate at the other end.
fn shown(connection: &StreamOwned<ClientConnection, TcpStream>) -> Vec<u8> {
    connection.conn.peer_certificates().unwrap()[0].to_vec()
}

/// Asks for something on a connection that goes on after that, and answers the status.
fn ask(connection: &mut StreamOwned<ClientConnection, TcpStream>) -> String {
    let request = "HEAD /v1/agent HTTP/1.1\r\nHost: web-1\r\n\r\n";
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    let answer = String::from_utf8(answer).unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[test]
fn a_certificate_is_renewed_while_connections_go_on() {
    let office = Office::new();
    let mut world = certified(&office);
    let mut web = world.host("web-1");
    let told = add(&world, &web, &office);
    let own = office.certify("web-1");
    web.join_with(&arguments(&told, &own, &office.authority()));
    web.start();
    world.until_ok("web-1");
    let file = web.files().join("identity/key.pem");
    let pin = Identity::open(&file).unwrap().pin();
    let orchestrator = Identity::open(&world.state().join("key.pem")).unwrap();
    let to = IpAddr::from(web.ip());
    let renewed = office.renew(&own, "web-1");
    let mine = world.operator.inside({
        let file = file.clone();
        move || {
            let config = Arc::new(client(&orchestrator, Arc::new(pin)).unwrap());
            let mut before = connect(&config, to);
            assert!(ask(&mut before).ends_with("200 OK"));
            put(&file, &renewed);
            until("it shows the other certificate", || {
                shown(&connect(&config, to)) != shown(&before)
            });
            ask(&mut before)
        }
    });
    assert!(mine.ends_with("200 OK"), "{mine}");
    // Another key is not taken for the same one.
    put(
        &file,
        &std::fs::read_to_string(office.certify("web-1")).unwrap(),
    );
    web.until_logged("by which nobody knows this host");
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
}

/// Puts a key into its file as programs do that renew certificates.
fn put(file: &Path, pem: &str) {
    let beside = file.with_extension("new");
    std::fs::write(&beside, pem).unwrap();
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(beside, file).unwrap();
}

#[test]
fn whoever_is_certified_as_somebody_else_does_not_join() {
    let office = Office::new();
    let mut world = certified(&office);
    let mut web = world.host("web-1");
    let told = add(&world, &web, &office);
    web.join_with(&arguments(
        &told,
        &office.certify("web-2"),
        &office.authority(),
    ));
    web.start();
    world.until_problem("web-1", "its certificate is not for web-1");
    // Nor does one whom another authority has certified.
    web.wipe();
    let foreign = Office::new();
    web.join_with(&arguments(
        &told,
        &foreign.certify("web-1"),
        &office.authority(),
    ));
    web.start();
    world.until_problem("web-1", "not one of the authority");
}

#[test]
fn a_host_listens_to_nobody_but_the_orchestrator_that_was_named() {
    let office = Office::new();
    let mut world = certified(&office);
    let mut web = world.host("web-1");
    let told = add(&world, &web, &office);
    let told = told.replace("cutover.example.org", "another.example.org");
    web.join_with(&arguments(
        &told,
        &office.certify("web-1"),
        &office.authority(),
    ));
    web.start();
    web.until_logged("turned away");
    world.until_problem("web-1", "has not joined");
    let keys = String::from_utf8(web.agent(&["keys"]).stdout).unwrap();
    assert!(keys.contains("expected      another.example.org"), "{keys}");
    assert!(!keys.contains("orchestrator"), "{keys}");
}

#[test]
fn an_orchestrator_that_nobody_certified_says_what_to_do() {
    let office = Office::new();
    let mut world = World::new();
    let web = world.host("web-1");
    world.add(&web);
    let authority = office.authority();
    let refused = world.refused(&["hosts", "invite", "web-1", "--authority", &authority]);
    assert!(
        refused.contains("hosts rotate --orchestrator --certificate"),
        "{refused}"
    );
    let own = office.certify("cutover.example.org");
    let refused = world.refused(&["hosts", "invite", "web-1", "--authority", "/nowhere.pem"]);
    assert!(refused.contains("/nowhere.pem"), "{refused}");
    let text = std::fs::read_to_string(&own).unwrap();
    let key_alone = text.split("-----BEGIN CERTIFICATE").next().unwrap();
    std::fs::write(&own, key_alone).unwrap();
    let refused = world.refused(&["hosts", "rotate", "--orchestrator", "--certificate", &own]);
    assert!(refused.contains("no certificate is there"), "{refused}");
}

//! `cargo xtask clients`: starts a server with the sample database and lets real client libraries ask it questions.
//!
//! Client programs lie in `tests/clients/`; what they need (a Python environment, Node modules, FreeTDS, Java) is put under
//! `target/clients/` by the ordinary package tools. One line per client; any failure fails the command.
//!
//! Invariants
//! 1. A client that cannot be installed or run is a failure under CI (`CI=true`) and a loud skip elsewhere.
//! 2. The server gets a free port and a fresh directory, and is stopped by SIGTERM.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

pub const PASSWORD: &str = "Client-matrix-1";
const PYTHON_PACKAGES: &[&str] = &[
    "pymssql",
    "python-tds",
    "pyOpenSSL",
    "mssql-python",
    "sqlalchemy",
    "pyodbc",
    "django==5.2.19",
    "mssql-django==2.0.0",
];
const NODE_PACKAGES: &[&str] =
    &["tedious", "mssql", "liquibase", "sequelize@6", "typeorm@1", "knex@3", "reflect-metadata"];
/// Genuine databases that are restored beside the sample where the corpus is there: kind and part of the file's name.
const GENUINE: &[&str] = &[
    "611_full_Northwind",
    "869_full_pubs",
    "869c_full_AdventureWorksLT2012",
    "852c_full_TSQLV4",
    "904_full_ITI",
    "957c_full_Company",
    "782_full_School",
];
/// Longest run of one client.
const CLIENT_SECONDS_MAX: u64 = 300;

/// One client: name, how to start it.
struct Client {
    name: &'static str,
    command: fn(&Places) -> Result<Command, String>,
}

const CLIENTS: &[Client] = &[
    Client { name: "tsql (FreeTDS)", command: tsql },
    Client { name: "pymssql", command: |p| python(p, "pymssql_client.py") },
    Client { name: "pymssql, limited logins", command: |p| python(p, "logins_client.py") },
    Client { name: "python-tds", command: |p| python(p, "pytds_client.py") },
    Client { name: "mssql-python", command: |p| python(p, "mssql_python_client.py") },
    Client { name: "SQLAlchemy", command: |p| python(p, "sqlalchemy_client.py") },
    Client { name: "pyodbc, Django", command: |p| python(p, "django_client.py") },
    Client { name: "tedious", command: |p| node(p, "tedious.js") },
    Client { name: "mssql (node)", command: |p| node(p, "mssql.js") },
    Client { name: "ORMs (node)", command: |p| node(p, "orms.js") },
    Client { name: "ODBC, cursors", command: |p| python(p, "odbc_cursors_client.py") },
    Client { name: "JDBC (Microsoft)", command: |p| java(p, "Jdbc.java") },
    Client { name: "JDBC, cursors", command: |p| java(p, "UpdatableCursors.java") },
    Client { name: "tiberius, mssql-tds", command: rust },
];

struct Places {
    scripts: PathBuf,
    /// `target/clients`
    work: PathBuf,
    python: Result<PathBuf, String>,
    node: Result<PathBuf, String>,
}

pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let work = root.join("target/clients");
    std::fs::create_dir_all(&work)?;
    let chosen: Vec<&Client> = CLIENTS
        .iter()
        .filter(|c| arguments.is_empty() || arguments.iter().any(|a| c.name.contains(a.as_str())))
        .collect();
    if chosen.is_empty() {
        bail!("no client of that name");
    }
    let places = Places {
        scripts: root.join("tests/clients"),
        python: python_environment(&work),
        node: node_modules(&work),
        work: work.clone(),
    };
    let binary = build(root)?;
    let mut server = Server::start(&binary, &work)?;
    let ci = std::env::var_os("CI").is_some();
    let mut failures = Vec::new();
    for client in chosen {
        let start = Instant::now();
        let outcome = (client.command)(&places).map_err(Outcome::Missing).and_then(|c| ask(c, &server));
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(said) => println!("{:<22} ok      {seconds:>6.1} s  {said}", client.name),
            Err(Outcome::Missing(why)) if !ci => println!("{:<22} SKIPPED {why}", client.name),
            Err(Outcome::Missing(why) | Outcome::Failed(why)) => {
                println!("{:<22} FAILED  {seconds:>6.1} s\n{why}", client.name);
                failures.push(client.name);
            }
        }
    }
    server.stop()?;
    if failures.is_empty() { Ok(()) } else { bail!("failed: {}", failures.join(", ")) }
}

enum Outcome {
    /// The client is not there.
    Missing(String),
    Failed(String),
}

fn ask(mut command: Command, server: &Server) -> Result<String, Outcome> {
    let failed = |e: std::io::Error| Outcome::Failed(e.to_string());
    let child = command
        .env("HOLDFAST_HOST", "127.0.0.1")
        .env("HOLDFAST_PORT", server.port.to_string())
        .env("HOLDFAST_PASSWORD", PASSWORD)
        .env("HOLDFAST_CERTIFICATE", &server.certificate)
        .env("HOLDFAST_GENUINE", server.genuine.join(","))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| Outcome::Missing(e.to_string()))?;
    let id = child.id();
    let (done, finished) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if finished.recv_timeout(Duration::from_secs(CLIENT_SECONDS_MAX)).is_err() {
            let _ = Command::new("kill").arg("-9").arg(id.to_string()).status();
        }
    });
    let output = child.wait_with_output();
    let _ = done.send(());
    let _ = watch.join();
    let output = output.map_err(failed)?;
    let text = |b: &[u8]| String::from_utf8_lossy(b).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout).lines().last().unwrap_or("").to_owned());
    }
    Err(Outcome::Failed(format!("{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr))))
}

pub fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let status =
        Command::new("cargo").args(["build", "--quiet", "-p", "holdfast-cli"]).current_dir(root).status()?;
    if !status.success() {
        bail!("the server does not build");
    }
    Ok(root.join("target/debug/holdfast"))
}

pub struct Server {
    child: Child,
    pub port: u16,
    certificate: PathBuf,
    /// Names of the genuine databases.
    genuine: Vec<String>,
}

/// Backups of [`GENUINE`]; without the corpus a failure under CI and a loud skip elsewhere.
fn genuine_backups() -> anyhow::Result<Vec<PathBuf>> {
    let corpus = holdfast_testkit::corpus();
    if corpus.is_empty() {
        println!("{:<22} SKIPPED no corpus", "genuine databases");
        return Ok(Vec::new());
    }
    GENUINE
        .iter()
        .map(|g| {
            let file = corpus.iter().find(|f| f.name().starts_with(g));
            file.map(|f| f.path.clone()).with_context(|| format!("the corpus has no {g}"))
        })
        .collect()
}

/// The database that a line of a restore's progress is about.
fn restored(line: &str) -> Option<String> {
    let rest = line.strip_prefix("Processed ")?.split("for database '").nth(1)?;
    rest.split('\'').next().map(str::to_owned)
}

impl Server {
    pub fn start(binary: &Path, work: &Path) -> anyhow::Result<Self> {
        let sample = work.join("sample.bak");
        let made =
            Command::new(binary).arg("sample").arg("--out").arg(&sample).stdout(Stdio::null()).status()?;
        if !made.success() {
            bail!("the sample backup could not be made");
        }
        let data = work.join("data");
        if data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        let log = std::fs::File::create(work.join("server.log"))?;
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data)
            .arg("--restore")
            .arg(&sample)
            .args(genuine_backups()?)
            .env("HOLDFAST_SA_PASSWORD", PASSWORD)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("the server does not start")?;
        let out = child.stdout.take().context("the server's output")?;
        let mut lines = BufReader::new(out).lines();
        let mut genuine = Vec::new();
        let port = lines.by_ref().map_while(Result::ok).find_map(|l| {
            if let Some(name) = restored(&l).filter(|n| n != "Harbour" && !genuine.contains(n)) {
                genuine.push(name);
            }
            let rest = l.split("listening on ").nth(1)?;
            rest.split([' ', ',']).next()?.rsplit(':').next()?.parse().ok()
        });
        // What the server says later is not needed, but its pipe must not fill up.
        std::thread::spawn(move || for _ in lines.map_while(Result::ok) {});
        let Some(port) = port else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("the server ended before it was ready; see {}", work.join("server.log").display());
        };
        Ok(Server { child, port, certificate: data.join("security/server-certificate.pem"), genuine })
    }

    pub fn stop(&mut self) -> anyhow::Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the server ended with {status} after SIGTERM");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Runs an installing command unless `ready` says that these packages are there.
fn install(ready: &Path, packages: &[&str], steps: Vec<Command>) -> Result<(), String> {
    let wanted = packages.join("\n");
    if std::fs::read_to_string(ready).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    for mut step in steps {
        let output = step.output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(format!("{step:?}: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
    }
    std::fs::write(ready, wanted).map_err(|e| e.to_string())
}

pub fn python_environment(work: &Path) -> Result<PathBuf, String> {
    let venv = work.join("venv");
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&venv);
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PYTHON_PACKAGES);
    install(&work.join("python.ready"), PYTHON_PACKAGES, vec![make, pip])?;
    Ok(venv.join("bin/python"))
}

fn node_modules(work: &Path) -> Result<PathBuf, String> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(work).args(NODE_PACKAGES);
    install(&work.join("node.ready"), NODE_PACKAGES, vec![npm])?;
    Ok(work.join("node_modules"))
}

fn python(places: &Places, script: &str) -> Result<Command, String> {
    let mut c = Command::new(places.python.clone()?);
    c.arg(places.scripts.join("python").join(script));
    Ok(c)
}

fn node(places: &Places, script: &str) -> Result<Command, String> {
    let mut c = Command::new("node");
    c.arg(places.scripts.join("node").join(script)).env("NODE_PATH", places.node.clone()?);
    Ok(c)
}

fn java(places: &Places, program: &str) -> Result<Command, String> {
    let jar = places.node.clone()?.join("liquibase/dist/liquibase/internal/lib/mssql-jdbc.jar");
    if !jar.exists() {
        return Err(format!("{} is not there", jar.display()));
    }
    let mut c = Command::new("java");
    c.arg("-cp").arg(jar).arg(places.scripts.join("java").join(program));
    Ok(c)
}

fn tsql(places: &Places) -> Result<Command, String> {
    let there = Command::new("tsql").arg("-C").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|s| s.success()) {
        return Err("tsql is not installed (package freetds-bin)".into());
    }
    let mut c = Command::new("sh");
    c.arg(places.scripts.join("shell/tsql.sh"));
    Ok(c)
}

/// Its own workspace, so that ordinary builds do not carry the foreign crates.
fn rust(places: &Places) -> Result<Command, String> {
    let target = places.work.join("rust");
    let mut build = Command::new("cargo");
    build
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(places.scripts.join("rust/Cargo.toml"));
    let output = build.env("CARGO_TARGET_DIR", &target).output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Ok(Command::new(target.join("debug/holdfast-client-tests")))
}

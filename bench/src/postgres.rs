//! A PostgreSQL server of its own, with the same rows, and a session in it.
//!
//! Its settings are its defaults but for what any guide tells to raise: `shared_buffers`, `work_mem` and
//! `effective_cache_size`. Parallel workers stay on; the tables are loaded with COPY, indexed, and analysed by VACUUM.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};

use crate::Plan;
use crate::process;

const SETTINGS: &str = "
shared_buffers = 2GB
effective_cache_size = 8GB
work_mem = 64MB
max_wal_size = 8GB
listen_addresses = '127.0.0.1'
";

/// The tables of the sample as PostgreSQL would have them: money is an exact number with four decimals.
const TABLES: &str = "
create table customers(customerid int not null, name varchar(80) not null, city varchar(60) not null, email varchar(120), since date not null, isactive smallint not null);
create table products(productid int not null, name varchar(80) not null, price numeric(19,4) not null, weight numeric(18,3) not null, discontinued timestamp);
create table orders(orderid int not null, customerid int not null, ordered timestamp not null, shipped date, note varchar(200));
create table orderlines(orderlineid int not null, orderid int not null, productid int not null, quantity smallint not null, unitprice numeric(19,4) not null, discount real not null);
";

const KEYS: &str = "
alter table customers add primary key(customerid);
alter table products add primary key(productid);
alter table orders add primary key(orderid);
alter table orderlines add primary key(orderlineid);
vacuum analyze;
";

pub struct Server {
    programs: PathBuf,
    data: PathBuf,
    pub port: u16,
    pub id: u32,
}

/// Where the server's programs lie: in the search path, or in Debian's place for them.
fn programs() -> anyhow::Result<PathBuf> {
    let mut places: Vec<PathBuf> =
        std::env::var_os("PATH").map(|p| std::env::split_paths(&p).collect()).unwrap_or_default();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        places.extend(versions.flatten().map(|v| v.path().join("bin")));
    }
    let complete = |p: &PathBuf| ["initdb", "pg_ctl", "psql", "pgbench"].iter().all(|n| p.join(n).is_file());
    places.into_iter().find(complete).context("PostgreSQL's server and client programs are not installed")
}

/// PostgreSQL refuses to run as root: then it runs as the user that its package made.
fn as_owner(program: PathBuf) -> Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !root {
        return Command::new(program);
    }
    let mut c = Command::new("runuser");
    c.args(["-u", "postgres", "--"]).arg(program);
    c
}

impl Server {
    /// Starts the server; the first time it is made and loaded from the rows of `backup`.
    pub fn start(plan: &Plan, backup: &Path) -> anyhow::Result<Self> {
        // A folder that another user may own and reach.
        let home = std::env::temp_dir().join(format!("holdfast-bench-pg-{}", plan.rows));
        Self::start_in(home, |server| server.load(plan, backup))
    }

    /// Starts a server whose tables pgbench made.
    pub fn start_pgbench(scale: u32) -> anyhow::Result<Self> {
        let home = std::env::temp_dir().join(format!("holdfast-bench-pg-tpcb-{scale}"));
        Self::start_in(home, |server| {
            let mut c = Command::new(server.program("pgbench"));
            c.args(["-h", "127.0.0.1", "-U", "bench", "-i", "-q", "-p"]).arg(server.port.to_string());
            c.arg("-s").arg(scale.to_string()).arg("postgres");
            process::finish(c).map(drop)
        })
    }

    /// Starts a server whose tables and functions a script made, which is written to `file` for that.
    pub fn start_script(name: &str, file: &Path, script: &str) -> anyhow::Result<Self> {
        let home = std::env::temp_dir().join(format!("holdfast-bench-pg-{name}"));
        Self::start_in(home, |server| {
            std::fs::write(file, script)?;
            let mut c = server.psql();
            c.args(["-v", "ON_ERROR_STOP=1", "-q", "-f"]).arg(file);
            process::finish(c).map(drop)
        })
    }

    fn start_in(home: PathBuf, load: impl FnOnce(&Server) -> anyhow::Result<()>) -> anyhow::Result<Self> {
        let programs = programs()?;
        let data = home.join("data");
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let loaded = home.join("loaded");
        if !loaded.exists() {
            process::remove(&home)?;
            std::fs::create_dir_all(&home)?;
            let mut open = Command::new("chmod");
            open.arg("777").arg(&home);
            process::finish(open)?;
            let mut init = as_owner(programs.join("initdb"));
            init.arg("-D").arg(&data).args(["-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-U", "bench"]);
            process::finish(init)?;
        }
        let log = home.join("log");
        let mut c = as_owner(programs.join("pg_ctl"));
        let options = SETTINGS.trim().lines().map(|l| {
            let (name, value) = l.split_once(" = ").unwrap_or((l, ""));
            format!("-c {name}={value}")
        });
        let options: Vec<String> =
            options.chain([format!("-c unix_socket_directories={}", home.display())]).collect();
        c.arg("-D").arg(&data).arg("-l").arg(&log).arg("-w");
        c.arg("-o").arg(format!("-p {port} {}", options.join(" "))).arg("start");
        // The server inherits its output: it must not be a pipe that somebody reads to the end.
        let status = c.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !status.success() {
            bail!("PostgreSQL did not start; see {}", log.display());
        }
        let mut find = as_owner("head".into());
        find.args(["-n", "1"]).arg(data.join("postmaster.pid"));
        let id = process::finish(find)?.trim().parse()?;
        let server = Server { programs, data, port, id };
        if !loaded.exists() {
            load(&server)?;
            std::fs::write(&loaded, "")?;
        }
        Ok(server)
    }

    fn load(&self, plan: &Plan, backup: &Path) -> anyhow::Result<()> {
        let rows = plan.work.join("rows");
        process::remove(&rows)?;
        let mut dump = Command::new(&plan.holdfast);
        dump.arg("dump").arg(backup).args(["--format", "csv", "--out"]).arg(&rows);
        process::finish(dump)?;
        let mut script = TABLES.to_owned();
        for (table, file) in [
            ("customers", "Customers"),
            ("products", "Products"),
            ("orders", "Orders"),
            ("orderlines", "OrderLines"),
        ] {
            script.push_str(&format!("\\copy {table} from '{}/dbo.{file}.csv' csv header\n", rows.display()));
        }
        script.push_str(KEYS);
        let file = plan.work.join("load.sql");
        std::fs::write(&file, script)?;
        let mut c = self.psql();
        c.args(["-v", "ON_ERROR_STOP=1", "-q", "-f"]).arg(&file);
        process::finish(c)?;
        process::remove(&rows)
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Transactions per second that pgbench counts with `arguments`.
    pub fn pgbench(&self, clients: u64, seconds: f64, arguments: &[&str]) -> anyhow::Result<f64> {
        let mut c = Command::new(self.program("pgbench"));
        c.args(["-h", "127.0.0.1", "-U", "bench", "-n", "-M", "prepared", "-p"]).arg(self.port.to_string());
        c.arg("-c").arg(clients.to_string()).arg("-j").arg(clients.to_string());
        c.arg("-T").arg(format!("{}", seconds.ceil())).args(arguments).arg("postgres");
        let said = process::finish(c)?;
        let line = said.lines().find_map(|l| l.strip_prefix("tps = ")).context("pgbench gave no rate")?;
        Ok(line.split_whitespace().next().context("no rate")?.parse()?)
    }

    fn psql(&self) -> Command {
        let mut c = Command::new(self.program("psql"));
        c.args(["-X", "-h", "127.0.0.1", "-U", "bench", "-p"]).arg(self.port.to_string()).arg("postgres");
        c
    }

    pub fn session(&self) -> anyhow::Result<Session> {
        let mut child = self
            .psql()
            .args(["-q", "-A", "-t", "-F", "|", "-v", "ON_ERROR_STOP=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Session { child, input, output })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut c = as_owner(self.program("pg_ctl"));
        c.arg("-D").arg(&self.data).args(["-m", "fast", "-w", "stop"]);
        if let Err(e) = process::finish(c) {
            eprintln!("PostgreSQL did not stop: {e}");
        }
    }
}

/// A session through PostgreSQL's own client program.
pub struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

const END: &str = "--end--";

impl Session {
    /// Rows of a query, fields separated by `|`.
    pub fn query(&mut self, text: &str) -> anyhow::Result<Vec<String>> {
        writeln!(self.input, "{text};\n\\echo {END}")?;
        self.input.flush()?;
        let mut rows = Vec::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                bail!("PostgreSQL refused: {text}");
            }
            if line.trim_end() == END {
                return Ok(rows);
            }
            rows.push(line.trim_end().to_owned());
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = writeln!(self.input, "\\q");
        let _ = self.input.flush();
        let _ = self.child.wait();
    }
}

//! The shell against a server of its own: layout, variables, nested scripts, exit codes.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use holdfast_client::{Connection, Options};
use holdfast_tds::login::{Login7, Secret};
use holdfast_tds::prelogin::Encryption;
use holdfast_tds::token::{Token, done_status};
use holdfast_types::Value;

const PASSWORD: &str = "Test-passw0rd";

/// A server that ends with the test.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn holdfast() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.env("HOLDFAST_SA_PASSWORD", PASSWORD);
    command
}

fn server(data: &Path) -> Server {
    let mut child = holdfast()
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let ready = lines.map_while(Result::ok).find(|l| l.contains("listening on")).expect("gets ready");
    let address = ready.split("listening on ").nth(1).and_then(|t| t.split(' ').next()).expect("an address");
    Server { address: address.to_owned(), child }
}

impl Server {
    fn sql(&self, arguments: &[&str]) -> Output {
        holdfast().args(["sql", "-S", &self.address]).args(arguments).output().expect("runs")
    }
}

fn text(o: &Output) -> String {
    String::from_utf8_lossy(&o.stdout).into_owned()
}

#[test]
fn the_shell_does_what_sqlcmd_does() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = server(&dir.path().join("data"));
    let o = server.sql(&["-Q", "select 1 as a, N'x' as name, null as n"]);
    assert_eq!(text(&o), "a name    n\n- ---- ----\n1 x    NULL\n\n(1 row affected)\n");
    let o = server.sql(&["-W", "-s", ",", "-h", "-1", "-Q", "set nocount on; select 1, 'b  ', null"]);
    assert_eq!(text(&o), "1,b,NULL\n");
    // An error stands among the results; -b makes it count.
    let failing = "print 'one'; select 1/0; print 'two'";
    let o = server.sql(&["-Q", failing]);
    assert_eq!(o.status.code(), Some(0));
    let shown = text(&o);
    assert!(
        shown.contains("Msg 8134, Level 16, State 1, Server ") && shown.contains(", Line 1\n"),
        "{shown}"
    );
    assert!(shown.contains("one\n") && shown.contains("two\n"), "{shown}");
    let o = server.sql(&["-b", "-r", "-Q", failing]);
    assert_eq!(o.status.code(), Some(1));
    assert!(!text(&o).contains("8134") && String::from_utf8_lossy(&o.stderr).contains("8134"));
    // Scripts: variables, GO n, a script in a script, an exit code out of a query, output to a file.
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("writes");
    write("inner.sql", "print N'inner $(who)'\ngo\n");
    let inner = dir.path().join("inner.sql").display().to_string();
    write(
        "outer.sql",
        &format!(
            ":setvar who you\nprint N'$(greeting) $(who)'\nGO 2\n:r \"{inner}\"\n:exit(select 7)\nprint 'never'\n"
        ),
    );
    let (script, out) = (dir.path().join("outer.sql"), dir.path().join("out.txt"));
    let o = server.sql(&[
        "-i",
        &script.display().to_string(),
        "-o",
        &out.display().to_string(),
        "-v",
        "greeting=hello",
    ]);
    assert_eq!(o.status.code(), Some(7));
    let written = std::fs::read_to_string(&out).expect("written");
    assert!(written.starts_with("hello you\nhello you\ninner you\n"), "{written}");
    assert!(!written.contains("never"), "{written}");
    let o = server.sql(&["-b", "-Q", "print '$(no_such_variable)'"]);
    assert_eq!(o.status.code(), Some(1));
    assert!(text(&o).contains("'no_such_variable' scripting variable not defined."));
    // Ends of lines in a literal are kept; a script that is not there is an error.
    write("ends.sql", "set nocount on\r\nselect len('a\r\nb'), len('a\nb')\r\ngo\r\n");
    let ends = dir.path().join("ends.sql").display().to_string();
    let o = server.sql(&["-W", "-h", "-1", "-i", &ends]);
    assert_eq!(text(&o), "4 3\n");
    write("absent.sql", ":r nowhere.sql\nprint 'never'\n");
    let absent = dir.path().join("absent.sql").display().to_string();
    let o = server.sql(&["-i", &absent]);
    assert!(o.status.code() == Some(1) && text(&o).contains("nowhere.sql") && !text(&o).contains("never"));
    // No connection.
    let o = holdfast().args(["sql", "-S", "127.0.0.1,1", "-Q", "select 1"]).output().expect("runs");
    assert_eq!(o.status.code(), Some(2));
}

/// Attention while rows stream: what was there before the statement stays.
#[test]
fn a_cancelled_result_leaves_its_session() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = server(&dir.path().join("data"));
    let tcp = std::net::TcpStream::connect(&server.address).expect("connects");
    tcp.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("a timeout");
    let login = Login7 {
        user_name: "sa".into(),
        password: Secret(PASSWORD.into()),
        packet_size: 8000,
        ..Default::default()
    };
    let options = Options { encryption: Encryption::NotSupported, strict: false, mars: false, login };
    let mut c = Connection::open(tcp, &options).expect("shakes hands");
    c.answer(&mut |_| ()).expect("logs in");
    let many = "with n as (select x from (values (1),(1),(1),(1),(1),(1),(1),(1),(1),(1)) v (x)) \
        select a.x, replicate('abc', 30) from n a, n b, n c, n d, n e, n f";
    let mut value = |text: &str, cancel: bool| {
        let bytes = c.client.batch(text);
        c.send(&bytes).expect("sends");
        if cancel {
            // The server has filled the socket by then and waits.
            std::thread::sleep(std::time::Duration::from_millis(500));
            c.send(&holdfast_tds::client::attention()).expect("sends");
        }
        let (mut value, mut acknowledged) = (None, !cancel);
        loop {
            c.answer(&mut |token| match token {
                Token::Row(row) => value = row.first().cloned(),
                Token::Done(d) => acknowledged |= d.status & done_status::ATTENTION != 0,
                _ => {}
            })
            .expect("the connection stays");
            if acknowledged {
                return value;
            }
        }
    };
    value("create table #t (a int); begin tran; insert #t values (7)", false);
    value(many, true);
    assert_eq!(value("select @@trancount", false), Some(Value::Int(1)));
    assert_eq!(value("select a from #t", false), Some(Value::Int(7)));
    value("set xact_abort on", false);
    value(many, true);
    assert_eq!(value("select @@trancount", false), Some(Value::Int(0)));
}

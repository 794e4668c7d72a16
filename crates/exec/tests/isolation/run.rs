//! Runs the permutations of a specification, each over a new instance with a database `iso`.
//!
//! Every session has a thread. A step counts as waiting when the lock manager says that its session waits and is in no
//! deadlock; nothing here depends on how long something takes. Written down is what does not depend on it either: a step
//! that waited is shown as waiting even if its lock came before anybody looked, and steps that end together are shown in
//! the order in which they began.

use std::fmt::Write;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use holdfast_exec::procedure::InstanceSession;
use holdfast_exec::session::{CancelFlag, SqlSession};

use crate::server::Server;
use crate::spec::Spec;
use crate::transcript::Transcript;

/// Nothing in these tests takes this long.
const HANGS: Duration = Duration::from_secs(60);
const STACK: usize = 16 << 20;

pub fn answer(session: &mut InstanceSession, batch: &str) -> String {
    let mut out = Transcript::default();
    session.execute_batch(batch, &mut out);
    out.text
}

/// A session in a thread of its own.
struct Client {
    name: String,
    id: u16,
    cancel: CancelFlag,
    send: Option<Sender<String>>,
    receive: Receiver<String>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    fn new(server: &Server, name: &str) -> Client {
        let mut session = server.session("iso");
        let (id, cancel) = (session.session_id(), session.cancel_flag());
        let (send, batches) = channel::<String>();
        let (answers, receive) = channel();
        let run = move || {
            for batch in batches {
                if answers.send(answer(&mut session, &batch)).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().stack_size(STACK).spawn(run).unwrap();
        Client { name: name.into(), id, cancel, send: Some(send), receive, thread: Some(thread) }
    }

    fn start(&self, batch: &str) {
        self.send.as_ref().unwrap().send(batch.into()).unwrap();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.send = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A step under way.
struct Pending {
    step: usize,
    client: usize,
    /// What it answered.
    done: Option<String>,
}

/// Waits until the step is through or waits for a lock.
fn settle(server: &Server, client: &Client, pending: &mut Pending, to_the_end: bool) {
    let start = Instant::now();
    while pending.done.is_none() {
        match client.receive.try_recv() {
            Ok(text) => pending.done = Some(text),
            Err(TryRecvError::Disconnected) => pending.done = Some("PANIC\n".into()),
            Err(TryRecvError::Empty) => {
                if !to_the_end && server.locks.session_waits(client.id) {
                    return;
                }
                assert!(start.elapsed() < HANGS, "neither ends nor waits for a lock");
                thread::yield_now();
            }
        }
    }
}

/// The transcript of one permutation; `None` when a statement of its setup is not there yet.
fn permutation(spec: &Spec, order: &[(usize, bool)]) -> Option<String> {
    let names: Vec<&str> = order.iter().map(|(i, _)| spec.steps[*i].name.as_str()).collect();
    let mut out = format!("permutation {}\n", names.join(" "));
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(dir.path());
    {
        let mut session = server.session("master");
        out += &answer(&mut session, "create database iso");
        out += &answer(&mut session, "use iso").replace("Changed database context to 'iso'.\n", "");
        for batch in &spec.setup {
            let text = answer(&mut session, batch);
            if text.contains("is not supported yet by Holdfast") {
                return None;
            }
            out += &text;
        }
    }
    let clients: Vec<Client> = spec.sessions.iter().map(|s| Client::new(&server, &s.name)).collect();
    for (client, session) in clients.iter().zip(&spec.sessions) {
        for batch in &session.setup {
            client.start(batch);
            out += &client.receive.recv().unwrap_or_else(|_| "PANIC\n".into());
        }
    }
    // Session numbers differ from run to run; names do not.
    let named = |text: &str| {
        let mut text = text.to_owned();
        for c in &clients {
            text = text.replace(&format!("Process ID {}", c.id), &format!("Process ID of {}", c.name));
        }
        text
    };
    let mut waiting: Vec<Pending> = Vec::new();
    for &(step, to_the_end) in order {
        let s = &spec.steps[step];
        let client = &clients[s.session];
        if waiting.iter().any(|p| p.client == s.session) {
            let _ = writeln!(out, "step {}: cannot begin, its session waits", s.name);
            break;
        }
        let before = server.locks.session_wait_count(client.id);
        let mut pending = Pending { step, client: s.session, done: None };
        client.start(&s.batch);
        settle(&server, client, &mut pending, to_the_end);
        let waited = server.locks.session_wait_count(client.id) > before;
        let _ = writeln!(out, "step {}: {}", s.name, s.batch.replace('\n', "\n    "));
        match pending.done.take() {
            Some(text) if !waited || to_the_end => out += &named(&text),
            done => {
                out += "<waiting>\n";
                pending.done = done;
            }
        }
        if waited && !to_the_end {
            waiting.push(pending);
        }
        // What this step has set free goes on until it ends or waits again, and may set free others.
        loop {
            for p in &mut waiting {
                settle(&server, &clients[p.client], p, false);
            }
            if waiting.iter().all(|p| p.done.is_some() || server.locks.session_waits(clients[p.client].id)) {
                break;
            }
        }
        waiting.retain(|p| {
            let Some(text) = &p.done else { return true };
            let _ = write!(out, "step {}: <goes on>\n{}", spec.steps[p.step].name, named(text));
            false
        });
    }
    for p in &waiting {
        let _ = writeln!(out, "step {}: <never goes on>", spec.steps[p.step].name);
    }
    drop(clients);
    assert!(server.locks.is_idle(), "locks are left after all sessions have gone");
    Some(out)
}

/// `None`: see [`permutation`].
pub fn run(spec: &Spec) -> Option<String> {
    let all: Option<Vec<String>> = spec.permutations.iter().map(|order| permutation(spec, order)).collect();
    all.map(|all| all.join("\n"))
}

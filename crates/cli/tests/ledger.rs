//! A real server under clients that move money, killed with SIGKILL at random moments and started again: every acknowledged
//! commit is there, none is half there, the sums are right, the index equals its table, tables made and dropped in
//! acknowledged transactions are or are not there, what a transaction changed in another database is there with the rest of it
//! or not at all, and the checker is content.
//!
//! A few rounds by default; `HOLDFAST_LEDGER_ROUNDS=100 cargo test --release -p holdfast-cli --test ledger` for a long run,
//! `HOLDFAST_LEDGER_SEED` for another choice of moments.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Client, Server, number};

const ACCOUNTS: u64 = 50;
const TELLERS: usize = 5;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// What a client knows of its transactions.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    acknowledged: i64,
    /// The one under way when the connection broke, if it did.
    asked: i64,
}

/// Asks for numbered transactions until the server goes away.
fn work(address: &str, known: Known, stop: &AtomicBool, mut batch: impl FnMut(i64) -> String) -> Known {
    let mut known = Known { asked: known.acknowledged, ..known };
    let Some(mut client) = Client::open(address, "Bank") else { return known };
    while !stop.load(Ordering::Relaxed) {
        known.asked = known.acknowledged + 1;
        match client.run(&batch(known.asked)) {
            Some(Ok(_)) => known.acknowledged = known.asked,
            // The victim of a deadlock tries again.
            Some(Err(1205)) => {}
            Some(Err(other)) => panic!("error {other} in transaction {}", known.asked),
            None => return known,
        }
    }
    known
}

fn transfer(random: &mut Random, teller: usize, n: i64) -> String {
    let from = random.below(ACCOUNTS);
    let to = (from + 1 + random.below(ACCOUNTS - 1)) % ACCOUNTS;
    let (amount, pad) = (1 + random.below(20), random.below(200));
    // One of them keeps its books in another database, too.
    let elsewhere = match teller {
        0 => format!("insert Vault.dbo.book values ({n});"),
        _ => String::new(),
    };
    format!(
        "set xact_abort on; begin tran; {elsewhere}
         update dbo.account set balance = balance - {amount}, pad = replicate('x', {pad}) where id = {from};
         update dbo.account set balance = balance + {amount} where id = {to};
         insert dbo.ledger (teller, n, amount) values ({teller}, {n}, {amount});
         commit"
    )
}

/// Tables come and go, rows outgrow their pages, a rolled back TRUNCATE leaves work for recovery.
fn upheaval(random: &mut Random, n: i64) -> String {
    let last = n - 1;
    let extra = match random.below(4) {
        0 => "checkpoint;",
        1 => {
            "begin tran; truncate table dbo.heap; insert dbo.heap select 1, replicate('t', 3000) from dbo.account; rollback;"
        }
        2 => {
            "begin tran; create table dbo.never (a int primary key, b char(500)); insert dbo.never select id, 'b' from dbo.account; rollback;"
        }
        _ => "begin tran; update dbo.heap set pad = pad + pad where id % 3 = 0; rollback;",
    };
    format!(
        "set xact_abort on; {extra}
         begin tran;
         truncate table dbo.stage;
         insert dbo.stage select id, replicate('s', 1000) from dbo.account;
         create table dbo.made_{n} (a int primary key, b varchar(max));
         insert dbo.made_{n} select id, replicate(cast('m' as varchar(max)), 9000) from dbo.account where id < 5;
         if {last} > 0 drop table dbo.made_{last};
         insert dbo.heap values ({n}, replicate('h', {}));
         delete dbo.heap where id = {n} - 40;
         truncate table Vault.dbo.stage;
         insert Vault.dbo.stage select {n}, replicate('v', 2000) from dbo.account;
         commit",
        random.below(3000)
    )
}

fn verify(address: &str, round: usize, known: &mut [Known]) {
    let mut c = Client::open(address, "Bank").expect("the database is online");
    assert_eq!(c.number("select sum(balance) from dbo.account"), 1000 * ACCOUNTS as i64, "round {round}");
    let rows = c.fine("select teller, max(n), count(*), count(distinct n) from dbo.ledger group by teller");
    let mut all = 0;
    for (teller, known) in known[..TELLERS].iter_mut().enumerate() {
        let row = rows.iter().find(|r| number(&r[0]) == teller as i64);
        let [last, count, distinct] = [1, 2, 3].map(|i| row.map_or(0, |r| number(&r[i])));
        let said = format!("round {round}, teller {teller}: {known:?}, last {last}, {count} rows");
        assert!(last == known.acknowledged || last == known.asked, "{said}");
        assert!(count == last && distinct == last, "{said}");
        known.acknowledged = last;
        all += count;
    }
    assert_eq!(c.number("select count(*) from dbo.ledger with (index(by_teller))"), all, "round {round}");
    let odd =
        "select count(*) from dbo.ledger l full join dbo.ledger i with (index(by_teller)) on i.id = l.id
               where l.id is null or i.id is null or l.teller <> i.teller or l.n <> i.n";
    assert_eq!(c.number(odd), 0, "round {round}");
    // Tables of the last upheaval that is there, and of no other.
    let made = c.fine("select cast(substring(name, 6, 10) as int) from sys.tables where name like 'made%'");
    let last = made.first().map_or(0, |r| number(&r[0]));
    let known = &mut known[TELLERS];
    assert!(made.len() <= 1, "round {round}: {made:?}");
    assert!(last == known.acknowledged || last == known.asked, "round {round}: {known:?}, table {last}");
    known.acknowledged = last;
    if last > 0 {
        let large = format!("select count(*) from dbo.made_{last} where len(b) = 9000");
        assert_eq!(c.number(&large), 5, "round {round}");
        assert_eq!(c.number("select count(*) from dbo.stage"), ACCOUNTS as i64, "round {round}");
    }
    assert_eq!(c.number("select count(*) from dbo.heap"), last.min(40), "round {round}");
    assert_eq!(c.number("select isnull(max(id), 0) from dbo.heap"), last, "round {round}");
    assert_eq!(c.number("select count(*) from sys.tables where name = 'never'"), 0, "round {round}");
    let books = "select count(*) from (select n from dbo.ledger where teller = 0) l
                 full join Vault.dbo.book b on b.n = l.n where l.n is null or b.n is null";
    assert_eq!(c.number(books), 0, "round {round}: the two databases differ");
    let staged = if last == 0 { 0 } else { ACCOUNTS as i64 };
    let stage = "select count(*) from Vault.dbo.stage where n = ";
    assert_eq!(c.number(&format!("{stage}{last}")), staged, "round {round}");
    assert_eq!(c.number("select count(*) from Vault.dbo.stage"), staged, "round {round}");
    assert_eq!(
        c.run("dbcc checkdb (Vault) with no_infomsgs").map(|a| a.map(|_| ())),
        Some(Ok(())),
        "round {round}"
    );
    assert_eq!(
        c.run("dbcc checkdb (Bank) with no_infomsgs").map(|a| a.map(|_| ())),
        Some(Ok(())),
        "round {round}"
    );
}

#[test]
fn a_server_that_is_killed_keeps_every_acknowledged_commit() {
    let setting = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let rounds = setting("HOLDFAST_LEDGER_ROUNDS").unwrap_or(5) as usize;
    let seed = setting("HOLDFAST_LEDGER_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("HOLDFAST_LEDGER_SEED={seed}");
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let mut server = Server::start(&data);
    let mut c = Client::open(&server.address, "master").expect("connects");
    c.fine("create database Bank");
    c.fine("create database Vault");
    c.fine(
        "create table Vault.dbo.book (n bigint primary key);
         create table Vault.dbo.stage (n bigint not null, pad char(2000) not null)",
    );
    let mut c = Client::open(&server.address, "Bank").expect("connects");
    c.fine(
        "create table dbo.account (id int primary key, balance int not null, pad varchar(200) null);
         create table dbo.ledger (id int identity primary key, teller int not null, n bigint not null, amount int not null);
         create index by_teller on dbo.ledger (teller, n);
         create table dbo.stage (id int primary key, pad char(1000) not null);
         create table dbo.heap (id int not null, pad varchar(7000) not null)",
    );
    for id in 0..ACCOUNTS {
        c.fine(&format!("insert dbo.account (id, balance) values ({id}, 1000)"));
    }
    drop(c);
    let mut known = [Known::default(); TELLERS + 1];
    let began = Instant::now();
    for round in 0..rounds {
        let stop = AtomicBool::new(false);
        let address = server.address.clone();
        let seeds: Vec<u64> = known.iter().map(|_| random.below(1 << 50) | 1).collect();
        let pause = Duration::from_millis(200 + random.below(1500));
        std::thread::scope(|scope| {
            let clients: Vec<_> = known
                .iter()
                .enumerate()
                .map(|(who, known)| {
                    let (address, stop, known, mut random) = (&address, &stop, *known, Random(seeds[who]));
                    scope.spawn(move || {
                        work(address, known, stop, |n| match who {
                            TELLERS => upheaval(&mut random, n),
                            teller => transfer(&mut random, teller, n),
                        })
                    })
                })
                .collect();
            std::thread::sleep(pause);
            server.kill();
            stop.store(true, Ordering::Relaxed);
            for (client, known) in clients.into_iter().zip(&mut known) {
                *known = client.join().expect("no client met an error");
            }
        });
        server = Server::start(&data);
        verify(&server.address, round, &mut known);
    }
    let moved: i64 = known[..TELLERS].iter().map(|k| k.acknowledged).sum();
    println!(
        "{rounds} rounds, {moved} transfers, {} upheavals, {:.1} s",
        known[TELLERS].acknowledged,
        began.elapsed().as_secs_f64()
    );
    assert!(moved > 0);
}

//! Server cursors of the API against a real server, by the calls that drivers make: blocks, changes of others, changes through the cursor.

mod common;

use common::{Client, Server};
use holdfast_tds::TdsVersion;
use holdfast_tds::request::RpcParameter;
use holdfast_tds::token::Token;
use holdfast_tds::type_info::TypeInfo;
use holdfast_types::{CollationId, SqlType, Value};

const CURSOR: u16 = 1;
const OPEN: u16 = 2;
const PREPARE_AND_EXECUTE: u16 = 5;
const EXECUTE: u16 = 4;
const FETCH: u16 = 7;
const OPTION: u16 = 8;
const CLOSE: u16 = 9;

const KEYSET: i32 = 1;
const DYNAMIC: i32 = 2;
const FORWARD_ONLY: i32 = 4;
const STATIC: i32 = 8;

const READ_ONLY: i32 = 1;
const SCROLL_LOCKS: i32 = 2;
const OPTIMISTIC: i32 = 4;

const FIRST: i32 = 1;
const NEXT: i32 = 2;
const PREVIOUS: i32 = 4;
const LAST: i32 = 8;
const ABSOLUTE: i32 = 0x10;
const RELATIVE: i32 = 0x20;
const REFRESH: i32 = 0x80;
const INFO: i32 = 0x100;
const PREVIOUS_PART: i32 = 0x200;

const UPDATE: i32 = 1;
const DELETE: i32 = 2;
const INSERT: i32 = 4;
const REREAD: i32 = 8;
const LOCK: i32 = 0x10;
const SET_POSITION: i32 = 0x20;

fn parameter(name: &str, ty: SqlType, value: Value, output: bool) -> RpcParameter {
    let info = TypeInfo::for_parameter(&ty, TdsVersion::V7_4);
    RpcParameter { by_reference: output, ..RpcParameter::scalar(name, info, value) }
}

fn int(v: i32) -> RpcParameter {
    parameter("", SqlType::INT, Value::Int(v), false)
}

fn both(v: i32) -> RpcParameter {
    parameter("", SqlType::INT, Value::Int(v), true)
}

fn text(s: &str) -> RpcParameter {
    named("", s)
}

fn named(name: &str, s: &str) -> RpcParameter {
    parameter(name, SqlType::nvarchar_max(CollationId::SERVER_DEFAULT), Value::string(s), false)
}

fn errors(tokens: &[Token]) -> Vec<i32> {
    let error = |t: &Token| match t {
        Token::Message(m) if m.class > 10 => Some(m.number),
        _ => None,
    };
    tokens.iter().filter_map(error).collect()
}

fn outputs(tokens: &[Token]) -> Vec<i32> {
    let value = |t: &Token| match t {
        Token::ReturnValue(v) => Some(common::number(&v.value) as i32),
        _ => None,
    };
    tokens.iter().filter_map(value).collect()
}

/// Rows as `id`, or `id:name`; `-` for a missing one.
fn shown(tokens: &[Token]) -> String {
    let row = |t: &Token| {
        let Token::Row(row) = t else { return None };
        let (status, values) = row.split_last().unwrap();
        match status {
            Value::Int(1) => {
                let values: Vec<String> = values.iter().map(shown_value).collect();
                Some(values.join(":"))
            }
            Value::Int(2) if values.iter().all(Value::is_null) => Some("-".to_owned()),
            other => panic!("ROWSTAT {other:?}"),
        }
    };
    tokens.iter().filter_map(row).collect::<Vec<_>>().join(" ")
}

fn shown_value(v: &Value) -> String {
    match v {
        Value::String(s) => s.to_text(),
        Value::Null => "NULL".to_owned(),
        other => common::number(other).to_string(),
    }
}

struct Cursor<'c> {
    client: &'c mut Client,
    handle: i32,
    scroll: i32,
    concurrency: i32,
    rows: i32,
    /// What the open tells of the columns; drivers read all fetches by it.
    columns: String,
}

fn columns(tokens: &[Token]) -> String {
    let told = tokens.iter().filter(|t| matches!(t, Token::Columns(_)));
    told.map(|t| format!("{t:?}")).collect()
}

impl<'c> Cursor<'c> {
    #[track_caller]
    fn open(client: &'c mut Client, query: &str, scroll: i32, concurrency: i32) -> Self {
        let tokens = client.call(OPEN, vec![both(0), text(query), both(scroll), both(concurrency), both(0)]);
        assert_eq!(errors(&tokens), [0i32; 0], "{query}");
        let [handle, scroll, concurrency, rows] = outputs(&tokens)[..] else { panic!("{tokens:?}") };
        let columns = columns(&tokens);
        Cursor { client, handle, scroll, concurrency, rows, columns }
    }

    fn call(&mut self, kind: i32, row: i32, count: i32) -> Vec<Token> {
        self.client.call(FETCH, vec![int(self.handle), int(kind), both(row), both(count)])
    }

    #[track_caller]
    fn fetch(&mut self, kind: i32, row: i32, count: i32) -> String {
        let tokens = self.call(kind, row, count);
        assert_eq!(errors(&tokens), [0i32; 0]);
        assert_eq!(columns(&tokens), self.columns);
        shown(&tokens)
    }

    /// Row and number of rows, as INFO tells them.
    fn info(&mut self) -> (i32, i32) {
        let told = outputs(&self.call(INFO, 0, 0));
        (told[0], told[1])
    }

    /// The errors of a change.
    fn change(&mut self, kind: i32, row: i32, table: &str, values: Vec<RpcParameter>) -> Vec<i32> {
        errors(&self.answer(kind, row, table, values))
    }

    fn answer(&mut self, kind: i32, row: i32, table: &str, values: Vec<RpcParameter>) -> Vec<Token> {
        let mut all = vec![int(self.handle), int(kind), int(row), text(table)];
        all.extend(values);
        self.client.call(CURSOR, all)
    }

    fn close(self) {
        let tokens = self.client.call(CLOSE, vec![int(self.handle)]);
        assert_eq!(errors(&tokens), [0i32; 0]);
    }
}

const NONE: [i32; 0] = [];

fn server() -> (tempfile::TempDir, Server, Client, Client) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    Client::open(&server.address, "master").unwrap().fine("create database c");
    let a = Client::open(&server.address, "c").unwrap();
    let mut b = Client::open(&server.address, "c").unwrap();
    b.fine("set lock_timeout 50");
    (data, server, a, b)
}

fn fill(client: &mut Client) {
    client.fine(
        "drop table if exists t; create table t(id int primary key, name nvarchar(20) null); \
         insert t select value, concat('n', value) from generate_series(1, 10)",
    );
}

const QUERY: &str = "select id from t order by id";
const BOTH: &str = "select id, name from t order by id";

#[track_caller]
fn names(client: &mut Client) -> String {
    let rows = client.fine("select string_agg(concat(id, ':', name), ' ') within group (order by id) from t");
    shown_value(&rows[0][0])
}

#[test]
fn blocks_go_in_every_direction() {
    let (_data, _server, mut a, _) = server();
    fill(&mut a);
    for model in [KEYSET, DYNAMIC, STATIC] {
        let mut c = Cursor::open(&mut a, QUERY, model, READ_ONLY);
        let rows = if model == DYNAMIC { -1 } else { 10 };
        assert_eq!((c.scroll, c.concurrency, c.rows), (model, READ_ONLY, rows));
        assert_eq!(c.info(), (0, rows));
        assert_eq!(c.fetch(NEXT, 0, 3), "1 2 3");
        assert_eq!(c.fetch(NEXT, 0, 3), "4 5 6");
        assert_eq!(c.info().0, if model == DYNAMIC { 1 } else { 4 });
        assert_eq!(c.fetch(REFRESH, 0, 0), "4 5 6");
        assert_eq!(c.fetch(PREVIOUS, 0, 2), "2 3");
        assert_eq!(c.fetch(NEXT, 0, 2), "4 5");
        assert_eq!(c.fetch(LAST, 0, 4), "7 8 9 10");
        assert_eq!(c.fetch(NEXT, 0, 4), "");
        assert_eq!(c.info().0, -1);
        assert_eq!(c.fetch(PREVIOUS_PART, 0, 4), "7 8 9 10");
        assert_eq!(c.fetch(PREVIOUS_PART, 0, 4), "3 4 5 6");
        assert_eq!(c.fetch(PREVIOUS_PART, 0, 4), "1 2");
        assert_eq!(c.fetch(PREVIOUS_PART, 0, 4), "");
        assert_eq!(c.info().0, 0);
        assert_eq!(c.fetch(NEXT, 0, 2), "1 2");
        assert_eq!(c.fetch(NEXT, 0, 5), "3 4 5 6 7");
        assert_eq!(c.fetch(PREVIOUS, 0, 5), "1 2 3 4 5");
        assert_eq!(c.fetch(RELATIVE, 2, 1), "3");
        assert_eq!(c.fetch(RELATIVE, -1, 3), "2 3 4");
        assert_eq!(c.fetch(RELATIVE, 0, 2), "2 3");
        assert_eq!(c.fetch(RELATIVE, -5, 2), "");
        assert_eq!(c.fetch(RELATIVE, 4, 2), "4 5");
        assert_eq!(c.fetch(FIRST, 0, 0), "");
        assert_eq!(c.fetch(NEXT, 0, 1), "1");
        assert_eq!(c.fetch(LAST, 0, 0), "");
        assert_eq!(c.fetch(PREVIOUS, 0, 1), "10");
        assert_eq!(c.fetch(FIRST, 0, 20), "1 2 3 4 5 6 7 8 9 10");
        if model == DYNAMIC {
            assert_eq!(errors(&c.call(ABSOLUTE, 5, 2)), [16_925]);
        } else {
            assert_eq!(c.fetch(ABSOLUTE, 5, 2), "5 6");
            assert_eq!(c.fetch(ABSOLUTE, -2, 4), "9 10");
            assert_eq!(c.fetch(ABSOLUTE, 0, 4), "");
            assert_eq!(c.fetch(ABSOLUTE, 11, 4), "");
        }
        assert_eq!(errors(&c.call(0x40, 5, 2)), [16_902]);
        c.close();
    }
}

#[test]
fn changes_of_others_are_seen() {
    let (_data, _server, mut a, mut b) = server();
    for model in [KEYSET, DYNAMIC, STATIC] {
        fill(&mut b);
        let mut c = Cursor::open(&mut a, BOTH, model, READ_ONLY);
        assert_eq!(c.fetch(NEXT, 0, 4), "1:n1 2:n2 3:n3 4:n4");
        b.fine("update t set name = 'new' where id = 2; delete t where id in (3, 6)");
        b.fine("insert t values (0, 'zero'), (11, 'eleven')");
        let expected = match model {
            KEYSET => ["1:n1 2:new - 4:n4", "1:n1 2:new -", "5:n5 - 7:n7", "9:n9 10:n10", ""],
            DYNAMIC => ["1:n1 2:new - 4:n4", "0:zero 1:n1 2:new", "5:n5 7:n7 8:n8", "10:n10 11:eleven", ""],
            _ => ["1:n1 2:n2 3:n3 4:n4", "1:n1 2:n2 3:n3", "5:n5 6:n6 7:n7", "9:n9 10:n10", ""],
        };
        assert_eq!(c.fetch(REFRESH, 0, 0), expected[0]);
        assert_eq!(c.fetch(FIRST, 0, 3), expected[1]);
        assert_eq!(c.fetch(NEXT, 0, 1), "4:n4");
        assert_eq!(c.fetch(NEXT, 0, 3), expected[2]);
        assert_eq!(c.fetch(LAST, 0, 2), expected[3]);
        assert_eq!(c.fetch(NEXT, 0, 2), expected[4]);
        c.close();
    }
    // A change that takes a row out of the query: only a dynamic cursor notices.
    fill(&mut b);
    for (model, left) in [(KEYSET, "1 2 3 - 5"), (DYNAMIC, "1 3 5 6 7")] {
        let query = "select id from t where name like 'n%' order by id";
        let mut c = Cursor::open(&mut a, query, model, OPTIMISTIC);
        b.fine("update t set name = 'other' where id = 2; update t set id = 40 where id = 4");
        assert_eq!(c.fetch(NEXT, 0, 5), left);
        c.close();
        fill(&mut b);
    }
}

#[test]
fn rows_are_changed_through_cursors() {
    let (_data, _server, mut a, mut b) = server();
    for model in [KEYSET, DYNAMIC, FORWARD_ONLY] {
        fill(&mut b);
        b.fine("delete t where id > 6");
        let mut c = Cursor::open(&mut a, "select id, name as called from t", model, OPTIMISTIC);
        assert_eq!((c.scroll, c.concurrency), (model, OPTIMISTIC));
        assert_eq!(c.change(UPDATE, 1, "", vec![named("@name", "x")]), [16_931]);
        assert_eq!(c.fetch(NEXT, 0, 3), "1:n1 2:n2 3:n3");
        // By the column's own name, by the result's, by its place; the row may be changed again.
        assert_eq!(c.change(UPDATE | SET_POSITION, 2, "", vec![named("@name", "two")]), NONE);
        assert_eq!(c.change(UPDATE, 3, "t", vec![named("called", "three")]), NONE);
        assert_eq!(c.change(UPDATE, 3, "[c].[dbo].[t]", vec![text("name = upper(name)")]), NONE);
        assert_eq!(c.change(UPDATE, 1, "dbo.t", vec![text("SET name = 'one'")]), NONE);
        assert_eq!(names(&mut b), "1:one 2:two 3:THREE 4:n4 5:n5 6:n6");
        assert_eq!(c.change(UPDATE, 4, "", vec![named("@name", "x")]), [16_930]);
        assert_eq!(c.change(UPDATE, 1, "other", vec![named("@name", "x")]), [16_933]);
        assert_eq!(c.change(UPDATE, 1, "", vec![named("@nothing", "x")]), [207]);
        assert_eq!(c.change(UPDATE, 1, "", vec![]), [16_902]);
        assert_eq!(c.change(0x80, 1, "", vec![]), [16_902]);
        assert_eq!(c.change(INSERT | 0x40, 1, "", vec![]), [16_904]);
        assert_eq!(c.fetch(REFRESH, 0, 0), "1:one 2:two 3:THREE");
        assert_eq!(c.change(DELETE | SET_POSITION, 2, "", vec![]), NONE);
        assert_eq!(c.change(DELETE, 2, "", vec![]), [16_947]);
        assert_eq!(c.fetch(REFRESH, 0, 0), "1:one - 3:THREE");
        assert_eq!(c.change(UPDATE, 2, "", vec![named("@name", "x")]), [16_947]);
        assert_eq!(c.fetch(NEXT, 0, 2), "4:n4 5:n5");
        assert_eq!(c.change(UPDATE, 0, "", vec![named("@name", "all")]), NONE);
        let id = parameter("@id", SqlType::INT, Value::Int(20), false);
        assert_eq!(c.change(INSERT, 1, "", vec![id.clone(), named("@name", "new")]), NONE);
        assert_eq!(c.change(INSERT, 0, "t", vec![id, named("@name", "new")]), [2627]);
        assert_eq!(c.change(INSERT, 0, "t", vec![text("VALUES (21, 'text')")]), NONE);
        assert_eq!(c.change(INSERT, 0, "t", vec![text("22, NULL")]), NONE);
        assert_eq!(c.change(INSERT, 0, "", vec![text("INSERT INTO t DEFAULT VALUES")]), [515]);
        assert_eq!(names(&mut b), "1:one 3:THREE 4:all 5:all 6:n6 20:new 21:text 22:");
        // Others are faster.
        b.fine("update t set name = 'theirs' where id = 4; delete t where id = 5");
        assert_eq!(c.change(UPDATE, 1, "", vec![named("@name", "mine")]), [16_947, 16_934]);
        assert_eq!(c.change(DELETE, 2, "", vec![]), [16_947]);
        assert_eq!(shown(&c.answer(REREAD, 1, "", vec![])), "4:theirs");
        assert_eq!(c.change(UPDATE, 1, "", vec![named("@name", "mine")]), NONE);
        assert_eq!(shown(&c.answer(REREAD, 0, "", vec![])), "4:mine -");
        assert_eq!(c.change(DELETE, 1, "", vec![]), NONE);
        assert_eq!(names(&mut b), "1:one 3:THREE 6:n6 20:new 21:text 22:");
        c.close();
    }
    let mut c = Cursor::open(&mut a, QUERY, KEYSET, READ_ONLY);
    c.fetch(NEXT, 0, 2);
    for kind in [UPDATE, DELETE, INSERT] {
        assert_eq!(c.change(kind, 1, "", vec![named("@name", "x")]), [16_929]);
    }
    c.close();
}

#[test]
fn of_several_tables_one_is_changed() {
    let (_data, _server, mut a, mut b) = server();
    fill(&mut b);
    b.fine("create table u(k int primary key, t int, word nvarchar(20)); insert u values (1, 2, 'a'), (2, 4, 'b')");
    let query = "select u.k, t.id, t.name, u.word from t join u on u.t = t.id order by u.k";
    for model in [KEYSET, DYNAMIC] {
        let mut c = Cursor::open(&mut a, query, model, OPTIMISTIC);
        assert_eq!(c.fetch(NEXT, 0, 2).split(' ').count(), 2);
        assert_eq!(c.change(UPDATE, 2, "", vec![named("@word", &format!("w{model}"))]), NONE);
        assert_eq!(c.change(UPDATE, 1, "", vec![named("@name", &format!("t{model}"))]), NONE);
        assert_eq!(c.change(UPDATE, 2, "t", vec![named("@name", "four")]), NONE);
        let expected = format!("1:2:t{model}:a 2:4:four:w{model}");
        assert_eq!(c.fetch(FIRST, 0, 5), expected);
        c.close();
    }
}

#[test]
fn scroll_locks_last_until_the_next_fetch_or_the_end_of_the_transaction() {
    let (_data, _server, mut a, mut b) = server();
    fill(&mut a);
    let locked = |b: &mut Client, id: i32| match b.run(&format!("update t set name = 'b' where id = {id}")) {
        Some(Err(1222)) => true,
        Some(Ok(_)) => false,
        other => panic!("{other:?}"),
    };
    for model in [KEYSET, DYNAMIC] {
        let mut c = Cursor::open(&mut a, QUERY, model, SCROLL_LOCKS);
        assert_eq!((c.scroll, c.concurrency), (model, SCROLL_LOCKS));
        assert_eq!(c.fetch(NEXT, 0, 3), "1 2 3");
        assert!(locked(&mut b, 1) && locked(&mut b, 3) && !locked(&mut b, 4));
        assert_eq!(c.change(UPDATE, 2, "", vec![named("@name", "locked")]), NONE);
        assert_eq!(c.fetch(NEXT, 0, 2), "4 5");
        assert!(!locked(&mut b, 1) && locked(&mut b, 4) && locked(&mut b, 5));
        c.client.fine("begin tran");
        assert_eq!(c.fetch(PREVIOUS, 0, 2), "2 3");
        assert_eq!(c.fetch(LAST, 0, 1), "10");
        assert!(locked(&mut b, 2) && locked(&mut b, 10) && !locked(&mut b, 1));
        c.client.fine("commit");
        assert!(!locked(&mut b, 2));
        c.close();
        assert!(!locked(&mut b, 10));
        let mut c = Cursor::open(&mut a, QUERY, model, OPTIMISTIC);
        assert_eq!(c.fetch(NEXT, 0, 2), "1 2");
        assert!(!locked(&mut b, 2));
        c.fetch(REFRESH, 0, 0);
        assert_eq!(c.change(LOCK, 2, "", vec![]), NONE);
        assert!(locked(&mut b, 2) && !locked(&mut b, 1));
        assert_eq!(c.change(UPDATE, 2, "", vec![named("@name", "mine")]), NONE);
        c.fetch(NEXT, 0, 1);
        assert!(!locked(&mut b, 2));
        c.close();
    }
}

#[test]
fn what_cannot_be_read_anew_becomes_static() {
    let (_data, _server, mut a, mut b) = server();
    fill(&mut a);
    a.fine("create table heap(id int); insert heap values (1), (2)");
    a.fine("exec('create procedure p as select id from t order by id')");
    for (query, scroll, granted) in [
        ("select id from heap", KEYSET, (STATIC, READ_ONLY, 2)),
        ("select id from heap", DYNAMIC, (DYNAMIC, OPTIMISTIC, -1)),
        ("select count(*) from t", KEYSET, (STATIC, READ_ONLY, 1)),
        ("select distinct id from t", DYNAMIC, (STATIC, READ_ONLY, 10)),
        ("select id from t order by name desc", DYNAMIC, (KEYSET, OPTIMISTIC, 10)),
        ("select 1", DYNAMIC, (STATIC, READ_ONLY, 1)),
        ("exec p", KEYSET, (STATIC, READ_ONLY, 10)),
        (";with x as (select id from t) select id from x", KEYSET, (STATIC, READ_ONLY, 10)),
        ("select id from t for update of name", KEYSET, (KEYSET, OPTIMISTIC, 10)),
        ("select id from t -- all of them", FORWARD_ONLY, (FORWARD_ONLY, OPTIMISTIC, -1)),
        ("select count(*) from t", FORWARD_ONLY, (FORWARD_ONLY, READ_ONLY, 1)),
    ] {
        let mut c = Cursor::open(&mut a, query, scroll, OPTIMISTIC);
        assert_eq!((c.scroll, c.concurrency, c.rows), granted, "{query}");
        c.fetch(NEXT, 0, 1);
        if c.concurrency == READ_ONLY {
            assert_eq!(c.change(DELETE, 1, "", vec![]), [16_929], "{query}");
        }
        if scroll == FORWARD_ONLY {
            assert_eq!(errors(&c.call(FIRST, 0, 1)), [16_911]);
        }
        c.close();
    }
    b.fine("delete heap");
    for query in ["select id from nowhere", "select id from t where"] {
        let p = vec![both(0), text(query), both(KEYSET), both(OPTIMISTIC), both(0)];
        let said = errors(&a.call(OPEN, p));
        assert!(matches!(said[0], 208 | 102) && said.len() == 2, "{said:?}");
    }
}

#[test]
fn prepared_ones_take_values_and_fetch_and_close_by_themselves() {
    let (_data, _server, mut a, _) = server();
    fill(&mut a);
    let (parameterized, fetches, closes) = (0x1000, 0x2000, 0x4000);
    let query = "select id from t where id > @low order by id";
    let p = vec![
        both(0),
        both(0),
        text("@low int"),
        text(query),
        both(KEYSET | parameterized | fetches),
        both(OPTIMISTIC),
        both(2),
        int(7),
    ];
    let tokens = a.call(PREPARE_AND_EXECUTE, p);
    assert_eq!((errors(&tokens), shown(&tokens).as_str()), (vec![], "8 9"));
    let [prepared, cursor, scroll, concurrency, rows] = outputs(&tokens)[..] else { panic!("{tokens:?}") };
    assert_eq!((scroll, concurrency, rows), (KEYSET, OPTIMISTIC, 3));
    assert_eq!(shown(&a.call(FETCH, vec![int(cursor), int(NEXT), int(0), int(5)])), "10");
    let all = DYNAMIC | parameterized | fetches | closes;
    for (low, rows, stays) in [(7, "8 9 10", false), (1, "2 3 4 5", true)] {
        let p = vec![int(prepared), both(0), both(all), both(OPTIMISTIC), both(4), int(low)];
        let tokens = a.call(EXECUTE, p);
        assert_eq!((errors(&tokens), shown(&tokens).as_str()), (vec![], rows));
        assert_eq!(outputs(&tokens)[0] != 0, stays);
    }
    // What is not asked for as an output is not answered as one: JDBC's driver counts on that.
    let p = vec![both(0), text(QUERY), int(KEYSET), int(OPTIMISTIC), both(0)];
    let told = outputs(&a.call(OPEN, p));
    assert_eq!((told.len(), told[1]), (2, 10));
}

#[test]
fn cursors_end() {
    let (_data, _server, mut a, mut b) = server();
    fill(&mut a);
    let open = |a: &mut Client| {
        let c = Cursor::open(a, QUERY, KEYSET, OPTIMISTIC);
        c.handle
    };
    let next = |a: &mut Client, handle| {
        let tokens = a.call(FETCH, vec![int(handle), int(NEXT), int(0), int(1)]);
        errors(&tokens)
    };
    let count =
        "declare @c cursor; exec sp_cursor_list @c output, 2; declare @n int = @@cursor_rows; select @n";
    let (one, two, three) = (open(&mut a), open(&mut a), open(&mut a));
    assert_ne!(one, two);
    assert_eq!(errors(&a.call(CLOSE, vec![int(one)])), NONE);
    assert_eq!((next(&mut a, one), next(&mut a, two)), (vec![16_909], vec![]));
    assert_eq!(errors(&a.call(CLOSE, vec![int(one)])), [16_909]);
    assert_eq!(a.number(count), 2);
    assert_eq!(errors(&a.call(CLOSE, vec![int(-1)])), NONE);
    assert_eq!((next(&mut a, two), next(&mut a, three)), (vec![16_909], vec![16_909]));
    assert_eq!(a.number(count), 0);
    let four = open(&mut a);
    a.run_reset("select 1");
    assert_eq!((next(&mut a, four), a.number(count)), (vec![16_909], 0));
    // By the end of a transaction.
    a.fine("set cursor_close_on_commit on; begin tran");
    let five = open(&mut a);
    assert_eq!(next(&mut a, five), NONE);
    a.fine("commit");
    assert_eq!(next(&mut a, five), [16_917]);
    assert_eq!(errors(&a.call(CLOSE, vec![int(five)])), NONE);
    a.fine("set cursor_close_on_commit off; begin tran");
    let six = open(&mut a);
    a.fine("commit");
    assert_eq!(next(&mut a, six), NONE);
    // A session that goes takes its locks along.
    let handle = Cursor::open(&mut b, QUERY, KEYSET, SCROLL_LOCKS).handle;
    assert_eq!(next(&mut b, handle), NONE);
    a.fine("set lock_timeout 50");
    assert_eq!(a.run("update t set name = 'x' where id = 1"), Some(Err(1222)));
    drop(b);
    a.fine("set lock_timeout 20000; update t set name = 'x' where id = 1");
}

#[test]
fn a_named_cursor_is_for_where_current_of() {
    let (_data, _server, mut a, mut b) = server();
    fill(&mut b);
    for model in [KEYSET, DYNAMIC] {
        let mut c = Cursor::open(&mut a, QUERY, model, OPTIMISTIC);
        let name = |c: &mut Cursor<'_>| {
            let p = vec![int(c.handle), int(2), text("Mine")];
            errors(&c.client.call(OPTION, p))
        };
        assert_eq!(name(&mut c), NONE);
        assert_eq!(name(&mut c), [16_915]);
        assert_eq!(c.fetch(NEXT, 0, 3), "1 2 3");
        c.client.fine("update t set name = 'first' where current of Mine");
        assert_eq!(c.change(SET_POSITION, 3, "", vec![]), NONE);
        c.client.fine("update t set name = 'third' where current of mine");
        assert_eq!(c.fetch(NEXT, 0, 1), "4", "the position of a change is none of a fetch");
        c.client.fine("use master");
        assert_eq!(c.fetch(FIRST, 0, 1), "1", "names are those of the cursor's database");
        assert_eq!(c.change(UPDATE, 1, "", vec![named("@name", "far")]), NONE);
        c.client.fine("use c; fetch next from mine");
        c.client.fine("update t set name = 'second' where current of mine");
        assert_eq!(names(&mut b), "1:far 2:second 3:third 4:n4 5:n5 6:n6 7:n7 8:n8 9:n9 10:n10");
        c.close();
        assert_eq!(a.run("close mine"), Some(Err(16_916)));
        fill(&mut b);
    }
}

#[test]
fn a_keyset_has_its_own_inserts_at_its_end() {
    let (_data, _server, mut a, mut b) = server();
    fill(&mut b);
    let id = |n| parameter("@id", SqlType::INT, Value::Int(n), false);
    let mut c = Cursor::open(&mut a, "select id, name from t where id < 100 order by id", KEYSET, OPTIMISTIC);
    b.fine("insert t values (11, 'theirs')");
    assert_eq!(c.change(INSERT, 0, "", vec![id(-5), named("@name", "mine")]), NONE);
    assert_eq!(c.change(INSERT, 0, "", vec![id(3)]), [2627]);
    assert_eq!(c.fetch(LAST, 0, 3), "9:n9 10:n10 -5:mine");
    assert_eq!(c.info(), (9, 11));
    assert_eq!(c.change(UPDATE, 3, "", vec![named("@name", "changed")]), NONE);
    c.client.fine("begin tran");
    assert_eq!(c.change(INSERT, 0, "", vec![text("VALUES (21, 'gone'), (22, 'gone')")]), NONE);
    assert_eq!(c.fetch(LAST, 0, 3), "-5:changed 21:gone 22:gone");
    c.client.fine("rollback");
    assert_eq!(c.fetch(REFRESH, 0, 0), "-5:changed - -");
    c.close();
    // Keys that the server makes, and rows that a trigger puts elsewhere.
    b.fine("create table g(v int default 7, k int identity primary key); create table h(v int)");
    b.fine("insert g values (1)");
    let mut c = Cursor::open(&mut a, "select k, v from g", KEYSET, OPTIMISTIC);
    assert_eq!(c.change(INSERT, 0, "", vec![text("INSERT INTO g DEFAULT VALUES")]), NONE);
    assert_eq!(c.fetch(FIRST, 0, 5), "1:1 2:7");
    b.fine("exec('create trigger r on g instead of insert as insert h select v from inserted')");
    let v = parameter("@v", SqlType::INT, Value::Int(5), false);
    assert_eq!(c.change(INSERT, 0, "", vec![v]), NONE);
    assert_eq!(c.fetch(FIRST, 0, 5), "1:1 2:7");
    assert_eq!(b.number("select v from h"), 5);
    c.close();
}

#[test]
fn drivers_are_told_of_tables_columns_and_counts() {
    let (_data, _server, mut a, _) = server();
    fill(&mut a);
    let told = |tokens: &[Token]| {
        let (mut tables, mut origins, mut flags) = (0, Vec::new(), Vec::new());
        for t in tokens {
            match t {
                Token::Other { token: 0xA4, .. } => tables += 1,
                Token::Other { token: 0xA5, data } => origins = data.clone(),
                // Bits 2 and 3: 1 read and write, 2 not known.
                Token::Columns(c) => flags = c.iter().map(|c| c.flags >> 2 & 3).collect(),
                _ => {}
            }
        }
        (tables, origins, flags)
    };
    let counts = |tokens: &[Token]| -> Vec<u64> {
        let in_procedure = |t: &Token| match t {
            Token::Done(d) if d.token == 0xFF => d.count(),
            _ => None,
        };
        tokens.iter().filter_map(in_procedure).collect()
    };
    // Number of the column, of its table, and 8 for a key, 4 for what is computed, 0x10 for what is hidden, 0x20 with another name.
    let origins =
        [[1, 1, 8].as_slice(), &[2, 1, 0x20, 4], &[110, 0, 97, 0, 109, 0, 101, 0], &[3, 0, 0x14]].concat();
    for (concurrency, flag) in [(READ_ONLY, 2), (OPTIMISTIC, 1), (SCROLL_LOCKS, 1)] {
        let query = "select id, name as called from t";
        let p = vec![both(0), text(query), both(KEYSET), both(concurrency), both(0)];
        let tokens = a.call(OPEN, p);
        assert_eq!(told(&tokens), (1, origins.clone(), vec![flag, flag, 0]));
        let handle = outputs(&tokens)[0];
        let tokens = a.call(FETCH, vec![int(handle), int(NEXT), int(0), int(3)]);
        assert_eq!(told(&tokens), (0, origins.clone(), vec![flag, flag, 0]));
        assert_eq!(counts(&tokens), [3]);
        if concurrency == OPTIMISTIC {
            let update = |row| vec![int(handle), int(UPDATE), int(row), text(""), named("@name", "x")];
            assert_eq!(counts(&a.call(CURSOR, update(2))), [1]);
            assert_eq!(counts(&a.call(CURSOR, update(0))), [3]);
        }
    }
}

/// Rows of a join in no order are those of the open; a dynamic cursor over them passes by what has gone.
#[test]
fn a_dynamic_cursor_over_a_join_passes_by_what_has_gone() {
    let (_data, _server, mut a, mut b) = server();
    fill(&mut b);
    b.fine(
        "create table u(k int primary key, t int); insert u select value, value from generate_series(1, 8)",
    );
    let query = "select t.id from t join u on u.t + 0 = t.id + 0";
    let mut c = Cursor::open(&mut a, query, DYNAMIC, OPTIMISTIC);
    assert_eq!((c.scroll, c.rows), (DYNAMIC, -1));
    let all = c.fetch(FIRST, 0, 20);
    let mut left: Vec<&str> = all.split(' ').collect();
    assert_eq!(left.len(), 8);
    for at in [6, 3, 1] {
        b.fine(&format!("delete t where id = {}", left.remove(at)));
    }
    let some = |range: std::ops::Range<usize>| left[range].join(" ");
    assert_eq!(c.fetch(FIRST, 0, 2), some(0..2));
    assert_eq!(c.fetch(NEXT, 0, 2), some(2..4));
    assert_eq!(c.fetch(PREVIOUS, 0, 1), some(1..2));
    assert_eq!(c.fetch(NEXT, 0, 20), some(2..5));
    assert_eq!(c.fetch(NEXT, 0, 1), "");
    assert_eq!(c.fetch(PREVIOUS_PART, 0, 2), some(3..5));
    assert_eq!(c.fetch(PREVIOUS_PART, 0, 20), some(0..3));
    assert_eq!(c.fetch(NEXT, 0, 1), some(3..4));
    assert_eq!(c.fetch(PREVIOUS, 0, 20), some(0..5));
    assert_eq!(c.fetch(LAST, 0, 3), some(2..5));
    assert_eq!(errors(&c.call(ABSOLUTE, 1, 1)), [16_925]);
    assert_eq!(c.change(UPDATE, 2, "", vec![named("@name", "changed")]), NONE);
    let id = left[3];
    assert_eq!(b.number(&format!("select count(*) from t where id = {id} and name = 'changed'")), 1);
    c.close();
}

//! What clients send: packets, logins, requests and T-SQL; and what a server sends to the shell.

use holdfast_tds::TdsVersion;
use holdfast_tds::login::Login7;
use holdfast_tds::packet::{MessageReader, PacketType, message};
use holdfast_tds::prelogin::PreLogin;
use holdfast_tds::request::{BulkLoad, Rpc, SqlBatch, TransactionManagerRequest};
use holdfast_tds::token::TokenReader;
use holdfast_tsql::ParseOptions;
use holdfast_tsql::parser::{parse_batch, parse_expression};
use holdfast_tsql::splitter::split_batches;

use crate::Target;

pub fn targets() -> Vec<Target> {
    vec![
        Target {
            name: "request",
            what: "packets and requests of a client",
            seeds: requests,
            run: request,
            changes: 6,
        },
        Target {
            name: "tokens",
            what: "the answer stream of a server",
            seeds: answers,
            run: tokens,
            changes: 6,
        },
        Target { name: "tsql", what: "scripts", seeds: scripts, run: script, changes: 8 },
    ]
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn requests() -> Vec<Vec<u8>> {
    let login = Login7 { user_name: "sa".into(), database: "master".into(), ..Login7::default() };
    // sp_executesql by number with one int parameter.
    let mut rpc = vec![22, 0, 0, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
    rpc.extend([0xFF, 0xFF, 10, 0, 0, 0, 0, 0, 0xE7, 0x40, 0x1F, 9, 4, 0xD0, 0, 0x34, 16, 0]);
    rpc.extend(utf16("select 1"));
    rpc.extend([2, b'@', 0, b'a', 0, 0, 0x26, 4, 4, 7, 0, 0, 0]);
    vec![
        login.encode(),
        PreLogin::default().encode(false),
        rpc.clone(),
        utf16("select 1"),
        message(PacketType::SqlBatch, 4096, 0, utf16("select name from sys.tables")),
        message(PacketType::Rpc, 512, 0, rpc),
    ]
}

fn request(data: &[u8]) {
    for version in [TdsVersion::V7_1, TdsVersion::V7_4] {
        let _ = SqlBatch::decode(data, version);
        let _ = Rpc::decode(data, version);
        let _ = BulkLoad::decode(data, version);
        let _ = TransactionManagerRequest::decode(data, version);
    }
    let _ = Login7::decode(data);
    let _ = PreLogin::decode(data);
    let mut reader = MessageReader::new(1 << 20);
    reader.feed(data);
    while let Ok(Some(_)) = reader.next_message() {}
}

fn answers() -> Vec<Vec<u8>> {
    // COLMETADATA of one nvarchar column, a row, DONE; an error message; an environment change.
    let mut columns = vec![0x81, 1, 0, 0, 0, 0, 0, 9, 0, 0xE7, 20, 0, 9, 4, 0xD0, 0, 0x34, 1, b'a', 0];
    columns.extend([0xD1, 4, 0, b'x', 0, b'y', 0]);
    columns.extend([0xFD, 0x10, 0, 0xC1, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    let mut error = vec![0xAA, 24, 0, 8, 2, 0, 0, 1, 16, 3, 0];
    error.extend(utf16("bad"));
    error.extend([0, 0, 1, 0, 0, 0]);
    vec![columns, error, vec![0xE3, 7, 0, 1, 1, b'm', 0, 1, b'a', 0]]
}

fn tokens(data: &[u8]) {
    for version in [TdsVersion::V7_1, TdsVersion::V7_4] {
        let mut reader = TokenReader::new(version);
        reader.feed(data);
        let mut count = 0;
        while let Ok(Some(_)) = reader.next_token() {
            count += 1;
            assert!(count <= data.len(), "tokens without end");
        }
    }
}

fn scripts() -> Vec<Vec<u8>> {
    [
        "select a.b, count(*) over (partition by c order by d rows between 1 preceding and current row) from dbo.t as a \
         left join [x y].z on a.i = z.i cross apply f(a.k) where a.b like N'%\u{e9}' and exists (select 1) order by 1 \
         offset 5 rows fetch next 2 rows only option (recompile)",
        "with c as (select 1 as n union all select n + 1 from c where n < 5) select * from c;\ngo 3\ndeclare @x xml = '<a/>'",
        "begin try restore database x from disk = 'a', disk = N'b' with move 'l' to 'p', replace, stats = 5 end try \
         begin catch throw 50000, 'm', 1 end catch",
        "create table t (id int identity(1,1) not null primary key, v as (id + 1) persisted, s varchar(max) sparse null, \
         constraint ck check ([v] > (0) and [s] in ('a', 'b')))",
        "merge into a using b on a.i = b.i when matched then update set x = 1 when not matched then insert (i) values (b.i) \
         output $action, inserted.*;",
    ]
    .iter()
    .map(|s| s.as_bytes().to_vec())
    .collect()
}

fn script(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let options = ParseOptions::default();
    for batch in split_batches(&text) {
        let _ = parse_batch(batch.text, &options);
    }
    let _ = parse_expression(&text, &options);
}

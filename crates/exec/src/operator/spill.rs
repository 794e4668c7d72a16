//! Memory budgets, and batches written to temporary files when a budget is exhausted.
//!
//! Invariants
//! 1. A spill file is for this user only, and unlinked as soon as it is open: nothing is left behind by a killed process.
//! 2. What is written is only ever read by the process that wrote it, but lengths are checked all the same.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use holdfast_types::batch::VarColumn;
use holdfast_types::{
    Batch, Column, ColumnData, Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, SqlError, SqlResult,
    SqlType, Time, TypeId, Value, Variant,
};

/// Memory that the operators of one query may hold together, in bytes.
#[derive(Debug)]
pub struct MemoryBudget {
    limit: usize,
    used: AtomicUsize,
    directory: PathBuf,
    spilled_bytes: AtomicU64,
}

impl MemoryBudget {
    pub fn new(limit: usize, directory: impl Into<PathBuf>) -> Arc<Self> {
        Arc::new(MemoryBudget {
            limit,
            used: AtomicUsize::new(0),
            directory: directory.into(),
            spilled_bytes: AtomicU64::new(0),
        })
    }

    /// Takes `bytes`; `false` (and nothing taken) when that would exceed the limit.
    pub fn try_take(&self, bytes: usize) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.limit {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        true
    }

    /// Takes `bytes` whatever the limit.
    pub fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Bytes written to spill files so far.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled_bytes.load(Ordering::Relaxed)
    }
}

/// A share of a budget that is given back when dropped.
#[derive(Debug)]
pub struct Grant {
    budget: Arc<MemoryBudget>,
    bytes: usize,
}

impl Grant {
    pub fn new(budget: &Arc<MemoryBudget>) -> Self {
        Grant { budget: Arc::clone(budget), bytes: 0 }
    }

    /// Sets the share to `bytes`; `false` when growing failed (the share stays as it was).
    pub fn resize(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes {
            if !self.budget.try_take(bytes - self.bytes) {
                return false;
            }
        } else {
            self.budget.give_back(self.bytes - bytes);
        }
        self.bytes = bytes;
        true
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

pub(crate) fn io_error(e: std::io::Error) -> SqlError {
    SqlError::with_text(1105, 17, format!("Could not write to or read from a temporary spill file: {e}."))
}

/// Makes the directory of spill files, for this user only, and takes away what a process left there that was killed between making
/// a file and unlinking it. Only one server has a data directory open.
///
/// # Errors
/// What the operating system says.
pub fn prepare_directory(directory: &Path) -> std::io::Result<()> {
    holdfast_disk::private_directory(directory)?;
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if name.starts_with(FILE_PREFIX) && name.ends_with(FILE_SUFFIX) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

const FILE_PREFIX: &str = "spill-";
const FILE_SUFFIX: &str = ".tmp";

pub(crate) fn open_temporary(directory: &Path) -> SqlResult<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{FILE_PREFIX}{}-{n}{FILE_SUFFIX}", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path).map_err(io_error)?;
                return Ok(file);
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => continue,
            Err(e) => return Err(io_error(e)),
        }
    }
}

/// Bytes between a file and its batches. An operator may have several dozens of files.
const BUFFER: usize = 64 << 10;

/// Batches on their way to a temporary file.
#[derive(Debug)]
pub struct SpillWriter {
    out: BufWriter<File>,
    types: Arc<[SqlType]>,
    scratch: Vec<u8>,
    budget: Arc<MemoryBudget>,
    rows: u64,
    bytes: u64,
}

impl SpillWriter {
    pub fn new(budget: &Arc<MemoryBudget>, types: Arc<[SqlType]>) -> SqlResult<Self> {
        let out = BufWriter::with_capacity(BUFFER, open_temporary(&budget.directory)?);
        Ok(SpillWriter { out, types, scratch: Vec::new(), budget: Arc::clone(budget), rows: 0, bytes: 0 })
    }

    pub fn write(&mut self, batch: &Batch) -> SqlResult<()> {
        if batch.len == 0 {
            return Ok(());
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(&(batch.len as u64).to_le_bytes());
        for c in &batch.columns {
            encode_column(c, &mut self.scratch);
        }
        self.rows += batch.len as u64;
        let len = self.scratch.len() as u64;
        self.bytes += len + 8;
        self.budget.spilled_bytes.fetch_add(len, Ordering::Relaxed);
        self.out.write_all(&len.to_le_bytes()).map_err(io_error)?;
        self.out.write_all(&self.scratch).map_err(io_error)
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes written so far: where the next batch begins.
    pub fn position(&self) -> u64 {
        self.bytes
    }

    /// The file itself, for reading batches with [`read_batch_at`].
    pub fn into_file(self) -> SqlResult<File> {
        self.out.into_inner().map_err(|e| io_error(e.into_error()))
    }

    pub fn finish(self) -> SqlResult<SpillReader> {
        let mut file = self.out.into_inner().map_err(|e| io_error(e.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(io_error)?;
        Ok(SpillReader {
            input: Input::Whole(BufReader::with_capacity(BUFFER, file)),
            types: self.types,
            scratch: Vec::new(),
            rows: self.rows,
        })
    }
}

/// Batches from a temporary file, in the order in which they were written.
#[derive(Debug)]
pub struct SpillReader {
    input: Input,
    types: Arc<[SqlType]>,
    scratch: Vec<u8>,
    rows: u64,
}

#[derive(Debug)]
enum Input {
    /// All batches of a file.
    Whole(BufReader<File>),
    /// Those that begin at these places.
    Some { file: Arc<File>, places: Vec<u64>, next: usize },
}

impl SpillReader {
    /// The batches of a file that begin at `places`, of `rows` rows together.
    pub fn of_places(file: &Arc<File>, places: Vec<u64>, types: &Arc<[SqlType]>, rows: u64) -> Self {
        let input = Input::Some { file: Arc::clone(file), places, next: 0 };
        SpillReader { input, types: Arc::clone(types), scratch: Vec::new(), rows }
    }

    /// Rows in the file.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let input = match &mut self.input {
            Input::Whole(input) => input,
            Input::Some { file, places, next } => {
                let Some(place) = places.get(*next) else { return Ok(None) };
                *next += 1;
                return read_batch_at(file, *place, &self.types).map(Some);
            }
        };
        let mut head = [0u8; 8];
        match input.read_exact(&mut head) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(e) => return Err(io_error(e)),
        }
        let len = u64::from_le_bytes(head);
        self.scratch.clear();
        let got = input.by_ref().take(len).read_to_end(&mut self.scratch).map_err(io_error)?;
        if got as u64 != len {
            return Err(damaged());
        }
        decode_batch(&self.scratch, &self.types).map(Some)
    }

    /// Back to the first batch.
    pub fn rewind(&mut self) -> SqlResult<()> {
        match &mut self.input {
            Input::Whole(input) => {
                input.seek(SeekFrom::Start(0)).map_err(io_error)?;
            }
            Input::Some { next, .. } => *next = 0,
        }
        Ok(())
    }
}

/// The batch that begins at a position of a file which [`SpillWriter::position`] gave.
pub fn read_batch_at(file: &File, position: u64, types: &[SqlType]) -> SqlResult<Batch> {
    let mut head = [0u8; 8];
    file.read_exact_at(&mut head, position).map_err(io_error)?;
    let rest = file.metadata().map_err(io_error)?.len().saturating_sub(position + 8);
    let len = u64::from_le_bytes(head);
    if len > rest {
        return Err(damaged());
    }
    let mut content = vec![0; len as usize];
    file.read_exact_at(&mut content, position + 8).map_err(io_error)?;
    decode_batch(&content, types)
}

fn decode_batch(content: &[u8], types: &[SqlType]) -> SqlResult<Batch> {
    let mut r = Reader { data: content, pos: 0 };
    let rows = r.u64()? as usize;
    let columns = types.iter().map(|ty| decode_column(&mut r, ty, rows).map(Arc::new));
    Ok(Batch { len: rows, columns: columns.collect::<SqlResult<_>>()? })
}

pub(crate) fn damaged() -> SqlError {
    SqlError::with_text(1105, 17, "A temporary spill file is damaged.")
}

struct Reader<'a> {
    data: &'a [u8],
    pos: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> SqlResult<&'a [u8]> {
        let end = self.pos.checked_add(n).filter(|&e| e <= self.data.len()).ok_or_else(damaged)?;
        let out = &self.data[self.pos..end];
        self.pos = end;
        Ok(out)
    }
    fn array<const N: usize>(&mut self) -> SqlResult<[u8; N]> {
        let mut a = [0u8; N];
        a.copy_from_slice(self.bytes(N)?);
        Ok(a)
    }
    fn u8(&mut self) -> SqlResult<u8> {
        Ok(self.array::<1>()?[0])
    }
    fn u64(&mut self) -> SqlResult<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }
    fn i32(&mut self) -> SqlResult<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }
    /// `rows` fixed entries of `N` bytes.
    fn fixed<T, const N: usize>(&mut self, rows: usize, f: impl Fn([u8; N]) -> T) -> SqlResult<Vec<T>> {
        let total = rows.checked_mul(N).ok_or_else(damaged)?;
        Ok(self
            .bytes(total)?
            .chunks_exact(N)
            .map(|c| {
                let mut a = [0u8; N];
                a.copy_from_slice(c);
                f(a)
            })
            .collect())
    }
}

fn put_var<T: Copy, const N: usize>(v: &VarColumn<T>, out: &mut Vec<u8>, f: impl Fn(T) -> [u8; N]) {
    for o in &v.offsets[1..] {
        out.extend_from_slice(&o.to_le_bytes());
    }
    out.extend_from_slice(&(v.data.len() as u64).to_le_bytes());
    for &x in &v.data {
        out.extend_from_slice(&f(x));
    }
}

fn get_var<T: Copy, const N: usize>(
    r: &mut Reader<'_>,
    rows: usize,
    f: impl Fn([u8; N]) -> T,
) -> SqlResult<VarColumn<T>> {
    let mut offsets = vec![0u32];
    offsets.extend(r.fixed(rows, u32::from_le_bytes)?);
    let total = r.u64()? as usize;
    let data = r.fixed(total, f)?;
    if offsets.windows(2).any(|w| w[0] > w[1]) || offsets[rows] as usize != data.len() {
        return Err(damaged());
    }
    Ok(VarColumn { data, offsets })
}

fn encode_column(c: &Column, out: &mut Vec<u8>) {
    match &c.nulls {
        None => out.push(0),
        Some(n) => {
            out.push(1);
            out.extend(n.iter().map(|&b| u8::from(b)));
        }
    }
    match &c.data {
        ColumnData::U8(v) => out.extend_from_slice(v),
        ColumnData::I16(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
        ColumnData::I32(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
        ColumnData::I64(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
        ColumnData::F32(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
        ColumnData::F64(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
        ColumnData::Decimal(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
        ColumnData::Guid(v) => v.iter().for_each(|x| out.extend_from_slice(x)),
        ColumnData::DateTime(v) => v.iter().for_each(|x| out.extend_from_slice(&datetime_bytes(*x))),
        ColumnData::DateTime2(v) => v.iter().for_each(|x| out.extend_from_slice(&datetime2_bytes(*x))),
        ColumnData::SmallDateTime(v) => v.iter().for_each(|x| {
            out.extend_from_slice(&x.days.to_le_bytes());
            out.extend_from_slice(&x.minutes.to_le_bytes());
        }),
        ColumnData::Values(v) => v.iter().for_each(|x| encode_value(x, out)),
        ColumnData::Utf16(v) => put_var(v, out, u16::to_le_bytes),
        ColumnData::Bytes(v) => put_var(v, out, |b| [b]),
    }
}

fn decode_column(r: &mut Reader<'_>, ty: &SqlType, rows: usize) -> SqlResult<Column> {
    let nulls = match r.u8()? {
        0 => None,
        _ => Some(r.bytes(rows)?.iter().map(|&b| b != 0).collect()),
    };
    let data = match ColumnData::for_type(ty, 0) {
        ColumnData::U8(_) => ColumnData::U8(r.bytes(rows)?.to_vec()),
        ColumnData::I16(_) => ColumnData::I16(r.fixed(rows, i16::from_le_bytes)?),
        ColumnData::I32(_) => ColumnData::I32(r.fixed(rows, i32::from_le_bytes)?),
        ColumnData::I64(_) => ColumnData::I64(r.fixed(rows, i64::from_le_bytes)?),
        ColumnData::F32(_) => ColumnData::F32(r.fixed(rows, f32::from_le_bytes)?),
        ColumnData::F64(_) => ColumnData::F64(r.fixed(rows, f64::from_le_bytes)?),
        ColumnData::Decimal(_) => ColumnData::Decimal(r.fixed(rows, i128::from_le_bytes)?),
        ColumnData::Guid(_) => ColumnData::Guid(r.fixed(rows, |g| g)?),
        ColumnData::DateTime(_) => ColumnData::DateTime(r.fixed(rows, datetime_from)?),
        ColumnData::DateTime2(_) => ColumnData::DateTime2(r.fixed(rows, datetime2_from)?),
        ColumnData::SmallDateTime(_) => {
            ColumnData::SmallDateTime(r.fixed(rows, |b: [u8; 4]| SmallDateTime {
                days: u16::from_le_bytes([b[0], b[1]]),
                minutes: u16::from_le_bytes([b[2], b[3]]),
            })?)
        }
        ColumnData::Values(_) => {
            let mut v = Vec::with_capacity(rows.min(r.data.len()));
            for _ in 0..rows {
                v.push(decode_value(r, ty)?);
            }
            ColumnData::Values(v)
        }
        ColumnData::Utf16(_) => ColumnData::Utf16(get_var(r, rows, u16::from_le_bytes)?),
        ColumnData::Bytes(_) => ColumnData::Bytes(get_var(r, rows, |b: [u8; 1]| b[0])?),
    };
    Ok(Column { data, nulls })
}

fn datetime_bytes(d: DateTime) -> [u8; 8] {
    ((d.days as u32 as u64) << 32 | u64::from(d.ticks)).to_le_bytes()
}

fn datetime_from(b: [u8; 8]) -> DateTime {
    let x = u64::from_le_bytes(b);
    DateTime { days: (x >> 32) as u32 as i32, ticks: x as u32 }
}

fn datetime2_bytes(d: DateTime2) -> [u8; 12] {
    let mut out = [0u8; 12];
    out[..4].copy_from_slice(&d.date.0.to_le_bytes());
    out[4..].copy_from_slice(&d.time.0.to_le_bytes());
    out
}

fn datetime2_from(b: [u8; 12]) -> DateTime2 {
    DateTime2 {
        date: Date(i32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        time: Time(u64::from_le_bytes([b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11]])),
    }
}

/// datetimeoffset and sql_variant: the two that columns hold as values.
pub(crate) fn encode_value(v: &Value, out: &mut Vec<u8>) {
    match v {
        Value::DateTimeOffset(d) => {
            out.push(1);
            out.extend_from_slice(&datetime2_bytes(d.utc));
            out.extend_from_slice(&d.offset_minutes.to_le_bytes());
        }
        Value::Variant(x) => {
            out.push(2);
            let t = &x.ty;
            out.push(type_code(t.id));
            out.extend_from_slice(&t.length.to_le_bytes());
            out.push(t.precision);
            out.push(t.scale);
            out.extend_from_slice(&t.collation.0.to_le_bytes());
            let one = Column::from_values(t, [&x.value]).unwrap_or_else(|_| Column::all_null(t, 1));
            encode_column(&one, out);
        }
        _ => out.push(0),
    }
}

/// A value that [`encode_value`] wrote at the beginning of `content`, and how many bytes it takes.
pub(crate) fn value_at(content: &[u8], ty: &SqlType) -> SqlResult<(Value, usize)> {
    let mut r = Reader { data: content, pos: 0 };
    let value = decode_value(&mut r, ty)?;
    Ok((value, r.pos))
}

fn decode_value(r: &mut Reader<'_>, _ty: &SqlType) -> SqlResult<Value> {
    Ok(match r.u8()? {
        1 => {
            let utc = datetime2_from(r.array()?);
            Value::DateTimeOffset(DateTimeOffset { utc, offset_minutes: i16::from_le_bytes(r.array()?) })
        }
        2 => {
            let id = type_of_code(r.u8()?)?;
            let length = r.i32()?;
            let (precision, scale) = (r.u8()?, r.u8()?);
            let collation = holdfast_types::CollationId(u32::from_le_bytes(r.array()?));
            let ty = SqlType { id, length, precision, scale, collation };
            if matches!(id, TypeId::SqlVariant) {
                return Err(damaged());
            }
            let column = decode_column(r, &ty, 1)?;
            Value::Variant(Arc::new(Variant { ty, value: column.value(0, &ty) }))
        }
        _ => Value::Null,
    })
}

const VARIANT_TYPES: [TypeId; 25] = [
    TypeId::Bit,
    TypeId::TinyInt,
    TypeId::SmallInt,
    TypeId::Int,
    TypeId::BigInt,
    TypeId::Decimal,
    TypeId::Numeric,
    TypeId::Money,
    TypeId::SmallMoney,
    TypeId::Real,
    TypeId::Float,
    TypeId::Date,
    TypeId::Time,
    TypeId::DateTime2,
    TypeId::DateTimeOffset,
    TypeId::DateTime,
    TypeId::SmallDateTime,
    TypeId::Char,
    TypeId::VarChar,
    TypeId::NChar,
    TypeId::NVarChar,
    TypeId::Binary,
    TypeId::VarBinary,
    TypeId::UniqueIdentifier,
    TypeId::Null,
];

fn type_code(id: TypeId) -> u8 {
    VARIANT_TYPES.iter().position(|&t| t == id).unwrap_or(VARIANT_TYPES.len() - 1) as u8
}

fn type_of_code(code: u8) -> SqlResult<TypeId> {
    VARIANT_TYPES.get(code as usize).copied().ok_or_else(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_types::{CollationId, Decimal};

    #[test]
    fn batches_come_back_as_written() {
        let budget = MemoryBudget::new(1 << 20, std::env::temp_dir());
        let variant = |ty, value| Value::Variant(Arc::new(Variant { ty, value }));
        let types: Arc<[SqlType]> = Arc::from(vec![
            SqlType::INT,
            SqlType::nvarchar(20, CollationId::SERVER_DEFAULT),
            SqlType::VARIANT,
            SqlType::decimal(20, 3),
            SqlType::DATETIME,
            SqlType::datetimeoffset(7),
        ]);
        let dto = Value::DateTimeOffset(DateTimeOffset {
            utc: DateTime2 { date: Date(730_000), time: Time(77) },
            offset_minutes: -90,
        });
        let rows = vec![
            vec![
                Value::Int(-5),
                Value::string("abc"),
                variant(SqlType::INT, Value::Int(4)),
                Value::Decimal(Decimal::new(-123_456, 3)),
                Value::DateTime(DateTime { days: -3, ticks: 99 }),
                dto.clone(),
            ],
            vec![
                Value::Null,
                Value::string(""),
                variant(SqlType::nvarchar(5, CollationId::SERVER_DEFAULT), Value::string("é")),
                Value::Null,
                Value::Null,
                Value::Null,
            ],
        ];
        let batch = Batch::from_rows(&types, &rows).unwrap();
        let mut w = SpillWriter::new(&budget, Arc::clone(&types)).unwrap();
        w.write(&batch).unwrap();
        w.write(&batch.take(&[1, 0])).unwrap();
        let mut r = w.finish().unwrap();
        let a = r.next_batch().unwrap().unwrap();
        let b = r.next_batch().unwrap().unwrap();
        assert!(r.next_batch().unwrap().is_none());
        for i in 0..2 {
            assert_eq!(a.row(i, &types), rows[i]);
            assert_eq!(b.row(i, &types), rows[1 - i]);
        }
        assert!(budget.spilled_bytes() > 0);
    }

    #[test]
    fn the_directory_is_private_and_cleared_of_leftovers() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("spill");
        prepare_directory(&directory).unwrap();
        assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
        let file = open_temporary(&directory).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0, "unlinked at once");
        std::fs::write(directory.join("spill-1-2.tmp"), "left behind").unwrap();
        std::fs::write(directory.join("notes"), "somebody's").unwrap();
        prepare_directory(&directory).unwrap();
        let left: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["notes"]);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_error_1105() {
        let root = tempfile::tempdir().unwrap();
        let budget = MemoryBudget::new(0, root.path().join("absent"));
        let types: Arc<[SqlType]> = Arc::from(vec![SqlType::INT]);
        assert_eq!(SpillWriter::new(&budget, types).unwrap_err().number, 1105);
    }

    #[test]
    fn grants_return_what_they_took() {
        let budget = MemoryBudget::new(100, std::env::temp_dir());
        let mut g = Grant::new(&budget);
        assert!(g.resize(80));
        assert!(!g.resize(101));
        assert_eq!((g.bytes(), budget.used()), (80, 80));
        drop(g);
        assert_eq!(budget.used(), 0);
    }
}

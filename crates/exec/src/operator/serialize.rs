//! FOR XML and FOR JSON: the whole input as one text.
//!
//! Invariants
//! 1. One row, one column; FOR XML over no rows gives one NULL (no text) without ROOT, FOR JSON likewise.
//! 2. Names that XML does not allow are written `_xHHHH_`; characters that markup uses are written as entities.
//! 3. Dotted column names nest in FOR JSON PATH, names with `/` in FOR XML PATH; `@name` is an attribute.
//!
//! Evidence: T-SQL reference, "FOR XML", "FOR JSON".

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::physical::{ForJson, ForXml, ForXmlMode, PhysicalPlan, SerialColumn};
use holdfast_types::base64::base64;
use holdfast_types::{Batch, Column, SqlError, SqlResult, SqlString, SqlType, TypeId, Value};

use super::serialize_explicit::Explicit;
use super::{Source, open, types_of};
use crate::context::ExecContext;
use crate::function::json::{escape, scientific, write_value};
use crate::function::text_in_iso;

/// Computes its one row when it is asked for.
struct Single<F> {
    compute: Option<F>,
    ty: SqlType,
    /// A NULL is no row.
    absent: bool,
}

impl<F: FnOnce() -> SqlResult<Value> + Send> BatchSource for Single<F> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let Some(f) = self.compute.take() else { return Ok(None) };
        let v = f()?;
        if self.absent && v.is_null() {
            return Ok(None);
        }
        Ok(Some(Batch::from_columns(vec![Column::from_values(&self.ty, [&v])?])))
    }
}

fn output_type(plan: &PhysicalPlan) -> SqlType {
    plan.columns.first().map_or(SqlType::XML, |c| c.ty)
}

pub fn open_xml<'p>(
    input: &'p PhysicalPlan,
    options: &'p ForXml,
    plan: &'p PhysicalPlan,
    ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    let ctx = ctx.clone();
    let compute = move || {
        let types = types_of(input);
        let mut out = Xml { out: Vec::new(), behind_data: None, options, ctx: ctx.clone() };
        let mut source = open(input, &ctx)?;
        let mut any = false;
        let mut explicit: Option<Explicit> = None;
        let mut open_levels: Vec<(String, Vec<Value>)> = Vec::new();
        if let Some(root) = &options.root {
            out.text(&format!("<{}{}>", name(root), options.declarations));
        }
        while let Some(b) = source.next_batch()? {
            ctx.check_cancel()?;
            for row in 0..b.len {
                any = true;
                let values = b.row(row, &types);
                match &options.mode {
                    ForXmlMode::Raw { element } => out.raw(element, &values, &types)?,
                    ForXmlMode::Path { element } => out.path(element, &values, &types)?,
                    ForXmlMode::Auto => out.auto(&values, &types, &mut open_levels)?,
                    ForXmlMode::Explicit => {
                        let state = match &mut explicit {
                            Some(state) => state,
                            None => explicit.insert(Explicit::new(&column_names(options))?),
                        };
                        state.row(&values, &types, &mut out)?;
                    }
                }
            }
        }
        if let Some(state) = &mut explicit {
            state.finish(&mut out);
        }
        while let Some((element, _)) = open_levels.pop() {
            out.text(&format!("</{element}>"));
        }
        match &options.root {
            Some(root) => out.text(&format!("</{}>", name(root))),
            None if !any => return Ok(Value::Null),
            None => {}
        }
        Ok(Value::String(SqlString::from(out.out)))
    };
    Ok(Box::new(Single { compute: Some(compute), ty: output_type(plan), absent: options.absent }))
}

fn column_names(options: &ForXml) -> Vec<String> {
    options.columns.iter().map(|c| c.name.to_string()).collect()
}

pub(super) struct Xml<'p> {
    out: Vec<u16>,
    /// Where the last value of a data() column ended: another one right behind it comes after a blank.
    behind_data: Option<usize>,
    options: &'p ForXml,
    ctx: ExecContext,
}

/// An XML name: what may not stand in one is written `_xHHHH_`.
pub(super) fn name(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for (i, c) in s.chars().enumerate() {
        let good =
            c.is_alphabetic() || c == '_' || (i > 0 && (c.is_numeric() || c == '-' || c == '.')) || c == ':';
        if good {
            out.push(c);
        } else {
            let mut units = [0u16; 2];
            for u in c.encode_utf16(&mut units) {
                out.push_str(&format!("_x{u:04X}_"));
            }
        }
    }
    out
}

/// Appends character data with entities.
fn entities(s: &[u16], attribute: bool, out: &mut Vec<u16>) {
    let ascii = |out: &mut Vec<u16>, t: &str| out.extend(t.encode_utf16());
    for &u in s {
        match u {
            0x26 => ascii(out, "&amp;"),
            0x3C => ascii(out, "&lt;"),
            0x3E => ascii(out, "&gt;"),
            0x22 if attribute => ascii(out, "&quot;"),
            0x0D => ascii(out, "&#x0D;"),
            0x0A if attribute => ascii(out, "&#x0A;"),
            0x09 if attribute => ascii(out, "&#x09;"),
            0..=0x1F if u != 0x0A && u != 0x09 => ascii(out, &format!("&#x{u:02X};")),
            _ => out.push(u),
        }
    }
}

impl Xml<'_> {
    /// The namespaces, where no root element has declared them.
    fn declare(&mut self) {
        if self.options.root.is_none() {
            self.text(&self.options.declarations);
        }
    }

    pub(super) fn text(&mut self, s: &str) {
        self.out.extend(s.encode_utf16());
    }

    /// A value's characters, not escaped yet.
    fn characters(&self, v: &Value, ty: &SqlType) -> SqlResult<Vec<u16>> {
        let s = match v {
            Value::String(s) => return Ok(s.units().to_vec()),
            Value::Bit(b) => u8::from(*b).to_string(),
            Value::Binary(b) if ty.id == TypeId::HierarchyId => holdfast_types::hierarchyid::to_text(b)
                .map_err(|e| SqlError::new(6522, &[&"hierarchyid", &e]))?,
            Value::Binary(b) => base64(b, false),
            Value::Decimal(d) => d.to_string(),
            Value::Money(m) => holdfast_types::Decimal::new(i128::from(*m), 4).to_string(),
            Value::SmallMoney(m) => holdfast_types::Decimal::new(i128::from(*m), 4).to_string(),
            Value::Float(f) => scientific(*f, 15),
            Value::Real(f) => scientific(f64::from(*f), 7),
            Value::Variant(x) => return self.characters(&x.value, &x.ty),
            other => match crate::expression::arithmetic::integer_value(other) {
                Some(n) => n.to_string(),
                None => text_in_iso(other, ty, Some(&self.ctx))?,
            },
        };
        Ok(s.encode_utf16().collect())
    }

    pub(super) fn attribute(&mut self, key: &str, v: &Value, ty: &SqlType) -> SqlResult<()> {
        let chars = self.characters(v, ty)?;
        self.text(&format!(" {key}=\""));
        entities(&chars, true, &mut self.out);
        self.text("\"");
        Ok(())
    }

    pub(super) fn content(&mut self, v: &Value, ty: &SqlType, raw: bool) -> SqlResult<()> {
        let chars = self.characters(v, ty)?;
        if raw || ty.id == TypeId::Xml {
            self.out.extend(chars);
        } else {
            entities(&chars, false, &mut self.out);
        }
        Ok(())
    }

    /// `<key>value</key>`, or what NULL asks for.
    fn element(&mut self, key: &str, v: &Value, ty: &SqlType, raw: bool) -> SqlResult<()> {
        if v.is_null() {
            if self.options.xsinil {
                self.text(&format!("<{key} xsi:nil=\"true\"/>"));
            }
            return Ok(());
        }
        self.text(&format!("<{key}>"));
        self.content(v, ty, raw)?;
        self.text(&format!("</{key}>"));
        Ok(())
    }

    fn column(&self, i: usize) -> SerialColumn {
        self.options.columns.get(i).cloned().unwrap_or(SerialColumn {
            name: Arc::from(""),
            table: None,
            raw: false,
        })
    }

    fn raw(&mut self, element: &str, values: &[Value], types: &[SqlType]) -> SqlResult<()> {
        let element = name(element);
        self.text(&format!("<{element}"));
        self.declare();
        self.columns(&element, &(0..values.len()).collect::<Vec<_>>(), values, types, true)
    }

    /// The columns of one element whose start tag is open; `close` ends the element.
    fn columns(
        &mut self,
        element: &str,
        which: &[usize],
        values: &[Value],
        types: &[SqlType],
        close: bool,
    ) -> SqlResult<()> {
        let as_elements = self.options.elements;
        let mut body: Vec<usize> = Vec::new();
        for &i in which {
            let column = self.column(i);
            if column.name.is_empty() && !as_elements {
                return Err(SqlError::new(6809, &[]));
            }
            if as_elements || column.raw || types[i].id == TypeId::Xml {
                body.push(i);
            } else if !values[i].is_null() {
                self.attribute(&name(&column.name), &values[i], &types[i])?;
            }
        }
        let empty = body.iter().all(|&i| values[i].is_null() && !self.options.xsinil);
        if empty && close {
            self.text("/>");
            return Ok(());
        }
        self.text(">");
        for i in body {
            let column = self.column(i);
            if column.raw && !as_elements && !values[i].is_null() {
                self.content(&values[i], &types[i], true)?;
            } else {
                self.element(&name(&column.name), &values[i], &types[i], column.raw)?;
            }
        }
        if close {
            self.text(&format!("</{element}>"));
        }
        Ok(())
    }

    /// FOR XML PATH: column names are paths.
    fn path(&mut self, element: &str, values: &[Value], types: &[SqlType]) -> SqlResult<()> {
        let mut open_path: Vec<String> = Vec::new();
        let mut tag_open = false;
        if !element.is_empty() {
            self.text(&format!("<{}", name(element)));
            self.declare();
            tag_open = true;
        }
        let start = self.out.len();
        for (i, v) in values.iter().enumerate() {
            let column = self.column(i);
            let full: Vec<&str> = column.name.split('/').collect();
            let (parents, last) = match full.split_last() {
                Some((l, p)) => (p, *l),
                None => (&[][..], ""),
            };
            let attribute = last.strip_prefix('@');
            if v.is_null() && (attribute.is_some() || !self.options.xsinil) {
                continue;
            }
            // A value behind attributes of the element of its own name goes into that element.
            let within = attribute.is_none() && tag_open && !v.is_null();
            if within
                && let Some((innermost, outer)) = open_path.split_last()
                && innermost == last
                && outer.iter().map(String::as_str).eq(parents.iter().copied())
            {
                self.text(">");
                self.content(v, &types[i], column.raw)?;
                self.text(&format!("</{}>", name(last)));
                tag_open = false;
                open_path.pop();
                continue;
            }
            let common = open_path.iter().zip(parents).take_while(|(a, b)| a.as_str() == **b).count();
            if open_path.len() > common || (attribute.is_none() && tag_open) {
                if tag_open {
                    self.text(">");
                    tag_open = false;
                }
                while open_path.len() > common {
                    let closing = open_path.pop().unwrap_or_default();
                    self.text(&format!("</{}>", name(&closing)));
                }
            }
            for p in &parents[common.min(parents.len())..] {
                if tag_open {
                    self.text(">");
                }
                self.text(&format!("<{}", name(p)));
                tag_open = true;
                open_path.push((*p).to_string());
            }
            if let Some(a) = attribute {
                if !tag_open {
                    return Err(SqlError::new(6852, &[&column.name]));
                }
                self.attribute(&name(a), v, &types[i])?;
                continue;
            }
            if tag_open {
                self.text(">");
                tag_open = false;
            }
            match last {
                "" | "*" | "text()" | "node()" => self.content(v, &types[i], column.raw)?,
                "data()" => {
                    if self.behind_data == Some(self.out.len()) {
                        self.text(" ");
                    }
                    self.content(v, &types[i], column.raw)?;
                    self.behind_data = Some(self.out.len());
                }
                "comment()" => {
                    self.text("<!--");
                    self.content(v, &types[i], true)?;
                    self.text("-->");
                }
                _ => match last.strip_prefix("processing-instruction(").and_then(|l| l.strip_suffix(')')) {
                    Some(target) => {
                        self.text(&format!("<?{} ", name(target)));
                        self.content(v, &types[i], true)?;
                        self.text("?>");
                    }
                    None => self.element(&name(last), v, &types[i], column.raw)?,
                },
            }
        }
        if tag_open && open_path.is_empty() && self.out.len() == start {
            self.text("/>");
            return Ok(());
        }
        if tag_open {
            // The innermost element has attributes only.
            self.text("/>");
            open_path.pop();
            if open_path.is_empty() && values.iter().all(Value::is_null) {
                return Ok(());
            }
            if !element.is_empty()
                && self.column(0).name.starts_with('@')
                && only_attributes(self.options, values)
            {
                return Ok(());
            }
        }
        while let Some(p) = open_path.pop() {
            self.text(&format!("</{}>", name(&p)));
        }
        if !element.is_empty() {
            self.text(&format!("</{}>", name(element)));
        }
        Ok(())
    }

    /// FOR XML AUTO: one element per table, nested by first appearance; a parent whose columns repeat stays open.
    fn auto(
        &mut self,
        values: &[Value],
        types: &[SqlType],
        open: &mut Vec<(String, Vec<Value>)>,
    ) -> SqlResult<()> {
        let mut levels: Vec<(String, Vec<usize>)> = Vec::new();
        for i in 0..values.len() {
            let (level, table) =
                self.column(i).table.unwrap_or((levels.len().saturating_sub(1), Arc::from("row")));
            while levels.len() <= level {
                levels.push((String::new(), Vec::new()));
            }
            if levels[level].0.is_empty() {
                levels[level].0 = name(&table);
            }
            levels[level].1.push(i);
        }
        levels.retain(|l| !l.1.is_empty());
        let mut same = 0;
        let last = levels.len().saturating_sub(1);
        while same < last && same < open.len() {
            let own: Vec<Value> = levels[same].1.iter().map(|&i| values[i].clone()).collect();
            if open[same].1 != own {
                break;
            }
            same += 1;
        }
        while open.len() > same {
            if let Some((element, _)) = open.pop() {
                self.text(&format!("</{element}>"));
            }
        }
        for (k, (element, columns)) in levels.iter().enumerate().skip(same) {
            self.text(&format!("<{element}"));
            if k == 0 {
                self.declare();
            }
            self.columns(element, columns, values, types, k == last)?;
            if k < last {
                open.push((element.clone(), columns.iter().map(|&i| values[i].clone()).collect()));
            }
        }
        Ok(())
    }
}

fn only_attributes(options: &ForXml, values: &[Value]) -> bool {
    options
        .columns
        .iter()
        .zip(values)
        .all(|(c, v)| v.is_null() || (c.name.starts_with('@') && !c.name.contains('/')))
}

pub fn open_json<'p>(
    input: &'p PhysicalPlan,
    options: &'p ForJson,
    plan: &'p PhysicalPlan,
    ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    let ctx = ctx.clone();
    let compute = move || {
        let types = types_of(input);
        let tree = Tree::new(options)?;
        let mut out: Vec<u16> = Vec::new();
        let mut source = open(input, &ctx)?;
        let mut any = false;
        let mut auto = AutoJson::default();
        while let Some(b) = source.next_batch()? {
            ctx.check_cancel()?;
            for row in 0..b.len {
                let values = b.row(row, &types);
                if options.auto {
                    auto.row(options, &values, &types, &mut out, &ctx)?;
                } else {
                    if any {
                        push(&mut out, ",");
                    }
                    tree.write(options, &values, &types, &mut out, &ctx)?;
                }
                any = true;
            }
        }
        if options.auto {
            auto.close(0, &mut out);
        }
        if !any && options.root.is_none() {
            return Ok(Value::Null);
        }
        let mut whole = Vec::with_capacity(out.len() + 16);
        if let Some(root) = &options.root {
            push(&mut whole, "{\"");
            escape(&root.encode_utf16().collect::<Vec<_>>(), &mut whole);
            push(&mut whole, "\":");
        }
        let wrap = !options.without_array_wrapper;
        if wrap {
            push(&mut whole, "[");
        }
        whole.extend(out);
        if wrap {
            push(&mut whole, "]");
        }
        if options.root.is_some() {
            push(&mut whole, "}");
        }
        Ok(Value::String(SqlString::from(whole)))
    };
    Ok(Box::new(Single { compute: Some(compute), ty: output_type(plan), absent: options.absent }))
}

fn push(out: &mut Vec<u16>, s: &str) {
    out.extend(s.encode_utf16());
}

fn key(out: &mut Vec<u16>, name: &str) {
    push(out, "\"");
    escape(&name.encode_utf16().collect::<Vec<_>>(), out);
    push(out, "\":");
}

fn json_value(
    column: &SerialColumn,
    v: &Value,
    ty: &SqlType,
    out: &mut Vec<u16>,
    ctx: &ExecContext,
) -> SqlResult<()> {
    match v {
        Value::String(s) if column.raw => {
            out.extend_from_slice(s.units());
            Ok(())
        }
        _ => write_value(v, ty, out, Some(ctx)),
    }
}

/// FOR JSON PATH: members by name, dotted names nested.
enum Node {
    Leaf(usize),
    Object(Tree),
}

struct Tree {
    members: Vec<(String, Node)>,
}

impl Tree {
    fn new(options: &ForJson) -> SqlResult<Self> {
        let mut tree = Tree { members: Vec::new() };
        for (i, c) in options.columns.iter().enumerate() {
            if c.name.is_empty() {
                return Err(SqlError::new(13605, &[]));
            }
            if options.auto {
                // The columns of each table have an object of their own ([`AutoJson`]).
                let level = |c: &SerialColumn| c.table.as_ref().map(|t| t.0);
                if options.columns.iter().take(i).any(|b| b.name == c.name && level(b) == level(c)) {
                    return Err(SqlError::new(13601, &[&&*c.name]));
                }
                continue;
            }
            let parts: Vec<&str> = c.name.split('.').collect();
            tree.insert(&parts, i, &c.name)?;
        }
        Ok(tree)
    }

    fn insert(&mut self, parts: &[&str], column: usize, full: &str) -> SqlResult<()> {
        let Some((first, rest)) = parts.split_first() else { return Ok(()) };
        let at = self.members.iter().position(|(n, _)| n == first);
        if rest.is_empty() {
            if at.is_some() {
                return Err(SqlError::new(13601, &[&full]));
            }
            self.members.push(((*first).to_string(), Node::Leaf(column)));
            return Ok(());
        }
        let at = match at {
            // Only the member before may go on: names of one object must stand together.
            Some(i) if i + 1 == self.members.len() => i,
            Some(_) => return Err(SqlError::new(13601, &[&full])),
            None => {
                self.members.push(((*first).to_string(), Node::Object(Tree { members: Vec::new() })));
                self.members.len() - 1
            }
        };
        match &mut self.members[at].1 {
            Node::Object(t) => t.insert(rest, column, full),
            Node::Leaf(_) => Err(SqlError::new(13601, &[&full])),
        }
    }

    /// Whether anything below would be written.
    fn present(&self, options: &ForJson, values: &[Value]) -> bool {
        options.include_null_values
            || self.members.iter().any(|(_, n)| match n {
                Node::Leaf(i) => !values[*i].is_null(),
                Node::Object(t) => t.present(options, values),
            })
    }

    fn write(
        &self,
        options: &ForJson,
        values: &[Value],
        types: &[SqlType],
        out: &mut Vec<u16>,
        ctx: &ExecContext,
    ) -> SqlResult<()> {
        push(out, "{");
        let mut first = true;
        for (name, node) in &self.members {
            let shown = match node {
                Node::Leaf(i) => options.include_null_values || !values[*i].is_null(),
                Node::Object(t) => t.present(options, values),
            };
            if !shown {
                continue;
            }
            if !first {
                push(out, ",");
            }
            first = false;
            key(out, name);
            match node {
                Node::Leaf(i) => json_value(&options.columns[*i], &values[*i], &types[*i], out, ctx)?,
                Node::Object(t) => t.write(options, values, types, out, ctx)?,
            }
        }
        push(out, "}");
        Ok(())
    }
}

/// FOR JSON AUTO: objects nested by table; a parent whose columns repeat takes the child into its array.
#[derive(Default)]
struct AutoJson {
    /// Values of the open object of each level but the last.
    open: Vec<Vec<Value>>,
    levels: usize,
}

impl AutoJson {
    fn row(
        &mut self,
        options: &ForJson,
        values: &[Value],
        types: &[SqlType],
        out: &mut Vec<u16>,
        ctx: &ExecContext,
    ) -> SqlResult<()> {
        let mut levels: Vec<(Arc<str>, Vec<usize>)> = Vec::new();
        for (i, c) in options.columns.iter().enumerate() {
            let (level, table) = c.table.clone().unwrap_or((levels.len().saturating_sub(1), Arc::from("")));
            while levels.len() <= level {
                levels.push((Arc::from(""), Vec::new()));
            }
            if levels[level].1.is_empty() {
                levels[level].0 = table;
            }
            levels[level].1.push(i);
        }
        levels.retain(|l| !l.1.is_empty());
        self.levels = levels.len();
        let last = levels.len().saturating_sub(1);
        let own = |k: usize| -> Vec<Value> { levels[k].1.iter().map(|&i| values[i].clone()).collect() };
        let mut same = 0;
        while same < last && same < self.open.len() && self.open[same] == own(same) {
            same += 1;
        }
        let follows = !out.is_empty();
        self.close(same, out);
        if follows {
            push(out, ",");
        }
        for (k, (_, columns)) in levels.iter().enumerate().skip(same) {
            push(out, "{");
            let mut first = true;
            for &i in columns {
                if values[i].is_null() && !options.include_null_values {
                    continue;
                }
                if !first {
                    push(out, ",");
                }
                first = false;
                key(out, &options.columns[i].name);
                json_value(&options.columns[i], &values[i], &types[i], out, ctx)?;
            }
            if k < last {
                if !first {
                    push(out, ",");
                }
                key(out, &levels[k + 1].0);
                push(out, "[");
                self.open.push(own(k));
            } else {
                push(out, "}");
            }
        }
        Ok(())
    }

    fn close(&mut self, keep: usize, out: &mut Vec<u16>) {
        while self.open.len() > keep {
            self.open.pop();
            push(out, "]}");
        }
    }
}

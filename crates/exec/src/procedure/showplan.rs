//! SET SHOWPLAN_TEXT, SHOWPLAN_ALL and SHOWPLAN_XML: the plans of statements instead of their results; SET STATISTICS PROFILE and XML:
//! after their results, with the rows that the operators gave.
//!
//! Invariants
//! 1. While one of them is on nothing runs but batches of SET statements; remote procedure calls are refused.
//! 2. Statements without a plan of their own are shown as a row without operators.
//! 3. Plans show what is behind views: who asks needs SHOWPLAN in every database that a statement uses.
//!
//! Evidence: columns of the result sets as the T-SQL reference lists them; the XML has the elements of the public showplan
//! schema that this planner can fill.

use std::fmt::Write;
use std::sync::Arc;

use holdfast_plan::access::Accesses;
use holdfast_plan::physical::PhysicalPlan;
use holdfast_plan::showplan::{PlanNode, nodes};
use holdfast_tsql::ast::{Statement, StatementKind};
use holdfast_types::{Batch, CollationId, SqlError, SqlType, Value};

use super::dbcc_session::column;
use super::run::{Fail, Runner, Scope};
use super::state::Statistics;
use crate::ddl::event::escaped;
use crate::operator::profile::Profile;
use crate::session::ResultColumn;

/// Which SHOWPLAN is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShowPlan {
    Text,
    All,
    Xml,
}

impl ShowPlan {
    /// By the name of its option.
    pub fn of_option(name: &str) -> Option<Self> {
        Some(match name {
            "SHOWPLAN_TEXT" => ShowPlan::Text,
            "SHOWPLAN_ALL" => ShowPlan::All,
            "SHOWPLAN_XML" => ShowPlan::Xml,
            _ => return None,
        })
    }
}

/// A statement with its plan.
struct Shown {
    text: String,
    kind: String,
    nodes: Vec<PlanNode>,
    cost: f64,
    /// Rows and executions of the statement, then of its nodes, when it has run.
    actual: Option<Vec<(u64, u64)>>,
}

/// Statements that have a plan.
pub fn has_plan(kind: &StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::Select(_)
            | StatementKind::Insert(_)
            | StatementKind::Update(_)
            | StatementKind::Delete(_)
            | StatementKind::Merge(_)
    )
}

/// A node on one line, indented by its depth.
fn line(n: &PlanNode) -> String {
    let logical = if n.logical == n.physical { String::new() } else { format!("{}, ", n.logical) };
    let argument = n.argument.as_str();
    let inside = match (logical.trim_end_matches(", "), argument) {
        ("", a) => a.to_owned(),
        (l, "") => l.to_owned(),
        (l, a) => format!("{l}, {a}"),
    };
    let inside = if inside.is_empty() { String::new() } else { format!("({inside})") };
    format!("{:indent$}|--{}{inside}", "", n.physical, indent = 2 + 5 * n.depth)
}

impl Runner<'_> {
    /// Shows the statements of a batch (invariant 1).
    pub fn show_plans(&mut self, list: &[Statement], scope: &mut Scope, how: ShowPlan) -> Result<(), Fail> {
        let current = self.session.current_database();
        self.session.need_database(&current, "SPLN")?;
        let mut all = Vec::new();
        self.collect_plans(list, scope, &mut all)?;
        match how {
            ShowPlan::Text => self.show_text(&all),
            ShowPlan::All => self.show_all(&all),
            ShowPlan::Xml => self.show_xml(&all),
        }
    }

    fn collect_plans(
        &mut self,
        list: &[Statement],
        scope: &mut Scope,
        out: &mut Vec<Shown>,
    ) -> Result<(), Fail> {
        for s in list {
            let text =
                scope.unit.text.get(s.span.start as usize..s.span.end as usize).unwrap_or("").to_owned();
            match &s.kind {
                StatementKind::Block(list) => self.collect_plans(list, scope, out)?,
                StatementKind::If { then, otherwise, .. } => {
                    let then = std::slice::from_ref(&**then);
                    out.push(Shown { text, kind: "COND".into(), nodes: Vec::new(), cost: 0.0, actual: None });
                    self.collect_plans(then, scope, out)?;
                    if let Some(o) = otherwise {
                        self.collect_plans(std::slice::from_ref(&**o), scope, out)?;
                    }
                }
                StatementKind::While { body, .. } => {
                    out.push(Shown { text, kind: "COND".into(), nodes: Vec::new(), cost: 0.0, actual: None });
                    self.collect_plans(std::slice::from_ref(&**body), scope, out)?;
                }
                StatementKind::TryCatch { body, handler } => {
                    self.collect_plans(body, scope, out)?;
                    self.collect_plans(handler, scope, out)?;
                }
                // What variables there are is known without running it.
                StatementKind::Use(name) => self.use_database(&name.text, s.span.line)?,
                kind => {
                    let (nodes, cost) = self.plan_of(kind, scope)?;
                    out.push(Shown { text, kind: kind.name(), nodes, cost, actual: None });
                }
            }
        }
        Ok(())
    }

    fn plan_of(&mut self, kind: &StatementKind, scope: &Scope) -> Result<(Vec<PlanNode>, f64), Fail> {
        let host = std::sync::Arc::clone(&self.session.host);
        let name = move |id: i32| host.instance.find_id(id).map_or_else(String::new, |d| d.name.to_string());
        let told = |plan: &PhysicalPlan| (nodes(plan, &name), plan.cost);
        let change = |bound: &holdfast_plan::change::BoundChange, what: &'static str| {
            let mut all = nodes(&bound.plan, &name);
            for n in &mut all {
                n.id += 1;
                n.parent += 1;
                n.depth += 1;
            }
            let table = &bound.target.table;
            let clustered = table.indexes.iter().find(|i| i.index_id == 1).and_then(|i| i.name.clone());
            let index = clustered.as_ref().map_or(String::new(), |i| format!(".[{i}]"));
            let physical = match (what, clustered.is_some()) {
                ("Insert", true) => "Clustered Index Insert",
                ("Insert", false) => "Table Insert",
                ("Update", true) => "Clustered Index Update",
                ("Update", false) => "Table Update",
                ("Delete", true) => "Clustered Index Delete",
                ("Delete", false) => "Table Delete",
                (_, true) => "Clustered Index Merge",
                (_, false) => "Table Merge",
            };
            all.insert(
                0,
                PlanNode {
                    operator: 0,
                    id: 1,
                    parent: 0,
                    depth: 0,
                    physical,
                    logical: what,
                    argument: format!(
                        "OBJECT:([{}].[{}].[{}]{index})",
                        name(table.database_id),
                        table.schema_name,
                        table.name
                    ),
                    output: Vec::new(),
                    rows: bound.plan.rows,
                    cost: bound.plan.cost,
                    parallel: false,
                },
            );
            (all, bound.plan.cost)
        };
        let (bound, what) = match kind {
            StatementKind::Select(q) => {
                let bound = self.plan_query(q, scope)?;
                self.may_show(&bound.accesses)?;
                return Ok(told(&bound.plan));
            }
            StatementKind::Insert(i) => (self.plan_insert(i, scope)?, "Insert"),
            StatementKind::Update(u) => (self.plan_update(u, scope)?, "Update"),
            StatementKind::Delete(d) => (self.plan_delete(d, scope)?, "Delete"),
            StatementKind::Merge(m) => (self.plan_merge(m, scope)?, "Merge"),
            _ => return Ok((Vec::new(), 0.0)),
        };
        self.may_show(&bound.accesses)?;
        Ok(change(&bound, what))
    }

    /// Runs a statement under SET STATISTICS PROFILE or XML and shows its plan after its results.
    pub(super) fn profiled(
        &mut self,
        wanted: &Statistics,
        s: &Statement,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let (nodes, cost) = match self.plan_of(&s.kind, scope) {
            Ok(plan) => plan,
            Err(Fail::Error(e)) if e.number == 262 => return Err(e.into()),
            // What is wrong with the statement is told when it runs.
            Err(_) => return self.timed(wanted, s, scope),
        };
        let profile = Arc::new(Profile::default());
        self.session.state.lock().statistics.profile = Some(Arc::clone(&profile));
        let result = self.timed(wanted, s, scope);
        self.session.state.lock().statistics.profile.clone_from(&wanted.profile);
        result?;
        let count = self.session.state.lock().row_count;
        let own = (u64::try_from(count).unwrap_or(0), 1);
        let of = |n: &PlanNode| if n.operator == 0 { own } else { profile.of(n.operator) };
        let actual = std::iter::once(own).chain(nodes.iter().map(of)).collect();
        let text = scope.unit.text.get(s.span.start as usize..s.span.end as usize).unwrap_or("").to_owned();
        let shown = [Shown { text, kind: s.kind.name(), nodes, cost, actual: Some(actual) }];
        if wanted.show_rows {
            self.show_all(&shown)?;
        }
        if wanted.show_xml {
            self.show_xml(&shown)?;
        }
        // The plans are no rows of the statement's.
        self.session.state.lock().row_count = count;
        Ok(())
    }

    /// Invariant 3.
    fn may_show(&self, accesses: &Accesses) -> Result<(), Fail> {
        for a in &accesses.list {
            if let Some(database) = self.session.host.database_by_id(a.database) {
                self.session.need_database(&database, "SPLN")?;
            }
        }
        Ok(())
    }

    fn send_described(&mut self, columns: &[(&str, SqlType)], rows: &[Vec<Value>]) -> Result<(), Fail> {
        let described: Vec<ResultColumn> = columns.iter().map(|(name, ty)| column(name, *ty)).collect();
        let types: Vec<SqlType> = columns.iter().map(|c| c.1).collect();
        let batch = Batch::from_rows(&types, rows)?;
        self.sink.columns(&described)?;
        self.sink.rows(&batch)?;
        self.counted(rows.len() as u64, 0xC1, true)
    }

    fn show_text(&mut self, all: &[Shown]) -> Result<(), Fail> {
        let ty = SqlType::nvarchar_max(CollationId::SERVER_DEFAULT);
        for s in all {
            self.send_described(&[("StmtText", ty)], &[vec![Value::string(&s.text)]])?;
            if !s.nodes.is_empty() {
                let rows: Vec<Vec<Value>> = s.nodes.iter().map(|n| vec![Value::string(&line(n))]).collect();
                self.send_described(&[("StmtText", ty)], &rows)?;
            }
        }
        Ok(())
    }

    fn show_all(&mut self, all: &[Shown]) -> Result<(), Fail> {
        let text = SqlType::nvarchar_max(CollationId::SERVER_DEFAULT);
        let word = SqlType::nvarchar(128, CollationId::SERVER_DEFAULT);
        let mut columns = vec![
            ("StmtText", text),
            ("StmtId", SqlType::INT),
            ("NodeId", SqlType::INT),
            ("Parent", SqlType::INT),
            ("PhysicalOp", word),
            ("LogicalOp", word),
            ("Argument", text),
            ("DefinedValues", text),
            ("EstimateRows", SqlType::FLOAT),
            ("EstimateIO", SqlType::FLOAT),
            ("EstimateCPU", SqlType::FLOAT),
            ("AvgRowSize", SqlType::INT),
            ("TotalSubtreeCost", SqlType::FLOAT),
            ("OutputList", text),
            ("Warnings", text),
            ("Type", word),
            ("Parallel", SqlType::BIT),
            ("EstimateExecutions", SqlType::FLOAT),
        ];
        if all.iter().any(|s| s.actual.is_some()) {
            columns.splice(0..0, [("Rows", SqlType::BIGINT), ("Executes", SqlType::BIGINT)]);
        }
        let whole = |n: usize| Value::Int(i32::try_from(n).unwrap_or(i32::MAX));
        // Nodes of a batch are numbered through.
        let mut next = 1;
        for (i, s) in all.iter().enumerate() {
            let base = next;
            next += 1 + s.nodes.len();
            let first = s.nodes.first().map_or(Value::Null, |n| Value::Float(n.rows));
            let mut rows = vec![vec![
                Value::string(&s.text),
                whole(i + 1),
                whole(base),
                Value::Int(0),
                Value::Null,
                Value::Null,
                Value::Null,
                Value::Null,
                first,
                Value::Null,
                Value::Null,
                Value::Null,
                Value::Float(s.cost),
                Value::Null,
                Value::Null,
                Value::string(&s.kind),
                Value::Bit(false),
                Value::Null,
            ]];
            for n in &s.nodes {
                let defined = n.argument.split_once("DEFINE:(").map(|d| d.1.strip_suffix(')').unwrap_or(d.1));
                rows.push(vec![
                    Value::string(&line(n)),
                    whole(i + 1),
                    whole(base + n.id),
                    whole(base + n.parent),
                    Value::string(n.physical),
                    Value::string(n.logical),
                    if n.argument.is_empty() { Value::Null } else { Value::string(&n.argument) },
                    defined.map_or(Value::Null, Value::string),
                    Value::Float(n.rows),
                    Value::Null,
                    Value::Null,
                    Value::Null,
                    Value::Float(n.cost),
                    if n.output.is_empty() { Value::Null } else { Value::string(&n.output.join(", ")) },
                    Value::Null,
                    Value::string("PLAN_ROW"),
                    Value::Bit(n.parallel),
                    Value::Float(1.0),
                ]);
            }
            for (row, (count, executions)) in rows.iter_mut().zip(s.actual.iter().flatten()) {
                let large = |n: &u64| Value::BigInt(i64::try_from(*n).unwrap_or(i64::MAX));
                row.splice(0..0, [large(count), large(executions)]);
            }
            self.send_described(&columns, &rows)?;
        }
        Ok(())
    }

    fn show_xml(&mut self, all: &[Shown]) -> Result<(), Fail> {
        let mut out = String::from(
            "<ShowPlanXML xmlns=\"http://schemas.microsoft.com/sqlserver/2004/07/showplan\" Version=\"1.564\" Build=\"16.0.1000.6\"><BatchSequence><Batch><Statements>",
        );
        for (i, s) in all.iter().enumerate() {
            let _ = write!(
                out,
                "<StmtSimple StatementText=\"{}\" StatementId=\"{}\" StatementCompId=\"{}\" StatementType=\"{}\" StatementSubTreeCost=\"{}\"",
                attribute(&s.text),
                i + 1,
                i + 1,
                attribute(&s.kind),
                s.cost
            );
            if s.nodes.is_empty() {
                out.push_str("/>");
                continue;
            }
            let _ = write!(out, " StatementEstRows=\"{}\"><QueryPlan>", s.nodes[0].rows);
            tree(&s.nodes, s.actual.as_deref(), 0, &mut out);
            out.push_str("</QueryPlan></StmtSimple>");
        }
        out.push_str("</Statements></Batch></BatchSequence></ShowPlanXML>");
        let ty = SqlType::nvarchar_max(CollationId::SERVER_DEFAULT);
        self.send_described(&[("Microsoft SQL Server 2005 XML Showplan", ty)], &[vec![Value::string(&out)]])
    }

    /// SET SHOWPLAN_…: alone in its batch, and not while a module runs.
    pub fn set_show_plan(&mut self, name: &str, on: bool, scope: &Scope) -> Result<(), Fail> {
        if scope.unit.statements.len() > 1 || self.level > 0 {
            return Err(SqlError::new(1067, &[]).into());
        }
        self.session.state.lock().show_plan = if on { ShowPlan::of_option(name) } else { None };
        Ok(())
    }
}

fn attribute(text: &str) -> String {
    escaped(text).replace('"', "&quot;").replace('\n', "&#xA;").replace('\t', "&#x9;")
}

/// A node with what is below it. Nodes come in the order of a walk, so that children follow their parent.
fn tree(all: &[PlanNode], actual: Option<&[(u64, u64)]>, at: usize, out: &mut String) {
    let n = &all[at];
    let _ = write!(
        out,
        "<RelOp NodeId=\"{}\" PhysicalOp=\"{}\" LogicalOp=\"{}\" EstimateRows=\"{}\" EstimatedTotalSubtreeCost=\"{}\" Parallel=\"{}\"><OutputList>",
        n.id - 1,
        n.physical,
        n.logical,
        n.rows,
        n.cost,
        u8::from(n.parallel)
    );
    for c in &n.output {
        let plain = |t: &str| attribute(t.trim_matches(['[', ']']));
        match c.split_once("].[") {
            Some((table, column)) => {
                let _ = write!(
                    out,
                    "<ColumnReference Table=\"[{}]\" Column=\"{}\"/>",
                    plain(table),
                    plain(column)
                );
            }
            None => {
                let _ = write!(out, "<ColumnReference Column=\"{}\"/>", plain(c));
            }
        }
    }
    out.push_str("</OutputList>");
    if let Some((rows, executions)) = actual.and_then(|a| a.get(at + 1)) {
        let _ = write!(
            out,
            "<RunTimeInformation><RunTimeCountersPerThread Thread=\"0\" ActualRows=\"{rows}\" ActualEndOfScans=\"{executions}\" ActualExecutions=\"{executions}\"/></RunTimeInformation>"
        );
    }
    let _ = write!(out, "<Generic><Argument>{}</Argument></Generic>", escaped(&n.argument));
    for child in at + 1..all.len() {
        if all[child].parent == n.id {
            tree(all, actual, child, out);
        }
    }
    out.push_str("</RelOp>");
}

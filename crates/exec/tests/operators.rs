//! Operators against straightforward reference implementations, with NULLs, duplicates, small batches and little memory.

mod common;

use std::collections::BTreeMap;

use common::{Rows, col, context, key, plan, run, run_with, sorted, table};
use holdfast_plan::expr::{CompareOp, Expr};
use holdfast_plan::function::{AggregateId, WindowId};
use holdfast_plan::physical::{
    Aggregate, AggregateStrategy, Frame, FrameBound, JoinKind, PhysicalOp, PhysicalPlan, SetOpKind,
    WindowFunction, WindowFunctionKind,
};
use holdfast_types::{CollationId, SqlType, Value};
use proptest::prelude::*;

const TEXT: SqlType = SqlType::nvarchar(10, CollationId::SERVER_DEFAULT);

fn int(x: Option<i32>) -> Value {
    x.map_or(Value::Null, Value::Int)
}

fn rows_of(raw: &[(Option<i32>, Option<u8>)]) -> Rows {
    raw.iter()
        .map(|(a, b)| {
            vec![int(*a), b.map_or(Value::Null, |b| Value::string(["x", "X ", "y", "zz"][b as usize % 4]))]
        })
        .collect()
}

fn raw_rows(max: usize) -> impl Strategy<Value = Vec<(Option<i32>, Option<u8>)>> {
    proptest::collection::vec(
        (proptest::option::weighted(0.85, -3..6i32), proptest::option::weighted(0.9, 0..4u8)),
        0..max,
    )
}

const KINDS: [JoinKind; 6] = [
    JoinKind::Inner,
    JoinKind::Left,
    JoinKind::Right,
    JoinKind::Full,
    JoinKind::LeftSemi,
    JoinKind::LeftAnti,
];

fn join_types(kind: JoinKind) -> Vec<SqlType> {
    match kind {
        JoinKind::LeftSemi | JoinKind::LeftAnti => vec![SqlType::INT, TEXT],
        _ => vec![SqlType::INT, TEXT, SqlType::INT, TEXT],
    }
}

/// All pairs for which the key columns are equal and, with a residual, the integers' order holds.
fn reference_join(kind: JoinKind, l: &Rows, r: &Rows, text_key: bool, residual: bool) -> Rows {
    let fold = |v: &Value| match v {
        Value::String(s) => s.to_text().trim_end().to_lowercase(),
        _ => String::new(),
    };
    let matches = |a: &Vec<Value>, b: &Vec<Value>| {
        let k = usize::from(text_key);
        let equal = match (&a[k], &b[k]) {
            (Value::Null, _) | (_, Value::Null) => false,
            (Value::String(_), Value::String(_)) => fold(&a[k]) == fold(&b[k]),
            (x, y) => x == y,
        };
        let order = match (&a[0], &b[0]) {
            (Value::Int(x), Value::Int(y)) => x <= y,
            _ => false,
        };
        equal && (!residual || order)
    };
    let nulls = || vec![Value::Null, Value::Null];
    let mut out = Vec::new();
    for a in l {
        let partners: Vec<&Vec<Value>> = r.iter().filter(|b| matches(a, b)).collect();
        match kind {
            JoinKind::LeftSemi if !partners.is_empty() => out.push(a.clone()),
            JoinKind::LeftAnti if partners.is_empty() => out.push(a.clone()),
            JoinKind::LeftSemi | JoinKind::LeftAnti => {}
            _ => {
                for b in &partners {
                    out.push([a.clone(), (*b).clone()].concat());
                }
                if partners.is_empty() && matches!(kind, JoinKind::Left | JoinKind::Full) {
                    out.push([a.clone(), nulls()].concat());
                }
            }
        }
    }
    if matches!(kind, JoinKind::Right | JoinKind::Full) {
        for b in r {
            if !l.iter().any(|a| matches(a, b)) {
                out.push([nulls(), b.clone()].concat());
            }
        }
    }
    out
}

fn aggregate(function: AggregateId, argument: Option<Expr>, ty: SqlType, distinct: bool) -> Aggregate {
    Aggregate { function, argument, argument2: None, distinct, order: Vec::new(), ty, nullable: true }
}

fn group_plan(input: PhysicalPlan, strategy: AggregateStrategy, parallel: bool) -> PhysicalPlan {
    let aggregates = vec![
        aggregate(AggregateId::Count, None, SqlType::INT, false),
        aggregate(AggregateId::Count, Some(col(0, SqlType::INT)), SqlType::INT, false),
        aggregate(AggregateId::Sum, Some(col(0, SqlType::INT)), SqlType::INT, false),
        aggregate(AggregateId::Min, Some(col(0, SqlType::INT)), SqlType::INT, false),
        aggregate(AggregateId::Max, Some(col(0, SqlType::INT)), SqlType::INT, false),
    ];
    let types = [TEXT, SqlType::INT, SqlType::INT, SqlType::INT, SqlType::INT, SqlType::INT];
    plan(
        PhysicalOp::Aggregate {
            input: Box::new(input),
            strategy,
            group: vec![col(1, TEXT)],
            aggregates,
            grouping_sets: None,
            parallel,
        },
        &types,
    )
}

fn reference_groups(rows: &Rows) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<Option<i32>>> = BTreeMap::new();
    for r in rows {
        let k = match &r[1] {
            Value::String(s) => s.to_text().trim_end().to_lowercase(),
            _ => "NULL".into(),
        };
        groups.entry(k).or_default().push(match r[0] {
            Value::Int(x) => Some(x),
            _ => None,
        });
    }
    groups
        .into_iter()
        .map(|(k, v)| {
            let some: Vec<i32> = v.iter().flatten().copied().collect();
            let sum = (!some.is_empty()).then(|| some.iter().sum::<i32>());
            format!(
                "{k} {} {} {:?} {:?} {:?}",
                v.len(),
                some.len(),
                sum,
                some.iter().min(),
                some.iter().max()
            )
        })
        .collect()
}

fn shown_groups(rows: Rows) -> Vec<String> {
    let opt = |v: &Value| match v {
        Value::Int(x) => format!("Some({x})"),
        _ => "None".to_string(),
    };
    let mut out: Vec<String> = rows
        .iter()
        .map(|r| {
            let k = match &r[0] {
                Value::String(s) => s.to_text().trim_end().to_lowercase(),
                _ => "NULL".into(),
            };
            let n = |v: &Value| match v {
                Value::Int(x) => x.to_string(),
                other => format!("{other:?}"),
            };
            format!("{k} {} {} {} {} {}", n(&r[1]), n(&r[2]), opt(&r[3]), opt(&r[4]), opt(&r[5]))
        })
        .collect();
    out.sort();
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn joins_agree(l in raw_rows(30), r in raw_rows(30), text_key: bool, residual: bool, batch in 1..9usize) {
        let (l, r) = (rows_of(&l), rows_of(&r));
        let types = [SqlType::INT, TEXT];
        let k = usize::from(text_key);
        let ty = types[k];
        let order = Expr::compare(CompareOp::LessOrEqual, col(0, SqlType::INT), col(2, SqlType::INT));
        let rest = residual.then(|| order.clone());
        for kind in KINDS {
            let expected = sorted(reference_join(kind, &l, &r, text_key, residual));
            let hash = plan(PhysicalOp::HashJoin {
                kind,
                left: Box::new(table(&types, &l, batch)),
                right: Box::new(table(&types, &r, batch)),
                left_keys: vec![col(k, ty)],
                right_keys: vec![col(k, ty)],
                null_equal: vec![false],
                residual: rest.clone(),
            }, &join_types(kind));
            prop_assert_eq!(sorted(run(&hash)), expected.clone(), "hash {:?}", kind);
            // With next to no memory both sides go through files.
            let spilled = run_with(&hash, &context(200, 1)).unwrap();
            prop_assert_eq!(sorted(spilled), expected.clone(), "spilled {:?}", kind);
            let equal = Expr::compare(CompareOp::Equal, col(k, ty), col(2 + k, ty));
            let mut terms = vec![equal];
            terms.extend(rest.clone());
            let loops = plan(PhysicalOp::NestedLoops {
                kind,
                left: Box::new(table(&types, &l, batch)),
                right: Box::new(table(&types, &r, batch)),
                bindings: Vec::new(),
                predicate: Some(Expr::and(terms)),
            }, &join_types(kind));
            prop_assert_eq!(sorted(run(&loops)), expected.clone(), "loops {:?}", kind);
            let sort = |rows: &Rows| plan(PhysicalOp::Sort {
                input: Box::new(table(&types, rows, batch)),
                keys: vec![key(k, ty, false)],
                top: None,
            }, &types);
            let merge = plan(PhysicalOp::MergeJoin {
                kind,
                left: Box::new(sort(&l)),
                right: Box::new(sort(&r)),
                left_keys: vec![col(k, ty)],
                right_keys: vec![col(k, ty)],
                residual: rest.clone(),
            }, &join_types(kind));
            prop_assert_eq!(sorted(run(&merge)), expected, "merge {:?}", kind);
        }
    }

    #[test]
    fn groups_agree(raw in raw_rows(60), batch in 1..9usize) {
        let rows = rows_of(&raw);
        let types = [SqlType::INT, TEXT];
        let expected = reference_groups(&rows);
        let hash = group_plan(table(&types, &rows, batch), AggregateStrategy::Hash, false);
        prop_assert_eq!(shown_groups(run(&hash)), expected.clone());
        prop_assert_eq!(shown_groups(run_with(&hash, &context(0, 1)).unwrap()), expected.clone());
        let parallel = group_plan(table(&types, &rows, batch), AggregateStrategy::Hash, true);
        prop_assert_eq!(shown_groups(run_with(&parallel, &context(1 << 30, 2)).unwrap()), expected.clone());
        let by_text = plan(PhysicalOp::Sort { input: Box::new(table(&types, &rows, batch)), keys: vec![key(1, TEXT, false)], top: None }, &types);
        let stream = group_plan(by_text, AggregateStrategy::Stream, false);
        prop_assert_eq!(shown_groups(run(&stream)), expected);
    }

    #[test]
    fn sorting_agrees(raw in raw_rows(60), batch in 1..9usize, descending: bool, top in proptest::option::of(0..20i32)) {
        let rows = rows_of(&raw);
        let types = [SqlType::INT, TEXT];
        let sort = plan(PhysicalOp::Sort {
            input: Box::new(table(&types, &rows, batch)),
            keys: vec![key(0, SqlType::INT, descending)],
            top: top.map(|n| Expr::literal(Value::BigInt(i64::from(n)), SqlType::BIGINT)),
        }, &types);
        let mut expected = rows.clone();
        let rank = |r: &Vec<Value>| match r[0] { Value::Int(x) => i64::from(x), _ => i64::MIN };
        expected.sort_by(|a, b| if descending { rank(b).cmp(&rank(a)) } else { rank(a).cmp(&rank(b)) });
        if let Some(n) = top {
            expected.truncate(n as usize);
        }
        prop_assert_eq!(run(&sort), expected.clone());
        prop_assert_eq!(run_with(&sort, &context(300, 1)).unwrap(), expected);
    }

    #[test]
    fn frames_agree(raw in raw_rows(25), rows_mode: bool, start in 0..4u64, end in 0..4u64, kind in 0..6u8) {
        let mut rows = rows_of(&raw);
        let rank = |v: &Value| match v { Value::Int(x) => i64::from(*x), _ => i64::MIN };
        let name = |v: &Value| match v { Value::String(s) => s.to_text().trim_end().to_lowercase(), _ => String::new() };
        rows.sort_by(|a, b| name(&a[1]).cmp(&name(&b[1])).then(rank(&a[0]).cmp(&rank(&b[0]))));
        let (from, to) = match (rows_mode, kind) {
            (false, 0..3) => (FrameBound::UnboundedPreceding, FrameBound::CurrentRow),
            (false, _) => (FrameBound::CurrentRow, FrameBound::UnboundedFollowing),
            (true, 0) => (FrameBound::Preceding(start), FrameBound::Following(end)),
            (true, 1) => (FrameBound::Preceding(start + end), FrameBound::Preceding(end)),
            (true, 2) => (FrameBound::Following(start), FrameBound::Following(start + end)),
            (true, 3) => (FrameBound::UnboundedPreceding, FrameBound::CurrentRow),
            (true, 4) => (FrameBound::CurrentRow, FrameBound::UnboundedFollowing),
            (true, _) => (FrameBound::UnboundedPreceding, FrameBound::UnboundedFollowing),
        };
        let frame = Frame { rows: rows_mode, start: from, end: to };
        let f = |id, ty| WindowFunction {
            function: WindowFunctionKind::Aggregate(id),
            args: vec![col(0, SqlType::INT)],
            frame: Some(frame.clone()),
            ignore_nulls: false,
            ty,
            nullable: true,
        };
        let types = [SqlType::INT, TEXT];
        let window = plan(PhysicalOp::Window {
            input: Box::new(table(&types, &rows, 4)),
            partition: vec![col(1, TEXT)],
            order: vec![key(0, SqlType::INT, false)],
            functions: vec![
                f(AggregateId::Sum, SqlType::INT), f(AggregateId::Count, SqlType::INT), f(AggregateId::Min, SqlType::INT),
                f(AggregateId::Max, SqlType::INT), f(AggregateId::Var, SqlType::FLOAT),
            ],
        }, &[SqlType::INT, TEXT, SqlType::INT, SqlType::INT, SqlType::INT, SqlType::INT, SqlType::FLOAT]);
        let got = run(&window);
        prop_assert_eq!(got.len(), rows.len());
        for limit in [0, 300] {
            prop_assert_eq!(format!("{:?}", run_with(&window, &context(limit, 1)).unwrap()), format!("{got:?}"));
        }
        for (i, g) in got.iter().enumerate() {
            let part: Vec<usize> = (0..rows.len()).filter(|&j| name(&rows[j][1]) == name(&rows[i][1]) && rows[j][1].is_null() == rows[i][1].is_null()).collect();
            let pos = part.iter().position(|&j| j == i).unwrap() as i64;
            let inside = |p: i64, j: usize| -> bool {
                let after = |b: FrameBound, peer: bool| match b {
                    FrameBound::UnboundedPreceding => true,
                    FrameBound::UnboundedFollowing => false,
                    FrameBound::Preceding(n) => p >= pos - n as i64,
                    FrameBound::Following(n) => p >= pos + n as i64,
                    FrameBound::CurrentRow => p >= pos || peer,
                };
                let before = |b: FrameBound, peer: bool| match b {
                    FrameBound::UnboundedPreceding => false,
                    FrameBound::UnboundedFollowing => true,
                    FrameBound::Preceding(n) => p <= pos - n as i64,
                    FrameBound::Following(n) => p <= pos + n as i64,
                    FrameBound::CurrentRow => p <= pos || peer,
                };
                let peer = !rows_mode && rank(&rows[j][0]) == rank(&rows[i][0]);
                after(from, peer) && before(to, peer)
            };
            let values: Vec<i32> = part.iter().enumerate().filter(|(p, j)| inside(*p as i64, **j))
                .filter_map(|(_, &j)| match rows[j][0] { Value::Int(x) => Some(x), _ => None }).collect();
            prop_assert_eq!(&g[2], &int((!values.is_empty()).then(|| values.iter().sum())), "sum at {}", i);
            prop_assert_eq!(&g[3], &Value::Int(values.len() as i32));
            prop_assert_eq!(&g[4], &int(values.iter().min().copied()));
            prop_assert_eq!(&g[5], &int(values.iter().max().copied()));
        }
    }

    #[test]
    fn set_operations_agree(l in raw_rows(30), r in raw_rows(30), batch in 1..9usize) {
        let types = [SqlType::INT, TEXT];
        let (l, r) = (rows_of(&l), rows_of(&r));
        let norm = |row: &Vec<Value>| format!("{:?} {}", row[0], match &row[1] { Value::String(s) => s.to_text().trim_end().to_lowercase(), _ => "NULL".into() });
        let names = |rows: &Rows| rows.iter().map(norm).collect::<Vec<_>>();
        let right = names(&r);
        for kind in [SetOpKind::Intersect, SetOpKind::Except] {
            let p = plan(PhysicalOp::SetOp { kind, left: Box::new(table(&types, &l, batch)), right: Box::new(table(&types, &r, batch)) }, &types);
            let mut expected: Vec<String> = Vec::new();
            for x in names(&l) {
                if right.contains(&x) == (kind == SetOpKind::Intersect) && !expected.contains(&x) {
                    expected.push(x);
                }
            }
            prop_assert_eq!(names(&run(&p)), expected.clone());
            // With next to no memory the order is another.
            let mut spilled = names(&run_with(&p, &context(300, 1)).unwrap());
            spilled.sort();
            expected.sort();
            prop_assert_eq!(spilled, expected);
        }
        let d = plan(PhysicalOp::Distinct { input: Box::new(table(&types, &l, batch)) }, &types);
        let mut expected: Vec<String> = Vec::new();
        for x in names(&l) {
            if !expected.contains(&x) {
                expected.push(x);
            }
        }
        prop_assert_eq!(names(&run(&d)), expected);
    }
}

#[test]
fn empty_input_has_one_total() {
    let none: Rows = Vec::new();
    let total = |sets| {
        let aggregates = vec![
            aggregate(AggregateId::Count, None, SqlType::INT, false),
            aggregate(AggregateId::Sum, Some(col(0, SqlType::INT)), SqlType::INT, false),
        ];
        plan(
            PhysicalOp::Aggregate {
                input: Box::new(table(&[SqlType::INT], &none, 4)),
                strategy: AggregateStrategy::Hash,
                group: Vec::new(),
                aggregates,
                grouping_sets: sets,
                parallel: true,
            },
            &[SqlType::INT, SqlType::INT],
        )
    };
    assert_eq!(run(&total(None)), [[Value::Int(0), Value::Null]]);
    assert_eq!(run_with(&total(None), &context(1 << 20, 2)).unwrap(), [[Value::Int(0), Value::Null]]);
}

#[test]
fn distinct_aggregates_and_grouping_sets() {
    let rows: Rows = [(1, "a"), (1, "a"), (2, "a"), (2, "b")]
        .iter()
        .map(|(n, s)| vec![Value::Int(*n), Value::string(s)])
        .collect();
    let types = [SqlType::INT, TEXT];
    let p = plan(
        PhysicalOp::Aggregate {
            input: Box::new(table(&types, &rows, 2)),
            strategy: AggregateStrategy::Hash,
            group: vec![col(0, SqlType::INT), col(1, TEXT)],
            aggregates: vec![
                aggregate(AggregateId::Count, None, SqlType::INT, false),
                aggregate(AggregateId::Count, Some(col(0, SqlType::INT)), SqlType::INT, true),
            ],
            grouping_sets: Some(vec![vec![1], vec![0], vec![]]),
            parallel: false,
        },
        &[SqlType::INT, TEXT, SqlType::INT, SqlType::INT, SqlType::INT],
    );
    let (n, i, s) = (|| Value::Null, Value::Int, Value::string);
    assert_eq!(
        run(&p),
        [
            vec![n(), s("a"), i(3), i(2), i(2)],
            vec![n(), s("b"), i(1), i(1), i(2)],
            vec![i(1), n(), i(2), i(1), i(1)],
            vec![i(2), n(), i(2), i(1), i(1)],
            vec![n(), n(), i(4), i(2), i(3)],
        ]
    );
}

#[test]
fn rankings() {
    let rows: Rows = [1, 1, 2, 3, 3].iter().map(|n| vec![Value::Int(*n)]).collect();
    let f = |id, args, ty| WindowFunction {
        function: WindowFunctionKind::Ranking(id),
        args,
        frame: None,
        ignore_nulls: false,
        ty,
        nullable: true,
    };
    let big = SqlType::BIGINT;
    let p = plan(
        PhysicalOp::Window {
            input: Box::new(table(&[SqlType::INT], &rows, 2)),
            partition: Vec::new(),
            order: vec![key(0, SqlType::INT, false)],
            functions: vec![
                f(WindowId::RowNumber, vec![], big),
                f(WindowId::Rank, vec![], big),
                f(WindowId::DenseRank, vec![], big),
                f(WindowId::NTile, vec![Expr::int(2)], big),
                f(WindowId::Lag, vec![col(0, SqlType::INT), Expr::int(2), Expr::int(-1)], SqlType::INT),
                f(WindowId::Lead, vec![col(0, SqlType::INT)], SqlType::INT),
                f(WindowId::FirstValue, vec![col(0, SqlType::INT)], SqlType::INT),
                f(WindowId::LastValue, vec![col(0, SqlType::INT)], SqlType::INT),
            ],
        },
        &[SqlType::INT, big, big, big, big, SqlType::INT, SqlType::INT, SqlType::INT, SqlType::INT],
    );
    let b = Value::BigInt;
    let i = Value::Int;
    assert_eq!(
        run(&p),
        [
            vec![i(1), b(1), b(1), b(1), b(1), i(-1), i(1), i(1), i(1)],
            vec![i(1), b(2), b(1), b(1), b(1), i(-1), i(2), i(1), i(1)],
            vec![i(2), b(3), b(3), b(2), b(1), i(1), i(3), i(1), i(2)],
            vec![i(3), b(4), b(4), b(3), b(2), i(1), i(3), i(1), i(3)],
            vec![i(3), b(5), b(4), b(3), b(2), i(2), Value::Null, i(1), i(3)],
        ]
    );
}

#[test]
fn top_ties_offset_and_one_row() {
    let rows: Rows = [1, 2, 2, 2, 3].iter().map(|n| vec![Value::Int(*n)]).collect();
    let types = [SqlType::INT];
    let big = |n| Expr::literal(Value::BigInt(n), SqlType::BIGINT);
    let top = |n, ties| {
        let op =
            PhysicalOp::Top { input: Box::new(table(&types, &rows, 2)), count: big(n), percent: false, ties };
        run(&plan(op, &types)).len()
    };
    assert_eq!(top(2, None), 2);
    assert_eq!(top(2, Some(vec![key(0, SqlType::INT, false)])), 4);
    assert_eq!(top(4, Some(vec![key(0, SqlType::INT, false)])), 4);
    assert_eq!(top(9, Some(vec![key(0, SqlType::INT, false)])), 5);
    let percent = PhysicalOp::Top {
        input: Box::new(table(&types, &rows, 2)),
        count: Expr::literal(Value::Float(50.0), SqlType::FLOAT),
        percent: true,
        ties: None,
    };
    assert_eq!(run(&plan(percent, &types)).len(), 3);
    let offset =
        PhysicalOp::Offset { input: Box::new(table(&types, &rows, 2)), offset: big(3), fetch: Some(big(1)) };
    assert_eq!(run(&plan(offset, &types)), [[Value::Int(2)]]);
    let one = plan(PhysicalOp::MaxOneRow { input: Box::new(table(&types, &rows, 2)) }, &types);
    assert_eq!(run_with(&one, &context(1 << 20, 1)).unwrap_err().number, 512);
}

#[test]
fn recursion_counts_and_stops() {
    let types = [SqlType::INT];
    let counter = |last: i32, limit: u32| {
        let anchor = plan(PhysicalOp::Values { rows: vec![vec![Expr::int(1)]] }, &types);
        let read = plan(PhysicalOp::CteRead { id: 7 }, &types);
        let more = plan(
            PhysicalOp::Filter {
                input: Box::new(read),
                predicate: Expr::compare(CompareOp::Less, col(0, SqlType::INT), Expr::int(last)),
            },
            &types,
        );
        let next = Expr::new(
            holdfast_plan::expr::ExprKind::Binary {
                op: holdfast_plan::expr::BinaryOp::Add,
                left: Box::new(col(0, SqlType::INT)),
                right: Box::new(Expr::int(1)),
            },
            SqlType::INT,
            true,
        );
        let recursive = plan(PhysicalOp::Project { input: Box::new(more), exprs: vec![next] }, &types);
        plan(
            PhysicalOp::RecursiveCte {
                id: 7,
                anchor: Box::new(anchor),
                recursive: Box::new(recursive),
                max_recursion: limit,
            },
            &types,
        )
    };
    assert_eq!(run(&counter(50, 100)).len(), 50);
    assert_eq!(run(&counter(101, 100)).len(), 101);
    assert_eq!(run_with(&counter(102, 100), &context(1 << 20, 1)).unwrap_err().number, 530);
    assert_eq!(run(&counter(150, 0)).len(), 150);
}

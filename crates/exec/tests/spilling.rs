//! Every operator that keeps rows gives the same rows with next to no memory as with plenty of it: NULLs, duplicates, strings that only
//! the collation holds for equal, long texts, and the rarer types.

mod common;

use common::{Rows, col, context, key, plan, run, run_with, sorted, table};
use holdfast_plan::expr::{Binding, CompareOp, Expr, ExprKind, ParamId};
use holdfast_plan::function::{AggregateId, WindowId};
use holdfast_plan::physical::{
    Aggregate, AggregateStrategy, Frame, FrameBound, JoinKind, PhysicalOp, PhysicalPlan, SetOpKind, SortKey,
    WindowFunction, WindowFunctionKind,
};
use holdfast_types::{CollationId, Decimal, SqlType, Value};

const NAME: SqlType = SqlType::nvarchar(40, CollationId::SERVER_DEFAULT);
const LONG: SqlType = SqlType::nvarchar_max(CollationId::SERVER_DEFAULT);
const TYPES: [SqlType; 5] = [SqlType::INT, NAME, SqlType::decimal(12, 2), LONG, SqlType::FLOAT];

/// Memory limits that make operators spill at once, and after some batches.
const LIMITS: [usize; 2] = [0, 60_000];

/// Rows with about `distinct` different ones among them.
fn rows(count: u64, distinct: u64, seed: u64) -> Rows {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    (0..count)
        .map(|_| {
            let n = next() % distinct;
            let upper = next().is_multiple_of(2);
            let name =
                format!("{} {n}{}", if upper { "Straße" } else { "STRASSE" }, " ".repeat((n % 3) as usize));
            // Equal rows may be written differently; which of them comes out is not fixed.
            vec![
                if n.is_multiple_of(11) { Value::Null } else { Value::Int(n as i32 - 50) },
                if n.is_multiple_of(13) { Value::Null } else { Value::string(&name) },
                if n.is_multiple_of(7) {
                    Value::Null
                } else {
                    Value::Decimal(Decimal::new(i128::from(n) * 25, 2))
                },
                if n.is_multiple_of(17) {
                    Value::Null
                } else {
                    Value::string(&"long ".repeat((n % 40) as usize))
                },
                Value::Float(if n.is_multiple_of(5) && upper {
                    -0.0
                } else if n.is_multiple_of(5) {
                    0.0
                } else {
                    n as f64 / 4.0
                }),
            ]
        })
        .collect()
}

/// Rows as `=` sees them, sorted.
fn folded(rows: Rows) -> Vec<String> {
    sorted(
        rows.into_iter()
            .map(|r| {
                r.into_iter()
                    .map(|v| match v {
                        Value::String(s) => {
                            Value::string(&s.to_text().trim_end().to_lowercase().replace('ß', "ss"))
                        }
                        Value::Float(0.0) => Value::Float(0.0),
                        v => v,
                    })
                    .collect()
            })
            .collect(),
    )
}

/// Runs a plan with each limit; rows must be those of a run in memory, and something must have been written.
fn same_with_little_memory(what: &str, plan: &PhysicalPlan) -> Vec<String> {
    same_with_threads(what, plan, 1)
}

fn same_with_threads(what: &str, plan: &PhysicalPlan, workers: usize) -> Vec<String> {
    let expected = folded(run(plan));
    for limit in LIMITS {
        for workers in 1..=workers {
            let ctx = context(limit, workers);
            let got = folded(run_with(plan, &ctx).unwrap());
            assert!(
                got == expected,
                "{what} with {limit} bytes and {workers} workers: {} rows for {}",
                got.len(),
                expected.len()
            );
            assert!(ctx.query.budget().spilled_bytes() > 0, "{what} with {limit} bytes has not spilled");
            assert_eq!(ctx.query.budget().used(), 0, "{what}: memory that was not given back");
        }
    }
    expected
}

#[test]
fn distinct_and_set_operations() {
    let all = rows(3_000, 900, 1);
    let input = || Box::new(table(&TYPES, &all, 500));
    let distinct = plan(PhysicalOp::Distinct { input: input() }, &TYPES);
    let found = same_with_little_memory("DISTINCT", &distinct);
    assert!(found.len() > 700 && found.len() <= 900, "{}", found.len());
    let other = rows(2_000, 1_400, 2);
    for kind in [SetOpKind::Intersect, SetOpKind::Except] {
        for (l, r) in [(&all, &other), (&other, &all)] {
            let (left, right) = (Box::new(table(&TYPES, l, 500)), Box::new(table(&TYPES, r, 300)));
            let found = same_with_little_memory(
                &format!("{kind:?}"),
                &plan(PhysicalOp::SetOp { kind, left, right }, &TYPES),
            );
            assert!(!found.is_empty());
        }
    }
    let (left, right) = (input(), Box::new(table(&TYPES, &Vec::new(), 1)));
    let nothing_to_take = plan(PhysicalOp::SetOp { kind: SetOpKind::Except, left, right }, &TYPES);
    assert_eq!(same_with_little_memory("EXCEPT nothing", &nothing_to_take), found);
}

fn aggregate(function: AggregateId, argument: Option<Expr>, ty: SqlType, distinct: bool) -> Aggregate {
    Aggregate { function, argument, argument2: None, distinct, order: Vec::new(), ty, nullable: true }
}

/// COUNT(*), DISTINCT aggregates of every column, and plain ones beside them.
fn aggregates() -> (Vec<Aggregate>, Vec<SqlType>) {
    let mut list = vec![aggregate(AggregateId::Count, None, SqlType::INT, false)];
    for (i, ty) in TYPES.iter().enumerate() {
        list.push(aggregate(AggregateId::Count, Some(col(i, *ty)), SqlType::INT, true));
    }
    list.push(aggregate(AggregateId::Sum, Some(col(0, TYPES[0])), SqlType::INT, true));
    list.push(aggregate(AggregateId::Sum, Some(col(2, TYPES[2])), SqlType::decimal(38, 2), true));
    list.push(aggregate(AggregateId::Sum, Some(col(0, TYPES[0])), SqlType::INT, false));
    list.push(aggregate(AggregateId::Max, Some(col(1, NAME)), NAME, false));
    let types = list.iter().map(|a| a.ty).collect();
    (list, types)
}

fn grouped(
    input: PhysicalPlan,
    strategy: AggregateStrategy,
    group: Vec<Expr>,
    sets: Option<Vec<Vec<usize>>>,
    parallel: bool,
) -> PhysicalPlan {
    let (mut aggregates, mut types) = aggregates();
    if parallel {
        aggregates.retain(|a| !a.distinct);
        types = aggregates.iter().map(|a| a.ty).collect();
    }
    let mut all: Vec<SqlType> = group.iter().map(|e| e.ty).collect();
    all.append(&mut types);
    all.extend(sets.as_ref().map(|_| SqlType::INT));
    let op = PhysicalOp::Aggregate {
        input: Box::new(input),
        strategy,
        group,
        aggregates,
        grouping_sets: sets,
        parallel,
    };
    plan(op, &all)
}

#[test]
fn distinct_aggregates() {
    let all = rows(3_000, 900, 3);
    let input = || table(&TYPES, &all, 500);
    let hash = AggregateStrategy::Hash;
    let one = same_with_little_memory("no groups", &grouped(input(), hash, Vec::new(), None, false));
    assert_eq!(one.len(), 1);
    assert!(one[0].starts_with("[Int(3000),"), "{one:?}");
    // Many groups, and few of them with many values each.
    let many = grouped(input(), hash, vec![col(1, NAME)], None, false);
    assert!(same_with_little_memory("groups by name", &many).len() > 600);
    let few = || modulo(col(0, SqlType::INT), 5);
    let grouped_by_few = grouped(input(), hash, vec![few()], None, false);
    let expected = same_with_little_memory("few groups", &grouped_by_few);
    let sorted_input = plan(
        PhysicalOp::Sort {
            input: Box::new(input()),
            keys: vec![SortKey { expr: few(), descending: false }],
            top: None,
        },
        &TYPES,
    );
    let stream = grouped(sorted_input, AggregateStrategy::Stream, vec![few()], None, false);
    assert_eq!(same_with_little_memory("stream", &stream), expected);
}

/// `e % n`.
fn modulo(e: Expr, n: i32) -> Expr {
    use holdfast_plan::expr::{BinaryOp, ExprKind};
    let ty = SqlType::INT;
    let kind = ExprKind::Binary {
        op: BinaryOp::Modulo,
        left: Box::new(e),
        right: Box::new(Expr::literal(Value::Int(n), ty)),
    };
    Expr { kind, ty, nullable: true }
}

#[test]
fn grouping_sets_spill_one_by_one() {
    let all = rows(2_000, 600, 4);
    let group = vec![col(1, NAME), col(0, SqlType::INT)];
    let sets = vec![vec![0, 1], vec![1], vec![0], vec![]];
    let p = grouped(table(&TYPES, &all, 400), AggregateStrategy::Hash, group, Some(sets), false);
    let found = same_with_little_memory("grouping sets", &p);
    assert!(found.len() > 1_200);
}

#[test]
fn partial_states_of_several_threads_spill() {
    let all = rows(5_000, 1_600, 5);
    for sets in [None, Some(vec![vec![0], vec![]])] {
        let p = grouped(table(&TYPES, &all, 400), AggregateStrategy::Hash, vec![col(1, NAME)], sets, true);
        assert!(same_with_threads("parallel groups", &p, 2).len() > 1_200);
    }
}

#[test]
fn finished_groups_leave_a_stream_whatever_their_number() {
    let all = rows(12_000, 9_000, 6);
    let input = plan(
        PhysicalOp::Sort {
            input: Box::new(table(&TYPES, &all, 1000)),
            keys: vec![key(0, SqlType::INT, false)],
            top: None,
        },
        &TYPES,
    );
    let stream = grouped(input, AggregateStrategy::Stream, vec![col(0, SqlType::INT)], None, false);
    let hash =
        grouped(table(&TYPES, &all, 1000), AggregateStrategy::Hash, vec![col(0, SqlType::INT)], None, false);
    let got = same_with_little_memory("many groups of a stream", &stream);
    assert!(got.len() > 4_500);
    assert_eq!(got, folded(run(&hash)));
}

#[test]
fn collected_texts_beyond_the_memory_are_error_701() {
    let all = rows(5_000, 5_000, 7);
    let text = Aggregate {
        argument2: Some(Expr::literal(Value::string(","), NAME)),
        ..aggregate(AggregateId::StringAgg, Some(col(1, NAME)), LONG, false)
    };
    let op = PhysicalOp::Aggregate {
        input: Box::new(table(&TYPES, &all, 1000)),
        strategy: AggregateStrategy::Hash,
        group: Vec::new(),
        aggregates: vec![text],
        grouping_sets: None,
        parallel: false,
    };
    let p = plan(op, &[LONG]);
    assert_eq!(run(&p).len(), 1);
    assert_eq!(run_with(&p, &context(100_000, 1)).unwrap_err().number, 701);
}

fn over(
    function: WindowFunctionKind,
    args: Vec<Expr>,
    frame: Option<(bool, FrameBound, FrameBound)>,
    ty: SqlType,
) -> WindowFunction {
    let frame = frame.map(|(rows, start, end)| Frame { rows, start, end });
    WindowFunction { function, args, frame, ignore_nulls: false, ty, nullable: true }
}

/// Every window function, with frames of every kind.
fn window_functions(ordered: bool) -> Vec<WindowFunction> {
    use FrameBound::{CurrentRow, Following, Preceding, UnboundedFollowing, UnboundedPreceding};
    let ranking = WindowFunctionKind::Ranking;
    let int = |n: i32| Expr::literal(Value::Int(n), SqlType::INT);
    let mut out = Vec::new();
    for (function, argument, ty) in [
        (AggregateId::Sum, 0, SqlType::INT),
        (AggregateId::Avg, 2, SqlType::decimal(38, 6)),
        (AggregateId::Sum, 4, SqlType::FLOAT),
        (AggregateId::Count, 1, SqlType::INT),
        (AggregateId::Min, 1, NAME),
        (AggregateId::Max, 0, SqlType::INT),
        (AggregateId::Var, 0, SqlType::FLOAT),
    ] {
        let frames: &[Option<(bool, FrameBound, FrameBound)>] = match ordered {
            false => &[None],
            true => &[
                None,
                Some((true, UnboundedPreceding, CurrentRow)),
                Some((true, Preceding(3), Following(2))),
                Some((true, Preceding(9), Preceding(4))),
                Some((true, Following(2), Following(7))),
                Some((false, UnboundedPreceding, UnboundedFollowing)),
            ],
        };
        for frame in frames {
            out.push(over(
                WindowFunctionKind::Aggregate(function),
                vec![col(argument, TYPES[argument])],
                *frame,
                ty,
            ));
        }
    }
    if !ordered {
        return out;
    }
    out.push(over(WindowFunctionKind::Aggregate(AggregateId::Count), Vec::new(), None, SqlType::INT));
    for id in [WindowId::RowNumber, WindowId::Rank, WindowId::DenseRank] {
        out.push(over(ranking(id), Vec::new(), None, SqlType::BIGINT));
    }
    for id in [WindowId::PercentRank, WindowId::CumeDist] {
        out.push(over(ranking(id), Vec::new(), None, SqlType::FLOAT));
    }
    out.push(over(ranking(WindowId::NTile), vec![int(7)], None, SqlType::BIGINT));
    for (discrete, ty) in
        [(WindowId::PercentileCont, SqlType::FLOAT), (WindowId::PercentileDisc, SqlType::INT)]
    {
        out.push(over(ranking(discrete), vec![Expr::literal(Value::Float(0.3), SqlType::FLOAT)], None, ty));
    }
    for ignore_nulls in [false, true] {
        let mut some = Vec::new();
        for id in [WindowId::Lag, WindowId::Lead] {
            some.push(over(ranking(id), vec![col(1, NAME)], None, NAME));
            some.push(over(
                ranking(id),
                vec![col(3, LONG), int(40), Expr::literal(Value::string("none"), LONG)],
                None,
                LONG,
            ));
        }
        for id in [WindowId::FirstValue, WindowId::LastValue] {
            for frame in
                [None, Some((true, Preceding(4), Preceding(1))), Some((true, Following(1), Following(5)))]
            {
                some.push(over(ranking(id), vec![col(1, NAME)], frame, NAME));
            }
        }
        some.iter_mut().for_each(|f| f.ignore_nulls = ignore_nulls);
        out.append(&mut some);
    }
    out
}

fn shown(rows: Rows) -> Vec<String> {
    rows.iter().map(|r| format!("{r:?}")).collect()
}

#[test]
fn windows_over_partitions_larger_than_memory() {
    let all = rows(2_600, 1_500, 8);
    for (groups, ordered, descending) in [
        (None, true, false),
        (Some(3), true, true),
        (Some(600), true, false),
        (None, false, false),
        (Some(4), false, false),
    ] {
        let partition: Vec<Expr> = groups.iter().map(|&n| modulo(col(0, SqlType::INT), n)).collect();
        let order: Vec<SortKey> = ordered.then(|| key(0, SqlType::INT, descending)).into_iter().collect();
        let mut keys: Vec<SortKey> =
            partition.iter().map(|e| SortKey { expr: e.clone(), descending: false }).collect();
        keys.extend(order.iter().cloned());
        let mut input = table(&TYPES, &all, 300);
        if !keys.is_empty() {
            input = plan(PhysicalOp::Sort { input: Box::new(input), keys, top: None }, &TYPES);
        }
        let functions = window_functions(ordered);
        let mut types = TYPES.to_vec();
        types.extend(functions.iter().map(|f| f.ty));
        let window = plan(PhysicalOp::Window { input: Box::new(input), partition, order, functions }, &types);
        let expected = shown(run(&window));
        assert_eq!(expected.len(), all.len());
        for limit in LIMITS {
            let ctx = context(limit, 1);
            let got = shown(run_with(&window, &ctx).unwrap());
            for (a, b) in got.iter().zip(&expected) {
                assert_eq!(a, b, "{groups:?} partitions, ordered {ordered}, {limit} bytes");
            }
            assert_eq!(got.len(), expected.len());
            assert!(ctx.query.budget().spilled_bytes() > 0);
            assert_eq!(ctx.query.budget().used(), 0);
        }
    }
}

#[test]
fn rounds_of_a_recursion_larger_than_memory() {
    let all = rows(900, 900, 9);
    let read = plan(PhysicalOp::CteRead { id: 1 }, &TYPES);
    let less = holdfast_plan::expr::Expr::compare(
        holdfast_plan::expr::CompareOp::Less,
        col(0, SqlType::INT),
        Expr::literal(Value::Int(400), SqlType::INT),
    );
    let some = plan(PhysicalOp::Filter { input: Box::new(read), predicate: less }, &TYPES);
    let more = {
        use holdfast_plan::expr::{BinaryOp, ExprKind};
        let kind = ExprKind::Binary {
            op: BinaryOp::Add,
            left: Box::new(col(0, SqlType::INT)),
            right: Box::new(Expr::literal(Value::Int(150), SqlType::INT)),
        };
        let mut exprs = vec![Expr { kind, ty: SqlType::INT, nullable: true }];
        exprs.extend((1..TYPES.len()).map(|i| col(i, TYPES[i])));
        plan(PhysicalOp::Project { input: Box::new(some), exprs }, &TYPES)
    };
    let op = PhysicalOp::RecursiveCte {
        id: 1,
        anchor: Box::new(table(&TYPES, &all, 200)),
        recursive: Box::new(more),
        max_recursion: 100,
    };
    assert!(same_with_little_memory("recursion", &plan(op, &TYPES)).len() > 1_500);
}

#[test]
fn loops_over_a_right_side_larger_than_memory() {
    let (l, r) = (rows(60, 80, 10), rows(900, 80, 11));
    let both = [TYPES, TYPES].concat();
    for kind in [
        JoinKind::Inner,
        JoinKind::Left,
        JoinKind::Right,
        JoinKind::Full,
        JoinKind::LeftSemi,
        JoinKind::LeftAnti,
    ] {
        let equal = Expr::compare(CompareOp::Equal, col(1, NAME), col(6, NAME));
        let op = PhysicalOp::NestedLoops {
            kind,
            left: Box::new(table(&TYPES, &l, 25)),
            right: Box::new(table(&TYPES, &r, 200)),
            bindings: Vec::new(),
            predicate: Some(equal),
        };
        let semi = matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
        let found =
            same_with_little_memory(&format!("{kind:?}"), &plan(op, if semi { &TYPES } else { &both }));
        assert!(!found.is_empty());
    }
}

/// An index spool finds the rows that equal the outer value by the collation, kept or read again and again.
#[test]
fn index_spools() {
    let (l, r) = (rows(120, 80, 12), rows(600, 80, 13));
    let both = [TYPES, TYPES].concat();
    let equal = |right| Expr::compare(CompareOp::Equal, col(1, NAME), right);
    for kind in [JoinKind::Inner, JoinKind::Left, JoinKind::LeftSemi, JoinKind::LeftAnti] {
        let semi = matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
        let types: &[SqlType] = if semi { &TYPES } else { &both };
        let join = |right, bindings, predicate| {
            let left = Box::new(table(&TYPES, &l, 25));
            plan(PhysicalOp::NestedLoops { kind, left, right: Box::new(right), bindings, predicate }, types)
        };
        let expected = folded(run(&join(table(&TYPES, &r, 200), Vec::new(), Some(equal(col(6, NAME))))));
        let (slot, further) = (ParamId(7), ParamId(8));
        let value = |slot| Expr::new(ExprKind::Parameter(slot), NAME, true);
        // Without rows below that depend on the outer row, and with ones that have to be kept for every value anew.
        for depends in [vec![], vec![further]] {
            let op = PhysicalOp::IndexSpool {
                id: 1,
                input: Box::new(table(&TYPES, &r, 200)),
                keys: vec![col(1, NAME)],
                values: vec![value(slot)],
                residual: None,
                condition: equal(value(slot)),
                depends,
            };
            let bindings = [slot, further].map(|slot| Binding { slot, value: col(1, NAME) }).to_vec();
            let spooled = join(plan(op, &TYPES), bindings, None);
            for limit in [0, 60_000, 100 << 20] {
                let found = folded(run_with(&spooled, &context(limit, 1)).unwrap());
                assert_eq!(found, expected, "{kind:?} with {limit} bytes");
            }
        }
    }
}

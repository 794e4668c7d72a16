//! Aggregates and ranking functions.

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AggregateId {
    /// COUNT(*) when there is no argument. Result int (error 8115 beyond it).
    Count,
    CountBig,
    /// tinyint…int sum to int, bigint to bigint, decimal to decimal(38,s), money to money, real and float to float. 8115 on overflow.
    Sum,
    Avg,
    Min,
    Max,
    StDev,
    StDevP,
    Var,
    VarP,
    StringAgg,
    ChecksumAgg,
    ApproxCountDistinct,
    /// Any value of the group (made by the planner for functionally dependent columns).
    Any,
    /// APPROX_PERCENTILE_CONT / DISC.
    ApproxPercentileCont,
    ApproxPercentileDisc,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WindowId {
    RowNumber,
    Rank,
    DenseRank,
    NTile,
    Lag,
    Lead,
    FirstValue,
    LastValue,
    PercentRank,
    CumeDist,
    PercentileCont,
    PercentileDisc,
}

impl AggregateId {
    pub fn parse(name: &str) -> Option<AggregateId> {
        Some(match name.to_ascii_uppercase().as_str() {
            "COUNT" => AggregateId::Count,
            "COUNT_BIG" => AggregateId::CountBig,
            "SUM" => AggregateId::Sum,
            "AVG" => AggregateId::Avg,
            "MIN" => AggregateId::Min,
            "MAX" => AggregateId::Max,
            "STDEV" => AggregateId::StDev,
            "STDEVP" => AggregateId::StDevP,
            "VAR" => AggregateId::Var,
            "VARP" => AggregateId::VarP,
            "STRING_AGG" => AggregateId::StringAgg,
            "CHECKSUM_AGG" => AggregateId::ChecksumAgg,
            "APPROX_COUNT_DISTINCT" => AggregateId::ApproxCountDistinct,
            "APPROX_PERCENTILE_CONT" => AggregateId::ApproxPercentileCont,
            "APPROX_PERCENTILE_DISC" => AggregateId::ApproxPercentileDisc,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            AggregateId::Count => "COUNT",
            AggregateId::CountBig => "COUNT_BIG",
            AggregateId::Sum => "SUM",
            AggregateId::Avg => "AVG",
            AggregateId::Min => "MIN",
            AggregateId::Max => "MAX",
            AggregateId::StDev => "STDEV",
            AggregateId::StDevP => "STDEVP",
            AggregateId::Var => "VAR",
            AggregateId::VarP => "VARP",
            AggregateId::StringAgg => "STRING_AGG",
            AggregateId::ChecksumAgg => "CHECKSUM_AGG",
            AggregateId::ApproxCountDistinct => "APPROX_COUNT_DISTINCT",
            AggregateId::Any => "ANY",
            AggregateId::ApproxPercentileCont => "APPROX_PERCENTILE_CONT",
            AggregateId::ApproxPercentileDisc => "APPROX_PERCENTILE_DISC",
        }
    }
}

impl WindowId {
    pub fn parse(name: &str) -> Option<WindowId> {
        Some(match name.to_ascii_uppercase().as_str() {
            "ROW_NUMBER" => WindowId::RowNumber,
            "RANK" => WindowId::Rank,
            "DENSE_RANK" => WindowId::DenseRank,
            "NTILE" => WindowId::NTile,
            "LAG" => WindowId::Lag,
            "LEAD" => WindowId::Lead,
            "FIRST_VALUE" => WindowId::FirstValue,
            "LAST_VALUE" => WindowId::LastValue,
            "PERCENT_RANK" => WindowId::PercentRank,
            "CUME_DIST" => WindowId::CumeDist,
            "PERCENTILE_CONT" => WindowId::PercentileCont,
            "PERCENTILE_DISC" => WindowId::PercentileDisc,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            WindowId::RowNumber => "ROW_NUMBER",
            WindowId::Rank => "RANK",
            WindowId::DenseRank => "DENSE_RANK",
            WindowId::NTile => "NTILE",
            WindowId::Lag => "LAG",
            WindowId::Lead => "LEAD",
            WindowId::FirstValue => "FIRST_VALUE",
            WindowId::LastValue => "LAST_VALUE",
            WindowId::PercentRank => "PERCENT_RANK",
            WindowId::CumeDist => "CUME_DIST",
            WindowId::PercentileCont => "PERCENTILE_CONT",
            WindowId::PercentileDisc => "PERCENTILE_DISC",
        }
    }
}

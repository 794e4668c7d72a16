//! A schema as T-SQL.

//! System procedures that are written in T-SQL over the system views. The texts run in the caller's database.
//!
//! Invariants
//! 1. Result columns, their order and names are those of the catalog procedures that ODBC and JDBC drivers call.

/// Names (lower case) and texts.
const PROCEDURES: &[(&str, &str)] = &[
    ("sp_tables", SP_TABLES),
    ("sp_columns", SP_COLUMNS),
    ("sp_columns_90", SP_COLUMNS),
    ("sp_columns_100", SP_COLUMNS),
    ("sp_columns_170", SP_COLUMNS),
    ("sp_pkeys", SP_PKEYS),
    ("sp_databases", SP_DATABASES),
    ("sp_helptext", SP_HELPTEXT),
    ("sp_stored_procedures", SP_STORED_PROCEDURES),
];

const SP_TABLES: &str = "CREATE PROCEDURE sp_tables @table_name nvarchar(384) = NULL, @table_owner nvarchar(384) = NULL,
    @table_qualifier sysname = NULL, @table_type varchar(100) = NULL, @fUsePattern bit = 1 AS
SELECT DB_NAME() AS TABLE_QUALIFIER, SCHEMA_NAME(o.schema_id) AS TABLE_OWNER, o.name AS TABLE_NAME,
    CASE WHEN o.is_ms_shipped = 1 THEN 'SYSTEM TABLE' WHEN o.type = 'U' THEN 'TABLE' ELSE 'VIEW' END AS TABLE_TYPE,
    CONVERT(varchar(254), NULL) AS REMARKS
FROM sys.all_objects o
WHERE o.type IN ('U', 'V')
    AND (@table_name IS NULL OR o.name LIKE @table_name)
    AND (@table_owner IS NULL OR SCHEMA_NAME(o.schema_id) LIKE @table_owner)
    AND (@table_qualifier IS NULL OR @table_qualifier = DB_NAME())
    AND (@table_type IS NULL
        OR CHARINDEX(CASE WHEN o.is_ms_shipped = 1 THEN '''SYSTEM TABLE''' WHEN o.type = 'U' THEN '''TABLE''' ELSE '''VIEW''' END, @table_type) > 0)
ORDER BY 4, 1, 2, 3";

const SP_COLUMNS: &str = "CREATE PROCEDURE sp_columns @table_name nvarchar(384), @table_owner nvarchar(384) = NULL,
    @table_qualifier sysname = NULL, @column_name nvarchar(384) = NULL, @ODBCVer int = 2, @fUsePattern bit = 1,
    @NameScope int = 0 AS
SELECT DB_NAME() AS TABLE_QUALIFIER, SCHEMA_NAME(o.schema_id) AS TABLE_OWNER, o.name AS TABLE_NAME, c.name AS COLUMN_NAME,
    CONVERT(smallint, CASE t.name
        WHEN 'bit' THEN -7 WHEN 'tinyint' THEN -6 WHEN 'smallint' THEN 5 WHEN 'int' THEN 4 WHEN 'bigint' THEN -5
        WHEN 'decimal' THEN 3 WHEN 'numeric' THEN 2 WHEN 'money' THEN 3 WHEN 'smallmoney' THEN 3 WHEN 'real' THEN 7
        WHEN 'float' THEN 6 WHEN 'date' THEN -9 WHEN 'time' THEN -9 WHEN 'datetime' THEN 11 WHEN 'smalldatetime' THEN 11
        WHEN 'datetime2' THEN -9 WHEN 'datetimeoffset' THEN -9 WHEN 'char' THEN 1 WHEN 'varchar' THEN 12 WHEN 'text' THEN -1
        WHEN 'nchar' THEN -8 WHEN 'nvarchar' THEN -9 WHEN 'ntext' THEN -10 WHEN 'binary' THEN -2 WHEN 'varbinary' THEN -3
        WHEN 'image' THEN -4 WHEN 'timestamp' THEN -2 WHEN 'uniqueidentifier' THEN -11 WHEN 'sql_variant' THEN -150
        WHEN 'xml' THEN -152 ELSE -151 END) AS DATA_TYPE,
    CASE WHEN c.is_identity = 1 THEN t.name + ' identity' ELSE t.name END AS TYPE_NAME,
    CONVERT(int, CASE WHEN c.precision > 0 THEN c.precision WHEN c.max_length = -1 THEN 0
        WHEN t.name IN ('nchar', 'nvarchar') THEN c.max_length / 2 ELSE c.max_length END) AS PRECISION,
    CONVERT(int, CASE WHEN t.name IN ('decimal', 'numeric') THEN c.precision + 2 WHEN c.max_length = -1 THEN 0 ELSE c.max_length END) AS LENGTH,
    CONVERT(smallint, CASE WHEN c.precision > 0 THEN c.scale END) AS SCALE,
    CONVERT(smallint, CASE WHEN t.name IN ('real', 'float') THEN 2 WHEN c.precision > 0 AND t.name NOT LIKE '%date%' AND t.name <> 'time' THEN 10 END) AS RADIX,
    CONVERT(smallint, c.is_nullable) AS NULLABLE, CONVERT(varchar(254), NULL) AS REMARKS,
    d.definition AS COLUMN_DEF,
    CONVERT(smallint, 0) AS SQL_DATA_TYPE, CONVERT(smallint, NULL) AS SQL_DATETIME_SUB,
    CONVERT(int, CASE WHEN t.name LIKE '%char' THEN c.max_length END) AS CHAR_OCTET_LENGTH,
    CONVERT(int, c.column_id) AS ORDINAL_POSITION,
    CASE WHEN c.is_nullable = 1 THEN 'YES' ELSE 'NO' END AS IS_NULLABLE,
    CONVERT(tinyint, CASE t.name WHEN 'int' THEN 56 WHEN 'bit' THEN 50 ELSE 39 END) AS SS_DATA_TYPE,
    CONVERT(smallint, c.is_sparse) AS SS_IS_SPARSE, CONVERT(smallint, c.is_column_set) AS SS_IS_COLUMN_SET,
    CONVERT(smallint, c.is_computed) AS SS_IS_COMPUTED, CONVERT(smallint, c.is_identity) AS SS_IS_IDENTITY
FROM sys.all_columns c
JOIN sys.all_objects o ON o.object_id = c.object_id
JOIN sys.types t ON t.user_type_id = CASE WHEN c.user_type_id > 256 AND c.system_type_id <> 240 THEN c.system_type_id ELSE c.user_type_id END
LEFT JOIN sys.default_constraints d ON d.object_id = c.default_object_id
WHERE o.type IN ('U', 'V') AND o.name LIKE @table_name
    AND (@table_owner IS NULL OR SCHEMA_NAME(o.schema_id) LIKE @table_owner)
    AND (@column_name IS NULL OR c.name LIKE @column_name)
ORDER BY 1, 2, 3, 17";

const SP_PKEYS: &str = "CREATE PROCEDURE sp_pkeys @table_name sysname, @table_owner sysname = NULL, @table_qualifier sysname = NULL AS
SELECT DB_NAME() AS TABLE_QUALIFIER, SCHEMA_NAME(o.schema_id) AS TABLE_OWNER, o.name AS TABLE_NAME, c.name AS COLUMN_NAME,
    CONVERT(smallint, ic.key_ordinal) AS KEY_SEQ, k.name AS PK_NAME
FROM sys.key_constraints k
JOIN sys.objects o ON o.object_id = k.parent_object_id
JOIN sys.index_columns ic ON ic.object_id = o.object_id AND ic.index_id = k.unique_index_id AND ic.key_ordinal > 0
JOIN sys.columns c ON c.object_id = o.object_id AND c.column_id = ic.column_id
WHERE k.type = 'PK' AND o.name = @table_name AND (@table_owner IS NULL OR SCHEMA_NAME(o.schema_id) = @table_owner)
ORDER BY 1, 2, 3, 5";

const SP_DATABASES: &str = "CREATE PROCEDURE sp_databases AS
SELECT d.name AS DATABASE_NAME, CONVERT(int, SUM(f.size) * 8) AS DATABASE_SIZE, CONVERT(varchar(254), NULL) AS REMARKS
FROM sys.databases d LEFT JOIN sys.master_files f ON f.database_id = d.database_id
GROUP BY d.name ORDER BY 1";

const SP_HELPTEXT: &str = "CREATE PROCEDURE sp_helptext @objname nvarchar(776), @columnname sysname = NULL AS
IF OBJECT_ID(@objname) IS NULL
BEGIN
    DECLARE @db sysname = DB_NAME();
    RAISERROR('The object ''%s'' does not exist in database ''%s'' or is invalid for this operation.', 16, 1, @objname, @db);
    RETURN 1
END
SELECT OBJECT_DEFINITION(OBJECT_ID(@objname)) AS [Text]";

const SP_STORED_PROCEDURES: &str = "CREATE PROCEDURE sp_stored_procedures @sp_name nvarchar(390) = NULL, @sp_owner nvarchar(384) = NULL,
    @sp_qualifier sysname = NULL, @fUsePattern bit = 1 AS
SELECT DB_NAME() AS PROCEDURE_QUALIFIER, SCHEMA_NAME(o.schema_id) AS PROCEDURE_OWNER,
    CONVERT(nvarchar(134), o.name + CASE WHEN o.type = 'P' THEN ';1' ELSE ';0' END) AS PROCEDURE_NAME,
    -1 AS NUM_INPUT_PARAMS, -1 AS NUM_OUTPUT_PARAMS, -1 AS NUM_RESULT_SETS, CONVERT(varchar(254), NULL) AS REMARKS,
    CONVERT(smallint, CASE WHEN o.type = 'P' THEN 1 ELSE 2 END) AS PROCEDURE_TYPE
FROM sys.objects o
WHERE o.type IN ('P', 'FN', 'TF', 'IF') AND (@sp_name IS NULL OR o.name LIKE @sp_name)
    AND (@sp_owner IS NULL OR SCHEMA_NAME(o.schema_id) LIKE @sp_owner)
ORDER BY 1, 2, 3";

/// The text of a system procedure.
pub fn procedure_text(name: &str) -> Option<&'static str> {
    PROCEDURES.iter().find(|(n, _)| *n == name).map(|(_, t)| *t)
}

DECLARE @no varchar(35) = 'no', @yes varchar(35) = 'yes', @none varchar(35) = '(n/a)'
IF @objname IS NULL
BEGIN
    SELECT o.name AS Name, USER_NAME(ISNULL(o.principal_id, s.principal_id)) AS Owner,
        CONVERT(nvarchar(31), LOWER(REPLACE(REPLACE(o.type_desc, 'SQL_', ''), '_', ' '))) AS Object_type
    FROM sys.all_objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
    ORDER BY 2 DESC, 3 DESC, 1
    SELECT t.name AS User_type, TYPE_NAME(t.system_type_id) AS Storage_type, t.max_length AS Length,
        CONVERT(int, TYPEPROPERTY(QUOTENAME(SCHEMA_NAME(t.schema_id)) + '.' + QUOTENAME(t.name), 'precision')) AS Prec,
        CONVERT(int, TYPEPROPERTY(QUOTENAME(SCHEMA_NAME(t.schema_id)) + '.' + QUOTENAME(t.name), 'scale')) AS Scale,
        CASE WHEN t.is_nullable = 1 THEN @yes ELSE @no END AS Nullable, ISNULL(OBJECT_NAME(t.default_object_id), 'none') AS Default_name,
        ISNULL(OBJECT_NAME(t.rule_object_id), 'none') AS Rule_name, t.collation_name AS Collation
    FROM sys.types t WHERE t.is_user_defined = 1 ORDER BY 1
    RETURN 0
END
DECLARE @id int = OBJECT_ID(@objname), @database sysname = DB_NAME()
IF PARSENAME(@objname, 3) IS NOT NULL AND PARSENAME(@objname, 3) <> @database
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END
IF @id IS NULL
BEGIN
    IF TYPE_ID(@objname) IS NULL
    BEGIN
        RAISERROR(15009, -1, -1, @objname, @database)
        RETURN 1
    END
    SELECT t.name AS Type_name, TYPE_NAME(t.system_type_id) AS Storage_type, t.max_length AS Length,
        CONVERT(int, t.precision) AS Prec, CONVERT(int, t.scale) AS Scale, CASE WHEN t.is_nullable = 1 THEN @yes ELSE @no END AS Nullable,
        ISNULL(OBJECT_NAME(t.default_object_id), 'none') AS Default_name, ISNULL(OBJECT_NAME(t.rule_object_id), 'none') AS Rule_name,
        t.collation_name AS Collation
    FROM sys.types t WHERE t.user_type_id = TYPE_ID(@objname)
    RETURN 0
END
DECLARE @type char(2) = (SELECT type FROM sys.all_objects WHERE object_id = @id)
SELECT o.name AS Name, USER_NAME(ISNULL(o.principal_id, s.principal_id)) AS Owner,
    CONVERT(nvarchar(31), LOWER(REPLACE(REPLACE(o.type_desc, 'SQL_', ''), '_', ' '))) AS Type, o.create_date AS Created_datetime
FROM sys.all_objects o JOIN sys.schemas s ON s.schema_id = o.schema_id WHERE o.object_id = @id
IF @type IN ('S', 'U', 'V', 'TF', 'IF')
BEGIN
    SELECT c.name AS Column_name, TYPE_NAME(c.user_type_id) AS Type, CASE WHEN c.is_computed = 1 THEN @yes ELSE @no END AS Computed,
        CONVERT(int, c.max_length) AS Length,
        CASE WHEN c.system_type_id IN (40, 41, 42, 43, 48, 52, 56, 59, 60, 62, 106, 108, 122, 127) THEN CONVERT(char(5), c.precision) ELSE '     ' END AS Prec,
        CASE WHEN c.system_type_id IN (40, 41, 42, 43, 48, 52, 56, 60, 106, 108, 122, 127) THEN CONVERT(char(5), c.scale) ELSE '     ' END AS Scale,
        CASE WHEN c.is_nullable = 1 THEN @yes ELSE @no END AS Nullable,
        CASE WHEN c.system_type_id NOT IN (165, 167, 173, 175) THEN @none WHEN c.is_ansi_padded = 1 THEN @no ELSE @yes END AS TrimTrailingBlanks,
        CASE WHEN c.system_type_id NOT IN (165, 167, 173, 175) THEN @none WHEN c.is_nullable = 0 THEN @no ELSE @yes END AS FixedLenNullInSource,
        c.collation_name AS Collation
    FROM sys.all_columns c WHERE c.object_id = @id ORDER BY c.column_id
    IF @type IN ('S', 'U', 'V', 'TF')
    BEGIN
        IF EXISTS (SELECT 1 FROM sys.identity_columns WHERE object_id = @id)
            SELECT name AS [Identity], CONVERT(numeric(38, 0), seed_value) AS Seed, CONVERT(numeric(38, 0), increment_value) AS Increment,
                CONVERT(int, is_not_for_replication) AS [Not For Replication]
            FROM sys.identity_columns WHERE object_id = @id
        ELSE
            SELECT CONVERT(nvarchar(128), 'No identity column defined.') AS [Identity], CONVERT(numeric(38, 0), NULL) AS Seed,
                CONVERT(numeric(38, 0), NULL) AS Increment, CONVERT(int, NULL) AS [Not For Replication]
        SELECT ISNULL((SELECT name FROM sys.all_columns WHERE object_id = @id AND is_rowguidcol = 1), 'No rowguidcol column defined.') AS [RowGuidCol]
    END
END
IF @type IN ('P', 'PC', 'X', 'FN', 'FS', 'TF', 'IF', 'FT') AND EXISTS (SELECT 1 FROM sys.all_parameters WHERE object_id = @id)
    SELECT p.name AS Parameter_name, TYPE_NAME(p.user_type_id) AS Type, CONVERT(int, p.max_length) AS Length,
        CONVERT(int, CASE WHEN p.precision > 0 THEN p.precision ELSE p.max_length END) AS Prec, CONVERT(int, p.scale) AS Scale,
        p.parameter_id AS Param_order,
        CASE WHEN p.system_type_id IN (35, 99, 167, 175, 231, 239) THEN CONVERT(sysname, DATABASEPROPERTYEX(DB_NAME(), 'Collation')) END AS Collation
    FROM sys.all_parameters p WHERE p.object_id = @id ORDER BY p.parameter_id
IF @type IN ('S', 'U')
BEGIN
    SELECT ds.name AS Data_located_on_filegroup
    FROM sys.indexes i JOIN sys.data_spaces ds ON ds.data_space_id = i.data_space_id WHERE i.object_id = @id AND i.index_id < 2
    EXEC sys.sp_helpindex @objname
    EXEC sys.sp_helpconstraint @objname, 'nomsg'
    IF EXISTS (SELECT 1 FROM sys.sql_dependencies d JOIN sys.views v ON v.object_id = d.object_id
            WHERE d.referenced_major_id = @id AND d.class = 1)
        SELECT DISTINCT QUOTENAME(SCHEMA_NAME(v.schema_id)) + '.' + QUOTENAME(v.name) AS [Table is referenced by views]
        FROM sys.sql_dependencies d JOIN sys.views v ON v.object_id = d.object_id
        WHERE d.referenced_major_id = @id AND d.class = 1
    ELSE
        RAISERROR(15647, -1, -1, @objname)
END
IF @type = 'V'
    EXEC sys.sp_helpindex @objname

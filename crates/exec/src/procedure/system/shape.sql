-- The select list that describes a column or parameter c of type d (row of datatypes) and t (row of sys.types) to ODBC.
    CONVERT(smallint, CASE
        WHEN @ODBCVer < 3 AND CASE @flavour WHEN 28 THEN d.t28 WHEN 90 THEN d.t90 ELSE d.t100 END = 93 THEN 11
        WHEN @ODBCVer < 3 AND @flavour = 100 AND d.t100 = 91 THEN 9
        ELSE CASE @flavour WHEN 28 THEN d.t28 WHEN 90 THEN d.t90 ELSE d.t100 END END) AS DATA_TYPE,
    CONVERT(sysname, CASE WHEN t.user_type_id > 256 OR t.name = 'sysname' THEN t.name WHEN @flavour = 28 THEN d.n28 ELSE d.name END) AS TYPE_NAME,
    CONVERT(int, CASE
        WHEN @flavour = 28 AND (d.big = 1 OR d.xtype = 241) THEN CASE d.n28 WHEN 'ntext' THEN 1073741823 ELSE 2147483647 END
        WHEN d.prec IS NOT NULL THEN d.prec
        WHEN d.cbytes IS NOT NULL THEN CASE WHEN c.max_length < 0 THEN 0 ELSE c.max_length / d.cbytes END
        ELSE c.precision END) AS PRECISION,
    CONVERT(int, CASE
        WHEN @flavour = 28 AND (d.big = 1 OR d.xtype = 241) THEN CASE d.n28 WHEN 'ntext' THEN 2147483646 ELSE 2147483647 END
        WHEN @flavour < 100 AND d.xtype IN (40, 41, 42, 43) THEN c.precision * 2
        WHEN d.cbytes IS NOT NULL THEN CASE WHEN c.max_length < 0 THEN 0 ELSE c.max_length END
        WHEN d.len IS NULL THEN c.precision + 2
        ELSE d.len END) AS LENGTH,
    CONVERT(smallint, CASE WHEN d.scaled = 0 OR (@flavour < 100 AND d.xtype IN (41, 42, 43)) THEN NULL ELSE c.scale END) AS SCALE,
    CONVERT(smallint, d.radix) AS RADIX,
    CONVERT(smallint, CASE
        WHEN @flavour = 28 THEN CASE d.t28 WHEN 93 THEN 9 ELSE d.t28 END
        WHEN @flavour = 90 THEN CASE d.t90 WHEN 93 THEN 9 ELSE d.t90 END
        WHEN d.t100 IN (91, 93) THEN 9 ELSE d.t100 END) AS SQL_DATA_TYPE,
    CONVERT(smallint, CASE WHEN @flavour = 100 OR d.xtype IN (58, 61) THEN d.sub END) AS SQL_DATETIME_SUB,
    CONVERT(int, CASE
        WHEN @flavour = 28 AND (d.big = 1 OR d.xtype = 241) THEN CASE d.n28 WHEN 'ntext' THEN 2147483646 ELSE 2147483647 END
        WHEN d.xtype IN (34, 35, 99, 189, 241) OR d.big = 1 THEN d.len
        WHEN d.cbytes IS NOT NULL THEN CASE WHEN c.max_length < 0 THEN 0 ELSE c.max_length END END) AS CHAR_OCTET_LENGTH

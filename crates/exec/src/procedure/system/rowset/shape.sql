-- The select list that describes a column or parameter c of type d (row of oledb_types) to OLE DB. 0 characters stand for no limit.
    CONVERT(smallint, CASE @flavour WHEN 28 THEN d.t28 WHEN 90 THEN d.t90 ELSE d.t100 END) AS DATA_TYPE,
    CONVERT(int, CASE WHEN d.xtype IN (34, 35) THEN 2147483647 WHEN d.xtype = 99 THEN 1073741823 WHEN d.big = 1 OR d.xtype = 241 THEN 0
        WHEN d.xtype IN (231, 239) THEN c.max_length / 2 WHEN d.xtype IN (165, 167, 173, 175, 189) THEN c.max_length
        WHEN d.xtype IN (40, 41, 42, 43) AND @flavour < 100 THEN c.precision END) AS CHARACTER_MAXIMUM_LENGTH,
    CONVERT(int, CASE WHEN d.xtype IN (34, 35) THEN 2147483647 WHEN d.xtype = 99 THEN 2147483646 WHEN d.big = 1 OR d.xtype = 241 THEN 0
        WHEN d.xtype IN (165, 167, 173, 175, 189, 231, 239) THEN c.max_length
        WHEN d.xtype IN (40, 41, 42, 43) AND @flavour < 100 THEN c.precision * 2 END) AS CHARACTER_OCTET_LENGTH,
    CONVERT(smallint, CASE WHEN d.xtype IN (106, 108) THEN c.precision ELSE d.digits END) AS NUMERIC_PRECISION,
    CONVERT(smallint, CASE WHEN d.xtype IN (106, 108) THEN c.scale END) AS NUMERIC_SCALE,
    CONVERT(int, CASE WHEN d.xtype = 61 THEN 3 WHEN d.xtype = 58 THEN 0 WHEN d.xtype IN (40, 41, 42, 43) AND @flavour = 100 THEN c.scale END) AS FRACTION

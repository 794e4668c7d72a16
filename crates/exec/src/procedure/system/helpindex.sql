{find_object}
IF NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = @found AND index_id > 0 AND is_hypothetical = 0)
BEGIN
    RAISERROR(15472, -1, -1, @objname)
    RETURN 0
END
SELECT i.name AS index_name,
    CONVERT(varchar(210), CASE i.type WHEN 1 THEN 'clustered' ELSE 'nonclustered' END
        + CASE WHEN i.ignore_dup_key = 1 THEN ', ignore duplicate keys' ELSE '' END + CASE WHEN i.is_unique = 1 THEN ', unique' ELSE '' END
        + CASE WHEN i.type = 5 OR i.type = 6 THEN ', columnstore' ELSE '' END
        + CASE WHEN i.is_primary_key = 1 THEN ', primary key' ELSE '' END + CASE WHEN i.is_unique_constraint = 1 THEN ', unique key' ELSE '' END
        + ' located on ' + ISNULL(ds.name, '')) AS index_description,
    CONVERT(nvarchar(2126), k.keys) AS index_keys
FROM sys.indexes i
LEFT JOIN sys.data_spaces ds ON ds.data_space_id = i.data_space_id
JOIN (SELECT ic.object_id, ic.index_id,
        STRING_AGG(c.name + CASE WHEN ic.is_descending_key = 1 THEN N'(-)' ELSE N'' END, N', ') WITHIN GROUP (ORDER BY ic.key_ordinal) AS keys
    FROM sys.index_columns ic JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
    WHERE ic.object_id = @found AND ic.key_ordinal > 0 GROUP BY ic.object_id, ic.index_id) k ON k.object_id = i.object_id AND k.index_id = i.index_id
WHERE i.object_id = @found AND i.index_id > 0 AND i.is_hypothetical = 0
ORDER BY 1

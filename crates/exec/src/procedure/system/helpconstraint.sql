{find_object}
IF @nomsg <> 'nomsg'
    SELECT @objname AS [Object Name]
IF EXISTS (SELECT 1 FROM sys.objects WHERE parent_object_id = @found AND type IN ('C', 'D', 'F', 'PK', 'UQ'))
WITH listed AS (
    SELECT k.name, 1 AS part, CONVERT(nvarchar(146), CASE k.type WHEN 'PK' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END
            + CASE i.type WHEN 1 THEN ' (clustered)' ELSE ' (non-clustered)' END) AS kind,
        '(n/a)' AS on_delete, '(n/a)' AS on_update, '(n/a)' AS enabled, '(n/a)' AS replicated,
        CONVERT(nvarchar(2126), (SELECT STRING_AGG(c.name + CASE WHEN ic.is_descending_key = 1 THEN N'(-)' ELSE N'' END, N', ') WITHIN GROUP (ORDER BY ic.key_ordinal)
            FROM sys.index_columns ic JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
            WHERE ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.key_ordinal > 0)) AS keys
    FROM sys.key_constraints k JOIN sys.indexes i ON i.object_id = k.parent_object_id AND i.index_id = k.unique_index_id
    WHERE k.parent_object_id = @found
    UNION ALL
    SELECT f.name, 1, 'FOREIGN KEY', CASE f.delete_referential_action WHEN 0 THEN 'No Action' WHEN 1 THEN 'Cascade' WHEN 2 THEN 'Set Null' ELSE 'Set Default' END,
        CASE f.update_referential_action WHEN 0 THEN 'No Action' WHEN 1 THEN 'Cascade' WHEN 2 THEN 'Set Null' ELSE 'Set Default' END,
        CASE f.is_disabled WHEN 1 THEN 'Disabled' ELSE 'Enabled' END, CASE f.is_not_for_replication WHEN 1 THEN 'Not_For_Replication' ELSE 'Is_For_Replication' END,
        (SELECT STRING_AGG(c.name, N', ') WITHIN GROUP (ORDER BY fc.constraint_column_id) FROM sys.foreign_key_columns fc
            JOIN sys.columns c ON c.object_id = fc.parent_object_id AND c.column_id = fc.parent_column_id WHERE fc.constraint_object_id = f.object_id)
    FROM sys.foreign_keys f WHERE f.parent_object_id = @found
    UNION ALL
    SELECT f.name, 2, ' ', ' ', ' ', ' ', ' ', 'REFERENCES ' + DB_NAME() + '.' + SCHEMA_NAME(r.schema_id) + '.' + r.name + ' ('
        + (SELECT STRING_AGG(c.name, N', ') WITHIN GROUP (ORDER BY fc.constraint_column_id) FROM sys.foreign_key_columns fc
            JOIN sys.columns c ON c.object_id = fc.referenced_object_id AND c.column_id = fc.referenced_column_id WHERE fc.constraint_object_id = f.object_id) + ')'
    FROM sys.foreign_keys f JOIN sys.objects r ON r.object_id = f.referenced_object_id WHERE f.parent_object_id = @found
    UNION ALL
    SELECT k.name, 1, CASE WHEN c.name IS NULL THEN 'CHECK Table Level ' ELSE 'CHECK on column ' + c.name END, '(n/a)', '(n/a)',
        CASE k.is_disabled WHEN 1 THEN 'Disabled' ELSE 'Enabled' END, CASE k.is_not_for_replication WHEN 1 THEN 'Not_For_Replication' ELSE 'Is_For_Replication' END,
        CONVERT(nvarchar(2126), k.definition)
    FROM sys.check_constraints k LEFT JOIN sys.columns c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id
    WHERE k.parent_object_id = @found
    UNION ALL
    SELECT d.name, 1, 'DEFAULT on column ' + c.name, '(n/a)', '(n/a)', '(n/a)', '(n/a)', CONVERT(nvarchar(2126), d.definition)
    FROM sys.default_constraints d JOIN sys.columns c ON c.object_id = d.parent_object_id AND c.column_id = d.parent_column_id
    WHERE d.parent_object_id = @found)
SELECT kind AS constraint_type, CONVERT(nvarchar(128), CASE part WHEN 1 THEN name ELSE ' ' END) AS constraint_name, on_delete AS delete_action,
    on_update AS update_action, enabled AS status_enabled, replicated AS status_for_replication, keys AS constraint_keys
FROM listed ORDER BY CASE part WHEN 1 THEN kind ELSE 'FOREIGN KEY' END, name, part
ELSE
    RAISERROR(15469, -1, -1, @objname)
IF EXISTS (SELECT 1 FROM sys.foreign_keys WHERE referenced_object_id = @found)
    SELECT DB_NAME() + '.' + SCHEMA_NAME(o.schema_id) + '.' + o.name + ': ' + f.name AS [Table is referenced by foreign key]
    FROM sys.foreign_keys f JOIN sys.objects o ON o.object_id = f.parent_object_id
    WHERE f.referenced_object_id = @found ORDER BY 1
ELSE
    RAISERROR(15470, -1, -1, @objname)

SELECT CONVERT(smallint, l.request_session_id) AS spid, CONVERT(smallint, l.resource_database_id) AS dbid,
    CONVERT(int, CASE l.resource_type WHEN 'OBJECT' THEN l.resource_associated_entity_id ELSE ISNULL(p.object_id, 0) END) AS ObjId,
    CONVERT(smallint, ISNULL(p.index_id, 0)) AS IndId,
    CONVERT(nchar(4), CASE l.resource_type WHEN 'DATABASE' THEN 'DB' WHEN 'OBJECT' THEN 'TAB' WHEN 'PAGE' THEN 'PAG' WHEN 'HOBT' THEN 'HBT'
        WHEN 'APPLICATION' THEN 'APP' WHEN 'METADATA' THEN 'MD' ELSE l.resource_type END) AS Type,
    CONVERT(nchar(32), l.resource_description) AS Resource, CONVERT(nvarchar(8), l.request_mode) AS Mode,
    CONVERT(nvarchar(5), CASE l.request_status WHEN 'CONVERT' THEN 'CNVT' ELSE l.request_status END) AS Status
FROM sys.dm_tran_locks l
LEFT JOIN sys.partitions p ON l.resource_database_id = DB_ID() AND p.hobt_id = l.resource_associated_entity_id
    AND l.resource_type IN ('KEY', 'RID', 'HOBT')
WHERE (@spid1 IS NULL AND @spid2 IS NULL) OR l.request_session_id IN (@spid1, @spid2)
ORDER BY 1, 2, 3

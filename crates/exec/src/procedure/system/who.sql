SELECT CONVERT(smallint, s.session_id) AS spid, CONVERT(smallint, 0) AS ecid, CONVERT(nchar(30), s.status) AS status,
    CONVERT(nchar(128), s.login_name) AS loginame, CONVERT(nchar(128), ISNULL(s.host_name, N'')) AS hostname,
    CONVERT(char(5), ISNULL(r.blocking_session_id, 0)) AS blk, CONVERT(nvarchar(128), DB_NAME(s.database_id)) AS dbname,
    CONVERT(nchar(26), ISNULL(r.command, N'AWAITING COMMAND')) AS cmd, CONVERT(int, ISNULL(r.request_id, 0)) AS request_id
FROM sys.dm_exec_sessions s LEFT JOIN sys.dm_exec_requests r ON r.session_id = s.session_id
WHERE @loginame IS NULL OR s.login_name = @loginame OR CONVERT(nvarchar(128), s.session_id) = @loginame
    OR (@loginame = N'active' AND r.session_id IS NOT NULL)
ORDER BY 1

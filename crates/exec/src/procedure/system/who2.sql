SELECT CONVERT(char(5), s.session_id) AS SPID, CONVERT(nvarchar(30), s.status) AS Status, s.login_name AS Login,
    CONVERT(nvarchar(128), ISNULL(s.host_name, N'  .')) AS HostName,
    CONVERT(char(5), CASE ISNULL(r.blocking_session_id, 0) WHEN 0 THEN '  .' ELSE CONVERT(char(5), r.blocking_session_id) END) AS BlkBy,
    CONVERT(nvarchar(128), DB_NAME(s.database_id)) AS DBName, CONVERT(nvarchar(26), ISNULL(r.command, N'AWAITING COMMAND')) AS Command,
    CONVERT(varchar(12), s.cpu_time) AS CPUTime, CONVERT(varchar(12), s.reads + s.writes) AS DiskIO,
    CONVERT(varchar(14), s.last_request_start_time, 1) + ' ' + CONVERT(varchar(8), s.last_request_start_time, 108) AS LastBatch,
    CONVERT(nvarchar(128), ISNULL(s.program_name, N'')) AS ProgramName, CONVERT(char(5), s.session_id) AS SPID,
    CONVERT(char(5), ISNULL(r.request_id, 0)) AS REQUESTID
FROM sys.dm_exec_sessions s LEFT JOIN sys.dm_exec_requests r ON r.session_id = s.session_id
WHERE @loginame IS NULL OR s.login_name = @loginame OR CONVERT(nvarchar(128), s.session_id) = @loginame
    OR (@loginame = N'active' AND r.session_id IS NOT NULL)
ORDER BY s.session_id

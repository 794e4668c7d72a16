IF @server IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sys.servers WHERE name = @server)
BEGIN
    RAISERROR(15015, -1, -1, @server)
    RETURN 1
END
SELECT s.name, CONVERT(char(28), ISNULL(s.data_source, s.name)) AS network_name,
    CONVERT(varchar(70), STUFF(CASE WHEN s.is_remote_login_enabled = 1 THEN ',rpc' ELSE '' END + CASE WHEN s.is_rpc_out_enabled = 1 THEN ',rpc out' ELSE '' END
        + CASE WHEN s.is_data_access_enabled = 1 THEN ',data access' ELSE '' END + CASE WHEN s.uses_remote_collation = 1 THEN ',use remote collation' ELSE '' END, 1, 1, '')) AS status,
    CONVERT(char(4), s.server_id) AS id, s.collation_name, s.connect_timeout, s.query_timeout
FROM sys.servers s WHERE @server IS NULL OR s.name = @server ORDER BY s.name
RETURN 0

-- restore: 852c_full_TSQLV4 as Hist
-- A versioned table that SQL Server made: its period, its past, and new changes of it.
SELECT t.name, t.temporal_type_desc, h.name AS history, h.temporal_type_desc FROM sys.tables t JOIN sys.tables h ON h.object_id = t.history_table_id;
SELECT name, COL_NAME(object_id, start_column_id) AS s, COL_NAME(object_id, end_column_id) AS e FROM sys.periods;
SELECT empid, empname, salary, sysstart, sysend FROM dbo.Employees ORDER BY empid;
SELECT empid, empname, salary, sysstart, sysend FROM dbo.EmployeesHistory ORDER BY empid, sysstart;
SELECT empid, salary FROM dbo.Employees FOR SYSTEM_TIME AS OF '2016-11-12 17:30:00' ORDER BY empid;
SELECT empid, salary, sysstart FROM dbo.Employees FOR SYSTEM_TIME BETWEEN '20160101' AND '20170101' ORDER BY empid, sysstart;
GO
UPDATE dbo.Employees SET salary += 1 WHERE empid = 2;
DELETE dbo.Employees WHERE empid = 4;
SELECT h.empid, h.salary, CASE WHEN h.sysend > h.sysstart AND h.sysend <= DATEADD(second, 1, SYSUTCDATETIME()) THEN 'ended' END AS e, CASE WHEN e.sysstart = h.sysend THEN 'goes on' END AS c
FROM dbo.EmployeesHistory h LEFT JOIN dbo.Employees e ON e.empid = h.empid WHERE h.sysend > '20200101' ORDER BY h.empid;
DBCC CHECKDB WITH NO_INFOMSGS;
GO

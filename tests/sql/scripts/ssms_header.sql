-- A table as SSMS scripts it, dropped and made again, with extended properties.
create database Scripted
go
USE [Scripted]
GO
EXEC sys.sp_fulltext_database @action = 'disable'
GO
SET ANSI_NULLS ON
GO
SET QUOTED_IDENTIFIER ON
GO
SET ANSI_PADDING ON
GO
IF  EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID(N'[dbo].[Employee]') AND type in (N'U'))
DROP TABLE [dbo].[Employee]
GO
IF NOT EXISTS (SELECT * FROM sys.objects WHERE object_id = OBJECT_ID(N'[dbo].[Employee]') AND type in (N'U'))
BEGIN
CREATE TABLE [dbo].[Employee](
	[EmployeeID] [int] IDENTITY(1,1) NOT NULL,
	[FirstName] [nvarchar](50) COLLATE SQL_Latin1_General_CP1_CI_AS NOT NULL,
	[LastName] [nvarchar](50) NOT NULL,
	[FullName]  AS (([FirstName]+N' ')+[LastName]) PERSISTED NOT NULL,
	[BirthDate] [date] NULL,
	[HireDate] [datetime] NOT NULL,
	[Salary] [money] NOT NULL,
	[Notes] [nvarchar](max) NULL,
	[Photo] [varbinary](max) NULL,
	[ManagerID] [int] NULL,
	[RowGuid] [uniqueidentifier] ROWGUIDCOL  NOT NULL,
 CONSTRAINT [PK_Employee] PRIMARY KEY CLUSTERED 
(
	[EmployeeID] ASC
)WITH (PAD_INDEX = OFF, STATISTICS_NORECOMPUTE = OFF, IGNORE_DUP_KEY = OFF, ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = ON, OPTIMIZE_FOR_SEQUENTIAL_KEY = OFF) ON [PRIMARY],
 CONSTRAINT [UQ_Employee_RowGuid] UNIQUE NONCLUSTERED 
(
	[RowGuid] ASC
)WITH (PAD_INDEX = OFF, STATISTICS_NORECOMPUTE = OFF, IGNORE_DUP_KEY = OFF, ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = ON, FILLFACTOR = 90) ON [PRIMARY]
) ON [PRIMARY] TEXTIMAGE_ON [PRIMARY]
END
GO
SET ANSI_PADDING ON
GO
IF NOT EXISTS (SELECT * FROM sys.indexes WHERE object_id = OBJECT_ID(N'[dbo].[Employee]') AND name = N'IX_Employee_Name')
CREATE NONCLUSTERED INDEX [IX_Employee_Name] ON [dbo].[Employee]
(
	[LastName] ASC,
	[FirstName] DESC
)
INCLUDE([Salary])
WHERE ([ManagerID] IS NOT NULL)
WITH (PAD_INDEX = OFF, STATISTICS_NORECOMPUTE = OFF, SORT_IN_TEMPDB = OFF, DROP_EXISTING = OFF, ONLINE = OFF, ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = ON) ON [PRIMARY]
GO
IF NOT EXISTS (SELECT * FROM dbo.sysobjects WHERE id = OBJECT_ID(N'[dbo].[DF_Employee_HireDate]') AND type = 'D')
BEGIN
ALTER TABLE [dbo].[Employee] ADD  CONSTRAINT [DF_Employee_HireDate]  DEFAULT (getdate()) FOR [HireDate]
END
GO
ALTER TABLE [dbo].[Employee] ADD  CONSTRAINT [DF_Employee_RowGuid]  DEFAULT (newsequentialid()) FOR [RowGuid]
GO
ALTER TABLE [dbo].[Employee]  WITH NOCHECK ADD  CONSTRAINT [FK_Employee_Manager] FOREIGN KEY([ManagerID])
REFERENCES [dbo].[Employee] ([EmployeeID])
NOT FOR REPLICATION 
GO
ALTER TABLE [dbo].[Employee] CHECK CONSTRAINT [FK_Employee_Manager]
GO
ALTER TABLE [dbo].[Employee]  WITH CHECK ADD  CONSTRAINT [CK_Employee_BirthDate] CHECK  (([BirthDate]>='1930-01-01' AND [BirthDate]<=dateadd(year,(-18),getdate())))
GO
ALTER TABLE [dbo].[Employee] CHECK CONSTRAINT [CK_Employee_BirthDate]
GO
IF NOT EXISTS (SELECT * FROM sys.fn_listextendedproperty(N'MS_Description' , N'SCHEMA',N'dbo', N'TABLE',N'Employee', N'COLUMN',N'Salary'))
	EXEC sys.sp_addextendedproperty @name=N'MS_Description', @value=N'Per year, before tax' , @level0type=N'SCHEMA',@level0name=N'dbo', @level1type=N'TABLE',@level1name=N'Employee', @level2type=N'COLUMN',@level2name=N'Salary'
ELSE
BEGIN
	EXEC sys.sp_updateextendedproperty @name=N'MS_Description', @value=N'Per year' , @level0type=N'SCHEMA',@level0name=N'dbo', @level1type=N'TABLE',@level1name=N'Employee', @level2type=N'COLUMN',@level2name=N'Salary'
END
GO
SET IDENTITY_INSERT [dbo].[Employee] ON 
GO
INSERT [dbo].[Employee] ([EmployeeID], [FirstName], [LastName], [BirthDate], [HireDate], [Salary], [Notes], [Photo], [ManagerID], [RowGuid]) VALUES (1, N'Ada', N'Byron', CAST(N'1975-12-10' AS Date), CAST(N'2001-03-01T08:30:00.000' AS DateTime), 90000.0000, NULL, NULL, NULL, N'6f9619ff-8b86-d011-b42d-00c04fc964ff')
INSERT [dbo].[Employee] ([EmployeeID], [FirstName], [LastName], [BirthDate], [HireDate], [Salary], [Notes], [Photo], [ManagerID], [RowGuid]) VALUES (2, N'Grace', N'O''Hara', CAST(0xCC030B00 AS Date), CAST(0x0000901A01499700 AS DateTime), 75000.5000, N'likes nano
seconds', 0x00FF10, 1, N'6f9619ff-8b86-d011-b42d-00c04fc964fe')
GO
SET IDENTITY_INSERT [dbo].[Employee] OFF
GO
INSERT [dbo].[Employee] ([FirstName], [LastName], [HireDate], [Salary], [ManagerID]) VALUES (N'Alan', N'Mathison', '20100101', $60000, 1)
GO
INSERT [dbo].[Employee] ([FirstName], [LastName], [HireDate], [Salary], [ManagerID]) VALUES (N'Al', N'Bad', '20100101', $60000, 77)
INSERT [dbo].[Employee] ([FirstName], [LastName], [HireDate], [Salary], [BirthDate]) VALUES (N'Al', N'Old', '20100101', $60000, '1920-01-01')
GO
SELECT EmployeeID, FullName, BirthDate, HireDate, Salary, Notes, Photo, ManagerID FROM [dbo].[Employee] ORDER BY EmployeeID
GO
SELECT objtype, objname, name, value FROM fn_listextendedproperty(NULL, 'SCHEMA', 'dbo', 'TABLE', 'Employee', 'COLUMN', NULL)
SELECT k.name, k.is_not_trusted, k.is_disabled, k.is_not_for_replication FROM sys.foreign_keys k
SELECT name, definition, is_not_trusted FROM sys.check_constraints
SELECT name, index_id, type_desc, is_unique, is_primary_key, is_unique_constraint, fill_factor, has_filter, filter_definition FROM sys.indexes WHERE object_id = OBJECT_ID('dbo.Employee') ORDER BY index_id
SELECT i.name, c.name, ic.key_ordinal, ic.is_descending_key, ic.is_included_column FROM sys.indexes i JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id WHERE i.name = 'IX_Employee_Name' ORDER BY ic.index_column_id
GO
ALTER TABLE [dbo].[Employee] DROP CONSTRAINT [FK_Employee_Manager]
GO
DROP INDEX [IX_Employee_Name] ON [dbo].[Employee] WITH ( ONLINE = OFF )
GO
ALTER TABLE dbo.Employee DROP COLUMN Photo
GO
ALTER TABLE dbo.Employee DROP COLUMN Salary
GO
EXEC sys.sp_dropextendedproperty @name=N'MS_Description' , @level0type=N'SCHEMA',@level0name=N'dbo', @level1type=N'TABLE',@level1name=N'Employee', @level2type=N'COLUMN',@level2name=N'Salary'
GO
DROP TABLE [dbo].[Employee]
GO
SELECT OBJECT_ID('dbo.Employee') AS gone
GO

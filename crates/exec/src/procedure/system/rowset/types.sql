-- Types as OLE DB knows them, one row a type; (max) types have a row of their own (big = 1). t28, t90, t100: indicators for providers of before
-- 2005, of 2005 and of 2008 and later; digits: decimal digits of a number; fixed: of one length; long: too long to be bound at once.
oledb_types (name, xtype, big, t28, t90, t100, digits, fixed, long, text) AS (
SELECT * FROM (VALUES
('bigint', 127, 0, 20, 20, 20, 19, 1, 0, 0), ('binary', 173, 0, 128, 128, 128, NULL, 1, 0, 0), ('bit', 104, 0, 11, 11, 11, NULL, 1, 0, 0),
('char', 175, 0, 129, 129, 129, NULL, 1, 0, 1), ('date', 40, 0, 130, 130, 133, NULL, 1, 0, 0), ('datetime', 61, 0, 135, 135, 135, NULL, 1, 0, 0),
('datetime2', 42, 0, 130, 130, 135, NULL, 1, 0, 0), ('datetimeoffset', 43, 0, 130, 130, 146, NULL, 1, 0, 0), ('decimal', 106, 0, 131, 131, 131, NULL, 1, 0, 0),
('float', 62, 0, 5, 5, 5, 15, 1, 0, 0), ('image', 34, 0, 128, 128, 128, NULL, 0, 1, 0), ('int', 56, 0, 3, 3, 3, 10, 1, 0, 0),
('money', 60, 0, 6, 6, 6, 19, 1, 0, 0), ('nchar', 239, 0, 130, 130, 130, NULL, 1, 0, 1), ('ntext', 99, 0, 130, 130, 130, NULL, 0, 1, 1),
('numeric', 108, 0, 131, 131, 131, NULL, 1, 0, 0), ('nvarchar', 231, 0, 130, 130, 130, NULL, 0, 0, 1), ('nvarchar', 231, 1, 130, 130, 130, NULL, 0, 1, 1),
('real', 59, 0, 4, 4, 4, 7, 1, 0, 0), ('smalldatetime', 58, 0, 135, 135, 135, NULL, 1, 0, 0), ('smallint', 52, 0, 2, 2, 2, 5, 1, 0, 0),
('smallmoney', 122, 0, 6, 6, 6, 10, 1, 0, 0), ('sql_variant', 98, 0, 12, 12, 12, NULL, 0, 0, 0), ('table type', 243, 0, 143, 143, 143, NULL, 0, 0, 0),
('text', 35, 0, 129, 129, 129, NULL, 0, 1, 1), ('time', 41, 0, 130, 130, 145, NULL, 1, 0, 0), ('timestamp', 189, 0, 128, 128, 128, NULL, 1, 0, 0),
('tinyint', 48, 0, 17, 17, 17, 3, 1, 0, 0), ('udt', 240, 0, 128, 132, 132, NULL, 0, 0, 0), ('uniqueidentifier', 36, 0, 72, 72, 72, NULL, 1, 0, 0),
('varbinary', 165, 0, 128, 128, 128, NULL, 0, 0, 0), ('varbinary', 165, 1, 128, 128, 128, NULL, 0, 1, 0), ('varchar', 167, 0, 129, 129, 129, NULL, 0, 0, 1),
('varchar', 167, 1, 129, 129, 129, NULL, 0, 1, 1), ('xml', 241, 0, 130, 141, 141, NULL, 0, 1, 0)
) AS rows_of_types (a, b, c, d, e, f, g, h, i, j)
)

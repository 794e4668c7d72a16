-- geometry, geography and hierarchyid: constructors, measures, relations, parts.
DECLARE @square geometry = geometry::STGeomFromText('POLYGON((0 0, 4 0, 4 4, 0 4, 0 0))', 0)
DECLARE @line geometry = geometry::STLineFromText('LINESTRING(0 0, 3 4)', 0)
SELECT @square.STArea() AS area, @square.STLength() AS around, @line.STLength() AS length, @square.STCentroid().ToString() AS centre
SELECT @square.STContains(geometry::Point(1, 1, 0)) AS inside, @square.STContains(geometry::Point(0, 0, 0)) AS corner,
    @square.STIntersects(@line) AS meets, @line.STWithin(@square) AS within, @square.STDisjoint(geometry::Point(9, 9, 0)) AS apart
SELECT geometry::Point(0, 0, 0).STDistance(geometry::Point(3, 4, 0)) AS distance, @square.STDistance(geometry::Point(7, 8, 0)) AS to_square
SELECT @line.STNumPoints() AS points, @line.STPointN(2).STAsText() AS second, @line.STStartPoint().STX AS x, @line.STEndPoint().STY AS y
SELECT @line.STEnvelope().STAsText() AS box, @square.STExteriorRing().STAsText() AS ring, @square.STNumInteriorRing() AS holes
SELECT geometry::Parse('MULTIPOINT((1 2),(3 4))').STNumGeometries() AS members, geometry::Parse('MULTIPOINT((1 2),(3 4))').STGeometryN(2).ToString() AS second
SELECT geometry::STGeomFromText('POINT(1 2)', 1).STDistance(geometry::STGeomFromText('POINT(1 2)', 2)) AS other_srid
SELECT geometry::Parse('POLYGON((0 0, 2 2, 2 0, 0 2, 0 0))').STIsValid() AS bow_tie, @square.STEquals(@square.STConvexHull()) AS same
SELECT CAST('POINT (5 6)' AS geometry).STSrid AS srid, CAST('POINT (5 6)' AS geography).STSrid AS geographic, CAST(NULL AS geometry).STArea() AS nothing
GO
DECLARE @a geography = geography::Point(47.65, -122.35, 4326), @b geography = geography::Point(47.65, -122.34, 4326)
SELECT @a.Lat AS lat, @a.Long AS long, @a.ToString() AS text, ROUND(@a.STDistance(@b), 3) AS metres
SELECT ROUND(geography::STGeomFromText('LINESTRING(0 0, 1 0)', 4326).STLength(), 3) AS a_degree
GO
SELECT geometry::STGeomFromText('BLOB(1 2)', 0)
GO
SELECT geometry::STGeomFromText('LINESTRING(1 1)', 0)
GO
SELECT geography::Point(91, 0, 4326)
GO
SELECT geometry::Point(1, 1, 0).STBuffer(2)
GO
CREATE TABLE #org (node hierarchyid PRIMARY KEY, name varchar(20))
DECLARE @boss hierarchyid = hierarchyid::GetRoot(), @first hierarchyid
SET @first = @boss.GetDescendant(NULL, NULL)
INSERT #org VALUES (@boss, 'boss'), (@first, 'first'), (@boss.GetDescendant(@first, NULL), 'second'),
    (@boss.GetDescendant(@first, '/2/'), 'between')
SELECT node.ToString() AS path, node.GetLevel() AS level, name FROM #org ORDER BY node
SELECT hierarchyid::Parse('/1/2/').GetReparentedValue('/1/', '/3/').ToString() AS moved
DROP TABLE #org
GO

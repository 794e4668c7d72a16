-- Properties of spatial columns, named as columns are.
create table #t(id int, p geography, g geometry)
insert #t values(1, geography::Point(47.5, 19.25, 4326), geometry::STGeomFromText('POINT(3 4)', 0)), (2, null, null)
select id, p.Lat, t.p.Long, g.STX, t.g.STY as y, p.STSrid from #t t order by id
select #t.p.Lat from #t where p.Lat > 40 order by p.Lat
select max(p.Lat) from #t group by id having max(g.STX) is not null
go
select id from #t where id.Lat > 1
go
select x.Lat from #t
go
select t.p.Lat from #t
go
select (select q.p.Lat) from #t q order by id
go

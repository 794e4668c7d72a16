-- Case folds as the collation says: i and İ, ı and I in Turkish; Ä and ä everywhere; accents and widths where they do not count.
create database Türk collate Turkish_CI_AS
go
use TÜRK
go
create table Istif (İd int, ıd int)
go
create table ISTIF (a int)
go
create table istif (x int)
go
insert Istif values (1, 2)
go
insert istif values (3)
go
select id, Id from ıstif
go
select x from İSTİF
go
select İD, ID from ISTIF
go
select ID as big from ISTIF where Id = 2
go
select iD from istif
go
select name from sys.indexes where 1 = 0
go
select name from sys.INDEXES
go
select name from SYS.tables order by name
go
select TABLE_NAME from information_schema.TABLES
go
select TABLE_NAME from INFORMATION_SCHEMA.TABLES order by 1
go
select case when 'i' = 'I' then 1 else 0 end as dotted, case when 'ı' = 'I' then 1 else 0 end as dotless, upper('i') as upper_i, lower('I') as lower_i
go
create trigger t on istif after insert as select x from inserted
go
alter trigger t on istif after insert as select x from INSERTED
go
insert istif values (4)
go
create procedure işle @kimlik int as select @KIMLIK as k
go
exec İŞLE 1
go
exec işle @kİmlİk = 2
go
exec işle @KIMLIK = 3
go
exec sp_helpindex 'istif'
go
use master
go
drop database türk
go
create database Deutsch
go
use Deutsch
go
create table Ä (ö int, Ünï int)
go
create table ä (x int)
go
insert ä values (1, 2)
go
select Ö, ÜNÏ from Ä
go
select A.Ö from ä as a
go
create table A (x int)
go
select name from sys.tables where name = 'Ä'
go
create user Jürgen without login
go
create user JÜRGEN without login
go
grant select on ä (ö) to jürgen
go
select object_name(object_id('ä')), col_length('ä', 'Ö'), user_name(user_id('JÜRGEN'))
go
create index Ïx on Ä (ö)
go
drop index ïX on ä
go
drop table ä
go
use master
go
drop database Deutsch
go
create database Plain collate Latin1_General_CI_AI
go
use Plain
go
create table Cafe (a int)
go
create table Café (b int)
go
insert café values (5)
go
select Á from CAFÉ
go
use master
go
drop database Plain
go
create database Japan collate Japanese_CS_AS_KS_WS
go
use Japan
go
create table カ (a int)
go
create table か (b int)
go
create table ｶ (c int)
go
create table か (d int)
go
select name from sys.tables where name = N'カ'
go
select a from カ
go
select b from か
go
select a from ｶ
go
use master
go
drop database Japan
go
create database Japan2 collate Japanese_CI_AS
go
use Japan2
go
create table カ (a int)
go
create table か (b int)
go
select A from ｶ
go
use master
go
drop database Japan2
go
create database Nowhere collate Nowhere_CI_AS

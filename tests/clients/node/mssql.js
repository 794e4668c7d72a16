// mssql: connection pool (resets between uses), tagged templates, result sets, streaming.
const sql = require('mssql');
const { settings, check, literals, finish, LONG } = require('./common');

async function main() {
  const pool = await sql.connect({
    server: settings.host, port: settings.port, user: settings.user, password: settings.password,
    database: settings.database, pool: { max: 2 }, requestTimeout: 30000,
    options: { encrypt: true, trustServerCertificate: true },
  });
  for (const [expression, expected] of literals) {
    const r = await pool.request().query(`SELECT ${expression} AS v`);
    check(expression, r.recordset[0].v, expected);
  }
  const name = "O'Neil 日";
  check('template', (await sql.query`SELECT ${name} AS s, ${42} AS n, ${null} AS z`).recordset[0], { s: name, n: 42, z: null });
  const sets = await pool.request().query('SELECT 1 AS a; SELECT 2 AS b, 3 AS c');
  check('result sets', sets.recordsets.map((s) => s[0]), [{ a: 1 }, { b: 2, c: 3 }]);
  const error = await pool.request().query('SELECT * FROM dbo.Nowhere').then(() => null, (e) => e);
  check('error', [error.number, error.class, error.state, error.lineNumber], [208, 16, 1, 1]);
  const input = await pool.request().input('id', sql.Int, 3).query('SELECT COUNT(*) AS n FROM dbo.Customers WHERE CustomerID <= @id');
  check('input', input.recordset[0].n, 3);
  let rows = 0;
  await new Promise((resolve, reject) => {
    const request = pool.request();
    request.stream = true;
    request.on('row', () => { rows += 1; });
    request.on('error', reject);
    request.on('done', resolve);
    request.query('SELECT * FROM dbo.OrderLines');
  });
  check('streamed', rows, 15000);
  const request = pool.request();
  setTimeout(() => request.cancel(), 500);
  const cancelled = await request.query(LONG).then(() => null, (e) => e);
  check('cancelled', cancelled && cancelled.code, 'ECANCEL');
  const many = await Promise.all([...Array(20).keys()].map((i) => pool.request().input('i', i).query('SELECT @i AS i')));
  check('pool', many.map((r) => r.recordset[0].i), [...Array(20).keys()]);
  await pool.request().query("IF TYPE_ID('dbo.MssqlKeys') IS NULL CREATE TYPE dbo.MssqlKeys AS TABLE(id int NOT NULL, label nvarchar(20) NULL)");
  await pool.request().query("IF OBJECT_ID('dbo.MssqlCount') IS NULL EXEC('CREATE PROCEDURE dbo.MssqlCount @keys dbo.MssqlKeys READONLY AS SELECT COUNT(*) AS n, MAX(label) AS m FROM @keys')");
  const keys = new sql.Table('dbo.MssqlKeys');
  keys.columns.add('id', sql.Int, { nullable: false });
  keys.columns.add('label', sql.NVarChar(20), { nullable: true });
  for (let i = 0; i < 2000; i += 1) keys.rows.add(i, i % 7 ? `label ${i}` : null);
  const counted = await pool.request().input('keys', keys).execute('dbo.MssqlCount');
  check('table-valued parameter', counted.recordset[0], { n: 2000, m: 'label 999' });
  await pool.close();
}

finish(main());

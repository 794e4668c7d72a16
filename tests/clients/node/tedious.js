// tedious: encryption as option, TDS versions, parameters of many types, cancel, prepared statements, TDS 8.
const fs = require('fs');
const { Connection, Request, TYPES } = require('tedious');
const { settings, check, literals, finish, LONG } = require('./common');

function connect(options = {}) {
  return new Promise((resolve, reject) => {
    const connection = new Connection({
      server: settings.host,
      authentication: { type: 'default', options: { userName: settings.user, password: options.password || settings.password } },
      options: {
        port: settings.port, database: settings.database, encrypt: true, trustServerCertificate: true,
        connectTimeout: 20000, cancelTimeout: 10000, rowCollectionOnRequestCompletion: true, ...options.more,
      },
    });
    connection.on('connect', (e) => (e ? reject(e) : resolve(connection)));
    connection.connect();
  });
}

// All result sets of a batch or (with parameters) a call of sp_executesql.
function query(connection, text, parameters) {
  return new Promise((resolve, reject) => {
    const sets = [];
    const request = new Request(text, (e) => (e ? reject(e) : resolve(sets)));
    request.on('columnMetadata', () => sets.push([]));
    request.on('row', (row) => sets[sets.length - 1].push(row.map((c) => c.value)));
    for (const [name, type, value, options] of parameters || []) request.addParameter(name, type, value, options);
    if (parameters) connection.execSql(request); else connection.execSqlBatch(request);
  });
}

async function fails(connection, text, number) {
  const error = await query(connection, text).then(() => null, (e) => e);
  check(`error of ${text}`, error && error.number, number);
}

async function main() {
  for (const more of [{ encrypt: false }, { encrypt: true }, { tdsVersion: '7_2' }, { tdsVersion: '7_1' }]) {
    const c = await connect({ more });
    check(`database with ${JSON.stringify(more)}`, (await query(c, 'SELECT DB_NAME()'))[0][0], ['Harbour']);
    c.close();
  }
  if (settings.certificate) {
    const c = await connect({ more: {
      encrypt: 'strict', trustServerCertificate: false, serverName: 'localhost',
      cryptoCredentialsDetails: { ca: fs.readFileSync(settings.certificate) } } });
    check('TDS 8', (await query(c, 'SELECT DB_NAME()'))[0][0], ['Harbour']);
    c.close();
  }
  const refused = await connect({ password: 'wrong' }).then(() => null, (e) => e);
  check('wrong password', refused && refused.code, 'ELOGIN');

  const c = await connect();
  for (const [expression, expected] of literals) {
    const [[row]] = await query(c, `SELECT ${expression} AS v, CAST(NULL AS int) AS n`);
    check(expression, row, [expected, null]);
  }
  const all = (await query(c, 'SELECT * FROM dbo.EveryType ORDER BY ID'))[0];
  check('rows of EveryType', all.length, 100);
  check('a row of NULLs', all[9].slice(1).every((v) => v === null), true);
  check('rows of OrderLines', (await query(c, 'SELECT * FROM dbo.OrderLines'))[0].length, 15000);
  check('result sets', await query(c, "SELECT 1; SELECT 'x', 2"), [[[1]], [['x', 2]]]);
  await fails(c, 'SELECT * FROM dbo.Nowhere', 208);
  await fails(c, 'SELECT 1/0', 8134);
  const at = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 120));
  const parameters = [
    ['i', TYPES.Int, -7], ['b', TYPES.BigInt, '9007199254740993'], ['s', TYPES.NVarChar, "O'Neil 日"],
    ['v', TYPES.VarChar, 'naïve'], ['n', TYPES.NVarChar, null], ['f', TYPES.Float, 1.25], ['t', TYPES.Bit, true],
    ['d', TYPES.Decimal, 12.5, { precision: 10, scale: 2 }], ['w', TYPES.DateTime2, at, { scale: 3 }],
    ['x', TYPES.VarBinary, Buffer.from([1, 2])], ['m', TYPES.NVarChar, '日'.repeat(9000)],
    ['g', TYPES.UniqueIdentifier, '6F9619FF-8B86-D011-B42D-00C04FC964FF'], ['y', TYPES.Date, new Date(Date.UTC(2024, 1, 29))],
  ];
  const sent = await query(c, `SELECT ${parameters.map((p) => '@' + p[0]).join(', ')}`, parameters);
  check('parameters', sent[0][0], parameters.map((p) => p[2]));

  await new Promise((resolve, reject) => {
    const request = new Request('SELECT Name FROM dbo.Customers WHERE CustomerID = @id', () => {});
    request.addParameter('id', TYPES.Int);
    let ids = [1, 2, 3];
    let rows = 0;
    request.on('row', () => { rows += 1; });
    request.on('error', reject);
    request.on('prepared', () => c.execute(request, { id: ids.shift() }));
    request.on('requestCompleted', () => {
      if (ids.length) { setImmediate(() => c.execute(request, { id: ids.shift() })); return; }
      check('rows of a prepared statement', rows, 3);
      resolve();
    });
    c.prepare(request);
  });

  await query(c, "IF TYPE_ID('dbo.TediousLines') IS NULL EXEC('CREATE TYPE dbo.TediousLines AS TABLE(id int PRIMARY KEY, label nvarchar(20) NULL, at datetime2(3) NULL)')");
  await query(c, "IF OBJECT_ID('dbo.TediousTotal') IS NULL EXEC('CREATE PROCEDURE dbo.TediousTotal @lines dbo.TediousLines READONLY, @more int AS SELECT COUNT(*), SUM(id) + @more, MAX(label), MAX(at) FROM @lines')");
  const lines = (rows) => ({
    schema: 'dbo', name: 'TediousLines', rows,
    columns: [{ name: 'id', type: TYPES.Int }, { name: 'label', type: TYPES.NVarChar, length: 20 }, { name: 'at', type: TYPES.DateTime2, scale: 3 }],
  });
  const passed = (rows) => new Promise((resolve, reject) => {
    const got = [];
    const request = new Request('dbo.TediousTotal', (e) => (e ? reject(e) : resolve(got)));
    request.on('row', (row) => got.push(row.map((v) => v.value)));
    request.addParameter('lines', TYPES.TVP, lines(rows));
    request.addParameter('more', TYPES.Int, 100);
    c.callProcedure(request);
  });
  check('table-valued parameter', await passed([[1, 'a', at], [2, null, null], [3, 'c', null]]), [[3, 106, 'c', at]]);
  check('empty table-valued parameter', await passed([]), [[0, null, null, null]]);
  const twice = await passed([[1, 'a', null], [1, 'b', null]]).then(() => null, (e) => e);
  check('key of a table type', twice && twice.number, 2627);
  check('table-valued parameter of a text', await query(c, 'SELECT id, label FROM @t ORDER BY id DESC', [['t', TYPES.TVP, lines([[5, 'x', null], [6, 'y', null]])]]),
    [[[6, 'y'], [5, 'x']]]);

  const start = Date.now();
  setTimeout(() => c.cancel(), 500);
  const cancelled = await query(c, LONG).then(() => null, (e) => e);
  check('cancelled', cancelled && cancelled.code, 'ECANCEL');
  check('cancelled soon', Date.now() - start < 12000, true);
  check('usable after the cancel', (await query(c, 'SELECT 7'))[0][0], [7]);
  await new Promise((resolve) => c.reset(resolve));
  check('usable after a reset', (await query(c, 'SELECT DB_NAME()'))[0][0], ['Harbour']);
  c.close();
}

finish(main());

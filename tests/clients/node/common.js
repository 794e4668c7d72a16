// What every Node client is asked; see ../python/common.py for the same in Python.
const assert = require('assert');

exports.settings = {
  host: process.env.HOLDFAST_HOST || '127.0.0.1',
  port: Number(process.env.HOLDFAST_PORT || 1433),
  user: 'sa',
  password: process.env.HOLDFAST_PASSWORD || '',
  database: 'Harbour',
  certificate: process.env.HOLDFAST_CERTIFICATE || '',
};

let checks = 0;
exports.check = (what, got, expected) => {
  checks += 1;
  assert.deepStrictEqual(got, expected, `${what}: got ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`);
};

exports.LONG = 'SELECT COUNT_BIG(*) FROM dbo.OrderLines a CROSS JOIN dbo.OrderLines b ' +
  'CROSS JOIN dbo.OrderLines c WHERE a.Quantity + b.Quantity + c.Quantity = -1';

exports.literals = [
  ['CAST(1 AS bit)', true],
  ['CAST(255 AS tinyint)', 255],
  ['CAST(-2147483648 AS int)', -2147483648],
  ['CAST(9223372036854775807 AS bigint)', '9223372036854775807'],
  ["CAST('123.45' AS numeric(5,2))", 123.45],
  ["CAST('-12.5' AS money)", -12.5],
  ['CAST(1.5 AS real)', 1.5],
  ['CAST(-0.1 AS float)', -0.1],
  ["CAST('2024-02-29' AS date)", new Date(Date.UTC(2024, 1, 29))],
  ["CAST('2024-02-29 12:34:56.123' AS datetime2(3))", new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 123))],
  ["CAST('2024-02-29 12:34:56.123 +02:00' AS datetimeoffset(3))", new Date(Date.UTC(2024, 1, 29, 10, 34, 56, 123))],
  ["CAST('1999-12-31T23:59:59' AS datetime)", new Date(Date.UTC(1999, 11, 31, 23, 59, 59))],
  ["CAST('abc' AS char(5))", 'abc  '],
  ["CAST('naïve' AS varchar(20))", 'naïve'],
  ["N'日本 😀'", '日本 😀'],
  ["REPLICATE(CAST(N'日' AS nvarchar(max)), 20000)", '日'.repeat(20000)],
  ['CAST(0x0102 AS binary(4))', Buffer.from([1, 2, 0, 0])],
  ["CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)", '6F9619FF-8B86-D011-B42D-00C04FC964FF'],
  ["CAST('<a b=\"1\"/>' AS xml)", '<a b="1"/>'],
];

exports.finish = (promise) => promise.then(
  () => { console.log(`${checks} checks`); process.exit(0); },
  (e) => { console.error(e.stack || e); process.exit(1); });

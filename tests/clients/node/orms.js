// Sequelize, TypeORM and Knex: schemas made, altered and read back by introspection, rows, associations, transactions, migrations.
require('reflect-metadata');
const { Sequelize, DataTypes, Op } = require('sequelize');
const typeorm = require('typeorm');
const knex = require('knex');
const sql = require('mssql');
const { settings, check, finish } = require('./common');

const DATABASE = 'client_orms';

async function sequelize() {
  const db = new Sequelize(DATABASE, settings.user, settings.password, {
    host: settings.host, port: settings.port, dialect: 'mssql', logging: false,
    dialectOptions: { options: { encrypt: true, trustServerCertificate: true } },
  });
  const User = db.define('User', {
    name: { type: DataTypes.STRING, allowNull: false, unique: true }, age: DataTypes.INTEGER, bio: DataTypes.TEXT,
    score: { type: DataTypes.DECIMAL(10, 2), defaultValue: 1 }, born: DataTypes.DATEONLY, blob: DataTypes.BLOB,
    kind: DataTypes.ENUM('a', 'b'), uid: { type: DataTypes.UUID, defaultValue: DataTypes.UUIDV4 },
  }, { comment: 'people', indexes: [{ fields: ['age'] }] });
  const Post = db.define('Post', { title: DataTypes.STRING(100) }, { paranoid: true });
  const Tag = db.define('Tag', { label: DataTypes.STRING });
  User.hasMany(Post, { onDelete: 'CASCADE' });
  Post.belongsTo(User);
  Post.belongsToMany(Tag, { through: 'PostTags' });
  Tag.belongsToMany(Post, { through: 'PostTags' });
  await db.sync({ force: true });
  await db.sync({ alter: true });
  const ann = await User.create({ name: 'Ann 日', age: 3, bio: 'x'.repeat(9000), born: '2001-02-03', blob: Buffer.from([1]), kind: 'a' });
  const post = await ann.createPost({ title: 'first' });
  await post.addTag(await Tag.create({ label: 'L' }));
  const read = await User.findOne({ where: { id: ann.id }, include: [{ model: Post, include: [Tag] }] });
  check('read', [read.bio.length, read.born, read.Posts[0].Tags[0].label], [9000, '2001-02-03', 'L']);
  await User.bulkCreate([...Array(100).keys()].map((n) => ({ name: `u${n}`, age: n })));
  const page = await User.findAndCountAll({ where: { age: { [Op.between]: [5, 50] } }, order: [['age', 'DESC']], limit: 2, offset: 1 });
  check('page', [page.count, page.rows.map((r) => r.age)], [46, [49, 48]]);
  const [, created] = await User.findOrCreate({ where: { name: 'new' } });
  check('findOrCreate', created, true);
  const lost = await db.transaction(async (transaction) => {
    await User.create({ name: 'lost' }, { transaction });
    throw new Error('back');
  }).catch((e) => e.message);
  check('rolled back', [lost, await User.count({ where: { name: 'lost' } })], ['back', 0]);
  const error = await User.create({ name: 'u1' }).catch((e) => e.name);
  check('unique', error, 'SequelizeUniqueConstraintError');
  await Post.destroy({ where: {} });
  check('paranoid', [await Post.count(), await Post.count({ paranoid: false })], [0, 1]);
  const q = db.getQueryInterface();
  await q.addColumn('Users', 'extra', { type: DataTypes.STRING(20), allowNull: false, defaultValue: 'd', comment: 'c' });
  await q.changeColumn('Users', 'extra', { type: DataTypes.STRING(50), allowNull: true });
  await q.renameColumn('Users', 'bio', 'biography');
  const columns = await q.describeTable('Users');
  check('described', [columns.extra.type, columns.extra.comment, columns.id.autoIncrement, columns.biography.type],
    ['NVARCHAR(50)', 'c', true, 'NVARCHAR(MAX)']);
  check('foreign keys', (await q.getForeignKeyReferencesForTable('Posts')).map((k) => [k.columnName, k.referencedTableName]),
    [['UserId', 'Users']]);
  await q.removeColumn('Users', 'score');
  await q.dropAllTables();
  await db.close();
}

class Changes1700000000000 {
  async up(q) {
    await q.createTable(new typeorm.Table({
      name: 'migrated',
      columns: [
        { name: 'id', type: 'int', isPrimary: true, isGenerated: true, generationStrategy: 'increment' },
        { name: 'text', type: 'nvarchar', length: '50', default: "'q'" },
        { name: 'twice', type: 'int', asExpression: '[id]*2', generatedType: 'STORED' },
        { name: 'userId', type: 'int', isNullable: true },
      ],
      checks: [{ expression: "text <> 'bad'" }],
    }));
    await q.addColumn('migrated', new typeorm.TableColumn({ name: 'at', type: 'datetime2', default: 'getdate()' }));
    await q.createIndex('migrated', new typeorm.TableIndex({ columnNames: ['at'] }));
    await q.createForeignKey('migrated', new typeorm.TableForeignKey({
      columnNames: ['userId'], referencedTableName: 'users', referencedColumnNames: ['id'], onDelete: 'SET NULL',
    }));
  }

  async down(q) {
    await q.dropTable('migrated');
  }
}

async function typeOrm() {
  const User = new typeorm.EntitySchema({
    name: 'User', tableName: 'users',
    columns: {
      id: { type: 'int', primary: true, generated: 'increment' }, name: { type: 'nvarchar', length: 100 },
      age: { type: 'int', nullable: true }, next: { type: 'int', nullable: true, asExpression: '[age]+1', generatedType: 'STORED', insert: false, update: false },
      amount: { type: 'decimal', precision: 10, scale: 2, default: 0 },
      uid: { type: 'uniqueidentifier', generated: 'uuid' }, created: { type: 'datetime2', createDate: true },
      version: { type: 'int', version: true },
    },
    relations: { posts: { type: 'one-to-many', target: 'Post', inverseSide: 'user', cascade: true } },
    uniques: [{ columns: ['name'] }], indices: [{ columns: ['age'] }],
  });
  const Post = new typeorm.EntitySchema({
    name: 'Post', tableName: 'posts',
    columns: { id: { type: 'uniqueidentifier', primary: true, generated: 'uuid' }, title: { type: 'varchar' } },
    relations: { user: { type: 'many-to-one', target: 'User', inverseSide: 'posts', onDelete: 'CASCADE', joinColumn: true } },
  });
  const source = new typeorm.DataSource({
    type: 'mssql', host: settings.host, port: settings.port, username: settings.user, password: settings.password,
    database: DATABASE, options: { encrypt: true, trustServerCertificate: true }, entities: [User, Post],
    migrations: [Changes1700000000000],
  });
  await source.initialize();
  await source.synchronize();
  const again = await source.driver.createSchemaBuilder().log();
  check('nothing to synchronize', again.upQueries.map((q) => q.query), []);
  const users = source.getRepository('User');
  const ann = await users.save({ name: 'Ann 日', age: 3, amount: 12.5, posts: [{ title: 'p' }] });
  await users.save([...Array(120).keys()].map((n) => ({ name: `n${n}`, age: n })), { chunk: 50 });
  const found = await users.find({ where: { id: ann.id }, relations: { posts: true } });
  check('relation', [found[0].amount, found[0].posts[0].title], [12.5, 'p']);
  const [some, count] = await users.findAndCount({ order: { age: 'DESC' }, skip: 1, take: 2, relations: { posts: true } });
  check('pages', [some.map((u) => u.age), count], [[118, 117], 121]);
  ann.age = 9;
  check('version', (await users.save(ann)).version, 2);
  await source.transaction('SERIALIZABLE', (m) => m.save('User', { name: 'tx' }));
  check('migrations', (await source.runMigrations()).length, 1);
  const runner = source.createQueryRunner();
  const table = await runner.getTable('migrated');
  check('introspection', [
    table.columns.map((c) => c.name).sort(), table.indices.length, table.foreignKeys[0].referencedTableName,
    table.checks.length, table.findColumnByName('twice').generatedType,
  ], [['at', 'id', 'text', 'twice', 'userId'], 1, 'users', 1, 'STORED']);
  await runner.renameColumn('migrated', 'at', 'moment');
  await runner.release();
  await source.undoLastMigration();
  await source.dropDatabase();
  await source.destroy();
}

async function knexSchema() {
  const k = knex({
    client: 'mssql',
    connection: {
      server: settings.host, port: settings.port, user: settings.user, password: settings.password, database: DATABASE,
      options: { encrypt: true, trustServerCertificate: true },
    },
    migrations: {
      migrationSource: {
        getMigrations: async () => ['first'],
        getMigrationName: (m) => m,
        getMigration: async () => ({
          up: (x) => x.schema.createTable('ka', (t) => {
            t.increments();
            t.string('name', 50).notNullable().unique();
            t.decimal('price', 8, 2).defaultTo(1.5);
            t.timestamps(true, true);
            t.text('long');
          }).createTable('kb', (t) => {
            t.bigIncrements();
            t.integer('a').references('ka.id').onDelete('CASCADE');
          }),
          down: (x) => x.schema.dropTable('kb').dropTable('ka'),
        }),
      },
    },
  });
  await k.migrate.latest();
  await k.schema.alterTable('ka', (t) => {
    t.string('extra').defaultTo('z');
    t.renameColumn('long', 'longer');
    t.string('name', 80).notNullable().alter();
  });
  check('returning', (await k('ka').insert({ name: 'n', price: 4 }, ['name', 'price'])), [{ name: 'n', price: 4 }]);
  await k.batchInsert('ka', [...Array(300).keys()].map((n) => ({ name: `b${n}`, price: n + 1 })), 100);
  check('page', await k('ka').where('price', '>', 2).orderBy('price', 'desc').limit(2).offset(1).pluck('price'), [299, 298]);
  const counted = await k.transaction(async (x) => {
    await x('ka').insert({ name: 'tx' });
    await x.transaction(async (y) => {
      await y('ka').insert({ name: 'ty' });
      throw new Error('back');
    }).catch(() => 0);
    return x('ka').whereIn('name', ['tx', 'ty']).count('* as c');
  });
  check('savepoint', counted, [{ c: 1 }]);
  const info = await k('ka').columnInfo();
  check('columns', [info.longer.type, info.extra.maxLength], ['nvarchar', 255]);
  await k.migrate.rollback(undefined, true);
  check('rolled back', await k.schema.hasTable('ka'), false);
  await k.destroy();
}

async function main() {
  const pool = await sql.connect({
    server: settings.host, port: settings.port, user: settings.user, password: settings.password, database: 'master',
    options: { encrypt: true, trustServerCertificate: true },
  });
  await pool.query(`IF DB_ID('${DATABASE}') IS NOT NULL DROP DATABASE ${DATABASE}`);
  await pool.query(`CREATE DATABASE ${DATABASE}`);
  await pool.close();
  await sequelize();
  await typeOrm();
  await knexSchema();
}

finish(main());

import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import {
  type CompiledQuery,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { invariant } from '../../errors/coax-error.ts';
import { BorrowedDriver } from '../engine/borrowed-driver.ts';
import { fromSqlite } from './sqlite-error.ts';

const STATEMENTS_MAX = 500;

/**
 * Hears of every statement before it runs, and of those without values (COMMIT) also when they are `done`; what it throws
 * is what the statement threw. For tests that end the process there.
 */
export type Probe = (sql: string, done: boolean) => void;

/** One SQLite connection, with its prepared statements kept. */
export class Connection {
  readonly file: string;
  readonly database: DatabaseSync;
  // biome-ignore lint/suspicious/noExplicitAny: each module narrows it to its own tables
  readonly kysely: Kysely<any>;
  probe: Probe | undefined;
  /** Called before each statement. */
  before: (() => void) | undefined;
  /** Nothing waits until it is on the disk: the file goes with its process. */
  isScratch = false;
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string, readOnly: boolean) {
    this.file = file;
    this.database = this.guarded(() => new DatabaseSync(file, { readOnly, timeout: 5000 }));
    this.kysely = new Kysely({
      dialect: {
        createAdapter: () => new SqliteAdapter(),
        createDriver: () =>
          new BorrowedDriver(<R>(query: CompiledQuery) => Promise.resolve(execute<R>(this, query))),
        createIntrospector: db => new SqliteIntrospector(db),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      },
    });
  }

  /** A prepared statement; the same text gives the same one. */
  prepare(sql: string): StatementSync {
    this.before?.();
    this.probe?.(sql, false);
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
      statement = this.guarded(() => this.database.prepare(sql));
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  exec(sql: string): void {
    this.before?.();
    this.probe?.(sql, false);
    this.guarded(() => this.database.exec(sql));
    this.probe?.(sql, true);
  }

  /** The same for one statement without values that comes again and again: it is prepared once. */
  turn(sql: string): void {
    const statement = this.prepare(sql);
    this.guarded(() => statement.run());
    this.probe?.(sql, true);
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.guarded(() => this.prepare(sql).all(...values) as Row[]);
  }

  /** Rows as arrays of their columns. */
  arrays(sql: string, ...values: SQLInputValue[]): unknown[][] {
    return this.guarded(() => {
      const statement = this.prepare(sql);
      statement.setReturnArrays(true);
      return statement.all(...values) as unknown as unknown[][];
    });
  }

  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.guarded(() => this.prepare(sql).get(...values) as Row | undefined);
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    return this.guarded(() => Number(this.prepare(sql).run(...values).changes));
  }

  close(): void {
    this.#statements.clear();
    this.database.close();
  }

  guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw fromSqlite(error, this.file);
    }
  }
}

function execute<R>(connection: Connection, query: CompiledQuery): QueryResult<R> {
  const values = query.parameters as SQLInputValue[];
  const { kind } = query.query;
  // A step that was given up may go on with its transaction: what it writes after the end would belong to nobody.
  invariant(
    kind === 'SelectQueryNode' || kind === 'RawNode' || connection.database.isTransaction,
    'the transaction has ended: nothing can be written in it any more',
  );
  const returns = kind === 'SelectQueryNode' || 'returning' in query.query || kind === 'RawNode';
  if (returns) return { rows: connection.all<R>(query.sql, ...values) };
  return connection.guarded(() => {
    const { changes, lastInsertRowid } = connection.prepare(query.sql).run(...values);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  });
}

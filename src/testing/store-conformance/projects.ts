import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCoaxError } from '../../errors/coax-error.ts';
import { acceptDetail } from '../../ledger/accepted.ts';
import { fsckStore } from '../../store/fsck.ts';
import { type StoreFactory, submission, submitOne, withStore } from './fixture.ts';

export function projectsConformance(factory: StoreFactory): void {
  describe('projects', () => {
    it('keeps whose a message is, in its row and in its first commit', () =>
      withStore(factory, async store => {
        const [red, plain] = await store.submit([submission({ n: 1 }, { project: 'red' }), submission()]);
        assert.equal((await store.message(red!.msgid))?.project, 'red');
        assert.equal((await store.message(plain!.msgid))?.project, 'default');
        const [first] = await store.commits(red!.msgid);
        assert.equal(acceptDetail(first!).project, 'red');
        // As before there were projects: the same text, so the same id.
        const [other] = await store.commits(plain!.msgid);
        assert.deepEqual(Object.keys(other!.detail as object).sort(), ['flow', 'plan']);
        assert.deepEqual((await fsckStore(store.scan())).faults, []);
      }));

    it('lists and counts those of some projects', () =>
      withStore(factory, async store => {
        const projects = ['red', 'blue', 'default', 'red', 'green'];
        await store.submit(projects.map(project => submission({}, { project })));
        const listed = async (of: string[]) =>
          (await store.messages({ projects: of, limit: 10 })).map(({ project }) => project);
        assert.deepEqual(await listed(['red']), ['red', 'red']);
        assert.deepEqual(await listed(['red', 'green']), ['green', 'red', 'red']);
        assert.deepEqual(await listed(['default', 'blue']), ['default', 'blue']);
        assert.deepEqual(await listed([]), []);
        assert.equal((await store.counts(['red', 'green'])).queued, 3);
        assert.equal((await store.counts(['default'])).queued, 1);
        assert.equal((await store.counts([])).queued, 0);
        assert.equal((await store.counts()).queued, 5);
      }));

    it('has idempotency keys for each project', () =>
      withStore(factory, async store => {
        const of = (project: string) => submitOne(store, {}, { project, idempotencyKey: 'k' });
        const red = await of('red');
        const blue = await of('blue');
        const plain = await of('default');
        assert.equal(new Set([red, blue, plain]).size, 3);
        assert.equal(await of('red'), red);
        assert.equal(await of('default'), plain);
        // A key that looks as another project's are kept does not meet it.
        const forged = await submitOne(store, {}, { idempotencyKey: '\u0001red\u0001k' });
        assert.ok(![red, blue, plain].includes(forged));
        await assert.rejects(
          () => submitOne(store, { other: 1 }, { project: 'red', idempotencyKey: 'k' }),
          error => isCoaxError(error, 'COAX_IDEMPOTENCY_CONFLICT') && error.reason.includes('"k"'),
        );
      }));
  });
}

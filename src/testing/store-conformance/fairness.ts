import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { retryable } from '../../message/outcome.ts';
import type { Store } from '../../store/store.ts';
import { claimAt, finish, type StoreFactory, submission, withStore } from './fixture.ts';

const FLOOD = 10_000;

async function queue(store: Store, project: string, count: number): Promise<void> {
  for (let made = 0; made < count; made += 1000) {
    const size = Math.min(1000, count - made);
    await store.submit(Array.from({ length: size }, () => submission({}, { project })));
  }
}

const projectsOf = async (store: Store, limit: number): Promise<string[]> =>
  (await claimAt(store, 'net', limit)).map(({ message }) => message.project);

/** How often each is there. */
const tally = (names: readonly string[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(names, name => name)].map(([name, of]) => [name, of.length]));

export function fairnessConformance(factory: StoreFactory): void {
  describe('fairness between projects', () => {
    it('gives the one message of a project soon, behind ten thousand of another', () =>
      withStore(factory, async store => {
        await queue(store, 'flood', FLOOD);
        await queue(store, 'small', 1);
        const first = [...(await projectsOf(store, 1)), ...(await projectsOf(store, 1))];
        assert.deepEqual(first.sort(), ['flood', 'small']);
        // It came behind all of them again.
        await queue(store, 'small', 1);
        assert.deepEqual(tally(await projectsOf(store, 64)), { flood: 63, small: 1 });
        assert.deepEqual(await projectsOf(store, 3), ['flood', 'flood', 'flood']);
      }));

    it('serves projects in turn, however few are claimed at once', () =>
      withStore(factory, async store => {
        const names = ['a', 'b', 'c', 'default', 'e'];
        for (const name of names) await queue(store, name, 20);
        const seen: string[] = [];
        for (let i = 0; i < 10; i++) seen.push(...(await projectsOf(store, 2)));
        assert.deepEqual(tally(seen), { a: 4, b: 4, c: 4, default: 4, e: 4 });
        for (let at = 0; at + 5 <= seen.length; at += 5)
          assert.deepEqual(seen.slice(at, at + 5).sort(), names, 'each once before any twice');
      }));

    it('gives what some leave of their shares to the others, and the oldest of each first', () =>
      withStore(factory, async store => {
        await queue(store, 'a', 2);
        await queue(store, 'b', 100);
        await queue(store, 'c', 5);
        const claims = await claimAt(store, 'net', 30);
        const names = claims.map(({ message }) => message.project);
        assert.deepEqual(tally(names), { a: 2, b: 23, c: 5 });
        assert.deepEqual(names.slice(0, 6).sort(), ['a', 'a', 'b', 'b', 'c', 'c'], 'mixed, not in blocks');
        for (const of of Map.groupBy(claims, ({ message }) => message.project).values())
          assert.deepEqual(
            of.map(({ msgid }) => msgid),
            of.map(({ msgid }) => msgid).sort((x, y) => x - y),
          );
        assert.equal((await claimAt(store, 'net', 1000)).length, 77);
        assert.deepEqual(await claimAt(store, 'net', 10), []);
      }));

    it('keeps no share for a project whose messages are to be tried later', () =>
      withStore(factory, async store => {
        await queue(store, 'a', 1);
        const [claim] = await claimAt(store, 'net', 1);
        await finish(store, claim!, retryable('E', 'later', 600_000));
        assert.deepEqual(await store.readyAddresses(), []);
        await queue(store, 'b', 4);
        assert.deepEqual(await store.readyAddresses(), ['net']);
        assert.deepEqual(await projectsOf(store, 4), ['b', 'b', 'b', 'b']);
      }));
  });
}

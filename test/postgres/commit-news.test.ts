/** News of commits goes to those who listen to commits, and is not sent where nobody does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import pg from 'pg';
import { REAL_TIMERS } from '../../src/store/timers.ts';
import { planOfSteps, submitOne } from '../../src/testing/store-conformance/fixture.ts';
import { postgresTests, until } from './fixture.ts';

const { withDatabase } = postgresTests();

/** Longer than a listener is remembered. */
const LATER_MS = 60_000;

it('wakes nobody who does not listen to them, and is sent from when one begins to', () =>
  withDatabase(async ({ url, open }) => {
    const heard: { channel: string; payload: string }[] = [];
    const ear = new pg.Client({ connectionString: url });
    ear.on('notification', ({ channel, payload = '' }) => heard.push({ channel, payload }));
    await ear.connect();
    try {
      await ear.query('LISTEN coax_public; LISTEN "coax_public:c"');
      let offset = 0;
      const timers = { ...REAL_TIMERS, monotonic: () => performance.now() + offset };
      const sender = await open({ timers });
      const ready = (module: string) => () => heard.some(({ payload }) => payload.includes(`"${module}"`));
      const submit = async (module: string): Promise<number> => {
        const msgid = await submitOne(sender, {}, { plan: planOfSteps(`${module} act`) });
        await until(`work at ${module} is told of`, ready(module));
        return msgid;
      };
      const onCommits = () => heard.filter(({ channel }) => channel === 'coax_public:c').length;
      await submit('early');
      await until('while it cannot know it tells', () => onCommits() > 0);
      offset = LATER_MS;
      // What was gathered before that is sent with this at the latest.
      await submit('between');
      const before = onCommits();
      await submit('alone');
      await submit('after');
      assert.equal(onCommits(), before, 'nobody listens, so nobody is told');

      const listener = await open();
      const found: number[] = [];
      listener.onCommit(events => found.push(...events.map(({ message }) => message.msgid)));
      await until('it says that it listens', () => heard.some(({ payload }) => payload.includes('"l":1')));
      // It tells of what comes after its first look.
      await until('commits are told of, and heard of', async () => {
        await submit('late');
        return found.length > 0 && onCommits() > before;
      });
      for (const { channel, payload } of heard)
        assert.equal(payload.includes('"c":1'), channel === 'coax_public:c', payload);
    } finally {
      await ear.end();
    }
  }));

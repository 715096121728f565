import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { RETRY_DEFAULT } from '../message/backoff.ts';
import { parametersOf } from '../message/parameters.ts';
import { type History, historyOf, someHistories } from '../testing/message-history.ts';
import type { Move } from '../testing/random-message.ts';
import { type ExportMessage, gitExport } from './git-export.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const exported = ({ row, plan, commits }: History): ExportMessage => ({
  msgid: row.msgid,
  flow: row.flow,
  plan,
  created: row.created,
  commits,
});

async function streamOf(histories: readonly History[]): Promise<string> {
  let text = '';
  for await (const part of gitExport(histories.map(exported))) text += part;
  return text;
}

interface Repository {
  git(...args: string[]): string;
}

async function imported(histories: readonly History[]): Promise<Repository> {
  const folder = mkdtempSync(join(tmpdir(), 'coax-git-'));
  folders.push(folder);
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
  };
  const git = (args: readonly string[], input = '') =>
    execFileSync('git', args, { cwd: folder, env, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
  git(['init', '-q', '-b', 'main']);
  git(['fast-import', '--quiet'], await streamOf(histories));
  return { git: (...args) => git(args) };
}

const step = (module: string, action: string) => ({ module, action, timeoutMs: 1000, retry: RETRY_DEFAULT });
const PLAN = {
  steps: [step('resource', 'select_host'), step('network', 'alloc_ip'), step('compute', 'create_vm')],
};
const ok = (set: Record<string, string | number>): Move => ({ move: 'work', kind: 'ok', set });
const failed: Move = { move: 'work', kind: 'terminal', set: {} };

describe('export to git', () => {
  it('git blame names the step that set each parameter', async () => {
    const first = historyOf(
      PLAN,
      { cpu: 2, mem: 4096 },
      [ok({ host: 'h1' }), ok({ ip: '10.0.0.7' }), ok({})],
      { msgid: 141592 },
    );
    const { git } = await imported([first]);
    const subjects = new Map<string, string>();
    let subject = '';
    for (const line of git(
      'blame',
      '--line-porcelain',
      'main',
      '--',
      'messages/141592/parameters.json',
    ).split('\n')) {
      if (line.startsWith('summary ')) subject = line.slice(8);
      if (line.startsWith('\t')) subjects.set(line.slice(1).trim(), subject);
    }
    assert.deepEqual(Object.fromEntries(subjects), {
      '{': '141592 create_vm: accepted',
      '"cpu": 2,': '141592 create_vm: accepted',
      '"host": "h1",': '141592 resource select_host: ok',
      '"ip": "10.0.0.7",': '141592 network alloc_ip: ok',
      '"mem": 4096,': '141592 create_vm: accepted',
      '"$message": 141592': '141592 create_vm: accepted',
      '}': '141592 create_vm: accepted',
    });
    git('fsck', '--strict', '--no-dangling');
  });

  it('git log reads as what happened, with the error, who did it, when, and the id of the ledger commit', async () => {
    const history = historyOf(PLAN, {}, [ok({ host: 'h1' }), failed, ok({}), ok({})], {
      created: 1_700_000_000_000,
      everyMs: 1000,
    });
    const { git } = await imported([history]);
    const log = git('log', '--reverse', '--format=%s|%an|%cn|%ct', 'main').trim().split('\n');
    assert.deepEqual(log, [
      '7 create_vm: accepted|ann|ann|1700000000',
      '7 resource select_host: ok|w1|coax|1700000001',
      '7 network alloc_ip: failed|w1|coax|1700000002',
      '7 network alloc_ip: undo ok|w1|coax|1700000003',
      '7 resource select_host: undo ok|w1|coax|1700000004',
    ]);
    assert.match(
      git('log', '-1', '--format=%B', 'main~2'),
      /^7 network alloc_ip: failed\n\nE_RANDOM: chance\n/,
    );
    const ids = git(
      'log',
      '--reverse',
      '--format=%(trailers:key=Coax-Commit,valueonly,separator=%x20)',
      'main',
    );
    assert.deepEqual(
      ids.trim().split('\n'),
      history.commits.map(({ id }) => id),
    );
    const patch = git('log', '-p', '-1', 'main');
    assert.match(patch, /-phase: open\n\+cursor: -1\n\+phase: rolled_back\n/);
    assert.match(patch, /^- {2}"host": "h1",$/m);
  });

  it('names with marks of git, line breaks or NUL harm nothing', async () => {
    const odd = historyOf(PLAN, { cpu: 'é\u2028"\n\0' }, [ok({ host: 'data 3\ndone\n' })], {
      flow: 'a\nb\0: <x>\ncommit refs/heads/evil',
    });
    const commits = odd.commits.map(commit => ({
      ...commit,
      actor: 'Eve <e@x>\n\0',
      worker: commit.worker && '<>\n',
    }));
    const { git } = await imported([{ ...odd, commits }]);
    assert.equal(git('for-each-ref', '--format=%(refname)').trim(), 'refs/heads/main');
    assert.equal(git('log', '-1', '--format=%an %ae', 'main').trim(), 'unknown unknown@coax');
    const kept = JSON.parse(git('show', 'main:messages/7/parameters.json'));
    assert.deepEqual(kept, { ...parametersOf(odd.state), $message: 7 });
    git('fsck', '--strict', '--no-dangling');
  });

  it('commits of many messages come in the order of time, each message in the order of its chain', async () => {
    const moves: Move[] = [ok({ host: 'h1' }), ok({ ip: 'x' }), ok({})];
    const at = (msgid: number, created: number, everyMs: number) =>
      historyOf(PLAN, {}, moves, { msgid, created: created * 1000, everyMs });
    const histories = [at(1, 100, 10_000), at(2, 105, 1000), at(3, 105, 20_000), at(4, 200, 1000)];
    const { git } = await imported(histories);
    const log = git('log', '--reverse', '--format=%ct %s', 'main').trim().split('\n');
    assert.equal(log.length, 16);
    const times = log.map(line => Number(line.split(' ')[0]));
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.deepEqual(
      log.slice(0, 6).map(line => line.split(' ').slice(0, 2).join(' ')),
      ['100 1', '105 2', '105 3', '106 2', '107 2', '108 2'],
    );
    assert.deepEqual(git('ls-tree', '--name-only', 'main:messages').trim().split('\n'), ['1', '2', '3', '4']);
  });

  it('any histories are accepted by git, and the last tree holds every message as it stands', async () => {
    const histories = fc.sample(someHistories, { numRuns: 25, seed: 3 }).map((history, index) =>
      // A message that keeps its history under another number: only the export looks at it.
      ({ ...history, row: { ...history.row, msgid: index + 1, created: history.row.created } }),
    );
    const { git } = await imported(histories);
    git('fsck', '--strict', '--no-dangling');
    for (const { row, state } of histories) {
      const kept = JSON.parse(git('show', `main:messages/${row.msgid}/parameters.json`));
      assert.deepEqual(kept, { ...parametersOf(state), $message: row.msgid });
      const yaml = git('show', `main:messages/${row.msgid}/message.yaml`);
      assert.match(yaml, new RegExp(`^mode: ${state.mode}\ncursor: ${state.cursor}\n`, 'm'));
    }
    const count = histories.reduce((sum, { commits }) => sum + commits.length, 0);
    assert.equal(Number(git('rev-list', '--count', 'main')), count);
  });
});

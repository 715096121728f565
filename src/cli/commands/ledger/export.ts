import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Client } from '../../../client/client.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { defineVerb } from '../../verb.ts';

/** What one string can hold with room to spare; a larger ledger goes through a pipe. */
const INPUT_MAX_BYTES = 256 * 1024 * 1024;

/** Writes the ledger as a git repository, or as a stream for `git fast-import`. */
export const verb = defineVerb<{ git?: string }>({
  examples: [
    [
      'coax export --git /tmp/ledger && git -C /tmp/ledger log --graph --all',
      'a repository that any git tool reads',
    ],
    ['coax export | git -C DIR fast-import', 'the same for a ledger of any size'],
  ],
  options: [
    {
      flags: '--git <dir>',
      about: 'Make this repository; else the stream goes to standard output',
      completes: 'file',
    },
  ],
  async run(context, _args, { git }) {
    const client = await context.client();
    if (git !== undefined) {
      context.out.hint(await importInto(client, resolve(git)));
      context.out.line(resolve(git));
      return 0;
    }
    if (context.out.stdout.isTTY) {
      throw new CoaxError('COAX_USAGE', 'the stream is for git, not for a terminal', {
        hint: 'coax export --git DIR',
      });
    }
    for await (const chunk of client.exportGit()) {
      if (!context.out.stdout.write(chunk)) await once(context.out.stdout, 'drain');
    }
    return 0;
  },
});

async function importInto(client: Client, dir: string): Promise<string> {
  const { exec, findProgram } = await import('../../../linux/process/exec.ts');
  if (findProgram('git') === null) {
    throw new CoaxError('COAX_TOOL_MISSING', 'git is not installed', {
      hint: 'Install git, or keep the stream: coax export > ledger.fi',
    });
  }
  if (existsSync(dir) && readdirSync(dir).length > 0) {
    throw new CoaxError('COAX_USAGE', `${dir} is not empty`, {
      where: '--git',
      hint: 'Name a folder that does not exist yet.',
    });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of client.exportGit()) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > INPUT_MAX_BYTES) {
      throw new CoaxError('COAX_USAGE', 'the ledger is too large for --git', {
        hint: `git init ${dir} && coax export | git -C ${dir} fast-import`,
      });
    }
  }
  mkdirSync(dir, { recursive: true });
  const run = async (args: string[], input = '') => {
    const end = await exec('git', args, { input });
    if (end.code !== 0)
      throw new CoaxError(
        'COAX_STEP_FAILED',
        `git ${args[2] ?? args[0]} failed: ${end.stderr.trim().split('\n').at(-1)}`,
        { where: dir, hint: 'Try the stream by hand: coax export | git -C DIR fast-import' },
      );
    return end.stdout;
  };
  await run(['init', '--quiet', '--initial-branch=main', dir]);
  await run(['-C', dir, 'fast-import', '--quiet'], Buffer.concat(chunks).toString('utf8'));
  // The files too, so that `git blame FILE` works as in any checkout.
  await run(['-C', dir, 'reset', '--quiet', '--hard', 'main']);
  const commits = (await run(['-C', dir, 'rev-list', '--all', '--count'])).trim();
  return `${commits} commits; git -C ${dir} log -p`;
}

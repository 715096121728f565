import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exec } from '../../src/linux/process/exec.ts';

/** The completion of each shell, asked of the shell itself as a person at its prompt would ask. */
const BIN = fileURLToPath(new URL('../../bin', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'coax-completion-'));
after(() => rmSync(home, { recursive: true }));
const env = {
  PATH: `${BIN}:/usr/bin:/bin`,
  HOME: home,
  COAX_DATA: join(home, 'data'),
  LC_ALL: 'C.UTF-8',
  TERM: 'dumb',
};

async function run(program: string, ...args: string[]): Promise<string> {
  const end = await exec(program, args, { env, timeoutMs: 60_000 });
  assert.equal(end.code, 0, `${program}: ${end.stderr}`);
  return end.stdout;
}

test('bash completes verbs', async () => {
  const script = `source <(coax completion bash); compopt() { :; }
    COMP_LINE='coax rev'; COMP_POINT=8; _coax coax; printf '%s\\n' "\${COMPREPLY[@]}"`;
  assert.equal(await run('bash', '--norc', '-c', script), 'revert\n');
});

test('fish completes verbs and choices, with what they are for', async () => {
  const script = `coax completion fish | source; complete -C 'coax rev'; complete -C 'coax ls --status par'`;
  assert.equal(
    await run('fish', '--no-config', '-c', script),
    'revert\tWalk a finished message back\nparked\n',
  );
});

test('zsh completes verbs at its prompt', async () => {
  // zpty gives an interactive shell a terminal; the inner shell says when its prompt has the completed line.
  const script = String.raw`
    zmodload zsh/zpty
    zpty z 'zsh -f -i'
    wait_for() { local all; zpty -r z all "*$1*" || exit 3; print -r -- "$all" }
    zpty -w z 'PS1=; autoload -Uz compinit; compinit -u; source <(coax completion zsh); print REA""DY'
    wait_for READY >/dev/null
    zpty -n -w z $'coax rev\t'
    wait_for 'coax revert'
    zpty -d z`;
  assert.match(await run('zsh', '-f', '-c', script), /coax revert/);
});

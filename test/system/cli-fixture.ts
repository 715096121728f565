import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exec } from '../../src/linux/process/exec.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const RUN_MS = 120_000;

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A data directory of its own and the command line that works in it, as a user has it. */
export class CliWorld {
  readonly dir = mkdtempSync(join(tmpdir(), 'coax-cli-'));
  readonly dataDir = join(this.dir, 'data');

  /** Runs `coax ARGS` to its end. */
  async coax(...args: string[]): Promise<Ran> {
    return this.run(args, '');
  }

  async run(args: readonly string[], input: string, env: Record<string, string> = {}): Promise<Ran> {
    const end = await exec(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
      input,
      timeoutMs: RUN_MS,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: this.dir,
        COAX_DATA: this.dataDir,
        LC_ALL: 'C.UTF-8',
        ...env,
      },
    });
    return { status: end.code, stdout: end.stdout, stderr: end.stderr };
  }

  file(name: string, text: string, mode = 0o644): string {
    const path = join(this.dir, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  }

  async close(): Promise<void> {
    await this.coax('down');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** An executable that fails or sticks where its parameters say. */
export const PROBE = `#!/bin/sh
if [ "$COAX_MODE" = do ]; then
  [ "$COAX_PARAM_FAIL" = "$COAX_STEP" ] && { echo "no space left" >&2; exit 1; }
  while [ -n "$COAX_PARAM_UNTIL" ] && [ ! -e "$COAX_PARAM_UNTIL" ]; do sleep 0.05; done
  echo "{\\"out$COAX_STEP\\": $COAX_STEP}"
else
  [ "$COAX_PARAM_STICK" = "$COAX_STEP" ] && { echo "switch is silent" >&2; exit 1; }
  echo '{}'
fi
`;

export const PROBE_FLOW = `name: probe
parameters:
  fail: {type: integer, default: -1}
  stick: {type: integer, default: -1}
  until: {type: string, default: ''}
  label: {type: string, default: ''}
steps:
  - {do: probe work, timeout: 60s}
  - {do: probe work, timeout: 60s}
`;

import { AgentFolder, type AgentStatus } from '../../../agent/agent-folder.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Context } from '../../context.ts';
import { isCoaxProcess } from '../../data-dir.ts';

const STOP_MS = 60_000;
const LOOK_MS = 50;
/** As for a server that does not answer. */
const AWAY = 6;

/** The agent that runs in a data directory; null if none does. */
export function runningAgent(dataDir: string): { pid: number; status: AgentStatus | null } | null {
  const folder = new AgentFolder(dataDir);
  const pid = folder.pid();
  if (pid === null || !isCoaxProcess(pid)) return null;
  const status = folder.status();
  return { pid, status: status?.pid === pid ? status : null };
}

export async function showStatus({ dataDir, out }: Context): Promise<number> {
  const found = runningAgent(dataDir);
  const kept = new AgentFolder(dataDir).membership();
  if (kept === null && found === null) {
    throw new CoaxError('COAX_NOT_FOUND', 'this host has not joined a server', {
      where: dataDir,
      hint: '`coax host token` on the server prints the whole command to paste here.',
    });
  }
  const status = found?.status ?? null;
  const view = {
    host: status?.host ?? kept?.host ?? null,
    url: status?.url ?? kept?.url ?? null,
    pid: found?.pid ?? null,
    connected: status?.connected ?? false,
    since: status === null ? null : new Date(status.since).toISOString(),
    state: status?.state ?? null,
    reason: status?.reason ?? '',
    guests: status?.guests ?? null,
    steps: status?.steps ?? null,
  };
  await out.object(view, view.host ?? '', () =>
    out.fields([
      ['host', out.style('bold', view.host ?? '')],
      ['server', view.url],
      ['agent', found === null ? out.style('yellow', 'does not run') : `runs (pid ${found.pid})`],
      ['connected', found === null ? null : connectedText(status)],
      ['state', view.state],
      ['reason', view.reason || null],
      ['guests', view.guests],
    ]),
  );
  return view.connected ? 0 : AWAY;

  function connectedText(told: AgentStatus | null): string {
    if (told === null) return 'not yet';
    return `${told.connected ? 'yes' : out.style('yellow', 'no')}, ${out.time(told.since)}`;
  }
}

export async function stop({ dataDir, out }: Context): Promise<number> {
  const found = runningAgent(dataDir);
  if (found === null) {
    out.hint(`no agent runs in ${dataDir}`);
    return 0;
  }
  const { pid } = found;
  await endAgent(pid, 'SIGTERM');
  await out.object({ pid }, String(pid), () => out.line(`stopped (pid ${pid}); VMs run on`));
  return 0;
}

/** Returns once it has ended. Errors: COAX_WAIT_TIMEOUT. */
export async function endAgent(pid: number, signal: 'SIGTERM' | 'SIGUSR2'): Promise<void> {
  process.kill(pid, signal);
  const deadline = Date.now() + STOP_MS;
  while (isCoaxProcess(pid)) {
    if (Date.now() > deadline) {
      throw new CoaxError('COAX_WAIT_TIMEOUT', `the agent (pid ${pid}) still lets steps end`, {
        hint: `Wait on with \`coax agent stop\` again; \`kill -9 ${pid}\` loses nothing: the next agent carries on.`,
      });
    }
    await new Promise(done => setTimeout(done, LOOK_MS));
  }
}

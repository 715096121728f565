import { createHash } from 'node:crypto';
import type { WorkerView } from '../../api/system.ts';
import type { WorkerRecord } from '../../store/workers.ts';
import { isoTime } from '../message-view.ts';

/** Workers as people see them. What is done with different code by different workers is marked. */
export function viewWorkers(workers: readonly WorkerRecord[]): WorkerView[] {
  const codes = codesOf(workers);
  return workers.map(({ name, process, about, steps, since, seen }) => ({
    name,
    role: about.role,
    process,
    host: about.host,
    pid: about.pid,
    version: about.version,
    addresses: [...about.addresses],
    modules: Object.entries(about.modules).map(([module, actions]) => {
      const views = Object.entries(actions).map(([action, code]) => ({
        action,
        code,
        differs: (codes.get(`${module} ${action}`)?.size ?? 0) > 1,
      }));
      return {
        module,
        code: codeOfModule(actions),
        differs: views.some(view => view.differs),
        actions: views,
      };
    }),
    steps,
    draining: about.draining,
    since: isoTime(since),
    seen: isoTime(seen),
  }));
}

/** Every code that an action is done with somewhere. */
function codesOf(workers: readonly WorkerRecord[]): ReadonlyMap<string, ReadonlySet<string>> {
  const codes = new Map<string, Set<string>>();
  for (const { about } of workers) {
    for (const [module, actions] of Object.entries(about.modules)) {
      for (const [action, code] of Object.entries(actions)) {
        const name = `${module} ${action}`;
        const known = codes.get(name) ?? new Set();
        codes.set(name, known.add(code));
      }
    }
  }
  return codes;
}

/** One hash for all actions of a module. */
function codeOfModule(actions: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(actions).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}

import { z } from 'zod';
import { CoaxError, isCoaxError } from '../../errors/coax-error.ts';
import type { StepCall } from '../../step/contract.ts';
import { defineModule, type ModuleDefinition } from '../../step/define-module.ts';
import { Retryable, Terminal } from '../../step/step-errors.ts';
import type { ContentSource } from '../content-source.ts';
import type { Asker, PackageHost } from '../install/package-host.ts';
import { parseWanted } from '../install/resolve.ts';
import { type Generation, previousOf } from '../store/generations.ts';
import { Fences } from './fences.ts';

export interface PackageModuleOptions {
  /** Random text that tells this installation from all others: a step's key is unique in it alone. */
  readonly installation: string;
  /** The packages of a host that is served here, or null. */
  hostAt(host: string): PackageHost | null;
  /** Where its packages come from. */
  sourceAt(host: string): ContentSource;
}

/** So many faults stand in the message; the count is of all. */
const FAULTS_MAX = 200;

const PackageText = z.string().min(1);
const At = z.object({ name: z.string(), version: z.string() });
const Replaced = z.record(z.string(), z.string().nullable());

const Fetch = z.object({ package: PackageText, version: z.string().default('') });
const Named = z.object({ package: PackageText });
const Fetched = z.object({
  /** What is here now to switch to: the package, and what it depends on that did not stand here. */
  fetched: z.array(At),
  /** Bytes that came from the source; all else was here. */
  fetchedBytes: z.int(),
});
const Switched = z.object({
  /** What changed, with the version of before; null: there was none. */
  replaced: Replaced,
});

/**
 * Module `package`: packages of a host; its steps are addressed `at` one. What a step has switched is marked with its key, so
 * each may be repeated by another worker, and its undo puts back just that.
 */
export function packageModule(options: PackageModuleOptions): ModuleDefinition {
  const parts = partsOf(options);
  const { on, askerOf, once, undo } = parts;
  return defineModule({
    name: 'package',
    about: 'Packages on a host.',
    actions: {
      ...lookActions(parts),
      fetch: {
        about:
          'Brings a package, and what it depends on, to a host; nothing is switched. Stays when undone, until gc.',
        input: Fetch,
        output: Fetched,
        async do({ package: name, version }, call) {
          const wanted = parseWanted(version === '' ? name : `${name}@${version}`);
          return await on(call, async (host, name) => {
            const source = options.sourceAt(name);
            const { packages, bytes, contents } = await host.fetch(wanted, source, askerOf(call));
            call.detail({ source: source.name, contents, bytes });
            return { fetched: [...packages], fetchedBytes: bytes };
          });
        },
        undo() {},
      },
      switch: {
        about: 'Switches a host to what was fetched, at one instant; back, if hooks or health checks fail.',
        input: z.object({ fetched: z.array(At) }),
        output: Switched,
        do: ({ fetched }, call) => once(call, host => host.switchTo(fetched, askerOf(call))),
        undo: (_input, _output, call) => undo(call),
      },
      rollback: {
        about: 'Switches a package back to its version of before, with all that changed together with it.',
        input: Named,
        output: Switched,
        do: ({ package: name }, call) => once(call, host => host.rollback(name, askerOf(call))),
        undo: (_input, _output, call) => undo(call),
      },
      remove: {
        about: 'Takes a package from a host, unless another one there needs it.',
        input: Named,
        output: Switched,
        do: ({ package: name }, call) => once(call, host => host.remove(name, askerOf(call))),
        undo: (_input, _output, call) => undo(call),
      },
      gc: {
        about: 'Deletes versions that are neither current nor previous, and what only they need.',
        input: z.object({}),
        output: z.object({
          collected: z.object({ versions: z.array(At), contents: z.int(), bytes: z.int() }),
        }),
        async do(_input, call) {
          const { versions, ...rest } = await on(call, host => host.collect(askerOf(call)));
          return { collected: { versions: [...versions], ...rest } };
        },
        undo() {},
      },
    },
  });
}

type Parts = ReturnType<typeof partsOf>;

/** What only looks. */
function lookActions({ on, askerOf }: Parts) {
  return {
    check: {
      about: 'Runs the health check of a package that stands on a host.',
      input: Named,
      output: z.object({}),
      async do({ package: name }: z.output<typeof Named>, call: StepCall) {
        await on(call, host => host.check(name, askerOf(call)));
        return {};
      },
      undo() {},
    },
    list: {
      about: 'Says which packages stand on a host.',
      input: z.object({}),
      output: z.object({
        packages: z.array(
          z.object({
            name: z.string(),
            version: z.string().nullable(),
            previous: z.string().nullable(),
            digest: z.string().nullable(),
            about: z.string(),
          }),
        ),
      }),
      async do(_input: object, call: StepCall) {
        return { packages: await on(call, host => host.list()) };
      },
      undo() {},
    },
    verify: {
      about: 'Reads every byte of the packages of a host, or of one, and names what was changed by hand.',
      input: z.object({ package: z.string().default('') }),
      output: z.object({
        verified: z.object({
          faults: z.array(
            z.object({
              package: z.string(),
              version: z.string(),
              path: z.string(),
              fault: z.string(),
              reason: z.string(),
            }),
          ),
          faultCount: z.int(),
        }),
      }),
      async do({ package: name }: { package: string }, call: StepCall) {
        const faults = await on(call, host => host.verify(name || null, call.signal));
        return { verified: { faults: faults.slice(0, FAULTS_MAX), faultCount: faults.length } };
      },
      undo() {},
    },
  };
}

/** What the actions share. */
function partsOf({ installation, hostAt }: PackageModuleOptions) {
  const fences = new Fences();
  /** Works on the host of a step's address. An error says on which host it was: a message may be at work on many. */
  async function on<T>(
    call: StepCall,
    work: (packages: PackageHost, host: string) => Promise<T>,
  ): Promise<T> {
    const { host } = call;
    const packages = host === null ? null : hostAt(host);
    if (host === null || packages === null) {
      const reason = host === null ? 'no host: the step needs `at: host`' : `host ${host} is not served here`;
      throw new Terminal(reason, { code: 'COAX_STEP_INPUT' });
    }
    try {
      return await work(packages, host);
    } catch (error) {
      if (!isCoaxError(error)) throw error;
      const { code, reason, hint, detail, faults } = error;
      throw new CoaxError(code, `${host}: ${reason}`, { where: host, hint, detail, faults, cause: error });
    }
  }
  const keyOf = (call: StepCall): string => `${installation} ${call.key}`;
  const askerOf = (call: StepCall): Asker => ({
    by: keyOf(call),
    signal: call.signal,
    log: line => call.log(line),
  });
  return {
    on,
    askerOf,
    /** Switches, unless an earlier run of the same step has; says what changed by it. */
    async once(
      call: StepCall,
      change: (host: PackageHost) => Promise<Generation>,
    ): Promise<z.input<typeof Switched>> {
      assertNewest(fences, call);
      const mine = await on(call, async host => {
        await host.recover(askerOf(call));
        const before = await host.changedBy(keyOf(call));
        if (Object.keys(before).length > 0) return before;
        await change(host);
        return await host.changedBy(keyOf(call));
      });
      return {
        replaced: Object.fromEntries(
          Object.entries(mine).map(([name, placed]) => [name, previousOf(placed)]),
        ),
      };
    },
    /** A step that no host ever got has nothing to undo. */
    async undo(call: StepCall): Promise<void> {
      if (call.host === null) return;
      assertNewest(fences, call);
      await on(call, host => host.undo(keyOf(call), askerOf(call)));
    },
  };
}

/** Whoever comes with an older fence has lost the step to another: it must not switch any more. */
function assertNewest(fences: Fences, call: StepCall): void {
  if (fences.passes(call.key, call.fence)) return;
  throw new Retryable('the step has been given to another worker since', { code: 'COAX_STEP_CANCELLED' });
}

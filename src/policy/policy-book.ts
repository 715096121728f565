import { CoaxError } from '../errors/coax-error.ts';
import type { RuleFunction, WeighFunction } from './facts.ts';

/** A named way to choose among hosts. */
export interface Policy {
  readonly name: string;
  readonly about: string;
  /** Weights of the weighers that come with Coax, by name; `pack` when empty and there are no others. */
  readonly weights: Readonly<Record<string, number>>;
  /** Rules of the user's, asked after those of Coax. */
  readonly rules: readonly { readonly name: string; readonly passes: RuleFunction }[];
  /** Weighers of the user's. */
  readonly weighers: readonly {
    readonly name: string;
    readonly weight: number;
    readonly weigh: WeighFunction;
  }[];
  /** Name of the file's own, or one that comes with Coax. */
  readonly builtin: boolean;
}

export interface PolicyBookParts {
  readonly default: string;
  readonly policies: ReadonlyMap<string, Policy>;
  /** Project → policy. */
  readonly projects: ReadonlyMap<string, string>;
  /** Flavor → policy. */
  readonly flavors: ReadonlyMap<string, string>;
  /** Where it came from; null for what comes with Coax alone. */
  readonly file: string | null;
}

/** The policies of a server, and who gets which. */
export class PolicyBook {
  readonly #parts: PolicyBookParts;

  constructor(parts: PolicyBookParts) {
    this.#parts = parts;
  }

  get file(): string | null {
    return this.#parts.file;
  }

  get default(): string {
    return this.#parts.default;
  }

  list(): readonly Policy[] {
    return [...this.#parts.policies.values()];
  }

  /** Projects and flavors that have a policy of their own. */
  get assigned(): { projects: ReadonlyMap<string, string>; flavors: ReadonlyMap<string, string> } {
    return this.#parts;
  }

  /**
   * Name of the policy for a request: the one that it names, else its flavor's, else its project's, else the default.
   * Errors: COAX_NOT_FOUND for a name that there is not.
   */
  nameFor(request: { policy?: string; flavor?: string; project?: string }): string {
    const { projects, flavors } = this.#parts;
    if (request.policy) return this.find(request.policy).name;
    if (request.flavor) {
      const policy = flavors.get(request.flavor);
      if (policy === undefined)
        throw new CoaxError('COAX_NOT_FOUND', `there is no flavor "${request.flavor}"`, {
          where: 'flavor',
          hint: `Flavors: ${[...flavors.keys()].join(', ') || 'none; they stand in placement.yaml'}.`,
        });
      return policy;
    }
    return projects.get(request.project ?? '') ?? this.#parts.default;
  }

  /** Errors: COAX_NOT_FOUND. */
  find(name: string): Policy {
    const policy = this.#parts.policies.get(name);
    if (policy !== undefined) return policy;
    throw new CoaxError('COAX_NOT_FOUND', `there is no policy "${name}"`, {
      where: 'policy',
      hint: `Policies: ${[...this.#parts.policies.keys()].join(', ')}.`,
    });
  }
}

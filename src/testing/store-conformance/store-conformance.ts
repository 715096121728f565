import { describe } from 'node:test';
import { claimConformance } from './claim.ts';
import { dropConformance } from './drop.ts';
import { durabilityConformance } from './durability.ts';
import { fairnessConformance } from './fairness.ts';
import type { StoreFactory } from './fixture.ts';
import { projectsConformance } from './projects.ts';
import { readConformance } from './read.ts';
import { submitConformance } from './submit.ts';
import { togetherConformance } from './together.ts';
import { transactConformance } from './transact.ts';
import { writeConformance } from './write.ts';

/** Declares the tests that every engine behind `Store` must pass; a new engine brings a factory and nothing else. */
export function storeConformance(name: string, factory: StoreFactory): void {
  describe(`store: ${name}`, () => {
    submitConformance(factory);
    projectsConformance(factory);
    fairnessConformance(factory);
    claimConformance(factory);
    writeConformance(factory);
    transactConformance(factory);
    togetherConformance(factory);
    dropConformance(factory);
    readConformance(factory);
    durabilityConformance(factory);
  });
}

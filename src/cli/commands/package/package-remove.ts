import { defineVerb } from '../../verb.ts';
import { WAIT } from '../message/decision.ts';
import { WAIT_STATUSES } from '../message/wait.ts';
import { ON, type OnOptions, submitOn } from './on-hosts.ts';

/** Takes a package from hosts. */
export const verb = defineVerb<OnOptions>({
  examples: [
    ['coax package remove web --on h7 --wait', 'unless another package there needs it'],
    ['coax package remove web --on disk=ssd', 'on all that have such labels'],
  ],
  details: ['Until `coax package gc` it stays on the host, and `coax package rollback` brings it back.'],
  args: [{ name: '<package>', about: 'Its name' }],
  options: [ON, ...WAIT],
  statuses: WAIT_STATUSES,
  run: (context, [name = ''], options) =>
    submitOn(context, 'remove_package', name, { package: name }, options),
});

import { defineVerb } from '../../verb.ts';
import { WAIT } from '../message/decision.ts';
import { WAIT_STATUSES } from '../message/wait.ts';
import { ON, type OnOptions, submitOn } from './on-hosts.ts';

/** Switches a package on hosts back to its version of before. */
export const verb = defineVerb<OnOptions>({
  examples: [
    [
      'coax package rollback web --on h7 --wait',
      'back to the version before, with what changed together with it',
    ],
    ['coax package rollback web --on disk=ssd', 'on all that have such labels'],
  ],
  details: [
    'Nothing is fetched: the version of before lies on the host still. Hooks and health checks run as in an install, and twice is where it began. To take back one install on all its hosts, revert its message: `coax revert MSGID`.',
  ],
  args: [{ name: '<package>', about: 'Its name' }],
  options: [ON, ...WAIT],
  statuses: WAIT_STATUSES,
  run: (context, [name = ''], options) =>
    submitOn(context, 'rollback_package', name, { package: name }, options),
});

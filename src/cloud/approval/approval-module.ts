import { z } from 'zod';
import { APPROVAL } from '../../message/group/approval.ts';
import { defineModule, type ModuleDefinition } from '../../step/define-module.ts';
import { Retryable } from '../../step/step-errors.ts';

/**
 * Module `approval`: a step that waits for a person. It says so by being put off; what ends it is the decision
 * `approve`, which takes the message on at once. A flow gives it many attempts, far apart.
 */
export function approvalModule(): ModuleDefinition {
  return defineModule({
    name: APPROVAL.module,
    about: 'Waits for a person.',
    actions: {
      [APPROVAL.action]: {
        about:
          'Waits until somebody approves or rejects: `coax approve MSGID`. Nothing to wait for if `pause` is false.',
        input: z.object({ pause: z.boolean().default(true) }),
        output: z.object({}),
        do({ pause }: { pause: boolean }, call: { readonly msgid: number }) {
          if (!pause) return {};
          throw new Retryable(`a person must approve this: \`coax approve ${call.msgid}\``, {
            code: 'COAX_APPROVAL_AWAITED',
          });
        },
        undo() {},
      },
    },
  });
}

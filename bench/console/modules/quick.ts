import { z } from 'zod';
import { defineModule } from '../../../src/step/define-module.ts';

/** Steps that end at once: what is measured is the page that shows them. */
export default defineModule({
  name: 'quick',
  about: 'Steps that end at once.',
  actions: {
    note: {
      input: z.object({}),
      output: z.object({ noted: z.number() }),
      do: () => ({ noted: 1 }),
      undo: () => {},
    },
  },
});

import { changeContexts, contextNamed, readContexts } from '../../login/contexts.ts';
import { defineVerb } from '../../verb.ts';
import { endLogin } from './logout.ts';

/** Ends a login, and forgets its server. */
export const verb = defineVerb({
  examples: [
    ['coax context rm old', 'logs out, and forgets the server'],
    ['coax context rm old -q', 'says nothing if the server cannot be told'],
  ],
  args: [{ name: '<name>', about: 'Name of the context' }],
  async run(context, [name = '']) {
    const { out } = context;
    await endLogin(context, contextNamed(name, readContexts()));
    const { current } = await changeContexts(before => {
      const { [name]: _, ...contexts } = before.contexts;
      return { current: before.current === name ? null : before.current, contexts };
    });
    await out.object({ context: name, current }, name, () => out.line(`${name} is forgotten`));
    return 0;
  },
});

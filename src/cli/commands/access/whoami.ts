import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { placeText } from './where.ts';

/** Who asks, and what that may do. */
export const verb = defineVerb({
  examples: [
    ['coax whoami', 'as whom you stand in the ledger, and your roles'],
    ['COAX_TOKEN=coax_… coax whoami', 'what a token opens'],
  ],
  async run(context) {
    const { out } = context;
    const who = await (await context.client()).access.whoami();
    await out.object(who, who.actor, () => {
      out.line(cell(who.actor));
      if (who.host !== null) out.line(`host ${cell(who.host)}`);
      for (const { project, role } of who.roles) out.line(`  ${role}  ${cell(placeText(project))}`);
      if (who.roles.length === 0 && who.host === null)
        out.hint('no role yet: an admin gives one with `coax role grant`');
    });
    return 0;
  },
});

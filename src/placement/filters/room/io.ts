import type { Filter } from '../filter.ts';

/** Only hosts that are not busy with many operations already. */
export const io: Filter = {
  name: 'io',
  passes: ({ host }, query) => -host.ioLoad > query.calm,
  why: ({ host }) => `${host.ioLoad} operations under way`,
  remedy: (removed, query) => ({
    nearest: `${removed[0]!.name} has ${io.why(removed[0]!, query)}`,
    fix: 'wait until some are done',
    byAsking: false,
  }),
};
